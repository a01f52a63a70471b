-- HTTP servers that do wrong, by a byte-scripted peer: each gives the promised error, in bounded time, and the client goes on.
local appsync = require "appsync"
local colliding = require "spec.support.colliding"
local peer = require "spec.support.peer"
local process = require "spec.support.process"

local BOUND = 10
local JSON = { ["Content-Type"] = "application/json" }
local GOOD = { "http", 200, JSON, '{"data":{"a":1}}' }

describe("against an HTTP server that misbehaves, a call", function()
  local client, server

  after_each(function()
    if client then client:close(5) end
    client = nil
    process.stop_all()
  end)

  local function connect(script, options)
    server = peer.start(script)
    options = options or {}
    options.endpoint = server.url
    options.auth = options.auth or { type = "API_KEY", api_key = "da2-secret" }
    options.store = false
    options.timeouts = options.timeouts or { request = 5, connect = 2 }
    options.retry = options.retry or { base = 0.01, cap = 0.05 }
    client = appsync.client(options)
    return client
  end

  local function goes_on()
    local data, err = client:query("{ a }", nil, { timeout = BOUND })
    assert.is_nil(err)
    assert.equal(1, data.a)
  end

  it("is a network error when the connection is refused, and tells that nothing was sent", function()
    local gone = peer.start { connections = { {} } }
    gone.stop()
    client = appsync.client { endpoint = gone.url, auth = { type = "NONE" }, retry = { base = 0.01, attempts = 2 } }
    local data, err = client:query "{ a }"
    assert.is_nil(data)
    assert.equal("network", err.kind)
    assert.equal("connection_refused", err.code)
    assert.is_true(err.retryable)
    assert.is_falsy(err.sent)
  end)

  it("is a protocol error when the answer's strings would keep Lua busy, where they would", function()
    connect{ connections = { { { "request" }, { "http", 200, JSON, '{"data":{"a":' .. colliding.list(20000) .. "}}" },
      { "request" }, GOOD } } }
    local data, err = client:query "{ a }"
    if colliding.are_slow then
      assert.is_nil(data)
      assert.equal("protocol", err.kind)
      assert.equal("too_big", err.code)
      assert.equal("Too many strings collide in Lua's table of strings", err.message)
    else
      assert.equal(20000, #data.a)
    end
    goes_on()
  end)

  describe("whose text a service has cut,", function()
    -- The peer writes Latin-1.
    local function answer(body)
      local text = ("HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: %d\r\n\r\n%s"):format(#body, body)
      return { "send", (text:gsub("[\128-\255]", function(c)
        return string.char(192 + math.floor(c:byte() / 64), 128 + c:byte() % 64)
      end)) }
    end
    local CUT = "\239\191\189"

    for text, value in pairs{
      ["cut off \\ud83d"] = "cut off " .. CUT, ["\\udc00"] = CUT, ["\\ud83d\\ud83d"] = CUT .. CUT, ["\\ude00\\ud83d"] = CUT .. CUT,
      ["\\ud83d\\ude00\\ud83d"] = "😀" .. CUT, ["cut off \240\159\152"] = "cut off " .. CUT, ["\255é"] = CUT .. "é",
    } do
      it("has the replacement character in data, errors and extensions: " .. value, function()
        local body = ('{"data":{"a":"%s","b%s":[{"%s":"%s"}]},"errors":[{"message":"%s","errorType":"%s"}],"extensions":{"%s":1}}')
          :gsub("%%s", function() return text end)
        connect{ connections = { { { "request" }, answer(body), { "request" }, GOOD } } }
        local data, err, info = client:query "{ a }"
        assert.same({ a = value, ["b" .. value] = appsync.array{ { [value] = value } } }, data)
        assert.equal("graphql", err.kind)
        assert.same({ value, value, value }, { err.message, err.error_type, err.errors[1].message })
        assert.same({ [value] = 1 }, info.extensions)
        assert.equal(body, err.response.body)
        assert.is_string(appsync.encode(data))
        goes_on()
      end)
    end

    it("is read behind a byte order mark", function()
      connect{ connections = { { { "request" }, answer('\239\187\191{"data":{"a":1}}') } } }
      goes_on()
    end)
  end)

  describe("is a protocol error that tells of the size, and is not repeated, when the answer has", function()
    local HEAD, REST = "HTTP/1.1 200 OK\r\n", 'Content-Length: 16\r\n\r\n{"data":{"a":1}}'
    local LINE = "X: " .. ("x"):rep(1000) .. "\r\n"
    local CHUNKS = 'Transfer-Encoding: chunked\r\n\r\n10\r\n{"data":{"a":1}}\r\n0\r\n'
    for what, text in pairs{
      ["a header of 400 KB"] = HEAD .. "X: " .. ("x"):rep(400000) .. "\r\n" .. REST,
      ["headers of 400 KB in all"] = HEAD .. LINE:rep(400) .. REST,
      ["a long header behind many"] = HEAD .. LINE:rep(250) .. "X: " .. ("x"):rep(90000) .. "\r\n" .. REST,
      ["a folded header of 400 KB"] = HEAD .. "X: a\r\n" .. (" " .. LINE):rep(400) .. REST,
      ["many informational answers before it"] = ("HTTP/1.1 103 Early Hints\r\n" .. LINE:rep(50) .. "\r\n"):rep(8) .. HEAD .. REST,
      ["trailers of 400 KB"] = HEAD .. CHUNKS .. LINE:rep(400) .. "\r\n",
      ["a status line without an end"] = "HTTP/1.1 200 " .. ("x"):rep(400000) .. "\r\n" .. REST,
    } do
      it(what, function()
        connect{ connections = { { { "request" }, { "send", text }, { "wait" } }, { { "request" }, GOOD } } }
        local data, err = client:query "{ a }"
        assert.is_nil(data)
        assert.same({ "protocol", "response_too_big" }, { err.kind, err.code })
        assert.is_false(err.retryable)
        assert.is_true(err.sent)
        goes_on()
      end)
    end
  end)

  it("says what there is in the place of an answer", function()
    for body, message in pairs{
      ["<!DOCTYPE html><html>"] = "the response is not JSON: HTML or XML in place of a value at byte 0: <!DOCTYPE html><html>",
      [('{"data":%s}'):format(("["):rep(200))] = "the response is not JSON: nested deeper than 128 levels at byte 135: ",
      ['{"data":{"a":"b'] = "the response is not JSON: unfinished string at byte 15, where the text ends: ",
      [""] = "the response is empty", ["[]"] = "the response is a JSON list, not an object: []",
    } do
      connect{ connections = { { { "request" }, { "http", 200, JSON, body } } } }
      local data, err = client:query "{ a }"
      assert.is_nil(data)
      assert.equal("protocol", err.kind)
      assert.equal(message, err.message:sub(1, #message))
      assert.is_true(client:close(5))
    end
  end)

  it("times out when the server is silent after accepting", function()
    connect({ connections = { { { "request" }, { "wait" } }, { { "request" }, GOOD } } }, { timeouts = { request = 0.3 } })
    local data, err = client:query "{ a }"
    assert.is_nil(data)
    assert.equal("timeout", err.kind)
    goes_on()
  end)

  it("succeeds when the answer comes slowly", function()
    local text = 'HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: 16\r\n\r\n{"data":{"a":1}}'
    connect { connections = { { { "request" }, { "send_slowly", text, 7, 2 }, { "wait" } } } }
    goes_on()
  end)

  it("retries a query whose answer was cut off, but never a mutation", function()
    local cut = { "send", 'HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\n{"data":{"a"' }
    connect { connections = { { { "request" }, cut, { "close" } }, { { "request" }, GOOD, { "request" }, cut, { "close" } } } }
    goes_on()
    local data, err = client:mutate "mutation { a }"
    assert.is_nil(data)
    assert.equal("network", err.kind)
    assert.is_true(err.sent)
    local _, n = server.log():gsub("body %d+ [^\n]*mutation", "")
    assert.equal(1, n)
  end)

  it("never repeats a mutation where a reused connection dies without an answer", function()
    connect { connections = { { { "request" }, GOOD, { "request" }, { "close" } }, { { "request" }, GOOD, { "request" }, { "close" } },
      { { "request" }, GOOD } } }
    goes_on()
    local data, err = client:mutate "mutation { a }"
    assert.is_nil(data)
    assert.equal("network", err.kind)
    assert.is_true(err.sent)
    local _, n = server.log():gsub("body %d+ [^\n]*mutation", "")
    assert.equal(1, n)
    goes_on()
    goes_on() -- a query is
  end)

  it("sends a mutation again when its caller said that it is idempotent", function()
    connect { connections = { { { "request" }, { "reset" } }, { { "request" }, GOOD } } }
    local data, err = client:mutate("mutation { a }", nil, { idempotent = true })
    assert.is_nil(err)
    assert.equal(1, data.a)
  end)

  it("is a protocol error that quotes what came when the body is truncated JSON", function()
    connect { connections = { { { "request" }, { "http", 200, JSON, '{"data":{"a":' }, { "request" }, GOOD } } }
    local data, err = client:query "{ a }"
    assert.is_nil(data)
    assert.equal("protocol", err.kind)
    assert.truthy(err.message:find('{"data":{"a":', 1, true), err.message)
    goes_on()
  end)

  it("is a protocol error when the body has neither data nor errors", function()
    connect { connections = { { { "request" }, { "http", 200, JSON, '{"message":"hello"}' }, { "request" }, GOOD } } }
    local _, err = client:query "{ a }"
    assert.equal("protocol", err.kind)
    assert.truthy(err.message:find("hello", 1, true), err.message)
    goes_on()
  end)

  it("is an http error when a web page comes with status 404", function()
    connect { connections = { { { "request" }, { "http", 404, { ["Content-Type"] = "text/html" }, "<h1>no</h1>" }, { "request" }, GOOD } } }
    local _, err = client:query "{ a }"
    assert.equal("http", err.kind)
    assert.equal(404, err.status)
    goes_on()
  end)

  it("stops reading above the ceiling of a response", function()
    connect({ connections = { { { "request" }, { "http", 200, JSON, '{"data":{"a":"' .. ("x"):rep(200000) .. '"}}' } },
      { { "request" }, GOOD } } }, { limits = { response_bytes = 100000 } })
    local _, err = client:query "{ a }"
    assert.equal("protocol", err.kind)
    assert.equal("response_too_big", err.code)
    goes_on()
  end)

  it("takes 10 MB of data that are below the ceiling", function()
    connect { connections = { { { "request" }, { "send", 'HTTP/1.1 200 OK\r\nContent-Length: 10000016\r\n\r\n{"data":{"a":"' },
      { "flood", ("y"):rep(10000), 1000 }, { "send", '"}}' }, { "wait" } } } }
    -- 14 bytes before, 3 after: 10000017; the peer's count is one short on purpose, so the body ends before its last brace
    local _, err = client:query "{ a }"
    assert.equal("protocol", err.kind)
  end)

  it("is sent again after 429 with Retry-After, not before the time is over", function()
    connect { connections = { { { "request" }, { "http", 429, { ["Retry-After"] = "1" }, "slow down" }, { "request" }, GOOD } } }
    local began = require("appsync.core").now()
    goes_on()
    assert.is_true(require("appsync.core").now() - began >= 1)
  end)

  it("is sent again after 503, at most as often as the policy says", function()
    connect({ connections = { { { "request" }, { "http", 503, {}, "" }, { "request" }, { "http", 503, {}, "" } },
    } }, { retry = { base = 0.01, attempts = 2 } })
    local _, err, info = client:query "{ a }"
    assert.equal("http", err.kind)
    assert.equal(503, err.status)
    assert.is_true(err.retryable)
    assert.equal(503, info.status)
    local _, n = server.log():gsub("request %d+ POST", "")
    assert.equal(2, n)
  end)

  it("sends a mutation again after 429, since it was not executed, but not after 503", function()
    connect { connections = { { { "request" }, { "http", 429, {}, "" }, { "request" }, GOOD, { "request" }, { "http", 503, {}, "" } } } }
    local data = client:mutate "mutation { a }"
    assert.equal(1, data.a)
    local _, err = client:mutate "mutation { b }"
    assert.equal(503, err.status)
    local _, n = server.log():gsub("body %d+ [^\n]*mutation {\\n  b", "")
    assert.is_true(n <= 1)
  end)

  it("does not follow a redirect, endless or not, and tells where to", function()
    connect { connections = { { { "request" }, { "http", 302, { Location = "http://me:pw@login.example/graphql?token=da2-secret" }, "" },
      { "request" }, GOOD } } }
    local _, err = client:query "{ a }"
    assert.equal("http", err.kind)
    assert.equal(302, err.status)
    assert.equal("HTTP 302, which redirects to http://login.example/graphql", err.message)
    goes_on()
  end)

  it("asks for a fresh token after 401, once, and sends again", function()
    local reasons = {}
    connect({ connections = { { { "request" }, { "http", 401, {}, '{"errors":[{"errorType":"UnauthorizedException","message":"Token has expired."}]}' },
      { "request" }, GOOD } } }, {
      auth = { type = "OPENID_CONNECT", token = function(reason)
        reasons[#reasons + 1] = reason
        return "token-" .. #reasons
      end },
    })
    goes_on()
    assert.same({ "first", "refused" }, reasons)
    local log = server.log()
    assert.truthy(log:find("authorization: token-1", 1, true))
    assert.truthy(log:find("authorization: token-2", 1, true))
  end)

  it("is an auth error without the token in it when the fresh token is refused too", function()
    local refused = { "http", 401, {}, '{"errors":[{"errorType":"UnauthorizedException","message":"You are not authorized to make this call."}]}' }
    connect({ connections = { { { "request" }, refused, { "request" }, refused, { "request" }, GOOD } } }, {
      auth = { type = "AWS_LAMBDA", token = function() return "top-secret-token" end },
    })
    local _, err = client:query "{ a }"
    assert.equal("auth", err.kind)
    assert.equal(401, err.status)
    assert.is_nil(tostring(err):find("top-secret", 1, true))
    goes_on()
  end)

  it("corrects its clock by the Date header and signs again", function()
    connect({ connections = { { { "request" },
      { "http", 403, { Date = "Wed, 01 Jan 2020 00:00:00 GMT", ["x-amzn-errortype"] = "InvalidSignatureException" },
        '{"message":"Signature expired"}' }, { "request" }, GOOD } } }, {
      auth = { type = "AWS_IAM", credentials = { access_key_id = "AKID", secret_access_key = "s" } }, region = "us-east-1",
    })
    goes_on()
    assert.truthy(server.log():find("x-amz-date: 20200101T", 1, true))
  end)

  it("keeps partial data beside the error", function()
    connect { connections = { { { "request" }, { "http", 200, JSON,
      '{"data":{"a":1,"b":null},"errors":[{"message":"no b","errorType":"X","path":["b"]}]}' },
      { "request" }, { "http", 200, JSON, '{"data":{"a":null},"errors":[{"message":"no a","errorType":"Unauthorized"}]}' } } } }
    local data, err = client:query "{ a b }"
    assert.equal(1, data.a)
    assert.equal("graphql", err.kind)
    assert.equal("X", err.error_type)
    assert.equal("no b", err.errors[1].message)
    data, err = client:query "{ a }"
    assert.is_nil(data)
    assert.equal("auth", err.kind)
    assert.equal(appsync.null, err.data.a)
  end)

  it("closes an answer that is not HTTP at all with a network or protocol error", function()
    connect({ connections = { { { "request" }, { "send", "SSH-2.0-OpenSSH_9.2\r\n" }, { "close" } }, { { "request" }, GOOD } } },
      { retry = { attempts = 1 } })
    local _, err = client:query "{ a }"
    assert.is_true(err.kind == "network" or err.kind == "protocol", err.kind)
    goes_on()
  end)
end)
