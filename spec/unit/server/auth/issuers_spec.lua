local core = require("appsync.core")
local issuers = require("appsync.server.auth.issuers")

local NOW = 1700000000
local POOL = "https://cognito-idp.eu-west-1.amazonaws.com/eu-west-1_A"
local COGNITO, OIDC = "AMAZON_COGNITO_USER_POOLS", "OPENID_CONNECT"
local REFUSED = "You are not authorized to make this call."

local function part(value) return core.base64(core.encode(value), "url") end

local function token(claims, secret, header)
  if claims.exp == nil then claims.exp = NOW + 60 end
  local signed = part(header or { alg = "HS256" }) .. "." .. part(claims)
  return signed .. "." .. core.base64(core.hmac_sha256(secret or "a", signed), "url")
end

local function key(secret) return { { algorithm = "HS256", secret = secret } } end

local LIST = {
  { mode = COGNITO, issuer = POOL, keys = key("a"), clients = { "app1", "web-*" } },
  { mode = OIDC, issuer = "https://one.example/", keys = key("b") },
  { mode = OIDC, issuer = "https://two.example", keys = key("c"), iat_ttl_s = 100, auth_ttl_s = 200 },
}

local function check(claims, secret, list, header)
  return issuers.check(list or LIST, token(claims, secret, header), NOW)
end

describe("a token", function()
  it("is checked by the keys of its issuer alone", function()
    local claims, mode = check({ iss = "https://one.example/", sub = "s" }, "b")
    assert.equal("s", claims.sub)
    assert.equal(OIDC, mode)
    for _, secret in ipairs({ "a", "c" }) do
      assert.same({ nil, REFUSED }, { check({ iss = "https://one.example/" }, secret) })
    end
  end)

  it("may spell its issuer with a slash or without", function()
    assert.is_table((check({ iss = "https://one.example" }, "b")))
    assert.is_table((check({ iss = "https://two.example/", iat = NOW, auth_time = NOW }, "c")))
  end)

  it("of an issuer that isn't known is refused, whoever signed it", function()
    assert.same({ nil, REFUSED }, { check({ iss = "https://three.example" }, "b") })
    assert.same({ nil, REFUSED }, { check({ iss = POOL .. "B", client_id = "app1" }, "a") })
  end)

  it("of any issuer is taken by a provider that names none, where no other is of that name", function()
    local list = { LIST[1], { keys = key("z") } }
    assert.same({ OIDC, COGNITO }, { select(2, check({ iss = "x" }, "z", list)),
      (select(2, check({ iss = "https://cognito-idp.us-east-1.amazonaws.com/p" }, "z", list))) })
    assert.same({ nil, REFUSED }, { check({ iss = POOL, client_id = "app1" }, "z", list) })
  end)

  it("may be for one of two providers of the same issuer", function()
    local list = { { mode = OIDC, issuer = "i", keys = key("a"), clients = { "one" } },
      { mode = OIDC, issuer = "i", keys = key("b"), clients = { "two" } } }
    assert.is_table((check({ iss = "i", aud = "two" }, "b", list)))
    assert.is_nil((check({ iss = "i", aud = "one" }, "b", list)))
  end)

  -- the client that it is for
  for _, row in ipairs({
    { { client_id = "app1", token_use = "access" }, true }, { { aud = "app1", token_use = "id" }, true }, { { aud = "web-7" }, true },
    { { aud = { "x", "app1" } }, true }, { { azp = "app1" }, true }, { { client_id = "app2" }, false }, { {}, false },
    { { aud = 5 }, false }, { { aud = { 5 } }, false }, { { client_id = "app11" }, false },
    { { client_id = "app1", token_use = "refresh" }, false }, { { client_id = "app1", token_use = 5 }, false },
  }) do
    it(("with %s is %s"):format(core.encode(row[1]), row[2] and "taken" or "refused"), function()
      local claims = { iss = POOL }
      for name, value in pairs(row[1]) do claims[name] = value end
      local found, message = check(claims)
      assert.equal(row[2], found ~= nil)
      if not row[2] then assert.equal(REFUSED, message) end
    end)
  end

  -- its times, in seconds from now
  for _, row in ipairs({
    { { exp = 60 } }, { { exp = -4 } }, { { exp = -6 }, "Token has expired." }, { { exp = "soon" }, "Token has expired." },
    { { exp = false }, "Token has expired." }, { { nbf = 4 } }, { { nbf = 6 }, "Token is not valid yet." },
    { { nbf = "later" }, "Token is not valid yet." }, { { iat = -105 } }, { { iat = -106 }, "Token has expired." }, { { iat = -100 } },
    { { iat = false }, "Token has expired." }, { { auth_time = -206 }, "Token has expired." }, { { auth_time = -200 } },
    { { auth_time = "x" }, "Token has expired." },
  }) do
    it(("with %s is %s"):format(core.encode(row[1]), row[2] or "taken"), function()
      local claims = { iss = "https://two.example", iat = NOW, auth_time = NOW }
      for name, value in pairs(row[1]) do claims[name] = type(value) == "number" and NOW + value or value end
      local found, message = check(claims, "c")
      assert.equal(row[2] == nil, found ~= nil)
      if row[2] then assert.equal(row[2], message) end
    end)
  end

  it("of a refresh is refused by every provider, and another use by user pools", function()
    local any = { { keys = key("z") } }
    for _, row in ipairs({ { "x", "refresh", false }, { "x", "Refresh", false }, { "x", { "refresh" }, false }, { "x", 5, false },
      { "x", "other", true }, { "x", "access", true }, { POOL, "other", false }, { POOL, "refresh", false }, { POOL, "id", true } }) do
      local claims, message = check({ iss = row[1], token_use = row[2] }, "z", any)
      assert.equal(row[3], claims ~= nil)
      if not row[3] then assert.equal(REFUSED, message) end
    end
    assert.same({ nil, REFUSED }, { check({ iss = "https://one.example", token_use = "refresh" }, "b") })
  end)

  it("is refused when it is to refresh others, by its use or its type", function()
    local any = { { keys = key("z") } }
    for _, issuer in ipairs({ "x", POOL }) do
      for _, word in ipairs({ "refresh", "Refresh", "REFRESH" }) do
        for _, ending in ipairs({ "", "_token", "Token", "-token", " " }) do
          assert.same({ nil, REFUSED }, { check({ iss = issuer, token_use = word .. ending }, "z", any) })
        end
        assert.same({ nil, REFUSED }, { check({ iss = issuer, typ = word }, "z", any) })
        assert.same({ nil, REFUSED }, { check({ iss = issuer }, "z", any, { alg = "HS256", typ = word }) })
      end
      for _, typ in ipairs({ "Bearer", "JWT", "ID", "at+jwt", 5 }) do
        assert.is_table((check({ iss = issuer, typ = typ }, "z", any, { alg = "HS256", typ = typ })))
      end
    end
    assert.is_table((check({ iss = "x", token_use = "not refresh" }, "z", any)))
  end)

  it("is as old as a time says that is one", function()
    for _, iat in ipairs({ math.huge, 1e300, "1700000000", -1 }) do
      local text = type(iat) == "string" and '"' .. iat .. '"' or iat == math.huge and "1e999" or ("%.0f"):format(iat)
      local signed = part({ alg = "HS256" }) .. "." .. core.base64(
        ('{"iss":"https://two.example","exp":%d,"auth_time":%d,"iat":%s}'):format(NOW + 60, NOW, text), "url")
      assert.same({ nil, "Token has expired." },
        { issuers.check(LIST, signed .. "." .. core.base64(core.hmac_sha256("c", signed), "url"), NOW) })
    end
  end)

  it("that is none is told so", function()
    for _, text in ipairs({ "", "a", "a.b", "a.b.c", "..", "!.!.!", token({ iss = 5 }), token({ iss = "" }), token({}),
      part(5) .. "." .. part(5) .. ".x", part(5) .. "." .. part({ iss = POOL, exp = NOW }) .. ".x",
      part({ alg = "HS256" }) .. "." .. part("x") .. ".x", part({ alg = "HS256" }) .. "." .. part({ iss = POOL }) .. ".y" }) do
      assert.same({ nil, "Unable to parse JWT token." }, { issuers.check(LIST, text, NOW) })
    end
  end)

  it("that says itself how it was signed isn't believed", function()
    for _, header in ipairs({ { alg = "none" }, { alg = "RS256" }, { alg = "HS384" }, { alg = 5 }, { typ = "JWT" } }) do
      assert.same({ nil, REFUSED }, { check({ iss = "https://one.example" }, "b", LIST, header) })
    end
    local unsigned = part({ alg = "none" }) .. "." .. part({ iss = "https://one.example", exp = NOW + 9 }) .. "."
    assert.same({ nil, REFUSED }, { issuers.check(LIST, unsigned, NOW) })
  end)
end)
