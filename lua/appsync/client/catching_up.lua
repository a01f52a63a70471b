---Subscriptions that miss nothing: the source between the core's SYNC events and an observable's inbox. The core decides when the
---query is sent, and holds events back meanwhile; here pages become events, and what is handled is told to the core:
---
---    "page" ---> map, or each record --+--> not known already --> observer --> caught_up
---    "event" --------------------------+
---    "state" --> "subscribed", "reconnecting", "polling"        "end" --> error or complete
local arguments = require "appsync.client.arguments"
local cache = require "appsync.client.cache"
local catch_up_options = require "appsync.client.catch_up_options"
local clock = require "appsync.clock"
local compute = require "appsync.compute"
local dispatch = require "appsync.dispatch"
local errors = require "appsync.errors"
local headers = require "appsync.client.headers"
local light = require "appsync.light"
local log = require "appsync.log"
local stepwise = require "appsync.stepwise"
local subscription_source = require "appsync.client.subscription_source"
local task = require "appsync.task"
local variables_of = require "appsync.client.variables"
local version_memory = require "appsync.client.version_memory"

local catching_up = {}

local BATCH = 64 -- the core hands over 256 events before it waits
local SETTLING = 5 -- seconds: an event of what a query has brought may come so much later

local Source = subscription_source.Source

---@class appsync.client.CatchingUp: appsync.client.Source
---@field catch_up appsync.client.CatchUpPlan
---@field memory appsync.client.VersionMemory? nil: records have no version
---@field settled_at number? when events are those of now, by the clock; nil: it catches up
---@field told string? the state that the observer was told last
---@field page integer? of the page that was handled, and that the core doesn't know of yet
local CatchingUp = setmetatable({}, { __index = Source })
CatchingUp.__index = CatchingUp
CatchingUp.batch = BATCH

local function part_of(plan)
  return { document = plan.document.core, operation_name = plan.options.operation_name, variables = plan.variables }
end

function CatchingUp:start(is_dynamic, all_headers)
  local plan, client = self.plan, self.root.handle.core
  local options, catch_up = plan.options, plan.catch_up
  local opened = cache.serves(self.client, options) and cache.open(self.client, plan.where) or nil
  local delta = part_of(catch_up)
  delta.has_update = catch_up.map ~= nil
  delta.limit_variable, delta.token_variable = catch_up.limit_variable, catch_up.token_variable
  local id, err = client:catch_up{
    subscription = part_of(plan), delta = delta, cached = self.cache and self.cache:id(), ids = opened and opened:id(), auth = self.slot.id,
    headers = all_headers, asks_headers = is_dynamic, buffer = options.buffer, buffer_bytes = options.buffer_bytes,
    poll = catch_up.poll, page_size = catch_up.page_size, last_sync_unit = catch_up.last_sync_unit,
  }
  if not id then return nil, errors.of_core(err, plan.where) end
  self.id, self.catch_up = id, catch_up
  if catch_up.version_field then
    self.memory = version_memory.new(catch_up.root, catch_up.version_field, self.root.keys)
  end
  self.inlet.sync = function(event, sync_err) self:handle(event, sync_err) end
  dispatch.expect(id, self)
  return true
end

-- The core of a client that is open, while it has something of this subscription.
local function core_of(self)
  return self.id and self.root.handle.core or nil
end

---@param event any a table with `what`, or what makes it
---@param err appsync.Error?
function CatchingUp:on_sync(event, err)
  if not stepwise.is_pending(event) and event.what == "headers" then return self:on_headers(event) end
  if stepwise.is_incomplete(event, err) then self.context.is_direct = nil end -- the routine handles them one after the other
  self.context:post(self.inlet, "sync", event, err)
end

local function answer_headers(self, number, all, err)
  local core = core_of(self)
  if not core then return end
  local _, refused = core:give_catch_up_headers(self.id, number, all, err and err.message)
  errors.of_core(refused)
end

---The core asks for the headers of the query or of the subscription.
---@param event {number: integer, part: string}
function CatchingUp:on_headers(event)
  local plan = event.part == "subscription" and self.plan or self.catch_up
  task.spawn_asked(function(raised) answer_headers(self, event.number, nil, errors.of_raised(raised)) end, function()
    local all, err = headers.of(self.header_sources, arguments.operation(plan))
    answer_headers(self, event.number, not err and (all or {}) or nil, err)
  end)
end

---Tells the core what was handled, so that it goes on.
function CatchingUp:flush()
  local n, page = self.n_consumed, self.page
  if n == 0 and not page then return end
  if self.context.is_halted then return self.context:flush_when_taken(self) end -- the last one isn't taken yet
  local core = core_of(self)
  if not core or self.is_over then return end
  self.n_consumed, self.page = 0, nil
  local ok, raised, err = pcall(core.caught_up, core, self.id, page or 0, n)
  if not ok then -- for want of memory: the core would wait for ever
    self.n_consumed, self.page = self.n_consumed + n, self.page or page
    dispatch.flush_later(self)
    error(raised, 0)
  end
  errors.of_core(err)
end

-- False: the observer has had a state of the record that is as new.
local function is_news(self, event, err, is_compared)
  local memory = self.memory
  if not memory or err then return true end
  if is_compared and memory:knows(event) then return false end
  memory:note(event)
  return true
end

function CatchingUp:on_event(event, err)
  local value
  value, err = self:results(event.data, err)
  local is_compared = not self.settled_at or clock.now() < self.settled_at
  if is_news(self, value, err, is_compared) then return self.inlet.next(value, err) end
  self.n_consumed = self.n_consumed + 1
  if self.n_consumed == 1 then dispatch.flush_later(self) elseif self.n_consumed >= BATCH then self:flush() end
end

local function by_record(self, records)
  local events = {}
  for i, record in ipairs(records) do events[i] = { [self.catch_up.root] = record } end
  return events
end

local function mapped(self, data)
  local where = self.catch_up.where .. ": map"
  local events = compute("map", self.catch_up.map, data)
  if events == nil then return {} end
  if type(events) ~= "table" or (events[1] == nil and next(events) ~= nil) then
    errors.misuse("%s must return a list of events, or nil, got %s", where, (errors.describe(events)))
  end
  for i, event in ipairs(events) do
    if type(event) ~= "table" then
      errors.misuse("%s must return events in the shape of the subscription's data; number %d is %s", where, i, (errors.describe(event)))
    end
  end
  return events
end

function CatchingUp:on_page(event, err)
  self.settled_at = nil
  if err then errors.adopt(err) end
  local events = self.catch_up.map and mapped(self, event.data) or by_record(self, event.records)
  if err and events[1] == nil then
    log.emit(self.root.log, "warn", ("%s: the query's answer has errors: %s"):format(self.catch_up.where, err.message), { err = err })
  end
  for _, one in ipairs(events) do
    if is_news(self, one, nil, true) then self.inlet.hand(one, err) end
    if self.is_over then return end
  end
  self.page = event.number
  self:flush()
end

local STATES = { live = "subscribed", polling = "polling", subscribing = "reconnecting", waiting = "reconnecting" }

---@param event {phase: string}
---@param err appsync.Error? why it isn't served
function CatchingUp:on_phase(event, err)
  local state = STATES[event.phase]
  if event.phase ~= "live" then
    self.settled_at = nil
  elseif not self.settled_at then
    self.settled_at = clock.now() + (self.told and SETTLING or 0) -- nothing was missed before
  end
  if not state then return end
  if state == "reconnecting" then
    self.context:set_trouble(self, err or false)
    if not self.told then return end -- it wasn't there yet
  else
    self.context:set_trouble(self, nil)
    self:settle()
  end
  if state == self.told then return end
  self.told = state
  self.inlet.state(state)
end

local HANDLERS = { event = CatchingUp.on_event, page = CatchingUp.on_page, state = CatchingUp.on_phase }

local function is_wanted(self)
  return not self.is_over
end

---@private
---@param event any
---@param err appsync.Error?
function CatchingUp:handle(event, err)
  if self.is_over then return stepwise.drop(event, err) end
  local made, made_err = stepwise.complete(event, err, nil, is_wanted, self)
  if self.is_over then return end
  if type(made) ~= "table" then return self:finish(made_err or errors.new("system", "an event couldn't be read")) end
  if made.what == "end" then return self:finish(errors.of_service(err)) end
  HANDLERS[made.what](self, made, err)
end

---@private
---@param err appsync.Error? nil or kind "closed": the normal end
function CatchingUp:finish(err)
  local inlet = self.inlet
  self:release()
  self.context:set_trouble(self, nil)
  if err and err.kind ~= "closed" then inlet.error(err) else inlet.complete() end
end

---@private
function CatchingUp:release()
  local core, id = core_of(self), self.id
  self.id = nil
  if not id then return end
  dispatch.forget(id, self)
  if self.is_of_call then self.slot:release() end
  if not core then return end
  local _, err = core:stop_catch_up(id)
  errors.of_core(err)
end

---Ends it at the core. Twice is legal.
function CatchingUp:stop()
  self.is_over = true
  self.context:set_trouble(self, nil)
  self:release()
end

---@param client appsync.Client
---@param plan appsync.client.Plan of any subscription
---@return appsync.Observable
function catching_up.observable(client, plan)
  light.refuse(plan.where)
  if not plan.options.catch_up then return subscription_source.observable(client, plan) end
  plan.catch_up = catch_up_options.check(plan)
  variables_of.tell(plan.catch_up, client.root.log)
  return subscription_source.observable(client, plan, CatchingUp)
end

return catching_up
