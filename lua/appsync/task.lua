---Tasks: functions that run beside each other on the Lua thread and may wait.
local compat = require "appsync.compat"
local errors = require "appsync.errors"
local log = require "appsync.log"
local nginx = require "appsync.nginx"
local clock = require "appsync.clock"
local opts = require "appsync.opts"
local printable = require "appsync.printable"
local scheduler = require "appsync.scheduler"

local task = {}

-- A failed task is reported when this many seconds went by without an await.
local REPORT_AFTER = 1

---@class appsync.Task
---@field package routine appsync.scheduler.Routine
---@field package state "running"|"done"|"failed"|"cancelled"
local Task = {}
Task.__index = Task
Task.__name = "appsync.task"

local unclaimed, n_unclaimed = {}, 0

local function report(failure)
  if failure.is_claimed then return end
  failure.is_claimed = true
  log.emit(nil, "error", "a task that nobody awaited failed: " .. printable.text(failure.raised), {
    raised = failure.raised, traceback = failure.traceback,
  })
end

---Reports the failed tasks that nobody awaited: the old ones, or those of one scope.
---@param scope table? that has ended
---@param is_frame boolean? a game's frame has ended: all of them
function task.report_failures(scope, is_frame)
  if n_unclaimed == 0 then return end
  local now, kept = clock.now(), 0
  for i = 1, n_unclaimed do
    local failure = unclaimed[i]
    unclaimed[i] = nil
    if is_frame or failure.at <= now or (scope and failure.scope == scope) then
      report(failure)
    elseif not failure.is_claimed then
      kept = kept + 1
      unclaimed[kept] = failure
    end
  end
  n_unclaimed = kept
end

---@return {raised: any, traceback: string?}? failure the first that nobody awaited, which isn't reported then; nil: none
function task.take_failure()
  for i = 1, n_unclaimed do
    local failure = unclaimed[i]
    if not failure.is_claimed then
      failure.is_claimed = true
      return failure
    end
  end
end

local function wake_all(self, ...)
  local waits = self.waits
  if not waits then return false end
  self.waits = nil
  for i = 1, #waits do scheduler.wake(waits[i], ...) end
  return #waits > 0
end

local function leave_scope(self)
  local scope = self.scope
  if not scope then return end
  self.scope = nil
  scope.live = scope.live - 1
  if scope.live == 0 and scope.wait then scheduler.wake(scope.wait) end
end

local function keep_failure(self, raised, traceback)
  local failure = { raised = raised, traceback = traceback, at = clock.now() + REPORT_AFTER, scope = self.scope }
  self.failure = failure
  n_unclaimed = n_unclaimed + 1
  unclaimed[n_unclaimed] = failure
  self.sentinel = compat.on_collect(function() report(failure) end)
end

-- What a cancelled task raised is its cancel: the error itself, or its text by `appsync.assert`.
local function is_cancel(raised, cancel_err)
  return raised == cancel_err
    or type(raised) == "string" and cancel_err ~= nil and raised:find(tostring(cancel_err), 1, true) ~= nil
end

-- The routine of a task has ended.
local function on_end(routine, ok, raised)
  local self = routine.task
  if ok then
    if self.state == "running" then self.state = "done" end
    wake_all(self)
  elseif self.state == "cancelled" and is_cancel(raised, routine.cancel_err) then
    if self.on_cancelled then self.on_cancelled(raised) end
  else
    local traceback = type(raised) == "string" and (routine.traceback or debug.traceback(routine.co, raised)) or nil
    if self.state == "running" then self.state = "failed" end
    self.raised, self.traceback = raised, traceback
    if not wake_all(self) and not self.is_claimed then keep_failure(self, raised, traceback) end
    if self.on_fail then self.on_fail(self) end
  end
  leave_scope(self)
end

local function body(self)
  local fn, args = self.fn, self.args
  self.fn, self.args = nil, nil
  self.results = compat.pack(fn(compat.unpack(args, 1, args.n)))
end

local function new_task(fn, ...)
  local self = setmetatable({ state = "running", fn = fn, args = compat.pack(...) }, Task)
  local routine = { on_end = on_end, task = self }
  self.routine = scheduler.prepare(routine, body, self)
  local outer = scheduler.current()
  local scope = outer and outer.task and outer.task.scope
  if scope then
    self.scope = scope
    scope.live = scope.live + 1
  end
  return self
end

---Starts a function as a task. It begins when the host drives the library, not inside this call. Only calls that wait
---suspend it: any other `coroutine.yield` fails it, except in coroutines that it resumes itself.
---```lua
---local task = appsync.spawn(function(name)
---  local data = appsync.assert(client:mutate(create_todo, { name = name }))
---  return data.createTodo.name
---end, "call mum")
---print(task:await()) --> call mum
---```
---@param fn function
---@param ... any its arguments
---@return appsync.Task
function task.spawn(fn, ...)
  opts.expect_callable(fn, "fn", "appsync.spawn")
  local self = new_task(fn, ...)
  scheduler.push(self.routine)
  return self
end

---The same for a function of the user's whose answer somebody waits for: when it fails, whatever way, `on_fail(raised)` is
---called instead of a report. `on_fail` must not wait.
---@param on_fail fun(raised: any)
---@param fn function
---@return appsync.Task
function task.spawn_asked(on_fail, fn, ...)
  local self = task.spawn(fn, ...)
  self.is_claimed = true
  self.on_fail = function() on_fail(self.raised) end
  return self
end

---Runs a function as a task that begins at once, inside this call.
---@param fn function
---@param ... any its arguments
---@return appsync.Task
function task.begin(fn, ...)
  local self = new_task(fn, ...)
  scheduler.start_now(self.routine)
  return self
end

---Runs `fn(...)` as a task that begins at once and hands its results to `on_result`, never inside this call.
---@param on_result function
---@param fn function
---@return appsync.Task
function task.with_result(on_result, fn, ...)
  local is_inside, is_told = true, false
  local self
  self = new_task(function(...)
    local results = compat.pack(fn(...))
    is_told = true
    if is_inside then scheduler.give_way() end
    if self.state == "cancelled" then -- in a task of its own, where it may wait
      task.spawn(on_result, compat.unpack(results, 1, results.n))
      return
    end
    on_result(compat.unpack(results, 1, results.n))
    return compat.unpack(results, 1, results.n)
  end, ...)
  self.on_cancelled = function(err)
    if not is_told then task.spawn(on_result, nil, err) end
  end
  scheduler.start_now(self.routine)
  is_inside = false
  if self.state == "failed" then -- misuse, found before the first wait
    self:claim()
    local raised = self.raised
    if type(raised) == "string" and not raised:match("^%S+:%d+: ") then
      raised = errors.place() .. ": " .. raised -- the task's own stack doesn't reach to the user's line
    end
    error(raised, 0)
  end
  return self
end

-- Nobody needs to be told of a failure any more.
function Task:claim()
  self.is_claimed = true
  if self.failure then self.failure.is_claimed = true end
end

---Returns the state of the task.
---```lua
---local task = appsync.spawn(appsync.sleep, 0.01)
---print(task:status()) --> running
---task:await()
---print(task:status()) --> done
---```
---@return "running"|"done"|"failed"|"cancelled"
function Task:status()
  return self.state
end

local function outcome(self)
  self:claim()
  if self.state == "cancelled" then return nil, self.routine.cancel_err end
  if self.state == "failed" then
    local err = errors.of_raised(self.raised)
    if err.raised == nil then
      err = errors.new("usage", err.message, { raised = self.raised, cause = err, traceback = self.traceback })
    end
    err.traceback = self.traceback
    return nil, err
  end
  local results = self.results
  return compat.unpack(results, 1, results.n)
end

local AWAIT_OPTIONS = opts.schema{
  timeout = { "number", min = 0 },
  on_result = { "callable" },
}

-- A look at it in each frame has one error for all.
local NOT_DONE = errors.timed_out "task:await"

-- Nothing of the caller's frame is used: under nginx that may be gone.
local function leave_task(w)
  local waits = w.task.waits or {}
  for i, other in ipairs(waits) do
    if other == w then return table.remove(waits, i) end
  end
end

local function await(self, timeout)
  scheduler.check("task:await")
  if self.state == "running" then
    if scheduler.current() == self.routine then errors.misuse("task:await: a task can't wait for itself") end
    if timeout == 0 then
      scheduler.glance("task:await", self.routine.is_ready)
      if self.state == "running" then return nil, NOT_DONE end
      return outcome(self)
    end
    scheduler.may_wait("task:await")
    local w = scheduler.new_wait()
    w.awaits, w.task = self.routine, self
    self.waits = self.waits or {}
    self.waits[#self.waits + 1] = w
    w.on_drop = leave_task
    local _, err = scheduler.suspend(w, timeout, "task:await")
    if err then return nil, err end
  end
  return outcome(self)
end

---Waits for the task to end and returns its results, or `nil, err`: of kind "usage" with `raised` when it raised, or
---"cancelled". The timeout ends the wait, not the task.
---```lua
---local task = appsync.spawn(function() error("no such todo", 0) end)
---local _, err = task:await(5)
---print(err.kind, err.raised) --> usage no such todo
---```
---@param timeout number|table|nil seconds, or `{timeout =, on_result =}`
---@return any ...
function Task:await(timeout)
  if opts.is_timeout(timeout) then return await(self, timeout) end
  local options = opts.with_timeout(timeout, AWAIT_OPTIONS, "task:await")
  if options.on_result then return task.with_result(options.on_result, await, self, options.timeout) end
  return await(self, options.timeout)
end

---Cancels the task: the wait in progress returns `nil, err` of kind "cancelled", and its later waiting calls raise that error.
---```lua
---local task = appsync.spawn(function() appsync.sleep(math.huge) end)
---print(task:cancel(), task:status()) --> true cancelled
---```
---@return boolean cancelled false when the task had already ended
function Task:cancel()
  if self.state ~= "running" then return false end
  self.state = "cancelled"
  local routine = self.routine
  routine.cancel_err = errors.new("cancelled", "the task was cancelled")
  wake_all(self)
  if self.fn then -- it never began
    self.fn = nil
    self.args = nil
    routine.is_abandoned = true
    leave_scope(self)
  elseif routine.wait then
    scheduler.drop(routine.wait, routine.cancel_err)
  end
  return true
end

function Task:__tostring()
  return "appsync.task (" .. self.state .. ")"
end

-- Raises what a task raised, with its traceback.
local function raise(self)
  self:claim()
  if self.traceback then error(self.traceback, 0) end
  error(self.raised, 0)
end

---Runs a function as a task, and returns its results when it and the tasks that it spawned have ended. Raises what it raised,
---with the traceback. Live subscriptions don't keep it running.
---```lua
---local name, n = appsync.run(function()
---  local one = appsync.spawn(client.query, client, get_todo, { id = "1" })
---  local all = appsync.assert(client:query(list_todos)) -- both requests are under way at once
---  return one:await().getTodo.name, #all.listTodos.items
---end)
---print(name, n) --> buy milk 1
---```
---@param fn function
---@param ... any its arguments
---@return any ...
function task.run(fn, ...)
  opts.expect_callable(fn, "fn", "appsync.run")
  nginx.refuse("appsync.run", "a handler may wait as it is; call the function")
  scheduler.may_wait("appsync.run")
  local self = new_task(fn, ...)
  leave_scope(self)
  local scope = { live = 1, wait = scheduler.new_wait() }
  self.scope = scope
  self.is_claimed = true
  self.on_fail = function() scheduler.wake(scope.wait) end
  scope.wait.awaits = self.routine
  scope.wait.on_drop = function() self:cancel() end
  scheduler.push(self.routine)
  local _, err = scheduler.suspend(scope.wait, nil, "appsync.run")
  task.report_failures(scope)
  if self.state == "failed" then raise(self) end
  if err then return nil, err end
  return outcome(self)
end

local function sleep(seconds)
  scheduler.may_wait("appsync.sleep")
  local w = scheduler.new_wait()
  w.is_endless = seconds == math.huge
  local _, err = scheduler.suspend(w, seconds, "appsync.sleep")
  if err and err.kind == "timeout" then return true end
  return nil, err
end

local SLEEP_OPTIONS = opts.schema{ on_result = { "callable" } }

---Waits for that many seconds; other tasks go on meanwhile.
---```lua
---appsync.sleep(0.01)
---```
---@param seconds number `math.huge` is legal
---@param options {on_result: function?}?
---@return true? ok, appsync.Error? err of kind "cancelled"
function task.sleep(seconds, options)
  if type(seconds) ~= "number" or seconds ~= seconds then
    errors.misuse("appsync.sleep: seconds must be a number, got %s", (errors.describe(seconds)))
  end
  if options == nil then return sleep(seconds) end
  options = opts.check(options, SLEEP_OPTIONS, "appsync.sleep")
  if options.on_result then return task.with_result(options.on_result, sleep, seconds) end
  return sleep(seconds)
end

local function returned(ok, ...)
  local current = scheduler.current()
  if not ok and current and current.cancel_err and ... == current.cancel_err then error((...), 0) end
  return ok, ...
end

---A `pcall` in which calls may wait, on every Lua. A cancel passes through it.
---```lua
---local ok, raised = appsync.pcall(function()
---  appsync.assert(client:query("{ nothing }"))
---end)
---print(ok) --> false
---```
---@param fn function
---@return boolean ok, any ...
function task.pcall(fn, ...)
  if compat.is_puc51 and scheduler.is_suspended() then return returned(scheduler.pcall(fn, ...)) end
  return returned(pcall(fn, ...))
end

local function unwrap(ok, ...)
  if not ok then error((...), 0) end
  return ...
end

---Like `coroutine.wrap`, but the function may wait, and then its caller waits too.
---```lua
---local next_todo = appsync.wrap(function()
---  for _, id in ipairs{ "1", "2" } do
---    coroutine.yield(client:query(get_todo, { id = id }))
---  end
---end)
---print(next_todo().getTodo.name) --> buy milk
---```
---@param fn function
---@return fun(...): ...
function task.wrap(fn)
  opts.expect_callable(fn, "fn", "appsync.wrap")
  local co = scheduler.wrap(fn)
  return function(...)
    return unwrap(scheduler.resume(co, ...))
  end
end

return task
