---Outcomes of queued mutations that no waiting call got: of those that were answered optimistically, whose wait had ended, or
---that an earlier run had queued. One after the other:
---
---    answer --> update, the layer leaves: the core gives the next one
---    outcome --> offline.callback --returns--> told: the core gives the next one
---                  ^        \--raises--> logged
---                  \-- some time later --/
local core = require "appsync.core"
local errors = require "appsync.errors"
local expectation = require "appsync.client.expectation"
local local_cache = require "appsync.client.local_cache"
local log = require "appsync.log"
local printable = require "appsync.printable"
local refetching = require "appsync.client.refetching"
local scheduler = require "appsync.scheduler"
local root_selection = require "appsync.client.root_selection"
local stepwise = require "appsync.stepwise"
local stored = require "appsync.client.stored"
local task = require "appsync.task"
local timer = require "appsync.timer"

local outcomes = {}

local null = core.null

local FIRST_WAIT, LAST_WAIT = 2, 300 -- seconds, until a callback that has raised is called again

---What a queued mutation has brought.
---@class appsync.Outcome
---@field id string
---@field mutation string its root field, as in "createTodo"
---@field variables table? those that it was sent with
---@field data table
---@field notified boolean whether the call that made it was waiting for it

---How a queued mutation has failed. `cause` is {outcome, blocked_by}: "refused", "conflict", "unknown" (it may have been
---executed), "blocked" (a mutation that it depends on failed, whose id is `blocked_by`) or "discarded". It is a dead letter now,
---unless partial data came with the error.
---@class appsync.OutcomeError: appsync.Error
---@field id string
---@field mutation string
---@field variables table?
---@field notified boolean

local WHERE = "client.outbox"

-- What is to be done to the cache for a mutation of which only the stored part is left.
local function expectation_of(queue, event)
  local ok, plan = pcall(stored.plan, event, WHERE)
  if ok then return expectation.new(queue.root, plan, local_cache.new(queue.core, "cache", queue.root)) end
  log.emit(queue.root.log, "error", ("%s: what %s has brought can't be put into queries: %s"):format(WHERE, event.id,
    printable.text(plan)))
end

-- An old one whose layer has left was settled by the run before.
local function is_open(event, call)
  return event.data ~= nil and (call or event.has_layer or not event.is_old)
end

local function settle(queue, event, call)
  local expected = call and call.expected or is_open(event, call) and expectation_of(queue, event)
  local has_update = is_open(event, call) and expected and expected.update
  if has_update then expected:take(event.data, event.err) end
  if has_update or event.has_layer then queue:tell("settle_entry", event.entry) end
end

---The error of an outcome as the application sees it: how it has failed is its cause.
---@param err appsync.Error?
---@return appsync.Error?
function outcomes.describe(err)
  if not err then return nil end
  if err.outcome then err.cause = { outcome = err.outcome, blocked_by = err.blocked_by } end
  err.outcome, err.blocked_by = nil, nil
  return err
end

local function describe(event)
  local err = outcomes.describe(event.err)
  if not err then return nil end
  err.id, err.mutation, err.variables, err.notified = event.id, event.mutation, event.variables, event.notified or false
  return err
end

local function is_empty(event)
  if event.data == nil then return true end
  local ok, plan = pcall(stored.plan, event, WHERE)
  return ok and root_selection.is_empty(event.data, plan.document, plan.operation)
end

-- Once for each: whatever the callback does, the cache has it.
local function take(queue, event)
  event.is_taken = true
  if queue.settled[event.entry] then event.has_layer, event.is_old = nil, true end
  queue.settled[event.entry] = nil
  local call = queue.calls[event.entry]
  queue.calls[event.entry] = nil
  event.data, event.err = stepwise.complete(event.data, errors.adopt(event.err))
  event.err = errors.of_service(event.err)
  if event.data == null then event.data = nil end
  if event.err then event.err.data = event.data end
  if event.err and is_empty(event) then event.data = nil end
  settle(queue, event, call)
  if call and event.data ~= nil then refetching.run(call.client, call.plan) end
  event.err = describe(event)
end

local function success_of(queue, event)
  if event.data == nil or (event.err and queue.root.error_policy == "none") then return nil end
  return {
    id = event.id, mutation = event.mutation, variables = event.variables, data = event.data, notified = event.notified or false,
  }
end

---@return boolean is_told
local function tell(queue, event)
  local callback = queue.root.offline_callback
  if not callback then return true end
  local ok, raised = task.pcall(callback, event.err, success_of(queue, event))
  if ok then return true end
  log.emit(queue.root.log, "error", ("offline.callback raised: %s; it will be called again for %s"):format(
    printable.text(raised), event.id), { raised = raised })
  return false
end

-- `close` waits for it, as for a call: what was told is told again by the next run unless that is stored. Where it raises, for
-- want of memory, only the core is told later: the callback has returned.
---@return boolean is_told
local function tell_counted(queue, event)
  local running = scheduler.new_wait()
  queue.root:enter(running)
  event.is_told = event.is_told or tell(queue, event)
  local ok, raised = true, nil
  if event.is_told then ok, raised = pcall(queue.tell, queue, "told", event.number) end
  queue.root:leave(running)
  if not ok then error(raised, 0) end
  if event.is_told then table.remove(queue.outcomes, 1) end
  return event.is_told
end

local begin

-- A client that nobody has any more is closed meanwhile: the next run tells.
local function repeat_later(queue)
  local event = queue.outcomes[1]
  event.seconds = math.min((event.seconds or FIRST_WAIT / 2) * 2, LAST_WAIT)
  event.is_put_off = true
  local held = setmetatable({ queue = queue, event = event }, { __mode = "v" })
  timer.after(event.seconds, function()
    if held.queue and held.event and held.event.is_put_off then begin(held.queue) end
  end)
end

local function work(queue)
  while queue.outcomes[1] and queue.root.handle.core do
    local event = queue.outcomes[1]
    if not event.is_taken then take(queue, event) end
    if queue.root.is_closing then return end -- the next run tells
    if not tell_counted(queue, event) then return repeat_later(queue) end
  end
  queue.is_telling = false
  queue:hold()
end

-- A failure, for want of memory say, puts it off.
begin = function(queue)
  queue.is_telling = true
  if queue.outcomes[1] then queue.outcomes[1].is_put_off = nil end
  task.spawn_asked(function(raised)
    log.emit(queue.root.log, "error", ("%s: an outcome couldn't be told: %s"):format(WHERE, printable.text(raised)))
    repeat_later(queue)
  end, work, queue)
end

---@param queue appsync.client.Queue
---@param event appsync.client.QueueOutcome
function outcomes.on_outcome(queue, event)
  queue.outcomes[#queue.outcomes + 1] = event
  queue:hold()
  if not queue.is_telling then begin(queue) end
end

---Another identity has adopted what is queued: a wipe of this one leaves what is still to be told.
---@param queue appsync.client.Queue
function outcomes.leave(queue)
  for _, event in ipairs(queue.outcomes) do event.is_left = true end
end

---The application has wiped the queue: what waits to be told once more is told no more.
---@param queue appsync.client.Queue
function outcomes.forget(queue)
  local event = queue.outcomes[1]
  if not event or not event.is_put_off or event.is_left then return end
  event.is_put_off = nil
  table.remove(queue.outcomes, 1)
  queue:tell("told", event.number)
  begin(queue)
end

---Puts the answer into the cache. The core has the next one wait until then.
---@param queue appsync.client.Queue
---@param event appsync.client.QueueOutcome
function outcomes.on_answer(queue, event)
  task.spawn_asked(function(raised)
    log.emit(queue.root.log, "error", ("%s: what %s has brought can't be put into queries: %s"):format(WHERE, event.id,
      printable.text(raised)))
    queue:tell("settle_entry", event.entry)
  end, function()
    take(queue, event)
    queue.settled[event.entry] = true
  end)
end

return outcomes
