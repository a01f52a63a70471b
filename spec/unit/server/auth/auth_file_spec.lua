-- The file of --auth: what it says is what the server holds to, and what it can't mean is refused by name.
local auth_file = require("appsync.server.auth.auth_file")
local core = require("appsync.core")

local JWKS = { keys = { { kty = "oct", k = core.base64("secret", "url") } } }
local FILES = { ["key.txt"] = "secret\n", ["set.json"] = core.encode(JWKS), ["empty"] = "" }

local function read_file(name)
  if FILES[name] then return FILES[name] end
  return nil, name .. ": there is no such file"
end

local function read(value)
  return auth_file.read(type(value) == "string" and value or core.encode(value), read_file)
end

local function user(more)
  local entry = { accessKeyId = "AK", secretAccessKey = "hidden-secret" }
  for name, value in pairs(more or {}) do entry[name] = value end
  return entry
end

describe("the authorization file", function()
  it("may be empty", function()
    local file = assert(read("{}"))
    assert.same({ region = "us-east-1", account_id = "000000000000", api_id = "local" }, file.api)
    assert.same({ {}, {}, {} }, { file.api_keys, file.iam, file.issuers })
    assert.is_nil(file.lambda)
  end)

  it("has API keys, that may end", function()
    local file = assert(read({ apiKeys = { "one", { key = "two", expires = 1000 }, { key = "three", expires = "2027-01-31T00:00:00Z" },
      { key = "four", expires = "1970-01-01T00:00:01.5Z" } }, default = "API_KEY" }))
    assert.same({ { key = "one" }, { key = "two", expires_at = 1000 }, { key = "three", expires_at = 1801353600 },
      { key = "four", expires_at = 1 } }, file.api_keys)
    assert.equal("API_KEY", file.default)
  end)

  it("has IAM users", function()
    local file = assert(read({ accountId = "111122223333", iam = { user({ username = "ann" }), user({ accessKeyId = "B", isAdmin = true,
      userArn = "arn:aws:iam::999999999999:user/x" }) } }))
    local ann, other = file.iam.AK, file.iam.B
    assert.same({ secret = "hidden-secret", is_permanent = true }, ann.key)
    assert.same({ "ann", "arn:aws:iam::111122223333:user/ann", "111122223333" }, { ann.username, ann.user_arn, ann.account_id })
    assert.is_nil(ann.policy)
    assert.is_true(other.is_admin)
    assert.equal("999999999999", other.account_id)
  end)

  it("has temporary credentials of a role of an identity pool", function()
    local file = assert(read({
      region = "eu-west-1", accountId = "1", apiId = "abc",
      roles = { authRole = { arn = "arn:aws:iam::222233334444:role/app-auth", policies = { { Statement = { { Effect = "Allow",
        Action = "appsync:GraphQL", Resource = "arn:aws:appsync:eu-west-1:1:apis/abc/types/Query/*" } } } } } },
      iam = { user({ sessionToken = "tok", expiration = 2000, role = "authRole", cognitoIdentityAuthType = "authenticated",
        cognitoIdentityId = "eu:1", cognitoIdentityPoolId = "eu:p", cognitoIdentityAuthProvider = "prov",
        policies = { { Effect = "Deny", Action = "*", Resource = "*/fields/hidden" } } }) },
    }))
    local p = file.iam.AK
    assert.same({ secret = "hidden-secret", session_token = "tok", is_permanent = false, expires_at = 2000, region = "eu-west-1" }, p.key)
    assert.equal("arn:aws:sts::222233334444:assumed-role/app-auth/CognitoIdentityCredentials", p.user_arn)
    assert.same({ type = "authenticated", id = "eu:1", pool_id = "eu:p", provider = "prov" }, p.cognito)
    assert.same({ "allow", "deny", "none" },
      { p.policy:decision("Query", "a"), p.policy:decision("Query", "hidden"), p.policy:decision("Mutation", "a") })
  end)

  it("has user pools and issuers, with keys in files or at hand", function()
    local file = assert(read({
      userPools = { { userPoolId = "eu-west-1_A", appIdClientRegex = "^app1$|web-.*", keys = "key.txt" },
        { userPoolId = "p", issuer = "http://localhost:9/p", keys = "set.json", defaultAction = "DENY" },
        { userPoolId = "p", awsRegion = "us-east-2", keys = JWKS } },
      oidc = { { issuer = "https://i.example", clientId = "a.b", iatTTL = 1500, authTTL = 0, keys = "set.json" } },
    }))
    local one, two, three, oidc = file.issuers[1], file.issuers[2], file.issuers[3], file.issuers[4]
    assert.equal("https://cognito-idp.eu-west-1.amazonaws.com/eu-west-1_A", one.issuer)
    assert.same({ "app1", "web-*" }, one.clients)
    assert.same({ { algorithm = "HS256", secret = "secret" } }, one.keys)
    assert.equal("http://localhost:9/p", two.issuer)
    assert.equal("https://cognito-idp.us-east-2.amazonaws.com/p", three.issuer)
    assert.equal("secret", three.keys[1].secret)
    assert.is_true(file.denies_by_default)
    assert.same({ "AMAZON_COGNITO_USER_POOLS", "OPENID_CONNECT" }, { one.mode, oidc.mode })
    assert.same({ { "a?b" }, 1.5 }, { oidc.clients, oidc.iat_ttl_s })
    assert.is_nil(oidc.auth_ttl_s)
  end)

  it("denies by default only where a pool says so", function()
    assert.is_nil(assert(read({ userPools = { { userPoolId = "a_b", keys = "key.txt" } } })).denies_by_default)
    assert.is_nil(assert(read({ userPools = { { userPoolId = "a_b", keys = "key.txt", defaultAction = "ALLOW" } } })).denies_by_default)
  end)

  it("names the user of a role's session", function()
    local file = assert(read({ roles = { r = {} }, iam = { user({ role = "r", username = "ann" }), user({ role = "r", accessKeyId = "B" }) } }))
    assert.equal("arn:aws:sts::000000000000:assumed-role/r/ann", file.iam.AK.user_arn)
    assert.equal("arn:aws:sts::000000000000:assumed-role/r/B", file.iam.B.user_arn)
  end)

  -- an expression, the patterns that it means; nil: it is refused
  for _, row in ipairs({
    { "a", { "a" } }, { "a|b", { "a", "b" } }, { "^a$", { "a" } }, { "a.c", { "a?c" } }, { "a.*", { "a*" } }, { "a.+", { "a?*" } },
    { "a\\.b", { "a.b" } }, { "a\\-b", { "a-b" } }, { "a\\d", nil }, { "[a]", nil }, { "a?", nil }, { "a*", nil }, { "a+", nil }, { "(a)", nil },
    { "a{2}", nil }, { "a^b", nil }, { "a$b", nil }, { "a\\", nil },
  }) do
    it(("%s the expression %s"):format(row[2] and "understands" or "refuses", row[1]), function()
      local file = read({ oidc = { { issuer = "i", keys = "key.txt", clientId = row[1] } } })
      assert.same(row[2], file and file.issuers[1].clients)
    end)
  end

  it("may leave members null", function()
    local file = assert(auth_file.read('{"default": null, "apiKeys": [{"key": "k", "expires": null}], "lambda": null}', function() end))
    assert.same({ { key = "k" } }, file.api_keys)
    assert.is_nil(file.default)
    assert.is_nil(file.lambda)
  end)

  it("has options of the Lambda authorizer", function()
    assert.same({ ttl_s = 60, tokens = { "custom-?*" } },
      assert(read({ lambda = { authorizerResultTtlInSeconds = 60, identityValidationExpression = "^custom-.+$" } })).lambda)
  end)

  -- what is wrong, and what is said
  for _, row in ipairs({
    { "[", "it isn't JSON: " }, { "5", "it must be a JSON object" }, { "[]", "the file must be an object" }, { "[1]", "the file must be an object" },
    { { apikeys = {} }, 'unknown key "apikeys"; did you mean "apiKeys"?' },
    { { nothingLikeIt = 1 }, 'unknown key "nothingLikeIt"; there are accountId, apiId, apiKeys, default, iam, lambda, oidc, region, roles, userPools' },
    { { default = "API_KEYS" }, "default must be one of AMAZON_COGNITO_USER_POOLS, API_KEY, AWS_IAM, AWS_LAMBDA, OPENID_CONNECT; did you mean API_KEY?" },
    { { region = 5 }, '"region" must be a non-empty string' }, { { apiKeys = { a = 1 } }, '"apiKeys" must be a list' }, { { apiKeys = "k" }, '"apiKeys" must be a list' },
    { { apiKeys = { 5 } }, "apiKeys[1] must be an object" }, { { apiKeys = { "a", {} } }, 'apiKeys[2]: "key" is missing' },
    { { apiKeys = { { key = "" } } }, 'apiKeys[1]: "key" must be a non-empty string' },
    { { apiKeys = { { key = "k", expire = 1 } } }, 'apiKeys[1]: unknown key "expire"; did you mean "expires"?' },
    { { apiKeys = { { key = "k", expires = "tomorrow" } } },
      'apiKeys[1]: "expires" must be seconds since 1970, or a time as "2027-01-31T00:00:00Z"' },
    { { apiKeys = { { key = "k", expires = -1 } } }, 'apiKeys[1]: "expires" must be seconds' },
    { { apiKeys = { { key = "k", expires = "2027-13-31T00:00:00Z" } } }, 'apiKeys[1]: "expires" must be seconds' },
    { { iam = { {} } }, 'iam[1]: "accessKeyId" is missing' }, { { iam = { { accessKeyId = "A" } } }, 'iam[1]: "secretAccessKey" is missing' },
    { { iam = { user({ secretKey = "x" }) } }, 'iam[1]: unknown key "secretKey"' },
    { { iam = { user({ role = "authrole" }) }, roles = { authRole = {} } }, "iam[1].role names a role that isn't in roles; did you mean authRole?" },
    { { iam = { user({ role = "x" }) } }, "iam[1].role names a role that isn't in roles" },
    { { iam = { user(), user() } }, "iam[2].accessKeyId is given twice" },
    { { iam = { user({ cognitoIdentityAuthType = "auth" }) } }, "iam[1].cognitoIdentityAuthType must be one of authenticated, unauthenticated" },
    { { iam = { user({ cognitoIdentityId = "x" }) } }, "iam[1].cognitoIdentityId also needs cognitoIdentityAuthType" },
    { { iam = { user({ policies = { { Effect = "Allow" } } }) } }, "iam[1].policies[1] needs either Action or NotAction" },
    { { roles = { r = { policies = { 1 } } } }, "roles.r.policies[1] must be a policy or a list of them" },
    { { roles = { r = { polices = {} } } }, 'roles.r: unknown key "polices"; did you mean "policies"?' }, { { roles = { r = 1 } }, "roles.r must be an object" },
    { { userPools = { { keys = "key.txt" } } }, 'userPools[1]: "userPoolId" is missing' },
    { { userPools = { { userPoolId = "a_b", keys = core.null } } }, 'userPools[1]: "keys" is missing' },
    { { userPools = { { userPoolId = "a_b" } } }, 'userPools[1]: "keys" is missing' },
    { { userPools = { { userPoolId = "ab", keys = "key.txt" } } }, "userPools[1].awsRegion is missing, and userPoolId doesn't begin with a region" },
    { { userPools = { { userPoolId = "a_b", keys = "nowhere" } } }, "userPools[1].keys: nowhere: there is no such file" },
    { { userPools = { { userPoolId = "a_b", keys = "empty" } } }, "userPools[1].keys: the file is empty" },
    { { userPools = { { userPoolId = "a_b", keys = 5 } } }, "userPools[1].keys must be the name of a file, or a JSON Web Key Set" },
    { { userPools = { { userPoolId = "a_b", keys = { keys = {} } } } }, "userPools[1].keys: the JSON holds no RSA or oct key" },
    { { userPools = { { userPoolId = "a_b", keys = "key.txt", defaultAction = "DENIED" } } }, "userPools[1].defaultAction must be one of ALLOW, DENY" },
    { { userPools = { { userPoolId = "a_b", keys = "key.txt", appIdClientRegex = "[a-z]+" } } },
      "userPools[1].appIdClientRegex uses unsupported syntax of regular expressions: it" },
    { { oidc = { { issuer = "i", keys = "key.txt", clientID = "x" } } }, 'oidc[1]: unknown key "clientID"; did you mean "clientId"?' },
    { { oidc = { { issuer = "i", keys = "key.txt", iatTTL = "1" } } }, 'oidc[1]: "iatTTL" must be a number of at least 0' },
    { { lambda = { ttl = 5 } }, 'lambda: unknown key "ttl"' },
    { { lambda = { authorizerResultTtlInSeconds = 3601 } }, 'lambda: "authorizerResultTtlInSeconds" must be a number between 0 and 3600' },
    { { lambda = { identityValidationExpression = "(a)" } }, "lambda.identityValidationExpression uses unsupported syntax of regular" },
  }) do
    it(("%s: %s"):format(type(row[1]) == "string" and row[1] or core.encode(row[1]), row[2]), function()
      local file, message = read(row[1])
      assert.is_nil(file)
      assert.equal(row[2], message:sub(1, #row[2]))
      assert.is_nil(message:find("hidden", 1, true))
    end)
  end

  it("is as the manual has it", function()
    local page = assert(io.open("docs/server-auth.md", "rb"))
    local text = page:read("*a")
    page:close()
    local file = assert(auth_file.read(text:match("```json\n(.-)```"), function(name)
      assert(name == "pool-jwks.json" or name == "login.pem", name)
      return "secret"
    end))
    local member, guest = file.iam.ASIAMEMBER, file.iam.ASIAGUEST
    assert.equal("arn:aws:sts::111122223333:assumed-role/app-authRole/CognitoIdentityCredentials", member.user_arn)
    assert.same({ "allow", "deny" }, { member.policy:decision("Query", "a"), member.policy:decision("Mutation", "deletePost") })
    assert.same({ "allow", "none" }, { guest.policy:decision("Query", "listPosts"), guest.policy:decision("Query", "getPost") })
    assert.same({ "web-app", "ios-*" }, file.issuers[1].clients)
    assert.equal(3, #file.issuers)
  end)

  it("doesn't hide a mistake of its own", function()
    assert.has_error(function() auth_file.read('{"oidc":[{"issuer":"i","keys":"x"}]}', function() error("broken", 0) end) end, "broken")
  end)
end)
