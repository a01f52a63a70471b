-- What is too long to be sent: an error that names it, at once, and never a lack of memory.
local appsync = require "appsync"
local core = require "appsync.core"
local peer = require "spec.support.peer"
local process = require "spec.support.process"

local BOUND = 10
local KB = 1024
local NONE = { type = "NONE" }
local LISTEN = { "ws_pong" } -- until the client closes
local ACK = { "ws_send", '{"type":"connection_ack","payload":{"connectionTimeoutMs":300000}}' }

describe("a client", function()
  local client

  after_each(function()
    if client then assert.is_true(client:close(5)) end
    client = nil
    process.stop_all()
  end)

  local function connect(options, ...)
    local server = peer.start{ connections = { ... }, ["repeat"] = true }
    options.endpoint, options.realtime_endpoint = server.url, server.realtime
    options.retry = { base = 0.01, cap = 0.05 }
    options.timeouts = { connect = 5, request = 5, ack = 5 }
    client = appsync.client(options)
    return client
  end

  local function end_of_subscription(options)
    local began = core.now()
    local _, err = client:subscribe("subscription { a }", nil, options):next(BOUND)
    assert.is_table(err, "the subscription waits")
    assert.is_true(core.now() - began < BOUND)
    return err
  end

  it("refuses a token that no server takes, for a call and for a subscription", function()
    local token = ("x"):rep(1100 * KB)
    connect({ auth = NONE }, { LISTEN })
    for _, given in ipairs{ token, function() return token end } do
      for _, mode in ipairs{ "AWS_LAMBDA", "OPENID_CONNECT" } do
        local options = { auth = { type = mode, token = given } }
        local data, err = client:query("{ a }", nil, options)
        assert.is_nil(data)
        assert.equal("auth", err.kind)
        assert.equal("too_long", err.code)
        assert.equal("auth", end_of_subscription(options).kind)
      end
    end
    local _, err = client:query("{ a }", nil, { auth = { type = "API_KEY", api_key = token } })
    assert.equal("too_long", err.code)
  end)

  it("tells of headers that are too long for a request as protocol, not as a lack of memory", function()
    connect({ auth = NONE }, { LISTEN })
    for _, n in ipairs{ 513, 1023, 1024, 4096 } do
      local _, err = client:query("{ a }", nil, { headers = { ["x-long"] = ("x"):rep(n * KB) } })
      assert.equal("protocol", err.kind, tostring(err))
      assert.equal("too_big", err.code)
      assert.matches("header", err.message)
    end
  end)

  it("sends headers of 500 KB", function()
    connect({ auth = NONE }, { { "request" }, { "http", 200, {}, '{"data":{"a":1}}' }, LISTEN })
    assert.same({ a = 1 }, (appsync.assert(client:query("{ a }", nil, { headers = { ["x-long"] = ("x"):rep(500 * KB) } }))))
  end)

  it("tells of headers that are too long for a handshake as protocol", function()
    for _, transport in ipairs{ {}, { handshake = "query" }, { protocol = "graphql-transport-ws" } } do
      connect({ auth = NONE, realtime = transport }, { LISTEN })
      for _, n in ipairs{ 30, 300, 3000 } do
        local err = end_of_subscription{ headers = { ["x-long"] = ("x"):rep(n * KB) } }
        assert.equal("protocol", err.kind, tostring(err))
        assert.equal("too_big", err.code)
      end
      assert.is_true(client:close(5))
    end
  end)

  it("ends a live subscription when the token of a reconnect is too long for any handshake", function()
    local n = 0
    connect({ auth = { type = "AWS_LAMBDA", token = function()
      n = n + 1
      return n == 1 and "good" or ("x"):rep(100 * KB)
    end } }, { { "ws_accept", "graphql-ws" }, { "ws_expect", "connection_init" }, ACK, { "ws_start" },
      { "ws_send", '{"type":"start_ack","id":"%ID%"}' }, { "ws_send", '{"type":"data","id":"%ID%","payload":{"data":{"a":1}}}' },
      { "close" } }, { { "request" }, { "http", 401, {}, "" } })
    local s = client:subscribe("subscription { a }"):subscribe()
    assert.same({ a = 1 }, (s:next(BOUND)))
    local _, err = s:next(BOUND)
    assert.equal("usage", err.kind, tostring(err))
    assert.equal("too_long", err.code)
  end)

  it("ends a subscription that is too long for its connection", function()
    for _, protocol in ipairs{ "graphql-ws", "graphql-transport-ws" } do
      connect({ auth = NONE, realtime = { protocol = protocol == "graphql-ws" and "appsync" or protocol } },
        { { "ws_accept", protocol }, { "ws_expect", "connection_init" }, ACK, LISTEN })
      local _, err = client:subscribe("subscription($a: String) { a(a: $a) }", { a = ("x"):rep(1100 * KB) }):next(BOUND)
      assert.equal("protocol", err.kind, tostring(err))
      assert.equal("too_big", err.code)
      assert.is_true(client:close(5))
    end
  end)
end)
