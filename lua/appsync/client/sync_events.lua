---What the core says of a delta sync and asks about it, each to whom it belongs.
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
---@field key string where it stood in all pages of its pass: "listPosts.items.3"
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
  running:settle()
end

local function look_for_quarantined(running, n)
  if (n or 0) == 0 then return running:set_quarantined({}) end
  running.must_ask = true
  if running.is_asking then return end
  running.is_asking = true
  task.spawn_asked(function()
    running.is_asking = false
    running:settle()
  end, fetch_quarantined, running)
end

local function on_state(running, event, err)
  event.err = errors.of_service(err)
  running:set_state(event)
  if running.is_over then return end
  look_for_quarantined(running, event.quarantined)
  running:settle()
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

---@param running appsync.client.RunningSync
---@param event {what: string}
---@param err appsync.Error? of "state" and "end"
function sync_events.handle(running, event, err)
  if event.what == "end" then return running:stop(errors.of_service(err)) end
  if event.what == "state" then event.err = err end
  local handler = HANDLERS[event.what]
  if handler then handler(running, event, err) end
end

---@param event {what: string}
---@return boolean
function sync_events.is_long(event)
  return IS_LONG[event.what] == true
end

---Something raised where it was handled: Lua has no memory for it, say.
---@param running appsync.client.RunningSync
---@param event {what: string}
---@param err appsync.Error
function sync_events.abandon(running, event, err)
  log.emit(running.root.log, "error", ("%s: %s"):format(WHERE, err.message), { err = err })
  if IS_LONG[event.what] then sync_pages.abandon(running, event, err) end
end

return sync_events
