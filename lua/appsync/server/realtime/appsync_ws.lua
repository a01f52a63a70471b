---One WebSocket that speaks AppSync's realtime protocol (AppSync Developer Guide, "Building a real-time WebSocket
---client"). It decides; the sockets module sends and keeps the time.
local core = require "appsync.core"
local handshake = require "appsync.server.realtime.handshake"
local result = require "appsync.server.graphql.result"

---@class appsync.server.Realtime
---@field subscriptions table<string, appsync.server.Subscriber> by the client's id
---@field n_subscriptions integer
local Realtime = {}
Realtime.__index = Realtime

local realtime = {}

local ACK = '{"type":"connection_ack","payload":{"connectionTimeoutMs":%d}}'
local KEEP_ALIVE = '{"type":"ka"}'

-- How long a refused client has to say its first word; the answer waits for it, because clients begin to listen only
-- when their connect call has returned.
local REFUSAL_WAIT_S = 1

---What the service writes when a subscription was invalidated (AppSync Developer Guide, "Unsubscribing WebSocket
---connections using filters").
local INVALIDATED = '{"type":"complete","id":%s,"payload":{"message":"Subscription complete."}}'

---`settings`: send(text), close(code, reason), engine, authorize, subscribers, clock, ka_s, connection_timeout_ms,
---max_subscriptions, log(text).
---@param settings table
---@param hello appsync.server.Handshake
---@return appsync.server.Realtime
function realtime.new(settings, hello)
  local self = setmetatable({
    settings = settings,
    graphql_path = hello.graphql_path,
    peer = hello.peer,
    subscriptions = {},
    n_subscriptions = 0,
    is_acknowledged = false,
  }, Realtime)
  self.refusal = hello.fault or self:refusal_of_connect(hello.headers)
  if self.refusal then
    self.due = settings.clock() + REFUSAL_WAIT_S
  else
    self:keep_alive()
  end
  return self
end

---@private
function Realtime:refusal_of_connect(headers)
  local identity, refusal = self.settings.authorize:check({
    headers = headers,
    method = "POST",
    path = self.graphql_path .. "/connect",
    body = "{}",
    peer = self.peer,
    operation = { operationName = "DeepDish:Connect" },
  })
  if not identity then
    return { type = refusal.type, message = refusal.message, code = refusal.status }
  end
end

---@private
function Realtime:keep_alive()
  self.settings.send(KEEP_ALIVE)
  self.due = self.settings.clock() + self.settings.ka_s
end

---@private
function Realtime:acknowledge()
  self.is_acknowledged = true
  self.settings.send(ACK:format(self.settings.connection_timeout_ms))
end

---@private
function Realtime:refuse()
  local refusal = self.refusal
  local message = result.utf8(refusal.message)
  local kind = refusal.type and ('"errorType":%s,'):format(result.text(refusal.type)) or ""
  self.settings.send(
    ('{"type":"connection_error","payload":{"errors":[{%s"message":%s,"errorCode":%d}]}}'):format(
      kind,
      core.encode(message),
      refusal.code
    )
  )
  self.due = nil
  self.settings.close(1000, message)
end

---@private
---@param id string?
---@param errors table[]
function Realtime:error(id, errors)
  local key = id and ('"id":%s,'):format(core.encode(id)) or ""
  self.settings.send(('{"type":"error",%s"payload":{"errors":%s}}'):format(key, handshake.errors_json(errors)))
end

---@private
function Realtime:answer_error(id, kind, message)
  self:error(id, { { errorType = kind, message = message } })
end

local function read_start(message)
  local payload = message.payload
  local data = type(payload) == "table" and payload.data
  local operation = type(data) == "string" and core.decode(data)
  if type(operation) ~= "table" or type(operation.query) ~= "string" then return nil end
  local extensions = type(payload.extensions) == "table" and payload.extensions or {}
  local headers = type(extensions.authorization) == "table" and extensions.authorization or {}
  return {
    data = data,
    query = operation.query,
    variables = type(operation.variables) == "table" and operation.variables or nil,
    operationName = type(operation.operationName) == "string" and operation.operationName or nil,
    headers = handshake.lower(headers),
  }
end

---@private
---True when the id may be used for a new subscription.
function Realtime:has_room(id)
  local max = self.settings.max_subscriptions
  if self.subscriptions[id] then
    self:answer_error(id, "DuplicatedOperationError", ("The operation id %s is in use on this connection."):format(id))
  elseif self.n_subscriptions >= max then
    self:answer_error(id, "MaxSubscriptionsReachedError", ("Max number of %d subscriptions reached"):format(max))
  else
    return true
  end
  return false
end

-- The credentials of a start are checked now and not again: what runs when its token expires goes on until the connection
-- ends, and only the next start is refused. The guide doesn't say what the service does.
---@private
function Realtime:start(id, message)
  if not self:has_room(id) then return end
  local operation = read_start(message)
  if not operation then
    return self:answer_error(id, "BadRequestException", "Unable to parse GraphQL query.")
  end
  local identity, refusal = self.settings.authorize:check({
    headers = operation.headers,
    method = "POST",
    path = self.graphql_path,
    body = operation.data,
    peer = self.peer,
    operation = operation,
  })
  if not identity then return self:answer_error(id, refusal.type, refusal.message) end
  local subscription, errors = self.settings.engine:subscribe({
    query = operation.query,
    variables = operation.variables,
    operation_name = operation.operationName,
    identity = identity,
    headers = operation.headers,
  })
  if not subscription then return self:error(id, errors) end
  local subscriber = self.settings.subscribers:add(self, id, subscription)
  subscriber.head = ('{"type":"data","id":%s,"payload":'):format(core.encode(id))
  self.subscriptions[id] = subscriber
  self.n_subscriptions = self.n_subscriptions + 1
  self.settings.send(('{"type":"start_ack","id":%s}'):format(core.encode(id)))
end

---@private
function Realtime:remove(id)
  self.settings.subscribers:remove(self.subscriptions[id])
  self.subscriptions[id] = nil
  self.n_subscriptions = self.n_subscriptions - 1
end

---@private
function Realtime:stop(id)
  if not self.subscriptions[id] then
    return self:answer_error(id, "UnknownOperationError", ("Unknown operation id %s"):format(id))
  end
  self:remove(id)
  self.settings.send(('{"type":"complete","id":%s}'):format(core.encode(id)))
end

---One text message of the client. What comes before connection_init was acknowledged is ignored.
---@param text string
function Realtime:on_message(text)
  if self.refusal then return self.due and self:refuse() end
  local message = core.decode(text)
  local kind = type(message) == "table" and message.type
  if not self.is_acknowledged then
    if kind == "connection_init" then
      self:acknowledge()
    end
  elseif type(kind) ~= "string" then
    self:answer_error(nil, "UnsupportedOperation", "unknown not supported through the realtime channel")
  elseif kind == "connection_init" then
    self:acknowledge()
  elseif (kind == "start" or kind == "stop") and type(message.id) == "string" then
    self[kind](self, message.id, message)
  else
    local id = type(message.id) == "string" and message.id or nil
    self:answer_error(id, "UnsupportedOperation", kind .. " not supported through the realtime channel")
  end
end

---Sends an event to one of its subscribers.
---@param subscriber appsync.server.Subscriber
---@param payload string json
function Realtime:deliver(subscriber, payload)
  self.settings.send(subscriber.head .. payload .. "}")
end

---Ends one of its subscriptions from the server's side; `settle_invalidated` follows when all were told.
---@param subscriber appsync.server.Subscriber
function Realtime:invalidate(subscriber)
  self:remove(subscriber.id)
  self.settings.send(INVALIDATED:format(core.encode(subscriber.id)))
end

---Ends one of its subscriptions that the served schema has no place for any more.
---@param subscriber appsync.server.Subscriber
---@param errors appsync.server.ErrorEntry[]
function Realtime:revoke(subscriber, errors)
  self:remove(subscriber.id)
  self:error(subscriber.id, errors)
end

---The service closes the connection of a subscription that it ended.
function Realtime:settle_invalidated()
  self:release()
  self.settings.close(1000, "Subscription complete.")
end

---What the server itself caused ends the connection.
---@param thrown any
function Realtime:fail(thrown)
  self.settings.log("a subscription failed: " .. tostring(thrown))
  self:release()
  self.settings.close(1011, "internal error")
end

---Takes its subscriptions back: the connection is gone or about to go.
function Realtime:release()
  for id in pairs(self.subscriptions) do
    self:remove(id)
  end
end

---Called when `due` has come.
function Realtime:on_due()
  if self.refusal then
    self:refuse()
  else
    self:keep_alive()
  end
end

return realtime
