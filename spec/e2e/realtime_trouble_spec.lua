-- A subscription that isn't served: whoever waits for it is told why, and what can never work ends at once.
local appsync = require "appsync"
local certificates = require "spec.support.certificates"
local core = require "appsync.core"
local peer = require "spec.support.peer"
local process = require "spec.support.process"
local realtime_peer = require "spec.support.realtime_peer"
local server = require "spec.support.server"

local list, data, HANDSHAKE, ACK_START = realtime_peer.list, realtime_peer.data, realtime_peer.HANDSHAKE, realtime_peer.ACK_START
local WAIT, STARTED, GOOD, BOUND = realtime_peer.WAIT, realtime_peer.STARTED, realtime_peer.GOOD, realtime_peer.BOUND
local connect, subscribe, next_n, fails = realtime_peer.connect, realtime_peer.subscribe, realtime_peer.next_n, realtime_peer.fails
local DOCUMENT, OTHER = realtime_peer.DOCUMENT, "subscription { other { n } }"
local unpack = table.unpack or unpack -- luacheck: ignore
local OPEN = { { "ws_accept", "graphql-ws" }, { "ws_expect", "connection_init" } }

local function connection_error(errors)
  return list(OPEN, { "ws_send", '{"type":"connection_error","payload":{"errors":[' .. errors .. "]}}" }, WAIT)
end

-- A time-out of `wait` that has its cause; there may be none before the first attempt has failed.
local function with_cause(wait)
  local give_up = core.now() + BOUND
  while true do
    local value, err = wait(0.02)
    assert.is_nil(value)
    assert.equal("timeout", err.kind)
    if err.cause then return err end
    assert(core.now() < give_up, tostring(err))
  end
end

local function ready_error(s)
  return with_cause(function(timeout) return s:ready(timeout) end)
end

local function client_of(options)
  options.auth = options.auth or { type = "API_KEY", api_key = "da2-top-secret" }
  options.retry = options.retry or { base = 0.01, cap = 0.05 }
  options.log = function() end
  realtime_peer.client = appsync.client(options)
end

local function gone_peer()
  local gone = peer.start{ connections = { {} } }
  gone.stop()
  return gone
end

describe("a subscription that isn't served", function()
  after_each(realtime_peer.stop)

  describe("tells a wait that times out", function()
    local function check(code, text)
      local s = subscribe()
      local err = ready_error(s)
      assert.equal("network", err.cause.kind)
      assert.equal(code, err.cause.code)
      assert.truthy(err.message:find("^s:ready took longer than its timeout: "), err.message)
      assert.truthy(err.message:find(text, 1, true), err.message)
      assert.is_true(err.retryable)
      err = with_cause(function(timeout) return s:next(timeout) end)
      assert.truthy(err.message:find(text, 1, true), err.message)
    end

    it("of an unknown host", function()
      client_of{ endpoint = "http://host.invalid/graphql" }
      check("dns", "cannot resolve the name of host.invalid")
    end)

    it("of a port where nobody listens", function()
      client_of{ endpoint = gone_peer().url }
      check("unreachable", "cannot connect to 127.0.0.1")
    end)

    it("of a proxy that isn't there", function()
      client_of{ endpoint = "http://api.example/graphql", proxy = "http://127.0.0.1:" .. gone_peer().port }
      check("proxy", "cannot connect to the proxy on the way to api.example")
    end)

    it("of a 503, with the beginning of its body", function()
      connect{ connections = { { { "request" }, { "http", 503, {}, "<h1>\n  Service da2-top-secret is down</h1>" }, WAIT } }, ["repeat"] = true }
      local err = ready_error(subscribe())
      assert.equal("http", err.cause.kind)
      assert.equal(503, err.cause.status)
      assert.truthy(err.message:find("HTTP status 503 by 127.0.0.1: <h1> Service ************** is down</h1>", 1, true), err.message)
    end)

    it("of a connection_error that may pass", function()
      connect{ connections = { connection_error '{"errorType":"InternalFailure","message":"oh","errorCode":500}' }, ["repeat"] = true }
      local err = ready_error(subscribe())
      assert.equal("graphql", err.cause.kind)
      assert.truthy(err.message:find("oh", 1, true), err.message)
    end)

    it("of the rate limit", function()
      connect({ connections = { list(HANDSHAKE, { "ws_start" },
        { "ws_send", '{"type":"error","id":"%ID%","payload":{"errors":{"errorType":"LimitExceededError","message":"Rate limit exceeded"}}}' },
        WAIT) } }, { retry = { base = 60, cap = 60 } })
      assert.equal("rate_limited", ready_error(subscribe()).cause.code)
    end)

    it("of a loss, while it reconnects; and nothing any more when it is served again", function()
      connect{ connections = { list(STARTED, data(1), { "ws_close", 1001, "bye" }, WAIT) } }
      local s = subscribe()
      assert.equal(1, next_n(s))
      local err = with_cause(function(timeout) return s:next(timeout) end)
      assert.truthy(err.message:find("1001: bye", 1, true) or err.message:find("127.0.0.1", 1, true), err.message)
      realtime_peer.server.stop()
      realtime_peer.server = peer.start{ port = realtime_peer.server.port, connections = { GOOD } }
      assert.equal(99, next_n(s))
      local _, idle = s:next(0.01)
      assert.equal("timeout", idle.kind)
      assert.is_nil(idle.cause)
      assert.equal("s:next took longer than its timeout", idle.message)
    end)

    it("in which state the connection is where no attempt has ended yet", function()
      connect{ connections = { { { "request" }, WAIT } } }
      local s = subscribe()
      local _, err = s:ready(0.01)
      assert.equal("timeout", err.kind)
      assert.is_nil(err.cause)
      assert.truthy(err.message:find("the connection's state is", 1, true), err.message)
    end)

    it("who joins later, too", function()
      client_of{ endpoint = gone_peer().url, retry = { base = 60, cap = 60 } }
      ready_error(subscribe())
      assert.equal("unreachable", ready_error(subscribe()).cause.code)
    end)
  end)

  describe("ends at once", function()
    it("with the target of a redirect, without what may be secret in it", function()
      local err = fails{ { "request" }, { "http", 302, { Location = "https://me:pw@login.example/start?token=top-secret#top-secret" }, "" }, WAIT }
      assert.equal("http", err.kind)
      assert.equal(302, err.status)
      assert.is_false(err.retryable)
      assert.truthy(err.message:find("which redirects to https://login.example/start$"), err.message)
      assert.is_nil(err.message:find("pw", 1, true), err.message)
    end)

    it("with the beginning of a 404's body, on one line, cut, and without secrets", function()
      local err = fails{ { "request" },
        { "http", 404, {}, "no such\r\n\tAPI: da2-top-secret\1 " .. ("x"):rep(5000) }, WAIT }
      assert.equal(404, err.status)
      assert.truthy(err.message:find("by 127.0.0.1: no such API: **************? xxx", 1, true), err.message)
      assert.is_true(#err.message < 240)
    end)

    it("with a body that comes in chunks, and behind its head", function()
      local err = fails{ { "request" }, { "send", "HTTP/1.1 403 Forbidden\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nno en\r\n3\r\ntry\r\n0\r\n\r\n" }, WAIT }
      assert.equal("auth", err.kind)
      assert.truthy(err.message:find(": no entry$"), err.message)
    end)

    it("with the body of a refusal over TLS", function()
      local made = certificates.make()
      local err = fails({ { "request" }, { "http", 404, {}, "not here" }, WAIT }, { tls = { ca = made.ca } },
        { cert = made.server.cert, key = made.server.key })
      assert.truthy(err.message:find("HTTP status 404 by localhost: not here$"), err.message)
    end)

    it("when a body is announced that never comes, or none", function()
      for _, head in ipairs{ "Content-Length: 10", "Content-Length: 0", "X-Nothing: 1" } do
        local err = fails{ { "request" }, { "send", "HTTP/1.1 404 Not Found\r\n" .. head .. "\r\n\r\n" }, WAIT }
        assert.truthy(err.message:find("HTTP status 404 by 127.0.0.1$"), err.message)
        realtime_peer.stop()
      end
    end)

    for _, errors in ipairs{ '{"errorType":"HttpNotFoundException"}',
      '{"errorType":"com.amazonaws#HttpNotFoundException","message":"no API"}', '{"message":"gone","errorCode":404}' } do
      it("when connection_error says " .. errors, function()
        local err = fails(connection_error(errors))
        assert.is_true(err.kind == "graphql" or err.kind == "protocol", err.kind)
        assert.is_false(err.retryable)
      end)
    end

    for name, arguments in pairs{ ["asks for a password (407)"] = { "--auth", "alice:other" }, ["refuses the host (403)"] = { "--refuse", "403" } } do
      it("when a proxy " .. name, function()
        local path = process.file("", ".proxy")
        local first, handle = process.start{ process.PYTHON, "spec/support/proxy.py", path, arguments[1], arguments[2] }
        local port, pid = first:match("^PORT (%d+) PID (%d+)")
        handle.pid = tonumber(pid)
        client_of{ endpoint = "http://api.example/graphql", proxy = "http://alice:top-secret@127.0.0.1:" .. port }
        local ok, err = subscribe():ready(BOUND)
        assert.is_nil(ok)
        assert.equal("network", err.kind)
        assert.equal("proxy", err.code)
        assert.is_false(err.retryable)
        assert.truthy(err.message:find("the proxy refused the tunnel with HTTP status " .. name:match("%d+"), 1, true), err.message)
        realtime_peer.no_secret(err)
      end)
    end
  end)

  it("goes on trying where a proxy fails in a way that may pass", function()
    local path = process.file("", ".proxy")
    local first, handle = process.start{ process.PYTHON, "spec/support/proxy.py", path, "--refuse", "502" }
    local port, pid = first:match("^PORT (%d+) PID (%d+)")
    handle.pid = tonumber(pid)
    client_of{ endpoint = "http://api.example/graphql", proxy = "http://127.0.0.1:" .. port }
    local err = ready_error(subscribe())
    assert.truthy(err.cause.message:find("HTTP status 502", 1, true), err.message)
    assert.is_true(err.cause.retryable)
  end)

  describe("with retry.attempts", function()
    it("ends after so many attempts in a row, with the last one's error", function()
      client_of{ endpoint = gone_peer().url, retry = { base = 0.01, cap = 0.02, attempts = 3 } }
      local ok, err = subscribe():ready(BOUND)
      assert.is_nil(ok)
      assert.equal("network", err.kind)
      assert.truthy(err.message:find("^cannot connect to 127%.0%.0%.1:%d+; gave up after 3 attempts$"), err.message)
      assert.equal(3, realtime_peer.client:stats().connections)
    end)

    it("ends after so many when each connection is lost before it serves anything", function()
      connect({ connections = { list(HANDSHAKE, { "close" }) }, ["repeat"] = true }, { retry = { base = 0.01, cap = 0.02, attempts = 8 } })
      local err = realtime_peer.end_of(subscribe())
      assert.truthy(err.message:find("gave up after 8 attempts", 1, true), err.message)
    end)

    it("counts anew after each connection that served it", function()
      connect({ connections = { list(STARTED, data(1), { "close" }), list(STARTED, data(2), { "close" }), list(HANDSHAKE, { "close" }) } },
        { retry = { base = 0.01, cap = 0.02, attempts = 1 } })
      local s = subscribe()
      assert.equal(1, next_n(s))
      assert.equal(2, next_n(s))
      assert.truthy(realtime_peer.end_of(s).message:find("gave up after 1 attempt$"))
    end)
  end)

  describe("whose start is refused again and again", function()
    local REFUSE = { "ws_send", '{"type":"error","id":"%ID%","payload":{"errors":[{"errorType":"UnauthorizedException","message":"no","errorCode":401}]}}' }

    local function check(n_tokens, script, options)
      local n = 0
      options = options or {}
      options.auth = { type = "AWS_LAMBDA", token = function()
        n = n + 1
        return "top-secret-" .. n
      end }
      connect(script, options)
      local err = realtime_peer.end_of(subscribe())
      assert.equal("auth", err.kind)
      assert.truthy(err.message:find("no", 1, true), err.message)
      assert.equal(n_tokens, n)
      realtime_peer.no_secret(err)
    end

    it("ends after a bounded number of fresh tokens, though each start was acknowledged", function()
      local steps = {}
      for i = 1, 6 do steps[i] = list({ { "ws_start" }, ACK_START, REFUSE }) end
      check(6, { connections = { list(HANDSHAKE, list(unpack(steps)), WAIT) } })
    end)

    local function transport_ws()
      local steps = { { "ws_accept", "graphql-transport-ws" }, { "ws_expect", "connection_init" }, { "ws_send", '{"type":"connection_ack"}' } }
      for _ = 1, 6 do
        steps[#steps + 1] = { "ws_start" }
        steps[#steps + 1] = { "ws_send", '{"type":"error","id":"%ID%","payload":[{"errorType":"UnauthorizedException","message":"no"}]}' }
      end
      steps[#steps + 1] = WAIT
      return { connections = { steps } }
    end

    it("ends likewise over graphql-transport-ws, which acknowledges nothing", function()
      check(6, transport_ws(), { realtime = { protocol = "graphql-transport-ws" } })
    end)

    it("ends at once where the key can't change, over graphql-transport-ws too", function()
      connect(transport_ws(), { realtime = { protocol = "graphql-transport-ws" } })
      assert.equal("auth", realtime_peer.end_of(subscribe()).kind)
      assert.equal(1, select(2, realtime_peer.server.log():gsub('"type":"subscribe"', "")))
    end)

    it("ends likewise where the connection is refused after each acknowledgement", function()
      check(6, { connections = { list(STARTED, { "ws_send",
        '{"type":"connection_error","payload":{"errors":[{"errorType":"UnauthorizedException","message":"no","errorCode":401}]}}' }, WAIT) },
        ["repeat"] = true })
    end)
  end)

  describe("whose start is never acknowledged", function()
    local KA = { "ws_send", '{"type":"ka"}' }

    it("is tried again alone, and ends; the one beside it isn't touched", function()
      connect({ connections = { list(HANDSHAKE, { "ws_start" }, ACK_START, { "ws_start" }, KA, { "ws_start" }, KA, { "ws_start" }, KA,
        { "ws_start" }, KA, { "ws_start" }, KA, { "ws_expect", '"type":"stop"' }, data(1, "%ID1%"), WAIT) } },
        { timeouts = { ack = 0.4 } })
      local states = {}
      local got
      local healthy = realtime_peer.client:subscribe(DOCUMENT):subscribe{
        next = function(event) got = event.on.n end, state = function(state) states[#states + 1] = state end,
      }
      assert.is_true(healthy:ready(BOUND))
      local err = realtime_peer.end_of(subscribe(OTHER))
      assert.equal("timeout", err.kind)
      assert.equal("start_timeout", err.code)
      assert.truthy(err.message:find("did not acknowledge the subscription's start", 1, true), err.message)
      realtime_peer.wait("the healthy one's event", function() return got end)
      assert.same({ "subscribed" }, states)
      assert.equal(1, realtime_peer.client:stats().connections)
      local ids = {}
      for id in realtime_peer.server.log():gmatch('"id":"([^"]+)"[^\n]*"type":"start"') do ids[id] = true end
      local n = 0
      for _ in pairs(ids) do n = n + 1 end
      assert.equal(1 + 5, n) -- another id each time: the service may know the ones before
    end)

    it("leaves a quiet one beside it alone, against the local server", function()
      local running = server.start{ schema = "type Todo @model { id: ID! }", arguments = { "--fault", "lose,on=start,field=onUpdateTodo" } }
      client_of{ endpoint = running.endpoint, auth = { type = "API_KEY", api_key = server.API_KEY }, timeouts = { ack = 0.4 } }
      local states = {}
      local healthy = realtime_peer.client:subscribe("subscription { onCreateTodo { id } }"):subscribe{
        state = function(state) states[#states + 1] = state end,
      }
      assert.is_true(healthy:ready(BOUND))
      local ok, err = realtime_peer.client:subscribe("subscription { onUpdateTodo { id } }"):subscribe():ready(BOUND)
      assert.is_nil(ok)
      assert.equal("start_timeout", err.code)
      assert.same({ "subscribed" }, states)
      assert.equal(1, realtime_peer.client:stats().connections)
    end)

    it("is started on another connection when nothing else comes either", function()
      connect({ connections = { list(HANDSHAKE, { "ws_start" }, ACK_START, { "ws_start" }, WAIT), list(HANDSHAKE, { "ws_start" }, ACK_START,
        { "ws_start" }, ACK_START, data(1, "%ID1%"), data(2, "%ID2%"), WAIT) } }, { timeouts = { ack = 0.4 } })
      local first = subscribe()
      assert.is_true(first:ready(BOUND))
      local second = subscribe(OTHER)
      local sum = next_n(first) + next_n(second)
      assert.equal(3, sum)
    end)
  end)
end)
