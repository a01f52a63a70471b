-- Moments that are hard to meet by chance: several things at once go wrong, or go away, on one connection.
local appsync = require "appsync"
local core = require "appsync.core"
local peer = require "spec.support.peer"
local process = require "spec.support.process"

local DOCUMENTS = { "subscription { a { n } }", "subscription { b { n } }", "subscription { c { n } }" }
local BOUND = 3
local WAIT = { "wait" }
local KEY = { type = "API_KEY", api_key = "da2-key" }

local function count(text, word)
  local _, n = text:gsub(word, "")
  return n
end

describe("a client", function()
  local client, server

  after_each(function()
    if client then assert.is_true(client:close(5)) end
    client = nil
    process.stop_all()
  end)

  local function connect(connections, options)
    server = peer.start{ connections = connections, ["repeat"] = true }
    options.endpoint = server.url
    options.timeouts = options.timeouts or { connect = 3, ack = 3, request = 5 }
    options.retry = options.retry or { base = 0.01, cap = 0.05 }
    client = appsync.client(options)
  end

  local function subscribe_all(options)
    local all = {}
    for i, document in ipairs(DOCUMENTS) do all[i] = client:subscribe(document, nil, options):subscribe() end
    return all
  end

  local function end_of(s)
    while true do
      local event, err = s:next(BOUND)
      if event == nil then return err end
    end
  end

  it("ends each of several subscriptions once when there is no token for their connection", function()
    connect({ { WAIT } }, { auth = { type = "OPENID_CONNECT", token = function() error("no session") end } })
    for _, s in ipairs(subscribe_all()) do assert.equal("auth", end_of(s).kind) end
    assert.equal(0, client:stats().subscriptions)
  end)

  it("goes on as another identity when one of a connection's identities has no token", function()
    local steps = { peer.handshake() }
    for _, step in ipairs{ { "ws_start" }, { "ws_send", '{"type":"start_ack","id":"%ID%"}' }, WAIT } do steps[#steps + 1] = step end
    connect({ steps }, { auth = KEY })
    local without = { type = "OPENID_CONNECT", token = function() appsync.sleep(0.05) error("no session") end }
    local lost = {}
    for i = 1, 2 do lost[i] = client:subscribe(DOCUMENTS[i], nil, { auth = without }):subscribe() end
    local kept = client:subscribe(DOCUMENTS[3]):subscribe()
    for _, s in ipairs(lost) do assert.equal("auth", end_of(s).kind) end
    assert.is_true(kept:ready(BOUND))
    assert.equal(1, count(server.log(), "request %d+ GET"))
    assert.equal(1, client:stats().sockets)
  end)

  it("ends its subscriptions when the token that comes is too long for any handshake", function()
    for _, n in ipairs{ 40000, 70000 } do
      connect({ { WAIT } }, { auth = { type = "AWS_LAMBDA", token = function()
        appsync.sleep(0.01)
        return ("x"):rep(n)
      end } })
      for _, s in ipairs(subscribe_all()) do
        local err = end_of(s)
        assert.equal("usage", err.kind)
        assert.matches("long", err.message)
      end
      assert.is_true(client:close(5))
      client = nil
    end
  end)

  it("opens no further connection when subscriptions go away while it waits to connect again", function()
    connect({ { { "request" }, { "http", 503, {}, "" } } }, { auth = KEY, retry = { base = 30, cap = 60 } })
    local all = {}
    for i = 1, 6 do all[i] = client:subscribe(DOCUMENTS[1], nil, { share = false }):subscribe() end
    local give_up = core.now() + BOUND
    while client.connection.state ~= "ConnectionDisrupted" do
      assert.is_true(core.now() < give_up)
      appsync.sleep(0.005)
    end
    local n = client:stats().connections
    for i = 1, 5 do
      all[i]:unsubscribe()
      appsync.sleep(0.01)
    end
    assert.is_true(client:stats().connections <= n + 1, server.log()) -- one, where the delay happened to be short
  end)

  it("connects for who is left when the subscription goes whose token it waited for", function()
    local steps = { peer.handshake() }
    for _, step in ipairs{ { "ws_start" }, { "ws_send", '{"type":"start_ack","id":"%ID%"}' }, WAIT } do steps[#steps + 1] = step end
    connect({ steps }, { auth = KEY, timeouts = { connect = 30, ack = 3 } })
    local slow = { type = "OPENID_CONNECT", token = function() appsync.sleep(20) end }
    local first = client:subscribe(DOCUMENTS[1], nil, { auth = slow }):subscribe()
    local second = client:subscribe(DOCUMENTS[2]):subscribe()
    appsync.sleep(0.05)
    assert.equal(0, client:stats().sockets)
    first:unsubscribe()
    assert.is_true(second:ready(BOUND))
  end)

  it("asks for headers again for each attempt to connect, and once for the start after it", function()
    local steps = { peer.handshake() }
    for _, step in ipairs{ { "ws_start" }, { "ws_send", '{"type":"start_ack","id":"%ID%"}' }, WAIT } do steps[#steps + 1] = step end
    local n = 0
    connect({ { { "request" }, { "http", 503, {}, "" } }, steps }, { auth = KEY, headers = function()
      n = n + 1
      return { ["x-attempt"] = n }
    end })
    assert.is_true(client:subscribe(DOCUMENTS[1]):subscribe():ready(BOUND))
    assert.equal(2, n)
  end)

  it("tells of a mutation under way when it is closed that it may have been executed", function()
    connect({ { { "request" }, WAIT } }, { auth = KEY })
    local err
    local task = appsync.spawn(function() err = select(2, client:mutate "mutation { a }") end)
    local give_up = core.now() + BOUND
    while not server.log():find("body", 1, true) do
      assert.is_true(core.now() < give_up)
      appsync.sleep(0.005)
    end
    assert.is_true(client:close(0))
    client = nil
    task:await(BOUND)
    assert.is_true(err.sent, tostring(err))
  end)

  it("delivers integers beyond the exact range as text in events too", function()
    local steps = { peer.handshake() }
    for _, step in ipairs{ { "ws_start" }, { "ws_send", '{"type":"start_ack","id":"%ID%"}' },
      { "ws_send", '{"type":"data","id":"%ID%","payload":{"data":{"a":{"n":123456789012345678901}}}}' }, WAIT } do
      steps[#steps + 1] = step
    end
    connect({ steps }, { auth = KEY, big_integers = "string" })
    assert.equal("123456789012345678901", client:subscribe(DOCUMENTS[1]):subscribe():next(BOUND).a.n)
  end)
end)
