local authorize = require("appsync.server.auth.authorize")
local core = require("appsync.core")
local sigv4_verify = require("appsync.server.auth.sigv4_verify")
local tokens = require("spec.support.tokens")

local NOW = 1585699810
local COGNITO = "https://cognito-idp.us-east-1.amazonaws.com/us-east-1_A"

local function token(claims)
  claims.exp = claims.exp or NOW + 60
  local signed = core.base64('{"alg":"HS256"}', "url") .. "." .. core.base64(core.encode(claims), "url")
  return signed .. "." .. core.base64(core.hmac_sha256("secret", signed), "url")
end

local logged

local function make(settings)
  logged = {}
  settings.now = function() return NOW end
  settings.log = function(text) logged[#logged + 1] = text end
  return assert(authorize.new(settings))
end

local function check(auth, headers)
  return auth:check({ headers = headers, method = "POST", path = "/graphql", body = "{}" })
end

local JWT_KEYS = { { algorithm = "HS256", secret = "secret" } }

local function signed_headers()
  local headers = { host = "h", ["x-amz-date"] = "20200401T001010Z" }
  local parts = { day = "20200401", region = "r", service = "appsync", signed_headers = "host;x-amz-date" }
  local request = { method = "POST", path = "/graphql", body = "{}", headers = headers }
  local signature = sigv4_verify.signature(request, parts, headers["x-amz-date"], "S")
  headers.authorization = "AWS4-HMAC-SHA256 Credential=A/20200401/r/appsync/aws4_request, "
    .. "SignedHeaders=host;x-amz-date, Signature="
    .. signature
  return headers
end

describe("authorization", function()
  it("accepts each API key that was given", function()
    local auth = make({ api_keys = { "k1", "k2" } })
    assert.same({ mode = "API_KEY" }, check(auth, { ["x-api-key"] = "k1" }))
    assert.same({ mode = "API_KEY" }, check(auth, { ["x-api-key"] = "k2" }))
  end)

  it("refuses a wrong API key, even beside a good token", function()
    local auth = make({ api_keys = { "k" }, jwt_keys = JWT_KEYS })
    local identity, refusal = check(auth, { ["x-api-key"] = "no", authorization = token({ iss = COGNITO }) })
    assert.is_nil(identity)
    assert.same({
      status = 401,
      type = "UnauthorizedException",
      message = "You are not authorized to make this call.",
    }, refusal)
  end)

  it("passes over an API key where the mode isn't enabled", function()
    local auth = make({ jwt_keys = JWT_KEYS })
    local headers = { ["x-api-key"] = "k", authorization = token({ iss = COGNITO }) }
    assert.equal("AMAZON_COGNITO_USER_POOLS", check(auth, headers).mode)
  end)

  it("says so when there are no credentials at all", function()
    local _, refusal = check(make({ api_keys = { "k" } }), {})
    assert.equal("Valid authorization header not provided.", refusal.message)
    assert.equal(401, refusal.status)
  end)

  it("tells Cognito from OIDC by the issuer", function()
    local auth = make({ jwt_keys = JWT_KEYS })
    local claims = { iss = COGNITO, sub = "s", ["cognito:username"] = "ann", ["cognito:groups"] = { "g" } }
    local cognito = check(auth, { authorization = token(claims) })
    assert.equal("AMAZON_COGNITO_USER_POOLS", cognito.mode)
    assert.equal("ann", cognito.username)
    assert.equal("s", cognito.sub)
    assert.equal("g", cognito.groups[1])
    assert.equal(COGNITO, cognito.claims.iss)
    local oidc = check(auth, { authorization = token({ iss = "https://other.example", sub = "s" }) })
    assert.equal("OPENID_CONNECT", oidc.mode)
    assert.equal("s", oidc.username)
  end)

  it("takes a token with or without Bearer", function()
    local auth = make({ jwt_keys = JWT_KEYS })
    assert.is_table((check(auth, { authorization = "Bearer " .. token({ iss = COGNITO }) })))
  end)

  it("passes on what is wrong with a token", function()
    local auth = make({ jwt_keys = JWT_KEYS })
    local _, expired = check(auth, { authorization = token({ iss = COGNITO, exp = 1 }) })
    assert.equal("Token has expired.", expired.message)
    assert.equal("UnauthorizedException", expired.type)
    local _, broken = check(auth, { authorization = "nonsense" })
    assert.equal("Unable to parse JWT token.", broken.message)
  end)

  it("verifies signatures", function()
    local auth = make({ iam = { A = "S" } })
    local identity = check(auth, signed_headers())
    assert.equal("AWS_IAM", identity.mode)
    assert.equal("A", identity.access_key)
    local headers = signed_headers()
    headers.host = "other"
    local _, refusal = check(auth, headers)
    assert.equal(403, refusal.status)
  end)

  it("refuses a signature where IAM isn't enabled, and never gives it to an authorizer", function()
    local auth = make({ authorizer = function() return true end })
    local identity, refusal = check(auth, signed_headers())
    assert.is_nil(identity)
    assert.equal(401, refusal.status)
  end)

  describe("by an authorizer function", function()
    it("gives the function the token and the request, and takes its context", function()
      local got
      local auth = make({
        authorizer = function(text, request)
          got = { text, request }
          return { isAuthorized = true, resolverContext = { tenant = "t" }, deniedFields = { "Query.secret" } }
        end,
      })
      local identity = auth:check({
        headers = { authorization = "custom-1" },
        operation = { query = "{ a }", variables = { b = 1 }, operationName = "N" },
      })
      assert.equal("AWS_LAMBDA", identity.mode)
      assert.same({ tenant = "t" }, identity.resolver_context)
      assert.same({ "Query.secret" }, identity.denied_fields)
      assert.equal("custom-1", got[1])
      assert.equal("{ a }", got[2].query)
      assert.equal("N", got[2].operation_name)
      assert.same({ b = 1 }, got[2].variables)
      assert.equal("custom-1", got[2].headers.authorization)
    end)

    it("takes true for yes and everything else for no", function()
      assert.equal("AWS_LAMBDA", check(make({ authorizer = function() return true end }), { authorization = "t" }).mode)
      for _, answer in ipairs({ false, {}, { isAuthorized = false }, "yes" }) do
        local identity, refusal = check(make({ authorizer = function() return answer end }), { authorization = "t" })
        assert.is_nil(identity)
        assert.equal("You are not authorized to make this call.", refusal.message)
      end
    end)

    it("refuses and logs when the function fails", function()
      local identity = check(make({ authorizer = function() error("boom") end }), { authorization = "t" })
      assert.is_nil(identity)
      assert.matches("^authorizer: .*boom", logged[1])
    end)

    it("leaves JSON Web Tokens to their own modes", function()
      local auth = make({ jwt_keys = JWT_KEYS, authorizer = function() return true end })
      assert.equal("OPENID_CONNECT", check(auth, { authorization = token({ iss = "i" }) }).mode)
      assert.equal("AWS_LAMBDA", check(auth, { authorization = "not-a-jwt" }).mode)
    end)
  end)

  describe("by the authorization file", function()
    local auth_file = require("appsync.server.auth.auth_file")

    local function described(value, more)
      local settings = more or {}
      settings.file = assert(auth_file.read(core.encode(value), function() return "secret" end))
      return make(settings)
    end

    local function sign(key, secret, more)
      local headers = { host = "h", ["x-amz-date"] = "20200401T001010Z" }
      for name, value in pairs(more or {}) do headers[name] = value end
      local parts = { day = "20200401", region = "r", service = "appsync", signed_headers = "host;x-amz-date" }
      local request = { method = "POST", path = "/graphql", body = "{}", headers = headers }
      local signature = sigv4_verify.signature(request, parts, headers["x-amz-date"], secret)
      headers.authorization = ("AWS4-HMAC-SHA256 Credential=%s/20200401/r/appsync/aws4_request, SignedHeaders=host;x-amz-date, "
        .. "Signature=%s"):format(key, signature)
      return headers
    end

    local function refused(auth, headers)
      local identity, refusal = check(auth, headers)
      assert.is_nil(identity)
      return refusal
    end

    it("takes an API key until it ends", function()
      local auth = described({ apiKeys = { { key = "k", expires = NOW }, { key = "l", expires = NOW + 1 }, "m" } })
      assert.same({ status = 401, type = "UnauthorizedException", message = "You are not authorized to make this call." },
        refused(auth, { ["x-api-key"] = "k" }))
      assert.is_table((check(auth, { ["x-api-key"] = "l" })))
      assert.is_table((check(auth, { ["x-api-key"] = "m" })))
      assert.is_nil((check(auth, { ["x-api-key"] = "" })))
    end)

    it("takes temporary credentials with their token, until they end", function()
      local auth = described({ iam = {
        { accessKeyId = "T", secretAccessKey = "S", sessionToken = "tok", cognitoIdentityAuthType = "unauthenticated" },
        { accessKeyId = "O", secretAccessKey = "S", sessionToken = "tok", expiration = NOW },
        { accessKeyId = "P", secretAccessKey = "S" } } })
      local identity = check(auth, sign("T", "S", { ["x-amz-security-token"] = "tok" }))
      assert.equal("unauthenticated", identity.iam.cognito.type)
      local unknown = { status = 403, type = "UnrecognizedClientException", message = "The security token included in the request is invalid." }
      assert.same(unknown, refused(auth, sign("T", "S")))
      assert.same(unknown, refused(auth, sign("T", "S", { ["x-amz-security-token"] = "other" })))
      assert.same(unknown, refused(auth, sign("P", "S", { ["x-amz-security-token"] = "tok" })))
      assert.same(unknown, refused(auth, sign("X", "S")))
      assert.is_table((check(auth, sign("P", "S"))))
      assert.same({ status = 403, type = "ExpiredTokenException", message = "The security token included in the request is expired" },
        refused(auth, sign("O", "S", { ["x-amz-security-token"] = "tok" })))
    end)

    it("takes signatures for its region only, when it names one", function()
      local users = { { accessKeyId = "P", secretAccessKey = "S" } }
      assert.is_table((check(described({ region = "r", iam = users }), sign("P", "S"))))
      assert.same({ status = 403, type = "InvalidSignatureException", message = "Credential should be scoped to a valid region, not 'r'." },
        refused(described({ region = "eu-west-1", iam = users }), sign("P", "S")))
    end)

    it("turns away who has no permission at all, once the signature is right", function()
      local none = setmetatable({}, core.array_mt)
      local function with(policies) return described({ iam = { { accessKeyId = "P", secretAccessKey = "S", policies = policies } } }) end
      local denied = { status = 401, type = "UnauthorizedException", message = "Permission denied" }
      assert.same(denied, refused(with(none), sign("P", "S")))
      assert.same(denied, refused(with({ { Effect = "Deny", Action = "*", Resource = "*" } }), sign("P", "S")))
      assert.equal(403, refused(with(none), sign("P", "wrong")).status)
      local identity = check(with({ { Effect = "Allow", Action = "*", Resource = "*" } }), sign("P", "S"))
      assert.equal("allow", identity.policy:decision("Query", "a"))
    end)

    it("lets no secret out", function()
      local auth = described({ iam = { { accessKeyId = "T", secretAccessKey = "hidden1", sessionToken = "hidden2" } } }, { iam = { A = "hidden3" } })
      local function search(value, depth)
        if type(value) == "string" then assert.is_nil(value:find("hidden", 1, true)) end
        if type(value) == "table" and depth < 6 then
          for key, inner in pairs(value) do search(key, depth + 1); search(inner, depth + 1) end
        end
      end
      search(assert(check(auth, sign("T", "hidden1", { ["x-amz-security-token"] = "hidden2" }))), 0)
      search(assert(check(auth, sign("A", "hidden3"))), 0)
      search({ check(auth, sign("T", "hidden4", { ["x-amz-security-token"] = "hidden2" })) }, 0)
    end)

    it("names an IAM user as it is described", function()
      local auth = described({ iam = { { accessKeyId = "P", secretAccessKey = "S", username = "ann" }, { accessKeyId = "Q", secretAccessKey = "S" } } })
      assert.same({ "ann", "Q" }, { check(auth, sign("P", "S")).username, check(auth, sign("Q", "S")).username })
    end)

    it("tells nothing of tokens where there is no issuer", function()
      local auth = described({ apiKeys = { "k" } })
      for _, text in ipairs({ "nonsense", token({ iss = "i" }) }) do
        assert.equal("You are not authorized to make this call.", refused(auth, { authorization = text }).message)
      end
    end)

    it("takes tokens of its pools and issuers, told apart by the issuer", function()
      local auth = described({ userPools = { { userPoolId = "us-east-1_A", keys = "f" } }, oidc = { { issuer = "https://o.example", keys = "f" } } })
      local pool = check(auth, { authorization = token({ iss = COGNITO, sub = "s", username = "ann", token_use = "access" }) })
      assert.same({ "AMAZON_COGNITO_USER_POOLS", "ann" }, { pool.mode, pool.username })
      assert.same({ "127.0.0.1" }, { pool.source_ip[1] })
      assert.equal("OPENID_CONNECT", check(auth, { authorization = token({ iss = "https://o.example" }) }).mode)
      assert.equal("You are not authorized to make this call.", refused(auth, { authorization = token({ iss = "https://p.example" }) }).message)
      assert.equal("Unable to parse JWT token.", refused(auth, { authorization = "x" }).message)
    end)

    it("reads no name out of claims that are none", function()
      local auth = described({ userPools = { { userPoolId = "us-east-1_A", keys = "f" } } })
      local identity = check(auth, { authorization = token({ iss = COGNITO, sub = true, username = {}, ["cognito:groups"] = "g" }) })
      assert.same({}, { identity.sub, identity.username, identity.groups })
    end)

    it("says which modes there are, and that nothing is open but what a directive opens", function()
      local modes = described({ apiKeys = { "k" }, userPools = { { userPoolId = "us-east-1_A", keys = "f", defaultAction = "DENY" } },
        default = "AMAZON_COGNITO_USER_POOLS" }):auth_modes()
      assert.same({ default = "AMAZON_COGNITO_USER_POOLS", additional = { "API_KEY" }, is_strict = true, denies_by_default = true }, modes)
    end)

    it("is outdone by an option", function()
      local auth = described({ apiKeys = { "k" }, default = "API_KEY" }, { iam = { A = "S" }, default = "AWS_IAM" })
      assert.equal("AWS_IAM", auth:auth_modes().default)
    end)

    it("needs an authorizer where it has options for one", function()
      local file = assert(auth_file.read('{"apiKeys":["k"],"lambda":{}}'))
      assert.same({ nil, "lambda is set, but the resolvers file has no authorizer" }, { authorize.new({ file = file }) })
      local auth = described({ lambda = { identityValidationExpression = "good" } }, { authorizer = function() return true end })
      assert.is_table((check(auth, { authorization = "good" })))
      assert.equal(401, refused(auth, { authorization = "bad" }).status)
    end)
  end)

  local PUBLIC = tokens.PUBLIC
  local faults = {
    { "an empty secret", { { algorithm = "HS256", secret = "secret" }, { algorithm = "HS256", secret = "" } }, "[2]: secret is empty" },
    { "no secret", { { algorithm = "HS256" } }, "[1]: secret must be a string" },
    { "a public key as a secret", { { algorithm = "HS256", secret = PUBLIC } }, "[1]: secret is PEM, which may be public" },
    { "no algorithm", { { secret = "secret" } }, '[1]: algorithm must be "HS256" or "RS256"' },
    { "another algorithm", { { algorithm = "none", secret = "secret" } }, '[1]: algorithm must be "HS256" or "RS256"' },
    { "RS256 without PEM", { { algorithm = "RS256", secret = "secret" } }, "[1]: pem must be a string" },
    { "PEM that can't be read", { { algorithm = "RS256", pem = "x" } }, "[1]: no public key can be read" },
    { "a kid that is a number", { { algorithm = "HS256", secret = "s", kid = 1 } }, "[1]: kid must be a string" },
    { "a secret alone", { "secret" }, "[1]: a key must be a table" },
  }
  for _, row in ipairs(faults) do
    it("refuses keys for tokens that are given as tables with " .. row[1], function()
      assert.same({ nil, "jwt_keys" .. row[3] }, { authorize.new({ jwt_keys = row[2] }) })
      assert.same({ nil, "issuers[1].keys" .. row[3] }, { authorize.new({ file = { issuers = { { keys = row[2] } } } }) })
    end)
  end

  it("takes a public key as a table, as PEM", function()
    assert.is_table(authorize.new({ jwt_keys = { { algorithm = "RS256", pem = PUBLIC, kid = "k" } } }))
  end)

  it("refuses an API key and a secret of IAM that are empty", function()
    assert.same({ nil, "an API key is empty" }, { authorize.new({ api_keys = { "k", "" } }) })
    assert.same({ nil, "the secret of the access key A is empty" }, { authorize.new({ iam = { A = "" } }) })
  end)

  it("makes the first mode that is enabled the default", function()
    local modes = make({ iam = { A = "S" }, authorizer = function() end }):auth_modes()
    assert.same({ default = "AWS_IAM", additional = { "AWS_LAMBDA" } }, modes)
  end)

  it("takes the default that is asked for", function()
    local modes = make({ api_keys = { "k" }, jwt_keys = JWT_KEYS, default = "OPENID_CONNECT" }):auth_modes()
    assert.same({ default = "OPENID_CONNECT", additional = { "API_KEY", "AMAZON_COGNITO_USER_POOLS" } }, modes)
  end)

  it("refuses a default that isn't enabled", function()
    local auth, message = authorize.new({ api_keys = { "k" }, default = "AWS_IAM" })
    assert.is_nil(auth)
    assert.equal("the default authorization mode AWS_IAM isn't enabled", message)
  end)
end)
