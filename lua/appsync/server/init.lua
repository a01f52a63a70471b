--- The local AppSync-compatible server: one process, one thread, GraphQL over HTTP and WebSocket.
local core = require("appsync.core")
local listener_module = require("appsync.listener")
local authorize = require("appsync.server.auth.authorize")
local endpoint = require("appsync.server.http.endpoint")
local sockets = require("appsync.server.realtime.sockets")

---@class appsync.server.Options
---@field schema_text string
---@field schema_name string? for error messages
---@field host string? default "127.0.0.1"
---@field port integer? default 0: any free one
---@field api_keys string[]?
---@field iam table<string, string>? secret by access key
---@field jwt_keys appsync.server.JwtKey[]?
---@field auth_default appsync.server.AuthMode?
---@field auth appsync.server.AuthFile? what the file of `--auth` says
---@field resolvers table<string, table<string, function>>?
---@field authorizer (fun(token: string, request: table): boolean|table)? AWS_LAMBDA
---@field store string? a file, default ":memory:"
---@field conflict string? automerge, optimistic or lambda
---@field tls {cert: string, key: string}?
---@field max_subscriptions integer? of one connection, default 200
---@field ka number? seconds between keep-alive messages, default 60
---@field connection_timeout integer? ms without a message after which clients shall give up, default 300000
---@field max_age number? seconds after which a WebSocket is closed, default a day
---@field max_body integer? bytes of a request, default 10 MB
---@field max_message integer? bytes of a WebSocket message, default 1 MB
---@field max_pending integer? bytes that may wait for one WebSocket, default 8 MB
---@field log (fun(text: string))? default: stderr
---@field trace boolean? logs each request and message
---@field clock (fun(): number)? seconds that never go back
---@field now (fun(): number)? Unix seconds
---@field engine table? instead of the engine that is made of the schema

---@class appsync.server.Server
---@field engine table
---@field listener table
---@field auth_modes {default: string, additional: string[]}
local Server = {}
local Server_mt = { __index = Server }

local server = {}

local function log_to_stderr(text)
  io.stderr:write("appsync serve: ", text, "\n")
end

local function new_engine(options, auth_modes, now)
  if options.engine then
    return options.engine
  end
  return require("appsync.server.engine").new({
    schema_text = options.schema_text,
    schema_name = options.schema_name,
    resolvers = options.resolvers,
    store = options.store or ":memory:",
    now = now,
    uuid = core.uuid,
    auth_modes = auth_modes,
    conflict = options.conflict,
  })
end

local function open_listener(options)
  return listener_module.open({
    host = options.host or "127.0.0.1",
    port = options.port or 0,
    tls = options.tls,
    max_body = options.max_body,
    max_message = options.max_message,
    max_pending = options.max_pending,
  })
end

--- A query or mutation over graphql-transport-ws: its result; nil for a subscription.
---@private
function Server:execute(operation)
  local document = core.document(operation.query)
  if not document then
    return nil
  end
  for _, definition in ipairs(document:operations()) do
    local is_asked = operation.operation_name == nil or definition.name == operation.operation_name
    if is_asked and definition.kind == "subscription" then
      return nil
    end
  end
  operation.request_id = core.uuid()
  local json, published = self.engine:execute(operation)
  if not json then
    return '{"data":null,"errors":[{"errorType":"BadRequestException","message":"Missing operation name."}]}'
  end
  self.sockets:publish(published)
  return json
end

---@private
function Server:wire(options, auth)
  self.endpoint = endpoint.new({
    engine = self.engine,
    authorize = auth,
    publish = function(items) self.sockets:publish(items) end,
    log = self.log,
  })
  self.sockets = sockets.new({
    listener = self.listener,
    engine = self.engine,
    authorize = auth,
    execute = function(operation) return self:execute(operation) end,
    clock = options.clock or core.now,
    ka_s = options.ka,
    max_subscriptions = options.max_subscriptions,
    connection_timeout_ms = options.connection_timeout,
    max_age_s = options.max_age,
    log = self.log,
  })
end

--- Makes the engine and listens.
---@param options appsync.server.Options
---@return appsync.server.Server? server
---@return {message: string, line: integer?, column: integer?}? err
function server.new(options)
  local log = options.log or log_to_stderr
  local now = options.now or core.wall
  local auth, message = authorize.new({
    api_keys = options.api_keys,
    iam = options.iam,
    jwt_keys = options.jwt_keys,
    authorizer = options.authorizer,
    default = options.auth_default,
    file = options.auth,
    now = now,
    log = log,
  })
  if not auth then
    return nil, { message = message }
  end
  local self = setmetatable({ log = log, trace = options.trace, auth_modes = auth:auth_modes() }, Server_mt)
  local err
  self.engine, err = new_engine(options, self.auth_modes, now)
  if not self.engine then
    return nil, err
  end
  self.listener, message = open_listener(options)
  if not self.listener then
    return nil, { message = message }
  end
  self.host = options.host or "127.0.0.1"
  self.is_tls = options.tls ~= nil
  self:wire(options, auth)
  return self
end

--- The addresses of the two endpoints.
---@return string http, string websocket
function Server:urls()
  local host = self.host:find(":", 1, true) and ("[" .. self.host .. "]") or self.host
  local authority = ("%s:%d"):format(host, self.listener:port())
  local suffix = self.is_tls and "s" or ""
  return ("http%s://%s/graphql"):format(suffix, authority), ("ws%s://%s/graphql/realtime"):format(suffix, authority)
end

local handlers = {}

function handlers.request(self, event)
  local ok, status, headers, body = pcall(self.endpoint.handle, self.endpoint, event)
  if not ok then
    self.log("a request could not be handled: " .. tostring(status))
    status, headers, body = 500, { ["content-type"] = "text/plain" }, "internal error\n"
  end
  if self.trace then
    self.log(("%s %s %d %s -> %s"):format(event.method, event.path, status, event.body, body))
  end
  self.listener:respond(event.id, status, headers, body)
end

--- What one client caused must not end the server for all.
---@private
function Server:guarded(what, fn, ...)
  local ok, value = pcall(fn, ...)
  if ok then
    return value
  end
  self.log(("%s could not be handled: %s"):format(what, tostring(value)))
end

function handlers.upgrade(self, event)
  if self.trace then
    self.log("WebSocket " .. event.path)
  end
  self.sockets:upgrade(event)
end

local SECRETS = { authorization = true, ["x-api-key"] = true, ["x-amz-security-token"] = true }

--- The text without the credentials that a message may carry.
local function redact(text)
  return (text:gsub('("([%w%-]+)"%s*:%s*")([^"]*)"', function(head, name)
    return SECRETS[name:lower()] and head .. '***"' or nil
  end))
end

function handlers.message(self, event)
  if self.trace then
    self.log("message " .. redact(event.text))
  end
  self.sockets:message(event)
end

function handlers.close(self, event)
  self.sockets:closed(event)
end

function handlers.signal(self)
  self.is_stopping = true
end

--- Waits for events, at most that long, and handles them.
---@param timeout_s number? nil: until something happens
function Server:step(timeout_s)
  local due = self:guarded("the time", self.sockets.tick, self.sockets)
  if due and (not timeout_s or due < timeout_s) then
    timeout_s = due
  end
  for _, event in ipairs(self.listener:poll(timeout_s)) do
    self:guarded(event.type, handlers[event.type], self, event)
  end
end

--- From now on SIGTERM and SIGINT end `run` instead of the process.
function Server:catch_signals()
  assert(self.listener:signal())
end

--- Serves until a signal that is caught.
function Server:run()
  while not self.is_stopping do
    self:step()
  end
  self:close()
end

--- Says goodbye to every connection and stops listening; twice is legal.
function Server:close()
  self.listener:shutdown(0.5)
  if self.engine.close then
    self.engine:close()
  end
end

return server
