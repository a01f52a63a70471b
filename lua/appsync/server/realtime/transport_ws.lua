---One WebSocket that speaks graphql-transport-ws (the protocol of the graphql-ws library, PROTOCOL.md), which other
---GraphQL servers speak. The service doesn't; it is here so that clients of both kinds can be tested against one server.
local core = require "appsync.core"
local handshake = require "appsync.server.realtime.handshake"

---@class appsync.server.TransportWs
---@field subscriptions table<string, appsync.server.Subscriber>
---@field n_subscriptions integer
---@field private running table<string, table> queries and mutations whose results aren't there yet, by id
local TransportWs = {}
TransportWs.__index = TransportWs

local transport_ws = {}

local INIT_WAIT_S = 10

---`settings` as in `realtime.new`, and execute(operation, identity) → JSON text.
---@param settings table
---@param hello appsync.server.Handshake
---@return appsync.server.TransportWs
function transport_ws.new(settings, hello)
  return setmetatable({
    settings = settings,
    hello = hello,
    subscriptions = {},
    running = {},
    n_subscriptions = 0,
    due = settings.clock() + INIT_WAIT_S,
  }, TransportWs)
end

---@private
function TransportWs:close(code, reason)
  self.due = nil
  self:release()
  self.settings.close(code, reason)
end

---The credentials may be in the upgrade, in connection_init's payload, or in its `headers`.
local function headers_of_init(hello, payload)
  local headers = {}
  local function add(object)
    for name, value in pairs(handshake.lower(object)) do
      headers[name] = value
    end
  end
  add(hello.headers)
  if type(payload) == "table" then
    add(payload)
    add(type(payload.headers) == "table" and payload.headers or {})
  end
  return headers
end

---@private
function TransportWs:init(message)
  if self.identity then return self:close(4429, "Too many initialisation requests") end
  local identity = self.settings.authorize:check({
    headers = headers_of_init(self.hello, message.payload),
    method = "POST",
    path = self.hello.graphql_path .. "/connect",
    body = "{}",
    peer = self.hello.peer,
  })
  if not identity then return self:close(4403, "Forbidden") end
  self.identity = identity
  self.due = nil
  self.settings.send('{"type":"connection_ack"}')
end

---@private
function TransportWs:send(kind, id, payload)
  local tail = payload and (',"payload":' .. payload) or ""
  self.settings.send(('{"type":"%s","id":%s%s}'):format(kind, core.encode(id), tail))
end

---@private
function TransportWs:subscribe(message)
  local id, payload = message.id, message.payload
  if not self.identity then
    return self:close(4401, "Unauthorized")
  elseif type(id) ~= "string" or type(payload) ~= "table" or type(payload.query) ~= "string" then
    return self:close(4400, "Invalid message received")
  elseif self.subscriptions[id] or self.running[id] then
    return self:close(4409, ("Subscriber for %s already exists"):format(id))
  end
  local operation = {
    query = payload.query,
    variables = type(payload.variables) == "table" and payload.variables or nil,
    operation_name = type(payload.operationName) == "string" and payload.operationName or nil,
    identity = self.identity,
    headers = self.hello.headers,
  }
  self.running[id] = operation
  local result = self.settings.execute(operation)
  local is_wanted = self.running[id] == operation
  self.running[id] = is_wanted and nil or self.running[id]
  if not is_wanted then
    return -- meanwhile the client has completed it, or is gone
  end
  if result then
    self:send("next", id, result)
    return self:send("complete", id)
  end
  local max = self.settings.max_subscriptions
  local subscription, errors
  if max and self.n_subscriptions >= max then
    errors = { { errorType = "MaxSubscriptionsReachedError", message = ("Max number of %d subscriptions reached"):format(max) } }
  else
    subscription, errors = self.settings.engine:subscribe(operation)
  end
  if not subscription then return self:send("error", id, handshake.errors_json(errors)) end
  self.subscriptions[id] = self.settings.subscribers:add(self, id, subscription)
  self.n_subscriptions = self.n_subscriptions + 1
end

---@private
function TransportWs:complete(id)
  self.running[id] = nil
  if self.subscriptions[id] then
    self.settings.subscribers:remove(self.subscriptions[id])
    self.subscriptions[id] = nil
    self.n_subscriptions = self.n_subscriptions - 1
  end
end

---@param text string
function TransportWs:on_message(text)
  local message = core.decode(text)
  local kind = type(message) == "table" and message.type
  if kind == "connection_init" then
    self:init(message)
  elseif kind == "ping" then
    self.settings.send('{"type":"pong"}')
  elseif kind == "subscribe" then
    self:subscribe(message)
  elseif kind == "complete" and type(message.id) == "string" then
    self:complete(message.id)
  elseif kind ~= "pong" then
    self:close(4400, "Invalid message received")
  end
end

---Sends an event to one of its subscribers.
---@param subscriber appsync.server.Subscriber
---@param payload string json
function TransportWs:deliver(subscriber, payload)
  self:send("next", subscriber.id, payload)
end

---Ends one of its subscriptions from the server's side.
---@param subscriber appsync.server.Subscriber
function TransportWs:invalidate(subscriber)
  self:complete(subscriber.id)
  self:send("complete", subscriber.id)
end

---Ends one of its subscriptions that the served schema has no place for any more.
---@param subscriber appsync.server.Subscriber
---@param errors appsync.server.ErrorEntry[]
function TransportWs:revoke(subscriber, errors)
  self:complete(subscriber.id)
  self:send("error", subscriber.id, handshake.errors_json(errors))
end

---This protocol has a word for the end of a subscription: the connection stays.
function TransportWs.settle_invalidated() end

---What the server itself caused ends the connection.
---@param thrown any
function TransportWs:fail(thrown)
  self.settings.log("a subscription failed: " .. tostring(thrown))
  self:close(1011, "internal error")
end

---Takes its subscriptions back: the connection is gone or about to go.
function TransportWs:release()
  self.running = {}
  for id in pairs(self.subscriptions) do
    self:complete(id)
  end
end

function TransportWs:on_due()
  self:close(4408, "Connection initialisation timeout")
end

return transport_ws
