-- Realtime servers that do wrong before a subscription starts: it ends with the promised error or goes on.
local appsync = require "appsync"
local core = require "appsync.core"
local peer = require "spec.support.peer"
local realtime_peer = require "spec.support.realtime_peer"

local wait, list, data, HANDSHAKE = realtime_peer.wait, realtime_peer.list, realtime_peer.data, realtime_peer.HANDSHAKE
local ACK_START, WAIT, STARTED, GOOD = realtime_peer.ACK_START, realtime_peer.WAIT, realtime_peer.STARTED, realtime_peer.GOOD
local connect, subscribe, next_n = realtime_peer.connect, realtime_peer.subscribe, realtime_peer.next_n
local end_of, no_secret, survives = realtime_peer.end_of, realtime_peer.no_secret, realtime_peer.survives
local fails, DOCUMENT, BOUND = realtime_peer.fails, realtime_peer.DOCUMENT, realtime_peer.BOUND
local UNAUTHORIZED = '{"errorType":"UnauthorizedException","message":"You are not authorized to make this call.","errorCode":401}'

describe("against a realtime server that misbehaves, a subscription", function()
  after_each(realtime_peer.stop)

  describe("before it is connected", function()
    it("tells that the connection is refused, and starts when there is a server", function()
      local gone = peer.start{ connections = { {} } }
      gone.stop()
      realtime_peer.server = gone
      local warned = {}
      realtime_peer.client = appsync.client{
        endpoint = gone.url, auth = { type = "NONE" }, retry = { base = 0.01, cap = 0.05 },
        log = function(level, message) if level == "warn" then warned[#warned + 1] = message end end,
      }
      local states = realtime_peer.client.connection:observe():subscribe()
      local s = subscribe()
      local state, err
      repeat
        state, err = states:next(BOUND)
      until state ~= "Connecting"
      assert.equal("ConnectionDisrupted", state)
      assert.equal("network", err.kind)
      realtime_peer.server = peer.start{ port = gone.port, connections = { GOOD } }
      assert.equal(99, next_n(s))
      assert.equal(1, #warned) -- once, however many attempts there were
      assert.truthy(warned[1]:find("cannot connect to 127.0.0.1", 1, true))
    end)

    it("tries again when the server is silent after accepting", function()
      survives({ { "request" }, WAIT }, { timeouts = { connect = 0.5 } })
    end)

    it("tries again when the server closes at once", function()
      survives{ { "request" }, { "close" } }
    end)

    it("tries again when the server resets the connection", function()
      survives{ { "request" }, { "reset" } }
    end)

    it("ends with a protocol error when the server chooses another sub-protocol", function()
      local err = fails{ { "ws_accept", "chat" }, WAIT }
      assert.equal("protocol", err.kind)
      assert.equal("sub_protocol", err.code)
      assert.truthy(err.message:find("graphql-ws", 1, true), err.message)
    end)

    it("ends with a protocol error when the server chooses no sub-protocol", function()
      local err = fails{ { "ws_accept", core.null }, WAIT }
      assert.equal("protocol", err.kind)
      assert.equal("sub_protocol", err.code)
    end)

    it("ends with a protocol error when the server's handshake is wrong", function()
      local err = fails{ { "request" }, { "send", "HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
        .. "Sec-WebSocket-Accept: AAAA\r\nSec-WebSocket-Protocol: graphql-ws\r\n\r\n" }, WAIT }
      assert.equal("protocol", err.kind)
    end)

    for what, headers in pairs{ ["a header of 400 KB"] = "X: " .. ("x"):rep(400000) .. "\r\n", ["many headers"] = ("X: xxxxx\r\n"):rep(40000) } do
      for _, status in ipairs{ "101 Switching Protocols", "403 Forbidden" } do
        it("ends with a protocol error when the upgrade is answered with " .. status:sub(1, 3) .. " and " .. what, function()
          local err = fails{ { "request" }, { "send", "HTTP/1.1 " .. status .. "\r\n" .. headers .. "\r\n" }, WAIT }
          assert.equal("protocol", err.kind)
          assert.matches("headers of the answer to the WebSocket's upgrade are malformed or too long", err.message)
        end)
      end
    end

    for _, status in ipairs{ 401, 403 } do
      it("ends with an auth error when the upgrade is answered with " .. status, function()
        local err = fails{ { "request" }, { "http", status, {}, "no" }, WAIT }
        assert.equal("auth", err.kind)
        assert.equal(status, err.status)
      end)
    end

    it("ends with an http error when the upgrade is answered with 404", function()
      local err = fails{ { "request" }, { "http", 404, {}, "no" }, WAIT }
      assert.equal("http", err.kind)
      assert.equal(404, err.status)
    end)

    it("tries again when the upgrade is answered with 500", function()
      survives{ { "request" }, { "http", 500, {}, "oh" }, WAIT }
    end)

    it("tries again when the upgrade is answered with 404 after it had worked once", function()
      connect{ connections = { list(STARTED, data(1), { "ws_expect", "never" }), { { "request" }, { "http", 404, {}, "" }, WAIT }, GOOD } }
      local s = subscribe()
      assert.equal(1, next_n(s))
      realtime_peer.server.stop()
      realtime_peer.server = peer.start{ port = realtime_peer.server.port, connections = { { { "request" }, { "http", 404, {}, "" }, WAIT }, GOOD } }
      assert.equal(99, next_n(s))
    end)

    it("asks for a fresh token when the upgrade is answered with 401", function()
      local reasons = {}
      survives({ { "request" }, { "http", 401, {}, "" }, WAIT }, { auth = { type = "AWS_LAMBDA", token = function(reason)
        reasons[#reasons + 1] = reason
        return "top-secret-" .. #reasons
      end } })
      assert.same({ "first", "refused" }, reasons)
    end)
  end)

  describe("before connection_ack", function()
    local OPEN = { { "ws_accept", "graphql-ws" }, { "ws_expect", "connection_init" } }

    it("tries again when no connection_ack comes", function()
      survives(list(OPEN, { "ws_expect", "never" }), { timeouts = { ack = 0.1 } })
      realtime_peer.wait_for_log("close 1 3001")
    end)

    it("takes a keep-alive and unknown messages", function()
      connect{ connections = { list(OPEN, { "ws_send", '{"type":"ka"}' }, { "ws_send", '{"type":"news","payload":[1]}' },
        { "ws_send", '{"type":"connection_ack"}' }, { "ws_start" }, ACK_START, data(5), WAIT) } }
      assert.equal(5, next_n(subscribe()))
    end)

    it("ends with the service's error when connection_error has the code 400", function()
      local err = fails(list(OPEN, { "ws_send",
        '{"type":"connection_error","payload":{"errors":[{"message":"NoProtocolError","errorCode":400}]}}' }, WAIT))
      assert.equal("protocol", err.kind)
      assert.truthy(err.message:find("NoProtocolError", 1, true), err.message)
    end)

    it("ends with an auth error when connection_error says Unauthorized and the key can't change", function()
      local err = fails(list(OPEN, { "ws_send", '{"type":"connection_error","payload":{"errors":[' .. UNAUTHORIZED .. ']}}' }, WAIT))
      assert.equal("auth", err.kind)
      assert.equal("UnauthorizedException", err.error_type)
    end)

    it("asks for a fresh token, once, when connection_error says Unauthorized", function()
      local reasons = {}
      survives(list(OPEN, { "ws_send", '{"type":"connection_error","payload":{"errors":[' .. UNAUTHORIZED .. ']}}' }, WAIT), {
        auth = { type = "OPENID_CONNECT", token = function(reason)
          reasons[#reasons + 1] = reason
          return "top-secret-" .. #reasons
        end },
      })
      assert.same({ "first", "refused" }, reasons)
      local _, n = realtime_peer.server.log():gsub("connection %d", "")
      assert.equal(2, n)
    end)

    it("ends with an auth error when the fresh token is refused too", function()
      local refusal = list(OPEN, { "ws_send", '{"type":"connection_error","payload":{"errors":[' .. UNAUTHORIZED .. ']}}' }, WAIT)
      local n = 0
      connect({ connections = { refusal, refusal } }, { auth = { type = "OPENID_CONNECT", token = function()
        n = n + 1
        return "top-secret"
      end } })
      local err = end_of(subscribe())
      assert.equal("auth", err.kind)
      assert.equal(2, n)
      assert.is_nil(realtime_peer.server.log():find("surplus", 1, true))
      no_secret(err)
    end)

    it("tries again when connection_error has another reason", function()
      survives(list(OPEN, { "ws_send", '{"type":"connection_error","payload":{"errors":[{"errorType":"InternalFailure","message":"oh","errorCode":500}]}}' }, WAIT))
    end)

    for name, steps in pairs{
      ["with the code 1001"] = { { "ws_close", 1001, "bye" }, WAIT },
      ["with the code 1011"] = { { "ws_close", 1011, "" }, WAIT },
      ["without a code"] = { { "ws_frame", 8, "" }, WAIT },
      ["without a word"] = { { "close" } },
      ["by a reset"] = { { "reset" } },
    } do
      it("tries again when it is closed " .. name .. " before connection_ack", function()
        survives(list(OPEN, steps))
      end)

      it("tries again when it is closed " .. name .. " after connection_ack", function()
        survives(list(HANDSHAKE, steps))
      end)

      it("tries again when it is closed " .. name .. " while it starts", function()
        survives(list(HANDSHAKE, { "ws_start" }, steps))
      end)

      it("goes on with the same id when it is closed " .. name .. " while it is live", function()
        connect{ connections = { list(STARTED, data(1), steps), GOOD } }
        local told, got = {}, {}
        realtime_peer.client:subscribe(DOCUMENT):subscribe{
          next = function(event) got[#got + 1] = event.on.n end,
          state = function(state) told[#told + 1] = state end,
        }
        wait("both events", function() return #got == 2 end)
        assert.same({ 1, 99 }, got)
        assert.same({ "subscribed", "reconnecting", "subscribed" }, told)
        local ids = {}
        for id in realtime_peer.server.log():gmatch('frame %d {"id":"([^"]+)"[^\n]*"type":"start"}') do ids[#ids + 1] = id end
        assert.equal(2, #ids)
        assert.equal(ids[1], ids[2])
      end)
    end
  end)
end)
