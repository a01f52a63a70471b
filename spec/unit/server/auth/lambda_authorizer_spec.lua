local core = require("appsync.core")
local lambda_authorizer = require("appsync.server.auth.lambda_authorizer")

local now, asked, logged

local function make(answer, more)
  now, asked, logged = 1000, {}, {}
  local settings = {
    call = function(token, request)
      asked[#asked + 1] = { token, request }
      if type(answer) == "function" then return answer(token, request) end
      return answer
    end,
    now = function() return now end, log = function(text) logged[#logged + 1] = text end,
    api = { region = "r", account_id = "acc", api_id = "api" },
  }
  for name, value in pairs(more or {}) do settings[name] = value end
  return lambda_authorizer.new(settings)
end

local function check(authorizer, token, operation)
  token = token or "custom-7"
  return authorizer:check(token, { headers = { authorization = token }, operation = operation, request_id = "id" })
end

describe("a Lambda authorizer", function()
  it("is given the service's event", function()
    check(make(true), "Bearer x", { query = "{ a }", variables = { v = 1 }, operationName = "N" })
    local token, event = asked[1][1], asked[1][2]
    assert.equal("Bearer x", token)
    assert.equal("Bearer x", event.authorizationToken)
    assert.same({ apiId = "api", accountId = "acc", requestId = "id", queryString = "{ a }", operationName = "N", variables = { v = 1 } },
      event.requestContext)
    assert.same({ authorization = "Bearer x" }, event.requestHeaders)
  end)

  it("gives its context and the fields that it denies", function()
    assert.same({ resolver_context = { a = "1" }, denied_fields = { "Query.a" } },
      check(make({ isAuthorized = true, resolverContext = { a = "1" }, deniedFields = { "Query.a" } })))
    assert.same({ resolver_context = {} }, check(make(true)))
    assert.same({ resolver_context = {} },
      check(make({ isAuthorized = true, resolverContext = core.null, deniedFields = core.null, ttlOverride = core.null })))
  end)

  it("refuses without a word", function()
    for _, answer in ipairs({ false, { isAuthorized = false }, {}, { isAuthorized = "yes" } }) do
      assert.is_nil(check(make(answer)))
      assert.same({}, logged)
    end
  end)

  -- an answer that can't be meant, and what is logged
  for _, row in ipairs({
    { "yes", "expected a table or a boolean, not a string" }, { 1, "expected a table or a boolean, not a number" },
    { { isAuthorised = true }, "the answer has isAuthorised; it may have isAuthorized, resolverContext, deniedFields, ttlOverride" },
    { { isAuthorized = true, resolverContext = "x" }, "resolverContext must be a table" },
    { { isAuthorized = true, resolverContext = { a = {} } },
      "resolverContext.a must be a string, a number or a boolean: values can't be nested" },
    { { isAuthorized = true, resolverContext = { a = print } },
      "resolverContext.a must be a string, a number or a boolean: values can't be nested" },
    { { isAuthorized = true, resolverContext = { "x" } }, "resolverContext must be a table with names, not a list" },
    { { isAuthorized = true, resolverContext = { a = ("x"):rep(5 * 1048576) } }, "resolverContext is larger than 5 MB" },
    { { isAuthorized = true, deniedFields = "x" }, "deniedFields must be a list" },
    { { isAuthorized = true, deniedFields = { 1 } }, "deniedFields must be a list of strings" },
    { { isAuthorized = true, ttlOverride = "1" }, "ttlOverride must be a number of seconds" },
    { { isAuthorized = true, ttlOverride = -1 }, "ttlOverride must be a number of seconds" },
  }) do
    it("refuses and says that " .. row[2], function()
      assert.is_nil(check(make(row[1])))
      assert.same({ "authorizer: " .. row[2] }, logged)
    end)
  end

  it("refuses when it fails, and the log has no token", function()
    assert.is_nil(check(make(function(token) error("bad token " .. token .. " of " .. token:sub(8), 0) end), "Bearer s3cret"))
    assert.same({ "authorizer: bad token Bearer *** of ***" }, logged)
    assert.is_nil(check(make(function(token) error("bad token " .. token, 0) end), "%d[.+-"))
    assert.same({ "authorizer: bad token ***" }, logged)
    assert.is_nil(check(make(function() error(setmetatable({}, { __tostring = function() error("no") end })) end)))
    assert.same({ "authorizer: an error that can't be shown" }, logged)
  end)

  describe("keeps an answer", function()
    it("for as long as the answer says", function()
      local authorizer = make({ isAuthorized = true, ttlOverride = 10 })
      check(authorizer)
      now = now + 9.9
      assert.is_table(check(authorizer))
      assert.equal(1, #asked)
      now = now + 0.1
      check(authorizer)
      assert.equal(2, #asked)
    end)

    it("for as long as the API says, unless the answer says otherwise", function()
      local authorizer = make({ isAuthorized = true }, { ttl_s = 10 })
      check(authorizer)
      check(authorizer)
      assert.equal(1, #asked)
      authorizer = make({ isAuthorized = true, ttlOverride = 0 }, { ttl_s = 10 })
      check(authorizer)
      check(authorizer)
      assert.equal(2, #asked)
    end)

    it("and gives each request a context of its own", function()
      local authorizer = make({ isAuthorized = true, ttlOverride = 10, resolverContext = { role = "guest" } })
      check(authorizer).resolver_context.role = "admin"
      assert.equal("guest", check(authorizer).resolver_context.role)
      assert.equal(1, #asked)
    end)

    it("not at all when nothing is said", function()
      local authorizer = make(true)
      check(authorizer)
      check(authorizer)
      assert.equal(2, #asked)
    end)

    it("by token", function()
      local authorizer = make(function(token) return { isAuthorized = token == "good", ttlOverride = 10 } end)
      assert.is_table(check(authorizer, "good"))
      assert.is_nil(check(authorizer, "bad"))
      assert.is_table(check(authorizer, "good"))
      assert.is_nil(check(authorizer, "bad"))
      assert.equal(2, #asked)
    end)

    it("that isn't too large", function()
      local authorizer = make({ isAuthorized = true, ttlOverride = 10, resolverContext = { a = ("x"):rep(1048576) } })
      check(authorizer)
      check(authorizer)
      assert.equal(2, #asked)
    end)

    it("of a bounded number of tokens", function()
      local authorizer = make({ isAuthorized = true, ttlOverride = 10 })
      for i = 1, 2500 do check(authorizer, "t" .. i) end
      local n = 0
      for _ in pairs(authorizer.answers) do n = n + 1 end
      assert.is_true(n <= 1000)
      assert.is_table(check(authorizer, "t2500"))
      assert.equal(2500, #asked)
    end)
  end)

  it("isn't asked about tokens that the API's expression doesn't fit", function()
    local authorizer = make(true, { tokens = { "custom-*", "x" } })
    assert.is_table(check(authorizer, "custom-1"))
    assert.is_table(check(authorizer, "x"))
    assert.is_nil(check(authorizer, "other"))
    assert.equal(2, #asked)
  end)
end)
