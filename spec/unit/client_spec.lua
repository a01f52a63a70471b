local fake_core = require "spec.support.fake_core"
local misuse = require("spec.support.misuse").raised_there

local drive = fake_core.drive
local ENDPOINT = "https://abc.appsync-api.eu-west-1.amazonaws.com/graphql"
local QUERY = "query Q($id: ID) { getPost(id: $id) { id } listPosts { id } }"

describe("the client", function()
  local core, appsync, log, client

  before_each(function()
    core, appsync, log, client = fake_core.open_client(ENDPOINT)
  end)

  describe("construction", function()
    local function new(options) return function() appsync.client(options) end end

    it("opens nothing", function()
      assert.equal(0, core.n_runtimes)
      assert.equal("Disconnected", client.connection.state)
      assert.same({}, client:stats())
    end)

    it("throws for wrong options, naming the option, what was given and what is accepted", function()
      assert.matches("endpoint is missing", misuse(new{}))
      assert.matches("endpoint is missing", misuse(new()))
      assert.matches("options must be a table, got number 5", misuse(new(5)))
      assert.matches('endpoint must be a URL that begins with https:// or http://, got "ftp://x"',
        misuse(new{ endpoint = "ftp://x" }))
      assert.matches("endpoint must be string, got number 5", misuse(new{ endpoint = 5 }))
      assert.matches('unknown option "endpont"; did you mean "endpoint"', misuse(new{ endpont = "x" }))
      assert.matches("accepted are auth, auths,", misuse(new{ zzzzzzzzzzzz = 1 }))
      assert.matches("timeouts: connect must be number above 0, got number 0",
        misuse(new{ endpoint = ENDPOINT, timeouts = { connect = 0 } }))
      assert.matches('realtime: handshake must be one of "subprotocol", "query", got "x"',
        misuse(new{ endpoint = ENDPOINT, realtime = { handshake = "x" } }))
      assert.matches("realtime_endpoint must be a URL that begins with wss:// or ws://",
        misuse(new{ endpoint = ENDPOINT, realtime_endpoint = "https://x" }))
    end)

    it("names what is wrong with a proxy, a region, a URL's port and the upgrade's headers", function()
      for _, proxy in ipairs{ "not a url", "socks5://127.0.0.1:1", "http://p:1/x" } do
        local message = misuse(new{ endpoint = ENDPOINT, proxy = proxy })
        assert.matches("proxy: ", message)
        assert.matches("accepted is http://%[user:password@%]host:port, or host:port", message)
      end
      assert.matches("region must be a region's name, such as us%-east%-1, got \"us east 1\"",
        misuse(new{ endpoint = ENDPOINT, region = "us east 1" }))
      assert.matches("region must be a region's name", misuse(new{ endpoint = ENDPOINT, auth = { type = "AWS_IAM", region = "https://x",
        credentials = { access_key_id = "a", secret_access_key = "b" } } }))
      assert.matches("endpoint must be a URL that begins with", misuse(new{ endpoint = "https://h:99999/graphql" }))
      assert.matches("endpoint must be a URL that begins with", misuse(new{ endpoint = "https://::1/graphql" }))
      local function upgrade(headers) return misuse(new{ endpoint = ENDPOINT, realtime = { headers = headers } }) end
      assert.matches("realtime: headers: Sec%-WebSocket%-Key is the handshake's own", upgrade{ ["Sec-WebSocket-Key"] = "x" })
      assert.matches("are the same header", upgrade{ host = "a", Host = "b" })
      assert.matches("must not hold a line break", upgrade{ ["x-a"] = "a\r\nb" })
      assert.matches("isn't an HTTP header name", upgrade{ ["x a"] = "b" })
      assert.matches("headers must be table, got function", upgrade(function() end))
    end)

    it("gives the core one spelling of its addresses", function()
      local made = appsync.client{ endpoint = " HTTPS://ABC.appsync-api.EU-WEST-1.amazonaws.com.:443/graphql\n", region = " EU-WEST-1 ",
        proxy = " 127.0.0.1:3128 ", realtime = { headers = { ["x-n"] = 5 } }, auth = { type = "NONE" } }
      made:query("query Q { a }", nil, { on_result = function() end })
      local settings = core.clients[#core.clients].settings
      assert.equal("https://abc.appsync-api.eu-west-1.amazonaws.com/graphql", settings.endpoint)
      assert.equal("wss://abc.appsync-realtime-api.eu-west-1.amazonaws.com/graphql", settings.realtime_endpoint)
      assert.is_nil(settings.signing_endpoint)
      assert.equal("eu-west-1", settings.region)
      assert.equal("http://127.0.0.1:3128", settings.proxy)
      assert.same({ ["x-n"] = "5" }, settings.upgrade_headers)
      appsync.client{ endpoint = ENDPOINT, proxy = "", auth = { type = "NONE" } }:query("query Q { a }", nil, { on_result = function() end })
      assert.is_nil(core.clients[#core.clients].settings.proxy)
    end)

    it("accepts the AWS spellings, but not both spellings of one option", function()
      appsync.client{ url = ENDPOINT, auth = { type = "API_KEY", apiKey = "k" }, disableOffline = true }
      appsync.client{ url = ENDPOINT, auth = { type = "AMAZON_COGNITO_USER_POOLS", jwtToken = "t" } }
      assert.matches('the same option; give one of them', misuse(new{ url = ENDPOINT, endpoint = ENDPOINT }))
      assert.matches("the same option", misuse(new{ endpoint = ENDPOINT, errorPolicy = "none", error_policy = "none" }))
    end)

    it("takes a store", function()
      for _, store in ipairs{ false, ":memory:", "todos.db" } do
        assert(appsync.client{ endpoint = ENDPOINT, store = store, key_prefix = "unit" }):close()
      end
    end)

    it("checks auth without telling a secret", function()
      local function auth(t) return misuse(new{ endpoint = ENDPOINT, auth = t }) end
      assert.matches("auth: type is missing; accepted are", auth{ api_key = "x" })
      assert.matches("auth: API_KEY needs api_key", auth{ type = "API_KEY" })
      assert.matches("auth: AWS_IAM needs credentials", auth{ type = "AWS_IAM" })
      assert.matches("auth: OPENID_CONNECT needs token", auth{ type = "OPENID_CONNECT" })
      assert.matches("auth: API_KEY doesn't take token; it takes api_key", auth{ type = "API_KEY", api_key = "x", token = "y" })
      assert.matches('auth: type must be one of "API_KEY"', auth{ type = "KEY" })
      assert.matches("api_key must be string, got number$", auth{ type = "API_KEY", api_key = 12345 })
    end)

    it("derives region and realtime endpoint", function()
      local endpoint_url = require "appsync.client.endpoint_url"
      assert.equal("eu-west-1", endpoint_url.region(ENDPOINT))
      assert.is_nil(endpoint_url.region("https://api.example.com/graphql"))
      for given, expected in pairs{
        [ENDPOINT] = "wss://abc.appsync-realtime-api.eu-west-1.amazonaws.com/graphql",
        ["https://abc.appsync-api.cn-north-1.amazonaws.com.cn/graphql"] =
          "wss://abc.appsync-realtime-api.cn-north-1.amazonaws.com.cn/graphql",
        ["https://api.example.com/graphql"] = "wss://api.example.com/graphql/realtime",
        ["http://localhost:4000/graphql?x=1"] = "ws://localhost:4000/graphql/realtime?x=1",
        ["http://localhost:4000"] = "ws://localhost:4000/realtime",
        ["https://api.example.com/"] = "wss://api.example.com/realtime",
      } do
        assert.equal(expected, endpoint_url.realtime(given))
      end
    end)

    it("reads a configuration, which the options override", function()
      package.loaded["appsync.config"] = { load = function(source)
        if source == "missing.json" then
          return nil, require("appsync.errors").new("usage", "missing.json can't be read")
        end
        return { endpoint = ENDPOINT, region = "eu-west-1", default_auth_type = "API_KEY", api_key = "from-config" }
      end }
      local none, err = appsync.client{ config = "missing.json" }
      assert.is_nil(none)
      assert.equal("usage", err.kind)
      local configured = appsync.client{ config = "amplify_outputs.json" }
      configured:query("query Q { a }", nil, { on_result = function() end })
      assert.equal("from-config", core.auths[1].auth.secret)
      assert.equal(ENDPOINT, core.clients[1].settings.endpoint)
      assert.is_true(appsync.configure("amplify_outputs.json"))
      appsync.client{}:query("query Q { a }", nil, { on_result = function() end })
      assert.equal(ENDPOINT, core.clients[2].settings.endpoint)
      none, err = appsync.configure("missing.json")
      assert.is_nil(none)
      assert.equal("usage", err.kind)
      assert.is_true(appsync.configure(nil))
      assert.matches("endpoint is missing", misuse(new{}))
      package.loaded["appsync.config"] = nil
    end)

    it("takes headers, the region and service of a custom domain, and warnings from a configuration", function()
      package.loaded["appsync.config"] = { load = function()
        return {
          endpoint = "https://api.example.com/graphql", region = "us-east-1", custom_endpoint_region = "us-west-2",
          headers = function() return { a = "config", b = "config" } end, warnings = { "the file is odd" },
        }
      end }
      local configured = appsync.client{
        config = "x", headers = { b = "client" },
        auth = { type = "AWS_IAM", credentials = { access_key_id = "A", secret_access_key = "S" } },
        log = function(level, message) table.insert(log, level .. ": " .. message) end,
      }
      configured:query("query Q { a }", nil, { on_result = function() end })
      assert.same({ a = "config", b = "client" }, core.executed[1].call.headers)
      assert.same({ "us-west-2", "execute-api" }, { core.auths[1].auth.region, core.auths[1].auth.service })
      assert.same({ "warn: the file is odd" }, log)
      package.loaded["appsync.config"] = nil
    end)

    it("tells once that realtime.keep_alive is shorter than the service's keep-alives", function()
      local function warnings(realtime)
        for i in ipairs(log) do log[i] = nil end
        local made = appsync.client{
          endpoint = ENDPOINT, auth = { type = "NONE" }, realtime = realtime,
          log = function(level, message) table.insert(log, level .. ": " .. message) end,
        }
        made:query("query Q { a }", nil, { on_result = function() end })
        return table.concat(log, "\n")
      end
      assert.matches("^warn: appsync.client: realtime.keep_alive is 30 s, but the service sends a keep%-alive only every 60 s: [^\n]+$",
        warnings{ keep_alive = 30 })
      assert.equal("", warnings{ keep_alive = 60 })
      assert.equal("", warnings{ keep_alive = 30, protocol = "graphql-transport-ws" })
      assert.equal("", warnings(nil))
    end)

    it("hands its settings to the core at the first use", function()
      local set = appsync.client{
        endpoint = ENDPOINT, auth = { type = "NONE" }, timeouts = { connect = 3 }, retry = { attempts = 2 },
        tls = { verify = false }, realtime = { handshake = "query" }, big_integers = "string", proxy = "http://p:1",
      }
      set:set_online(false)
      set:query("query Q { a }", nil, { on_result = function() end })
      local settings = core.clients[1].settings
      assert.same({ 3, 2, false, "query", "string", "http://p:1", "eu-west-1" }, {
        settings.timeouts.connect, settings.retry.attempts, settings.tls.verify, settings.realtime.handshake,
        settings.big_integers, settings.proxy, settings.region,
      })
      assert.is_false(core.clients[1].is_online)
    end)
  end)

  describe("with", function()
    it("shares the core's client and has its own identity", function()
      local user = client:with{ auth = { type = "AWS_LAMBDA", token = "user" } }
      user:query(QUERY, nil, { on_result = function() end })
      client:query(QUERY, nil, { on_result = function() end })
      user:query(QUERY, nil, { on_result = function() end })
      assert.equal(1, core.n_clients)
      assert.same({ "AWS_LAMBDA", "API_KEY" }, { core.auths[1].auth.mode, core.auths[2].auth.mode })
      assert.equal(core.executed[1].call.auth, core.executed[3].call.auth)
      assert.equal(client.connection, user.connection)
      assert.is_true(user:close())
      assert.is_falsy(core.clients[1].is_closed)
    end)

    it("drops its slot when it is collected", function()
      local function use()
        local user = client:with{ auth = { type = "AWS_LAMBDA", token = "user" } }
        core.step(function() core.reply({ a = 1 }) end)
        user:query(QUERY)
      end
      use()
      client:query("query X { a }", nil, { on_result = function() end })
      fake_core.collect()
      assert.equal(1, core.dropped_auths[core.auths[1].id])
    end)

    it("checks its options", function()
      assert.matches('unknown option "headrs"', misuse(function() client:with{ headrs = {} } end))
      assert.matches("client:with: auth: type is missing", misuse(function() client:with{ auth = {} } end))
    end)
  end)

  it("a client made before a fork opens itself in the child", function()
    client:query(QUERY, nil, { on_result = function() end })
    core.is_forked = true
    local child = appsync.client{ endpoint = ENDPOINT, auth = { type = "NONE" } }
    core.step(function() core.reply({ a = 1 }) end)
    assert.same({ a = 1 }, (child:query(QUERY)))
    assert.equal(2, core.n_runtimes)
  end)

  it("log lines of the core go to the client's log", function()
    client:query(QUERY, nil, { on_result = function() end })
    core.push("LOG", 1, "warn", "the clock is off", {})
    drive()
    assert.same({ "warn: the clock is off" }, log)
  end)

  it("stats are the core's", function()
    client:query(QUERY, nil, { on_result = function() end })
    assert.same({ operations = 1 }, client:stats())
  end)

  it("tostring shows the endpoint without its query", function()
    assert.equal("appsync.client (" .. ENDPOINT .. ")", tostring(appsync.client{ endpoint = ENDPOINT .. "?token=x" }))
  end)

  it("set_online takes a boolean", function()
    assert.matches("is_online must be a boolean", misuse(function() client:set_online(1) end))
    client:query(QUERY, nil, { on_result = function() end })
    client:set_online(true)
    assert.is_true(core.clients[1].is_online)
  end)
end)
