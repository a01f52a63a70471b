---Subscriptions: the source between the core's events and an observable's inbox.
local arguments = require "appsync.client.arguments"
local auth = require "appsync.client.auth"
local cache = require "appsync.client.cache"
local core = require "appsync.core"
local dispatch = require "appsync.dispatch"
local errors = require "appsync.errors"
local headers = require "appsync.client.headers"
local json = require "appsync.json"
local local_cache = require "appsync.client.local_cache"
local observable = require "appsync.observable"
local opts = require "appsync.opts"
local root_selection = require "appsync.client.root_selection"
local stepwise = require "appsync.stepwise"
local task = require "appsync.task"
local temporary_ids = require "appsync.client.temporary_ids"
local updating = require "appsync.client.updating"

local subscription_source = {}

local null = core.null
local DEFAULT_BUFFER = 1024

---@class appsync.client.Source
---@field id integer
---@field context appsync.observable.Context
---@field batch integer? so many events are counted as consumed at once; default: a quarter of the buffer
local Source = {}
Source.__index = Source

---Nobody waits any more for the acknowledgement, also of what has ended: an operator may have put something in its place.
---@protected
function Source:settle()
  if self.is_acknowledged then return end
  self.is_acknowledged = true
  self.context:acknowledge()
end

-- An event is never nil: without data every root field is null.
local function empty_data(self)
  local data = {}
  for _, field in ipairs(self.plan.operation.root_fields) do data[field] = null end
  return data
end

---By section 1 of the API, as for calls.
---@protected
---@param data any
---@param err appsync.Error?
---@return any data, appsync.Error? err
function Source:results(data, err)
  if err then
    errors.adopt(err)
    if err.data == nil and data ~= null then err.data = data end
    if self.error_policy == "none" or root_selection.is_empty(data, self.plan.document, self.plan.operation) then data = nil end
  end
  if data == nil or data == null then data = empty_data(self) end
  return data, err
end

local function is_wanted(self)
  return not self.is_over
end

-- Makes the values of an event that is too large for a frame, where its observer would have waited for it anyway.
local function whole(self, data, err)
  data, err = stepwise.complete(data, err, nil, is_wanted, self)
  return self:results(data, err)
end

-- What the inbox calls: hands events on and counts them as consumed when they were handled. `hand` only hands them on.
local function make_inlet(self, down)
  local emit = down.next
  local batch = self.batch or math.max(1, math.floor((self.plan.options.buffer or DEFAULT_BUFFER) / 4))
  local function hand(value, err)
    if self.update then
      updating.run(self.kept, self.update, { data = value, err = err, optimistic = false }, self.root.log, "event")
    end
    emit(value, err)
  end
  local function take(value, err)
    if self.is_over then return end
    hand(value, err)
    local n = self.n_consumed + 1
    self.n_consumed = n
    if n >= batch then
      self:flush()
    elseif n == 1 then
      dispatch.flush_later(self)
    end
  end
  return {
    next = take,
    hand = hand,
    large = function(value, err) take(whole(self, value, err)) end,
    error = function(err)
      if not self.is_over then
        self.is_over = true
        down.error(err)
        self:settle()
      end
    end,
    complete = function()
      if not self.is_over then
        self.is_over = true
        down.complete()
        self:settle()
      end
    end,
    state = function(state)
      if not self.is_over then down.state(state) end
    end,
  }
end

---Tells the core what was consumed, so that its window moves on.
function Source:flush()
  local n = self.n_consumed
  if n == 0 then return end
  if self.context.is_halted then return self.context:flush_when_taken(self) end -- the last one isn't taken yet
  self.n_consumed = 0
  local client = self.root.handle.core
  if not client or not self.id or self.is_over then return end
  local ok, raised, err = pcall(client.consumed, client, self.id, n)
  if not ok then -- for want of memory: the window would stay shut
    self.n_consumed = self.n_consumed + n
    dispatch.flush_later(self)
    error(raised, 0)
  end
  errors.of_core(err)
end

---@param data any
---@param err table? of the payload's `errors`
---@param dropped integer so far
function Source:on_data(data, err, dropped)
  if dropped ~= self.n_dropped then self:note_dropped(dropped) end
  if stepwise.is_incomplete(data, err) then
    self.context.is_direct = nil -- the routine handles them one after the other
    return self.context:post(self.inlet, "large", data, err)
  end
  self.context:post(self.inlet, "next", self:results(data, err))
end

-- How many of them are new.
local function count_dropped(self, dropped)
  local more = (dropped or 0) - self.n_dropped
  if more <= 0 then return 0 end
  self.n_dropped = dropped
  self.context.dropped = self.context.dropped + more
  return more
end

---@param dropped integer? so far
function Source:note_dropped(dropped)
  local more = count_dropped(self, dropped)
  if more > 0 then self.root.connection:tell_dropped(more) end
end

---@param state "subscribed"|"reconnecting"|"delayed"|"missed"
---@param err appsync.Error? why it isn't served
---@param dropped integer? so far
function Source:on_state(state, err, dropped)
  if state == "missed" then return self:note_dropped(dropped) end -- the program was suspended
  count_dropped(self, dropped) -- the core has told observers of the connection
  if state == "subscribed" then
    self.context:set_trouble(self, nil)
    self:settle()
  else
    self.context:set_trouble(self, err)
    if state == "delayed" then return end
  end
  self.context:post(self.inlet, "state", state)
end

---What a wait that ends without it says of it.
---@return string
function Source:standing()
  return ("the connection's state is %q"):format(self.root.connection.state)
end

---@param err appsync.Error? nil or kind "closed": the normal end
---@param dropped integer?
function Source:on_end(err, dropped)
  self.id = nil
  self.context:set_trouble(self, nil)
  self:note_dropped(dropped)
  if self.is_of_call then self.slot:release() end
  if err and err.kind ~= "closed" then
    self.context:post(self.inlet, "error", err)
  else
    self.context:post(self.inlet, "complete")
  end
end

local function answer_headers(self, all, err)
  local client = self.root.handle.core
  if not client or not self.id then return end
  local _, refused = client:set_headers(self.id, all, err and err.message)
  errors.of_core(refused)
end

---The core asks for the headers, also for each reconnect.
function Source:on_headers()
  task.spawn_asked(function(raised) answer_headers(self, nil, errors.of_raised(raised)) end, function()
    answer_headers(self, headers.of(self.header_sources, arguments.operation(self.plan)))
  end)
end

---Ends it at the core. Twice is legal.
function Source:stop()
  self.is_over = true
  self.context:set_trouble(self, nil)
  local id = self.id
  if not id then return end
  self.id = nil
  dispatch.forget(id, self)
  local client = self.root.handle.core
  if self.is_of_call then self.slot:release() end
  if not client then return end
  local _, err = client:unsubscribe(id)
  errors.of_core(err)
end

-- Functions other than the client's own may give other headers for each subscription: these stay apart.
local function may_share(self, is_dynamic)
  local sources = self.header_sources
  if is_dynamic and (opts.is_callable(sources[3]) or opts.is_callable(sources[4])) then return false end
  return self.plan.options.share
end

---Starts it at the core. Throws for variables that JSON can't hold.
---@protected
---@param is_dynamic boolean
---@param all_headers table?
---@return true? ok, appsync.Error? err
function Source:start(is_dynamic, all_headers)
  local plan = self.plan
  local options = plan.options
  local client = self.root.handle.core
  local opened = cache.serves(self.client, options) and cache.open(self.client, plan.where) or nil
  local id, err = client:subscribe{
    document = plan.document.core, operation_name = options.operation_name,
    variables = plan.variables, ids = temporary_ids.of_core(opened, plan.variables),
    auth = self.slot.id, headers = all_headers, dynamic_headers = is_dynamic or nil,
    cached = self.cache and self.cache:id(), typenames = self.cache ~= nil,
    buffer = options.buffer, buffer_bytes = options.buffer_bytes, overflow = options.overflow,
    share = may_share(self, is_dynamic),
  }
  if not id then return nil, errors.of_core(err, plan.where) end
  self.id = id
  dispatch.expect(id, self)
  return true
end

-- What its events are kept in; nil without an error: nothing.
local function open_cache(client, plan)
  if plan.options.update then return cache.ensure(client, plan.where) end
  if plan.options.fetch_policy == "no-cache" or not cache.serves(client, plan.options) then return nil end
  return cache.open(client, plan.where)
end

-- It ends before it has begun.
local function fail(context, down, err)
  context:post({ error = function()
    down.error(err)
    context:acknowledge()
  end }, "error")
end

local function connect(class, client, plan, down, context)
  local root = client.root
  context:expect_ack()
  local opened, err = root:open_for(context)
  if not opened then return fail(context, down, err) end
  context.log = root.log
  local sources = client:header_sources(plan.options.headers)
  local is_dynamic, all_headers = headers.are_dynamic(sources), nil
  if not is_dynamic then
    all_headers, err = headers.of(sources, arguments.operation(plan))
  end
  local kept, slot, is_of_call
  if not err then kept, err = open_cache(client, plan) end
  if not err then
    slot, err, is_of_call = auth.slot_for(client, plan.options, headers.authenticate(all_headers), is_dynamic)
  end
  if not slot then return fail(context, down, err) end
  local self = setmetatable({
    client = client, root = root, plan = plan, context = context, slot = slot, is_of_call = is_of_call,
    cache = plan.options.fetch_policy ~= "no-cache" and kept or nil,
    header_sources = sources, n_consumed = 0, n_dropped = 0, is_over = false,
    error_policy = plan.options.error_policy or root.error_policy,
  }, class)
  if plan.options.update then
    self.update, self.kept = plan.options.update, local_cache.new(kept, "cache", root, client.readings)
  end
  self.inlet = make_inlet(self, down)
  context:set_trouble(self, false)
  local started, start_err = self:start(is_dynamic, all_headers)
  if not started then
    if is_of_call then slot:release() end
    return fail(context, down, start_err)
  end
  if down == context.terminal then context.is_direct = true end
  return function() self:stop() end
end

---@param client appsync.Client
---@param plan appsync.client.Plan
---@param class table? Source, or one that has its methods and others
---@return appsync.Observable
function subscription_source.observable(client, plan, class)
  plan.variables = json.copy(plan.variables)
  return observable.new(function(down, context) return connect(class or Source, client, plan, down, context) end)
end

subscription_source.Source = Source

return subscription_source
