local auth = require "appsync.auth"
local parse_date = require "appsync.auth.date"
local process = require "spec.support.process"
local profiles = require "appsync.auth.profiles"

local function env(variables)
  return function(name) return variables[name] end
end

after_each(process.stop_all)

local function expect_err(code, text, credentials, err)
  assert.is_nil(credentials)
  assert.equal("auth", err.kind)
  assert.equal(code, err.code)
  assert.truthy(err.message:find(text, 1, true), err.message)
end

describe("auth.static", function()
  it("gives a copy of what it was given", function()
    local given = { access_key_id = "a", secret_access_key = "b", session_token = "c", expires_at = os.time() + 1000 }
    local provider = auth.static(given)
    local got = assert(provider:get())
    assert.same(given, got)
    got.access_key_id = "changed"
    assert.equal("a", provider:get().access_key_id)
  end)

  it("accepts the spelling of the AWS documents and an empty session token", function()
    local provider = auth.static { accessKeyId = "a", secretAccessKey = "b", sessionToken = "" }
    assert.same({ access_key_id = "a", secret_access_key = "b" }, provider:get())
  end)

  it("gives what has expired by the device's clock: the service decides", function()
    local given = { access_key_id = "a", secret_access_key = "b", expires_at = os.time() - 3600 }
    assert.same(given, auth.static(given):get())
  end)

  it("throws for what is missing, wrong or unknown, without showing it", function()
    for _, given in ipairs { {}, { access_key_id = "hidden" }, { access_key_id = "", secret_access_key = "hidden" },
      { access_key_id = "hidden", secret_access_key = 5 }, { access_key_id = "a", secret_access_key = "b", secret = "hidden" } } do
      local is_good, message = pcall(auth.static, given)
      assert.is_false(is_good)
      assert.truthy(message:find("auth.static", 1, true))
      assert.is_nil(message:find("hidden", 1, true))
    end
    assert.is_false(pcall(auth.static))
    assert.is_false(pcall(auth.static, "hidden"))
  end)

  it("keeps the secret out of its own fields", function()
    for _, value in pairs(auth.static { access_key_id = "a", secret_access_key = "b" }) do
      assert.equal("function", type(value))
    end
  end)
end)

describe("auth.environment", function()
  it("reads the variables of the AWS tools at each call", function()
    local variables = {}
    local provider = auth.environment { getenv = env(variables) }
    expect_err("no_credentials", "AWS_ACCESS_KEY_ID isn't set", provider:get())
    variables.AWS_ACCESS_KEY_ID = "a"
    expect_err("no_credentials", "AWS_SECRET_ACCESS_KEY isn't set", provider:get())
    variables.AWS_SECRET_ACCESS_KEY = "b"
    assert.same({ access_key_id = "a", secret_access_key = "b" }, provider:get())
    variables.AWS_SESSION_TOKEN = "c"
    variables.AWS_CREDENTIAL_EXPIRATION = "2999-01-01T00:00:00Z"
    assert.same({ access_key_id = "a", secret_access_key = "b", session_token = "c", expires_at = 32472144000 },
      provider:get())
  end)

  it("takes an empty variable for a missing one", function()
    local provider = auth.environment { getenv = env { AWS_ACCESS_KEY_ID = "", AWS_SECRET_ACCESS_KEY = "b" } }
    expect_err("no_credentials", "AWS_ACCESS_KEY_ID", provider:get())
  end)

  it("refuses an end that is no date, and gives what has passed by the device's clock", function()
    local variables = { AWS_ACCESS_KEY_ID = "a", AWS_SECRET_ACCESS_KEY = "b", AWS_CREDENTIAL_EXPIRATION = "soon" }
    local provider = auth.environment { getenv = env(variables) }
    expect_err("no_credentials", "isn't an ISO 8601 date", provider:get())
    variables.AWS_CREDENTIAL_EXPIRATION = "1970-01-01T00:16:40Z"
    assert.same({ access_key_id = "a", secret_access_key = "b", expires_at = 1000 }, provider:get())
  end)

  it("reads the real environment by default", function()
    assert.equal(os.getenv, auth.environment().getenv)
  end)
end)

describe("the date of an expiry", function()
  it("is read with fraction and offset", function()
    assert.equal(0, parse_date "1970-01-01T00:00:00Z")
    assert.equal(1440938160, parse_date "2015-08-30T12:36:00Z")
    assert.equal(1440938160, parse_date "2015-08-30T12:36:00.123Z")
    assert.equal(1440938160, parse_date "2015-08-30T14:36:00+02:00")
    assert.equal(1440938160, parse_date "2015-08-30T11:06:00-0130")
    assert.equal(951782400, parse_date "2000-02-29T00:00:00")
    assert.same({ 0, 0.25 }, { parse_date "1970-01-01T00:00:00.25Z" })
    assert.same({ 0, 0 }, { parse_date "1970-01-01T00:00:00Z" })
  end)

  it("is nothing else", function()
    for _, text in ipairs { "", "soon", "2015-13-01T00:00:00Z", "2015-00-01T00:00:00Z", "2015-01-32T00:00:00Z",
      "2015-01-01T24:00:00Z", "2015-01-01T00:60:00Z", "2015-01-01T00:00:00X", "2015-01-01" } do
      assert.is_nil(parse_date(text))
    end
  end)
end)

describe("auth.shared_file", function()
  local CREDENTIALS = table.concat({
    "# the keys",
    "[default]",
    "aws_access_key_id = A1 ; mine",
    "aws_secret_access_key=S1#2",
    "",
    "[work]\r",
    "aws_access_key_id=A2\r",
    "  aws_secret_access_key = S2==  # a comment\r",
    "aws_session_token = T2\r",
    "[half]",
    "aws_access_key_id = A3",
  }, "\n")
  local CONFIG = table.concat({
    "[default]",
    "region = eu-west-1",
    "aws_access_key_id = loses",
    "[profile work]",
    "region=us-east-2",
    "s3 =",
    "  max_concurrent_requests = 20",
    "output = json",
    '[profile "two words"]',
    "aws_access_key_id = A4",
    "aws_secret_access_key = S4",
    "[sso-session work]",
    "region = ignored",
    "[work]",
    "region = ignored",
    "[profile role]",
    "role_arn = arn:aws:iam::1:role/r",
    "source_profile = default",
    "aws_access_key_id = A5",
    "aws_secret_access_key = S5",
    "[profile process]",
    "credential_process = /bin/true",
    "[profile sso]",
    "sso_session = work",
    "[profile web]",
    "web_identity_token_file = /t",
    "role_arn = arn",
    "[profile empty]",
  }, "\n")

  local function provider(profile, variables)
    return auth.shared_file {
      profile = profile,
      credentials_file = process.file(CREDENTIALS),
      config_file = process.file(CONFIG),
      getenv = env(variables or {}),
    }
  end

  it("reads the default profile, the one of AWS_PROFILE, or the one that is named", function()
    assert.same({ access_key_id = "A1", secret_access_key = "S1#2" }, provider():get())
    local work = { access_key_id = "A2", secret_access_key = "S2==", session_token = "T2" }
    assert.same(work, provider("work"):get())
    assert.same(work, provider(nil, { AWS_PROFILE = "work" }):get())
    assert.equal("A1", provider("default", { AWS_PROFILE = "work" }):get().access_key_id)
  end)

  it("reads keys from the config file too, quoted names included", function()
    assert.same({ access_key_id = "A4", secret_access_key = "S4" }, provider("two words"):get())
  end)

  it("finds the files by variable and under the home directory", function()
    local file = process.file(CREDENTIALS)
    local found = auth.shared_file { getenv = env { AWS_SHARED_CREDENTIALS_FILE = file, AWS_CONFIG_FILE = "/nonexistent" } }
    assert.equal("A1", found:get().access_key_id)
    local home = env { HOME = "/h" }
    assert.equal("/h/.aws/credentials", profiles.path(nil, "X", "credentials", home))
    assert.equal("/h/x", profiles.path("~/x", "X", "credentials", home))
    assert.equal("D:\\u/.aws/config", profiles.path(nil, "X", "config", env { HOMEDRIVE = "D:", HOMEPATH = "\\u" }))
    assert.equal("P/.aws/config", profiles.path(nil, "X", "config", env { USERPROFILE = "P" }))
    assert.is_nil(profiles.path(nil, "X", "config", env {}))
  end)

  it("reads a file behind a byte order mark", function()
    local text = "[default]\naws_access_key_id = A9\naws_secret_access_key = S9\n"
    local found = auth.shared_file { credentials_file = process.file("\239\187\191" .. text), config_file = "/nonexistent", getenv = env {} }
    assert.same({ access_key_id = "A9", secret_access_key = "S9" }, found:get())
  end)

  it("says which profile is missing, and where it looked", function()
    expect_err("no_credentials", 'profile "nobody" is in none of the files', provider("nobody"):get())
    expect_err("no_credentials", 'profile "default" is in none of the files', auth.shared_file { getenv = env {} }:get())
  end)

  it("says which key a profile lacks", function()
    expect_err("no_credentials", 'profile "half" has no aws_secret_access_key', provider("half"):get())
    expect_err("no_credentials", 'profile "empty" has no aws_access_key_id', provider("empty"):get())
  end)

  it("refuses the sources that it does not support by name", function()
    expect_err("profile_not_supported", "a role to assume (role_arn)", provider("role"):get())
    expect_err("profile_not_supported", "a role to assume (role_arn)", provider("web"):get())
    expect_err("profile_not_supported", "credential_process", provider("process"):get())
    expect_err("profile_not_supported", "IAM Identity Center (SSO)", provider("sso"):get())
  end)

  it("throws for unknown options", function()
    local is_good, message = pcall(auth.shared_file, { profil = "x" })
    assert.is_false(is_good)
    assert.truthy(message:find('did you mean "profile"?', 1, true))
  end)

  it("nests indented settings and skips other sections", function()
    local found = profiles.parse(CONFIG, true)
    assert.equal("20", found.work["s3.max_concurrent_requests"])
    assert.equal("json", found.work.output)
    assert.equal("us-east-2", found.work.region)
    assert.is_nil(found["sso-session work"])
  end)

  it("merges a profile that stands in a file twice", function()
    local found = profiles.parse("[a]\nx=1\n[b]\ny=2\n[a]\nz=3\nno equals sign\n=nothing", false)
    assert.same({ a = { x = "1", z = "3" }, b = { y = "2" } }, found)
  end)

  it("tells the region", function()
    local files_ = { credentials_file = process.file(CREDENTIALS), config_file = process.file(CONFIG), profile = "work" }
    local function region(variables)
      files_.getenv = env(variables)
      return auth.region(files_)
    end
    assert.equal("r1", region { AWS_REGION = "r1", AWS_DEFAULT_REGION = "r2" })
    assert.equal("r2", region { AWS_REGION = "", AWS_DEFAULT_REGION = "r2" })
    assert.equal("us-east-2", region {})
    files_.profile = "half"
    assert.is_nil(region {})
  end)
end)

describe("auth.chain", function()
  local keys = { access_key_id = "a", secret_access_key = "b" }
  local function none(text) return { get = function() return nil, { message = text } end } end

  it("gives what the first provider with credentials gives", function()
    local asked = 0
    local last = { get = function() asked = asked + 1 end }
    assert.equal(keys, auth.chain { none "x", { get = function() return keys end }, last }:get())
    assert.equal(0, asked)
  end)

  it("prefers what hasn't expired by the device's clock, and gives what has where there is nothing else", function()
    local old = { access_key_id = "o", secret_access_key = "b", expires_at = os.time() - 1 }
    local older = { access_key_id = "p", secret_access_key = "b", expires_at = 1 }
    local late = { access_key_id = "l", secret_access_key = "b", expires_at = os.time() + 1000 }
    local function gives(value) return { get = function() return value end } end
    assert.equal(keys, auth.chain { gives(old), gives(keys) }:get())
    assert.equal(late, auth.chain { gives(old), none "x", gives(late), gives(keys) }:get())
    assert.equal(old, auth.chain { none "x", gives(old), gives(older), none "y" }:get())
    local spelled = { accessKeyId = "o", secretAccessKey = "b", expiresAt = 1 } -- as the AWS documents do
    assert.equal(keys, auth.chain { gives(spelled), gives(keys) }:get())
  end)

  it("tells why each of them has none", function()
    expect_err("no_credentials", "one; two; nil", auth.chain { none "one", none "two", { get = function() end } }:get())
  end)

  it("throws for what is no provider", function()
    for _, given in ipairs { 5, {}, { {} }, { keys } } do assert.is_false(pcall(auth.chain, given)) end
    assert.is_false(pcall(auth.chain))
  end)
end)
