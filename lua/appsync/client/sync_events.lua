---What the core says of a delta sync and asks about it, one after the other. A large event is made in steps, and those behind it
---wait for it.
local dispatch = require "appsync.dispatch"
local errors = require "appsync.errors"
local log = require "appsync.log"
local operation = require "appsync.client.operation"
local scheduler = require "appsync.scheduler"
local stepwise = require "appsync.stepwise"
local sync_pages = require "appsync.client.sync_pages"
local task = require "appsync.task"

local sync_events = {}

local WHERE = "client:sync"

---A record that couldn't be taken; the others of its page were.
---@class appsync.QuarantinedRecord
---@field key string such as "Post:1", or where it stood: "listPosts.items.3"
---@field reason string
---@field seen number Unix seconds: when it came last

local function forget(w)
  dispatch.forget(w.id, w)
end

---@return any answer, appsync.Error? err
local function ask(running, what)
  local id, start_err = running.core:ask_sync(running.id, what)
  if not id then return nil, errors.adopt(start_err) end
  local w = scheduler.new_wait()
  w.root, w.id, w.on_drop = running.root, id, forget
  dispatch.expect(id, w)
  local answer, err = scheduler.suspend(w, nil, WHERE)
  return stepwise.complete(answer, err)
end

-- What fails is asked again with the next state.
local function fetch_quarantined(running)
  repeat
    running.must_ask = false
    local list = ask(running, "quarantined")
    if type(list) == "table" and not running.is_over then running:set_quarantined(list) end
  until not running.must_ask or running.is_over
  running.is_asking = false
end

local function look_for_quarantined(running, n)
  if (n or 0) == 0 then return running:set_quarantined({}) end
  running.must_ask = true
  if running.is_asking then return end
  running.is_asking = true
  task.spawn_asked(function() running.is_asking = false end, fetch_quarantined, running)
end

local function on_state(running, event, err)
  event.err = errors.of_service(err)
  running:set_state(event)
  if not running.is_over then look_for_quarantined(running, event.quarantined) end
end

-- The core tries again, and says so in the state; what is wrong with a function is told once.
local function fail_headers(running, number, err)
  if running.is_over then return end
  if err.kind == "usage" and not running.has_told_headers then
    running.has_told_headers = true
    log.emit(running.root.log, "error", ("%s: %s"):format(WHERE, err.message), { err = err })
  end
  running.core:give_sync_headers(running.id, number, nil, err.message)
end

local function ask_headers(running, event)
  local all, err = operation.ask_functions(running.sources, running.parts[event.part])
  if err then return fail_headers(running, event.number, err) end
  if not running.is_over then running.core:give_sync_headers(running.id, event.number, all or {}) end
end

-- Beside everything else: the function may wait.
local function on_headers(running, event)
  running.root:own(task.spawn_asked(function(raised)
    fail_headers(running, event.number, errors.of_raised(raised))
  end, ask_headers, running, event))
end

local HANDLERS = { state = on_state, headers = on_headers, update = sync_pages.update, records = sync_pages.records }

-- What functions of the application are called for takes a while, and a place to pause.
local IS_LONG = { update = true, records = true }

local function handle(running, event, err)
  if event.what == "end" then return running:finish(errors.of_service(err)) end
  if event.what == "state" then event.err = err end
  local handler = HANDLERS[event.what]
  if handler then handler(running, event, err) end
end

local function is_wanted(running)
  return not running.is_over
end

-- The value of an event. One that can't be made, for want of memory say, ends the sync: the core would wait for its answer for ever.
local function made(running, entry)
  if not stepwise.is_pending(entry.event) then return entry.event end
  local event, err = stepwise.complete(entry.event, nil, nil, is_wanted, running)
  if event == nil then running:stop(err or errors.new("system", "an event of the sync couldn't be read")) end
  return event
end

local function work(running)
  local inbox = running.inbox
  while inbox[1] and not running.is_over do
    local entry = inbox[1]
    local event = made(running, entry)
    entry.event = event
    if not running.is_over then handle(running, event, entry.err) end
    if inbox[1] == entry then table.remove(inbox, 1) end
  end
  running.is_working = false
end

local begin

-- Something raised: Lua has no memory for it, say. The others go on.
local function on_raise(running, raised)
  running.is_working = false
  local entry = table.remove(running.inbox, 1)
  if running.is_over or not entry then return end
  local err = errors.of_raised(raised)
  local event = entry.event
  if type(event) ~= "table" then return running:stop(err) end
  log.emit(running.root.log, "error", ("%s: %s"):format(WHERE, err.message), { raised = raised })
  if IS_LONG[event.what] then sync_pages.abandon(running, event, err) end
  if running.inbox[1] then begin(running) end
end

begin = function(running)
  running.is_working = true
  task.spawn_asked(function(raised) on_raise(running, raised) end, work, running)
end

---@param running appsync.client.RunningSync
---@param event any a table with `what`, or what makes it
---@param err appsync.Error? of "state" and "end"
function sync_events.take(running, event, err)
  local inbox = running.inbox
  local is_short = inbox[1] == nil and not stepwise.is_pending(event) and not IS_LONG[event.what]
  if is_short then return handle(running, event, err) end
  inbox[#inbox + 1] = { event = event, err = err }
  if not running.is_working then begin(running) end
end

---What waits is wanted no more.
---@param running appsync.client.RunningSync
function sync_events.drop_all(running)
  for i, entry in ipairs(running.inbox) do
    if i > 1 or not running.is_working then stepwise.drop(entry.event) end -- the first one is in somebody's hands
  end
  running.inbox = {}
end

return sync_events
