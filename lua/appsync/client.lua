---Clients of a GraphQL API.
local arguments = require "appsync.client.arguments"
local auth = require "appsync.client.auth"
local cache = require "appsync.client.cache"
local call = require "appsync.call"
local errors = require "appsync.errors"
local headers = require "appsync.client.headers"
local hydration = require "appsync.client.hydration"
local local_cache = require "appsync.client.local_cache"
local log = require "appsync.log"
local mutation = require "appsync.client.mutation"
local nginx = require "appsync.nginx"
local optimistic = require "appsync.client.optimistic"
local opts = require "appsync.opts"
local query = require "appsync.client.query"
local root = require "appsync.client.root"
local scheduler = require "appsync.scheduler"
local settings = require "appsync.client.settings"
local stores = require "appsync.client.stores"
local stepwise = require "appsync.stepwise"
local subscription_source = require "appsync.client.subscription_source"
local upkeep = require "appsync.client.upkeep"
local variables_of = require "appsync.client.variables"
local watching = require "appsync.client.watching"

local client = {}

---@class appsync.Client: appsync.Cache
---@field connection appsync.Connection
---@field package root appsync.client.Root
---@field package identity string? of a client of `with`
---@field package cache appsync.core.Cache? opened
---@field package readings appsync.client.Readings? of it
---@field package local_cache appsync.Cache? likewise
---@field package claim appsync.client.Claim? of the part of the store that it has
local Client = {}
Client.__index = Client
Client.__name = "appsync.client"

function Client:__tostring()
  return "appsync.client (" .. self.root.settings.endpoint:gsub("[?#].*$", ""):gsub("//[^/@]*@", "//") .. ")"
end

-- A method that was called with a dot has something else for its client.
local function check_self(self, where)
  if getmetatable(self) ~= Client then errors.misuse("%s: call it with a colon, as in %s(…)", where, where) end
end

-- The methods of what the client keeps (client/local_cache.lua).
for _, name in ipairs(local_cache.METHODS) do
  local where = "client:" .. name
  Client[name] = function(self, a, b, c, d)
    check_self(self, where)
    local kept, err = local_cache.of(self, where)
    if not kept then return nil, err end
    return kept[name](kept, a, b, c, d)
  end
end

-- What was read before, and is all there, comes without more ado: that is what frames are full of.
local function known_reading(self, document, variables)
  local kept = not self.root.is_closing and self.readings
  return kept and kept:known(document, variables)
end

-- The answer of a query without options, where the policy leaves it to the cache.
local function kept_answer(self, document, variables)
  local policy = self.root.query_policy or (self.root.has_store and "cache-first")
  local reading = policy == "cache-first" and cache.is_kept(self) and known_reading(self, document, variables)
  if not reading then return nil end
  scheduler.check "client:query"
  local data, _, err, has_expired = reading:read(variables, false, nil, stepwise.LARGE_BYTES)
  return not err and not has_expired and data or nil
end

local read_query = Client.read_query

function Client:read_query(document, variables)
  local reading = getmetatable(self) == Client and known_reading(self, document, variables)
  if reading then
    local data, missing, err = reading:read(variables)
    if not missing and not err then return data end
  end
  return read_query(self, document, variables)
end

---@class appsync.RealtimeOptions
---@field handshake "subprotocol"|"query"|nil where the authorization stands; a URL takes 16 KB of it, less than a sub-protocol
---@field protocol "appsync"|"graphql-transport-ws"|nil
---@field keep_alive number? seconds without a message after which the connection counts as lost; by default the service's word
---counts. AppSync sends a keep-alive about once a minute: a value below 60 is logged once, as a warning
---@field idle_close number? seconds that a connection without subscriptions stays open
---@field max_subscriptions integer? on one connection
---@field headers table<string, string|number>? of the connection's upgrade alone: X-AppSync-Domain, a Host of its own

---@class appsync.ClientOptions
---@field config string|table|nil a file, its text, a table in its shape, or a list of these; of a script what it exports
---@field endpoint string? URL of the GraphQL API
---@field realtime_endpoint string? derived from `endpoint`; AppSync's own says which API is meant, where `endpoint` doesn't
---@field region string? derived from AppSync's own hosts, also those of interface endpoints; AWS_IAM needs one
---@field auth appsync.Auth? the default mode
---@field auths appsync.Auth[]? further modes; `auth_mode` picks one by its type
---@field headers table<string, string>|fun(operation: appsync.Operation): table?, any `host`: the API's, signed
---@field store string|false|nil the path of a file, made when it isn't there (mode 0600): what is read is kept in it. ":memory:":
---for this process only, in a file that ends with the client. nil: only a watch, or a query that names a policy which reads
---a cache, has one in memory made. false: nothing is kept, and SQLite isn't opened; also `disableOffline = true`
---@field key_prefix string? of several clients in one file; also `offlineConfig = {keyPrefix =}`
---@field identity string|fun(): string?|nil whose part of the store this is, such as a user's id: no identity sees what another one
---keeps. A function is asked once, when the client opens its store, and must not wait; nil: "", the part of nobody
---@field keys table<string, string[]>? the fields that identify a type, as Post = {"blogId", "slug"}; {}: none do. Default
---{"id"}, then {"_id"}
---@field data_id_from_object (fun(object: table): string?)? the key of the record that an object is, such as "Post:1"; nil: it has
---none and stays where it stands. Called with each object that has `__typename` and whose type isn't in `keys`, as it came, and
---always to be answered alike. It must not wait. Where it raises or returns anything else that is logged once, and the object's
---`id` or `_id` identifies it. Also `cacheOptions = {dataIdFromObject =}`
---@field cache appsync.CacheOptions?
---@field seed string? a store's file that is copied when the store isn't there yet
---@field reopen boolean? true: where another client of this Lua state has the same part of the store open, it is closed and this
---one takes over; for hot reload. By default that throws
---@field fetch_policy {query: appsync.FetchPolicy?, watch: appsync.FetchPolicy?}? of calls that name none. Default of `query`:
---"cache-first" with a store, "network-only" without one
---@field updates table<string, fun(cache: appsync.Cache, result: appsync.UpdateResult)>? by a mutation's root field: the `update`
---of calls that give none
---@field debug boolean? each `update` runs twice, and what the second run changes is logged
---@field realtime appsync.RealtimeOptions?
---@field limits {response_bytes: integer?, message_bytes: integer?}? what is larger is refused
---@field timeouts {connect: number?, request: number?, ack: number?, stall: number?}? seconds; 10, 30, 15, 30
---@field retry {base: number?, cap: number?, attempts: integer?}? seconds; 0.1, 300 (60 for connections of subscriptions);
---a call has 3 attempts in all. Connections of subscriptions are tried for ever, unless `attempts` is given: then that many
---times in a row, counted anew after each one that served a subscription
---@field proxy string? "http://user:password@host:port" or "host:port"; the environment isn't looked at
---@field tls {ca: string?, cert: string?, key: string?, verify: boolean?}? files
---@field error_policy "all"|"none"|nil "none": the value is nil whenever there is an error
---@field big_integers "string"|nil integers that a Lua number can't hold come as strings
---@field log fun(level: string, message: string, fields: table)?

---@alias appsync.FetchPolicy
---| "cache-first" # the cache's answer when it has it all, else the network's
---| "cache-and-network" # the network's; what the cache has is told before it
---| "network-only" # the network's, which is kept
---| "cache-only" # the cache's; an error that names what is missing
---| "no-cache" # the network's, which isn't kept

---Makes a client. Nothing is opened before its first use, so it may stand at module level, also under nginx in
---`init_by_lua`; calls of it throw there in this version. Wrong options throw.
---@param options appsync.ClientOptions?
---@return appsync.Client? client, appsync.Error? err a configuration that can't be read
function client.new(options)
  local fields, err = settings.check(options)
  if not fields then return nil, err end
  local shared = root.new(fields)
  local is_known = type(shared.identity) == "string"
  local claim = is_known and stores.claim(shared, shared.identity, "appsync.client") or nil
  for _, warning in ipairs(fields.warnings or {}) do log.emit(fields.log, "warn", warning) end
  if fields.log and not log.default() then log.set_default(fields.log) end
  return setmetatable({ root = shared, connection = shared.connection, claim = claim }, Client)
end

---The sources of headers, weakest first.
---@private
function Client:header_sources(of_call)
  return { self.root.config_headers, self.root.headers, self.own_headers, of_call }
end

---@class appsync.CallOptions
---@field operation_name string? picks one of several operations
---@field timeout number? seconds for the call as a whole
---@field auth_mode string? one of the configured modes
---@field auth appsync.Auth? this call's own identity
---@field headers table|function|nil
---@field idempotent boolean? a mutation that may be sent again
---@field error_policy "all"|"none"|nil
---@field on_result fun(data: any, err: appsync.Error?, info: appsync.Info?)? then a Task is returned at once

---@class appsync.QueryOptions: appsync.CallOptions
---@field fetch_policy appsync.FetchPolicy? default: the client's

---@class appsync.MutateOptions: appsync.CallOptions
---@field fetch_policy "network-only"|"no-cache"|nil "no-cache": what it brings isn't kept
---@field optimistic_response table|fun(variables: table): table|nil what the answer will be, with `__typename` where it has an id;
---watches show it until the answer is there
---@field update fun(cache: appsync.Cache, result: appsync.UpdateResult)? changes what the answer doesn't: lists. Called for the
---optimistic response and again for the answer, as one transaction each, which is dropped if it throws. It must not wait, and
---gives the same however often it runs: `debug = true` of the client tells which write doesn't
---@field refetch (string|appsync.Document|table)[]? queries that are asked anew from the network once the mutation has brought
---data: documents, or tables {query =, variables =, …}. The call doesn't wait for them; one that fails is logged

---Sends a query and waits for its data. With GraphQL errors the partial data stands beside `err`. A variable that the
---operation doesn't declare isn't sent; the call throws where it has the name of an option, or is nearly the name of a
---declared one that isn't given. An empty table is a list where the operation declares a list.
---
---Where the network can't be reached, every policy but "no-cache" is answered from the cache if that has all of it; then
---`info.source` is "cache" and `info.cause` the network's error. It can't be reached when no connection came about or it was
---lost, after the call's retries, or after `client:set_online(false)`, which isn't tried. With "cache-and-network",
---`on_result` is called twice, with `info.source` "cache" and then with the outcome of the network. Partial data beside
---GraphQL errors is kept but for the fields that the errors name.
---
---Equal queries that go through the cache and are under way at once (document, variables, identity, auth mode, headers) share
---one request, which `stats().deduplicated` counts; none joins a request that began before a mutation of this client was
---answered. A call with `auth` of its own, or with headers that are a function or say who asks (Authorization, x-api-key),
---neither reads nor writes the cache. What goes through it has `__typename` in each object.
---@param document string|appsync.Document|table a document, or one table `{query =, variables =, …options}`
---@param variables table?
---@param options appsync.QueryOptions?
---@return any data, appsync.Error? err, appsync.Info? info
function Client:query(document, variables, options)
  check_self(self, "client:query")
  local kept = options == nil and kept_answer(self, document, variables)
  if kept then return kept, nil, { source = "cache" } end
  local plan = arguments.plan("query", "client:query", document, variables, options)
  variables_of.tell(plan, self.root.log)
  return call.run(plan.options, query.execute, self, plan)
end

---Sends a mutation once and waits for its data. The records in it are in the cache before the call returns.
---@param document string|appsync.Document|table a document, or one table `{mutation =, variables =, …options}`
---@param variables table?
---@param options appsync.MutateOptions?
---@return any data, appsync.Error? err, appsync.Info? info
function Client:mutate(document, variables, options)
  check_self(self, "client:mutate")
  local plan = arguments.plan("mutation", "client:mutate", document, variables, options)
  mutation.prepare(plan)
  variables_of.tell(plan, self.root.log)
  return call.run(plan.options, mutation.execute, self, plan)
end

---Whether data is what a mutation hoped for rather than what the service has answered: an optimistic response, as its `update`
---gets it.
---@param data any
---@return boolean
function Client:is_optimistic(data)
  check_self(self, "client:is_optimistic")
  return optimistic.is_response(data)
end

local HYDRATED = opts.schema{
  timeout = { "number", min = 0 },
  on_result = { "callable" },
}

---Waits until the store is open, however much is in it; without a store that is at once. Nobody has to wait: what is read
---before is read when it is open.
---@param timeout number|table|nil seconds, or `{timeout =, on_result =}`
---@return true? ok, appsync.Error? err why the store can't be used: the client works without it
function Client:hydrated(timeout)
  check_self(self, "client:hydrated")
  local options = opts.with_timeout(timeout, HYDRATED, "client:hydrated")
  return call.run(options, hydration.wait, self, options, "client:hydrated")
end

---@class appsync.SubscribeOptions
---@field operation_name string?
---@field auth_mode string?
---@field auth appsync.Auth?
---@field headers table|function|nil
---@field buffer integer? events; 1024
---@field buffer_bytes integer? 4 MB
---@field overflow "pause"|"drop_oldest"|"error"|nil default "pause": up to 8192 events or 2 MB more are kept back, then the
---socket isn't read, which may make the service end the connection; a subscriber that doesn't catch up for `timeouts.stall`
---ends. "drop_oldest": counted, and reported by `connection:observe()`
---@field update fun(cache: appsync.Cache, result: appsync.UpdateResult)? changes what an event doesn't: lists. Called before the
---event is delivered, as one transaction, which is dropped if it throws. It must not wait
---@field share boolean? false: a server subscription of its own
---@field error_policy "all"|"none"|nil
---@field fetch_policy "network-only"|"no-cache"|nil "no-cache": what it brings isn't kept

---An observable of the subscription's data; nothing is sent before someone subscribes to it. The records in an event are in
---the cache before anybody gets it; see `cache.subscription_nulls`.
---@param document string|appsync.Document|table a document, or one table `{query =, variables =, …options}`
---@param variables table?
---@param options appsync.SubscribeOptions?
---@return appsync.Observable
function Client:subscribe(document, variables, options)
  check_self(self, "client:subscribe")
  nginx.refuse "client:subscribe" -- at the line that says which one, not where it is subscribed to
  local plan = arguments.plan("subscription", "client:subscribe", document, variables, options)
  variables_of.tell(plan, self.root.log)
  return subscription_source.observable(self, plan)
end

---@class appsync.WatchOptions
---@field operation_name string?
---@field auth_mode string?
---@field error_policy "all"|"none"|nil
---@field fetch_policy "cache-first"|"cache-and-network"|"network-only"|"cache-only"|"no-cache"|nil default "cache-first"
---@field timeout number? seconds, of each request
---@field poll number? seconds between two requests

---An observable of what a query gives, which changes with the cache and never ends by itself. Subscribers share one query; a
---late one gets the present state first. There is no state before there is data or an error. Whoever is busy with one state is
---told of those that came meanwhile by the last of them. Sub-tables of `data` that have not changed are the same tables from one
---state to the next: don't modify them (`appsync.copy`).
---@param document string|appsync.Document|table a document, or one table `{query =, variables =, …options}`
---@param variables table?
---@param options appsync.WatchOptions?
---@return appsync.Watch
function Client:watch(document, variables, options)
  check_self(self, "client:watch")
  nginx.refuse "client:watch"
  local plan = arguments.plan("watch", "client:watch", document, variables, options)
  variables_of.tell(plan, self.root.log)
  return watching.new(self, plan, plan.options.fetch_policy or self.root.watch_policy or "cache-first")
end

local WITH = opts.schema{
  auth = { "table", is_secret = true },
  headers = { "table", "callable", is_secret = true },
  identity = { "string", is_line = true },
}

---A client for one user: the same threads, sockets and settings; nothing to close. `identity`, such as the user's id, names
---its own partition of the store; without one it keeps nothing.
---@param options {auth: appsync.Auth?, headers: table|function|nil, identity: string?}
---@return appsync.Client
function Client:with(options)
  check_self(self, "client:with")
  local checked = opts.check(options, WITH, "client:with")
  return setmetatable({
    root = self.root, connection = self.connection, is_derived = true,
    own_auth = checked.auth and auth.check(checked.auth, "client:with: auth") or self.own_auth,
    own_headers = headers.check(checked.headers, "client:with") or self.own_headers,
    identity = checked.identity,
  }, Client)
end

---Takes out of the cache what no query's result reaches any more, and what has expired. Never what a layer holds, or what is
---retained or watched. It goes a little at a time while the client works on.
---@param options number|{timeout: number?, on_result: function?}|nil seconds: ends the wait, not the collection
---@return integer? n how many records have left, appsync.Error? err
function Client:gc(options)
  check_self(self, "client:gc")
  return upkeep.gc(self, options)
end

---Empties the cache of this client's identity, without waiting: reads find nothing from now on. The file gets smaller a
---little at a time; optimistic answers that are still shown go as well.
---
---While the store can't be used (another process has it, the disk is full) only the memory is emptied, and that is an error
---of kind "storage" with the store's `code`: the file is emptied when it can be used again, if this process lasts until then.
---@return true? cleared, appsync.Error? err
function Client:clear(options)
  check_self(self, "client:clear")
  return upkeep.clear(self, options)
end

---Empties the cache of this client's identity, as `clear` does, and waits until nothing of it is left in the store's file
---or in its log. The client can still be used; what it keeps from then on begins anew.
---`outbox` will say what becomes of queued mutations: "refuse" (the default) to sign out while there are some, "wipe" or
---"keep" them. There is no outbox in this version, so that all three mean the same.
---@param options {outbox: "keep"|"wipe"|"refuse"|nil, timeout: number?, on_result: function?}? `timeout` ends the wait only
---@return true? wiped, appsync.Error? err code "locked": another connection reads the store all the time; the log is emptied when it ends
function Client:sign_out(options)
  check_self(self, "client:sign_out")
  return upkeep.sign_out(self, options)
end

---Keeps what a query's result reaches in the cache, also where it wasn't used for long, or has expired. What comes into that
---result later is kept as well.
---@param document string|appsync.Document|table a document, or one table `{query =, variables =}`
---@param variables table?
---@return appsync.Retention? handle until its `release`, until it is collected, or the client closes
---@return appsync.Error? err
function Client:retain(document, variables)
  check_self(self, "client:retain")
  return upkeep.retain(self, document, variables)
end

---@class appsync.Explanation
---@field complete boolean all of it is in the cache
---@field network boolean a "cache-first" query would be sent now
---@field fields {path: string, state: "cached"|"missing"|"expired"|"optimistic", key: string}[] what is missing, and each field
---that is no object, with the key of its record; the first 10,000

---Says what a "cache-first" query would do now, and why, without sending it.
---@param document string|appsync.Document|table a document, or one table `{query =, variables =}`
---@param variables table?
---@return appsync.Explanation? explanation, appsync.Error? err
function Client:explain(document, variables)
  check_self(self, "client:explain")
  return upkeep.explain(self, document, variables)
end

---Counters, and `store`, once there is one: "open", "memory" (it is kept for this process only) or "unavailable", of which
---`store_code` tells why, as an error's `code` does. Empty before the first use.
---@return table<string, number|string>
function Client:stats()
  local core = self.root.handle.core
  return core and core:stats() or {}
end

---For a host that knows better whether there is a network. Without one, queries are answered from the cache or fail at once;
---calls that no cache serves are tried all the same. When there is one again, watches whose request had failed for want of it ask
---once more.
---@param is_online boolean
function Client:set_online(is_online)
  errors.expect(is_online, "is_online", "boolean", "client:set_online")
  self.root:set_online(is_online)
end

local CLOSE = opts.schema{
  timeout = { "number", min = 0 },
  on_result = { "callable" },
}

local function close(self, options)
  if self.is_derived then return true end
  return self.root:close(options.timeout)
end

---Closes the client: its subscriptions complete and new calls fail with kind "closed" at once; calls in flight, those of
---`client:with` included, have `timeout` seconds to end. Those that take longer end with kind "closed", and `err.sent`
---tells that the service may have executed them. 0 ends them at once. Closing twice is legal. A client that is collected,
---and the end of the process, wait for nothing.
---@param timeout number|table|nil seconds, default 1, or `{timeout =, on_result =}`
---@return true? closed, appsync.Error? err
function Client:close(timeout)
  check_self(self, "client:close")
  local options = opts.with_timeout(timeout, CLOSE, "client:close")
  return call.run(options, close, self, options)
end

return client
