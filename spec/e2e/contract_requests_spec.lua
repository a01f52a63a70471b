-- What the client sends, and what it makes of answers, by the public names only.
local appsync = require "appsync"
local peer = require "spec.support.peer"
local process = require "spec.support.process"
local contains = require "spec.support.text"

local has, lacks = contains.has, contains.lacks
local BOUND = 10
local JSON = { ["Content-Type"] = "application/json" }
local GOOD = { "http", 200, JSON, '{"data":{"a":1}}' }

describe("the contract of what the client sends:", function()
  local client
  after_each(function()
    if client then client:close(5) end
    client = nil
    process.stop_all()
  end)

  it("integral floats without a dot, null, lists and nothing that isn't declared", function()
    local other = peer.start{ connections = { { { "request" }, GOOD } } }
    client = appsync.client{ endpoint = other.url, auth = { type = "API_KEY", api_key = "k" } }
    client:query("query($a: Float, $b: [Int], $c: Int, $d: AWSJSON, $f: [[ID!]!]!) { a }",
      { a = 5.0, b = appsync.array{}, c = appsync.null, d = {}, e = 1, big = 2, f = { {}, { "x" } } })
    local body = other.log():match "body 1 ([^\n]*)"
    local variables = appsync.decode(body).variables
    has(body, '"a":5')
    lacks(body, "5.0")
    has(body, '"b":[]')
    has(body, '"c":null')
    has(body, '"d":{}')
    has(body, '"f":[[],["x"]]')
    assert.is_nil(variables.e)
    has(other.log(), "x-api-key: k")
  end)

  it("big_integers: strings where a number would be rounded", function()
    local big = { "http", 200, JSON, '{"data":{"a":18446744073709551616,"b":9007199254740993,"c":5},"extensions":{"x":1}}' }
    local other = peer.start{ connections = { { { "request" }, big, { "request" }, big } } }
    client = appsync.client{ endpoint = other.url, auth = { type = "NONE" }, big_integers = "string" }
    local data, err, info = client:query "{ a b c }"
    assert.is_nil(err)
    assert.equal("18446744073709551616", data.a)
    if math.type then
      assert.equal("9007199254740993", ("%d"):format(data.b))
    else
      assert.equal("9007199254740993", data.b)
    end
    assert.equal(5, data.c)
    assert.equal(1, info.extensions.x)
    client:close(5)
    other.stop()
    other = peer.start{ connections = { { { "request" }, big } } }
    client = appsync.client{ endpoint = other.url, auth = { type = "NONE" } }
    data = client:query "{ a b c }"
    assert.equal(18446744073709551616, data.a)
  end)

  it("big_integers: numbers that came as no integer are numbers from the cache as well", function()
    local answer = { "http", 200, JSON, '{"data":{"a":1e19,"b":1e300,"c":-2.5e22,"d":18446744073709551616,"e":4503599627370496.0}}' }
    local other = peer.start{ connections = { { { "request" }, answer } } }
    client = appsync.client{ endpoint = other.url, auth = { type = "NONE" }, big_integers = "string", store = ":memory:" }
    local data = client:query "{ a b c d e }"
    assert.same({ a = 1e19, b = 1e300, c = -2.5e22, d = "18446744073709551616", e = 4503599627370496 }, data)
    assert.same(data, client:read_query "{ a b c d e }")
    local again, _, info = client:query "{ a b c d e }"
    assert.equal("cache", info.source)
    assert.same(data, again)
  end)

  it("a mutation is sent once; its failure says that it may have been sent", function()
    local other = peer.start{ connections = { { { "request" }, { "close" } }, { { "request" }, GOOD } } }
    client = appsync.client{ endpoint = other.url, auth = { type = "NONE" }, retry = { base = 0.01 } }
    local data, err = client:mutate "mutation { a }"
    assert.is_nil(data)
    assert.equal("network", err.kind)
    assert.is_true(err.sent)
    local _, n = other.log():gsub("body %d+ [^\n]*mutation", "")
    assert.equal(1, n)
    assert.equal(1, client:mutate("mutation { a }", nil, { queue = false }).a)
  end)

  it("a conflict is kind conflict, with the server's record in data", function()
    local other = peer.start{ connections = { { { "request" }, { "http", 200, JSON,
      '{"data":{"a":null},"errors":[{"message":"Conflict","errorType":"ConflictUnhandled","data":{"_version":2}}]}' } } } }
    client = appsync.client{ endpoint = other.url, auth = { type = "NONE" } }
    local data, err = client:mutate "mutation { a }"
    assert.is_nil(data)
    assert.equal("conflict", err.kind)
    assert.equal("ConflictUnhandled", err.error_type)
    assert.equal(2, err.errors[1].data._version)
  end)

  it("Unauthorized in a GraphQL answer is kind auth, beside the data", function()
    local other = peer.start{ connections = { { { "request" }, { "http", 200, JSON,
      '{"data":{"a":1,"b":null},"errors":[{"message":"Not Authorized","errorType":"Unauthorized","path":["b"]}]}' } } } }
    client = appsync.client{ endpoint = other.url, auth = { type = "NONE" } }
    local data, err = client:query "{ a b }"
    assert.equal(1, data.a)
    assert.equal("auth", err.kind)
    assert.equal("Unauthorized", err.error_type)
  end)

  it("an event with GraphQL errors has err beside it; one without data is a table of nulls", function()
    local accept, init, ack = peer.handshake()
    local other = peer.start{ connections = { {
      accept, init, ack, { "ws_start" }, { "ws_send", '{"type":"start_ack","id":"%ID%"}' },
      { "ws_send", '{"type":"data","id":"%ID%","payload":{"data":{"a":1,"b":null},"errors":[{"message":"no b","errorType":"X"}]}}' },
      { "ws_send", '{"type":"data","id":"%ID%","payload":{"data":null,"errors":[{"message":"none"}]}}' },
      { "ws_send", '{"type":"data","id":"%ID%","payload":{"data":{"a":3,"b":4}}}' },
      { "ws_send", '{"type":"complete","id":"%ID%"}' }, { "wait" },
    } } }
    client = appsync.client{ endpoint = other.url, realtime_endpoint = other.realtime, auth = { type = "API_KEY", api_key = "k" } }
    local s = client:subscribe("subscription { a b }"):subscribe()
    local event, err = s:next(BOUND)
    assert.equal(1, event.a)
    assert.equal("graphql", err.kind)
    assert.equal("X", err.error_type)
    event, err = s:next(BOUND)
    assert.equal(appsync.null, event.a)
    assert.equal("graphql", err.kind)
    event, err = s:next(BOUND)
    assert.equal(3, event.a)
    assert.is_nil(err)
    event, err = s:next(BOUND)
    assert.is_nil(event)
    assert.is_nil(err)
    assert.is_nil(s.err)
  end)

  it("no message shows the secret that a service quotes", function()
    local KEY, TOKEN = "da2-topsecretkey", "topsecret/session+token/" .. ("x"):rep(300)
    local refusal = { "http", 403, JSON, appsync.encode{
      message = "The signature doesn't match.\n\nThe Canonical String for this request should have been\n'POST\n/graphql\n\nx-amz-security-token:" .. TOKEN .. "'",
    } }
    local key_refusal = { "http", 401, JSON, '{"errors":[{"errorType":"UnauthorizedException","message":"' .. KEY .. ' is unknown"}]}' }
    local accept, init, ack = peer.handshake()
    local realtime_refusal = { "ws_send", '{"type":"connection_error","payload":{"errors":[{"errorType":"UnauthorizedException","message":"'
      .. KEY .. ' is unknown"}]}}' }
    local notice = { "ws_send", '{"type":"error","payload":{"errors":[{"errorType":"Odd","message":"' .. KEY .. ' is unknown"}]}}' }
    local sub_refusal = { "ws_send", '{"type":"error","id":"%ID%","payload":{"errors":[{"errorType":"Odd","message":"no"}]}}' }
    local other = peer.start{ connections = { { { "request" }, refusal, { "request" }, refusal } } }
    local for_key = peer.start{ connections = { { { "request" }, key_refusal } } }
    local live = peer.start{ connections = { { accept, init, realtime_refusal, { "wait" } }, { accept, init, ack, notice, { "ws_start" }, sub_refusal, { "wait" } } } }
    local lines = {}
    local function log(_, message, fields)
      lines[#lines + 1] = message
      for _, value in pairs(fields) do lines[#lines + 1] = tostring(value) end
    end
    client = appsync.client{ endpoint = other.url, region = "us-east-1", log = log, auth = { type = "AWS_IAM", credentials = {
      access_key_id = "AKID", secret_access_key = "secret/access+key", session_token = TOKEN,
    } } }
    local _, err = client:query "{ a }"
    assert.equal("auth", err.kind)
    has(err.message, "The signature doesn't match")
    lacks(err.message, "topsecret")
    client:close(5)
    client = appsync.client{ endpoint = for_key.url, realtime_endpoint = live.realtime, log = log, auth = { type = "API_KEY", api_key = KEY },
      retry = { base = 0.01, attempts = 1 } }
    _, err = client:query "{ a }"
    assert.equal("auth", err.kind)
    has(err.message, "is unknown")
    lacks(err.message, "topsecret")
    local states = client.connection:observe():subscribe()
    local s = client:subscribe("subscription { a }"):subscribe()
    local ok, ready_err = s:ready(BOUND)
    assert.is_nil(ok)
    has(ready_err.message, "is unknown")
    lacks(ready_err.message, "topsecret")
    local told
    repeat
      local state, state_err = states:next(1)
      told = told or state_err
    until told or state == nil
    has(told.message, "is unknown")
    lacks(told.message, "topsecret")
    assert.is_nil((client:subscribe("subscription { a }"):subscribe():next(BOUND)))
    has(table.concat(lines, "\n"), "is unknown")
    lacks(table.concat(lines, "\n"), "topsecret")
  end)

  it("handshake = query is the only way a secret gets into a URL", function()
    local function first_line(options)
      local accept, init, ack = peer.handshake()
      local other = peer.start{ connections = { { accept, init, ack, { "ws_start" }, { "ws_send", '{"type":"start_ack","id":"%ID%"}' }, { "wait" } } } }
      client = appsync.client{
        endpoint = other.url, realtime_endpoint = other.realtime, auth = { type = "API_KEY", api_key = "k" }, realtime = options,
      }
      local s = client:subscribe("subscription { a }"):subscribe()
      assert.is_true(appsync.assert(s:ready(BOUND)))
      client:close(5)
      local log = other.log()
      other.stop()
      return log:match "request 1 ([^\n]*)"
    end
    lacks(first_line(), "header=")
    lacks(first_line{ handshake = "subprotocol" }, "header=")
    has(first_line{ handshake = "query" }, "header=")
  end)
end)
