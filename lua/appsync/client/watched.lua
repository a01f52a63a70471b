---What a live watch shows: the core's views of its query made into values, what it fetches, and who is told.
---
---    first subscriber --> the core's watch --VIEW--> value --> state --> each subscriber, once it is ready for it
---                     \-> fetch, by policy --RESULT--> look --VIEW--/
---
---What a fetch has brought is told with the view that was asked for after it: one state for both.
local cache = require "appsync.client.cache"
local compute = require "appsync.compute"
local dispatch = require "appsync.dispatch"
local errors = require "appsync.errors"
local operation = require "appsync.client.operation"
local scheduler = require "appsync.scheduler"
local task = require "appsync.task"
local timer = require "appsync.timer"

local watched = {}

local LARGE_BYTES = 65536 -- above it values are made in steps, so that no frame waits
local STEP_VALUES = 200

---@class appsync.WatchState
---@field data any nil until there is something to show
---@field err appsync.Error? of the last fetch; the data is what was known before, or is partial
---@field source "cache"|"network"|"optimistic"|nil where the data came from last
---@field loading boolean the network is being asked
---@field complete boolean all that the query selects is there

---@class appsync.client.Watched
---@field package client appsync.Client
---@field package plan appsync.client.Plan
---@field package policy string
---@field package version integer counts what there was to tell
---@field package memo table of the values that were made: see appsync.core.View
local Watched = {}
Watched.__index = Watched

---@param client appsync.Client
---@param plan appsync.client.Plan
---@param policy string
---@return appsync.client.Watched
function watched.new(client, plan, policy)
  return setmetatable({
    client = client, plan = plan, policy = policy, subscribers = {}, n_subscribers = 0, memo = {}, version = 0,
    is_whole = false, loading = false, n_taken = 0,
  }, Watched)
end

-- Whether there is nothing to say yet.
local function is_silent(self)
  return self.data == nil and self.err == nil and self.answer == nil
end

-- Whoever is busy is told what there is when it is done.
local function tell(self)
  if is_silent(self) then return end
  self.version = self.version + 1
  for subscriber in pairs(self.subscribers) do subscriber.wake() end
end

-- Behind a view that comes while the network is asked its answer may stand already, which tells both, or has by then.
local function tell_unless_answered(self)
  local version = self.version
  task.spawn(function()
    scheduler.give_way()
    if not self.outcome and self.version == version then tell(self) end
  end)
end

-- What the cache lacks the answer may have, as far as it goes.
local function data_of(self)
  if not self.is_whole and not self.loading and self.answer ~= nil then return self.answer end
  return self.data
end

-- The state as it is now: one table for all subscribers.
local function state_of(self)
  if self.made == self.version then return self.state end
  self.made = self.version
  self.state = {
    data = data_of(self), err = self.err, source = self.source, loading = self.loading, complete = self.is_whole,
  }
  return self.state
end

local fetch

-- The fetch is over.
local function conclude(self, outcome)
  self.outcome, self.loading = nil, false
  if self.must_ask then
    self.must_ask = false
    fetch(self)
  end
  self.err = outcome.err
  self.answer = not self.is_whole and outcome.data or nil
  if outcome.data ~= nil then self.source = "network" end
end

-- A value is there; one that lacks something shows only where nobody can be asked for it.
local function show(self, value, is_whole, is_optimistic)
  self.is_whole = is_whole
  if not is_whole and self.policy ~= "cache-only" then return end
  self.data = value
  self.source = is_optimistic and "optimistic" or self.loading and self.source or "cache"
end

-- What is missing is asked for once, until all of it was there again.
local function fill(self)
  if self.is_whole then
    self.has_asked, self.answer = false, nil
  elseif self.policy ~= "cache-only" and not self.loading and not self.has_asked then
    self.has_asked = true
    fetch(self)
  end
end

-- An event said nothing of what is shown here, such as fields that a mutation hadn't selected: the service is asked, once
-- for all that comes meanwhile.
local function ask_again(self)
  if self.policy == "cache-only" then return end
  if self.loading then
    self.must_ask = true
  else
    fetch(self)
  end
end

-- All that a view has to say is known.
local function finish(self, mark)
  local is_first = not self.has_viewed
  self.has_viewed = true
  if mark == "asked" and self.outcome then conclude(self, self.outcome) end
  fill(self)
  if mark == "doubtful" then ask_again(self) end
  if self.loading and mark ~= "asked" and not (is_first and self.policy == "cache-and-network") then
    tell_unless_answered(self)
  else
    tell(self)
  end
  self.n_taken = self.n_taken + 1
  dispatch.flush_later(self)
end

---Tells the core that its views were taken, so that it may show the next.
function Watched:flush()
  if self.n_taken == 0 then return end
  self.n_taken = 0
  if not self.id then return end
  local _, err = self.cache:view_taken(self.id)
  errors.of_core(err)
end

local function fail(self, err, mark)
  if mark == "asked" and self.outcome then conclude(self, self.outcome) end
  self.err = err
  tell(self)
  self.n_taken = self.n_taken + 1
  dispatch.flush_later(self)
end

-- The next views of a watch are made one after the other.
local function build(self, view, mark)
  local is_whole, is_optimistic, n_bytes = view:state()
  local step = n_bytes > LARGE_BYTES and STEP_VALUES or math.huge
  local held, memo = {}, self.memo
  local is_done, value = view:step(step, held, memo)
  while is_done == false do
    if scheduler.spent() then scheduler.give_way() end
    is_done, value = view:step(step, held, memo)
  end
  if not self.id then return end
  if is_done then
    show(self, value, is_whole, is_optimistic)
    finish(self, mark)
  else
    self.memo = {}
    fail(self, errors.adopt(value), mark)
  end
end

-- Makes the values of large views beside everything else.
local function build_slowly(self)
  while self.queue[1] do
    local entry = self.queue[1]
    build(self, entry.view, entry.mark)
    table.remove(self.queue, 1)
  end
  self.queue = nil
end

---@param view appsync.core.View?
---@param err appsync.Error? it can't be read
---@param mark "asked"|"doubtful"|nil
function Watched:on_view(view, err, mark)
  if not view then return fail(self, err, mark) end
  local _, _, n_bytes = view:state()
  if self.queue then
    table.insert(self.queue, { view = view, mark = mark })
  elseif n_bytes > LARGE_BYTES then
    self.queue = { { view = view, mark = mark } }
    task.spawn_asked(function(raised)
      self.queue = nil
      fail(self, errors.of_raised(raised), mark)
    end, build_slowly, self)
  else
    build(self, view, mark)
  end
end

local function begin_watch(self)
  local plan = self.plan
  local id, err = self.cache:watch{
    document = plan.document.core, operation_name = plan.options.operation_name, variables = plan.variables,
    typenames = true,
  }
  if not id then return fail(self, errors.of_core(err, plan.where)) end
  self.id = id
  dispatch.expect(id, self)
end

-- Takes the outcome of a fetch; the core's watch has seen what it has brought, and is asked for it.
local function take(self, data, err)
  local outcome = { data = data, err = err }
  if self.policy == "no-cache" or self.n_subscribers == 0 or not self.cache then
    self.data, self.is_whole = data, err == nil
    conclude(self, outcome)
    return tell(self)
  end
  self.outcome = outcome
  if not self.id then begin_watch(self) end -- network-only: it looks from now on
  if not self.id then return end
  local _, look_err = self.cache:show(self.id)
  errors.of_core(look_err)
end

-- Asks the network, beside everything else.
---@return appsync.Task
function fetch(self)
  self.loading = true
  local plan = self.plan
  if self.policy ~= "no-cache" then plan.cache = self.cache end
  local fetching = task.spawn_asked(function(raised) take(self, nil, errors.of_raised(raised)) end, function()
    local data, err, info = operation.execute(self.client, plan)
    take(self, data, err)
    return data, err, info
  end)
  return fetching
end

---Asks the network now.
---@return appsync.Task
function Watched:refetch()
  local fetching = fetch(self)
  tell(self)
  return fetching
end

---Asks the network for something else, whose answer goes where the watch looks.
---@param plan appsync.client.Plan
---@return any data, appsync.Error? err, appsync.Info info
function Watched:ask(plan)
  if self.policy ~= "no-cache" then
    local opened, err = cache.ensure(self.client, plan.where)
    if not opened then return nil, err, { source = "cache" } end
    plan.cache = opened
  end
  return operation.execute(self.client, plan)
end

---Gives the query other data, as far as what it has is known: `fn(previous, ...)`.
---@param where string
---@param fn function must not wait
function Watched:update(where, fn, ...)
  local previous = self.data
  if self.policy ~= "no-cache" then previous = cache.read_unlayered(self.client, self.plan) end
  if previous == nil then return end
  local changed = compute(where, fn, previous, ...)
  if changed == nil then return end
  if self.policy ~= "no-cache" then return cache.write(self.client, self.plan, changed) end -- may be what was read, changed
  if rawequal(changed, previous) then return end
  self.data = changed
  tell(self)
end

local function start_poll(self)
  local seconds = self.plan.options.poll
  if not seconds then return end
  self.timer = timer.after(seconds, function()
    self.timer = nil
    if not self.loading then self:refetch() end
    start_poll(self)
  end)
end

-- Begins to look. Failures are states.
local function start(self)
  local policy = self.policy
  if policy ~= "no-cache" then
    local opened, err = cache.ensure(self.client, self.plan.where)
    if not opened then return fail(self, err) end
    self.cache = opened
    if policy ~= "network-only" then begin_watch(self) end
  end
  if policy ~= "cache-first" and policy ~= "cache-only" then
    self.has_asked = true
    fetch(self)
  end
  start_poll(self)
end

local function stop_poll(self)
  if self.timer then timer.cancel(self.timer) end
  self.timer = nil
end

-- Nobody looks any more. What was made is forgotten with the core's watch, whose numbers it goes by.
local function stop(self)
  local id = self.id
  stop_poll(self)
  self.client.root:detach(self)
  self.id, self.memo, self.has_viewed, self.has_asked, self.outcome = nil, {}, false, false, nil
  if not id then return end
  dispatch.forget(id, self)
  local _, err = self.cache:unwatch(id)
  errors.of_core(err)
end

---The client closes: nothing more is told.
function Watched:on_client_closed()
  local subscribers = self.subscribers
  self.subscribers, self.n_subscribers, self.id = {}, 0, nil
  stop_poll(self)
  for subscriber in pairs(subscribers) do subscriber.finish() end
end

---@param subscriber {wake: fun(), finish: fun()}
function Watched:join(subscriber)
  self.subscribers[subscriber] = true
  self.n_subscribers = self.n_subscribers + 1
  if self.n_subscribers == 1 then
    self.client.root:attach(self)
    start(self)
  elseif not is_silent(self) then
    subscriber.wake()
  end
end

function Watched:leave(subscriber)
  if not self.subscribers[subscriber] then return end
  self.subscribers[subscriber] = nil
  self.n_subscribers = self.n_subscribers - 1
  if self.n_subscribers == 0 then stop(self) end
end

---What there is now, and which version of it.
---@return appsync.WatchState state, integer version
function Watched:look()
  return state_of(self), self.version
end

return watched
