-- What users get wrong. Each message names the argument, what was given and what is accepted, and stands at the user's line.
local appsync = require "appsync"
local core = require "appsync.core"
local process = require "spec.support.process"
local server = require "spec.support.server"

local SCHEMA = "type Query { a(i: Int): Int b: Int } type Mutation { m(t: String): String } type Subscription { s: String @aws_subscribe(mutations: [\"m\"]) }"
local RESOLVERS = "return { Query = { a = function() return 1 end }, Mutation = { m = function(ctx) return ctx.arguments.t end } }"
local SECRET = "very-secret-value"
local BOUND = 10

describe("a mistake", function()
  local service, client

  setup(function() service = server.start { schema = SCHEMA, resolvers = RESOLVERS } end)
  teardown(function() process.stop_all() end)

  before_each(function()
    client = appsync.client { endpoint = service.endpoint, auth = { type = "API_KEY", api_key = server.API_KEY } }
  end)

  after_each(function() assert.is_true(client:close(5)) end)

  -- `fn` stands on one line: the message must begin with that line.
  local function misuse(fn, ...)
    local ok, raised = pcall(fn)
    assert.is_false(ok, "it was accepted")
    assert.is_string(raised)
    assert.equal("spec/e2e/mistakes_spec.lua:" .. debug.getinfo(fn, "S").linedefined, raised:match "^(.-:%d+): " or raised)
    assert.is_nil(raised:find("\n", 1, true), raised)
    assert.is_nil(raised:find(SECRET, 1, true), raised)
    for _, expected in ipairs { ... } do assert.is_truthy(raised:find(expected, 1, true), raised .. "\nlacks: " .. expected) end
    return raised
  end

  local function new(options)
    local all = { endpoint = service.endpoint }
    for name, value in pairs(options) do all[name] = value end
    return function() appsync.client(all) end
  end

  describe("in the options of a client:", function()
    local WRONG = {
      { "config", 5, "config must be string or table, got number 5" },
      { "endpoint", true, "endpoint must be string, got boolean true" },
      { "realtime_endpoint", {}, "realtime_endpoint must be string, got a table" },
      { "realtimeEndpoint", "http://x", 'must be a URL that begins with wss:// or ws://, got "http://x"' },
      { "region", 5, "region must be string, got number 5" },
      { "auth", SECRET, "auth must be table, got string" },
      { "auths", SECRET, "auths must be table, got string" },
      { "auths", { type = "NONE" }, "auths must be a list" },
      { "auths", { {} }, "auths[1]: type is missing" },
      { "headers", SECRET, "headers must be table or function, got string" },
      { "headers", { ["x-a"] = {} }, "headers: x-a must be a string, got table" },
      { "headers", { ["x-a"] = SECRET .. "\n" }, "headers: x-a must not hold a line break" },
      { "headers", { ["x a"] = "b" }, 'headers: "x a" isn\'t an HTTP header name' },
      { "store", 5, "store must be string or boolean, got number 5" },
      { "store", true, 'store must be the path of a file, ":memory:" or false, got true' },
      { "store", "", "store: a path has at least one character" },
      { "store", "to\ndos.db", "store must not hold a control character" },
      { "seed", "shipped.db", "seed needs a store" },
      { "encryption_key", SECRET, "encryption_key isn't supported: it needs SQLCipher" },
      { "encryptionKey", SECRET, "encryptionKey isn't supported: it needs SQLCipher" },
      { "reopen", 1, "reopen must be boolean, got number 1" },
      { "realtime", 5, "realtime must be table, got number 5" },
      { "realtime", { handshake = "url" }, 'realtime: handshake must be one of "subprotocol", "query", got "url"' },
      { "realtime", { protocol = "mqtt" }, 'realtime: protocol must be one of "appsync", "graphql-transport-ws", got "mqtt"' },
      { "realtime", { protocl = "x" }, 'unknown option "protocl"; did you mean "protocol"?' },
      { "timeouts", 5, "timeouts must be table, got number 5" },
      { "timeouts", { connect = "1" }, 'timeouts: connect must be number above 0, got "1"' },
      { "timeouts", { request = -1 }, "timeouts: request must be number above 0, got number -1" },
      { "timeouts", { ack = 0 / 0 }, "timeouts: ack must be number above 0, got number" },
      { "timeouts", { stall = true }, "timeouts: stall must be number above 0, got boolean true" },
      { "retry", 3, "retry must be table, got number 3" },
      { "retry", { base = 0 }, "retry: base must be number above 0, got number 0" },
      { "retry", { attempts = 1.5 }, "retry: attempts must be integer of at least 1, got number 1.5" },
      { "proxy", 5, "proxy must be string, got number" },
      { "tls", "ca.pem", 'tls must be table, got "ca.pem"' },
      { "tls", { verify = 0 }, "tls: verify must be boolean, got number 0" },
      { "tls", { cafile = "x" }, 'unknown option "cafile"' },
      { "error_policy", "ignore", 'error_policy must be one of "none", "all", got "ignore"' },
      { "big_integers", true, "big_integers must be one of \"string\", got boolean true" },
      { "log", "stderr", 'log must be function, got "stderr"' },
      { "log", {}, "log must be function, got a table" },
      { "outbox", 5, "outbox must be table, got number 5" },
      { "outbox", { order = "parallel" }, 'outbox: order must be one of "serial", "entity", got "parallel"' },
      { "outbox", {}, "outbox needs a store, which holds the outbox" },
      { "identity", 5, "identity must be string or function, got number 5" },
      { "key_prefix", {}, "key_prefix must be string, got a table" },
      { "cache", 5, "cache must be table, got number 5" },
      { "cache", { max_byte = 1 }, 'cache: unknown option "max_byte"; did you mean "max_bytes"?' },
      { "cache", { max_bytes = 5 }, "cache: max_bytes must be integer of at least 65536, got number 5" },
      { "cache", { ttl = { Post = 0 } }, "cache.ttl.Post: must be seconds above 0, got number 0" },
      { "cache", { ttl = { ["a b"] = 1 } }, 'cache.ttl: a key must be the name of a type, got "a b"' },
      { "cache", { key_args = { listPosts = {} } }, 'cache.key_args: a key must be Type.field, such as Query.listPosts, got "listPosts"' },
      { "cache", { key_args = { ["Query.a"] = { 5 } } }, "cache.key_args.Query.a[1]: must be a name, got number 5" },
      { "cache", { merge = { ["Query.a"] = 5 } }, 'cache.merge.Query.a: must be "connection" or a function, got number 5' },
      { "cache", { merge = { ["Query.a"] = "connection" } }, "cache.merge.Query.a needs cache.key_args.Query.a" },
      { "cache", { lookups = { ["Query.a"] = {} } }, "cache.lookups.Query.a: must be the name of a type, got a table" },
      { "cache", { possible_types = { Node = "Post" } }, 'cache.possible_types.Node: must be a list of names, got "Post"' },
      { "cache", { subscription_nulls = "no" }, 'cache: subscription_nulls must be one of "keep", "write", got "no"' },
      { "cacheOptions", { dataIdFromObject = "id" }, 'cacheOptions: dataIdFromObject must be function, got "id"' },
      { "data_id_from_object", {}, "data_id_from_object must be function, got a table" },
      { "conflict_resolver", 5, "conflict_resolver must be function, got number 5" },
      { "conflictResolver", {}, "conflictResolver must be function, got a table without __call" },
      { "offlineConfig", 5, "offlineConfig must be table, got number 5" },
      { "offlineConfig", { callback = 5 }, "offlineConfig: callback must be function, got number 5" },
      { "offlineConfig", { callback = print }, "offline.callback needs a store, which holds the outbox" },
      { "offlineConfig", { storage = {} }, "offlineConfig: storage isn't supported: a durable queue needs transactions" },
      { "offlineConfig", { keyprefix = "x" }, 'offlineConfig: unknown option "keyprefix"; did you mean "keyPrefix"?' },
      { "keys", 5, "keys must be table, got number 5" },
      { "keys", { Post = "id" }, 'keys.Post: must be a list of names, got "id"' },
      { "updates", { 7 }, "updates has the key number 1; the keys are root fields of mutations" },
      { "fetch_policy", "cache-first", 'fetch_policy must be table, got "cache-first"' },
      { "fetch_policy", { query = "standby" }, 'fetch_policy: query must be one of "cache-first", "cache-and-network"' },
      { "fetch_policy", { watch = 5 }, 'fetch_policy: watch must be one of "cache-first"' },
      { "disableOffline", "yes", 'disableOffline must be boolean, got "yes"' },
      { "timeout", 5, 'unknown option "timeout"; did you mean "timeouts"?' },
      { "hedaers", {}, 'unknown option "hedaers"; did you mean "headers"?' },
      { "authentication", {}, 'unknown option "authentication"; accepted are auth, auths, big_integers, cache, config' },
      { 5, "x", "an option's name must be a string, got number 5" },
    }
    for _, case in ipairs(WRONG) do
      if case[3] then
        it(tostring(case[1]) .. ": " .. case[3]:sub(1, 90), function() misuse(new { [case[1]] = case[2] }, "appsync.client: ", case[3]) end)
      end
    end

    it("both spellings of one option", function()
      misuse(function() appsync.client { endpoint = service.endpoint, url = service.endpoint } end, "the same option; give one of them")
      misuse(new { error_policy = "none", errorPolicy = "none" }, '"error', "same option")
    end)

    it("an endpoint that is none", function()
      for _, url in ipairs { "", "abc.appsync-api.us-east-1.amazonaws.com/graphql", "ftp://x/graphql", "https://", "https://a b/graphql", "https://x/\ngraphql", "https://x\0y/" } do
        misuse(function() appsync.client { endpoint = url } end, "endpoint must be a URL that begins with https:// or http://")
      end
      misuse(function() appsync.client {} end, "endpoint is missing; give the URL of the GraphQL API, or a config")
      misuse(function() appsync.client() end, "appsync.client: ")
      misuse(function() appsync.client "https://x/graphql" end, "options must be a table")
    end)

    it("auth that says too little, too much or the wrong thing", function()
      local function auth(t, ...) misuse(new { auth = t }, "auth: ", ...) end
      auth({ type = "API_KEY" }, "API_KEY needs api_key")
      auth({ type = "AWS_IAM" }, "AWS_IAM needs credentials")
      auth({ type = "OPENID_CONNECT" }, "OPENID_CONNECT needs token")
      auth({ type = "API_KEY", api_key = 5 }, "api_key must be string, got number")
      auth({ type = "API_KEY", api_key = SECRET, token = SECRET }, "API_KEY doesn't take token; it takes api_key")
      auth({ type = "NONE", token = SECRET }, "NONE doesn't take token")
      auth({ type = "BEARER", token = SECRET }, 'type must be one of "API_KEY", "AWS_IAM"', 'got "BEARER"')
      auth({ type = 5 }, "type must be one of", "got number 5")
      auth({ api_key = SECRET }, "type is missing; accepted are")
      auth({ type = "OPENID_CONNECT", token = { SECRET } }, "token must be a string, a function or a table with a get method")
      auth({ type = "OPENID_CONNECT", tokn = SECRET }, 'unknown option "tokn"; did you mean "token"?')
      auth({ type = "AWS_IAM", credentials = SECRET }, "credentials must be table or function, got string")
      auth({ type = "AWS_IAM", credentials = { access_key = SECRET, secret_key = SECRET } }, "access_key_id is missing")
      auth({ type = "AWS_IAM", credentials = { access_key_id = SECRET } }, "secret_access_key is missing")
      auth({ type = "AWS_IAM", credentials = {}, service = 5 }, "service must be string, got number 5")
    end)
  end)

  describe("in a call:", function()
    it("a document that can't be parsed, with its line and column", function()
      misuse(function() client:query "{ a" end, "line 1, column 4")
      misuse(function() client:query "query {\n  a(i: )\n}" end, "line 2, column 8")
      misuse(function() client:mutate "mutation { m(t: \"x) }" end, "line 1")
      misuse(function() client:subscribe "subscription }" end, "line 1, column 14")
      misuse(function() appsync.gql "{ a } }" end, "line 1, column 7")
      misuse(function() client:query "" end, "syntax error")
      misuse(function() client:query "fragment F on Query { a }" end, "no operation")
    end)

    it("a document that is none", function()
      misuse(function() client:query(5) end, "client:query: the document must be text or what appsync.gql returns, got number 5")
      misuse(function() client:query() end, "client:query: the document must be text", "got nothing")
      misuse(function() client:query {} end, "client:query: the table must have the document as query")
      misuse(function() client:mutate { query = "{ a }" } end, "client:mutate: ", "mutation")
      misuse(function() client:query { query = 5 } end, "got number 5")
      misuse(function() client:query({ query = "{ a }" }, { i = 1 }) end, "with one table, variables and options go into it")
      misuse(function() appsync.gql(nil) end, "document must be a string, got nothing")
    end)

    it("the wrong kind of operation, with the method that is right", function()
      misuse(function() client:query 'mutation { m(t: "x") }' end, "client:query: the document is a mutation; use client:mutate")
      misuse(function() client:mutate "{ a }" end, "client:mutate: the document is a query; use client:query")
      misuse(function() client:query "subscription { s }" end, "use client:subscribe")
      misuse(function() client:subscribe "{ a }" end, "client:subscribe: the document is a query; use client:query")
    end)

    it("several operations and none chosen, or one that isn't there", function()
      local document = "query One { a } query Two { b }"
      misuse(function() client:query(document) end, "several operations (One, Two); choose one by operation_name")
      misuse(function() client:query(document, nil, { operation_name = "Three" }) end, 'no operation "Three"; it has One, Two')
      misuse(function() client:query("{ a }", nil, { operation_name = "X" }) end, "it has (anonymous)")
    end)

    it("an option among the variables", function()
      misuse(function() client:query("{ a }", { timeout = 5 }) end, "client:query: the operation declares no variable $timeout; timeout is an option")
      misuse(function() client:query("{ a }", { errorPolicy = "none" }) end, "errorPolicy is an option")
      misuse(function() client:subscribe("subscription { s }", { buffer = 5 }) end, "client:subscribe: ", "buffer is an option")
    end)

    it("variables and options of the wrong type", function()
      misuse(function() client:query("{ a }", 5) end, "client:query: variables must be a table, got number 5")
      misuse(function() client:query("{ a }", "x") end, 'variables must be a table, got "x"')
      misuse(function() client:query("{ a }", nil, 5) end, "client:query: options must be a table, got number")
      local function query(options, ...)
        misuse(function() client:query("{ a }", nil, options) end, "client:query: ", ...)
      end
      query({ timeout = "5" }, 'timeout must be number above 0, got "5"')
      query({ timeout = 0 }, "timeout must be number above 0, got number 0")
      query({ on_result = 5 }, "on_result must be function, got number 5")
      query({ onResult = {} }, "onResult must be function, got a table")
      query({ auth_mode = "KEY" }, 'auth_mode must be one of "API_KEY"', 'got "KEY"')
      query({ auth_mode = 5 }, "auth_mode must be string, got number 5")
      query({ auth = { type = "API_KEY" } }, "auth: API_KEY needs api_key")
      query({ headers = 5 }, "headers must be table or function, got number")
      query({ headers = { ["x-a"] = "a\r\nb: c" } }, "headers: x-a must not hold a line break")
      query({ error_policy = "some" }, 'error_policy must be one of "none", "all", got "some"')
      query({ fetch_policy = "standby" }, 'fetch_policy must be one of "cache-first", "cache-and-network", "network-only", "cache-only", "no-cache", got "standby"')
      query({ idempotent = "yes" }, 'idempotent must be boolean, got "yes"')
      query({ tiemout = 5 }, 'unknown option "tiemout"; did you mean "timeout"?')
      query({ optimistic_response = {} }, 'unknown option "optimistic_response"')
      misuse(function() client:mutate('mutation { m }', nil, { optimistic_response = 7 }) end, "optimistic_response must be")
      misuse(function() client:mutate('mutation { m }', nil, { fetch_policy = "cache-first" }) end,
        'fetch_policy must be one of "network-only", "no-cache", got "cache-first"')
      misuse(function() client:mutate('mutation { m }', nil, { refetch = "{ a }" }) end, 'refetch must be table, got "{ a }"')
      misuse(function() client:mutate('mutation { m }', nil, { refetch = { query = "{ a }" } }) end, "refetch must be a list")
      misuse(function() client:mutate('mutation { m }', nil, { refetch = { "{ a }", "mutation { m }" } }) end, "client:mutate: refetch[2]: ")
      misuse(function() client:mutate('mutation { m }', nil, { queue = true }) end, "queue = true: this client has no outbox: it needs a store")
      misuse(function() client:mutate('mutation { m }', nil, { update = {} }) end, "update must be function, got a table")
      assert.is_nil(select(2, client:mutate('mutation { m(t: "x") }', nil, { queue = false, fetch_policy = "no-cache" })))
    end)

    it("values that JSON can't hold, with the path to them", function()
      local document = "query($i: Int) { a(i: $i) }"
      local cycle = {}
      cycle.again = { cycle }
      misuse(function() client:query(document, { i = function() end }) end, "client:query: ", "i", "function")
      misuse(function() client:query(document, { i = { deep = { { x = 0 / 0 } } } }) end, "i.deep[1].x")
      misuse(function() client:query(document, { i = 1 / 0 }) end, "client:query: ", "i")
      misuse(function() client:query(document, { i = { 1, nil, 3 } }) end, "client:query: ", "i")
      misuse(function() client:query(document, { i = { 1, x = 2 } }) end, "client:query: ", "i")
      misuse(function() client:query(document, { i = cycle }) end, "client:query: ", "i.again")
      misuse(function() client:query(document, { i = coroutine.create(function() end) }) end, "thread")
      misuse(function() client:query(document, { i = io.stdout }) end, "userdata")
      misuse(function() client:query(document, { i = function() end }, { on_result = print }) end, "function")
      misuse(function() appsync.encode { a = { function() end } } end, "appsync.encode: ", "a[1]")
    end)

    it("what was a function that a client has got, called with a dot", function()
      for _, name in ipairs { "query", "mutate", "subscribe", "close", "with" } do
        misuse(function() client[name] "{ a }" end, "client:" .. name .. ": call it with a colon, as in client:" .. name .. "(")
      end
    end)
  end)

  describe("with a subscription:", function()
    it("an observer of the wrong type", function()
      local created = client:subscribe "subscription { s }"
      misuse(function() created:subscribe(5) end, "observer must be a function or a table of functions", "got number")
      misuse(function() created:subscribe { next = 5 } end, "next", "got number 5")
      misuse(function() created:subscribe { nxt = print } end, 'did you mean "next"?')
      misuse(function() created:map(5) end, "map", "got number 5")
      misuse(function() created:filter() end, "filter", "got nothing")
      misuse(function() created:take "x" end, "take", 'got "x"')
      misuse(function() created:for_each() end, "for_each")
    end)

    it("options of the wrong type", function()
      local function subscribe(options, ...)
        misuse(function() client:subscribe("subscription { s }", nil, options) end, "client:subscribe: ", ...)
      end
      subscribe({ buffer = 0 }, "buffer must be integer of at least 1, got number 0")
      subscribe({ buffer = "5" }, 'buffer must be integer of at least 1, got "5"')
      subscribe({ overflow = "drop" }, 'overflow must be one of "pause", "drop_oldest", "error", got "drop"')
      subscribe({ share = 1 }, "share must be boolean, got number 1")
      subscribe({ timeout = 5 }, 'unknown option "timeout"')
      subscribe({ catch_up = {} }, "catch_up: query is missing; give the document of a query")
      subscribe({ update = {} }, "update must be function, got a table")
    end)

    it("timeouts of the wrong type", function()
      local s = client:subscribe("subscription { s }"):subscribe()
      misuse(function() s:next "1" end, "s:next: timeout must be a number of seconds or a table of options, got ")
      misuse(function() s:ready { timeuot = 1 } end, 'did you mean "timeout"?')
      assert.is_true(s:ready(BOUND))
      s:unsubscribe()
    end)
  end)

  describe("with the rest:", function()
    it("client:with, close, set_online, connection", function()
      misuse(function() client:with { auth = 5 } end, "client:with: auth must be table, got number")
      misuse(function() client:with { identity = {} } end, "client:with: identity must be string, got a table")
      misuse(function() client:with { endpoint = "x" } end, 'client:with: unknown option "endpoint"')
      misuse(function() client:with { headers = { ["a b"] = "c" } } end, "client:with: headers: ")
      misuse(function() client:with(5) end, "client:with: options must be a table, got number")
      misuse(function() client:close "now" end, "client:close: ")
      misuse(function() client:close(-1) end, "client:close: timeout must be number of at least 0, got number -1")
      misuse(function() client:set_online "yes" end, 'client:set_online: is_online must be a boolean, got "yes"')
    end)

    it("tasks", function()
      misuse(function() appsync.run(5) end, "appsync.run: fn must be a function, got number 5")
      misuse(function() appsync.spawn() end, "appsync.spawn: fn must be a function, got nothing")
      misuse(function() appsync.wrap {} end, "appsync.wrap: fn must be a function, got a table")
      misuse(function() appsync.sleep "1" end, 'appsync.sleep: seconds must be a number, got "1"')
      misuse(function() appsync.sleep() end, "appsync.sleep: seconds must be a number, got nothing")
      misuse(function() appsync.update(0.016) end, "it is the time that may be spent, not dt", "{budget = 0.016}")
      misuse(function() appsync.update "x" end, "appsync.update: budget must be a number of seconds")
      local task = appsync.spawn(appsync.sleep, 0)
      misuse(function() task:await "x" end, "task:await: ")
      misuse(function() task:await { timout = 1 } end, 'did you mean "timeout"?')
      task:await(BOUND)
    end)

    it("a wait inside a function that computes", function()
      local subject = appsync.subject()
      local s = subject:map(function() return client:query "{ a }" end):subscribe()
      subject:next(1)
      local value, err = s:next(BOUND)
      assert.is_nil(value)
      assert.matches("client:query: a call that waits isn't possible in a function that computes", tostring(err))
    end)

    it("values of the wrong type elsewhere", function()
      misuse(function() appsync.array(5) end, "appsync.array: t must be a table, got number 5")
      misuse(function() appsync.decode(5) end, "appsync.decode: text must be a string, got number 5")
      misuse(function() appsync.configure(5) end, "appsync.configure: config must be a string or a table, got number 5")
      misuse(function() require("appsync.host").use "corona" end, 'adapter must be "cqueues", "copas", "luv" or a table, got "corona"')
      misuse(function() require("appsync.host").use {} end, "adapter.current must be a function, got nothing")
      misuse(function() appsync.auth.static { access_key_id = "x" } end, "secret_access_key must be a string, got nothing")
      misuse(function() appsync.auth.shared_file { profil = "x" } end, 'did you mean "profile"?')
      misuse(function() appsync.auth.chain {} end, "at least one provider")
      misuse(function() appsync.auth.chain { 5 } end, "provider 1 must be a table with a get method")
      misuse(function() appsync.sign({}, {}) end, "url must be a string, got nothing")
      local value, err = appsync.decode "{"
      assert.is_nil(value)
      assert.equal("protocol", err.kind)
    end)
  end)

  describe("of the world is an error, not a throw:", function()
    local function fails(options)
      options.auth = options.auth or { type = "API_KEY", api_key = SECRET }
      options.retry = { base = 0.01, attempts = 1 }
      options.timeouts = { connect = 2, request = 3 }
      local other = assert(appsync.client(options))
      local data, err = other:query "{ a }"
      assert.is_true(other:close(5))
      assert.is_nil(data)
      assert.is_nil(tostring(err):find(SECRET, 1, true), tostring(err))
      assert.is_nil(err.message:find("\n", 1, true), err.message)
      return err
    end

    it("a CA file that isn't there", function()
      local err = fails { endpoint = (service.endpoint:gsub("^http:", "https:")), tls = { ca = "/no/such/ca.pem" } }
      assert.is_true(err.kind == "network" or err.kind == "usage", err.kind)
      assert.matches("/no/such/ca.pem", err.message)
    end)

    it("a CA file or a client certificate that isn't there, for a subscription", function()
      for _, tls in ipairs { { ca = "/no/such/file.pem" }, { cert = "/no/such/file.pem", key = "/no/such/key.pem" } } do
        local other = appsync.client { endpoint = (service.endpoint:gsub("^http:", "https:")), auth = { type = "NONE" }, tls = tls }
        local ok, err = other:subscribe("subscription { s }"):subscribe():ready(BOUND)
        assert.is_nil(ok)
        assert.matches("/no/such/file.pem", err.message)
        assert.is_false(err.retryable)
        assert.is_true(other:close(5))
      end
    end)

    it("a client certificate that isn't there", function()
      local err = fails { endpoint = (service.endpoint:gsub("^http:", "https:")), tls = { cert = "/no/such/cert.pem", key = "/no/such/key.pem" } }
      assert.is_true(err.kind == "network" or err.kind == "usage", err.kind)
      assert.matches("/no/such/cert.pem", err.message)
    end)

    it("a host that doesn't exist", function()
      local err = fails { endpoint = "http://no-such-host.invalid/graphql" }
      assert.is_true(err.kind == "network" or err.kind == "timeout", err.kind)
      assert.matches("no%-such%-host.invalid", err.message)
    end)

    it("a port at which nobody listens, behind a proxy that isn't there", function()
      local err = fails { endpoint = "http://127.0.0.1:1/graphql" }
      assert.equal("network", err.kind)
      err = fails { endpoint = service.endpoint, proxy = "http://user:" .. SECRET .. "@127.0.0.1:1" }
      assert.equal("network", err.kind)
    end)

    it("TLS where there is none, and none where there is", function()
      local err = fails { endpoint = (service.endpoint:gsub("^http:", "https:")) }
      assert.equal("network", err.kind)
    end)

    it("a client that is closed", function()
      local other = appsync.client { endpoint = service.endpoint, auth = { type = "NONE" } }
      assert.is_true(other:close())
      local data, err = other:query "{ a }"
      assert.is_nil(data)
      assert.equal("closed", err.kind)
      assert.same({}, other:stats())
      other:set_online(false)
      local ok
      ok, err = other:subscribe("subscription { s }"):subscribe():ready(BOUND)
      assert.is_nil(ok)
      assert.equal("closed", err.kind)
      local value, next_err = other:subscribe("subscription { s }"):subscribe():next(BOUND)
      assert.is_nil(value)
      assert.is_true(next_err == nil or next_err.kind == "closed")
      assert.equal("Disconnected", other.connection.state)
    end)
  end)

  it("shows no secret of a client that is printed or whose errors are", function()
    local made = appsync.client { endpoint = service.endpoint .. "?key=" .. SECRET, auth = { type = "API_KEY", api_key = SECRET } }
    assert.is_nil(tostring(made):find(SECRET, 1, true))
    local data, err = made:query "{ a }"
    assert.is_nil(data)
    for _, text in ipairs { tostring(err), err.message, appsync.encode { status = err.status, errors = err.errors } } do
      assert.is_nil(text:find(SECRET, 1, true), text)
    end
    assert.is_true(made:close(5))
    assert.is_true(core.now() > 0)
  end)
end)
