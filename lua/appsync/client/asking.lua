---What functions of the application have to tell before something is written: which records its objects are, and what fields
---become. The core asks about a whole response at once and lets it wait; what the application writes itself is asked about
---here.
---
---    ASK --> queue --in steps, one after the other--> answer
local field_merge = require "appsync.client.field_merge"
local record_identity = require "appsync.client.record_identity"
local scheduler = require "appsync.scheduler"
local stepwise = require "appsync.stepwise"
local task = require "appsync.task"
local timer = require "appsync.timer"

local asking = {}

local RETRY_SECONDS = 1

---@class appsync.client.Question
---@field number integer
---@field objects appsync.core.Objects? nil, as `merges`: Lua had no memory for it
---@field merges appsync.core.Merges?

local function step(from, i, part, max_values, held)
  if part then return from:step(i, part, max_values, held) end
  return from:step(i, max_values, held)
end

-- A value of the core's, made in steps between which others run.
local function build_in_turns(from, i, part)
  local held = {}
  while true do
    local is_done, value = step(from, i, part, stepwise.VALUES, held)
    scheduler.pause(is_done and 1 or stepwise.EVENTS)
    if is_done then return value, true end
    if is_done == nil then return nil, false end
  end
end

local function build_at_once(from, i, part)
  local is_done, value = step(from, i, part, math.huge, {})
  if is_done then return value, true end
  return nil, false
end

local function never_rest() end

---Where functions are asked.
---@class appsync.client.AskingHost
---@field build fun(userdata: any, i: integer, part: string?): any, boolean makes a value, and says whether it is there
---@field rest fun(n_events: number) after something that takes as long as so many events

local IN_TURNS = { build = build_in_turns, rest = scheduler.pause }
local AT_ONCE = { build = build_at_once, rest = never_rest }

local function answer_lost(root, number)
  local client = root.handle.core
  if not client then return end
  local _, err = client:answer_lost(number)
  if err then timer.after(RETRY_SECONDS, function() answer_lost(root, number) end) end
end

-- With what was told so far.
local function answer(root, question)
  local client = root.handle.core
  if not client then return end
  if question.objects then
    client:answer(question.objects)
  elseif question.merges then
    client:answer_merge(question.merges)
  else
    answer_lost(root, question.number)
  end
end

local function tell(root, question)
  if question.objects then
    record_identity.tell_all(root, question.objects, IN_TURNS)
  elseif question.merges then
    field_merge.tell_all(root, root.handle.core, question.merges, IN_TURNS)
  end
end

local function work(root)
  local questions = root.questions
  while questions[1] and root.handle.core do
    tell(root, questions[1])
    answer(root, table.remove(questions, 1))
  end
  root.is_asking, root.questions = false, {}
end

-- A failure, for want of memory say, ends one question only.
local function begin(root)
  task.spawn_asked(function()
    local question = table.remove(root.questions, 1)
    root.is_asking = false
    if question then answer(root, question) end
    if root.questions[1] then begin(root) end
  end, work, root)
  root.is_asking = true -- it begins later
end

local function enqueue(root, question)
  root.questions = root.questions or {}
  table.insert(root.questions, question)
  if not root.is_asking then begin(root) end
end

---What the core asks: later questions wait for earlier ones.
---@param root appsync.client.Root
---@param asked appsync.core.Objects|appsync.core.Merges|nil nil: Lua had no memory for it
---@param number integer of the question
---@param what "identity"|"merge"|nil
function asking.on_ask(root, asked, number, what)
  local question = { number = number, objects = what == "identity" and asked or nil, merges = what == "merge" and asked or nil }
  if pcall(enqueue, root, question) then return end
  local questions = root.questions -- without memory for a task nothing is told
  if questions and questions[#questions] == question then table.remove(questions) end
  answer(root, question)
end

-- Until no field waits for its function.
local function write_merged(root, cache, call)
  call.merges = cache:merges()
  while true do
    local ok, err = cache:write(call)
    if ok or err.code ~= "asked" then return ok, err end
    field_merge.tell_all(root, cache, call.merges, AT_ONCE)
  end
end

-- Merged with what is there without optimistic layers: it would stay when they leave.
local function write_below(root, cache, call)
  local depth, begin_err = cache:begin(false)
  if not depth then return nil, begin_err end
  local is_run, ok, err = pcall(write_merged, root, cache, call)
  local _, commit_err = cache:commit()
  if not is_run then error(ok, 0) end
  if commit_err then return nil, commit_err end
  return ok, err
end

---Writes data into a cache, once the functions have told what it takes.
---@param root appsync.client.Root
---@param cache appsync.core.Cache
---@param call table of `cache:write`
---@return true? ok, table? err of the core
function asking.write(root, cache, call)
  if root.data_id_from_object then
    local objects, err = cache:objects(call)
    if err then return nil, err end
    if objects then record_identity.tell_all(root, objects, AT_ONCE) end
    call.objects = objects
  end
  if root.merge_functions then return write_below(root, cache, call) end
  return cache:write(call)
end

return asking
