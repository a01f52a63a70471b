---The processes that functions are: one for each event, or one for each function that is given an event a line and answers
---each with a line. The listener runs them; nothing here waits.
local core = require "appsync.core"
local lambda_error = require "appsync.server.functions.lambda_error"
local printable = require "appsync.printable"

---@class appsync.server.Command
---@field words string[]
---@field by_lines boolean

---@class appsync.server.FunctionAnswer
---@field value any decoded
---@field err appsync.server.LambdaError?

---@class appsync.server.Job
---@field command appsync.server.Command
---@field json string the event
---@field done fun(answer: appsync.server.FunctionAnswer)
---@field ends_at number
---@field id number? of the process that works on it
---@field output string?
---@field is_over boolean? it has its answer, or is late

---@class appsync.server.Processes
---@field private listener appsync.server.native.Listener
---@field private clock fun(): number
---@field private now fun(): number
---@field private timeout_s number
---@field private log fun(text: string)
---@field private waiting appsync.server.Job[] in order
---@field private jobs table<number, appsync.server.Job> by process
---@field private resident table<appsync.server.Command, number> the process of a command that speaks lines
---@field private command_of table<number, appsync.server.Command>
---@field private n_running integer processes of one event each
---@field private is_starting boolean? jobs are being started
---@field private open appsync.server.Job[] those that aren't over, and some that are, in the order of their times
---@field private n_jobs integer that aren't over
local Processes = {}
Processes.__index = Processes

local processes = {}

-- Of Lambda (AWS Lambda Developer Guide, "Lambda quotas": invocation payload).
local MAX_BYTES = 6 * 1048576
-- Processes for one event each, at once.
local MAX_RUNNING = 16
-- Events that wait or are worked on; further ones are throttled.
local MAX_JOBS = 1000

---`settings`: listener, clock (seconds that never go back), now (Unix seconds), timeout_s (30), log(text).
---@param settings table
---@return appsync.server.Processes
function processes.new(settings)
  return setmetatable({
    listener = settings.listener, clock = settings.clock, now = settings.now, timeout_s = settings.timeout_s or 30,
    log = settings.log, waiting = {}, jobs = {}, resident = {}, command_of = {}, n_running = 0, n_jobs = 0, open = {},
  }, Processes)
end

---@private
function Processes:finish(job, answer)
  if job.is_over then return end
  job.is_over = true
  self.n_jobs = self.n_jobs - 1
  local ok, thrown = pcall(job.done, answer)
  if not ok then self.log("a function's answer could not be used: " .. tostring(thrown)) end
end

---@private
function Processes:fail(job, message)
  self:finish(job, { err = lambda_error.unhandled(message) })
end

---@private
function Processes:spawn(command)
  local id, message = self.listener:spawn(command.words, command.by_lines, MAX_BYTES)
  if id then self.command_of[id] = command end
  return id, message
end

-- Gives a job to a process; one that has closed its input is of no use.
---@private
function Processes:give(job, id, text, is_last)
  if not self.listener:feed(id, text, is_last) then
    self.listener:kill(id)
    return false
  end
  self.jobs[id], job.id = job, id
  return true
end

---@private
function Processes:start_once(job)
  if self.n_running >= MAX_RUNNING then return false end
  local id, message = self:spawn(job.command)
  if id then self.n_running = self.n_running + 1 end
  if not id or not self:give(job, id, job.json, true) then self:fail(job, message or "the process took no event") end
  return true
end

---@private
function Processes:start_by_lines(job)
  local command, text = job.command, job.json .. "\n"
  local known = self.resident[command]
  if known and self.jobs[known] then return false end
  if known and self:give(job, known, text, false) then return true end
  local id, message = self:spawn(command)
  self.resident[command] = id
  if not id or not self:give(job, id, text, false) then
    self.resident[command] = nil
    self:fail(job, message or "the process took no event")
  end
  return true
end

-- Starts a job; false when there is no room for it now.
---@private
function Processes:start(job)
  if job.command.by_lines then return self:start_by_lines(job) end
  return self:start_once(job)
end

-- Starts what there is room for, in order; one function's queue doesn't hold up the others. A job that fails at once may bring
-- another, which is then the last in the list.
---@private
function Processes:start_waiting()
  if self.is_starting then return end
  self.is_starting = true
  local i = 1
  while self.waiting[i] do
    if self.waiting[i].is_over or self:start(self.waiting[i]) then
      table.remove(self.waiting, i)
    else
      i = i + 1
    end
  end
  self.is_starting = false
end

---Calls a command with an event; `done` is called once, maybe before this returns.
---@param command appsync.server.Command
---@param json string
---@param done fun(answer: appsync.server.FunctionAnswer)
function Processes:invoke(command, json, done)
  if #json > MAX_BYTES then return done({ err = lambda_error.too_large(#json, MAX_BYTES) }) end
  if self.n_jobs >= MAX_JOBS then return done({ err = lambda_error.throttled() }) end
  local job = { command = command, json = json, done = done, ends_at = self.clock() + self.timeout_s }
  self.n_jobs = self.n_jobs + 1
  table.insert(self.waiting, job)
  self:start_waiting()
  if not job.is_over then table.insert(self.open, job) end
end

---Calls a command whose answer nobody waits for; its failure is logged.
---@param command appsync.server.Command
---@param json string
function Processes:send(command, json)
  self:invoke(command, json, function(answer)
    if answer.err then
      self.log(("a function that isn't waited for failed: %s: %s"):format(command.words[1], printable.escaped(answer.err.message)))
    end
  end)
end

-- What a process wrote as an answer; nothing is null.
---@param text string
---@return appsync.server.FunctionAnswer answer
---@return boolean is_json
local function read_answer(text)
  if not text:find("%S") then return { value = core.null }, true end
  local value, err = core.decode(text)
  if value == nil then
    local why = err and err.message or "it can't be read"
    return { err = lambda_error.unhandled("the function's answer is not JSON: " .. tostring(why)) }, false
  end
  local failure = lambda_error.of(value)
  return failure and { err = failure } or { value = value }, true
end

-- Ends a process that speaks lines and is out of step: its next line could be the answer to another's event.
---@private
function Processes:dismiss(id, command)
  self.listener:kill(id)
  if self.resident[command] == id then self.resident[command] = nil end
end

---An output event of the listener.
---@param event appsync.server.native.Event
function Processes:output(event)
  local job, command = self.jobs[event.id], self.command_of[event.id]
  if not command then return end
  if not command.by_lines then
    if job then job.output = event.text end
    return
  end
  if not job then
    self.log(("a function wrote a line while no event was pending, and is started again: %s"):format(command.words[1]))
    return self:dismiss(event.id, command)
  end
  self.jobs[event.id] = nil
  local answer, is_json = read_answer(event.text)
  if not is_json then self:dismiss(event.id, command) end
  self:finish(job, answer)
  self:start_waiting()
end

local function how_it_ended(event)
  if event.reason == "cut" then
    return ("Response payload size exceeded maximum allowed payload size (%d bytes)."):format(MAX_BYTES)
  elseif event.code < 0 then
    return ("RequestId: %s Error: Runtime exited with error: signal: %d"):format(core.uuid(), -event.code)
  elseif event.code == 0 then
    return ("RequestId: %s Error: Runtime exited without providing a reason"):format(core.uuid())
  end
  return ("RequestId: %s Error: Runtime exited with error: exit status %d"):format(core.uuid(), event.code)
end

-- A process that fails may still have said why.
local function told_failure(text)
  return text and lambda_error.of((core.decode(text)))
end

---@private
function Processes:ended(job, event, by_lines)
  if event.code == 0 and event.reason ~= "cut" and not by_lines then
    local answer = read_answer(job.output or "")
    return self:finish(job, answer)
  end
  local failure = told_failure(job.output)
  if failure then return self:finish(job, { err = failure }) end
  self:fail(job, how_it_ended(event))
end

---An exit event of the listener.
---@param event appsync.server.native.Event
function Processes:exit(event)
  local job, command = self.jobs[event.id], self.command_of[event.id]
  if not command then return end
  self.jobs[event.id], self.command_of[event.id] = nil, nil
  if not command.by_lines then
    self.n_running = self.n_running - 1
  elseif self.resident[command] == event.id then
    self.resident[command] = nil -- the next event starts it again
  end
  if job then self:ended(job, event, command.by_lines) end
  self:start_waiting()
end

---@private
function Processes:time_out(job)
  local id = job.id
  if id and self.jobs[id] == job then
    if job.command.by_lines then
      self.jobs[id] = nil
      self:dismiss(id, job.command)
    else
      self.listener:kill(id)
    end
  end
  self:finish(job, { err = lambda_error.timed_out(self.now(), self.timeout_s) })
end

---Ends what is late; returns the seconds until the next may be, or nil when nothing is worked on.
---@return number? wait_s
function Processes:tick()
  if self.n_jobs == 0 then
    if self.open[1] then self.open = {} end
    return nil
  end
  local now, first = self.clock(), self.open[1]
  -- All have the same time, so they are late in order; those that are over are swept out when they are many.
  if first and (now >= first.ends_at or #self.open > 2 * self.n_jobs + 64) then
    local before, left = self.open, {}
    self.open = left
    for _, job in ipairs(before) do
      if not job.is_over and now < job.ends_at then left[#left + 1] = job end
    end
    for _, job in ipairs(before) do
      if not job.is_over and now >= job.ends_at then self:time_out(job) end
    end
    self:start_waiting()
  end
  first = self.open[1]
  return first and math.max(0, first.ends_at - now)
end

return processes
