---A delta sync that is running, as far as Lua knows it: what the core said of it last, and who waits for that. The core decides
---everything.
---
---    started --"state", …--> told --"end", stop, the client closes--> over: observers complete, waits end
local dispatch = require "appsync.dispatch"
local errors = require "appsync.errors"
local event_inbox = require "appsync.client.event_inbox"
local log = require "appsync.log"
local scheduler = require "appsync.scheduler"
local sync_events = require "appsync.client.sync_events"

local running_sync = {}

local MAX_STATES = 64 -- that wait for an observer

---@class appsync.client.RunningSync: appsync.client.SyncRecords
---@field id integer? nil: it never began
---@field client appsync.Client
---@field parts table<string, appsync.client.SyncPart>
---@field sources table of headers
---@field slot appsync.client.AuthSlot?
---@field kept appsync.Cache? that `update` gets
---@field state table what the core said last
---@field quarantined appsync.QuarantinedRecord[]
---@field is_ready boolean? a pass was complete
---@field is_asking boolean? what couldn't be taken is being asked for
---@field is_over boolean
---@field err appsync.Error? why it is over
---@field private inbox appsync.client.EventInbox
---@field private outlets {sink: appsync.Sink, context: appsync.observable.Context, states: appsync.SyncStatus[]}[]
---@field private waits appsync.Wait[] for the first complete pass
local RunningSync = {}
RunningSync.__index = RunningSync

-- As the inbox calls them.
local Target = {}
Target.__index = Target

function Target:handle(event, err) sync_events.handle(self.running, event, err) end
function Target:is_long(event) return sync_events.is_long(event) end -- luacheck: ignore 212
function Target:is_over() return self.running.is_over end
function Target:on_raise(event, err) sync_events.abandon(self.running, event, err) end

-- Which one it was isn't known, and the core would wait for its answer for ever.
function Target:on_unmade(err) self.running:stop(err) end

---@param client appsync.Client
---@param settings appsync.client.SyncSettings
---@return appsync.client.RunningSync
function running_sync.new(client, settings)
  local self = setmetatable({
    client = client, root = client.root, parts = settings.parts, cache_updates = settings.given.cache_updates,
    typename = settings.given.typename, quarantined = {}, is_over = false, outlets = {}, waits = {},
    state = {
      phase = "waiting", records = 0, pages = 0, bytes = 0, attempts = 0, delta_window = settings.delta_window,
      network_time = 0, local_time = 0,
    },
  }, RunningSync)
  self.inbox = event_inbox.new(setmetatable({ running = self }, Target))
  return self
end

---The core has begun: events come for this number, and nobody has to keep what they go to.
---@param id integer
function RunningSync:begin(id)
  self.id = id
  dispatch.expect(id, self)
  self.root:attach(self)
end

---@param event any
---@param err appsync.Error?
function RunningSync:on_sync(event, err)
  self.inbox:take(event, err)
end

---A table of its own for each caller; what is in it is shared.
---@return appsync.SyncStatus
function RunningSync:status()
  local state = self.state
  return {
    phase = state.phase, records = state.records, pages = state.pages, bytes = state.bytes, estimate = state.estimate,
    last_sync = state.last_sync, next_base = state.next_base, attempts = state.attempts, err = state.err,
    truncated = state.truncated or false, quarantined = self.quarantined, ordered = state.ordered or false,
    delta_window = state.delta_window, network_time = state.network_time, local_time = state.local_time,
  }
end

-- Whoever is slow, or never pulls, has the first ones and the newest.
local function post_status(outlet, status)
  local states = outlet.states
  if #states == MAX_STATES then
    states[MAX_STATES] = status
  else
    states[#states + 1] = status
    outlet.context:post(outlet, "next")
  end
end

local function new_outlet(sink, context)
  local outlet = { sink = sink, context = context, states = {} }
  function outlet.next() sink.next(table.remove(outlet.states, 1)) end
  return outlet
end

local function post(self, kind)
  for _, outlet in ipairs(self.outlets) do
    if kind == "next" then post_status(outlet, self:status()) else outlet.context:post(outlet.sink, kind) end
  end
end

local function wake(self, ...)
  local waits = self.waits
  self.waits = {}
  for _, w in ipairs(waits) do scheduler.wake(w, ...) end
end

---@param state table
function RunningSync:set_state(state)
  self.state = state
  if state.phase ~= "stopped" then post(self, "next") end -- else the end follows, which says why
end

---Whoever waits for the first complete pass goes on, once all is known of what that couldn't take.
function RunningSync:settle()
  if self.is_over or self.is_ready or self.is_asking or not self.state.is_whole then return end
  self.is_ready = true
  wake(self, true)
end

---@param list appsync.QuarantinedRecord[]
function RunningSync:set_quarantined(list)
  if list[1] == nil and self.quarantined[1] == nil then return end
  self.quarantined = list
  post(self, "next")
end

local function ended_error(self)
  return self.err or errors.new("closed", "the sync was stopped")
end

---Nothing more comes; the core has it no longer. Twice is legal.
---@param err appsync.Error? why the core has ended it; nil: it was stopped
function RunningSync:stop(err)
  if self.is_over then return end
  self.is_over, self.err = true, err
  if self.id then dispatch.forget(self.id, self) end
  self.root:detach(self)
  self.inbox:drop()
  if self.on_finish then self.on_finish() end
  local state = {}
  for name, value in pairs(self.state) do state[name] = value end
  state.phase, state.err = "stopped", err
  self.state = state
  if err and err.kind ~= "closed" then
    local message = err.message:gsub("^client:sync: ", "")
    log.emit(self.root.log, "error", "client:sync: the sync has ended: " .. message, { err = err })
  end
  post(self, "next")
  post(self, "complete")
  self.outlets = {}
  wake(self, nil, ended_error(self))
  if self.id then self.core:stop_sync(self.id) end
end

---@private
function RunningSync:on_client_closed()
  self:stop(errors.new("closed", "the client is closed"))
end

-- True, or why not; nothing while it isn't known.
local function readiness(self)
  if self.is_over then return nil, ended_error(self) end
  if self.is_ready then return true end
end

local function explain(self, err)
  if err.kind ~= "timeout" then return err end
  local cause = self.state.err
  err.cause = cause
  err.message = ("%s: %s"):format(err.message, cause and cause.message or ("its phase is %q"):format(self.state.phase))
  return err
end

-- Nothing of the caller's frame is used: under nginx that may be gone.
local function leave_waits(w)
  for i, other in ipairs(w.waits) do
    if other == w then return table.remove(w.waits, i) end
  end
end

---Waits until a pass was complete.
---@param timeout number?
---@return true? ok, appsync.Error? err
function RunningSync:ready(timeout)
  scheduler.check "s:ready"
  local ok, err = readiness(self)
  if ok or err then return ok, err end
  if timeout == 0 then
    scheduler.glance "s:ready"
    ok, err = readiness(self)
    if ok or err then return ok, err end
    return nil, explain(self, errors.timed_out "s:ready")
  end
  scheduler.may_wait "s:ready"
  local w = scheduler.new_wait()
  w.root = self.root
  self.waits[#self.waits + 1] = w
  w.waits, w.on_drop = self.waits, leave_waits
  ok, err = scheduler.suspend(w, timeout, "s:ready")
  return ok, err and not self.is_over and explain(self, err) or err
end

---@param n integer
---@return true? ok, appsync.Error? err
function RunningSync:more(n)
  if self.is_over then return nil, ended_error(self) end
  if not (self.state.truncated or self.state.is_limited) then
    return nil, errors.new("usage", "s:more: the sync isn't truncated: max_records has held back nothing", { code = "not_truncated" })
  end
  local ok, err = self.core:sync_more(self.id, n)
  return ok, errors.of_core(err, "s:more")
end

---Emits the status: as it is now, and whenever it has changed.
---@param sink appsync.Sink
---@param context appsync.observable.Context
---@return fun()? stop
function RunningSync:connect(sink, context)
  local outlet = new_outlet(sink, context)
  post_status(outlet, self:status())
  if self.is_over then
    context:post(sink, "complete")
    return nil
  end
  self.outlets[#self.outlets + 1] = outlet
  return function()
    for i, other in ipairs(self.outlets) do
      if other == outlet then return table.remove(self.outlets, i) end
    end
  end
end

return running_sync
