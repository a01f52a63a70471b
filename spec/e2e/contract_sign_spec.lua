-- Identity and signing: static, environment, shared_file, chain, sign, by the public names only.
-- Expected signatures: the examples of AWS's documents "Signature Version 4 test suite" (get-vanilla, post-x-www-form) and
-- "Authenticating Requests: Using Query Parameters (AWS Signature Version 4)" of Amazon S3.
local appsync = require "appsync"
local contains = require "spec.support.text"
local process = require "spec.support.process"
local program = require "spec.support.program"

local has, lacks = contains.has, contains.lacks
local auth = appsync.auth
local KEYS = { access_key_id = "AKIDEXAMPLE", secret_access_key = "wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY" }
local S3_KEYS = { access_key_id = "AKIAIOSFODNN7EXAMPLE", secret_access_key = "wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY" }
local SUITE_TIME = 1440938160 -- 2015-08-30T12:36:00Z
local S3_TIME = 1369353600 -- 2013-05-24T00:00:00Z

-- Runs a program without the credentials of this environment.
local function run(body, environment)
  return (program('local appsync = require "appsync"\nlocal auth = appsync.auth\n' .. body,
    "env -u AWS_PROFILE -u AWS_ACCESS_KEY_ID -u AWS_SECRET_ACCESS_KEY -u AWS_SESSION_TOKEN " .. (environment or "")))
end

local function header_of(list, name)
  for _, pair in ipairs(list) do
    if pair[1]:lower() == name then return pair[2] end
  end
end

describe("the contract of appsync.sign:", function()
  teardown(function() process.stop_all() end)

  local OPTIONS = { service = "service", region = "us-east-1", credentials = KEYS, now = SUITE_TIME }

  local function options(more)
    local all = appsync.copy(OPTIONS)
    for name, value in pairs(more or {}) do all[name] = value end
    return all
  end

  it("signs get-vanilla of AWS's test suite", function()
    local signed = appsync.sign({ method = "GET", url = "https://example.amazonaws.com/" }, OPTIONS)
    assert.equal("5fa00fa31553b73ebf1942676e86291e8372ff2a2260956d9b8aae1d763fbf31", signed.signature)
    assert.equal("AWS4-HMAC-SHA256 Credential=AKIDEXAMPLE/20150830/us-east-1/service/aws4_request, SignedHeaders=host;x-amz-date, "
      .. "Signature=5fa00fa31553b73ebf1942676e86291e8372ff2a2260956d9b8aae1d763fbf31", signed.headers.Authorization)
    assert.equal("20150830T123600Z", signed.headers["x-amz-date"])
    assert.equal("https://example.amazonaws.com/", signed.url)
    assert.equal("GET\n/\n\nhost:example.amazonaws.com\nx-amz-date:20150830T123600Z\n\nhost;x-amz-date\n"
      .. "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855", signed.canonical_request)
    has(signed.string_to_sign, "AWS4-HMAC-SHA256\n20150830T123600Z\n20150830/us-east-1/service/aws4_request\n")
  end)

  it("signs post-x-www-form-urlencoded of AWS's test suite", function()
    local signed = appsync.sign({
      method = "POST", url = "https://example.amazonaws.com/", body = "Param1=value1",
      headers = { ["Content-Type"] = "application/x-www-form-urlencoded" },
    }, OPTIONS)
    assert.equal("ff11897932ad3f4e8b18135d722051e5ac45fc38421b1da7b9d196a0fe09473a", signed.signature)
    assert.equal("application/x-www-form-urlencoded", signed.headers["Content-Type"])
  end)

  it("headers may be a list of pairs; a name may come twice, in order; the answer is a list then", function()
    local signed = appsync.sign({
      method = "GET", url = "https://example.amazonaws.com/", headers = { { "My-Header1", "value2" }, { "My-Header1", "value2" }, { "My-Header1", "value1" } },
    }, OPTIONS)
    has(signed.canonical_request, "my-header1:value2,value2,value1")
    assert.equal("c9d5ea9f3f72853aea855b47ea873832890dbdd183b4468f858259531a5138ea", signed.signature)
    assert.equal("20150830T123600Z", header_of(signed.headers, "x-amz-date"))
    has(header_of(signed.headers, "authorization"), signed.signature)
    assert.equal("value2", signed.headers[1][2])
    assert.equal("value1", signed.headers[3][2])
  end)

  it("the request that was given isn't changed", function()
    local request = { method = "GET", url = "https://example.amazonaws.com/", headers = { a = "b" } }
    appsync.sign(request, OPTIONS)
    assert.same({ method = "GET", url = "https://example.amazonaws.com/", headers = { a = "b" } }, request)
  end)

  it("query = true presigns: Amazon S3's example", function()
    local signed = appsync.sign({ method = "GET", url = "https://examplebucket.s3.amazonaws.com/test.txt" }, {
      service = "s3", region = "us-east-1", credentials = S3_KEYS, now = S3_TIME, query = true, expires = 86400, unsigned_payload = true,
    })
    assert.equal("aeeed9bbccd4d02ee5c0109b86d86835f995330da4c265957d157751f604d404", signed.signature)
    has(signed.url, "X-Amz-Signature=aeeed9bbccd4d02ee5c0109b86d86835f995330da4c265957d157751f604d404")
    has(signed.url, "X-Amz-Expires=86400")
    has(signed.url, "X-Amz-Credential=AKIAIOSFODNN7EXAMPLE%2F20130524%2Fus-east-1%2Fs3%2Faws4_request")
    assert.is_nil(signed.headers.Authorization)
  end)

  it("S3 signs the hash of the body as a header: Amazon S3's example", function()
    local signed = appsync.sign({ method = "GET", url = "https://examplebucket.s3.amazonaws.com/test.txt", headers = { Range = "bytes=0-9" } }, {
      service = "s3", region = "us-east-1", credentials = S3_KEYS, now = S3_TIME,
    })
    assert.equal("f0e8bdb87c964420e857bd35b5d6ed310bd44f0170aba48dd91039c6036bdb41", signed.signature)
    assert.equal("e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855", signed.headers["x-amz-content-sha256"])
    signed = appsync.sign({ method = "PUT", url = "https://examplebucket.s3.amazonaws.com/test$file.text", body = "Welcome to Amazon S3.",
      headers = { Date = "Fri, 24 May 2013 00:00:00 GMT", ["x-amz-storage-class"] = "REDUCED_REDUNDANCY" } }, {
      service = "s3", region = "us-east-1", credentials = S3_KEYS, now = S3_TIME,
    })
    assert.equal("98ad721746da40c64f1a55b78f14c238d841ea1380cd77a1b5971af0ece108bd", signed.signature)
  end)

  it("S3 keeps the path as it is, others normalize it, normalize_path decides", function()
    local function path_of(more)
      return appsync.sign({ url = "https://example.amazonaws.com/a//b/../c" }, options(more)).canonical_request:match "^GET\n([^\n]*)"
    end
    assert.equal("/a/c", path_of())
    assert.equal("/a//b/../c", path_of{ normalize_path = false })
    assert.equal("/a//b/../c", path_of{ service = "s3" })
  end)

  it("a session token is signed, or added after signing", function()
    local keys = { access_key_id = KEYS.access_key_id, secret_access_key = KEYS.secret_access_key, session_token = "the/token==" }
    local signed = appsync.sign({ url = "https://example.amazonaws.com/" }, options{ credentials = keys })
    assert.equal("the/token==", signed.headers["x-amz-security-token"])
    has(signed.canonical_request, "x-amz-security-token:the/token==")
    local after = appsync.sign({ url = "https://example.amazonaws.com/" }, options{ credentials = keys, sign_security_token = false })
    assert.equal("the/token==", after.headers["x-amz-security-token"])
    lacks(after.canonical_request, "the/token")
    assert.not_equal(signed.signature, after.signature)
    local url = appsync.sign({ url = "https://example.amazonaws.com/" }, options{ credentials = keys, query = true }).url
    has(url, "X-Amz-Security-Token=the%2Ftoken%3D%3D")
  end)

  it("sign_body and unsigned_payload say what stands for the body", function()
    local signed = appsync.sign({ url = "https://example.amazonaws.com/", body = "x" }, options{ sign_body = true })
    assert.equal("2d711642b726b04401627ca9fbac32f5c8530fb1903cc4db02258717921a4881", signed.headers["x-amz-content-sha256"])
    signed = appsync.sign({ url = "https://b.s3.us-east-1.amazonaws.com/", body = "x" }, options{ service = "s3", unsigned_payload = true })
    assert.equal("UNSIGNED-PAYLOAD", signed.headers["x-amz-content-sha256"])
  end)

  it("credentials may be a table, a function or a provider; what they fail with is nil, err", function()
    local expected = appsync.sign({ url = "https://example.amazonaws.com/" }, OPTIONS).signature
    for _, credentials in ipairs{ function() return KEYS end, auth.static(KEYS), { get = function() return KEYS end } } do
      assert.equal(expected, appsync.sign({ url = "https://example.amazonaws.com/" }, options{ credentials = credentials }).signature)
    end
    for _, credentials in ipairs{ function() return nil, "none here" end, { get = function() return nil end }, function() return {} end } do
      local signed, err = appsync.sign({ url = "https://example.amazonaws.com/" }, options{ credentials = credentials })
      assert.is_nil(signed)
      assert.equal("auth", err.kind)
    end
  end)

  it("credentials may wait, in a task and outside", function()
    local slow = options{ credentials = function()
      appsync.sleep(0.001)
      return KEYS
    end }
    assert.is_string(appsync.sign({ url = "https://example.amazonaws.com/" }, slow).signature)
    appsync.run(function() assert.is_string(appsync.sign({ url = "https://example.amazonaws.com/" }, slow).signature) end)
  end)

  it("on_result gives a task", function()
    local got
    local t = appsync.sign({ url = "https://example.amazonaws.com/" }, options{ on_result = function(signed) got = signed.signature end })
    assert.is_nil(got)
    t:await(1)
    assert.equal("5fa00fa31553b73ebf1942676e86291e8372ff2a2260956d9b8aae1d763fbf31", got)
  end)

  it("now is the clock's time when it is left out", function()
    local signed = appsync.sign({ url = "https://example.amazonaws.com/" }, { service = "service", region = "us-east-1", credentials = KEYS })
    assert.equal(os.date "!%Y%m%d", signed.headers["x-amz-date"]:sub(1, 8))
  end)

  it("wrong arguments throw at the caller's line, without a secret", function()
    for _, case in ipairs{
      { nil, OPTIONS }, { {}, OPTIONS }, { { url = 5 }, OPTIONS }, { { url = "https://a.b/" }, nil }, { { url = "https://a.b/" }, { service = "s", region = "r" } },
      { { url = "https://a.b/", heders = {} }, OPTIONS }, { { url = "https://a.b/" }, options{ expire = 5 } },
      { { url = "https://a.b/" }, { credentials = KEYS } }, { { url = "https://a.b/" }, options{ credentials = { access_key_id = "x" } } },
    } do
      local ok, message = pcall(appsync.sign, case[1], case[2])
      assert.is_false(ok)
      has(message, "contract_sign_spec")
      lacks(message, KEYS.secret_access_key)
    end
  end)
end)

describe("the contract of appsync.auth:", function()
  teardown(function() process.stop_all() end)

  it("static gives what it was given", function()
    local provider = auth.static{ access_key_id = "A", secret_access_key = "S", session_token = "T" }
    assert.same({ access_key_id = "A", secret_access_key = "S", session_token = "T" }, provider:get())
    lacks(tostring(provider), "S")
    assert.is_false(pcall(auth.static, { access_key_id = "A" }))
    assert.is_false(pcall(auth.static))
    assert.equal("AK", auth.static{ accessKeyId = "AK", secretAccessKey = "SK" }:get().access_key_id)
  end)

  it("environment reads the variables of the AWS tools", function()
    assert.equal("A S T", run([[
      local k = auth.environment():get()
      io.write(k.access_key_id, " ", k.secret_access_key, " ", k.session_token)
    ]], "AWS_ACCESS_KEY_ID=A AWS_SECRET_ACCESS_KEY=S AWS_SESSION_TOKEN=T"))
    assert.equal("nil auth", run [[
      local k, err = auth.environment():get()
      io.write(tostring(k), " ", err.kind)
    ]])
  end)

  it("shared_file reads a profile", function()
    local path = process.file("[default]\naws_access_key_id = A\naws_secret_access_key = S\n\n[work]\naws_access_key_id=WA\naws_secret_access_key=WS\naws_session_token=WT\n", ".credentials")
    local environment = "AWS_CONFIG_FILE=/nowhere AWS_SHARED_CREDENTIALS_FILE=" .. path
    assert.equal("A WA WT nil auth", run([[
      local work = auth.shared_file{ profile = "work" }:get()
      local none, err = auth.shared_file{ profile = "none" }:get()
      io.write(auth.shared_file():get().access_key_id, " ", work.access_key_id, " ", work.session_token, " ", tostring(none), " ", err.kind)
    ]], environment))
    assert.equal("WA", run([[io.write(auth.shared_file{}:get().access_key_id)]], environment .. " AWS_PROFILE=work"))
  end)

  it("chain takes the first that has credentials, and tells all that failed", function()
    local none = { get = function() return nil, "nothing here" end }
    assert.equal("A", auth.chain{ none, auth.static{ access_key_id = "A", secret_access_key = "S" } }:get().access_key_id)
    local keys, err = auth.chain{ none, none }:get()
    assert.is_nil(keys)
    assert.equal("auth", err.kind)
    has(err.message, "nothing here")
    assert.is_false(pcall(auth.chain, {}))
    assert.is_false(pcall(auth.chain, { 5 }))
  end)

  it("what later versions bring isn't there", function()
    for _, name in ipairs{ "container", "instance", "cognito_identity", "guest", "cognito_user_pool" } do assert.is_nil(auth[name]) end
  end)
end)
