local fake_core = require "spec.support.fake_core"

local ENDPOINT = "https://abc.appsync-api.eu-west-1.amazonaws.com/graphql"
local QUERY = "query Q($id: ID) { getPost(id: $id) { id } listPosts { id } }"
local MUTATION = "mutation M($title: String) { createPost(title: $title) { id } }"

describe("the client", function()
  local core, appsync, log, client

  before_each(function()
    core = fake_core.install()
    appsync = require "appsync"
    log = {}
    client = appsync.client{
      endpoint = ENDPOINT, auth = { type = "API_KEY", api_key = "da2-secret" },
      log = function(level, message) table.insert(log, level .. ": " .. message) end,
    }
  end)

  local function drive()
    while appsync.update(0) do end
  end

  local function misuse(fn)
    local ok, raised = pcall(fn)
    assert.is_false(ok)
    assert.is_string(raised)
    assert.matches("client_spec.lua:%d+: ", raised)
    return raised
  end

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

    it("accepts the AWS spellings, but not both spellings of one option", function()
      appsync.client{ url = ENDPOINT, auth = { type = "API_KEY", apiKey = "k" }, disableOffline = true }
      appsync.client{ url = ENDPOINT, auth = { type = "AMAZON_COGNITO_USER_POOLS", jwtToken = "t" } }
      assert.matches('the same option; give one of them', misuse(new{ url = ENDPOINT, endpoint = ENDPOINT }))
      assert.matches("the same option", misuse(new{ endpoint = ENDPOINT, errorPolicy = "none", error_policy = "none" }))
    end)

    it("says that there is no store in this version", function()
      appsync.client{ endpoint = ENDPOINT, store = false }
      assert.matches("store: not available in this version", misuse(new{ endpoint = ENDPOINT, store = "todos.db" }))
      assert.matches("store: not available", misuse(new{ endpoint = ENDPOINT, store = ":memory:" }))
      assert.matches("outbox isn't available in this version", misuse(new{ endpoint = ENDPOINT, outbox = {} }))
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
      local endpoint = require "appsync.client.endpoint"
      assert.equal("eu-west-1", endpoint.region(ENDPOINT))
      assert.is_nil(endpoint.region("https://api.example.com/graphql"))
      for given, expected in pairs{
        [ENDPOINT] = "wss://abc.appsync-realtime-api.eu-west-1.amazonaws.com/graphql",
        ["https://abc.appsync-api.cn-north-1.amazonaws.com.cn/graphql"] =
          "wss://abc.appsync-realtime-api.cn-north-1.amazonaws.com.cn/graphql",
        ["https://api.example.com/graphql"] = "wss://api.example.com/graphql/realtime",
        ["http://localhost:4000/graphql?x=1"] = "ws://localhost:4000/graphql/realtime?x=1",
        ["http://localhost:4000"] = "ws://localhost:4000/realtime",
        ["https://api.example.com/"] = "wss://api.example.com/realtime",
      } do
        assert.equal(expected, endpoint.realtime(given))
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

  describe("calls", function()
    it("give data, nil and info", function()
      core.step(function() core.reply({ listPosts = {} }, nil, { status = 200, extensions = { x = 1 } }) end)
      local data, err, info = client:query(QUERY)
      assert.same({ listPosts = {} }, data)
      assert.is_nil(err)
      assert.same({ source = "network", status = 200, extensions = { x = 1 } }, info)
    end)

    it("inside a task suspend only that task", function()
      local other = false
      appsync.run(function()
        appsync.spawn(function()
          other = true
          core.reply({ a = 1 })
        end)
        assert.same({ a = 1 }, (client:query("query Q { a }")))
      end)
      assert.is_true(other)
    end)

    it("give partial data beside the error", function()
      local data = { getPost = appsync.null, listPosts = {} }
      core.step(function()
        core.reply(data, { kind = "graphql", message = "no", errors = { { message = "no" } }, error_type = "X" })
      end)
      local value, err = client:query(QUERY)
      assert.equal(data, value)
      assert.equal(data, err.data)
      assert.equal("graphql", err.kind)
      assert.equal("X", err.error_type)
      assert.equal("graphql: no", tostring(err))
      assert.equal("it was: graphql: no", "it was: " .. err)
    end)

    it("give nil when every root field is null, with the data in the error", function()
      for _, data in ipairs{ { getPost = appsync.null, listPosts = appsync.null }, {} } do
        core.step(function() core.reply(data, { kind = "graphql", message = "no" }) end)
        local value, err = client:query(QUERY)
        assert.is_nil(value)
        assert.equal(data, err.data)
      end
    end)

    it("give null root fields without an error as data", function()
      core.step(function() core.reply({ getPost = appsync.null }) end)
      assert.same({ getPost = appsync.null }, (client:query(QUERY)))
    end)

    it("with error_policy none give nil for any error", function()
      core.step(function() core.reply({ a = 1, b = appsync.null }, { kind = "graphql", message = "no" }) end)
      local value, err = client:query("query Q { a b }", nil, { error_policy = "none" })
      assert.is_nil(value)
      assert.same({ a = 1, b = appsync.null }, err.data)
    end)

    it("send the declared variables only", function()
      client:query(QUERY, { id = 1, extra = 2 }, { on_result = function() end })
      assert.same({ id = 1 }, core.executed[1].call.variables)
    end)

    it("throw for an undeclared variable that is an option", function()
      assert.matches("declares no variable %$timeout; timeout is an option",
        misuse(function() client:query(QUERY, { timeout = 5 }) end))
      assert.matches("authMode is an option", misuse(function() client:query(QUERY, { authMode = "NONE" }) end))
    end)

    it("throw for variables that JSON can't hold, also with on_result", function()
      assert.matches("client:query: variables.id: a function isn't JSON",
        misuse(function() client:query(QUERY, { id = print }) end))
      assert.matches("variables.id: a function", misuse(function()
        client:query(QUERY, { id = print }, { on_result = print })
      end))
      assert.same({}, log)
    end)

    it("pass the options on", function()
      client:mutate(MUTATION, { title = "x" }, {
        timeout = 7, idempotent = true, operation_name = "M", headers = { ["x-a"] = 1 }, on_result = function() end,
      })
      local call = core.executed[1].call
      assert.same({ 7, true, "M", { ["x-a"] = "1" } }, { call.timeout, call.idempotent, call.operation_name, call.headers })
    end)

    it("take one table as well", function()
      client:query{ query = QUERY, variables = { id = 2 }, timeout = 3, on_result = function() end }
      client:mutate{ mutation = MUTATION, variables = { title = "x" }, on_result = function() end }
      assert.same({ { id = 2 }, { title = "x" } }, { core.executed[1].call.variables, core.executed[2].call.variables })
      assert.equal(3, core.executed[1].call.timeout)
      assert.matches("the table must have the document as mutation", misuse(function() client:mutate{ variables = {} } end))
      assert.matches("with one table, variables", misuse(function() client:query({ query = QUERY }, {}) end))
    end)

    it("refuse the wrong kind of operation and name the right method", function()
      assert.matches("the document is a mutation; use client:mutate", misuse(function() client:query(MUTATION) end))
      assert.matches("the document is a query; use client:query", misuse(function() client:mutate(QUERY) end))
      assert.matches("the document is a query; use client:query", misuse(function() client:subscribe(QUERY) end))
      assert.matches("document must be text or what appsync.gql returns, got number 5",
        misuse(function() client:query(5) end))
      assert.matches("syntax error at line 1, column 6", misuse(function() client:query("query ") end))
    end)

    it("choose one of several operations by name", function()
      local both = QUERY .. " " .. MUTATION
      assert.matches("several operations %(Q, M%); choose one by operation_name", misuse(function() client:query(both) end))
      assert.matches('no operation "X"; it has Q, M',
        misuse(function() client:query(both, nil, { operation_name = "X" }) end))
      client:mutate(both, nil, { operation_name = "M", on_result = function() end })
      assert.equal("M", core.executed[1].call.operation_name)
    end)

    it("refuse what this version doesn't have", function()
      assert.matches("optimistic_response isn't available", misuse(function()
        client:mutate(MUTATION, nil, { optimistic_response = {} })
      end))
      assert.matches("fetch_policy must be one of", misuse(function()
        client:query(QUERY, nil, { fetch_policy = "cache-first" })
      end))
      client:mutate(MUTATION, nil, { queue = false, on_result = function() end })
    end)

    it("parse a text once", function()
      for _ = 1, 3 do client:query(QUERY, nil, { on_result = function() end }) end
      assert.equal(1, core.n_parsed)
    end)

    it("with on_result return a task at once, and call it once, later", function()
      local calls = {}
      local task = client:query(QUERY, nil, { on_result = function(...) table.insert(calls, { n = select("#", ...), ... }) end })
      assert.equal(1, #core.executed)
      core.reply({ a = 1 })
      assert.same({}, calls)
      drive()
      assert.equal(1, #calls)
      assert.equal(3, calls[1].n)
      assert.same({ a = 1 }, calls[1][1])
      assert.same({ a = 1 }, (task:await()))
    end)

    it("with on_result are told of a cancel", function()
      local got
      local task = client:query(QUERY, nil, { on_result = function(_, err) got = err end })
      assert.is_true(task:cancel())
      assert.is_nil(got)
      drive()
      assert.equal("cancelled", got.kind)
      assert.is_true(core.cancelled[core.executed[1].id])
    end)

    it("with on_result are told of a cancel before the call was made", function()
      local got
      local slow = client:with{ headers = function()
        appsync.sleep(1)
        return {}
      end }
      local task = slow:query(QUERY, nil, { on_result = function(_, err) got = err end })
      task:cancel()
      drive()
      assert.equal("cancelled", got.kind)
      assert.equal(0, #core.executed)
    end)

    it("with on_result never call it inside the call, even for an error that is known at once", function()
      local got
      local open = appsync.client{ endpoint = ENDPOINT }
      open:query(QUERY, nil, { on_result = function(_, err) got = err end })
      assert.is_nil(got)
      drive()
      assert.equal("auth", got.kind)
    end)

    it("are cancelled with their task: nil and kind cancelled", function()
      local got
      local task = appsync.spawn(function() got = select(2, client:query(QUERY)) end)
      drive()
      task:cancel()
      drive()
      assert.equal("cancelled", got.kind)
      assert.is_true(core.cancelled[core.executed[1].id])
    end)

    it("an on_result that throws is reported once", function()
      client:query(QUERY, nil, { on_result = function() error("in the callback") end })
      core.reply({ a = 1 })
      drive()
      core.time = core.time + 2
      drive()
      assert.equal(1, #log)
      assert.matches("in the callback", log[1])
    end)
  end)

  it("info has no status when there was no response", function()
    core.step(function() core.reply(nil, { kind = "network", message = "gone", sent = true }, { status = 0 }) end)
    local value, err, info = client:query(QUERY)
    assert.is_nil(value)
    assert.is_true(err.sent)
    assert.same({ source = "network" }, info)
  end)

  describe("auth", function()
    local function quiet(c, options)
      options = options or {}
      options.on_result = options.on_result or function() end
      return c:query(QUERY, nil, options)
    end

    it("makes one slot per mode and keeps it", function()
      quiet(client)
      quiet(client)
      assert.equal(1, #core.auths)
      assert.same({ mode = "API_KEY", secret = "da2-secret", region = "eu-west-1", dynamic = false }, core.auths[1].auth)
    end)

    it("picks a further mode by its type or Amplify's name", function()
      local two = appsync.client{
        endpoint = ENDPOINT, auth = { type = "API_KEY", api_key = "k" },
        auths = { { type = "AWS_LAMBDA", token = "t" } },
      }
      quiet(two, { auth_mode = "AWS_LAMBDA" })
      quiet(two, { auth_mode = "lambda" })
      assert.equal("AWS_LAMBDA", core.auths[1].auth.mode)
      assert.equal(1, #core.auths)
      assert.matches("auth_mode must be one of", misuse(function() quiet(two, { auth_mode = "x" }) end))
    end)

    it("gives kind auth for a mode that isn't configured", function()
      local value, err = client:query(QUERY, nil, { auth_mode = "AWS_IAM" })
      assert.is_nil(value)
      assert.same({ "auth", "not_configured" }, { err.kind, err.code })
      assert.matches("AWS_IAM isn't configured", err.message)
      value, err = appsync.client{ endpoint = ENDPOINT }:query(QUERY)
      assert.is_nil(value)
      assert.equal("auth", err.kind)
    end)

    it("gives kind auth for material that can't be used", function()
      local value, err = client:query(QUERY, nil, { auth = { type = "AWS_LAMBDA", token = "unusable" } })
      assert.is_nil(value)
      assert.equal("auth", err.kind)
    end)

    it("drops the slot of a call when the call has ended", function()
      core.step(function() core.reply({ a = 1 }) end)
      client:query(QUERY, nil, { auth = { type = "AWS_LAMBDA", token = "t" } })
      assert.equal(1, core.dropped_auths[core.auths[1].id])
    end)

    it("headers that authenticate need no mode", function()
      quiet(appsync.client{ endpoint = ENDPOINT, headers = { authorization = "x" } })
      assert.equal("NONE", core.auths[1].auth.mode)
      assert.same({ authorization = "x" }, core.executed[1].call.headers)
    end)

    it("hands static credentials over and asks functions when the core does", function()
      quiet(client, { auth = { type = "AWS_IAM", region = "us-west-2",
        credentials = { access_key_id = "A", secretAccessKey = "S", session_token = "T" } } })
      assert.same({ mode = "AWS_IAM", region = "us-west-2", dynamic = false, access_key_id = "A",
        secret_access_key = "S", session_token = "T" }, core.auths[1].auth)
      local reasons = {}
      quiet(client, { auth = { type = "OPENID_CONNECT", token = function(reason)
        table.insert(reasons, reason)
        appsync.sleep(1)
        return "fresh"
      end } })
      local id = core.auths[2].id
      assert.is_true(core.auths[2].auth.dynamic)
      core.push("AUTH", id, "first", 1)
      core.push("AUTH", id, "first", 1) -- one renewal at a time
      drive()
      assert.same({}, core.answers)
      core.time = core.time + 1
      drive()
      assert.same({ { auth = id, material = { secret = "fresh" } } }, core.answers)
      core.push("AUTH", id, "expired", 1)
      drive()
      assert.same({ "first", "expired" }, reasons)
    end)

    it("asks providers and user pools", function()
      quiet(client, { auth = { type = "AWS_IAM", credentials = { get = function()
        return { access_key_id = "A", secret_access_key = "S", expires_at = 5, identity_id = "i" }
      end } } })
      quiet(client, { auth = { type = "AMAZON_COGNITO_USER_POOLS", token = { current_session = function()
        return { id_token = "id", access_token = "access" }
      end } } })
      core.push("AUTH", core.auths[1].id, "first", 1)
      core.push("AUTH", core.auths[2].id, "first", 1)
      drive()
      assert.same({ access_key_id = "A", secret_access_key = "S", expires_at = 5 }, core.answers[1].material)
      assert.same({ secret = "id" }, core.answers[2].material)
    end)

    it("tells the core of every way to fail", function()
      local function fail(token, message, code)
        quiet(client, { auth = { type = "AWS_LAMBDA", token = token } })
        core.push("AUTH", core.auths[#core.auths].id, "first", 1)
        drive()
        local answer = core.answers[#core.answers]
        assert.matches(message, answer.message)
        assert.equal(code, answer.code)
      end
      fail(function() error("no route") end, "the token function raised: .*no route$", "token_failed")
      assert.equal(1, #log)
      fail(function() return nil, "signed out" end, "^signed out$")
      fail(function() return nil, require("appsync.errors").new("auth", "gone", { code = "not_signed_in" }) end, "gone",
        "not_signed_in")
      fail(function() end, "no token was given")
      fail(function() return 5 end, "no token was given")
      fail({ get = function() return {} end }, "no token was given")
    end)

    it("tells which key of the credentials a function left out", function()
      quiet(client, { auth = { type = "AWS_IAM", credentials = function() return { access_key_id = "A" } end } })
      core.push("AUTH", core.auths[1].id, "first", 1)
      drive()
      assert.equal("the credentials have no secret_access_key", core.answers[1].message)
    end)

    it("refuses a table that is no source of material", function()
      local function auth(t) return misuse(function() client:query(QUERY, nil, { auth = t }) end) end
      assert.matches("token must be a string, a function or a table with a get method",
        auth{ type = "OPENID_CONNECT", token = {} })
      assert.matches("secret_access_key, both strings; access_key_id is missing",
        auth{ type = "AWS_IAM", credentials = { access_key = "A", secret_key = "S" } })
    end)

    it("asks again when the core does, though the function before hasn't answered; that answer is dropped", function()
      local n, before = 0, nil
      quiet(client, { auth = { type = "OPENID_CONNECT", token = function()
        n = n + 1
        if n == 1 then
          before = select(2, appsync.sleep(1000))
          return "late"
        end
        return "token" .. n
      end } })
      local id = core.auths[1].id
      core.push("AUTH", id, "first", 1)
      drive()
      assert.same({}, core.answers)
      core.push("AUTH", id, "first", 1) -- the core gave up the first after 30 s
      drive()
      assert.same({ { auth = id, material = { secret = "token2" } } }, core.answers)
      assert.equal("cancelled", before.kind)
    end)

    it("asks nobody when the headers authenticate", function()
      local other = appsync.client{ endpoint = ENDPOINT, auth = { type = "AWS_LAMBDA", token = "t" } }
      other:query(QUERY, nil, { headers = { Authorization = "mine" }, on_result = function() end })
      assert.equal("NONE", core.auths[#core.auths].auth.mode)
    end)
  end)

  describe("headers", function()
    it("come from the client, with and the call; the later one wins", function()
      local base = appsync.client{ endpoint = ENDPOINT, auth = { type = "NONE" }, headers = { a = "1", b = "1", c = "1" } }
      local user = base:with{ headers = function(operation)
        appsync.sleep(1)
        return { b = "2", c = operation.kind .. operation.name .. operation.variables.id }
      end }
      core.step(function() core.time = core.time + 1 end)
      core.step(function() core.reply({}) end)
      user:query(QUERY, { id = "7" }, { headers = { a = "3" } })
      assert.same({ a = "3", b = "2", c = "queryQ7" }, core.executed[1].call.headers)
    end)

    it("a function that fails fails the call", function()
      local function err_of(headers)
        local value, err = client:query(QUERY, nil, { headers = headers })
        assert.is_nil(value)
        return err
      end
      local err = err_of(function() error("broken", 0) end)
      assert.same({ "usage", "broken" }, { err.kind, err.raised })
      assert.matches("no session", err_of(function() return nil, "no session" end).message)
      assert.matches("must return a table, got string", err_of(function() return "x" end).message)
      assert.matches("headers: a must be a string, got table", err_of(function() return { a = {} } end).message)
      assert.matches("headers: a must not hold a line break", err_of(function() return { a = "x\ny" } end).message)
      assert.matches('headers: "a b" is no HTTP header\'s name', err_of(function() return { ["a b"] = "x" } end).message)
      assert.equal(0, #core.executed)
    end)

    it("a table that can't be sent is a mistake", function()
      local function of(headers) return misuse(function() client:query(QUERY, nil, { headers = headers }) end) end
      assert.matches("client:query: headers: a must be a string, got table", of{ a = {} })
      assert.matches("headers: a name must be a string, got number 1", of{ "a: b" })
      assert.matches("headers: a must not hold a line break", of{ a = "x\0y" })
    end)

    it("have names without case", function()
      local base = appsync.client{ endpoint = ENDPOINT, auth = { type = "NONE" }, headers = { ["X-Tenant"] = "1", b = "1" } }
      base:query(QUERY, nil, { headers = { ["x-tenant"] = "2" }, on_result = function() end })
      assert.same({ ["x-tenant"] = "2", b = "1" }, core.executed[1].call.headers)
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

  describe("close", function()
    it("ends waiting calls with kind closed, is safe twice, and later calls say closed", function()
      local got
      appsync.run(function()
        appsync.spawn(function() got = select(2, client:query(QUERY)) end)
        appsync.spawn(function() assert.is_true(client:close()) end)
      end)
      assert.equal("closed", got.kind)
      assert.is_true(client:close())
      local value, err = client:query(QUERY)
      assert.is_nil(value)
      assert.equal("closed", err.kind)
      assert.equal("closed", select(2, client:subscribe("subscription S { a }"):next()).kind)
      assert.is_number(core.runtime_closed)
    end)

    it("of a client that was never used opens nothing", function()
      assert.is_true(client:close())
      assert.equal(0, core.n_runtimes)
      assert.equal("closed", select(2, client:query(QUERY)).kind)
    end)

    it("has a time-out", function()
      client:query(QUERY, nil, { on_result = function() end })
      core.is_close_held = true
      local ok, err = client:close(2)
      assert.is_nil(ok)
      assert.equal("timeout", err.kind)
    end)

    it("leaves the runtime open while another client or a descriptor is in use", function()
      local other = appsync.client{ endpoint = ENDPOINT, auth = { type = "NONE" } }
      other:query(QUERY, nil, { on_result = function() end })
      client:query(QUERY, nil, { on_result = function() end })
      client:close()
      assert.is_nil(core.runtime_closed)
      appsync.fd()
      other:close()
      assert.is_nil(core.runtime_closed)
    end)

    it("happens by itself when an idle client is collected", function()
      local function use()
        local idle = appsync.client{ endpoint = ENDPOINT, auth = { type = "NONE" } }
        core.step(function() core.reply({ a = 1 }) end)
        idle:query(QUERY)
      end
      use()
      client:query(QUERY, nil, { on_result = function() end })
      fake_core.collect()
      assert.is_true(core.clients[1].is_closed)
      drive() -- its CLOSED event finds nobody
    end)

    it("doesn't happen while a call or a subscription is alive", function()
      local seen = {}
      local function use()
        local busy = appsync.client{ endpoint = ENDPOINT, auth = { type = "NONE" } }
        busy:subscribe("subscription S { a }"):subscribe(function(d) table.insert(seen, d.a) end)
      end
      use()
      client:query(QUERY, nil, { on_result = function() end })
      fake_core.collect()
      assert.is_falsy(core.clients[1].is_closed)
      core.push("SUB_DATA", core.subscribed[1].id, { a = 1 }, nil, 0)
      drive()
      assert.same({ 1 }, seen)
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
