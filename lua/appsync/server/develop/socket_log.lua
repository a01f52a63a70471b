---What WebSockets do, as records of the request log: the sockets tell it what is opened, sent, received and closed.
local core = require "appsync.core"
local redact = require "appsync.server.develop.redact"
local secrets = require "appsync.server.develop.secrets"

---@class appsync.server.SocketLog
---@field private settings {write: fun(record: appsync.server.LogRecord), engine: appsync.server.Engine, now: fun(): number}
---@field private known table<number, {live: table<string, true>, n_events: integer, error: string?}>
local SocketLog = {}
SocketLog.__index = SocketLog

local socket_log = {}

---`settings`: write(record), engine, now.
---@return appsync.server.SocketLog
function socket_log.new(settings)
  return setmetatable({ settings = settings, known = {} }, SocketLog)
end

---@private
function SocketLog:write(record)
  record.at = self.settings.now()
  self.settings.write(record)
end

---@param id number
---@param event appsync.server.native.Event
---@param hello appsync.server.Handshake
function SocketLog:opened(id, event, hello)
  self.known[id] = { live = {}, n_events = 0 }
  self:write({ kind = "connect", connection = id, path = event.path, protocol = hello.protocol })
end

local function first_error(message)
  local payload = type(message) == "table" and message.payload
  local errors = type(payload) == "table" and (payload.errors or payload) or {}
  local first = errors[1]
  if type(first) ~= "table" then return "unknown" end
  return tostring(first.message or first.errorType), first.errorCode
end

---A message of ours.
---@param id number
---@param text string
function SocketLog:sent(id, text)
  local state = self.known[id]
  if not state then return end
  local kind = text:match('^{"type":"([%w_]+)"')
  if kind == "data" or kind == "next" then
    state.n_events = state.n_events + 1
  elseif kind == "error" then
    state.error = first_error(core.decode(text))
  elseif kind == "connection_error" then
    local message, code = first_error(core.decode(text))
    self:write({ kind = "connect", connection = id, status = code or 0, n_errors = 1, error = message })
  end
end

---@private
function SocketLog:started(id, connection, name, state)
  local subscriber = connection.subscriptions[name]
  if not subscriber or state.error then
    self:write({ kind = "start", connection = id, id = name, n_errors = 1, error = state.error })
    return
  end
  state.live[name] = true
  local request = subscriber.subscription.request or {}
  local about = request.query and self.settings.engine:operation_of(request) or {}
  local identity = request.identity or {}
  self:write({
    kind = "start", connection = id, id = name, operation = about.operation, name = about.name, fields = about.fields,
    identity = identity.mode, user = identity.username,
  })
end

---A message of the client's that has been handled.
---@param id number
---@param connection table
---@param text string
function SocketLog:received(id, connection, text)
  local state, message = self.known[id], core.decode(text)
  local kind = type(message) == "table" and message.type
  local name = kind and message.id
  if not state or type(name) ~= "string" then return end
  local is_live = connection.subscriptions[name] ~= nil
  if state.error then state.error = secrets.hide(state.error, secrets.of(redact.operation_of(message))) end
  if kind == "start" or (kind == "subscribe" and (is_live or state.error)) then
    self:started(id, connection, name, state)
  elseif (kind == "stop" or kind == "complete") and state.live[name] and not is_live then
    state.live[name] = nil
    self:write({ kind = "stop", connection = id, id = name })
  end
  state.error = nil
end

---@param event appsync.server.native.Event
function SocketLog:closed(event)
  local state = self.known[event.id]
  self.known[event.id] = nil
  if not state then return end
  self:write({
    kind = "close", connection = event.id, code = event.code, reason = event.reason, n_events = state.n_events,
  })
end

return socket_log
