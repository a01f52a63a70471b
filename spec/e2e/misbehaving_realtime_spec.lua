-- Realtime servers that do wrong, by a byte-scripted peer: a subscription ends with the promised error or goes on.
local appsync = require "appsync"
local unpack = table.unpack or unpack -- luacheck: ignore
local core = require "appsync.core"
local peer = require "spec.support.peer"
local process = require "spec.support.process"

local DOCUMENT = "subscription { on { n } }"
local OTHER = "subscription { other { n } }"
local BOUND = 10
local UNAUTHORIZED = '{"errorType":"UnauthorizedException","message":"You are not authorized to make this call.","errorCode":401}'

local function list(...)
  local all = {}
  for _, item in ipairs{ ... } do
    if type(item[1]) == "table" then
      for _, step in ipairs(item) do all[#all + 1] = step end
    else
      all[#all + 1] = item
    end
  end
  return all
end

local HANDSHAKE = { peer.handshake() }
local ACK_START = { "ws_send", '{"type":"start_ack","id":"%ID%"}' }
local WAIT = { "wait" }

local function data(n, id)
  return { "ws_send", ('{"type":"data","id":"%s","payload":{"data":{"on":{"n":%d}}}}'):format(id or "%ID%", n) }
end

local STARTED = list(HANDSHAKE, { "ws_start" }, ACK_START)
-- What a connection does that works: one event of 99.
local GOOD = list(STARTED, data(99), WAIT)

describe("against a realtime server that misbehaves, a subscription", function()
  local client, server, log

  before_each(function() log = {} end)

  after_each(function()
    if client then assert.is_true(client:close(5)) end
    client = nil
    process.stop_all()
  end)

  local function connect(script, options)
    server = peer.start(script)
    options = options or {}
    options.endpoint = server.url
    options.auth = options.auth or { type = "API_KEY", api_key = "da2-top-secret" }
    options.timeouts = options.timeouts or { connect = 3, ack = 3 }
    options.retry = options.retry or { base = 0.01, cap = 0.05 }
    options.log = function(level, message) log[#log + 1] = level .. " " .. message end
    client = appsync.client(options)
    return client
  end

  local function subscribe(document)
    local told = {}
    local s = client:subscribe(document or DOCUMENT)
    return s:subscribe(), told
  end

  local function next_n(s)
    local event, err = s:next(BOUND)
    assert.is_nil(err, tostring(err) .. "\n" .. server.log())
    return event.on.n
  end

  -- How it ends.
  local function end_of(s)
    while true do
      local event, err = s:next(BOUND)
      if event == nil then return err end
    end
  end

  local function until_(what, fn)
    local give_up = core.now() + BOUND
    while true do
      local result = fn()
      if result then return result end
      assert.is_true(core.now() < give_up, "waited too long for " .. what .. "\n" .. server.log())
      appsync.sleep(0.005)
    end
  end

  local function until_log(text)
    until_(text, function() return server.log():find(text, 1, true) end)
  end

  local function was_logged(text)
    return table.concat(log, "\n"):find(text, 1, true) ~= nil
  end

  local function no_secret(err)
    assert.is_nil((tostring(err) .. table.concat(log, "\n")):find("top-secret", 1, true))
  end

  -- The first connection goes wrong in this way, the second one works.
  local function survives(steps, options)
    connect({ connections = { steps, GOOD } }, options)
    local s = subscribe()
    assert.equal(99, next_n(s))
    return s
  end

  -- The first connection goes wrong in this way, and that is the end.
  local function fails(steps, options)
    connect({ connections = { steps } }, options)
    local s = subscribe()
    local ok, err = s:ready(BOUND)
    assert.is_nil(ok)
    assert.is_nil(server.log():find("surplus", 1, true), server.log())
    no_secret(err)
    return err, s
  end

  describe("before it is connected", function()
    it("tells that the connection is refused, and starts when there is a server", function()
      local gone = peer.start{ connections = { {} } }
      gone.stop()
      server = gone
      client = appsync.client{ endpoint = gone.url, auth = { type = "NONE" }, retry = { base = 0.01, cap = 0.05 } }
      local states = client.connection:observe():subscribe()
      local s = subscribe()
      local state, err
      repeat
        state, err = states:next(BOUND)
      until state ~= "Connecting"
      assert.equal("ConnectionDisrupted", state)
      assert.equal("network", err.kind)
      server = peer.start{ port = gone.port, connections = { GOOD } }
      assert.equal(99, next_n(s))
    end)

    it("tries again when the server is silent after accepting", function()
      survives({ { "request" }, WAIT }, { timeouts = { connect = 0.1 } })
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
      server.stop()
      server = peer.start{ port = server.port, connections = { { { "request" }, { "http", 404, {}, "" }, WAIT }, GOOD } }
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
      assert.truthy(server.log():find("close 1 3001", 1, true), server.log())
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
      local _, n = server.log():gsub("connection %d", "")
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
      assert.is_nil(server.log():find("surplus", 1, true))
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
        client:subscribe(DOCUMENT):subscribe{
          next = function(event) got[#got + 1] = event.on.n end,
          state = function(state) told[#told + 1] = state end,
        }
        until_("both events", function() return #got == 2 end)
        assert.same({ 1, 99 }, got)
        assert.same({ "subscribed", "reconnecting", "subscribed" }, told)
        local ids = {}
        for id in server.log():gmatch('frame %d {"id":"([^"]+)"[^\n]*"type":"start"}') do ids[#ids + 1] = id end
        assert.equal(2, #ids)
        assert.equal(ids[1], ids[2])
      end)
    end
  end)

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
      assert.truthy(server.log():find("top-secret-2", 1, true), server.log())
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
      for i = 1, n do all[i] = client:subscribe(DOCUMENT, nil, { share = false }):subscribe() end
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
      assert.equal(2, client:stats().sockets)
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
      local s = client:subscribe(DOCUMENT):subscribe()
      client.connection:observe():subscribe(function(state) states[#states + 1] = state end)
      assert.equal(4, next_n(s))
      assert.is_true(was_logged "surprise")
      assert.is_true(was_logged "something")
      local event, err = s:next(0.01)
      assert.is_nil(event)
      assert.equal("timeout", err.kind)
      assert.is_nil(server.log():find("connection 2", 1, true))
    end)

    it("reconnects when a message is no JSON", function()
      survives(list(STARTED, { "ws_send", '{"type":"data","id":' }, { "ws_expect", "never" }))
      assert.truthy(server.log():find("close 1 1002", 1, true), server.log())
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
      assert.equal(1, client:stats().connections)
    end)

    it("gets a large message that is below limits.message_bytes", function()
      connect({ connections = { list(STARTED, { "ws_big", '{"type":"data","id":"%ID%","payload":{"data":{"on":{"n":"', 10000000, '"}}}}' }, WAIT) } },
        { limits = { message_bytes = 16000000 } })
      local s = client:subscribe(DOCUMENT, nil, { buffer_bytes = 32000000 }):subscribe()
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
      assert.truthy(server.log():find("pong 1 hello", 1, true), server.log())
    end)

    it("isn't read while its consumer is behind; afterwards every event arrives in order", function()
      local n = 4000
      connect{ connections = { list(STARTED, { "ws_flood",
        '{"type":"data","id":"%ID%","payload":{"data":{"on":{"n":%I%,"x":"' .. ("x"):rep(2000) .. '"}}}}', n }, WAIT) } }
      local s = client:subscribe(DOCUMENT, nil, { buffer = 16 }):subscribe()
      assert.is_true(s:ready(BOUND))
      until_log "blocked 1"
      for i = 1, n do
        local event = s:next(BOUND)
        if event.on.n ~= i then assert.equal(i, event.on.n) end
      end
      assert.equal(0, s.dropped)
    end)

    it("isn't taken for dead while it isn't read", function()
      connect{ connections = { list({ peer.handshake(200) }, { "ws_start" }, ACK_START, { "ws_flood",
        '{"type":"data","id":"%ID%","payload":{"data":{"on":{"n":%I%,"x":"' .. ("x"):rep(5000) .. '"}}}}', 2000 }, WAIT) } }
      local s = client:subscribe(DOCUMENT, nil, { buffer = 16 }):subscribe()
      local states = client.connection:observe():subscribe()
      until_log "blocked 1"
      repeat
        local state, err = states:next(0.4) -- twice the service's connectionTimeoutMs
        assert.is_true(state == nil or state:find "^Connect" ~= nil, state)
      until err and err.kind == "timeout"
      for i = 1, 2000 do
        if s:next(BOUND).on.n ~= i then error("out of order") end
      end
    end)
  end)

  it("carries its authorization in the URL with handshake = \"query\", in the sub-protocol otherwise", function()
    connect({ connections = { GOOD } }, { realtime = { handshake = "query" } })
    assert.equal(99, next_n(subscribe()))
    local path = server.log():match("request 1 GET (%S+) ")
    assert.truthy(path:find("^/graphql/realtime%?header=[%w%%]+&payload=e30%%3D$"), path)
    assert.truthy(server.log():find("sec-websocket-protocol: graphql-ws\n", 1, true))
    client:close(5)
    connect{ connections = { GOOD } }
    assert.equal(99, next_n(subscribe()))
    assert.truthy(server.log():find("request 1 GET /graphql/realtime HTTP/1.1", 1, true))
    assert.truthy(server.log():match "sec%-websocket%-protocol: graphql%-ws, header%-[%w_-]+\n")
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
    local s = own:subscribe("subscription { on { n } }"):subscribe()
    assert.equal(1, assert(s:next(10)).on.n)
    assert.equal(3, assert(s:next(10)).on.n)
    assert.same({ "first", "refused", "refused" }, reasons)
    assert.is_true(own:close(5))
  end)
end)
