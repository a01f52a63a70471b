local core = require("appsync.core")
local identity = require("appsync.server.auth.identity")

local NULL = core.null

describe("ctx.identity", function()
  it("isn't there for an API key, nor for nobody", function()
    assert.is_nil(identity.shown({ mode = "API_KEY" }))
    assert.is_nil(identity.shown(nil))
  end)

  it("of a user of a user pool", function()
    local claims = { iss = "i", sub = "s" }
    assert.same({ sub = "s", issuer = "i", username = "u", claims = claims, sourceIp = { "1.2.3.4" }, defaultAuthStrategy = "ALLOW",
      groups = { "g" } }, identity.shown({ mode = "AMAZON_COGNITO_USER_POOLS", sub = "s", username = "u", claims = claims,
      groups = { "g" }, source_ip = { "1.2.3.4" } }))
    assert.equal(NULL, identity.shown({ mode = "AMAZON_COGNITO_USER_POOLS", claims = claims }).groups)
  end)

  it("of an OpenID Connect user", function()
    local claims = { iss = "i", sub = "s", more = 1 }
    assert.same({ sub = "s", issuer = "i", claims = claims },
      identity.shown({ mode = "OPENID_CONNECT", sub = "s", username = "s", claims = claims }))
  end)

  it("of an IAM user and of a role of an identity pool", function()
    assert.same({ accountId = "1", cognitoIdentityPoolId = NULL, cognitoIdentityId = NULL, sourceIp = { "::1" }, username = "ann",
      userArn = "arn:u", cognitoIdentityAuthType = NULL, cognitoIdentityAuthProvider = NULL },
      identity.shown({ mode = "AWS_IAM", username = "ann", source_ip = { "::1" }, iam = { account_id = "1", user_arn = "arn:u" } }))
    local of_pool = identity.shown({ mode = "AWS_IAM", username = "ann", source_ip = {}, iam = { account_id = "1", user_arn = "arn:r",
      cognito = { pool_id = "p", id = "i", type = "authenticated", provider = "x" } } })
    assert.same({ "p", "i", "authenticated", "x" }, { of_pool.cognitoIdentityPoolId, of_pool.cognitoIdentityId,
      of_pool.cognitoIdentityAuthType, of_pool.cognitoIdentityAuthProvider })
  end)

  it("of a Lambda authorizer's caller", function()
    assert.same({ resolverContext = { a = "1" } }, identity.shown({ mode = "AWS_LAMBDA", resolver_context = { a = "1" } }))
    assert.same({ resolverContext = {} }, identity.shown({ mode = "AWS_LAMBDA" }))
  end)
end)

describe("the addresses of a request", function()
  for _, row in ipairs({
    { "127.0.0.1:5000", nil, { "127.0.0.1" } }, { "::1:5000", nil, { "::1" } }, { nil, nil, { "127.0.0.1" } },
    { "127.0.0.1:5000", "1.2.3.4, 5.6.7.8", { "1.2.3.4", "5.6.7.8" } },
  }) do
    it(("are %s"):format(table.concat(row[3], " ")), function()
      local list = identity.source_ip({ peer = row[1], headers = { ["x-forwarded-for"] = row[2] } })
      assert.same(row[3], { list[1], list[2] })
    end)
  end
end)
