local fake_core = require "spec.support.fake_core"
local misuse = require("spec.support.misuse").raised_there

local drive = fake_core.drive
local ENDPOINT = "https://abc.appsync-api.eu-west-1.amazonaws.com/graphql"
local QUERY = "query Q($id: ID) { getPost(id: $id) { id } listPosts { id } }"

describe("the client's", function()
  local core, appsync, log, client

  before_each(function()
    core, appsync, log, client = fake_core.open_client(ENDPOINT)
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

    it("drops the slot of a call that the core can't take, and gives why", function()
      core.refusal = { kind = "system", message = "no thread" }
      local value, err = client:query(QUERY, nil, { auth = { type = "AWS_LAMBDA", token = "t" } })
      assert.is_nil(value)
      assert.equal("system: no thread", tostring(err))
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

    describe("tells the core at once, though the function", function()
      local hostile = setmetatable({}, { __tostring = function() error("no text") end })
      local unindexed = setmetatable({}, { __index = function() error("no index", 0) end })
      local coded = require("appsync.errors").new("auth", "gone", { code = {} })
      local rows = {
        { "raises what has no text", function() error(hostile) end, "the token function raised: a table", "token_failed" },
        { "gives an error that has no text", function() return nil, hostile end, "a table" },
        { "gives an error with an odd code", function() return nil, coded end, "gone" },
        { "gives a table that can't be indexed", function() return unindexed end, "the token function raised: no index", "token_failed" },
        { "yields to somebody else", function() coroutine.yield(1) end, "a yield that isn't this library's", "token_failed" },
        { "awaits a task that failed", function()
          local _, err = appsync.spawn(error, hostile):await()
          return nil, err
        end, "a table" },
      }
      for _, row in ipairs(rows) do
        it(row[1], function()
          quiet(client, { auth = { type = "AWS_LAMBDA", token = row[2] } })
          core.push("AUTH", core.auths[1].id, "first", 1)
          drive()
          assert.equal(1, #core.answers)
          assert.matches(row[3], core.answers[1].message, 1, true)
          assert.equal(row[4], core.answers[1].code)
          drive(2)
          for _, line in ipairs(log) do assert.matches("the token function raised", line, 1, true) end
        end)
      end
    end)

    it("tells which value of the credentials has the wrong type, of those given once too", function()
      local wrong = {
        { "session_token", {}, "the credentials' session_token must be a string, got table" },
        { "sessionToken", false, "the credentials' session_token must be a string, got boolean" },
        { "expires_at", "2030", "the credentials' expires_at must be a number, got string" },
      }
      for _, row in ipairs(wrong) do
        local function give() return { access_key_id = "A", secret_access_key = "S", [row[1]] = row[2] } end
        quiet(client, { auth = { type = "AWS_IAM", credentials = give } })
        core.push("AUTH", core.auths[#core.auths].id, "first", 1)
        drive()
        assert.equal(row[3], core.answers[#core.answers].message)
        assert.matches(row[3], misuse(function() quiet(client, { auth = { type = "AWS_IAM", credentials = give() } }) end), 1, true)
      end
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
      local hostile = setmetatable({}, { __tostring = function() error("no text") end })
      assert.equal("the headers function raised: a table", err_of(function() error(hostile) end).message)
      assert.equal("a table", err_of(function() return nil, hostile end).message)
      assert.matches("headers: a must not hold a line break", err_of(function() return { a = "x\ny" } end).message)
      assert.matches('headers: "a b" isn\'t an HTTP header name', err_of(function() return { ["a b"] = "x" } end).message)
      assert.equal(0, #core.executed)
    end)

    it("a function that yields to somebody else fails the subscription at once", function()
      client:subscribe("subscription S { a }", nil, { headers = function() coroutine.yield(1) end }):subscribe{}
      core.push("HEADERS", core.subscribed[1].id)
      drive()
      assert.matches("a yield that isn't this library's", core.answers[1].message)
    end)

    it("a table that can't be sent is a mistake", function()
      local function of(headers) return misuse(function() client:query(QUERY, nil, { headers = headers }) end) end
      assert.matches("client:query: headers: a must be a string, got table", of{ a = {} })
      assert.matches("headers: a name must be a string, got number 1", of{ "a: b" })
      assert.matches("headers: a must not hold a line break", of{ a = "x\0y" })
      local raised = misuse(function() appsync.client{ endpoint = ENDPOINT, headers = { "a: b" } } end)
      assert.matches("appsync.client: headers: a name must be a string, got number 1", raised)
      raised = misuse(function() appsync.client{ endpoint = ENDPOINT, headers = { Host = {} } } end)
      assert.matches("appsync.client: headers: Host must be a string, got table", raised)
    end)

    it("may be a table that can be called, whatever it holds", function()
      local callable = setmetatable({ 1, host = 2 }, { __call = function() return { a = "called" } end })
      local called = appsync.client{ endpoint = ENDPOINT, auth = { type = "NONE" }, headers = callable }
      called:query(QUERY, nil, { on_result = function() end })
      assert.same({ a = "called" }, core.executed[1].call.headers)
    end)

    it("have names without case", function()
      local base = appsync.client{ endpoint = ENDPOINT, auth = { type = "NONE" }, headers = { ["X-Tenant"] = "1", b = "1" } }
      base:query(QUERY, nil, { headers = { ["x-tenant"] = "2" }, on_result = function() end })
      assert.same({ ["x-tenant"] = "2", b = "1" }, core.executed[1].call.headers)
    end)
  end)
end)
