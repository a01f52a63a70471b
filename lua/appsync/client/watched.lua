---What a live watch shows: the core's views of its query made into values, what it fetches, and who is told.
---
---    first subscriber --> the core's watch --VIEW--> value --+
---                     \-> fetch, by policy --RESULT----------+--> state --> each subscriber, once it is ready for it
local cache = require "appsync.client.cache"
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
---@field package state appsync.WatchState what was made last
local Watched = {}
Watched.__index = Watched

---@param client appsync.Client
---@param plan appsync.client.Plan
---@param policy string
---@return appsync.client.Watched
function watched.new(client, plan, policy)
  return setmetatable({
    client = client, plan = plan, policy = policy, subscribers = {}, n_subscribers = 0, memo = {}, version = 0,
    is_whole = false, loading = false, n_consumed = 0,
  }, Watched)
end

-- Whether there is anything to say yet.
local function is_silent(self)
  return self.data == nil and self.err == nil and self.answer == nil
end

local function wake_all(self)
  for subscriber in pairs(self.subscribers) do subscriber.wake() end
end

-- Something is to be told: whoever is busy is told what there is when it is done. While the network is asked its answer
-- may be there already, behind the view that it has led to: both are told as one.
local function change(self)
  if is_silent(self) then return end
  self.version = self.version + 1
  if self.loading then
    timer.after(0, wake_all, self)
  else
    wake_all(self)
  end
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

-- What is missing is asked for once, until all of it was there again.
local function fill(self)
  if self.is_whole then
    self.has_asked, self.answer = false, nil
  elseif self.policy ~= "cache-only" and not self.loading and not self.has_asked then
    self.has_asked = true
    fetch(self)
  end
end

-- What the network has answered counts as far as the cache doesn't have it.
local function keep_answer(self)
  local data = self.late_answer
  self.has_late, self.late_answer = false, nil
  self.answer = not self.is_whole and data or nil
  if data ~= nil then self.source = "network" end
end

-- Shows the value of a view; one that lacks something only where nobody can be asked for it.
local function settle(self, value, is_whole, is_optimistic)
  self.is_whole, self.is_building = is_whole, false
  if is_whole or self.policy == "cache-only" then
    self.data = value
    self.source = is_optimistic and "optimistic" or self.loading and self.source or "cache"
  end
  if self.has_late then keep_answer(self) end
  fill(self)
  change(self)
  self.n_consumed = self.n_consumed + 1
  dispatch.flush_later(self)
end

---Tells the core that its view was taken, so that it may show the next.
function Watched:flush()
  if self.n_consumed == 0 then return end
  self.n_consumed = 0
  if not self.id then return end
  local _, err = self.cache:view_taken(self.id)
  errors.of_core(err)
end

-- Makes the value of a large view beside everything else.
local function build_slowly(self, view, is_whole, is_optimistic)
  local held, memo = {}, self.memo
  local is_done, value = view:step(STEP_VALUES, held, memo)
  while is_done == false do
    if scheduler.spent() then scheduler.give_way() end
    is_done, value = view:step(STEP_VALUES, held, memo)
  end
  if is_done then return settle(self, value, is_whole, is_optimistic) end
  self.memo = {}
  self:on_failure(errors.adopt(value))
end

---@param view appsync.core.View?
---@param err appsync.Error? it can't be read
function Watched:on_view(view, err)
  if not view then return self:on_failure(err) end
  if not self.id then return end
  local is_whole, is_optimistic, n_bytes = view:state()
  if n_bytes > LARGE_BYTES then
    self.is_building = true
    task.spawn_asked(function(raised) self:on_failure(errors.of_raised(raised)) end, build_slowly, self, view, is_whole,
      is_optimistic)
    return
  end
  local _, value, build_err = view:step(math.huge, {}, self.memo)
  if build_err then
    self.memo = {}
    return self:on_failure(errors.adopt(build_err))
  end
  settle(self, value, is_whole, is_optimistic)
end

---@param err appsync.Error
function Watched:on_failure(err)
  self.err, self.is_building = err, false
  change(self)
  self.n_consumed = self.n_consumed + 1
  dispatch.flush_later(self)
end

local begin_watch

-- Takes the outcome of a fetch. What it has brought was seen by the core's watch before.
local function take(self, data, err)
  self.loading = false
  self.err = err
  if self.policy == "no-cache" then
    self.data, self.is_whole, self.source = data, err == nil, data ~= nil and "network" or nil
  else
    self.has_late, self.late_answer = true, data
    if self.is_building then return end -- the view that it has led to isn't made yet
    keep_answer(self)
    if not self.id and self.n_subscribers > 0 then begin_watch(self) end -- network-only: it looks from now on
  end
  change(self)
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
  change(self)
  return fetching
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

function begin_watch(self)
  local plan = self.plan
  local id, err = self.cache:watch{
    document = plan.document.core, operation_name = plan.options.operation_name, variables = plan.variables,
    typenames = true,
  }
  if not id then return self:on_failure(errors.of_core(err, plan.where)) end
  self.id = id
  dispatch.expect(id, self)
end

-- Begins to look. Failures are states.
local function start(self)
  local policy = self.policy
  if policy ~= "no-cache" then
    local opened, err = cache.ensure(self.client, self.plan.where)
    if not opened then return self:on_failure(err) end
    self.cache = opened
    if policy ~= "network-only" then begin_watch(self) end
  end
  if policy ~= "cache-first" and policy ~= "cache-only" then fetch(self) end
  start_poll(self)
end

-- Nobody looks any more.
local function stop(self)
  local id = self.id
  if self.timer then timer.cancel(self.timer) end
  self.timer, self.id = nil, nil
  self.client.root:detach(self)
  if not id then return end
  dispatch.forget(id, self)
  local _, err = self.cache:unwatch(id)
  errors.of_core(err)
end

---The client closes: nothing more is told.
function Watched:on_client_closed()
  local subscribers = self.subscribers
  self.subscribers, self.n_subscribers, self.id = {}, 0, nil
  if self.timer then timer.cancel(self.timer) end
  for subscriber in pairs(subscribers) do subscriber.finish() end
end

---@param subscriber {wake: fun(), finish: fun()}
function Watched:join(subscriber)
  self.subscribers[subscriber] = true
  self.n_subscribers = self.n_subscribers + 1
  if self.n_subscribers == 1 then
    self.client.root:attach(self)
    start(self)
  end
  if not is_silent(self) then subscriber:wake() end
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
