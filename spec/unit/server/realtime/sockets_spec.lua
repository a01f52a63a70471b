local core = require("appsync.core")
local sockets = require("appsync.server.realtime.sockets")

local now, sent, closed, overflows, logged, all, refused

local listener = {
  accept = function() return true end,
  reject = function(_, id, status) refused = { id, status } end,
  send = function(_, id, text) sent[#sent + 1] = { id, core.decode(text) } end,
  close = function(_, id, code, reason) closed[#closed + 1] = { id, code, reason } end,
  stats = function() return { overflows = overflows } end,
}

local function subscription(field)
  return {
    field = field, mutations = { m = true }, render_key = field, notes = {},
    wants = function() return true end,
    render = function(_, value) return core.encode({ data = value }) end,
    is_invalidated = function(_, payload) return payload.field == field end,
  }
end

local function make(options)
  local settings = {
    listener = listener, clock = function() return now end, log = function(text) logged[#logged + 1] = text end,
    authorize = { check = function() return { mode = "API_KEY" } end },
    engine = { subscribe = function(_, operation) return subscription(operation.query) end },
    execute = function() return nil end,
  }
  for name, value in pairs(options or {}) do settings[name] = value end
  all = sockets.new(settings)
end

local function connect(id, protocol, path)
  all:upgrade({ id = id, path = path or "/graphql/realtime", headers = { ["sec-websocket-protocol"] = protocol or "graphql-ws" } })
  all:message({ id = id, text = '{"type":"connection_init"}' })
end

local function start(id, name, field)
  all:message({ id = id, text = core.encode({ type = "start", id = name, payload = { data = core.encode({ query = field }) } }) })
end

local function of_type(kind)
  local found = {}
  for _, message in ipairs(sent) do
    if message[2].type == kind then found[#found + 1] = { message[1], message[2].id } end
  end
  return found
end

describe("the sockets", function()
  before_each(function()
    now, sent, closed, overflows, logged, refused = 1000, {}, {}, 0, {}, nil
    make()
  end)

  it("get mutations by their subscriptions, several of them on one socket and on several", function()
    connect(1)
    connect(2)
    start(1, "a", "x")
    start(2, "b", "y")
    start(1, "c", "x")
    all:publish({ { field = "m", value = { n = 1 } }, { field = "other", value = { n = 2 } } })
    assert.same({ { 1, "a" }, { 2, "b" }, { 1, "c" } }, of_type("data"))
  end)

  it("get nothing after they were closed", function()
    connect(1)
    start(1, "a", "x")
    all:closed({ id = 1, code = 1000 })
    all:publish({ { field = "m", value = {} } })
    assert.same({}, of_type("data"))
    assert.equal(0, all.subscribers.n)
    all:message({ id = 1, text = "{}" })
    all:closed({ id = 1, code = 1000 })
  end)

  it("are closed by an invalidation, after each of their invalidated subscriptions was told", function()
    connect(1)
    connect(2)
    start(1, "a", "x")
    start(1, "b", "x")
    start(1, "c", "y")
    start(2, "d", "y")
    sent = {}
    all:publish({ { invalidates = "x", payload = { field = "x" } } })
    assert.same({ { 1, "a" }, { 1, "b" } }, of_type("complete"))
    assert.same({ message = "Subscription complete." }, sent[1][2].payload)
    assert.same({ { 1, 1000, "Subscription complete." } }, closed)
    all:publish({ { field = "m", value = {} } })
    assert.same({ { 2, "d" } }, of_type("data"))
  end)

  it("are closed when their handshake can't be handled", function()
    local seen = {}
    make({
      authorize = { check = function() error("not today", 0) end },
      observer = { opened = function(_, id) seen[#seen + 1] = "opened " .. id end,
        closed = function(_, event) seen[#seen + 1] = ("closed %d %d"):format(event.id, event.code) end },
    })
    connect(1)
    assert.same({ "opened 1", "closed 1 1011" }, seen)
    assert.same({ { 1, 1011, "internal error" } }, closed)
    assert.same({ "a WebSocket could not be opened: not today" }, logged)
    assert.is_nil(next(all.open))
  end)

  it("are left alone by an invalidation that concerns nobody", function()
    connect(1)
    start(1, "a", "x")
    all:publish({ { invalidates = "x", payload = {} }, { invalidates = "z", payload = {} } })
    assert.same({}, closed)
  end)

  it("get what follows an event that can't be published: the mutations have taken place", function()
    connect(1)
    start(1, "a", "x")
    local hostile = setmetatable({}, { __index = function() error("not today", 0) end })
    all:publish({ { invalidates = "x", payload = hostile }, { field = "m", value = { n = 1 } } })
    assert.same({ { 1, "a" } }, of_type("data"))
    assert.same({ "x could not be published: not today" }, logged)
  end)

  it("of graphql-transport-ws stay open after an invalidation", function()
    connect(1, "graphql-transport-ws")
    all:message({ id = 1, text = '{"type":"subscribe","id":"a","payload":{"query":"x"}}' })
    sent = {}
    all:publish({ { field = "m", value = { n = 1 } }, { invalidates = "x", payload = { field = "x" } }, { field = "m", value = {} } })
    assert.same({ { 1, { type = "next", id = "a", payload = { data = { n = 1 } } } }, { 1, { type = "complete", id = "a" } } }, sent)
    assert.same({}, closed)
  end)

  it("are closed after a day", function()
    connect(1)
    start(1, "a", "x")
    now = now + 24 * 3600 - 1
    all:tick()
    assert.same({}, closed)
    now = now + 1
    all:tick()
    assert.same({ { 1, 1000, "the connection has reached its maximum age" } }, closed)
    assert.equal(0, all.subscribers.n)
    now = now + 3600
    all:tick()
    assert.equal(1, #closed)
  end)

  it("are closed at the age that was asked for", function()
    make({ max_age_s = 5 })
    connect(1)
    assert.equal(5, all:tick())
    now = now + 5
    all:tick()
    assert.equal(1, #closed)
  end)

  it("hear a keep-alive at once and each minute, or as often as was asked for", function()
    connect(1)
    assert.equal(60, all:tick())
    now = now + 60
    all:tick()
    assert.equal(2, #of_type("ka"))
    make({ ka_s = 2 })
    connect(2)
    assert.equal(2, all:tick())
  end)

  it("have nothing due when there are none", function()
    assert.is_nil(all:tick())
  end)

  it("learn the service's time-out, or the one that was asked for", function()
    connect(1)
    make({ connection_timeout_ms = 7000 })
    connect(2)
    local found = {}
    for _, message in ipairs(sent) do
      if message[2].type == "connection_ack" then found[#found + 1] = message[2].payload.connectionTimeoutMs end
    end
    assert.same({ 300000, 7000 }, found)
  end)

  it("hold 200 subscriptions", function()
    connect(1)
    for i = 1, 201 do start(1, "s" .. i, "x") end
    assert.equal(200, #of_type("start_ack"))
    assert.equal("Max number of 200 subscriptions reached", sent[#sent][2].payload.errors[1].message)
  end)

  it("of clients that read too slowly are told in the log, once", function()
    connect(1)
    connect(2)
    overflows = 1
    all:closed({ id = 1, code = 1008 })
    all:closed({ id = 2, code = 1000 })
    assert.same({ "WebSockets cut because their clients read too slowly: 1" }, logged)
  end)

  it("are refused at other paths", function()
    connect(1, "graphql-ws", "/elsewhere")
    assert.same({ 1, 404 }, refused)
  end)

  it("are closed when a message can't be handled", function()
    make({ authorize = { check = function(_, credentials)
      if credentials.path == "/graphql" then error("broken", 0) end
      return { mode = "API_KEY" }
    end } })
    connect(1)
    start(1, "a", "x")
    assert.same({ { 1, 1011, "internal error" } }, closed)
    assert.same({ "a message could not be handled: broken" }, logged)
  end)
end)
