local core = require("appsync.core")
local jwt = require("appsync.server.auth.jwt")
local jwt_keys = require("appsync.server.auth.jwt_keys")
local tokens = require("spec.support.tokens")

local NOW = 1900000000

-- Made with openssl: a key pair that was thrown away, and one token of it (kid k1, exp 2000000000).
local PEM = tokens.PUBLIC
local MODULUS = "8zlPjqV7ryDmgcrI0bnsUZFgiXn0zKw90BWmh9GnBBvVepP7xIs3LI0PK5-h5b9SENNC2KG9RSnEeJpb6Vq9pmYdfD0uNRXE8wI2"
    .. "_OV8Y7ctkuTa21PP87FNNl2kvbWPZdxdQ1Jx4ex-aILc2BpTQhFTUkE2aJLwJXzVpvJGYZfv4rOmn7HMWmtU6gD7FTN1OadO1_M6"
    .. "sY2NyPRiO2XnoJ7zLTVDybCsrN39uS1ZuwNSyirD5v63hpp2Se_C6zNaHGiBMBwAj_8_JqW2L3usVx8dv0HTwaVG-sW0nGaoar4X"
    .. "Y5GeZuqcAs6VWSaR8XykBY14PoBN7hTxWH_ywnJkAw"
local TOKEN = "eyJhbGciOiJSUzI1NiIsImtpZCI6ImsxIn0.eyJpc3MiOiJodHRwczovL2NvZ25pdG8taWRwLnVzLWVhc3QtMS5hbWF6b25hd3Mu"
    .. "Y29tL3VzLWVhc3QtMV9BIiwic3ViIjoicy0xIiwidXNlcm5hbWUiOiJhbm4iLCJjb2duaXRvOmdyb3VwcyI6WyJBZG1pbnMiXSwi"
    .. "dG9rZW5fdXNlIjoiYWNjZXNzIiwiZXhwIjoyMDAwMDAwMDAwfQ.GB3SGY0mnGhHfwFQrvtgccJzinS1kUv-2O6kA11ojsd21OKzF"
    .. "tP-wzAaW3t9swl_O9nLQJczEUqY4mwMuHUPvAtvRClBBuFyI5KIjoxG-tabgSXVq-v-4P4CorNtWO502_to1wzKp2oPXlQewVZkw"
    .. "GDebat3Wui_VuKpLwomrCsjRSMxi6w8Dkby58qgHxdPBGppmGj14XXm2Yc_9GXsqinLG4BlehOjU9W8vcRFf7DE8cbUy9yWbOWko"
    .. "TMmyX9IGpi03-Hvh1wzG5zBV7ySe24fCNhwmmGhEgOTOyy-SGJL8LRGl4mu9f9AJrI-mV5j2FZJlR9BSGjf5ZVKMl8zEw"

local function token(claims, secret, header)
  local signed = core.base64(core.encode(header or { alg = "HS256", typ = "JWT" }), "url")
    .. "."
    .. core.base64(core.encode(claims), "url")
  return signed .. "." .. core.base64(core.hmac_sha256(secret, signed), "url")
end

local function claims(changes)
  local all = { iss = "https://issuer.example", sub = "u", exp = NOW + 60 }
  for name, value in pairs(changes or {}) do
    all[name] = value or nil
  end
  return all
end

local function verify(text, keys, now)
  local parsed = jwt.parse(text)
  if not parsed then return nil, jwt.UNREADABLE end
  return jwt.claims(parsed, keys, now)
end

local HS256 = { { algorithm = "HS256", secret = "secret" } }

describe("the verification of JSON Web Tokens", function()
  it("knows the signature of RFC 7515, appendix A.1", function()
    local secret = "AyM1SysPpbyDfgZld3umj1qzKObwVMkoqQ-EstJQLr_T-1qS0gZH75aKtMN3Yj0iPS4hcgUuTwjAzZr1Z9CAow"
    local text = "eyJ0eXAiOiJKV1QiLA0KICJhbGciOiJIUzI1NiJ9."
      .. "eyJpc3MiOiJqb2UiLA0KICJleHAiOjEzMDA4MTkzODAsDQogImh0dHA6Ly9leGFt"
      .. "cGxlLmNvbS9pc19yb290Ijp0cnVlfQ.dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk"
    local keys = jwt_keys.read(core.encode({ kty = "oct", k = secret }))
    assert.equal("joe", verify(text, keys, 1300819380).iss)
  end)

  it("accepts RS256 by a PEM key", function()
    assert.equal("ann", verify(TOKEN, jwt_keys.read(PEM), NOW).username)
  end)

  it("accepts RS256 by a JWKS, and makes of it the same PEM", function()
    local jwks = core.encode({ keys = { { kty = "EC" }, { kty = "RSA", kid = "k1", n = MODULUS, e = "AQAB" } } })
    local keys = jwt_keys.read(jwks)
    assert.equal(1, #keys)
    assert.equal(PEM, keys[1].pem)
    assert.equal("ann", verify(TOKEN, keys, NOW).username)
  end)

  it("passes over a key of another kid", function()
    local jwks = core.encode({ keys = { { kty = "RSA", kid = "k2", n = MODULUS, e = "AQAB" } } })
    local result, message = verify(TOKEN, jwt_keys.read(jwks), NOW)
    assert.is_nil(result)
    assert.equal("You are not authorized to make this call.", message)
  end)

  it("refuses an RS256 token whose claims were changed", function()
    local head, _, signature = TOKEN:match("^(.-)%.(.-)%.(.*)$")
    local forged = head .. "." .. core.base64(core.encode(claims()), "url") .. "." .. signature
    assert.is_nil((verify(forged, jwt_keys.read(PEM), NOW)))
  end)

  it("doesn't take a public key for an HS256 secret", function()
    local forged = token(claims(), PEM)
    assert.is_nil((verify(forged, jwt_keys.read(PEM), NOW)))
  end)

  it("refuses tokens without a signature", function()
    local head = core.base64('{"alg":"none"}', "url")
    local body = core.base64(core.encode(claims()), "url")
    assert.is_nil((verify(head .. "." .. body .. ".", HS256, NOW)))
  end)

  it("accepts HS256 by a raw secret, whose last line break doesn't count", function()
    local keys = jwt_keys.read("secret\n")
    assert.equal("u", verify(token(claims(), "secret"), keys, NOW).sub)
    assert.is_nil((verify(token(claims(), "other"), keys, NOW)))
  end)

  it("takes no time that a double doesn't hold as it is written", function()
    local function with(times)
      local signed = core.base64('{"alg":"HS256"}', "url") .. "." .. core.base64(('{"iss":"i",%s}'):format(times), "url")
      return verify(signed .. "." .. core.base64(core.hmac_sha256("secret", signed), "url"), HS256, 1700000000)
    end
    for _, exp in ipairs({ "1700000060", "1.70000006e9", "1700000060.0", "1700000060.25", "1700000060.1234567" }) do assert.is_table((with('"exp":' .. exp))) end
    for _, exp in ipairs({ "1700000060.0000000000001", "1e400", "17000000600000000000000000000" }) do
      assert.same({ nil, "Token has expired." }, { with('"exp":' .. exp) })
    end
    for _, nbf in ipairs({ "1e-400", "1699999999.9999999999999", "-1e400" }) do
      assert.same({ nil, "Token is not valid yet." }, { with('"exp":1700000060,"nbf":' .. nbf) })
    end
  end)

  it("refuses a token with extensions that must be understood, however it is signed", function()
    for _, crit in ipairs({ { "exp" }, { "b64" }, {}, "exp", 5, core.null }) do
      local result, message = verify(token(claims(), "secret", { alg = "HS256", crit = crit, b64 = true }), HS256, NOW)
      assert.is_nil(result)
      assert.equal(jwt.NOT_AUTHORIZED, message)
    end
  end)

  it("takes the algorithm's name as it is written, and no key for another one's", function()
    for _, alg in ipairs({ "hs256", "HS256 ", "none", "None", "NONE", "nOnE", "", "RS256", 256, core.null, { "HS256" } }) do
      assert.is_nil((verify(token(claims(), "secret", { alg = alg }), HS256, NOW)))
    end
    local both = assert(jwt_keys.read(core.encode({ { kty = "RSA", kid = "k1", n = MODULUS, e = "AQAB" }, { kty = "oct", kid = "k1", k = "c2VjcmV0" } })))
    assert.is_table((verify(token(claims(), "secret", { alg = "HS256", kid = "k1" }), both, NOW)))
    for _, secret in ipairs({ PEM, both[1].pem, MODULUS, "" }) do
      assert.is_nil((verify(token(claims(), secret, { alg = "HS256", kid = "k1" }), both, NOW)))
    end
  end)

  it("reads a claim that stands there twice as its last value (RFC 7519 section 4)", function()
    local head = core.base64('{"alg":"HS256"}', "url")
    local signed = head .. "." .. core.base64(('{"iss":"a","exp":%d,"sub":"one","sub":"two"}'):format(NOW + 9), "url")
    assert.equal("two", verify(signed .. "." .. core.base64(core.hmac_sha256("secret", signed), "url"), HS256, NOW).sub)
  end)

  -- as JSON has it: exp, nbf
  for _, row in ipairs({
    { '"exp":1e999', "Token has expired." }, { '"exp":-1e999', "Token has expired." }, { '"exp":9007199254740992', "Token has expired." },
    { '"exp":99999999999999999999', "Token has expired." }, { '"exp":-5', "Token has expired." }, { '"exp":"1900000060"', "Token has expired." },
    { '"exp":null', "Token has expired." }, { '"exp":[1900000060]', "Token has expired." }, { '"exp":true', "Token has expired." },
    { '"exp":1900000000.5' }, { '"exp":1.9e9' }, { '"exp":9007199254740991' }, { '"exp":1900000060,"nbf":-1e999', "Token is not valid yet." },
    { '"exp":1900000060,"nbf":null', "Token is not valid yet." }, { '"exp":1900000060,"nbf":1e999', "Token is not valid yet." },
    { '"exp":1900000060,"nbf":-5' },
  }) do
    it(("%s a token with %s"):format(row[2] and "refuses" or "takes", row[1]), function()
      local signed = core.base64('{"alg":"HS256"}', "url") .. "." .. core.base64('{"iss":"a",' .. row[1] .. "}", "url")
      local result, message = verify(signed .. "." .. core.base64(core.hmac_sha256("secret", signed), "url"), HS256, NOW)
      assert.equal(row[2] == nil, result ~= nil)
      assert.equal(row[2], message)
    end)
  end

  local faults = {
    { "an expired token", { exp = NOW - 6 }, "Token has expired." },
    { "a token without exp", { exp = false }, "Token has expired." },
    { "a token that isn't valid yet", { nbf = NOW + 6 }, "Token is not valid yet." },
    { "a token without an issuer", { iss = false }, "Unable to parse JWT token." },
  }
  for _, fault in ipairs(faults) do
    it("refuses " .. fault[1], function()
      local result, message = verify(token(claims(fault[2]), "secret"), HS256, NOW)
      assert.is_nil(result)
      assert.equal(fault[3], message)
    end)
  end

  it("takes nothing that is signed with an empty key", function()
    local result, message = verify(token(claims(), ""), { { algorithm = "HS256", secret = "" } }, NOW)
    assert.same({ nil, jwt.NOT_AUTHORIZED }, { result, message })
  end)

  it("gives clocks a few seconds", function()
    assert.is_table((verify(token(claims({ exp = NOW - 5, nbf = NOW + 5 }), "secret"), HS256, NOW)))
  end)

  it("says of text that is no token that it can't be parsed", function()
    for _, text in ipairs({ "", "abc", "a.b", "a.b.c", "!.!.!", "e30.W10.x!" }) do
      local result, message = verify(text, HS256, NOW)
      assert.is_nil(result)
      assert.equal("Unable to parse JWT token.", message)
    end
  end)

  it("tells what is wrong with a key file", function()
    local broken = "-----BEGIN PUBLIC KEY-----\nAAAA\n-----END PUBLIC KEY-----\n"
    for _, text in ipairs({ "", "\n", '{"keys":[]}', broken }) do
      local keys, message = jwt_keys.read(text)
      assert.is_nil(keys)
      assert.is_string(message)
    end
  end)

  it("takes no JSON that is broken for a secret", function()
    local keys, message = jwt_keys.read('{"keys": [{"kty": "oct"')
    assert.is_nil(keys)
    assert.matches("^the JSON can't be read: ", message)
  end)
end)
