-- Realtime servers that do wrong while a subscription starts and lives: it ends with the promised error or goes on.
local appsync = require "appsync"
local peer = require "spec.support.peer"
local realtime_peer = require "spec.support.realtime_peer"

local wait_for_log, list, data = realtime_peer.wait_for_log, realtime_peer.list, realtime_peer.data
local HANDSHAKE, ACK_START, WAIT = realtime_peer.HANDSHAKE, realtime_peer.ACK_START, realtime_peer.WAIT
local STARTED, GOOD, connect = realtime_peer.STARTED, realtime_peer.GOOD, realtime_peer.connect
local subscribe, next_n, end_of = realtime_peer.subscribe, realtime_peer.next_n, realtime_peer.end_of
local was_logged, survives, fails = realtime_peer.was_logged, realtime_peer.survives, realtime_peer.fails
local PATIENCE = require "spec.support.patience"
local DOCUMENT, BOUND = realtime_peer.DOCUMENT, realtime_peer.BOUND
local OTHER = "subscription { other { n } }"
local UNAUTHORIZED = '{"errorType":"UnauthorizedException","message":"You are not authorized to make this call.","errorCode":401}'
local unpack = table.unpack or unpack -- luacheck: ignore

describe("against a realtime server that misbehaves, a subscription", function()
  after_each(realtime_peer.stop)

  describe("while it starts", function()
    it("reconnects when no start_ack comes", function()
      survives(list(HANDSHAKE, { "ws_start" }, WAIT), { timeouts = { ack = 0.1 } })
    end)

    it("asks for a fresh token, once, when the start is refused as Unauthorized", function()
      local reasons = {}
      connect({ connections = { list(HANDSHAKE, { "ws_start" },
        { "ws_send", '{"type":"error","id":"%ID%","payload":{"errors":[' .. UNAUTHORIZED .. ']}}' },
        { "ws_start" }, ACK_START, data(7), WAIT) } }, {
        auth = { type = "AWS_LAMBDA", token = function(reason)
          reasons[#reasons + 1] = reason
          return "top-secret-" .. #reasons
        end },
      })
      assert.equal(7, next_n(subscribe()))
      assert.same({ "first", "refused" }, reasons)
      assert.truthy(realtime_peer.server.log():find("top-secret-2", 1, true), realtime_peer.server.log())
    end)

    it("shares one fresh token with the others whose starts are refused", function()
      local n, refusals, acks = 3, {}, {}
      for i = 1, n do
        refusals[i] = { "ws_send", ('{"type":"error","id":"%%ID%d%%","payload":{"errors":[%s]}}'):format(i, UNAUTHORIZED) }
        acks[#acks + 1] = { "ws_start" }
        acks[#acks + 1] = ACK_START
        acks[#acks + 1] = data(i)
      end
      local reasons = {}
      connect({ connections = { list(HANDSHAKE, { { "ws_start" }, { "ws_start" }, { "ws_start" } }, refusals, acks, WAIT) } }, {
        auth = { type = "AWS_LAMBDA", token = function(reason)
          reasons[#reasons + 1] = reason
          return "top-secret-" .. #reasons
        end },
      })
      local all, sum = {}, 0
      for i = 1, n do all[i] = realtime_peer.client:subscribe(DOCUMENT, nil, { share = false }):subscribe() end
      for i = 1, n do sum = sum + next_n(all[i]) end
      assert.equal(1 + 2 + 3, sum)
      assert.same({ "first", "refused" }, reasons)
    end)

    it("ends with an auth error when the start is refused and the key can't change", function()
      local err = fails(list(HANDSHAKE, { "ws_start" },
        { "ws_send", '{"type":"error","id":"%ID%","payload":{"errors":[{"errorType":"Unauthorized","message":"Not Authorized to access on on type Subscription"}]}}' }, WAIT))
      assert.equal("auth", err.kind)
      assert.equal("Unauthorized", err.error_type)
    end)

    it("ends with the service's error, also when errors is an object", function()
      local err = fails(list(HANDSHAKE, { "ws_start" }, { "ws_send",
        '{"type":"error","id":"%ID%","payload":{"errors":{"message":"Validation error of type FieldUndefined: on"}}}' }, WAIT))
      assert.equal("graphql", err.kind)
      assert.truthy(err.message:find("FieldUndefined", 1, true), err.message)
      assert.truthy(err.errors[1].message:find("FieldUndefined", 1, true))
    end)

    it("ends with subscription_limit when not even one has room", function()
      local err = fails(list(HANDSHAKE, { "ws_start" }, { "ws_send",
        '{"type":"error","id":"%ID%","payload":{"errors":{"errorType":"MaxSubscriptionsReachedError","message":"Max number of 100 subscriptions reached"}}}' }, WAIT))
      assert.equal("subscription_limit", err.code)
      assert.equal("MaxSubscriptionsReachedError", err.error_type)
    end)

    it("moves to another socket when this one has no more room", function()
      connect{ connections = {
        list(HANDSHAKE, { "ws_start" }, ACK_START, { "ws_start" },
          { "ws_send", '{"type":"error","id":"%ID2%","payload":{"errors":[{"errorType":"MaxSubscriptionsReachedException","message":"Max number of 1 subscriptions reached"}]}}' },
          data(1, "%ID1%"), WAIT), GOOD } }
      local first = subscribe()
      assert.is_true(first:ready(BOUND))
      local second = subscribe(OTHER)
      assert.equal(99, next_n(second))
      assert.equal(1, next_n(first))
      assert.equal(2, realtime_peer.client:stats().sockets)
    end)

    it("starts again later when the service says LimitExceededError, also without an id", function()
      connect{ connections = { list(HANDSHAKE, { "ws_start" },
        { "ws_send", '{"type":"error","payload":{"errors":{"errorType":"LimitExceededError","message":"Rate limit exceeded"}}}' },
        { "ws_start" }, ACK_START, data(3), WAIT) } }
      assert.equal(3, next_n(subscribe()))
    end)
  end)

  describe("while it is live", function()
    it("ignores unknown messages, unknown ids, second acknowledgements and errors without an id", function()
      connect{ connections = { list(STARTED,
        { "ws_send", '{"type":"surprise"}' }, { "ws_send", '{"payload":1}' }, { "ws_send", '{"type":17}' },
        { "ws_send", '{"type":"data","id":"nobody","payload":{"data":{"on":{"n":0}}}}' },
        { "ws_send", '{"type":"data","id":"%ID%"}' },
        { "ws_send", '{"type":"error","payload":{"errors":[{"message":"something"}]}}' },
        { "ws_send", '{"type":"error","id":"nobody","payload":{"errors":[{"message":"something else"}]}}' },
        { "ws_send", '{"type":"complete","id":"nobody"}' },
        { "ws_send", '{"type":"connection_ack","payload":{}}' }, ACK_START, { "ws_send", '{"type":"start_ack","id":"nobody"}' },
        data(4), WAIT) } }
      local states = {}
      local s = realtime_peer.client:subscribe(DOCUMENT):subscribe()
      realtime_peer.client.connection:observe():subscribe(function(state) states[#states + 1] = state end)
      assert.equal(4, next_n(s))
      assert.is_true(was_logged "surprise")
      assert.is_true(was_logged "something")
      local event, err = s:next(0.01)
      assert.is_nil(event)
      assert.equal("timeout", err.kind)
      assert.is_nil(realtime_peer.server.log():find("connection 2", 1, true))
    end)

    it("ends alone when a message that can't be read names it", function()
      connect{ connections = { list(HANDSHAKE, { "ws_start" }, ACK_START, { "ws_start" }, ACK_START,
        { "ws_send", '{"type":"data","payload":{"data":{"on":' .. ("["):rep(130) .. ("]"):rep(130) .. '}},"id":"%ID1%"}' },
        data(8, "%ID2%"), WAIT) } }
      local first = subscribe()
      assert.is_true(first:ready(BOUND))
      local second = subscribe(OTHER)
      local err = end_of(first)
      assert.equal("protocol", err.kind)
      assert.equal("too_deep", err.code)
      assert.truthy(err.message:find("can't be read", 1, true), err.message)
      assert.equal(8, next_n(second))
      assert.equal(1, realtime_peer.client:stats().connections)
    end)

    it("leaves without a word in the log although an event was under way", function()
      connect{ connections = { list(HANDSHAKE, { "ws_start" }, ACK_START, { "ws_start" }, ACK_START,
        { "ws_expect", '"type":"stop"' }, data(1, "%ID1%"), { "ws_send", '{"type":"complete","id":"%ID1%"}' },
        data(2, "%ID2%"), WAIT) } }
      local first = subscribe()
      assert.is_true(first:ready(BOUND))
      local second = subscribe(OTHER)
      assert.is_true(second:ready(BOUND))
      first:unsubscribe()
      assert.equal(2, next_n(second))
      assert.same({}, realtime_peer.log)
      assert.equal(0, realtime_peer.client:stats().protocol_notices)
    end)

    it("reconnects when a message is no JSON", function()
      survives(list(STARTED, { "ws_send", '{"type":"data","id":' }, { "ws_expect", "never" }))
      realtime_peer.wait_for_log("close 1 1002")
    end)

    it("reconnects when a message is no UTF-8, and says so", function()
      survives(list(STARTED, { "ws_frame", 1, '{"type":"data","id":"x","payload":{"a":"\195\191"}}' }, { "ws_expect", "never" }))
      realtime_peer.wait_for_log("close 1 1007")
      assert.is_true(was_logged "a message that is not UTF-8, at byte 40")
    end)

    it("reads a message behind a byte order mark", function()
      connect{ connections = { list(HANDSHAKE, { "ws_start" }, { "ws_send", '\239\187\191{"type":"start_ack","id":"%ID%"}' },
        { "ws_send", '\239\187\191{"type":"data","id":"%ID%","payload":{"data":{"on":{"n":4}}}}' }, WAIT) } }
      assert.equal(4, next_n(subscribe()))
    end)

    it("gets the errors of a payload beside its data", function()
      connect{ connections = { list(STARTED,
        { "ws_send", '{"type":"data","id":"%ID%","payload":{"data":{"on":{"n":1}},"errors":[{"message":"half","errorType":"X"}]}}' },
        { "ws_send", '{"type":"data","id":"%ID%","payload":{"data":null,"errors":[{"message":"nothing"}]}}' }, WAIT) } }
      local s = subscribe()
      local event, err = s:next(BOUND)
      assert.equal(1, event.on.n)
      assert.equal("graphql", err.kind)
      assert.equal("X", err.error_type)
      event, err = s:next(BOUND)
      assert.equal(appsync.null, event.on)
      assert.equal("nothing", err.errors[1].message)
    end)

    it("completes when the server completes it, and others go on", function()
      connect{ connections = { list(HANDSHAKE, { "ws_start" }, ACK_START, { "ws_start" }, ACK_START,
        { "ws_send", '{"type":"complete","id":"%ID1%","payload":{}}' }, data(2, "%ID2%"), WAIT) } }
      local first = subscribe()
      assert.is_true(first:ready(BOUND))
      local second = subscribe(OTHER)
      assert.is_nil(end_of(first))
      assert.is_nil(first.err)
      assert.equal(2, next_n(second))
    end)

    it("reconnects when nothing came for connectionTimeoutMs", function()
      survives(list({ { "ws_accept", "graphql-ws" }, { "ws_expect", "connection_init" },
        { "ws_send", '{"type":"connection_ack","payload":{"connectionTimeoutMs":150}}' } }, { "ws_start" }, ACK_START, WAIT))
    end)

    it("reconnects when nothing came for realtime.keep_alive and the service named no time", function()
      survives(list({ { "ws_accept", "graphql-ws" }, { "ws_expect", "connection_init" },
        { "ws_send", '{"type":"connection_ack"}' } }, { "ws_start" }, ACK_START, WAIT), { realtime = { keep_alive = 0.15 } })
    end)

    it("reconnects when nothing came for realtime.keep_alive although the service named a longer time", function()
      survives(list(STARTED, WAIT), { realtime = { keep_alive = 0.15 } })
    end)

    it("lives on when nothing came for the service's time where realtime.keep_alive is longer", function()
      connect({ connections = { list({ { "ws_accept", "graphql-ws" }, { "ws_expect", "connection_init" },
        { "ws_send", '{"type":"connection_ack","payload":{"connectionTimeoutMs":1}}' } }, { "ws_start" }, ACK_START,
        { "ws_start" }, ACK_START, data(1, "%ID1%"), WAIT) } }, { realtime = { keep_alive = 300 } })
      local first = subscribe()
      assert.is_true(first:ready(BOUND))
      assert.equal("timeout", select(2, first:next(0.05)).kind) -- 50 times what the service allows
      assert.is_true(subscribe(OTHER):ready(BOUND))
      assert.equal(1, next_n(first))
      assert.equal(1, realtime_peer.client:stats().connections)
    end)

    it("answers pings while its consumer is behind, sees keep-alives, and loses nothing", function()
      local n = 300
      connect{ connections = { list(STARTED, { "ws_flood", '{"type":"data","id":"%ID%","payload":{"data":{"on":{"n":%I%}}}}', n },
        { "ws_frame", 9, "still there?" }, { "ws_pong" }, { "ws_send", '{"type":"ka"}' }, data(n + 1), WAIT) } }
      local s = realtime_peer.client:subscribe(DOCUMENT, nil, { buffer = 4 }):subscribe()
      assert.is_true(s:ready(BOUND))
      wait_for_log "pong 1 still there?"
      for i = 1, n + 1 do assert.equal(i, next_n(s)) end
      assert.equal(0, s.dropped)
    end)

    it("doesn't hold up others on its socket while its consumer is behind", function()
      connect{ connections = { list(HANDSHAKE, { "ws_start" }, ACK_START, { "ws_start" }, ACK_START,
        { "ws_flood", '{"type":"data","id":"%ID1%","payload":{"data":{"on":{"n":%I%}}}}', 100 }, data(8, "%ID2%"), WAIT) } }
      local first = realtime_peer.client:subscribe(DOCUMENT, nil, { buffer = 2 }):subscribe()
      assert.is_true(first:ready(BOUND))
      assert.equal(8, next_n(subscribe(OTHER)))
      for i = 1, 100 do assert.equal(i, next_n(first)) end
    end)

    it("tells a gap when its connection is cut while it isn't read", function()
      connect{ connections = { list(STARTED, { "ws_fill",
        '{"type":"data","id":"%ID%","payload":{"data":{"on":{"n":%I%,"x":"' .. ("x"):rep(4000) .. '"}}}}' }, { "reset" }),
        list(STARTED, data(-1), WAIT) } }
      local told = {}
      local states = realtime_peer.client.connection:observe():subscribe()
      local s = realtime_peer.client:subscribe(DOCUMENT, nil, { buffer = 4 }):subscribe()
      assert.is_true(s:ready(BOUND))
      repeat
        local state, err = states:next(BOUND)
        told[#told + 1] = err and err.code or state
      until told[#told] == "events_dropped"
      local expected = 1
      while true do
        local n = next_n(s)
        if n == -1 then break end
        if n ~= expected then assert.equal(expected, n) end -- what had come is there, in order
        expected = expected + 1
      end
      assert.equal(1, s.dropped)
      assert.equal(1, realtime_peer.client:stats().dropped_events)
    end)

    it("takes Amplify's local server's connectionTimeout", function()
      connect{ connections = { list({ { "ws_accept", "graphql-ws" }, { "ws_expect", "connection_init" },
        { "ws_send", '{"type":"connection_ack","payload":{"connectionTimeout":300000}}' } }, { "ws_start" },
        { "ws_send", '{"type":"start_ack","id":"%ID%","payload":{}}' }, data(6), WAIT) } }
      assert.equal(6, next_n(subscribe()))
    end)

    it("ends with message_too_big when a message is above the limit, and another one on the socket lives on", function()
      connect{ connections = { list(HANDSHAKE, { "ws_start" }, ACK_START, { "ws_start" }, ACK_START,
        { "ws_big", '{"type":"data","id":"%ID1%","payload":{"data":{"on":{"n":"', 10000000, '"}}}}' }, data(8, "%ID2%"), WAIT) } }
      local first = subscribe()
      assert.is_true(first:ready(BOUND))
      local second = subscribe(OTHER)
      local err = end_of(first)
      assert.equal("protocol", err.kind)
      assert.equal("message_too_big", err.code)
      assert.equal(8, next_n(second))
      assert.equal(1, realtime_peer.client:stats().connections)
    end)

    it("gets a large message that is below limits.message_bytes", function()
      connect({ connections = { list(STARTED, { "ws_big", '{"type":"data","id":"%ID%","payload":{"data":{"on":{"n":"', 10000000, '"}}}}' }, WAIT) } },
        { limits = { message_bytes = 16000000 } })
      local s = realtime_peer.client:subscribe(DOCUMENT, nil, { buffer_bytes = 32000000 }):subscribe()
      local event = s:next(BOUND)
      assert.equal(10000000, #event.on.n)
    end)

    it("gets fragmented messages, ignores binary ones and answers pings", function()
      connect{ connections = { list(STARTED,
        { "ws_fragments", '{"type":"data","id":"%ID%","payload":{"data":{"on":{"n":1}}}}', 3 },
        { "ws_frame", 2, "\1\2\3" }, { "ws_frame", 9, "hello" }, { "ws_pong" }, data(2), WAIT) } }
      local s = subscribe()
      assert.equal(1, next_n(s))
      assert.equal(2, next_n(s))
      realtime_peer.wait_for_log("pong 1 hello")
    end)

    -- More events than whatever lies between has room for, which on a busy machine is many megabytes.
    local function press(bytes, after_block)
      return { "ws_press",
        '{"type":"data","id":"%ID%","payload":{"data":{"on":{"n":%I%,"x":"' .. ("x"):rep(bytes) .. '"}}}}', after_block }
    end

    -- How many they are, as soon as the first ones fill it.
    local function wait_until_blocked(after_block)
      wait_for_log "blocked 1"
      return tonumber(realtime_peer.server.log():match "blocked 1 at (%d+)") + after_block - 1
    end

    local function read_in_order(s, n)
      for i = 1, n do
        local event = s:next(BOUND)
        if event.on.n ~= i then assert.equal(i, event.on.n) end
      end
    end

    it("isn't read while its consumer is far behind; afterwards every event arrives in order", function()
      connect{ connections = { list(STARTED, press(2000, 1000), WAIT) } }
      local s = realtime_peer.client:subscribe(DOCUMENT, nil, { buffer = 16 }):subscribe()
      assert.is_true(s:ready(BOUND))
      read_in_order(s, wait_until_blocked(1000))
      assert.equal(0, s.dropped)
    end)

    it("isn't taken for dead while it isn't read", function()
      connect{ connections = { list({ peer.handshake(1000 * PATIENCE) }, { "ws_start" }, ACK_START, press(5000, 100), WAIT) } }
      local s = realtime_peer.client:subscribe(DOCUMENT, nil, { buffer = 16 }):subscribe()
      local states = realtime_peer.client.connection:observe():subscribe()
      local n = wait_until_blocked(100)
      repeat
        local state, err = states:next(2 * PATIENCE) -- twice the service's connectionTimeoutMs
        assert.is_nil(state and state:find "Disrupted")
      until err and err.kind == "timeout"
      read_in_order(s, n)
    end)
  end)

  it("carries its authorization in the URL with handshake = \"query\", in the sub-protocol otherwise", function()
    connect({ connections = { GOOD } }, { realtime = { handshake = "query" } })
    assert.equal(99, next_n(subscribe()))
    local path = realtime_peer.server.log():match("request 1 GET (%S+) ")
    assert.truthy(path:find("^/graphql/realtime%?header=[%w%%]+&payload=e30%%3D$"), path)
    assert.truthy(realtime_peer.server.log():find("sec-websocket-protocol: graphql-ws\n", 1, true))
    realtime_peer.client:close(5)
    connect{ connections = { GOOD } }
    assert.equal(99, next_n(subscribe()))
    assert.truthy(realtime_peer.server.log():find("request 1 GET /graphql/realtime HTTP/1.1", 1, true))
    assert.truthy(realtime_peer.server.log():match "sec%-websocket%-protocol: graphql%-ws, header%-[%w_-]+\n")
  end)

  it("keeps a subscription whose token function fails for a while at a reconnect", function()
    local reasons = {}
    local live = { peer.handshake() }
    live[#live + 1] = { "ws_start" }
    live[#live + 1] = { "ws_send", '{"type":"start_ack","id":"%ID%"}' }
    live[#live + 1] = { "ws_send", '{"type":"data","id":"%ID%","payload":{"data":{"on":{"n":%N%}}}}' }
    local first = { unpack(live) }
    first[#first + 1] = { "close" }
    live[#live + 1] = { "wait" }
    local refused = { { "ws_accept", "graphql-ws" }, { "ws_expect", "connection_init" },
      { "ws_send", '{"type":"connection_error","payload":{"errors":[{"errorType":"UnauthorizedException","errorCode":401}]}}' },
      { "wait" } }
    local running = peer.start{ connections = { first, refused, live } }
    local own = appsync.client{
      endpoint = running.url, store = false, retry = { base = 0.01, cap = 0.05 }, log = function() end,
      auth = { type = "OPENID_CONNECT", token = function(reason)
        reasons[#reasons + 1] = reason
        if #reasons == 2 then return nil, "no network" end
        return "token " .. #reasons
      end },
    }
    local kind
    own.connection:observe():subscribe(function(_, err)
      if err and err.message:find("no network", 1, true) then kind = err.kind end
    end)
    local s = own:subscribe("subscription { on { n } }"):subscribe()
    assert.equal(1, assert(s:next(10)).on.n)
    assert.equal(3, assert(s:next(10)).on.n)
    assert.same({ "first", "refused", "refused" }, reasons)
    assert.equal("auth", kind)
    assert.is_true(own:close(5))
  end)
end)
