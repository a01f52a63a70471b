---The live subscriptions of all sockets, by the mutation fields that feed them and by their own field: a mutation reaches
---those that it concerns and no others, and its payload is rendered once for all who get the same.
local subscribers = {}

---A larger payload is dropped (AppSync endpoints and quotas, "Subscription payload size").
subscribers.max_payload_bytes = 240 * 1024

-- Filters of resolvers may name any field.
local MAX_TOLD = 1000

---@class appsync.server.Subscriber
---@field connection {deliver: fun(self, subscriber: appsync.server.Subscriber, payload: string), fail: fun(self, thrown: any)}
---@field id string the client's
---@field subscription appsync.server.Subscription
---@field number integer in the order in which they began
---@field is_over boolean?

---@class appsync.server.Subscribers
---@field n integer live ones
---@field private n_ever integer
---@field n_dropped integer payloads above the limit, each counted once for every subscriber
---@field private by_mutation table<string, {n_over: integer, [integer]: appsync.server.Subscriber}>
---@field private by_field table<string, {n_over: integer, [integer]: appsync.server.Subscriber}>
---@field private told table<string, true> what was explained before
---@field private n_told integer
---@field private log fun(text: string)
local Subscribers = {}
Subscribers.__index = Subscribers

---@param log fun(text: string)
---@return appsync.server.Subscribers
function subscribers.new(log)
  return setmetatable({ n = 0, n_ever = 0, n_dropped = 0, n_told = 0, told = {}, by_mutation = {}, by_field = {},
    log = log }, Subscribers)
end

local function insert(index, key, subscriber)
  local list = index[key]
  if not list then
    list = { n_over = 0 }
    index[key] = list
  end
  list[#list + 1] = subscriber
end

-- Those that are over stay in their places until they are half of the list: order is kept, and each costs little.
local function forget(index, key)
  local list = index[key]
  list.n_over = list.n_over + 1
  if list.n_over * 2 <= #list then return end
  local kept = { n_over = 0 }
  for _, subscriber in ipairs(list) do
    if not subscriber.is_over then kept[#kept + 1] = subscriber end
  end
  index[key] = kept[1] and kept or nil
end

local function enlist(self, subscriber)
  local subscription = subscriber.subscription
  for name in pairs(subscription.mutations) do insert(self.by_mutation, name, subscriber) end
  insert(self.by_field, subscription.field, subscriber)
end

---@param connection table
---@param id string
---@param subscription appsync.server.Subscription
---@return appsync.server.Subscriber
function Subscribers:add(connection, id, subscription)
  self.n, self.n_ever = self.n + 1, self.n_ever + 1
  local subscriber = { connection = connection, id = id, subscription = subscription, number = self.n_ever }
  enlist(self, subscriber)
  for _, note in ipairs(subscription.notes) do self.log(("%s: %s"):format(subscription.field, note)) end
  return subscriber
end

---Twice is legal.
---@param subscriber appsync.server.Subscriber
function Subscribers:remove(subscriber)
  if subscriber.is_over then return end
  subscriber.is_over = true
  for name in pairs(subscriber.subscription.mutations) do forget(self.by_mutation, name) end
  forget(self.by_field, subscriber.subscription.field)
  self.n = self.n - 1
end

-- The payload for one subscriber: false when it is too large.
local function payload_for(subscription, value, rendered)
  local payload = rendered[subscription.render_key]
  if payload == nil then
    payload = subscription:render(value)
    if #payload > subscribers.max_payload_bytes then
      rendered.largest = math.max(rendered.largest or 0, #payload)
      payload = false
    end
    rendered[subscription.render_key] = payload
  end
  return payload
end

-- The commonest reason why an event doesn't come: said once for each pair of fields.
local function explain(self, item, subscription)
  local name = subscription:lacks(item.value)
  if not name then return end
  local text = ("%s: a mutation did not select '%s', by which a subscriber of %s is filtered: it is null there"):format(item.field,
    name, subscription.field)
  if self.told[text] or self.n_told >= MAX_TOLD then return end
  self.told[text], self.n_told = true, self.n_told + 1
  self.log(text)
end

local function offer_to(self, subscriber, item, rendered)
  local subscription, value = subscriber.subscription, item.value
  if not subscription:wants(value, item.record) then return explain(self, item, subscription) end
  local payload = payload_for(subscription, value, rendered)
  if payload then
    subscriber.connection:deliver(subscriber, payload)
  else
    self.n_dropped = self.n_dropped + 1
  end
end

---Offers a mutation's result to the subscribers that want it, in the order in which they began.
---@param item appsync.server.Published
function Subscribers:offer(item)
  local list, rendered, n_before = self.by_mutation[item.field], {}, self.n_dropped
  for _, subscriber in ipairs(list or {}) do
    if not subscriber.is_over then
      local ok, thrown = pcall(offer_to, self, subscriber, item, rendered)
      if not ok then subscriber.connection:fail(thrown) end
    end
  end
  if self.n_dropped > n_before then
    self.log(("%s: a payload of %d bytes is above the limit of %d and was dropped; subscribers: %d"):format(item.field,
      rendered.largest, subscribers.max_payload_bytes, self.n_dropped - n_before))
  end
end

---The subscribers of a field that an invalidation ends.
---@param item {invalidates: string, payload: table}
---@return appsync.server.Subscriber[]
function Subscribers:invalidated(item)
  local found = {}
  for _, subscriber in ipairs(self.by_field[item.invalidates] or {}) do
    if not subscriber.is_over and subscriber.subscription:is_invalidated(item.payload) then found[#found + 1] = subscriber end
  end
  return found
end

local function all(self)
  local found = {}
  for _, list in pairs(self.by_field) do
    for _, subscriber in ipairs(list) do
      if not subscriber.is_over then found[#found + 1] = subscriber end
    end
  end
  table.sort(found, function(a, b) return a.number < b.number end)
  return found
end

---Begins every subscription again, on the schema that is served now: who asks for what is not there any more is told so by
---its connection, the others notice nothing.
---@param subscribe fun(request: appsync.server.Request): appsync.server.Subscription?, appsync.server.ErrorEntry[]?
---@return integer n_kept, integer n_ended
function Subscribers:renew(subscribe)
  local n_kept, refused = 0, {}
  local live = all(self)
  self.by_mutation, self.by_field = {}, {}
  for _, subscriber in ipairs(live) do
    local ok, fresh, errors = pcall(subscribe, subscriber.subscription.request)
    if ok and fresh then
      subscriber.subscription, n_kept = fresh, n_kept + 1
    else
      errors = ok and errors or { { errorType = "InternalFailure", message = tostring(fresh) } }
      refused[#refused + 1] = { subscriber = subscriber, errors = errors }
    end
    enlist(self, subscriber)
  end
  for _, item in ipairs(refused) do item.subscriber.connection:revoke(item.subscriber, item.errors) end
  return n_kept, #refused
end

return subscribers
