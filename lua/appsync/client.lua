---Clients of a GraphQL API.
local arguments = require "appsync.client.arguments"
local auth = require "appsync.client.auth"
local call = require "appsync.call"
local catching_up = require "appsync.client.catching_up"
local delta_sync = require "appsync.client.delta_sync"
local errors = require "appsync.errors"
local expectation = require "appsync.client.expectation"
local headers = require "appsync.client.headers"
local hydration = require "appsync.client.hydration"
local kept_answer = require "appsync.client.kept_answer"
local local_cache = require "appsync.client.local_cache"
local log = require "appsync.log"
local mutation = require "appsync.client.mutation"
local opts = require "appsync.opts"
local outbox = require "appsync.client.outbox"
local partition = require "appsync.client.partition"
local query = require "appsync.client.query"
local queue = require "appsync.client.queue"
local queue_events = require "appsync.client.queue_events"
local root = require "appsync.client.root"
local settings = require "appsync.client.settings"
local stores = require "appsync.client.stores"
local upkeep = require "appsync.client.upkeep"
local variables_of = require "appsync.client.variables"
local watching = require "appsync.client.watching"

local client = {}

---@class appsync.Client: appsync.Cache
---@field connection appsync.Connection
---@field outbox appsync.Outbox
---@field package root appsync.client.Root
---@field package identity string? of a client of `with`
---@field package cache appsync.core.Cache? opened
---@field package readings appsync.client.Readings? of it
---@field package local_cache appsync.Cache? likewise
---@field package queue appsync.client.Queue? of mutations, once the cache is open
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

local read_query = Client.read_query

function Client:read_query(document, variables)
  local reading = getmetatable(self) == Client and kept_answer.reading(self, document, variables)
  if reading then
    local data, missing, err = reading:read(variables)
    if not missing and not err then return data end
  end
  return read_query(self, document, variables)
end

---Makes a client. It opens nothing before its first use, so it may be made at module level, also under nginx in `init_by_lua`,
---where its calls throw. Wrong options throw.
---```lua
---local other = appsync.client{
---  endpoint = endpoint,
---  auth = { type = "API_KEY", api_key = api_key },
---  timeouts = { request = 10 },
---  log = function(level, message) io.stderr:write(level, " ", message, "\n") end,
---}
---```
---@param options appsync.ClientOptions?
---@return appsync.Client? client, appsync.Error? err when the configuration can't be read
function client.new(options)
  local fields, err = settings.check(options)
  if not fields then return nil, err end
  local shared = root.new(fields)
  local is_known = type(shared.identity) == "string"
  local claim = is_known and stores.claim(shared, shared.identity, "appsync.client") or nil
  for _, warning in ipairs(fields.warnings or {}) do log.emit(fields.log, "warn", warning) end
  if fields.log and not log.default() then log.set_default(fields.log) end
  shared.on_queue_event = queue_events
  local self = setmetatable({ root = shared, connection = shared.connection, claim = claim }, Client)
  self.outbox = outbox.new(self)
  return self
end

---The sources of headers, weakest first.
---@private
function Client:header_sources(of_call)
  return { self.root.config_headers, self.root.headers, self.own_headers, of_call }
end

---Sends a query and waits for its data. With GraphQL errors, the partial data is returned beside `err`. A variable that the
---operation doesn't declare isn't sent; the call throws if it is named like an option, or looks like a misspelling of a declared
---variable that isn't given. An empty table is a list where the operation declares one.
---
---When the network can't be reached, every policy but "no-cache" is answered from the cache if it has the whole answer;
---`info.source` is then "cache", and `info.cause` the network's error. The network counts as unreachable when no connection
---could be made, or it was lost, after the call's retries; after `client:set_online(false)` it isn't tried. With
---"cache-and-network", `on_result` is called twice: with `info.source` "cache", then with the network's outcome. Partial data
---beside GraphQL errors is kept, except for the fields that the errors name.
---
---Equal queries (same document, variables, identity, auth mode and headers) that go through the cache at the same time share one
---request, which `stats().deduplicated` counts. None joins a request that began before a mutation of this client was answered. A
---call with its own `auth`, with a function for headers, or with headers that authenticate (Authorization, x-api-key) neither
---reads nor writes the cache. Data that goes through the cache has `__typename` in each object.
---```lua
---local data, err = client:query(get_todo, { id = "1" })
---if not data then return print(err.kind, err.message) end
---print(data.getTodo.name) --> buy milk
---local text = client:query(get_todo, { id = "1" }, { result = "json" })
---print(appsync.decode(text).getTodo.name) --> buy milk
---```
---@param document string|appsync.Document|table a document, or one table `{query =, variables =, …options}`
---@param variables table?
---@param options appsync.QueryOptions?
---@return any data, appsync.Error? err, appsync.Info? info
function Client:query(document, variables, options)
  check_self(self, "client:query")
  local kept = kept_answer.of(self, document, variables, options)
  if kept then return kept, nil, { source = "cache" } end
  local plan = arguments.plan("query", "client:query", document, variables, options)
  variables_of.tell(plan, self.root.log)
  return call.run(plan.options, query.execute, self, plan)
end

---Sends a mutation and waits for its data. The records in it are in the cache before the call returns.
---
---A client with a store puts it into its outbox, where it takes its turn. When the network can't be reached, the call returns
---as soon as the mutation is stored: `data` is the optimistic response, or `appsync.null` under each root field where none was
---given, `client:is_optimistic(data)` and `info.queued` are true, and `info.id` is its id in `client.outbox`. The outbox sends it
---when it can, in this run or in the next one that uses the store; `offline.callback` of the client gets the outcome. A timeout,
---a cancel or `client:close` ends the wait only: `err.queued` is true, and `err.id` is the id. A mutation that fails for good
---becomes a dead letter; `err.cause.outcome` says how: "refused", "conflict", "unknown" (it may have been executed) or "blocked"
---(one that it depends on has failed, `err.cause.blocked_by`).
---
---Without a store, or with `queue = false`, the mutation is sent once.
---```lua
---local data = appsync.assert(client:mutate(create_todo, { name = "call mum" }))
---print(data.createTodo.name) --> call mum
---```
---@param document string|appsync.Document|table a document, or one table `{mutation =, variables =, …options}`
---@param variables table?
---@param options appsync.MutateOptions?
---@return any data, appsync.Error? err, appsync.Info? info
function Client:mutate(document, variables, options)
  check_self(self, "client:mutate")
  local plan = arguments.plan("mutation", "client:mutate", document, variables, options)
  mutation.prepare(self, plan)
  variables_of.tell(plan, self.root.log)
  return call.run(plan.options, mutation.execute, self, plan)
end

---Returns true for an optimistic response, as an `update` gets it, and false for what the service has answered.
---```lua
---client:mutate(create_todo, { name = "call mum" }, {
---  optimistic_response = { createTodo = { __typename = "Todo", id = "new", name = "call mum", priority = appsync.null } },
---  update = function(cache, result)
---    print(client:is_optimistic(result.data)) --> true, then false
---  end,
---})
---```
---@param data any
---@return boolean
function Client:is_optimistic(data)
  check_self(self, "client:is_optimistic")
  return expectation.is_response(data)
end

local HYDRATED = opts.schema{
  timeout = { "number", min = 0 },
  on_result = { "callable" },
}

---Waits until the store is open, which takes no longer for a large one; without a store it returns at once. Calling it is
---optional: an earlier read is served once the store is open.
---```lua
---appsync.assert(client:hydrated(5))
---print(client:stats().store) --> memory
---```
---@param timeout number|table|nil seconds, or `{timeout =, on_result =}`
---@return true? ok, appsync.Error? err why the store can't be used: the client works without it
function Client:hydrated(timeout)
  check_self(self, "client:hydrated")
  local options = opts.with_timeout(timeout, HYDRATED, "client:hydrated")
  return call.run(options, hydration.wait, self, options, "client:hydrated")
end

---Returns an observable of the subscription's data; nothing is sent before it is subscribed to. An event's records are in the
---cache before the event is delivered; see `cache.subscription_nulls`. `catch_up` fetches what a lost connection has missed.
---```lua
---local s = client:subscribe(on_create_todo):subscribe()
---appsync.assert(s:ready(10))
---client:mutate(create_todo, { name = "call mum" })
---print(appsync.assert(s:next(10)).onCreateTodo.name) --> call mum
---```
---@param document string|appsync.Document|table a document, or one table `{query =, variables =, …options}`
---@param variables table?
---@param options appsync.SubscribeOptions?
---@return appsync.Observable
function Client:subscribe(document, variables, options)
  check_self(self, "client:subscribe")
  local plan = arguments.plan("subscription", "client:subscribe", document, variables, options)
  variables_of.tell(plan, self.root.log)
  return catching_up.observable(self, plan)
end

---Returns an observable of a query's result, which emits `{data, err, source, loading, complete}` when the cache under the query
---changes and never ends by itself. Subscribers share one query; a late one gets the current state first. Nothing is emitted
---before there is data or an error. A subscriber that is busy with one state gets only the last of those that came meanwhile.
---Sub-tables of `data` that haven't changed are the same tables from one state to the next: don't modify them (use
---`appsync.copy`).
---```lua
---local states = client:watch(get_todo, { id = "1" }):subscribe()
---print(states:next(10).data.getTodo.name) --> buy milk
---client:write_fragment("Todo:1", "fragment Name on Todo { name }", { name = "buy bread" })
---print(states:next(10).data.getTodo.name) --> buy bread
---```
---@param document string|appsync.Document|table a document, or one table `{query =, variables =, …options}`
---@param variables table?
---@param options appsync.WatchOptions?
---@return appsync.Watch
function Client:watch(document, variables, options)
  check_self(self, "client:watch")
  local plan = arguments.plan("watch", "client:watch", document, variables, options)
  variables_of.tell(plan, self.root.log)
  return watching.new(self, plan, plan.options.fetch_policy or self.root.watch_policy or "cache-first")
end

---Keeps records in the cache in step with the service: subscribes, sends the base query, or the delta query where that will do,
---takes the events of the meantime, and stays live; again after each loss of the connection, and in the next run that uses the store
---it goes on where it stopped. Starts at once. `appsync.build_sync` makes the options for one type; with an `update` function for each
---query they are yours. Needs a cache: throws for a client with `store = false`. Read what it brings by "cache-only".
---```lua
---local s = client:sync{ base_query = list_todos, subscription_query = on_create_todo }
---appsync.assert(s:ready(10))
---local data = client:query(list_todos, nil, { fetch_policy = "cache-only" })
---print(#data.listTodos.items) --> 1
---```
---@param options appsync.SyncOptions
---@return appsync.Sync s also where it can't be begun: it is over then, and `s:status().err` says why
function Client:sync(options)
  check_self(self, "client:sync")
  return delta_sync.start(self, options)
end

local WITH = opts.schema{
  auth = { "table", is_secret = true },
  headers = { "table", "callable", is_secret = true },
  identity = { "string", is_line = true },
}

---Returns a client for one user, with the same threads, sockets and settings; it needs no closing. `identity`, such as the
---user's id, names its own part of the store, with an outbox of its own; without one it keeps nothing and queues nothing.
---```lua
---local ann = client:with{ auth = { type = "API_KEY", api_key = api_key }, identity = "ann" }
---print(ann:query(get_todo, { id = "1" }).getTodo.name) --> buy milk
---```
---@param options {auth: appsync.Auth?, headers: table|function|nil, identity: string?}
---@return appsync.Client
function Client:with(options)
  check_self(self, "client:with")
  local checked = opts.check(options, WITH, "client:with")
  local derived = setmetatable({
    root = self.root, connection = self.connection, is_derived = true,
    own_auth = checked.auth and auth.check(checked.auth, "client:with: auth") or self.own_auth,
    own_headers = headers.check(checked.headers, "client:with") or self.own_headers,
    identity = checked.identity,
  }, Client)
  derived.outbox = outbox.new(derived)
  return derived
end

---Removes from the cache what no query's result reaches any more, and what has expired, but nothing that is watched, retained or
---part of an optimistic layer. It works a little at a time; the client can be used meanwhile.
---```lua
---client:query(list_todos)
---client:evict("ROOT_QUERY", "listTodos")
---local n = client:gc()
---print(n, "record") --> 1 record
---```
---@param options number|{timeout: number?, on_result: function?}|nil seconds: ends the wait, not the collection
---@return integer? n the number of records that have left, appsync.Error? err
function Client:gc(options)
  check_self(self, "client:gc")
  return upkeep.gc(self, options)
end

---Empties the cache of this client's identity without waiting: from now on, reads find nothing. The file shrinks a little at a
---time. Optimistic responses that are still shown go as well. What is queued stays queued; with `outbox = true` it becomes dead
---letters first, and the call waits for that.
---
---While the store can't be used (another process has it, the disk is full), only the memory is emptied, and the call returns an
---error of kind "storage" with the store's `code`. The file is emptied when it can be used again, if this process is still
---running then.
---```lua
---client:query(list_todos)
---client:clear()
---local data = client:read_query(list_todos)
---print(data) --> nil
---```
---@param options {outbox: boolean?, timeout: number?, on_result: function?}?
---@return true|integer|nil cleared with `outbox = true` the number of mutations that became dead letters
---@return appsync.Error? err
function Client:clear(options)
  check_self(self, "client:clear")
  return partition.clear(self, options)
end

---Empties the cache of this client's identity, as `clear` does, and waits until nothing of it is left in the store's file or in
---its log. The client can still be used, and starts with an empty cache. `outbox` says what becomes of queued mutations. "refuse"
---(the default): while there are some, nothing is done, and the call returns an error of kind "storage" and code
---"outbox_not_empty", with their number as `size`. "wipe": they go, with dead letters and outcomes. "keep": they stay, and are
---sent.
---```lua
---appsync.assert(client:sign_out())
---```
---@param options {outbox: "keep"|"wipe"|"refuse"|nil, timeout: number?, on_result: function?}? `timeout` ends the wait only
---@return true? wiped
---@return appsync.Error? err code "outbox_not_empty", or "locked": another connection reads the store; its log is emptied later
function Client:sign_out(options)
  check_self(self, "client:sign_out")
  return partition.sign_out(self, options)
end

---Moves the outbox and the cache of another identity to this client's, such as those of a guest who has signed in. Its mutations
---are sent by this client, in the order in which all of them were queued. Its cache takes the place of this client's, unless
---this client has optimistic responses of queued mutations or the other identity has no cache. A client of that identity made by
---`with` of this one goes on with an empty cache and outbox; another client has to be closed first.
---```lua
---local ann = client:with{ identity = "ann" }
---local n = appsync.assert(ann:adopt{ from = "guest" })
---print(n) --> 0
---```
---@param options {from: string, timeout: number?, on_result: function?} `from`: an identity; "" is that of no user
---@return integer? n the number of queued mutations that have moved
---@return appsync.Error? err code "sending": a request of that identity is under way; "in_use": another client has that identity
---open; nothing has moved
function Client:adopt(options)
  check_self(self, "client:adopt")
  return partition.adopt(self, options)
end

---Keeps in the cache what a query's result reaches, even when it hasn't been used for a long time or has expired. What joins
---that result later is kept as well.
---```lua
---local handle = appsync.assert(client:retain(list_todos))
---```
---@param document string|appsync.Document|table a document, or one table `{query =, variables =}`
---@param variables table?
---@return appsync.Retention? handle keeps it until its `release`, until it is collected, or until the client closes
---@return appsync.Error? err
function Client:retain(document, variables)
  check_self(self, "client:retain")
  return upkeep.retain(self, document, variables)
end

---@class appsync.Explanation
---@field complete boolean all of it is in the cache
---@field network boolean a "cache-first" query would be sent now
---@field fields {path: string, state: "cached"|"missing"|"expired"|"optimistic", key: string}[] what is missing, and each field
---that isn't an object, with its record's key; at most 10,000

---Says what a "cache-first" query would do now, and why, without sending it.
---```lua
---print(client:explain(list_todos).complete) --> false
---client:query(list_todos)
---print(client:explain(list_todos).complete) --> true
---```
---@param document string|appsync.Document|table a document, or one table `{query =, variables =}`
---@param variables table?
---@return appsync.Explanation? explanation, appsync.Error? err
function Client:explain(document, variables)
  check_self(self, "client:explain")
  return upkeep.explain(self, document, variables)
end

---Returns counters and, once there is a store, its state as `store`: "open", "memory" (it is kept for this process only) or
---"unavailable"; `store_code` then says why, like an error's `code`. `queued` is the number of queued mutations. Empty before the
---first use.
---```lua
---client:query(list_todos)
---print(client:stats().requests) --> 1
---```
---@return table<string, number|string>
function Client:stats()
  local core = self.root.handle.core
  local stats = core and core:stats() or {}
  if stats.queued == nil then stats.queued = queue.size_of_all(self.root) end
  return stats
end

---Tells the client whether there is a network, for a host that knows better. While there is none, queries are answered from the
---cache or fail at once, queued mutations and realtime connections wait, and calls that no cache serves are still tried. When there
---is one again, what has waited goes on. Said once more, it is a hint, as `appsync.resumed` is.
---```lua
---client:query(list_todos)
---client:set_online(false)
---local data, _, info = client:query(list_todos, nil, { fetch_policy = "network-only" })
---print(#data.listTodos.items, info.source) --> 1 cache
---```
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

---Closes the client. Its subscriptions complete, and new calls fail with kind "closed" at once. Calls in flight, those of
---`client:with` included, have `timeout` seconds to end; 0 ends them at once. Those that take longer fail with kind "closed",
---and `err.sent` says that the service may have executed them. What is queued stays queued; what is being sent of it has that time,
---too. Closing twice is harmless. A client that is collected, and the end of the process, wait for no call. In a game, outside of
---a task, `close` returns 20 ms after `timeout` at the latest; what is still being saved then is saved before the process ends.
---```lua
---client:close(5)
---local _, err = client:query(list_todos)
---print(err.kind) --> closed
---```
---@param timeout number|table|nil seconds, default 1, or `{timeout =, on_result =}`
---@return true? closed, appsync.Error? err
function Client:close(timeout)
  check_self(self, "client:close")
  local options = opts.with_timeout(timeout, CLOSE, "client:close")
  return call.run(options, close, self, options)
end

return client
