---A client's options: their schema, what follows from a configuration file, what the core is given.
local addresses = require "appsync.client.addresses"
local auth = require "appsync.client.auth"
local cache_options = require "appsync.client.cache_options"
local core = require "appsync.core"
local errors = require "appsync.errors"
local headers = require "appsync.client.headers"
local opts = require "appsync.opts"
local outbox_options = require "appsync.client.outbox_options"

local settings = {}

local LATER = "isn't available in this version"

local SECONDS = { "number", above = 0 }
local FILE = { "string", is_line = true }

local POLICY = { "string", values = { "cache-first", "cache-and-network", "network-only", "cache-only", "no-cache" } }

local SCHEMA = opts.extend(opts.extend(opts.schema(cache_options.FIELDS), outbox_options.FIELDS), {
  config = { "string", "table" },
  endpoint = { "string", is_pasted = true, also = { "url" } },
  realtime_endpoint = { "string", is_pasted = true },
  region = { "string", is_line = true, is_pasted = true },
  auth = { "table", is_secret = true },
  auths = { "table", is_secret = true },
  headers = { "table", "callable", is_secret = true },
  debug = { "boolean" }, complex_objects_credentials = { refuse = LATER },
  fetch_policy = { "table", fields = opts.schema{ query = POLICY, watch = POLICY } },
  realtime = { "table", fields = opts.schema{
    handshake = { "string", values = { "subprotocol", "query" } },
    protocol = { "string", values = { "appsync", "graphql-transport-ws" } },
    keep_alive = SECONDS, idle_close = { "number", min = 0 }, max_subscriptions = { "integer", min = 1 },
    headers = { "table", is_secret = true },
  } },
  limits = { "table", fields = opts.schema{
    response_bytes = { "integer", min = 1 }, message_bytes = { "integer", min = 1 },
  } },
  timeouts = { "table", fields = opts.schema{ connect = SECONDS, request = SECONDS, ack = SECONDS, stall = SECONDS } },
  retry = { "table", fields = opts.schema{
    base = SECONDS, cap = SECONDS, attempts = { "integer", min = 1 },
  } },
  proxy = { "string", is_secret = true, is_line = true, is_pasted = true },
  tls = { "table", fields = opts.schema{
    ca = FILE, cert = FILE, key = FILE, verify = { "boolean" },
  } },
  error_policy = { "string", values = { "none", "all" } },
  big_integers = { "string", values = { "string" } },
  log = { "callable" },
})

---@class appsync.RealtimeOptions
---@field handshake "subprotocol"|"query"|nil where the authorization goes; a URL holds 16 KB of it, less than a sub-protocol
---@field protocol "appsync"|"graphql-transport-ws"|nil
---@field keep_alive number? seconds without a message after which the connection counts as lost; default: what the service says.
---AppSync sends a keep-alive about once a minute, so a value below 60 logs a warning, once
---@field idle_close number? seconds that a connection without subscriptions stays open
---@field max_subscriptions integer? on one connection
---@field headers table<string, string|number>? sent with the connection's upgrade only, such as X-AppSync-Domain, or a Host of
---its own

---@class appsync.ClientOptions
---@field config string|table|nil a file, its text, a table in its shape, or a list of these; of a script, the value that it
---exports. In LÖVE a relative path is first looked for among the game's files, as by `love.filesystem`
---@field endpoint string? URL of the GraphQL API
---@field realtime_endpoint string? default: derived from `endpoint`; an AppSync realtime URL says which API is meant if
---`endpoint` doesn't
---@field region string? default: taken from AppSync's own hosts, including interface endpoints; AWS_IAM needs one
---@field auth appsync.Auth? the default mode
---@field auths appsync.Auth[]? further modes; `auth_mode` picks one by its type
---@field headers table<string, string>|fun(operation: appsync.Operation): table?, any a `host` among them is the API's, and is
---signed. A function is asked for each call, and for each request of a queued mutation
---@field store string|false|nil the path of a file that keeps what is read; it is made when it doesn't exist (mode 0600). In
---LÖVE a relative path is in the save folder.
---":memory:" keeps it for this process only, in a file that ends with the client. nil: nothing is kept until a watch, or a query
---that names a policy that reads a cache, needs it; then it is kept in memory. false: nothing is kept, and SQLite isn't opened;
---also `disableOffline = true`
---@field key_prefix string? tells several clients in one file apart; also `offlineConfig = {keyPrefix =}`
---@field identity string|fun(): string?|nil whose part of the store this is, such as a user's id; no identity sees what another
---one keeps. A function is called once, when the client opens its store, and must not wait. nil is "", the part of no user
---@field keys table<string, string[]>? the fields that identify each type, as in Post = {"blogId", "slug"}; {}: none. Default
---{"id"}, then {"_id"}
---@field data_id_from_object (fun(object: table): string?)? returns the key of an object's record, such as "Post:1"; nil: it has
---none and stays embedded where it is. Called with each object, as it came, that has `__typename` and whose type isn't in
---`keys`. It must always give the same key for the same object, and must not wait. If it raises or returns anything else, that
---is logged once, and the object's `id` or `_id` identifies it. Also `cacheOptions = {dataIdFromObject =}`
---@field cache appsync.CacheOptions?
---@field seed string? a store file that is copied when the store doesn't exist yet
---@field reopen boolean? true: closes another client of this Lua state that has the same part of the store open, and takes over;
---for hot reload. By default that throws
---@field fetch_policy {query: appsync.FetchPolicy?, watch: appsync.FetchPolicy?}? for calls that name none. Default of `query`:
---"cache-first" with a store, "network-only" without one
---@field outbox appsync.OutboxOptions? needs a store
---@field updates table<string, fun(cache: appsync.Cache, result: appsync.UpdateResult)>? by a mutation's root field: the
---`update` for calls that give none, and for queued mutations of an earlier run, whose functions couldn't be stored
---@field conflict_resolver (fun(conflict: appsync.Conflict): table|false|nil)? is asked when the service has another version of
---the record. A table: new variables, with which the mutation is sent again at once, at most 10 times. `appsync.DISCARD`, false
---or nil: it fails with kind "conflict", and a queued one becomes a dead letter; likewise if it raises. It may wait
---@field offline {callback: (fun(err: appsync.OutcomeError?, success: appsync.Outcome?))?, key_prefix: string?}? `callback` is
---called with each outcome of a queued mutation that no waiting call got, of this run or of an earlier one, one after the
---other; it may wait. If it raises, that is logged, and it is called again later, at the next start of the program at the
---latest. Needs a store. Also `offlineConfig = {callback =, keyPrefix =}`
---@field debug boolean? true: each `update` runs twice, and what the second run changes is logged
---@field realtime appsync.RealtimeOptions?
---@field limits {response_bytes: integer?, message_bytes: integer?}? anything larger is refused
---@field timeouts {connect: number?, request: number?, ack: number?, stall: number?}? seconds; defaults 10, 30, 15, 30
---@field retry {base: number?, cap: number?, attempts: integer?}? seconds; defaults 0.1, 300 (60 for realtime connections,
---and less while the service can't be reached: docs/offline.md). A call has 3 attempts in all. Realtime connections are tried
---forever unless `attempts` is given: then that many times in a row, counted anew after each connection that served a
---subscription
---@field proxy string? "http://user:password@host:port" or "host:port"; environment variables are ignored
---@field tls {ca: string?, cert: string?, key: string?, verify: boolean?}? files
---@field error_policy "all"|"none"|nil "none": the value is nil whenever there is an error
---@field big_integers "string"|nil integers that a Lua number can't hold come as strings
---@field log fun(level: string, message: string, fields: table)?

---@alias appsync.FetchPolicy
---| "cache-first" # the cache's answer when it has all of it, otherwise the network's
---| "cache-and-network" # the network's; what the cache has is delivered before it
---| "network-only" # the network's, which is kept
---| "cache-only" # the cache's, or an error that names what is missing
---| "no-cache" # the network's, which isn't kept

-- The default configuration of appsync.configure.
local default_config

---@param loaded table?
function settings.set_default_config(loaded)
  default_config = loaded
end

---Reads a configuration: a file, its text, a table, or a list of these.
---@return table? config, appsync.Error? err
function settings.load_config(source)
  return require("appsync.config").load(source)
end

-- AWS AppSync Developer Guide, "Building a real-time WebSocket client": the service sends `ka` about once a minute.
local KEEP_ALIVE_INTERVAL = 60

local function warnings_of(options, config, where)
  local realtime = options.realtime or {}
  local keep_alive = realtime.keep_alive
  if not keep_alive or keep_alive >= KEEP_ALIVE_INTERVAL or realtime.protocol == "graphql-transport-ws" then
    return config.warnings
  end
  local warnings = {}
  for i, warning in ipairs(config.warnings or {}) do warnings[i] = warning end
  warnings[#warnings + 1] = ("%s: realtime.keep_alive is %g s, but the service sends a keep-alive only every %d s: quiet "
    .. "connections will be taken for lost"):format(where, keep_alive, KEEP_ALIVE_INTERVAL)
  return warnings
end

-- Mode → checked auth, from the configuration and the options.
local function modes_of(options, config, where)
  local modes = {}
  if config.api_key then modes.API_KEY = { type = "API_KEY", api_key = config.api_key } end
  local auths = options.auths or {}
  if next(auths) ~= nil and auths[1] == nil then
    errors.misuse("%s: auths must be a list of auth tables, such as {{type = …}, {type = …}}, got a table without one",
      where)
  end
  for i, given in ipairs(auths) do
    local checked = auth.check(given, where .. ": auths[" .. i .. "]")
    modes[checked.type] = checked
  end
  local default_mode = config.default_auth_type
  if options.auth then
    local checked = auth.check(options.auth, where .. ": auth")
    modes[checked.type] = checked
    default_mode = checked.type
  end
  return modes, default_mode
end

-- Nothing was given, which is a mistake of the program; or a configuration says no endpoint.
local function no_endpoint(config, where)
  if not config.lacks then errors.misuse("%s: endpoint is missing; give the URL of the GraphQL API, or a config", where) end
  local message = ("%s: endpoint is missing: %s; give endpoint, or a config with one (%s)"):format(where, config.lacks,
    require("appsync.config").ACCEPTED)
  return nil, errors.new("usage", (message:gsub("%c", "?")), { code = "config" })
end

---Checks the options of `appsync.client`. Throws for wrong ones; `nil, err` for a configuration that can't be read.
---@param given table? nil: the default configuration has everything
---@return table? root fields of the client's root, appsync.Error? err
function settings.check(given)
  local where = "appsync.client"
  if given ~= nil and type(given) ~= "table" then errors.expect(given, "options", "table", where) end
  local options = opts.check(given, SCHEMA, where)
  local kept, cache = cache_options.check(options, where)
  local queued = outbox_options.check(options, kept.has_store, where)
  local config = default_config or {}
  if options.config ~= nil then
    local err
    config, err = settings.load_config(options.config)
    if not config then return nil, err end
  end
  if not options.endpoint and not config.endpoint then return no_endpoint(config, where) end
  local modes, default_mode = modes_of(options, config, where)
  local custom_region = not options.endpoint and config.custom_endpoint_region or nil
  if custom_region and not options.region then options.region = custom_region end
  headers.check(options.headers, where)
  local found = addresses.check(options, config, where)
  local policy = options.fetch_policy or {}
  return {
    modes = modes, default_mode = default_mode, region = found.region, log = options.log,
    service = custom_region and "execute-api" or nil, warnings = warnings_of(options, config, where),
    config_headers = config.headers, headers = options.headers,
    error_policy = options.error_policy, query_policy = policy.query, watch_policy = policy.watch,
    is_debug = options.debug, updates = queued.updates, queue_options = queued.queue_options,
    conflict_resolver = queued.conflict_resolver, offline_callback = queued.offline_callback,
    identity = kept.identity, has_store = kept.has_store, has_cache = kept.has_cache, reopen = kept.reopen,
    data_id_from_object = kept.data_id_from_object, keys = kept.keys, merge_functions = kept.merge_functions,
    settings = {
      endpoint = found.endpoint, realtime_endpoint = found.realtime_endpoint, signing_endpoint = found.signing_endpoint,
      region = found.region, user_agent = "lua-appsync/" .. core.version, realtime = options.realtime,
      upgrade_headers = found.upgrade_headers, limits = options.limits, timeouts = options.timeouts,
      retry = options.retry, proxy = found.proxy, tls = options.tls, big_integers = options.big_integers,
      cache = cache,
    },
  }
end

return settings
