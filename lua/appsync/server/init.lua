---The local AppSync-compatible server: one process, one thread, GraphQL over HTTP and WebSocket.
local core = require "appsync.core"
local native = require "appsync.server.native"
local auth_reload = require "appsync.server.auth_reload"
local authorize = require "appsync.server.auth.authorize"
local control = require "appsync.server.fault.control"
local data_clock = require "appsync.server.fault.data_clock"
local endpoint = require "appsync.server.http.endpoint"
local fault = require "appsync.server.fault"
local log_record = require "appsync.server.develop.log_record"
local printable = require "appsync.printable"
local processes = require "appsync.server.functions.processes"
local redact = require "appsync.server.develop.redact"
local reload = require "appsync.server.reload"
local resolver_util = require "appsync.server.resolver_util"
local secrets = require "appsync.server.develop.secrets"
local socket_log = require "appsync.server.develop.socket_log"
local sockets = require "appsync.server.realtime.sockets"
local time_limit = require "appsync.server.time_limit"

---@class appsync.server.Options
---@field schema_text string
---@field schema_name string? for error messages
---@field host string? default "127.0.0.1"
---@field port integer? default 0: any free one
---@field api_keys string[]?
---@field is_key_made_up boolean? nobody said how to authorize, so there's a key
---@field iam table<string, string>? secret by access key
---@field jwt_keys appsync.server.JwtKey[]?
---@field auth_default appsync.server.AuthMode?
---@field auth appsync.server.AuthFile? what the file of `--auth` says
---@field auth_source appsync.server.AuthSource? what `auth` and `jwt_keys` were read from
---@field resolvers table<string, table<string, function>>?
---@field transforms appsync.server.Plugin[]? directives of the user's own
---@field functions table<string, function>? of @function, by name
---@field function_bindings appsync.server.FunctionBindings? the commands of @function
---@field function_timeout number? seconds that a function may take, default 30
---@field transformer appsync.server.Transformer? default: what the schema's directives tell
---@field authorizer (fun(token: string, request: table): boolean|table)? AWS_LAMBDA
---@field conflict appsync.server.ConflictSettings? which models are versioned; nil: none
---@field conflict_handlers table<string, fun(event: table): table>? of versioned models whose handler is LAMBDA
---@field store string? a file, default ":memory:"
---@field tls {cert: string, key: string}?
---@field max_subscriptions integer? of one connection, default 200
---@field ka number? seconds between keep-alive messages, default 60
---@field connection_timeout integer? ms without a message after which clients shall give up, default 300000
---@field max_age number? seconds after which a WebSocket is closed, default a day
---@field max_body integer? bytes of a request, default 10 MB
---@field max_message integer? bytes of a WebSocket message, default 1 MB
---@field max_pending integer? bytes that may wait for one WebSocket, default 8 MB
---@field max_pending_total integer? and for all of them and large answers: above, requests get 503; default 256 MB
---@field max_incoming_total integer? bytes of requests that aren't answered and messages that aren't complete: above, one above
---  64 KB is refused; default 256 MB
---@field write_timeout number? seconds without a byte being read of what waits, then the connection is cut, default 30
---@field log (fun(text: string))? default: stderr
---@field on_record (fun(record: appsync.server.LogRecord))? is told what each client does
---@field tracer appsync.server.Tracer? traces resolvers
---@field on_failure (fun(failure: appsync.server.ResolverFailure))? what resolvers throw
---@field seeds appsync.server.SeedText[]? records to begin with
---@field program appsync.server.Program? what schema_text and resolvers were read from
---@field is_watched boolean? the program and the auth_source are read again when they change
---@field say (fun(text: string))? whole lines for people; default: stderr
---@field is_coloured boolean? what is said may have colours
---@field hints (fun(err: appsync.server.SchemaError): string)? lines that help with a fault of the schema
---@field clock (fun(): number)? seconds that never go back
---@field now (fun(): number)? Unix seconds
---@field faults table? fault rules, decoded JSON or read; given, even empty: requests are logged and effects counted
---@field data_time appsync.server.DataTime? of the data clock; default: the server's time
---@field control integer? a port on 127.0.0.1 for the control endpoint, 0: any free one
---@field allow_hosts string[]? further names in Host headers that are answered on loopback; "*": any
---@field max_connections integer? TCP connections at once, default 10000
---@field resolver_timeout number? seconds that a resolver or the authorizer may take, default 30
---@field request_timeout number? seconds from a request's first byte to its last, default 30
---@field engine table? instead of the engine that is made of the schema

---@class appsync.server.Server
---@field engine table
---@field listener table
---@field faults appsync.server.Faults?
---@field data_clock appsync.server.DataClock
---@field auth_modes {default: string, additional: string[]}
local Server = require "appsync.server.events"
Server.__index = Server

local server = {}

local function log_to_stderr(text)
  io.stderr:write("appsync serve: ", printable.escaped(text), "\n")
end

local function hide(text, request)
  return secrets.hide(text, secrets.of(request))
end

local function hide_of_message(text, message_text)
  local message = core.decode(message_text)
  return type(message) == "table" and hide(text, redact.operation_of(message)) or text
end

local function new_authorize(options, now, log)
  return authorize.new({
    api_keys = options.api_keys,
    iam = options.iam,
    jwt_keys = options.jwt_keys,
    authorizer = options.authorizer,
    default = options.auth_default,
    file = options.auth,
    now = now,
    log = log,
    hide = hide,
    timeout_s = options.resolver_timeout,
  })
end

-- `world`: now, and where faults are played on_effect and lag_ms.
local function new_engine(options, auth_modes, world)
  if options.engine then return options.engine end
  return require("appsync.server.engine").new({
    schema_text = options.schema_text,
    schema_name = options.schema_name,
    resolvers = options.resolvers,
    transforms = options.transforms,
    functions = options.functions,
    function_bindings = options.function_bindings,
    function_timeout = options.function_timeout or time_limit.default_s,
    transformer = options.transformer,
    conflict = options.conflict,
    conflict_handlers = options.conflict_handlers,
    store = options.store or ":memory:",
    now = world.now,
    lag_ms = world.lag_ms,
    uuid = core.uuid,
    auth_modes = auth_modes,
    trace = options.tracer,
    providers = { util = resolver_util.provider({ now = world.now, uuid = core.uuid }) },
    on_effect = world.on_effect,
    on_failure = options.on_failure,
    resolver_timeout = options.resolver_timeout or time_limit.default_s,
  })
end

local function seed(engine, seeds)
  for _, item in ipairs(seeds or {}) do
    local counts, err = engine:seed(item.text, item.name)
    if not counts then return nil, err end
  end
  return true
end

local function open_listener(options)
  return native.open({
    control_port = options.control,
    max_connections = options.max_connections,
    request_timeout = options.request_timeout,
    write_timeout = options.write_timeout,
    max_incoming_total = options.max_incoming_total,
    host = options.host or "127.0.0.1",
    port = options.port or 0,
    tls = options.tls,
    max_body = options.max_body,
    max_message = options.max_message,
    max_pending = options.max_pending,
    max_pending_total = options.max_pending_total,
  })
end

---A query or mutation over graphql-transport-ws: its result; nil for a subscription.
---@private
function Server:execute(operation)
  local about = self.engine:operation_of(operation)
  if not about or about.operation == "subscription" then return nil end
  operation.request_id = core.uuid()
  local began = self.on_record and self.clock()
  local json, published, errors = self.front:execute(operation)
  if not json then
    return '{"data":null,"errors":[{"errorType":"BadRequestException","message":"Missing operation name."}]}'
  end
  if began then
    local event = { method = "WS", path = "/graphql", request = operation, errors = errors }
    self:guarded("the request log", self.record, self, event, began, 200, json)
  end
  self.sockets:publish(published)
  return json
end

---What the listener counted, and the sockets.
---@private
function Server:counters()
  local counters, subscribers = self.listener:stats(), self.sockets.subscribers
  counters.subscriptions, counters.dropped_payloads = subscribers.n, subscribers.n_dropped
  return counters
end

---@private
function Server:wire_faults()
  self.faults:attach(self.listener, function() return self.engine end)
  self.control = control.new(self.faults, function() return self:counters() end, self.data_clock)
  self.faults.log.on_finish = self.on_record and function(entry)
    if #entry.faults > 0 then
      self:guarded("the request log", self.on_record, log_record.of_fault(entry))
    end
  end
end

-- Only where commands are bound: whoever has none pays nothing.
---@private
function Server:run_functions(options)
  local bindings = options.function_bindings
  if not bindings or next(bindings.commands) == nil then return end
  self.processes = processes.new({
    listener = self.listener, clock = self.clock, now = self.now, log = self.log, timeout_s = options.function_timeout,
  })
  bindings.processes = self.processes
end

---@private
---@param auth appsync.server.Authorize as faults have it
---@param real appsync.server.Authorize
function Server:wire(options, auth, real)
  local engine = options.tracer and options.tracer:around(self.engine) or self.engine
  self.front = engine
  self.endpoint = endpoint.new({
    engine = engine,
    authorize = auth,
    publish = function(items) self.sockets:publish(items) end,
    log = self.log,
    hide = hide,
  })
  self.sockets = sockets.new({
    listener = self.faults and self.faults.wires:listener() or self.listener,
    engine = engine,
    authorize = auth,
    observer = self.on_record and socket_log.new({ write = self.on_record, engine = self.engine, now = self.now }),
    execute = function(operation) return self:execute(operation) end,
    on_cause = self.faults and function(field) self.faults:cause(field) end,
    clock = self.clock,
    ka_s = options.ka,
    max_subscriptions = options.max_subscriptions,
    connection_timeout_ms = options.connection_timeout,
    max_age_s = options.max_age,
    log = self.log,
    hide = hide_of_message,
  })
  local say = options.say or function(text) io.stderr:write(text) end
  if options.auth_source and options.is_watched then
    self.auth_reload = auth_reload.new({ source = options.auth_source, authorize = real, say = say })
  end
  if options.program and options.is_watched then
    self.reload = reload.new({
      program = options.program,
      engine = self.engine,
      subscribers = self.sockets.subscribers,
      say = say,
      is_coloured = options.is_coloured,
      hints = options.hints,
    })
  end
end

---Makes the engine and listens.
---@param options appsync.server.Options
---@return appsync.server.Server? server
---@return {message: string, line: integer?, column: integer?}? err
function server.new(options)
  local log = options.log or log_to_stderr
  local now, clock = options.now or core.wall, options.clock or core.now
  local faults, message
  if options.faults or options.control then
    faults, message = fault.new({ rules = options.faults, is_tls = options.tls ~= nil, now = now, clock = clock })
    if not faults then return nil, { message = message } end
    now = function() return faults.moment:now() end
  end
  local auth
  auth, message = new_authorize(options, now, log)
  if not auth then return nil, { message = message } end
  local self = setmetatable({
    log = log,
    on_record = options.on_record,
    tracer = options.tracer,
    faults = faults,
    now = now,
    clock = clock,
    data_clock = data_clock.new(now, options.data_time),
    auth_modes = auth:auth_modes(),
  }, Server)
  local err
  self.engine, err = new_engine(options, self.auth_modes, {
    now = function() return self.data_clock:now() end,
    on_effect = faults and function(...) faults.effects:add(...) end,
    lag_ms = faults and function() return faults.moment.lag_ms end,
  })
  if not self.engine then return nil, err end
  local ok
  ok, err = seed(self.engine, options.seeds)
  if ok then
    self.listener, message = open_listener(options)
    err = { message = message }
  end
  if not self.listener then
    self:close()
    return nil, err
  end
  self:run_functions(options)
  self.host = options.host or "127.0.0.1"
  self.is_tls = options.tls ~= nil
  self:allow_hosts(options.allow_hosts)
  local played = auth
  if faults then
    self:wire_faults()
    played = faults.moment:authorizer(auth)
  end
  self:wire(options, played, auth)
  return self
end

---The complete schema that would be served. Nothing is listened on, and no file is the store.
---@param options appsync.server.Options
---@return string? text
---@return {message: string, line: integer?, column: integer?}? err
---@return appsync.server.Models? models of a text
function server.print_schema(options)
  local auth, message = new_authorize(options, core.wall, options.log or log_to_stderr)
  if not auth then return nil, { message = message } end
  local dry = {
    schema_text = options.schema_text,
    resolvers = options.resolvers,
    transforms = options.transforms,
    transformer = options.transformer,
    conflict = options.conflict,
    conflict_handlers = options.conflict_handlers,
  }
  -- Where nothing was said of authorization, the schema's rules are taken for whatever modes they are.
  local modes = options.is_key_made_up and {} or auth:auth_modes()
  local engine, err = new_engine(dry, modes, { now = core.wall })
  if not engine then return nil, err end
  local text = engine:print_schema()
  engine:close()
  return text, nil, engine.models
end

---The addresses of the two endpoints.
---@return string http, string websocket
function Server:urls()
  local name = self.host:find(":", 1, true) and ("[" .. self.host .. "]") or self.host
  local authority = ("%s:%d"):format(name, self.listener:port())
  local suffix = self.is_tls and "s" or ""
  return ("http%s://%s/graphql"):format(suffix, authority), ("ws%s://%s/graphql/realtime"):format(suffix, authority)
end

---The address of the control endpoint.
---@return string? url
function Server:control_url()
  local port = self.listener:control_port()
  return port and ("http://127.0.0.1:%d"):format(port)
end

---From now on SIGTERM and SIGINT end `run` instead of the process.
function Server:catch_signals()
  assert(self.listener:signal())
end

---Serves until a signal that is caught.
function Server:run()
  while not self.is_stopping do
    self:step()
  end
  self:close()
end

---Says goodbye to every connection and stops listening; twice is legal.
function Server:close()
  if self.listener then
    self.listener:shutdown(0.5)
  end
  if self.engine.close then
    self.engine:close()
  end
end

return server
