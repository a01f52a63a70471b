-- Queries and mutations from the first line of a program to close: values, errors, tasks, numbers.
local appsync = require "appsync"
local core = require "appsync.core"
local dispatch = require "appsync.dispatch"
local collect = require "spec.support.collect"
local peer = require "spec.support.peer"
local process = require "spec.support.process"
local server = require "spec.support.server"
local wait_for = require "spec.support.wait"

local SCHEMA = [[
type Query {
  one: Int
  add(a: Int!, b: Int): Int
  echo(v: AWSJSON): AWSJSON
  kind(v: AWSJSON): String
  text(t: String): String
  strings(list: [String]): [String]
  good: Int
  bad: Int
  both: Both
}
type Both { good: Int bad: Int }
type Mutation { rename(name: String): String }
]]
local RESOLVERS = [[
local core = require "appsync.core"
local function bad() error { message = "it is bad", type = "Bad", data = { why = "so" }, info = { n = 1 } } end
return {
  Query = {
    one = function() return 1 end,
    add = function(ctx) local a, b = ctx.arguments.a, ctx.arguments.b if b == nil or b == core.null then b = 10 end return a + b end,
    echo = function(ctx) return ctx.arguments.v end,
    kind = function(ctx) return type(ctx.arguments.v) == "table" and (getmetatable(ctx.arguments.v) == core.array_mt and "list" or "object") or type(ctx.arguments.v) end,
    text = function(ctx) return ctx.arguments.t end,
    strings = function(ctx) return ctx.arguments.list end,
    good = function() return 1 end,
    bad = bad,
    both = function() return {} end,
  },
  Both = { good = function() return 2 end, bad = bad },
  Mutation = { rename = function(ctx) return ctx.arguments.name end },
}
]]
local JSON = { ["Content-Type"] = "application/json" }
local BOUND = 10

describe("a client", function()
  local service, client, others

  setup(function() service = server.start { schema = SCHEMA, resolvers = RESOLVERS } end)
  teardown(function() process.stop_all() end)

  local function new(options)
    options = options or {}
    options.endpoint = options.endpoint or service.endpoint
    options.auth = { type = "API_KEY", api_key = server.API_KEY }
    options.retry = { base = 0.01, cap = 0.05, attempts = 1 }
    local made = appsync.client(options)
    others[#others + 1] = made
    return made
  end

  before_each(function()
    others = {}
    client = new()
  end)

  after_each(function()
    for _, made in ipairs(others) do assert.is_true(made:close(5)) end
  end)

  local function until_(what, fn) return wait_for(fn, what) end

  -- A client of a scripted peer.
  local function scripted(connections, options)
    local other = peer.start { connections = connections }
    options = options or {}
    options.endpoint = other.url
    return new(options), other
  end

  describe("calls", function()
    it("in both forms", function()
      assert.equal(3, client:query("query($a: Int!, $b: Int) { add(a: $a, b: $b) }", { a = 1, b = 2 }).add)
      assert.equal(5, client:query { query = "query($a: Int!, $b: Int) { add(a: $a, b: $b) }", variables = { a = 2, b = 3 }, timeout = 5 }.add)
      assert.equal("x", client:mutate("mutation($n: String) { rename(name: $n) }", { n = "x" }).rename)
      assert.equal("y", client:mutate { mutation = "mutation($n: String) { rename(name: $n) }", variables = { n = "y" } }.rename)
      assert.equal("z", client:mutate({ mutation = appsync.gql 'mutation { rename(name: "z") }' }).rename)
      assert.equal(1, client:query(appsync.gql "{ one }").one)
    end)

    it("with the variables that the operation declares", function()
      assert.equal(11, client:query("query($a: Int!, $b: Int) { add(a: $a, b: $b) }", { a = 1, c = 5, d = "not sent" }).add)
    end)

    it("one of several operations, with the fragments that it uses", function()
      local document = [[
        query First { one }
        query Second { both { ...Goods } }
        fragment Goods on Both { g: good __typename }
      ]]
      assert.same({ one = 1 }, (client:query(document, nil, { operation_name = "First" })))
      assert.same({ both = { g = 2, __typename = "Both" } }, (client:query(document, nil, { operationName = "Second" })))
    end)

    it("that give their data, no error, and where it came from", function()
      local data, err, info = client:query "{ one }"
      assert.same({ one = 1 }, data)
      assert.is_nil(err)
      assert.equal("network", info.source)
      assert.equal(200, info.status)
    end)

    it("that give what is there beside the error", function()
      local data, err, info = client:query "{ good bad }"
      assert.same({ good = 1, bad = appsync.null }, data)
      assert.equal("graphql", err.kind)
      assert.equal("Bad", err.error_type)
      assert.equal("it is bad", err.message)
      assert.same({ "bad" }, err.errors[1].path)
      assert.same({ why = "so" }, err.errors[1].data)
      assert.is_true(err.sent)
      assert.equal(200, info.status)
      assert.equal("graphql: it is bad", tostring(err))
      assert.equal("it: graphql: it is bad", "it: " .. err)
      local ok, raised = pcall(function() return appsync.assert(client:query "{ good bad }") end)
      assert.is_false(ok)
      assert.matches("it is bad", raised)
    end)

    it("that give nil when every root field is null", function()
      local data, err = client:query "{ bad }"
      assert.is_nil(data)
      assert.same({ bad = appsync.null }, err.data)
      data, err = client:query "{ both { good bad } }"
      assert.same({ both = { good = 2, bad = appsync.null } }, data)
      assert.same({ "both", "bad" }, err.errors[1].path)
    end)

    it('that give nil for any error under error_policy "none", the client\'s or the call\'s', function()
      local data, err = client:query("{ good bad }", nil, { error_policy = "none" })
      assert.is_nil(data)
      assert.equal(1, err.data.good)
      local strict = new { error_policy = "none" }
      data, err = strict:query "{ good bad }"
      assert.is_nil(data)
      assert.equal(1, err.data.good)
      assert.equal(1, strict:query("{ good bad }", nil, { error_policy = "all" }).good)
    end)

    it("that the service finds wrong are graphql errors with their place", function()
      local data, err = client:query "{ one oen }"
      assert.is_nil(data)
      assert.equal("graphql", err.kind)
      assert.matches("oen", err.message)
      assert.is_number(err.errors[1].locations[1].line)
      assert.is_false(err.retryable)
    end)
  end)

  describe("with on_result", function()
    it("returns a task at once and calls later, once", function()
      local calls = {}
      local task = client:query("{ good bad }", nil, { on_result = function(...) calls[#calls + 1] = { ... } end })
      assert.equal("running", task:status())
      assert.equal(0, #calls)
      until_("the result", function() return #calls > 0 end)
      assert.equal(1, calls[1][1].good)
      assert.equal("graphql", calls[1][2].kind)
      assert.equal("network", calls[1][3].source)
      local data, err = task:await(BOUND)
      assert.equal(1, data.good)
      assert.equal("graphql", err.kind)
      assert.equal("done", task:status())
      assert.equal(1, #calls)
    end)

    it("may call again from its own function", function()
      local names = {}
      client:mutate('mutation { rename(name: "1") }', nil, { on_result = function(data)
        names[#names + 1] = data.rename
        names[#names + 1] = client:mutate('mutation { rename(name: "2") }').rename
      end })
      until_("both", function() return #names == 2 end)
      assert.same({ "1", "2" }, names)
    end)
  end)

  describe("in flight", function()
    local SILENT = { { "request" }, { "wait" } }

    it("is cancelled with its task; the service may have seen it", function()
      local other, silent = scripted { SILENT }
      local told
      local task = other:mutate("mutation { a }", nil, { on_result = function(data, err) told = { data, err } end })
      until_("the request", function() return silent.log():find("body 1", 1, true) end)
      assert.is_true(task:cancel())
      assert.equal("cancelled", task:status())
      assert.is_false(task:cancel())
      until_("the callback", function() return told end)
      assert.is_nil(told[1])
      assert.equal("cancelled", told[2].kind)
      assert.matches("body 1 [^\n]*mutation", silent.log())
      until_("the hanging up", function() return silent.log():find("gone 1", 1, true) end)
      assert.equal(0, other:stats().operations_in_flight)
    end)

    it("tells the cancelled task, and raises in each later waiting call of it", function()
      local other, silent = scripted { SILENT }
      local seen = {}
      local task = appsync.spawn(function()
        local data, err = other:query "{ a }"
        seen[1], seen[2] = data == nil, err.kind
        local ok = appsync.pcall(appsync.sleep, 0)
        seen[3] = ok
        other:query "{ b }"
        seen[4] = "not reached"
      end)
      until_("the request", function() return silent.log():find("body 1", 1, true) end)
      task:cancel()
      until_("the end", function() return seen[2] end)
      appsync.sleep(0)
      local value, err = task:await()
      assert.is_nil(value)
      assert.equal("cancelled", err.kind)
      assert.same({ true, "cancelled" }, { seen[1], seen[2] })
      assert.is_nil(seen[4])
    end)

    it("ends by the call's timeout, and says that it was sent", function()
      local other = scripted { SILENT }
      local began = core.now()
      local data, err = other:mutate("mutation { a }", nil, { timeout = 0.1 })
      assert.is_nil(data)
      assert.equal("timeout", err.kind)
      assert.is_true(err.sent)
      assert.is_true(err.retryable)
      assert.is_true(core.now() - began < 5)
    end)

    it("outlives the timeout of a wait for its task", function()
      local other = scripted { { { "request" }, { "send_slowly", 'HTTP/1.1 200 OK\r\nContent-Length: 16\r\n\r\n{"data":{"a":1}}', 10, 20 }, { "wait" } } }
      local task = appsync.spawn(other.query, other, "{ a }")
      local value, err = task:await(0) -- which takes what is there, and nothing is
      assert.is_nil(value)
      assert.equal("timeout", err.kind)
      assert.equal("running", task:status())
      assert.same({ a = 1 }, (task:await(BOUND)))
    end)

    it("ends with kind closed when the client closes", function()
      local other, silent = scripted { SILENT, SILENT, SILENT }
      local list = {}
      for i = 1, 3 do list[i] = appsync.spawn(other.query, other, "{ a }") end
      until_("the requests", function() return select(2, silent.log():gsub("body ", "")) == 3 end)
      assert.is_true(other:close(0))
      for i = 1, 3 do
        local value, err = list[i]:await(BOUND)
        assert.is_nil(value)
        assert.equal("closed", err.kind)
        assert.is_true(err.sent)
      end
      assert.is_true(other:close(5))
      local value, err = other:query "{ a }"
      assert.is_nil(value)
      assert.equal("closed", err.kind)
      local ok, ready_err = other:subscribe("subscription { a }"):subscribe():ready(BOUND)
      assert.is_nil(ok)
      assert.equal("closed", ready_err.kind)
    end)
  end)

  describe("with many tasks", function()
    it("answers each of 200 with its own data", function()
      appsync.run(function()
        local list = {}
        for i = 1, 200 do
          list[i] = appsync.spawn(function() return client:query("query($a: Int!, $b: Int) { add(a: $a, b: $b) }", { a = i, b = 1000 }).add end)
        end
        for i = 1, 200 do assert.equal(1000 + i, (list[i]:await(BOUND))) end
      end)
      local stats = client:stats()
      assert.equal(200, stats.operations)
      assert.equal(200, stats.requests)
      assert.equal(0, stats.operations_in_flight)
      assert.equal(0, stats.errors)
      assert.equal(0, stats.retries)
      assert.is_nil(next(dispatch.expected))
    end)

    it("tells a failed one by await, with what it raised", function()
      local task = appsync.spawn(function() error { code = 7 } end)
      local value, err = task:await(BOUND)
      assert.is_nil(value)
      assert.equal("usage", err.kind)
      assert.equal(7, err.raised.code)
      assert.equal("failed", task:status())
    end)
  end)

  it("counts what it does", function()
    client:query "{ one }"
    client:query "{ bad }"
    client:mutate 'mutation { rename(name: "x") }'
    local stats = client:stats()
    assert.equal(3, stats.operations)
    assert.equal(3, stats.requests)
    assert.equal(1, stats.errors)
    assert.equal(0, stats.operations_in_flight)
    assert.is_true(stats.bytes_sent > 60 and stats.bytes_received > 60)
    assert.equal(0, stats.connections)
  end)

  describe("values", function()
    local function echo(v, of)
      local data, err = (of or client):query("query($v: AWSJSON) { echo(v: $v) }", { v = appsync.encode(v) })
      assert.is_nil(err)
      return appsync.decode(data.echo)
    end

    it("null is appsync.null on the way in and out, a nil field is absent", function()
      assert.equal(appsync.null, client:query("query($t: String) { text(t: $t) }", { t = appsync.null }).text)
      assert.equal(11, client:query("query($a: Int!, $b: Int) { add(a: $a, b: $b) }", { a = 1, b = appsync.null }).add)
      assert.same({ "a", appsync.null, "b" }, client:query("query($l: [String]) { strings(list: $l) }", { l = { "a", appsync.null, "b" } }).strings)
      assert.equal(require("cjson").null, appsync.null)
    end)

    it("lists keep their mark, so that an empty one survives", function()
      local function strings(l) return client:query("query($l: [String]) { strings(list: $l) }", { l = l }).strings end
      local list = strings(appsync.array {})
      assert.equal(0, #list)
      assert.equal("[]", appsync.encode(list))
      assert.equal("[]", appsync.encode(strings(list)))
      assert.same({ "x", "y" }, strings { "x", "y" })
      assert.equal('{"a":[]}', appsync.encode(echo { a = appsync.array {} }))
      assert.equal("[[],{}]", appsync.encode(echo { appsync.array {}, {} }))
      assert.equal("{}", appsync.encode(echo {}))
    end)

    it("text of any kind comes back as it was", function()
      for _, text in ipairs { "grüße, мир, 世界, 🌍", "quote \" backslash \\ slash / tab \t line\nend\r", "\1\31\127", "", "\226\128\168", "a\0b" } do
        local data, err = client:query("query($t: String) { text(t: $t) }", { t = text })
        assert.is_nil(err)
        assert.equal(text, data.text)
      end
    end)

    it("of a megabyte go both ways", function()
      local text = ("0123456789abcdeü"):rep(64 * 1024)
      local data, err = client:query("query($t: String) { text(t: $t) }", { t = text })
      assert.is_nil(err)
      assert.is_true(data.text == text)
    end)

    it("integers stay integers", function()
      local function number(text)
        return scripted { { { "request" }, { "http", 200, JSON, '{"data":{"a":' .. text .. "}}" } } }:query("{ a }").a
      end
      assert.equal("9007199254740991", ("%.0f"):format(number "9007199254740991"))
      assert.equal(-5, number "-5")
      assert.equal(1.5, number "1.5")
      if math.type then
        assert.equal("integer", math.type(number "5"))
        assert.equal(9223372036854775807, number "9223372036854775807")
      end
      local other, seen = scripted { { { "request" }, { "http", 200, JSON, '{"data":{"a":1}}' } } }
      other:query("query($a: Int, $b: Float, $c: Float) { a }", { a = 5.0, b = 1e15, c = 0.25 })
      assert.matches('"a":5[,}]', seen.log())
      assert.matches('"b":1000000000000000[,}]', seen.log())
      assert.matches('"c":0.25[,}]', seen.log())
    end)

    it('too big for a Lua number come as strings under big_integers = "string"', function()
      local body = '{"data":{"a":123456789012345678901234567890,"b":5,"c":9007199254740993}}'
      local other = scripted({ { { "request" }, { "http", 200, JSON, body } } }, { big_integers = "string" })
      local data = other:query "{ a b c }"
      assert.equal("123456789012345678901234567890", data.a)
      assert.equal(5, data.b)
      if math.type then
        assert.equal("9007199254740993", tostring(data.c))
      else
        assert.equal("9007199254740993", data.c)
      end
      assert.is_number((scripted { { { "request" }, { "http", 200, JSON, body } } }):query("{ a b c }").a)
    end)
  end)

  describe("that nobody uses any more", function()
    it("is collected, and its sockets are closed", function()
      local steps = { peer.handshake() }
      for _, step in ipairs { { "ws_start" }, { "ws_send", '{"type":"start_ack","id":"%ID%"}' }, { "wait" } } do steps[#steps + 1] = step end
      local other = peer.start { connections = { steps } }
      local weak = setmetatable({}, { __mode = "v" })
      local function use()
        weak[1] = appsync.client { endpoint = other.url, realtime_endpoint = other.realtime, auth = { type = "NONE" } }
        local s = weak[1]:subscribe("subscription { a }"):subscribe()
        assert.is_true(s:ready(BOUND))
      end
      use()
      until_("the collection", function()
        collect()
        return weak[1] == nil
      end)
      until_("the hanging up", function() return other.log():find("gone 1", 1, true) end)
    end)

    it("lives as long as a task waits in it", function()
      local other = peer.start { connections = { { { "request" }, { "send_slowly", 'HTTP/1.1 200 OK\r\nContent-Length: 16\r\n\r\n{"data":{"a":1}}', 10, 10 }, { "wait" } } } }
      local function begin()
        local made = appsync.client { endpoint = other.url, auth = { type = "NONE" } }
        return appsync.spawn(made.query, made, "{ a }")
      end
      local task = begin()
      until_("the end", function()
        collectgarbage()
        return task:status() ~= "running"
      end)
      assert.same({ a = 1 }, (task:await()))
    end)

    it("stays while a subscription with callbacks lives, and goes with it", function()
      local steps = { peer.handshake() }
      for _, step in ipairs { { "ws_start" }, { "ws_send", '{"type":"start_ack","id":"%ID%"}' }, { "wait" } } do steps[#steps + 1] = step end
      local other = peer.start { connections = { steps } }
      local weak, state = setmetatable({}, { __mode = "v" }), nil
      local function begin()
        weak[1] = appsync.client { endpoint = other.url, realtime_endpoint = other.realtime, auth = { type = "NONE" } }
        return weak[1]:subscribe("subscription { a }"):subscribe { state = function(st) state = st end }
      end
      local s = begin()
      until_("the subscription", function()
        collectgarbage()
        return state == "subscribed"
      end)
      assert.is_not_nil(weak[1])
      s:unsubscribe()
      s = nil -- luacheck: ignore 311
      until_("the hanging up", function()
        collect()
        return other.log():find("gone 1", 1, true) or other.log():find("close 1", 1, true)
      end)
    end)
  end)
end)
