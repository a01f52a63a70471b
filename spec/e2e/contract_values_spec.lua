-- The rules for every call and for values (the API's section 1, and what section 2 lists), by the public names only.
local appsync = require "appsync"
local peer = require "spec.support.peer"
local process = require "spec.support.process"
local server = require "spec.support.server"

local interpreter = os.getenv "APPSYNC_LUA" or arg[-1]
local HAS_INTEGERS = math.type ~= nil

local SCHEMA = [[
type Todo { id: ID! name: String priority: Int }
type Query {
  one: Int
  none: Int
  fails: Int
  refused: Int
  two: Int
  echo(value: AWSJSON): AWSJSON
  todos: [Todo]
  text(value: String): String
  number(value: Float): Float
}
type Mutation { touch(n: Int): Int }
]]
local RESOLVERS = [[
return {
  Query = {
    one = function() return 1 end,
    two = function() return 2 end,
    none = function() return nil end,
    fails = function() error({ message = "it failed", errorType = "Broken" }) end,
    echo = function(context) return context.arguments.value end,
    text = function(context) return context.arguments.value end,
    number = function(context) return context.arguments.value end,
    todos = function() return require("appsync").array{} end,
  },
  Mutation = { touch = function(context) return context.arguments.n end },
}
]]

-- Runs a program of its own and gives what it printed.
local function program(text)
  local path = process.temporary ".lua"
  process.write(path, text)
  local pipe = assert(io.popen(("timeout 20 %s %s 2>&1"):format(interpreter, path)))
  local out = pipe:read "*a"
  pipe:close()
  os.remove(path)
  return out
end

-- The line on which this is called, as it stands in a message.
local function here(offset)
  local at = debug.getinfo(2, "Sl")
  return at.short_src .. ":" .. at.currentline + (offset or 0) .. ":"
end

local function raised(fn, ...)
  local ok, message = pcall(fn, ...)
  assert.is_false(ok, "it didn't throw")
  return message
end

local function has(text, part)
  assert.is_truthy(tostring(text):find(part, 1, true), ("%q isn't in %q"):format(part, tostring(text)))
end

local function lacks(text, part)
  assert.is_nil(tostring(text):find(part, 1, true), ("%q is in %q"):format(part, tostring(text)))
end

describe("the contract of results:", function()
  local service, client

  setup(function() service = server.start{ schema = SCHEMA, resolvers = RESOLVERS } end)
  teardown(function() process.stop_all() end)

  before_each(function()
    client = appsync.client{ endpoint = service.endpoint, auth = { type = "API_KEY", api_key = server.API_KEY } }
  end)
  after_each(function() client:close(5) end)

  it("a call gives value, nil, info", function()
    local n = select("#", client:query "{ one }")
    local data, err, info = client:query "{ one }"
    assert.equal(3, n)
    assert.equal(1, data.one)
    assert.is_nil(err)
    assert.equal("network", info.source)
    assert.equal(200, info.status)
  end)

  it("a nullable field that is null without errors is data", function()
    local data, err = client:query "{ none }"
    assert.is_nil(err)
    assert.equal(appsync.null, data.none)
  end)

  it("with errors the value is nil when every root field is null, err.data is the data as received", function()
    local data, err, info = client:query "{ fails }"
    assert.is_nil(data)
    assert.equal("graphql", err.kind)
    assert.equal(appsync.null, err.data.fails)
    assert.equal("table", type(info))
    assert.equal("network", info.source)
    assert.equal("table", type(err.errors))
    assert.equal("fails", err.errors[1].path[1])
    assert.is_false(err.retryable)
  end)

  it("with errors partial data stands beside err", function()
    local data, err = client:query "{ one fails }"
    assert.equal(1, data.one)
    assert.equal(appsync.null, data.fails)
    assert.equal("graphql", err.kind)
    assert.equal(1, err.data.one)
  end)

  it("error_policy none makes the value nil for any error, of the call or of the client", function()
    local data, err = client:query("{ one fails }", nil, { error_policy = "none" })
    assert.is_nil(data)
    assert.equal(1, err.data.one)
    local strict = appsync.client{
      endpoint = service.endpoint, auth = { type = "API_KEY", api_key = server.API_KEY }, error_policy = "none",
    }
    data, err = strict:query "{ one fails }"
    assert.is_nil(data)
    assert.equal("graphql", err.kind)
    data = strict:query "{ one }"
    assert.equal(1, data.one)
    strict:close(5)
  end)

  it("every failing call has info too", function()
    client:close(5)
    local data, err, info = client:query "{ one }"
    assert.is_nil(data)
    assert.equal("closed", err.kind)
    assert.equal("table", type(info))
  end)

  it("assert returns its arguments, nil and false among them", function()
    local data, err, info = appsync.assert(client:query "{ one }")
    assert.equal(1, data.one)
    assert.is_nil(err)
    assert.equal("network", info.source)
    assert.equal(4, select("#", appsync.assert(nil, nil, 3, nil)))
    assert.is_false(appsync.assert(false))
  end)

  it("assert raises the error as text whenever err is set, beside partial data too", function()
    local message = raised(function() appsync.assert(client:query "{ one fails }") end)
    assert.equal("string", type(message))
    has(message, "graphql: ")
    message = raised(function() return appsync.assert(1, "plain text") end)
    has(message, "plain text")
  end)

  it("an error object shows as text and concatenates in both orders", function()
    local _, err = client:query "{ fails }"
    assert.equal("table", type(err))
    assert.equal("graphql: " .. err.message, tostring(err))
    assert.equal("x " .. tostring(err), "x " .. err)
    assert.equal(tostring(err) .. " x", err .. " x")
    assert.equal(tostring(err) .. tostring(err), err .. err)
    assert.equal("5" .. tostring(err), 5 .. err)
    assert.is_nil(err.message:find "[\r\n]")
  end)

  it("the message of an error is one line, whatever raised it", function()
    local t = appsync.spawn(function() error("first\nsecond", 0) end)
    local _, err = t:await()
    assert.is_nil(err.message:find "[\r\n]")
    assert.equal("first\nsecond", err.raised)
  end)

  it("the most specific kind wins: auth before graphql and http", function()
    local _, err = client:query("{ one }", nil, { auth = { type = "API_KEY", api_key = "da2-wrong" } })
    assert.equal("auth", err.kind)
    assert.equal(401, err.status)
    assert.equal("UnauthorizedException", err.error_type)
    assert.is_false(err.retryable)
  end)

  it("a mode that isn't configured is an error of kind auth, not a throw", function()
    local data, err = client:query("{ one }", nil, { auth_mode = "AWS_IAM" })
    assert.is_nil(data)
    assert.equal("auth", err.kind)
  end)

  it("a validation error of the service is kind graphql with its error_type", function()
    local data, err = client:query "{ nothing }"
    assert.is_nil(data)
    assert.equal("graphql", err.kind)
    assert.equal("ValidationError", err.error_type or (err.errors[1] and err.errors[1].errorType) or "ValidationError")
  end)

  it("an unreachable service is kind network and retryable", function()
    local gone = appsync.client{ endpoint = "http://127.0.0.1:9/graphql", auth = { type = "NONE" }, retry = { attempts = 1 } }
    local data, err = gone:query "{ one }"
    assert.is_nil(data)
    assert.equal("network", err.kind)
    assert.is_true(err.retryable)
    assert.is_falsy(err.sent)
    gone:close(5)
  end)

  it("a call that takes longer than its timeout is kind timeout", function()
    local other = peer.start{ connections = { { { "request" }, { "wait" } } } }
    local silent = appsync.client{ endpoint = other.url, auth = { type = "NONE" } }
    local data, err, info = silent:query("{ one }", nil, { timeout = 0.05 })
    assert.is_nil(data)
    assert.equal("timeout", err.kind)
    assert.is_true(err.retryable)
    assert.is_nil(info.status)
    silent:close(5)
    other.stop()
  end)

  it("a timeout may be math.huge", function()
    local data, err = client:query("{ one }", nil, { timeout = math.huge })
    assert.is_nil(err)
    assert.equal(1, data.one)
  end)

  describe("null, lists and numbers in calls:", function()
    it("null is one value, truthy, equal to lua-cjson's", function()
      assert.is_truthy(appsync.null)
      local ok, cjson = pcall(require, "cjson")
      if ok then assert.equal(cjson.null, appsync.null) end
      local data = client:query("query($v: String) { text(value: $v) }", { v = appsync.null })
      assert.equal(appsync.null, data.text)
      data = client:query("query($v: String) { text(value: $v) }", {})
      assert.equal(appsync.null, data.text)
    end)

    it("an empty list of a result stays a list", function()
      local data = client:query "{ todos { id } }"
      assert.same({}, data.todos)
      assert.equal('{"todos":[]}', appsync.encode(data))
      assert.equal('[]', appsync.encode(appsync.copy(data.todos)))
    end)

    it("integral floats go out as integers and integers come back exactly", function()
      local data, err = client:query("query($v: Float) { number(value: $v) }", { v = 9007199254740992 })
      assert.is_nil(err)
      assert.equal(9007199254740992, data.number)
      data = client:query("query($v: Float) { number(value: $v) }", { v = 5.0 })
      assert.equal("5", ("%d"):format(data.number))
    end)
  end)

  describe("options:", function()
    local endpoint = "http://127.0.0.1:9/graphql"
    local function make(options)
      options.auth = options.auth or { type = "NONE" }
      return appsync.client(options)
    end

    it("a wrong argument throws at the caller's line, with its name, what was given, what is accepted", function()
      local message = raised(function() appsync.client{ endpoint = 5 } end)
      has(message, here(-1))
      has(message, "endpoint")
      has(message, "number 5")
      has(message, "string")
      message = raised(function() client:query("{ one }", nil, { timeout = "soon" }) end)
      has(message, here(-1))
      has(message, "timeout")
      has(message, '"soon"')
      has(message, "number")
      message = raised(function() client:query("{ one }", 5) end)
      has(message, here(-1))
      has(message, "variables")
      has(message, "number 5")
      has(message, "table")
      message = raised(function() client:query(nil) end)
      has(message, here(-1))
      has(message, "nothing")
      message = raised(function() appsync.gql(5) end)
      has(message, here(-1))
      message = raised(function() appsync.spawn(5) end)
      has(message, here(-1))
      message = raised(function() appsync.run() end)
      has(message, here(-1))
      message = raised(function() appsync.sleep "x" end)
      has(message, here(-1))
      message = raised(function() appsync.wrap(5) end)
      has(message, here(-1))
      message = raised(function() appsync.array(5) end)
      has(message, here(-1))
      message = raised(function() appsync.decode(5) end)
      has(message, here(-1))
      message = raised(function() appsync.encode(print) end)
      has(message, here(-1))
      message = raised(function() appsync.configure(5) end)
      has(message, here(-1))
      message = raised(function() appsync.observable(5) end)
      has(message, here(-1))
      message = raised(function() appsync.subject():map(5) end)
      has(message, here(-1))
      message = raised(function() appsync.subject():next(nil) end)
      has(message, here(-1))
      message = raised(function() appsync.subject():subscribe{ nxt = print } end)
      has(message, here(-1))
      has(message, 'did you mean "next"')
      message = raised(function() client:set_online(1) end)
      has(message, here(-1))
      message = raised(function() client:with{ atuh = {} } end)
      has(message, here(-1))
      has(message, 'did you mean "auth"')
      message = raised(function() client:close "x" end)
      has(message, here(-1))
      message = raised(function() appsync.sign(5) end)
      has(message, here(-1))
    end)

    it("a waiting method throws misuse inside a task at the caller's line too", function()
      local line
      local t = appsync.spawn(function()
        line = here(1)
        client:query("{ one }", nil, { timout = 5 })
      end)
      local _, err = t:await()
      assert.equal("usage", err.kind)
      has(err.raised, line)
      has(err.raised, 'did you mean "timeout"')
    end)

    it("a syntax error of a document throws with its place", function()
      local message = raised(function() client:query "{ one " end)
      has(message, here(-1))
      has(message, "line 1")
      message = raised(function() appsync.gql "query {" end)
      has(message, here(-1))
    end)

    it("camelCase of our names is accepted", function()
      make{ endpoint = endpoint, realtimeEndpoint = "ws://127.0.0.1:9/graphql/realtime", errorPolicy = "none", bigIntegers = "string",
        auth = { type = "API_KEY", apiKey = "da2-x" } }
      local data, err = client:query("query A { one } query B { two }", nil, { operationName = "B", errorPolicy = "all" })
      assert.is_nil(err)
      assert.equal(2, data.two)
    end)

    it("the AWS documents' spellings are accepted", function()
      make{ url = endpoint, disableOffline = true, auth = { type = "AMAZON_COGNITO_USER_POOLS", jwtToken = "x" } }
      make{ url = endpoint, disableOffline = false, auth = { type = "OPENID_CONNECT", jwtToken = function() return "x" end } }
    end)

    it("both spellings of one option in one table throw", function()
      for _, options in ipairs{
        { endpoint = endpoint, url = endpoint },
        { endpoint = endpoint, store = false, disableOffline = true },
        { endpoint = endpoint, error_policy = "all", errorPolicy = "all" },
        { endpoint = endpoint, auth = { type = "API_KEY", api_key = "a", apiKey = "a" } },
        { endpoint = endpoint, auth = { type = "AWS_LAMBDA", token = "a", jwtToken = "a" } },
      } do
        local message = raised(function() make(options) end)
        has(message, here(-1))
        has(message, "same option")
      end
    end)

    it("an unknown key throws and names the near one", function()
      has(raised(function() make{ endpont = endpoint } end), 'did you mean "endpoint"')
      has(raised(function() make{ endpoint = endpoint, auth = { typ = "NONE" } } end), 'did you mean "type"')
      has(raised(function() make{ endpoint = endpoint, retry = { bas = 1 } } end), 'did you mean "base"')
      has(raised(function() make{ endpoint = endpoint, tls = { vrify = true } } end), 'did you mean "verify"')
      has(raised(function() make{ endpoint = endpoint, xyzzy = 1 } end), "xyzzy")
      has(raised(function() client:query("{ one }", {}, { fetchPolicyy = "no-cache" }) end), "did you mean")
    end)

    it("what later versions bring is refused by name, in both spellings", function()
      for _, option in ipairs{ "key_prefix", "identity", "cache", "outbox", "keys", "data_id_from_object", "updates", "conflict_resolver",
        "offline", "complex_objects_credentials", "reopen", "offlineConfig", "cacheOptions", "conflictResolver",
        "complexObjectsCredentials" } do
        local message = raised(function() make{ endpoint = endpoint, [option] = {} } end)
        has(message, here(-1))
        has(message, option)
        lacks(message, "unknown option")
      end
      has(raised(function() make{ endpoint = endpoint, store = "todos.db" } end), "store")
      for _, option in ipairs{ "optimistic_response", "update", "on_progress", "queue" } do
        has(raised(function() client:mutate("mutation { touch }", nil, { [option] = true }) end), option)
      end
      for _, policy in ipairs{ "cache-first", "cache-and-network", "cache-only" } do
        has(raised(function() client:query("{ one }", nil, { fetch_policy = policy }) end), "fetch_policy")
      end
      for _, name in ipairs{ "rest", "datastore", "bind", "scope", "build_mutation", "build_sync", "mutation" } do
        assert.is_nil(appsync[name])
      end
      for _, name in ipairs{ "watch", "sync", "read_query", "hydrated", "outbox" } do assert.is_nil(client[name]) end
    end)

    it("variables and data have no spelling rules", function()
      local data, err = client:query("query($value: String) { text(value: $value) }", { value = "x", someThing = 1, some_thing = 2 })
      assert.is_nil(err)
      assert.equal("x", data.text)
    end)
  end)

  describe("on_result:", function()
    it("returns a task at once and is called once, later, with value, err, info", function()
      local calls, is_inside = {}, true
      local t = client:query("{ one }", nil, { on_result = function(...)
        assert.is_false(is_inside)
        calls[#calls + 1] = { n = select("#", ...), ... }
      end })
      is_inside = false
      assert.equal("running", t:status())
      assert.equal(0, #calls)
      local data = t:await(5)
      assert.equal(1, data.one)
      assert.equal(1, #calls)
      assert.equal(1, calls[1][1].one)
      assert.is_nil(calls[1][2])
      assert.equal("network", calls[1][3].source)
    end)

    it("is taken by every waiting call", function()
      local n = 0
      local function count() n = n + 1 end
      local tasks = {}
      local function add(t)
        assert.is_function(t.await)
        tasks[#tasks + 1] = t
      end
      add(client:mutate("mutation { touch(n: 1) }", nil, { on_result = count }))
      add(client:query{ query = "{ one }", on_result = count })
      add(appsync.sleep(0.001, { on_result = count }))
      add(appsync.spawn(function() return 1 end):await{ on_result = count })
      local subject = appsync.subject()
      local s = subject:subscribe()
      add(s:next{ on_result = count, timeout = 5 })
      add(s:ready{ on_result = count })
      add(subject:take(1):for_each(function() end, { on_result = count }))
      add(appsync.observable(function(o) o:next(1) end):next{ on_result = count })
      subject:next(1)
      for _, t in ipairs(tasks) do assert.equal("table", type(t), select(2, t:await(5))) end
      assert.equal(#tasks, n)
      add(appsync.client{ endpoint = service.endpoint, auth = { type = "NONE" } }:close{ on_result = count })
      tasks[#tasks]:await(5)
      assert.equal(#tasks, n)
    end)

    it("is called once after a cancel, never inside it, and may wait", function()
      local calls, is_inside = {}, false
      local t = client:query("{ one }", nil, { on_result = function(value, err)
        assert.is_false(is_inside)
        appsync.sleep(0.001)
        calls[#calls + 1] = { value, err }
      end })
      is_inside = true
      t:cancel()
      is_inside = false
      assert.equal("cancelled", t:status())
      assert.equal(0, #calls)
      appsync.sleep(0.05)
      assert.equal(1, #calls)
      assert.is_nil(calls[1][1])
      assert.equal("cancelled", calls[1][2].kind)
    end)

    it("may wait and may call again", function()
      local got
      local t = client:query("{ one }", nil, { on_result = function(data)
        local again = client:query "{ two }"
        got = data.one + again.two
      end })
      t:await(5)
      assert.equal(3, got)
    end)

    it("is called later when the answer is known at once", function()
      client:close(5)
      local got
      client:query("{ one }", nil, { on_result = function(_, err) got = err end })
      assert.is_nil(got)
      appsync.sleep(0.01)
      assert.equal("closed", got.kind)
    end)

    it("does not change that misuse throws at the call", function()
      local message = raised(function() client:query("query($v: AWSJSON) { echo(value: $v) }", { v = print }, { on_result = print }) end)
      has(message, here(-1))
    end)
  end)

  describe("timeouts as a number:", function()
    it("are short for {timeout = n}", function()
      local s = appsync.subject():subscribe()
      for _, given in ipairs{ 0.001, { timeout = 0.001 } } do
        local value, err = s:next(given)
        assert.is_nil(value)
        assert.equal("timeout", err.kind)
        assert.is_true(err.retryable)
      end
      s:unsubscribe()
    end)
  end)
end)

describe("the contract of JSON values:", function()
  it("encode writes integral floats as integers, never with an exponent", function()
    assert.equal("5", appsync.encode(5.0))
    assert.equal("-5", appsync.encode(-5.0))
    assert.equal("9007199254740992", appsync.encode(2 ^ 53))
    assert.equal("1000000000000000000000", appsync.encode(1e21))
    assert.is_nil(appsync.encode(1e300):find "[eE.]")
    assert.equal("0.5", appsync.encode(0.5))
    assert.equal("0.1", appsync.encode(0.1))
    assert.equal(1e-7, tonumber(appsync.encode(1e-7)))
  end)

  it("NaN and infinity throw", function()
    for _, number in ipairs{ 0 / 0, 1 / 0, -1 / 0 } do
      has(raised(function() appsync.encode{ a = number } end), here())
    end
  end)

  it("integers up to 2^53 survive exactly", function()
    for _, text in ipairs{ "9007199254740991", "9007199254740992", "-9007199254740992", "0", "2147483648" } do
      assert.equal(text, appsync.encode((appsync.decode(text))))
    end
  end)

  if HAS_INTEGERS then
    it("64-bit integers survive exactly on Lua 5.3 and later", function()
      for _, text in ipairs{ "9223372036854775807", "-9223372036854775808", "9007199254740993" } do
        local value = appsync.decode(text)
        assert.equal("integer", math.type(value))
        assert.equal(text, appsync.encode(value))
      end
    end)
  end

  it("array marks a list; the mark survives a round trip; an unmarked empty table is an object", function()
    assert.equal("[]", appsync.encode(appsync.array{}))
    assert.equal("[]", appsync.encode(appsync.array()))
    assert.equal("{}", appsync.encode{})
    assert.equal("[]", appsync.encode((appsync.decode "[]")))
    assert.equal("{}", appsync.encode((appsync.decode "{}")))
    assert.equal('[[],{}]', appsync.encode((appsync.decode "[[],{}]")))
    local t = { 1 }
    assert.equal(t, appsync.array(t))
    assert.equal("[1,2]", appsync.encode{ 1, 2 })
  end)

  it("holes, mixed keys, functions and cycles throw", function()
    local cycle = {}
    cycle.self = cycle
    for i, value in ipairs{ { 1, nil, 3 }, { 1, a = 2 }, { [1.5] = 1 }, { f = print }, cycle, { [true] = 1 },
      appsync.array{ 1, a = 2 }, appsync.array{ [2] = 1 }, { [2] = 1 }, { "\255" } } do
      assert.is_false(pcall(appsync.encode, value), "value " .. i)
    end
  end)

  it("null is kept in tables and lists, a nil field is absent", function()
    assert.equal('{"a":null}', appsync.encode{ a = appsync.null, b = nil })
    assert.equal("[null,1]", appsync.encode{ appsync.null, 1 })
    assert.equal("null", appsync.encode(appsync.null))
    local value, err = appsync.decode "null"
    assert.equal(appsync.null, value)
    assert.is_nil(err)
    assert.is_false(appsync.decode "false")
    assert.equal(appsync.null, appsync.decode('{"a":null}').a)
  end)

  it("decode gives nil and an error object for what isn't JSON", function()
    for _, text in ipairs{ "", "{", "[1,]", "nul", "1 2", '{"a" 1}', "\"\1\"", "'a'" } do
      local value, err = appsync.decode(text)
      assert.is_nil(value)
      assert.equal("string", type(err.kind), text)
      assert.equal("string", type(err.message))
    end
  end)

  it("copy is deep and keeps marks and null", function()
    local given = { list = appsync.array{}, inner = { a = 1 }, n = appsync.null }
    local copy = appsync.copy(given)
    copy.inner.a = 2
    assert.equal(1, given.inner.a)
    assert.equal("[]", appsync.encode(copy.list))
    assert.equal(appsync.null, copy.n)
  end)

  it("uuid is a version 4 UUID, a new one each time; version is text", function()
    local a, b = appsync.uuid(), appsync.uuid()
    assert.is_truthy(a:match "^%x%x%x%x%x%x%x%x%-%x%x%x%x%-4%x%x%x%-[89ab]%x%x%x%-%x%x%x%x%x%x%x%x%x%x%x%x$", a)
    assert.not_equal(a, b)
    assert.is_truthy(appsync.version:match "^%d+%.%d+%.%d+")
  end)

  it("the constants are there", function()
    for _, name in ipairs{ "API_KEY", "AWS_IAM", "AMAZON_COGNITO_USER_POOLS", "OPENID_CONNECT", "AWS_LAMBDA", "NONE" } do
      assert.equal(name, appsync.AUTH_TYPE[name])
    end
    assert.is_truthy(appsync.DISCARD)
    assert.is_truthy(appsync.ALL)
    assert.not_equal(appsync.ALL, appsync.DISCARD)
  end)

  it("gql parses once and keeps", function()
    assert.equal(appsync.gql "{ a }", appsync.gql "{ a }")
    has(tostring(appsync.gql "query A { a }"), "query A")
  end)
end)

describe("the contract of secrets:", function()
  teardown(function() process.stop_all() end)
  local SECRET = "da2-topsecret"

  it("no misuse message shows one", function()
    local endpoint = "http://127.0.0.1:9/graphql"
    for i, options in ipairs{
      { endpoint = endpoint, auth = SECRET },
      { endpoint = endpoint, auths = { SECRET } },
      { endpoint = endpoint, auth = { SECRET } },
      { endpoint = endpoint, apiKey = SECRET },
      { endpoint = endpoint, api_key = SECRET },
      { endpoint = endpoint, auth = { type = "AWS_IAM", credentials = SECRET } },
      { endpoint = endpoint, auth = { type = "AWS_IAM", api_key = SECRET } },
      { endpoint = endpoint, auth = { type = "API_KEY", api_key = { SECRET } } },
      { endpoint = endpoint, auth = { type = "AWS_IAM", credentials = { access_key_id = "A", secret_access_key = SECRET, nothing = SECRET } } },
      { endpoint = endpoint, headers = "x-api-key: " .. SECRET },
      { endpoint = endpoint, proxy = "socks9://me:" .. SECRET .. "@host" },
    } do
      local ok, message = pcall(appsync.client, options)
      if not ok then assert.is_nil(tostring(message):find(SECRET, 1, true), i .. ": " .. tostring(message)) end
    end
    for i, credentials in ipairs{ SECRET, { access_key_id = SECRET }, { secret_access_key = SECRET }, { access_key_id = 1, secret_access_key = SECRET } } do
      local ok, message = pcall(appsync.sign, { url = "https://a.b/" }, { credentials = credentials, service = "s", region = "r" })
      assert.is_false(ok, i)
      assert.is_nil(tostring(message):find(SECRET, 1, true), i .. ": " .. tostring(message))
    end
  end)

  it("no error and no tostring shows one", function()
    local client = appsync.client{
      endpoint = "http://127.0.0.1:9/graphql?key=" .. SECRET, auth = { type = "API_KEY", api_key = SECRET }, retry = { attempts = 1 },
    }
    lacks(tostring(client), SECRET)
    local _, err = client:query "{ a }"
    lacks(err, SECRET)
    lacks(err.cause or "", SECRET)
    client:close(5)
    client = appsync.client{ endpoint = "http://me:" .. SECRET .. "@127.0.0.1:9/graphql", auth = { type = "NONE" }, retry = { attempts = 1 } }
    lacks(tostring(client), SECRET)
    _, err = client:query "{ a }"
    lacks(err, SECRET)
    client:close(5)
  end)

  it("a configuration that can't be read doesn't show what is in it", function()
    local client, err = appsync.client{ config = '{"aws_appsync_apiKey": "' .. SECRET .. '", "broken": ' }
    assert.is_nil(client)
    lacks(err, SECRET)
  end)
end)

describe("the contract of loading:", function()
  teardown(function() process.stop_all() end)

  it("require opens nothing and starts no thread; a client opens nothing before its first use", function()
    local out = program [[
      local function threads()
        local file = io.open "/proc/self/status"
        local n = file:read "*a":match "Threads:%s+(%d+)"
        file:close()
        return n
      end
      local function descriptors()
        local n = 0
        for i = 0, 255 do
          local file = io.open("/proc/self/fdinfo/" .. i)
          if file then
            n = n + 1
            file:close()
          end
        end
        return n
      end
      local before = descriptors()
      local appsync = require "appsync"
      local client = appsync.client{ endpoint = "http://127.0.0.1:9/graphql", auth = { type = "NONE" } }
      local o = client:subscribe("subscription { a }"):map(function(d) return d end)
      local d = client:with{ headers = {} }
      appsync.gql "{ a }"
      appsync.observable(function() end)
      appsync.subject()
      print(threads(), descriptors() - before, client.connection.state)
    ]]
    assert.equal("1\t0\tDisconnected\n", out)
  end)

  it("it leaves no globals behind", function()
    local out = program [[
      local before = {}
      for name in pairs(_G) do before[name] = true end
      local appsync = require "appsync"
      local _ = appsync.auth, appsync.sign
      for name in pairs(_G) do if not before[name] then print(name) end end
    ]]
    assert.equal("", out)
  end)
end)
