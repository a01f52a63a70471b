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
local json = require "appsync.json"
local known_ids = require "appsync.client.known_ids"
local operation = require "appsync.client.operation"
local polling = require "appsync.client.polling"
local query = require "appsync.client.query"
local scheduler = require "appsync.scheduler"
local stepwise = require "appsync.stepwise"
local task = require "appsync.task"
local temporary_ids = require "appsync.client.temporary_ids"
local unchanged = require "appsync.client.unchanged"
local updating = require "appsync.client.updating"

local watched = {}

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
---@field package subscribers table[] in the order in which they came
---@field package session table? from the first subscriber to the last: what began in one says nothing in the next
---@field package version integer counts the states
---@field package memo table of the values that were made: see appsync.core.View
local Watched = {}
Watched.__index = Watched

-- Nothing is known yet.
local function forget(self)
  self.session, self.id, self.cache, self.queue = nil, nil, nil, nil
  self.data, self.err, self.source, self.answer, self.outcome, self.state = nil, nil, nil, nil, nil, nil
  self.is_whole, self.loading, self.has_viewed, self.has_asked, self.must_ask = false, false, false, false, false
  self.n_fetching, self.n_taken, self.memo = 0, 0, {}
end

---@param client appsync.Client
---@param plan appsync.client.Plan
---@param policy string
---@return appsync.client.Watched
function watched.new(client, plan, policy)
  local self = setmetatable({ client = client, plan = plan, policy = policy, subscribers = {}, version = 0 }, Watched)
  forget(self)
  return self
end

-- Whether there is nothing to say yet.
local function is_silent(self)
  return self.data == nil and self.err == nil and self.answer == nil
end

-- Whoever is busy is told what there is when it is done.
local function tell(self)
  if is_silent(self) then return end
  for _, subscriber in ipairs(self.subscribers) do subscriber.wake() end
end

-- Behind a view that comes while the network is asked its answer may stand already, which tells both.
local function tell_unless_answered(self)
  local session = self.session
  task.spawn(function()
    scheduler.give_way()
    if self.session == session and not self.outcome then tell(self) end
  end)
end

-- What the cache lacks the answer may have, as far as it goes.
local function data_of(self)
  if not self.is_whole and self.answer ~= nil then return self.answer end
  return self.data
end

-- The state as it is now: one table for all subscribers, the same as long as nothing is other.
local function state_of(self)
  local data, was = data_of(self), self.state
  if was and rawequal(was.data, data) and rawequal(was.err, self.err) and was.source == self.source
    and was.loading == self.loading and was.complete == self.is_whole then return was end
  self.version = self.version + 1
  self.state = { data = data, err = self.err, source = self.source, loading = self.loading, complete = self.is_whole }
  return self.state
end

local fetch

-- There is still no network: nothing that anybody has to be told anew.
local function is_same_trouble(was, err)
  return query.is_unreachable(was) and query.is_unreachable(err) and was.message == err.message
end

-- The fetches are over whose last outcome this is. What fails takes nothing away.
local function conclude(self, outcome)
  self.n_fetching = self.n_fetching - outcome.n_fetches
  self.outcome, self.loading = nil, self.n_fetching > 0
  if self.must_ask then
    self.must_ask = false
    fetch(self)
  end
  if not is_same_trouble(self.err, outcome.err) then self.err = outcome.err end
  if outcome.data == nil then return end
  self.source = "network"
  if not self.is_whole then self.answer = unchanged(self.answer, outcome.data) end
end

-- The same without a view that shows what it has brought.
local function conclude_as_it_is(self, outcome)
  if outcome.data ~= nil then self.data, self.is_whole = unchanged(self.data, outcome.data), outcome.err == nil end
  conclude(self, outcome)
end

-- A value is there; one that lacks something shows only where nobody can be asked for it, or has been and couldn't tell.
local function show(self, value, is_whole, is_optimistic, mark)
  -- 1 has become 1.0: nothing that anybody has to be told
  local is_same = is_whole and self.is_whole and rawequal(value, self.data) and (self.source == "optimistic") == is_optimistic
  self.is_whole = is_whole
  if is_whole or self.policy == "cache-only" then
    self.data = value
  elseif self.answer ~= nil and mark ~= "asked" then
    self.answer = value
  else
    return
  end
  if is_same then return end
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

-- An event said nothing of what is shown here, such as fields that a mutation hadn't selected, or what is kept has expired:
-- the service is asked, once for all that comes meanwhile.
local function ask_again(self, is_first)
  if self.policy == "cache-only" or (is_first and self.loading) then return end
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
  if mark == "doubtful" then ask_again(self, is_first) end
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

local function let_go(self)
  dispatch.forget(self.id, self)
  self.cache:unwatch(self.id)
  self.id = nil
end

-- The core's watch shows nothing: what the network says is shown as it comes.
local function go_without_cache(self)
  if self.id then let_go(self) end
  self.cache = nil
  if self.policy ~= "cache-only" and not self.loading then fetch(self) end
end

local function fail(self, err, mark)
  self.err = err
  if not self.has_viewed then go_without_cache(self) end
  if self.outcome and (mark == "asked" or not self.id) then conclude_as_it_is(self, self.outcome) end
  tell(self)
  self.n_taken = self.n_taken + 1
  dispatch.flush_later(self)
end

-- The next views of a watch are made one after the other.
local function build(self, view, mark)
  local is_whole, is_optimistic, n_bytes = view:state()
  local step = n_bytes > stepwise.LARGE_BYTES and stepwise.VALUES or math.huge
  local held, memo, session = {}, self.memo, self.session
  local is_done, value = view:step(step, held, memo)
  while is_done == false do
    scheduler.pause(stepwise.EVENTS)
    if self.session ~= session then return end
    is_done, value = view:step(step, held, memo)
  end
  if is_done then
    show(self, value, is_whole, is_optimistic, mark)
    finish(self, mark)
  else
    self.memo = {}
    fail(self, errors.adopt(value), mark)
  end
end

-- Makes the values of large views beside everything else.
local function build_slowly(self, queue)
  while queue[1] and self.queue == queue do
    build(self, queue[1].view, queue[1].mark)
    table.remove(queue, 1)
  end
  if self.queue == queue then self.queue = nil end
end

-- What was to be made is lost, and so is what it was to be made from.
local function fail_slowly(self, queue, raised)
  if self.queue ~= queue then return end
  self.queue, self.memo = nil, {}
  fail(self, errors.of_raised(raised), "asked")
end

---@param view appsync.core.View?
---@param err appsync.Error? it can't be read
---@param mark "asked"|"doubtful"|nil
function Watched:on_view(view, err, mark)
  if not view then return fail(self, err, mark) end
  local _, _, n_bytes = view:state()
  if self.queue then
    table.insert(self.queue, { view = view, mark = mark })
  elseif n_bytes > stepwise.LARGE_BYTES then
    local queue = { { view = view, mark = mark } }
    self.queue = queue
    task.spawn_asked(function(raised) fail_slowly(self, queue, raised) end, build_slowly, self, queue)
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

-- What was fetched by the service's ids is shown by them from now on.
local function follow_ids(self, variables)
  let_go(self)
  self.plan.variables, self.queue, self.memo, self.n_taken = variables, nil, {}, 0
  begin_watch(self)
end

-- What a fetch has brought, with the tables of before; a watch without views compares them itself, which may take long.
local function compared(self, data)
  if self.id or self.data == nil or data == nil or not scheduler.can_pause() then return data end
  return unchanged(self.data, data, stepwise.counter())
end

-- Takes the outcome of a fetch; the core's watch has seen what it has brought, and is asked for it.
local function take(self, session, data, err, variables)
  if session == nil or session ~= self.session then return end
  local waiting = self.client.root.recovery
  if query.is_unreachable(err) then waiting:wait(self) else waiting:leave(self) end
  local outcome = { data = data, err = err, n_fetches = 1 + (self.outcome and self.outcome.n_fetches or 0) }
  if self.id and data ~= nil and variables ~= self.plan.variables then follow_ids(self, variables) end
  if self.cache and not self.id then begin_watch(self) end -- network-only: it looks from now on
  if not self.id then
    conclude_as_it_is(self, outcome)
    return tell(self)
  end
  self.outcome = outcome
  errors.of_core(select(2, self.cache:show(self.id)))
end

-- The watch's plan for one call.
local function plan_for(self, opened)
  return setmetatable({ cache = opened, variables = temporary_ids.replace(opened, self.plan.variables) }, { __index = self.plan })
end

-- Without a cache it is tried also where there is no network, as for queries.
local function send(self, plan)
  return (self.policy == "no-cache" and operation.execute or query.send)(self.client, plan)
end

-- Asks the network, beside everything else.
---@return appsync.Task
function fetch(self)
  local plan, session = plan_for(self, self.cache), self.session
  self.n_fetching = self.n_fetching + 1
  self.loading = true
  return task.spawn_asked(function(raised) take(self, session, nil, errors.of_raised(raised)) end, function()
    local data, err, info = send(self, plan)
    data = compared(self, data)
    take(self, session, data, err, plan.variables)
    return data, err, info
  end)
end

---The network is back, perhaps. Nobody is told before there is something other.
function Watched:ask_anew()
  if self.session and not self.loading then fetch(self) end
end

---Asks the network now.
---@return appsync.Task
function Watched:refetch()
  if not self.session then return task.spawn(self.ask, self, plan_for(self)) end
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
  return send(self, plan)
end

local function rewrite(self, where, fn, ...)
  local previous = cache.read(self.client, self.plan, false, nil, true)
  local changed = previous ~= nil and compute(where, fn, previous, ...) or nil
  if changed ~= nil then return cache.write(self.client, self.plan, changed) end
end

---Gives the query other data, as far as what it has is known: `fn(previous, ...)`, whose `previous` is its own.
---@param where string
---@param fn function must not wait
function Watched:update(where, fn, ...)
  if self.policy ~= "no-cache" then
    local opened = cache.ensure(self.client, where)
    if opened then updating.change(opened, rewrite, self, where, fn, ...) end
    return
  end
  if self.data == nil then return end
  local changed = compute(where, fn, json.copy(self.data), ...)
  if changed == nil then return end
  self.data = changed
  tell(self)
end

local function begin(self)
  local policy = self.policy
  if self.cache and not self.id then
    self.plan.variables = known_ids.variables(self.client, self.plan)
    if policy ~= "network-only" then begin_watch(self) end
  end
  if policy ~= "cache-first" and policy ~= "cache-only" then
    self.has_asked = true
    fetch(self)
  end
  polling.start(self, fetch)
end

-- Begins to look. Failures are states; a client that has no cache for it throws.
local function start(self)
  local opened, err
  if self.policy ~= "no-cache" then opened, err = cache.ensure(self.client, self.plan.where) end
  local session = {}
  self.session, self.cache, self.err = session, opened, err
  self.client.root:attach(self)
  if err then return end
  if not opened then return begin(self) end
  known_ids.when_at_hand(self.client, self.plan, function()
    if self.session == session then begin(self) end
  end, function(raised)
    if self.session == session then fail(self, errors.of_raised(raised)) end
  end)
end

-- Nobody looks any more. What was made is forgotten with the core's watch, whose numbers it goes by.
local function stop(self)
  local id, opened = self.id, self.cache
  polling.stop(self)
  self.client.root:detach(self)
  self.client.root.recovery:leave(self)
  forget(self)
  if not id then return end
  dispatch.forget(id, self)
  local _, err = opened:unwatch(id)
  errors.of_core(err)
end

---The client closes: nothing more is told.
function Watched:on_client_closed()
  local subscribers = self.subscribers
  self.subscribers = {}
  stop(self)
  for _, subscriber in ipairs(subscribers) do subscriber.finish() end
end

---@param subscriber {wake: fun(), finish: fun()}
function Watched:join(subscriber)
  if not self.session then start(self) end
  table.insert(self.subscribers, subscriber)
  if not is_silent(self) then subscriber.wake() end
end

function Watched:leave(subscriber)
  for i, other in ipairs(self.subscribers) do
    if other == subscriber then
      table.remove(self.subscribers, i)
      if not self.subscribers[1] then stop(self) end
      return
    end
  end
end

---What there is now, and which version of it.
---@return appsync.WatchState state, integer version
function Watched:look()
  return state_of(self), self.version
end

return watched
