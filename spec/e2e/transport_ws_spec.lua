-- graphql-transport-ws (PROTOCOL.md of enisdenjo/graphql-ws), against the local server and a byte-scripted peer.
local appsync = require "appsync"
local core = require "appsync.core"
local peer = require "spec.support.peer"
local process = require "spec.support.process"
local server = require "spec.support.server"
local wait_for = require "spec.support.wait"

local BOUND = 10
local DOCUMENT = "subscription($x: Int) { on(x: $x) { n } }"

describe("with graphql-transport-ws, a subscription", function()
  local client, other, log

  before_each(function() log = {} end)

  after_each(function()
    if client then assert.is_true(client:close(5)) end
    client = nil
    process.stop_all()
  end)

  local function connect(endpoint, options)
    options = options or {}
    options.endpoint = endpoint
    options.realtime = { protocol = "graphql-transport-ws", keep_alive = options.keep_alive }
    options.keep_alive = nil
    options.auth = options.auth or { type = "API_KEY", api_key = "da2-top-secret" }
    options.retry = { base = 0.01, cap = 0.05 }
    options.timeouts = options.timeouts or { connect = 3, ack = 3 }
    options.log = function(level, message) log[#log + 1] = level .. " " .. message end
    client = appsync.client(options)
    return client
  end

  local function until_(what, fn) return wait_for(fn, what, other.log) end

  describe("to the local server", function()
    local ON_CREATE = "subscription { onCreateTodo { name } }"

    local function serve()
      other = server.start{ schema = "type Todo @model { id: ID! name: String! }", arguments = { "--trace" } }
      return connect(other.endpoint, { auth = { type = "API_KEY", api_key = server.API_KEY } })
    end

    local function create(name)
      local _, err = client:mutate("mutation($n: String!) { createTodo(input: {name: $n}) { id name } }", { n = name })
      assert.is_nil(err)
    end

    local function count(pattern)
      local _, n = other.log():gsub(pattern, "")
      return n
    end

    -- This protocol acknowledges no subscription: the server's log tells that it has read it.
    local function started(s, n)
      assert.is_true(s:ready(BOUND))
      until_("subscribe", function() return count '"type":"subscribe"' == (n or 1) end)
      return s
    end

    it("gets every event in order and is stopped by complete", function()
      serve()
      local s = started(client:subscribe(ON_CREATE):subscribe())
      for i = 1, 5 do create("n" .. i) end
      for i = 1, 5 do assert.equal("n" .. i, s:next(BOUND).onCreateTodo.name) end
      s:unsubscribe()
      until_("complete", function() return count 'message +{[^\n]*"type":"complete"' == 1 end)
    end)

    it("shares the socket with others", function()
      serve()
      local a = started(client:subscribe(ON_CREATE):subscribe())
      local b = started(client:subscribe("subscription { onCreateTodo { id name } }"):subscribe(), 2)
      create "x"
      assert.equal("x", a:next(BOUND).onCreateTodo.name)
      assert.equal("x", b:next(BOUND).onCreateTodo.name)
      assert.equal(1, client:stats().connections)
    end)

    it("ends with the server's errors when its document is wrong", function()
      serve()
      local s = client:subscribe("subscription { nothing }"):subscribe()
      local event, err = s:next(BOUND)
      assert.is_nil(event)
      assert.equal("graphql", err.kind)
      assert.truthy(err.errors[1].message:find("nothing", 1, true), err.message)
    end)

    it("is refused with a wrong key", function()
      serve()
      client:close(5)
      connect(other.endpoint)
      local event, err = client:subscribe(ON_CREATE):subscribe():next(BOUND)
      assert.is_nil(event)
      assert.equal("auth", err.kind)
      assert.is_nil((tostring(err) .. table.concat(log)):find("top-secret", 1, true))
    end)
  end)

  describe("to a scripted server", function()
    local OPEN = { { "ws_accept", "graphql-transport-ws" }, { "ws_expect", "connection_init" } }
    local ACK = { "ws_send", '{"type":"connection_ack"}' }
    local WAIT = { "wait" }

    local function next_(n) return { "ws_send", ('{"type":"next","id":"%%ID%%","payload":{"data":{"on":{"n":%d}}}}'):format(n) } end

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

    local STARTED = list(OPEN, ACK, { "ws_start" })
    local GOOD = list(STARTED, next_(99), WAIT)

    local function start(connections, options)
      other = peer.start{ connections = connections }
      return connect(other.url, options)
    end

    local function subscribe() return client:subscribe(DOCUMENT, { x = 1 }):subscribe() end

    local function gets(s, n)
      local event, err = s:next(BOUND)
      assert.is_nil(err, tostring(err) .. "\n" .. other.log())
      assert.equal(n, event.on.n)
    end

    local function fails(steps, options)
      start({ steps }, options)
      local event, err = subscribe():next(BOUND)
      assert.is_nil(event)
      assert.is_nil(other.log():find("surplus", 1, true), other.log())
      assert.is_nil((tostring(err) .. table.concat(log)):find("top-secret", 1, true))
      return err
    end

    it("authenticates by headers and by connection_init, and sends query and variables", function()
      start{ GOOD }
      gets(subscribe(), 99)
      local text = other.log()
      assert.truthy(text:find("header 1 x-api-key: da2-top-secret", 1, true), text)
      assert.truthy(text:find("header 1 sec-websocket-protocol: graphql-transport-ws\n", 1, true), text)
      local init = core.decode(text:match "frame 1 ({[^\n]*connection_init[^\n]*})")
      assert.equal("da2-top-secret", init.payload["x-api-key"])
      assert.equal("da2-top-secret", init.payload.headers["x-api-key"])
      local message = core.decode(text:match 'frame 1 ({[^\n]*"type":"subscribe"[^\n]*})')
      assert.same({ x = 1 }, message.payload.variables)
      assert.truthy(message.payload.query:find("on(x: $x)", 1, true), message.payload.query)
    end)

    local OWN = {
      ["headers of its own"] = { headers = { ["x-tenant"] = "own" } },
      ["a headers function of its own"] = { headers = function() return { ["x-tenant"] = "own" } end },
      ["an Authorization of its own"] = { headers = { Authorization = "x-tenant: own" } },
      ["an identity of its own"] = { auth = { type = "AWS_LAMBDA", token = "x-tenant: own" } },
    }
    for name, options in pairs(OWN) do
      it("has a connection of its own where it has " .. name, function()
        start{ list(STARTED, next_(1), { "ws_start" }, next_(2), WAIT), GOOD }
        gets(subscribe(), 1)
        gets(client:subscribe(DOCUMENT, { x = 2 }, options):subscribe(), 99)
        assert.truthy(other.log():find("header 2 [^\n]*x%-tenant: own"), other.log())
        gets(client:subscribe(DOCUMENT, { x = 3 }):subscribe(), 2)
      end)
    end

    it("takes over no connection whose opener has gone", function()
      start{ list(STARTED, next_(1), WAIT), GOOD }
      local s = client:subscribe(DOCUMENT, nil, { headers = { ["x-tenant"] = "first" } }):subscribe()
      gets(s, 1)
      s:unsubscribe()
      gets(subscribe(), 99)
      assert.is_nil(other.log():find("header 2 x-tenant", 1, true))
    end)

    it("shares the connection of a client's headers function", function()
      start({ list(STARTED, next_(1), { "ws_start" }, next_(2), WAIT) }, { headers = function() return { ["x-tenant"] = "all" } end })
      gets(subscribe(), 1)
      gets(client:subscribe(DOCUMENT, { x = 2 }):subscribe(), 2)
    end)

    it("answers ping with pong and ignores what it doesn't know", function()
      start{ list(OPEN, { "ws_send", '{"type":"ping"}' }, { "ws_expect", '"pong"' }, ACK, { "ws_start" },
        { "ws_send", '{"type":"ping","payload":{"a":1}}' }, { "ws_expect", '"pong"' }, { "ws_send", '{"type":"pong"}' },
        { "ws_send", '{"type":"news"}' }, { "ws_send", '{"type":"next","id":"nobody","payload":{"data":{}}}' }, next_(5), WAIT) }
      gets(subscribe(), 5)
    end)

    it("ends with the errors of an error message, and completes with complete", function()
      start{ list(STARTED, { "ws_send", '{"type":"error","id":"%ID%","payload":[{"message":"no","extensions":{"code":"X"}}]}' },
        { "ws_start" }, { "ws_send", '{"type":"complete","id":"%ID%"}' }, WAIT) }
      local event, err = subscribe():next(BOUND)
      assert.is_nil(event)
      assert.equal("graphql", err.kind)
      assert.equal("no", err.message)
      assert.equal("X", err.errors[1].extensions.code)
      event, err = subscribe():next(BOUND)
      assert.is_nil(event)
      assert.is_nil(err)
    end)

    for _, code in ipairs{ 4400, 4406 } do
      it("ends with a protocol error when the server closes with " .. code, function()
        local err = fails(list(OPEN, { "ws_close", code, "no" }, WAIT))
        assert.equal("protocol", err.kind)
        assert.truthy(err.message:find(tostring(code), 1, true), err.message)
      end)
    end

    for _, code in ipairs{ 4401, 4403 } do
      it("asks for a fresh token, once, when the server closes with " .. code, function()
        local reasons = {}
        start({ list(OPEN, { "ws_close", code, "Unauthorized" }, WAIT), GOOD }, {
          auth = { type = "OPENID_CONNECT", token = function(reason)
            reasons[#reasons + 1] = reason
            return "top-secret-" .. #reasons
          end },
        })
        gets(subscribe(), 99)
        assert.same({ "first", "refused" }, reasons)
        assert.truthy(other.log():find("header 2 authorization: top-secret-2", 1, true))
      end)

      it("ends with an auth error when the server closes with " .. code .. " and the key can't change", function()
        assert.equal("auth", fails(list(OPEN, { "ws_close", code, "Unauthorized" }, WAIT)).kind)
      end)
    end

    for _, code in ipairs{ 1000, 1011, 4408, 4429, 4500 } do
      it("goes on when the server closes with " .. code, function()
        start{ list(OPEN, { "ws_close", code, "" }, WAIT), list(STARTED, next_(1), { "ws_close", code, "later" }, WAIT), GOOD }
        local s = subscribe()
        gets(s, 1)
        gets(s, 99)
      end)
    end

    it("goes on when the server resets the connection", function()
      start{ list(STARTED, next_(1), { "reset" }), GOOD }
      local s = subscribe()
      gets(s, 1)
      gets(s, 99)
    end)

    it("ends with a protocol error when the server chooses another sub-protocol", function()
      local err = fails(list({ "ws_accept", "graphql-ws" }, WAIT))
      assert.equal("protocol", err.kind)
      assert.equal("sub_protocol", err.code)
    end)

    it("reconnects when no connection_ack comes, and when nothing comes for keep_alive", function()
      -- More good ones than needed: on a busy machine what has a short time-out may fail again.
      start({ list(OPEN, WAIT), GOOD, GOOD, GOOD, GOOD, GOOD }, { timeouts = { ack = 0.1 } })
      gets(subscribe(), 99)
      client:close(5)
      start({ list(STARTED, next_(1), WAIT), GOOD, GOOD, GOOD, GOOD, GOOD }, { keep_alive = 0.5 })
      local s = subscribe()
      gets(s, 1)
      gets(s, 99)
    end)
  end)
end)
