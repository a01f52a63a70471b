local sigv4_verify = require("appsync.server.auth.sigv4_verify")

local SECRET = "wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY"
local HOST = "example1234567890000.appsync-api.us-east-1.amazonaws.com"
local DATE = "20200401T001010Z"
local NOW = 1585699810

local function authorization(signed_headers, signature)
  local scope = "AKIDEXAMPLE/20200401/us-east-1/appsync/aws4_request"
  return ("AWS4-HMAC-SHA256 Credential=%s, SignedHeaders=%s, Signature=%s"):format(scope, signed_headers, signature)
end

local function realtime_request(path, body, signature, token)
  local names = "accept;content-encoding;content-type;host;x-amz-date" .. (token and ";x-amz-security-token" or "")
  return {
    method = "POST",
    path = path,
    body = body,
    headers = {
      accept = "application/json, text/javascript",
      ["content-encoding"] = "amz-1.0",
      ["content-type"] = "application/json; charset=UTF-8",
      host = HOST,
      ["x-amz-date"] = DATE,
      ["x-amz-security-token"] = token,
      authorization = authorization(names, signature),
    },
  }
end

local DATA = [[{"query":"subscription onCreateMessage {\n onCreateMessage {\n __typename\n message\n }\n }",]]
  .. [["variables":{}}]]

local function connect_request()
  local signature = "2f5e7fe25b88c59d1268241cb5f9f153b5b0f89b972aae457542a00969ea352e"
  return realtime_request("/graphql/connect", "{}", signature)
end

local function check(request, now)
  return sigv4_verify.check(request, { AKIDEXAMPLE = { secret = SECRET } }, now or NOW)
end

describe("the verification of AWS Signature Version 4", function()
  it("knows the suite's get-vanilla signature", function()
    local request = {
      method = "GET",
      path = "/",
      body = "",
      headers = { host = "example.amazonaws.com", ["x-amz-date"] = "20150830T123600Z" },
    }
    local parts = { day = "20150830", region = "us-east-1", service = "service", signed_headers = "host;x-amz-date" }
    assert.equal(
      "5fa00fa31553b73ebf1942676e86291e8372ff2a2260956d9b8aae1d763fbf31",
      (sigv4_verify.signature(request, parts, "20150830T123600Z", SECRET))
    )
  end)

  local vectors = {
    { "a realtime connect", connect_request() },
    {
      "a realtime connect with a session token",
      realtime_request(
        "/graphql/connect",
        "{}",
        "6ad60a816b795e29a996e88ea2161935bf85dded2b9dc6f6b0ec05fa4f6ab378",
        "SESSIONTOKENEXAMPLE"
      ),
    },
    {
      "a realtime start",
      realtime_request("/graphql", DATA, "4d416cbd6fd3325876ea20bc0a931b003c6f1bb26b11f5838a29b9dd1cc9f4c0"),
    },
    {
      "a query over HTTP",
      {
        method = "POST",
        path = "/graphql",
        body = '{"query":"query Q { listPosts { items { id } } }","variables":{}}',
        headers = {
          ["content-type"] = "application/json; charset=UTF-8",
          host = HOST,
          ["x-amz-date"] = DATE,
          ["user-agent"] = "not signed",
          authorization = authorization(
            "content-type;host;x-amz-date",
            "a4e95058712944d1643864344556588cb05ee43fbd46926410a396dacd9a6c3c"
          ),
        },
      },
    },
  }
  for _, vector in ipairs(vectors) do
    it("accepts " .. vector[1], function()
      assert.equal("AKIDEXAMPLE", (check(vector[2])))
    end)
  end

  it("reads white space in values as one space", function()
    local request = connect_request()
    request.headers.accept = "  application/json, \t text/javascript "
    assert.equal("AKIDEXAMPLE", (check(request)))
  end)

  it("sorts and encodes the query", function()
    local request = { method = "GET", path = "/a b", query = "b=2&a=%20x&a=1&c", headers = { host = "h" }, body = "" }
    local canonical = sigv4_verify.canonical_request(request, "host")
    assert.equal("GET\n/a%20b\na=%20x&a=1&b=2&c=\nhost:h\n", canonical:match("^.-\nhost:h\n"))
  end)

  it("encodes the path that was sent once more", function()
    local request = { method = "GET", path = "/a%20b", headers = { host = "h" }, body = "" }
    assert.matches("^GET\n/a%%2520b\n", (sigv4_verify.canonical_request(request, "host")))
  end)

  local changes = {
    ["another body"] = function(request) request.body = "{ }" end,
    ["another path"] = function(request) request.path = "/graphql" end,
    ["another method"] = function(request) request.method = "GET" end,
    ["another signed header"] = function(request) request.headers.host = "other" end,
  }
  for name, change in pairs(changes) do
    it("refuses " .. name .. " with 403", function()
      local request = connect_request()
      change(request)
      local access_key, refusal = check(request)
      assert.is_nil(access_key)
      assert.equal(403, refusal.status)
      assert.equal("InvalidSignatureException", refusal.type)
      assert.matches("^The request signature we calculated does not match", refusal.message)
    end)
  end

  it("refuses a clock that is more than five minutes off, and not one that is less", function()
    assert.equal("AKIDEXAMPLE", (check(connect_request(), NOW + 300)))
    assert.equal("AKIDEXAMPLE", (check(connect_request(), NOW - 300)))
    local _, late = check(connect_request(), NOW + 301)
    assert.matches("^Signature expired", late.message)
    local _, early = check(connect_request(), NOW - 301)
    assert.matches("^Signature not yet current", early.message)
  end)

  it("refuses a date that isn't the scope's", function()
    local request = connect_request()
    request.headers["x-amz-date"] = "20200402T001010Z"
    local _, refusal = check(request, NOW + 86400)
    assert.matches("^Date in Credential scope", refusal.message)
  end)

  it("refuses an unknown access key", function()
    local _, refusal = sigv4_verify.check(connect_request(), { OTHER = SECRET }, NOW)
    assert.equal("UnrecognizedClientException", refusal.type)
  end)

  it("refuses a header that is named twice, and a host that isn't signed", function()
    for names, message in pairs({
      ["host;x-amz-date;host"] = "The signed header 'host' is named twice.",
      ["x-amz-date"] = "'Host' must be a 'SignedHeader' in the AWS Authorization.",
      ["localhost;x-amz-date"] = "'Host' must be a 'SignedHeader' in the AWS Authorization.",
    }) do
      local request = connect_request()
      request.headers.authorization = authorization(names, ("0"):rep(64))
      local _, refusal = check(request)
      assert.same({ status = 403, type = "InvalidSignatureException", message = message }, refusal)
    end
  end)

  it("refuses a signature for another service", function()
    local request = connect_request()
    request.headers.authorization = request.headers.authorization:gsub("/appsync/", "/execute-api/")
    local _, refusal = check(request)
    assert.equal("InvalidSignatureException", refusal.type)
  end)

  it("refuses a signature that leaves the host out", function()
    local request = connect_request()
    request.headers.authorization = request.headers.authorization:gsub(";host;", ";")
    local _, refusal = check(request)
    assert.matches("'Host' must be", refusal.message)
  end)

  it("names a signed header that was not sent", function()
    local request = connect_request()
    request.headers.accept = nil
    local _, refusal = check(request)
    assert.equal("The signed header 'accept' was not sent.", refusal.message)
  end)

  it("refuses an Authorization header with parts missing", function()
    for _, text in ipairs({
      "AWS4-HMAC-SHA256",
      "AWS4-HMAC-SHA256 Credential=A/20200401/r/appsync/aws4_request, Signature=00",
      "AWS4-HMAC-SHA256 Credential=A/r/appsync, SignedHeaders=host, Signature=00",
      "AWS4-HMAC-SHA256 Credential=A/20200401/r/appsync/aws4_request, SignedHeaders=host, Signature=zz",
    }) do
      local _, refusal = check({ headers = { authorization = text } })
      assert.equal("IncompleteSignatureException", refusal.type)
    end
  end)

  it("reads dates across leap years", function()
    assert.equal(0, sigv4_verify.parse_date("19700101T000000Z"))
    assert.equal(3600 + 120 + 3, sigv4_verify.parse_date("19700101T010203Z"))
    assert.equal(951782400, sigv4_verify.parse_date("20000229T000000Z"))
    assert.equal(NOW, sigv4_verify.parse_date(DATE))
    assert.is_nil(sigv4_verify.parse_date("2020-04-01"))
  end)
end)
