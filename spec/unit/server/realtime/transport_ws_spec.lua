local transport_ws = require("appsync.server.realtime.transport_ws")

local subscribers = require("appsync.server.realtime.subscribers")

local sent, closed, checked, subscribed, registry, logged, result, subscribe_errors

local function publish(payload)
  registry:offer({ field = "m", value = { payload = payload } })
end

local function connect()
  return transport_ws.new({
    send = function(text) sent[#sent + 1] = text end,
    close = function(code, reason) closed = { code, reason } end,
    clock = function() return 100 end,
    execute = function() return result end,
    subscribers = registry,
    log = function(text) logged[#logged + 1] = text end,
    authorize = {
      check = function(_, credentials)
        checked = credentials
        return credentials.headers["x-api-key"] == "k" and { mode = "API_KEY" } or nil
      end,
    },
    engine = {
      subscribe = function(_, operation)
        subscribed = operation
        if subscribe_errors then
          return nil, subscribe_errors
        end
        return {
          field = "on", mutations = { m = true }, render_key = "k", notes = {},
          wants = function(_, value) return value.payload ~= nil end,
          lacks = function() return nil end,
          render = function(_, value) return value.payload end,
        }
      end,
    },
  }, { graphql_path = "/graphql", headers = { host = "h" } })
end

local function acknowledged()
  local connection = connect()
  connection:on_message('{"type":"connection_init","payload":{"x-api-key":"k"}}')
  sent = {}
  return connection
end

local SUBSCRIBE = '{"type":"subscribe","id":"1","payload":{"query":"subscription { a }","variables":{"b":1}}}'

describe("graphql-transport-ws", function()
  before_each(function()
    sent, closed, checked, subscribed, result, subscribe_errors, logged = {}, nil, nil, nil, nil, nil, {}
    registry = subscribers.new(function(text) logged[#logged + 1] = text end)
  end)

  it("takes credentials from the payload, from its headers and from the upgrade", function()
    local connection = connect()
    connection:on_message('{"type":"connection_init","payload":{"headers":{"X-Api-Key":"k"}}}')
    assert.same({ '{"type":"connection_ack"}' }, sent)
    assert.same({ host = "h", ["x-api-key"] = "k" }, checked.headers)
    assert.is_nil(connection.due)
    sent = {}
    acknowledged()
    assert.is_nil(closed)
  end)

  it("closes with 4403 for wrong credentials", function()
    connect():on_message('{"type":"connection_init"}')
    assert.same({ 4403, "Forbidden" }, closed)
  end)

  it("closes with 4408 when no init comes", function()
    local connection = connect()
    assert.equal(110, connection.due)
    connection:on_due()
    assert.equal(4408, closed[1])
  end)

  it("closes with 4429 for a second init", function()
    acknowledged():on_message('{"type":"connection_init"}')
    assert.equal(4429, closed[1])
  end)

  it("closes with 4401 for a subscribe before the init", function()
    connect():on_message(SUBSCRIBE)
    assert.equal(4401, closed[1])
  end)

  it("delivers what matches until the client completes", function()
    local connection = acknowledged()
    connection:on_message(SUBSCRIBE)
    assert.same({ b = 1 }, subscribed.variables)
    publish('{"data":{}}')
    assert.same({ '{"type":"next","id":"1","payload":{"data":{}}}' }, sent)
    connection:on_message('{"type":"complete","id":"1"}')
    publish('{"data":{}}')
    assert.equal(1, #sent)
  end)

  it("completes an invalidated subscription and keeps the connection", function()
    local connection = acknowledged()
    connection:on_message(SUBSCRIBE)
    connection:invalidate(connection.subscriptions["1"])
    connection:settle_invalidated()
    assert.same({ '{"type":"complete","id":"1"}' }, sent)
    assert.is_nil(closed)
    assert.equal(0, registry.n)
  end)

  it("closes with 1011 when a subscription fails", function()
    local connection = acknowledged()
    connection:on_message(SUBSCRIBE)
    connection.subscriptions["1"].subscription.render = function() error("broken", 0) end
    publish("{}")
    assert.same({ 1011, "internal error" }, closed)
    assert.same({ "a subscription failed: broken" }, logged)
    assert.equal(0, registry.n)
  end)

  it("runs queries too", function()
    result = '{"data":{"a":1}}'
    acknowledged():on_message('{"type":"subscribe","id":"1","payload":{"query":"{ a }"}}')
    assert.same({ '{"type":"next","id":"1","payload":{"data":{"a":1}}}', '{"type":"complete","id":"1"}' }, sent)
    assert.is_nil(subscribed)
  end)

  it("sends the engine's errors", function()
    subscribe_errors = { { message = "no such field" } }
    acknowledged():on_message(SUBSCRIBE)
    assert.same({ '{"type":"error","id":"1","payload":[{"message":"no such field"}]}' }, sent)
  end)

  it("closes with 4409 for an id in use", function()
    local connection = acknowledged()
    connection:on_message(SUBSCRIBE)
    connection:on_message(SUBSCRIBE)
    assert.same({ 4409, "Subscriber for 1 already exists" }, closed)
  end)

  it("answers a ping", function()
    connect():on_message('{"type":"ping"}')
    assert.same({ '{"type":"pong"}' }, sent)
    connect():on_message('{"type":"pong"}')
    assert.is_nil(closed)
  end)

  for _, text in ipairs({ "meow", "[]", '{"type":"nope"}', '{"type":"subscribe","id":"1"}', '{"type":"complete"}' }) do
    it("closes with 4400 for " .. text, function()
      acknowledged():on_message(text)
      assert.equal(4400, closed[1])
    end)
  end
end)
