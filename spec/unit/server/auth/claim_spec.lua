local authorize = require("appsync.server.auth.authorize")
local claim = require("appsync.server.auth.claim")
local core = require("appsync.core")
local engine = require("appsync.server.engine")

local NOW = 1700000000
local SECRET = "secret"

-- Signed as it is written, so that numbers are those of the text.
local function token(claims_text)
  local signed = core.base64('{"alg":"HS256"}', "url") .. "." .. core.base64(claims_text, "url")
  return signed .. "." .. core.base64(core.hmac_sha256(SECRET, signed), "url")
end

local function check(members)
  local auth = assert(authorize.new({ jwt_keys = { { algorithm = "HS256", secret = SECRET } }, now = function() return NOW end }))
  local text = ('{"iss":"https://i.example","exp":%d%s}'):format(NOW + 60, members)
  return auth:check({ headers = { authorization = token(text) }, method = "POST", path = "/graphql", body = "{}" })
end

-- Numbers that 14 digits or a double make one.
local LONG = { "9007199254740991", "9007199254740992", "9007199254740993", "12345678901234567", "12345678901234568",
  "100000000000000000000000000000001", "100000000000000000000000000000002", "-9007199254740992", "-9007199254740993",
  "9223372036854775807", "9223372036854775808", "123456789012345", "123456789012346", "1", "1.0000000000000000001", "0.99999999999999999999",
  "4503599627370496", "4503599627370496.5", "0", "1e-400", "1e-401", "-1e-400", "1e999", "1e998" }

describe("a number in a claim that names a user", function()
  for _, digits in ipairs(LONG) do
    it("is that user's name in all its digits: " .. digits, function()
      local identity = assert(check(',"sub":' .. digits))
      assert.equal(digits, identity.sub)
      assert.equal(digits, identity.username)
    end)
  end

  for _, text in ipairs({ "1.5", "0.1", "1e300", "1e16", "-1e16", "100000000000000000.0" }) do
    it("is refused when it isn't exact: " .. text, function()
      local identity, refusal = check(',"sub":' .. text)
      assert.is_nil(identity)
      assert.equal(401, refusal.status)
      assert.equal("The claim 'sub' is a number that isn't exact: a name must be a string or an integer.", refusal.message)
    end)
  end

  it("is refused in a user pool's names too", function()
    for _, name in ipairs({ "username", "cognito:username" }) do
      local identity, refusal = check((',"sub":"s","%s":0.5'):format(name))
      assert.is_nil(identity)
      assert.matches("The claim '" .. name .. "'", refusal.message, 1, true)
    end
  end)

  it("may be written as a fraction that is an integer", function()
    assert.equal("1000", assert(check(',"sub":1e3')).sub)
    assert.equal("0", assert(check(',"sub":-0.0')).sub)
  end)

  it("is no name when it is anything else", function()
    for _, value in ipairs({ true, core.null, {}, "" }) do assert.is_nil(claim.text(value)) end
  end)
end)

describe("the owner of a record", function()
  local served

  after_each(function() served:close() end)

  local function run(query, members)
    local answer = core.decode((served:execute({ query = query, identity = assert(check(members)) })))
    return answer.data, answer.errors and answer.errors[1].message
  end

  local function make(rules)
    served = assert(engine.new({
      schema_text = ("type Note @model @auth(rules: [%s]) { id: ID! owner: String team: String }"):format(rules),
      auth_modes = { default = "OPENID_CONNECT", additional = {} },
    }))
  end

  it("is the user alone whose number it is", function()
    make("{allow: owner, provider: oidc, identityClaim: \"uid\"}")
    for i, digits in ipairs(LONG) do
      local created = run(('mutation { createNote(input: {id: "%d"}) { owner } }'):format(i), ',"uid":' .. digits)
      assert.equal(digits, created.createNote.owner)
    end
    for i, digits in ipairs(LONG) do
      local listed = run("{ listNotes { items { id } } }", ',"uid":' .. digits)
      assert.same({ { id = tostring(i) } }, listed.listNotes.items)
    end
  end)

  it("is nobody with a number that isn't exact", function()
    make("{allow: owner, provider: oidc, identityClaim: \"uid\"}")
    local _, message = run("{ listNotes { items { id } } }", ',"uid":0.1')
    assert.equal("Not Authorized: the claim 'uid' is a number that isn't exact: a name must be a string or an integer.", message)
  end)

  it("may be a group whose name is a number", function()
    make("{allow: groups, provider: oidc, groupsField: \"team\", groupClaim: \"teams\"}")
    assert.is_nil(select(2, run('mutation { createNote(input: {id: "1", team: "9007199254740993"}) { id } }',
      ',"teams":[9007199254740993]')))
    assert.same({}, run("{ listNotes { items { id } } }", ',"teams":[9007199254740992]').listNotes.items)
    assert.same({}, run("{ listNotes { items { id } } }", ',"teams":9007199254740992').listNotes.items)
    assert.equal(1, #run("{ listNotes { items { id } } }", ',"teams":"[9007199254740993]"').listNotes.items)
  end)
end)
