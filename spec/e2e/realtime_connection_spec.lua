-- The sockets of subscriptions to the local server: as many as it takes, and through its going away and coming back.
local process = require "spec.support.process"
local todos = require "spec.support.todos"

local wait, wait_for_state, serve, connect = todos.wait, todos.wait_for_state, todos.serve, todos.connect
local create, name_of, take, ready, ON_CREATE = todos.create, todos.name_of, todos.take, todos.ready, todos.ON_CREATE

describe("the connection of subscriptions to the local server", function()
  after_each(todos.stop)

  it("spreads over further sockets above the limit of one", function()
    serve{ "--max-subscriptions", "5" }
    connect{ realtime = { max_subscriptions = 5 } }
    local all = {}
    for i = 1, 12 do all[i] = todos.client:subscribe(ON_CREATE, nil, { share = false }):subscribe() end
    for _, s in ipairs(all) do ready(s) end
    assert.equal(3, todos.client:stats().sockets)
    create "x"
    for _, s in ipairs(all) do assert.equal("x", take(s)) end
  end)

  it("moves to a further socket when the service's limit is lower than was thought", function()
    serve{ "--max-subscriptions", "5" }
    connect()
    local all = {}
    for i = 1, 12 do all[i] = todos.client:subscribe(ON_CREATE, nil, { share = false }):subscribe() end
    for _, s in ipairs(all) do ready(s) end
    create "x"
    for _, s in ipairs(all) do assert.equal("x", take(s)) end
    assert.equal(3, todos.client:stats().sockets)
  end)

  it("leaves an idle socket, which is closed, and a later one opens the next", function()
    serve()
    connect{ realtime = { idle_close = 0.05 } }
    local states = todos.client.connection:observe():subscribe()
    ready(todos.client:subscribe(ON_CREATE):subscribe()):unsubscribe()
    wait_for_state(states, "Disconnected")
    wait("the socket's end", function() return todos.client:stats().sockets == 0 end)
    local s = ready(todos.client:subscribe(ON_CREATE):subscribe())
    create "x"
    assert.equal("x", take(s))
    assert.equal(2, todos.client:stats().connections)
  end)

  it("goes on when the server was killed and came back on the same port", function()
    serve()
    connect()
    local told = {}
    local states = todos.client.connection:observe():subscribe()
    local names = {}
    local s = todos.client:subscribe(ON_CREATE):subscribe{
      next = function(event) names[#names + 1] = name_of(event) end,
      state = function(state) told[#told + 1] = state end,
    }
    ready(s)
    create "before"
    wait("the first", function() return names[1] end)
    local port = todos.service.endpoint:match(":(%d+)/")
    process.signal(todos.service.handle, "KILL")
    wait("reconnecting", function() return told[2] end)
    serve(nil, port)
    wait("subscribed", function() return told[3] end)
    create "after"
    wait("the second", function() return names[2] end)
    assert.same({ "before", "after" }, names)
    assert.same({ "subscribed", "reconnecting", "subscribed" }, told)
    local seen = {}
    repeat
      local state = states:next(0.01)
      seen[#seen + 1] = state
    until not state
    assert.equal("Connecting", seen[1])
    assert.equal("Connected", seen[2])
    assert.equal("ConnectionDisrupted", seen[3])
    assert.equal("Connected", seen[#seen])
    assert.equal("Connected", todos.client.connection.state)
  end)

  it("waits while the host says that there is no network, and goes on at once when there is", function()
    serve()
    connect{ retry = { base = 60 } }
    local states = todos.client.connection:observe():subscribe()
    todos.client:set_online(false)
    local s = todos.client:subscribe(ON_CREATE):subscribe()
    wait_for_state(states, "ConnectionDisruptedPendingNetwork")
    local ok, err = s:ready(0.05)
    assert.is_nil(ok)
    assert.equal("timeout", err.kind)
    assert.equal(0, todos.client:stats().connections)
    todos.client:set_online(true)
    ready(s)
    todos.client:set_online(false)
    wait_for_state(states, "ConnectedPendingNetwork")
    todos.client:set_online(true)
    wait_for_state(states, "Connected")
    create "x"
    assert.equal("x", take(s))
  end)
end)
