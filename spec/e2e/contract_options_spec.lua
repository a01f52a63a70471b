-- Options of calls, wrong ones, `on_result`, timeouts; by the public names only.
local appsync = require "appsync"
local misuse = require "spec.support.misuse"
local process = require "spec.support.process"
local server = require "spec.support.server"
local services = require "spec.support.services"
local contains = require "spec.support.text"
local wait_for = require "spec.support.wait"

local has, lacks = contains.has, contains.lacks
local raised, here = misuse.raised, misuse.here


describe("the contract of options:", function()
  local service, client

  setup(function() service = server.start{ schema = services.values.schema, resolvers = services.values.resolvers } end)
  teardown(function() process.stop_all() end)

  before_each(function()
    client = appsync.client{ endpoint = service.endpoint, auth = { type = "API_KEY", api_key = server.API_KEY } }
  end)
  after_each(function() client:close(5) end)

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
      make{ url = endpoint, offlineConfig = { keyPrefix = "public" }, cacheOptions = {} }
      make{ url = endpoint, disableOffline = true, offlineConfig = { keyPrefix = "public" } }
    end)

    it("both spellings of one option in one table throw", function()
      for _, options in ipairs{
        { endpoint = endpoint, url = endpoint },
        { endpoint = endpoint, store = false, disableOffline = true },
        { endpoint = endpoint, error_policy = "all", errorPolicy = "all" },
        { endpoint = endpoint, key_prefix = "a", keyPrefix = "a" },
        { endpoint = endpoint, key_prefix = "a", offlineConfig = { keyPrefix = "a" } },
        { endpoint = endpoint, cache = {}, cacheOptions = {} },
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
      for _, option in ipairs{ "complex_objects_credentials", "complexObjectsCredentials", "encryption_key" } do
        local message = raised(function() make{ endpoint = endpoint, [option] = {} } end)
        has(message, here(-1))
        has(message, option)
        lacks(message, "unknown option")
      end
      has(raised(function() client:mutate("mutation { touch }", nil, { on_progress = true }) end), "on_progress")
      for _, name in ipairs{ "rest", "datastore" } do
        assert.is_nil(appsync[name])
      end
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
      wait_for(function() return #calls >= 1 end)
      assert.equal(1, client:query("{ one }").one) -- after which a second call would have come too
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
