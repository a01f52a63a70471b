-- Signatures: the AWS Signature Version 4 test suite and the example of the Amazon S3 API Reference.
local core = require "appsync.core"
local errors = require "appsync.errors"
local sign = require "appsync.sign"

local KEYS = { access_key_id = "AKIDEXAMPLE", secret_access_key = "wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY" }
local NOW = 1440938160
local VANILLA = "5fa00fa31553b73ebf1942676e86291e8372ff2a2260956d9b8aae1d763fbf31"

local function options(more)
  local made = { service = "service", region = "us-east-1", credentials = KEYS, now = NOW }
  for key, value in pairs(more or {}) do made[key] = value end
  return made
end

local function message_of(fn, ...)
  local is_good, message = pcall(fn, ...)
  assert.is_false(is_good)
  return message
end

describe("appsync.sign", function()
  it("finds service and region in each spelling of a host under amazonaws.com", function()
    for host, scope in pairs {
      ["abc.appsync-api.us-east-1.amazonaws.com"] = "us-east-1/appsync",
      ["ABC.appsync-api.US-EAST-1.amazonaws.com.:443"] = "us-east-1/appsync",
      ["u@abc.appsync-realtime-api.cn-north-1.amazonaws.com.cn:8443"] = "cn-north-1/appsync",
      ["vpce-1-2.appsync-api.eu-west-1.vpce.amazonaws.com"] = "eu-west-1/appsync",
      ["bucket.s3.dualstack.eu-west-1.amazonaws.com"] = "eu-west-1/s3",
    } do
      local signed = assert(sign({ url = "https://" .. host .. "/a//b" },
        { now = 0, credentials = { access_key_id = "A", secret_access_key = "B" } }))
      assert.matches("19700101/" .. scope:gsub("%p", "%%%0") .. "/aws4_request", signed.string_to_sign)
    end
    for _, host in ipairs { "sts.amazonaws.com", "bucket.s3.amazonaws.com" } do
      assert.matches("region must be given: the host doesn't tell it", message_of(sign, { url = "https://" .. host .. "/" },
        { now = 0, credentials = { access_key_id = "A", secret_access_key = "B" } }))
    end
  end)

  it("signs a request and shows each stage", function()
    local signed = assert(sign({ url = "https://example.amazonaws.com/" }, options()))
    assert.equal(VANILLA, signed.signature)
    assert.equal("https://example.amazonaws.com/", signed.url)
    assert.equal("GET\n/\n\nhost:example.amazonaws.com\nx-amz-date:20150830T123600Z\n\nhost;x-amz-date\n"
      .. "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855", signed.canonical_request)
    assert.equal("AWS4-HMAC-SHA256\n20150830T123600Z\n20150830/us-east-1/service/aws4_request\n"
      .. core.sha256(signed.canonical_request), signed.string_to_sign)
    assert.same({
      host = "example.amazonaws.com",
      ["x-amz-date"] = "20150830T123600Z",
      authorization = "AWS4-HMAC-SHA256 Credential=AKIDEXAMPLE/20150830/us-east-1/service/aws4_request, "
        .. "SignedHeaders=host;x-amz-date, Signature=" .. VANILLA,
    }, signed.headers)
  end)

  it("finds a header of the result in any case", function()
    local signed = assert(sign({ url = "https://example.amazonaws.com/", headers = { ["X-One"] = "1" } }, options()))
    assert.truthy(signed.headers.Authorization:find("Signature=", 1, true))
    assert.equal("1", signed.headers["x-one"])
    assert.is_nil(signed.headers.nothing)
    assert.is_nil(signed.headers[1])
  end)

  it("keeps the form of the headers: a list stays a list, duplicates included", function()
    local signed = assert(sign({
      url = "https://example.amazonaws.com/",
      headers = { { "My-Header1", "value2" }, { "My-Header1", "value2" }, { "My-Header1", "value1" } },
    }, options()))
    assert.equal("c9d5ea9f3f72853aea855b47ea873832890dbdd183b4468f858259531a5138ea", signed.signature)
    assert.equal(6, #signed.headers)
    assert.same({ "My-Header1", "value1" }, signed.headers[3])
    assert.same({ "host", "example.amazonaws.com" }, signed.headers[4])
    assert.equal("authorization", signed.headers[6][1])
  end)

  it("replaces an old date and authorization instead of sending two", function()
    local signed = assert(sign({
      url = "https://example.amazonaws.com/",
      headers = { Authorization = "old", ["X-Amz-Date"] = "20150830T123600Z" },
    }, options { now = 0 }))
    assert.equal(VANILLA, signed.signature)
    assert.is_nil(rawget(signed.headers, "Authorization"))
    assert.is_nil(rawget(signed.headers, "X-Amz-Date"))
    assert.equal("20150830T123600Z", signed.headers["x-amz-date"])
  end)

  it("leaves the given tables as they were", function()
    local headers = { ["X-One"] = "1" }
    assert(sign({ url = "https://example.amazonaws.com/", headers = headers }, options()))
    assert.same({ ["X-One"] = "1" }, headers)
    assert.is_nil(getmetatable(headers))
  end)

  it("presigns a URL", function()
    local signed = assert(sign({ url = "https://examplebucket.s3.amazonaws.com/test.txt" }, {
      service = "s3", region = "us-east-1", now = 1369353600, query = true, expires = 86400,
      credentials = { access_key_id = "AKIAIOSFODNN7EXAMPLE", secret_access_key = "wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY" },
    }))
    assert.equal("aeeed9bbccd4d02ee5c0109b86d86835f995330da4c265957d157751f604d404", signed.signature)
    assert.truthy(signed.url:find("&X-Amz-SignedHeaders=host&X-Amz-Signature=" .. signed.signature, 1, true))
    assert.is_nil(signed.headers.authorization)
  end)

  it("normalizes the path unless it is told not to, or the service is S3", function()
    local function path_of(more)
      local signed = assert(sign({ url = "https://example.amazonaws.com/a/./b//../c" }, options(more)))
      return signed.canonical_request:match("^GET\n(.-)\n")
    end
    assert.equal("/a/c", path_of())
    assert.equal("/a/./b//../c", path_of { normalize_path = false })
    assert.equal("/a/./b//../c", path_of { service = "s3" })
  end)

  it("hashes the body, covers it with a header, or says that it is not covered", function()
    local function last_line(more)
      local signed = assert(sign({ url = "https://h/", method = "put", body = "x" }, options(more)))
      return signed.canonical_request:match("[^\n]*$"), signed.headers["x-amz-content-sha256"]
    end
    local hash = core.sha256("x")
    assert.same({ hash }, { last_line() })
    assert.same({ hash, hash }, { last_line { sign_body = true } })
    assert.same({ "UNSIGNED-PAYLOAD" }, { last_line { unsigned_payload = true } })
  end)

  -- The form-encoded cases of the AWS signing test suite (aws-c-auth, tests/aws-signing-test-suite/v4).
  for content_type, signatures in pairs({
    ["application/x-www-form-urlencoded"] = { "d3875051da38690788ef43de4db0d8f280229d82040bfac253562e56c3f20e0b",
      "89a40deed0f26f9461242825a082d2222717248abc7ab41f552ad84a94ad46e9" },
    ["application/x-www-form-urlencoded; charset=utf-8"] = { "328d1b9eaadca9f5818ef05e8392801e091653bafec24fcab71e7344e7f51422",
      "0dbeb9b026c7b6675f266b8427efec9b4fa8b1f6ef1477d717aea231106eab4d" },
  }) do
    it("covers a length that the caller gives, in headers and in a presigned URL: " .. content_type, function()
      local request = { method = "POST", url = "/", body = "Param1=value1",
        headers = { ["Content-Type"] = content_type, Host = "example.amazonaws.com", ["Content-Length"] = "13" } }
      local signed = assert(sign(request, options({ sign_body = true })))
      assert.truthy(signed.canonical_request:find("\ncontent-length:13\n", 1, true))
      assert.equal(signatures[1], signed.signature)
      assert.equal("13", signed.headers["Content-Length"])
      signed = assert(sign(request, options({ query = true, expires = 3600 })))
      assert.truthy(signed.url:find("X-Amz-SignedHeaders=content-length%3Bcontent-type%3Bhost", 1, true))
      assert.equal(signatures[2], signed.signature)
    end)
  end

  it("signs the session token, or adds it after signing", function()
    local keys = { access_key_id = "a", secret_access_key = "b", session_token = "t" }
    local function names(more)
      more.credentials = keys
      local signed = assert(sign({ url = "https://h/" }, options(more)))
      assert.equal("t", signed.headers["x-amz-security-token"])
      return signed.headers.authorization:match("SignedHeaders=([^,]*)")
    end
    assert.equal("host;x-amz-date;x-amz-security-token", names {})
    assert.equal("host;x-amz-date", names { sign_security_token = false })
  end)

  it("takes service and region from the host, and the time from the clock", function()
    local function scope(url)
      local signed = assert(sign({ url = url }, { credentials = KEYS }))
      return signed.string_to_sign:match("/(.-)/aws4_request")
    end
    assert.equal("eu-west-1/appsync", scope "https://abc.appsync-api.eu-west-1.amazonaws.com/graphql")
    assert.equal("us-east-2/execute-api", scope "https://abc.execute-api.us-east-2.amazonaws.com:443/dev")
    assert.equal("eu-west-1/s3", scope "https://bucket.S3.eu-west-1.amazonaws.com?x")
    assert.equal("eu-west-1/lambda", scope "https://lambda.eu-west-1.amazonaws.com/2015-03-31/functions/f/invocations")
    assert.truthy(message_of(sign, { url = "https://example.com/" }, { credentials = KEYS }):find(
      "service must be given", 1, true))
    assert.truthy(message_of(sign, { url = "https://example.com/" }, { credentials = KEYS, service = "x" }):find(
      "region must be given", 1, true))
  end)

  it("asks a provider or a function for credentials", function()
    local provider = { get = function() return KEYS end }
    assert.equal(VANILLA, sign({ url = "https://example.amazonaws.com/" }, options { credentials = provider }).signature)
    local function give() return { accessKeyId = KEYS.access_key_id, secretAccessKey = KEYS.secret_access_key } end
    assert.equal(VANILLA, sign({ url = "https://example.amazonaws.com/" }, options { credentials = give }).signature)
  end)

  it("returns the error of a provider that has none", function()
    local own = errors.new("auth", "signed out", { code = "signed_out" })
    local signed, err = sign({ url = "https://h/" }, options { credentials = { get = function() return nil, own end } })
    assert.is_nil(signed)
    assert.equal(own, err)
    signed, err = sign({ url = "https://h/" }, options { credentials = function() return nil, "nobody is here" end })
    assert.is_nil(signed)
    assert.equal("auth", err.kind)
    assert.equal("nobody is here", err.message)
    signed, err = sign({ url = "https://h/" }, options { credentials = function() end })
    assert.is_nil(signed)
    assert.equal("no_credentials", err.code)
    signed, err = sign({ url = "https://h/" }, options { credentials = function() return { access_key_id = "x" } end })
    assert.is_nil(signed)
    assert.equal("no_credentials", err.code)
  end)

  it("throws for a wrong argument and names it", function()
    local url = { url = "https://h/" }
    local rows = {
      { "request must be a table, got nothing", nil, options() },
      { "options must be a table, got nothing", url, nil },
      { "request: url must be a string, got nothing", {}, options() },
      { "request: url must be string, got number 5", { url = 5 }, options() },
      { 'unknown option "boddy"; did you mean "body"?', { url = "https://h/", boddy = "" }, options() },
      { 'unknown option "regions"; did you mean "region"?', url, options { regions = "x" } },
      { 'options: now must be number, got "x"', url, options { now = "x" } },
      { "now: must be a number of seconds", url, options { now = 0 / 0 } },
      { "options: query must be boolean, got", url, options { query = "yes" } },
      { "credentials must be a table of access_key_id and secret_access_key, got nothing", url,
        { service = "s", region = "r" } },
      { "credentials: secret_access_key must be a string, got nothing", url,
        options { credentials = { access_key_id = "a" } } },
      { "headers: must be a table of strings by name", { url = "https://h/", headers = { a = 5 } }, options() },
      { "headers: must be a table of strings by name", { url = "https://h/", headers = { "a: b" } }, options() },
      { "headers: a name isn't an HTTP token", { url = "https://h/", headers = { ["a b"] = "" } }, options() },
      { "url: has no host", { url = "https:///x" }, options() },
      { "expires: must be within 1 and 604800 seconds", url, options { query = true, expires = 0 } },
      { "region: contains a character that is not allowed", url, options { region = "a b" } },
    }
    for _, row in ipairs(rows) do
      local message = message_of(sign, row[2], row[3])
      assert.truthy(message:find(row[1], 1, true), message .. " should contain " .. row[1])
    end
  end)

  it("refuses a URL whose host others would read otherwise, and a port that is none", function()
    for url, message in pairs({
      ["https://x.example\\@evil/a"] = "url: the host contains a backslash", ["https://x.example\\/a"] = "url: the host contains a backslash",
      ["https://\\evil@x.example/"] = "url: the host contains a backslash", ["https://evil\\x.example?a"] = "url: the host contains a backslash",
      ["https://:443/"] = "url: has no host", ["https://user@/"] = "url: has no host",
      ["https://[::1/"] = "url: the IPv6 address lacks its ']'",
    }) do
      local shown = message_of(sign, { url = url }, options())
      assert.truthy(shown:find(message, 1, true), url .. ": " .. shown)
    end
    for _, port in ipairs({ "443abc", "", "0", "65536", "-1", "+1", " 1", "4 43", "0x50", "1:2", "99999999999999999999", "443\n" }) do
      for _, host in ipairs({ "h", "u:p@h", "[::1]" }) do
        assert.is_false(pcall(sign, { url = ("https://%s:%s/"):format(host, port) }, options()), port)
      end
    end
    assert.is_false(pcall(sign, { url = "https://[::1]x/" }, options()))
  end)

  it("takes ports that are some, and a backslash that ends no host", function()
    for url, host in pairs({
      ["https://h:443/"] = "h", ["https://h:80/"] = "h:80", ["http://h:65535?q"] = "h:65535", ["https://[::1]:8443/"] = "[::1]:8443",
      ["https://[::1]/"] = "[::1]", ["https://u:p@h:1/"] = "h:1", ["https://h/a\\b"] = "h", ["https://h?a\\@evil"] = "h",
    }) do
      assert.equal(host, sign({ url = url }, options()).headers.host)
    end
  end)

  it("gives an error for characters that a provider's keys can't have, and throws for those of the program", function()
    for _, name in ipairs({ "access_key_id", "secret_access_key", "session_token" }) do
      for _, text in ipairs({ "a\nb", "a b", "é", "a\0b" }) do
        local keys = { access_key_id = "a", secret_access_key = "b", session_token = "c" }
        keys[name] = text
        local callable = setmetatable({}, { __call = function() return keys end })
        for _, given in ipairs({ function() return keys end, callable, { get = function() return keys end } }) do
          local signed, err = sign({ url = "https://h/" }, options { credentials = given })
          assert.is_nil(signed)
          assert.same({ "auth", "no_credentials" }, { err.kind, err.code })
          assert.truthy(err.message:find(name .. ": contains a", 1, true), err.message)
        end
        assert.is_false(pcall(sign, { url = "https://h/" }, options { credentials = keys }))
        assert.is_false(pcall(sign, { url = "https://h:x/" }, options { credentials = callable }))
      end
    end
  end)

  it("shows no secret in a message", function()
    local message = message_of(sign, { url = "https://h/" },
      options { credentials = { access_key_id = "a", secret_access_key = { "hidden" }, session_token = "hidden" } })
    assert.is_nil(message:find("hidden", 1, true))
    message = message_of(sign, { url = "https://h/" }, options { credentials = "hidden" })
    assert.is_nil(message:find("hidden", 1, true))
  end)
end)

describe("the digests and tokens of the C module", function()
  it("hash as published", function()
    assert.equal("ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad", core.sha256("abc"))
    -- RFC 4231, test case 2
    local mac = core.hmac_sha256("Jefe", "what do ya want for nothing?")
    assert.equal("5bdcc146bf60754e6a042426089575c75a003f089d2739839dec58b964ec3843",
      (mac:gsub(".", function(c) return ("%02x"):format(c:byte()) end)))
  end)

  it("encode and decode base64 in both forms", function()
    assert.equal("+/8=", core.base64("\251\255"))
    assert.equal("-_8", core.base64("\251\255", "url"))
    assert.equal("", core.base64(""))
    assert.equal("\251\255", core.unbase64("+/8="))
    assert.equal("\251\255", core.unbase64("-_8", "url"))
    local bytes, err = core.unbase64("*")
    assert.is_nil(bytes)
    assert.equal("invalid base64 at byte 0", err.message)
    assert.is_false(pcall(core.base64, "x", "other"))
  end)

  it("read the claims of a token", function()
    local claims = core.jwt("Bearer e30.eyJhIiA6MX0.")
    assert.equal(1, claims.a)
    local nothing, err = core.jwt("opaque")
    assert.is_nil(nothing)
    assert.equal("not a JSON Web Token", err.message)
  end)

  it("take nothing but strings", function()
    for _, name in ipairs { "jwt", "base64", "unbase64", "sha256", "hmac_sha256" } do
      assert.is_false(pcall(core[name], {}, {}))
    end
    assert.is_false(pcall(core.sign, {}, 5))
  end)
end)
