local core = require("appsync.core")
local realtime = require("appsync.server.realtime.appsync_ws")

local subscribers = require("appsync.server.realtime.subscribers")

local sent, closed, now, checked, subscribed, registry, logged, subscribe_errors

local function fake_subscription()
  return {
    field = "on", mutations = { m = true }, render_key = "k", notes = {},
    wants = function(_, value) return value.payload ~= nil end,
    lacks = function() return nil end,
    render = function(_, value) return value.payload end,
    is_invalidated = function(_, payload) return payload.yes end,
  }
end

local function settings(changes)
  local all = {
    send = function(text) sent[#sent + 1] = text end,
    close = function(code, reason) closed = { code, reason } end,
    clock = function() return now end,
    ka_s = 60,
    max_subscriptions = 3,
    connection_timeout_ms = 300000,
    subscribers = registry,
    log = function(text) logged[#logged + 1] = text end,
    authorize = {
      check = function(_, credentials)
        checked = credentials
        if credentials.headers["x-api-key"] == "k" then
          return { mode = "API_KEY" }
        end
        return nil, { status = 401, type = "UnauthorizedException", message = "no" }
      end,
    },
    engine = {
      subscribe = function(_, operation)
        subscribed = operation
        if subscribe_errors then
          return nil, subscribe_errors
        end
        return fake_subscription()
      end,
    },
  }
  for name, value in pairs(changes or {}) do
    all[name] = value
  end
  return all
end

local function connect(hello, changes)
  hello = hello or { headers = { ["x-api-key"] = "k" } }
  hello.graphql_path = "/graphql"
  return realtime.new(settings(changes), hello)
end

local function acknowledged()
  local connection = connect()
  connection:on_message('{"type":"connection_init"}')
  sent = {}
  return connection
end

local function start(id, key, data)
  return core.encode({
    type = "start",
    id = id,
    payload = {
      data = data or '{"query":"subscription { a }","variables":{"b":1}}',
      extensions = { authorization = { ["X-API-Key"] = key or "k", host = "h" } },
    },
  })
end

local function publish(payload)
  registry:offer({ field = "m", value = { payload = payload } })
end

local function last()
  return core.decode(sent[#sent])
end

describe("AppSync's realtime protocol", function()
  before_each(function()
    sent, closed, now, checked, subscribed, subscribe_errors, logged = {}, nil, 100, nil, nil, nil, {}
    registry = subscribers.new(function(text) logged[#logged + 1] = text end)
  end)

  describe("on connect", function()
    it("checks the credentials over /connect and {}", function()
      connect()
      assert.equal("/graphql/connect", checked.path)
      assert.equal("POST", checked.method)
      assert.equal("{}", checked.body)
    end)

    it("sends a keep-alive at once and one each interval", function()
      local connection = connect()
      assert.same({ '{"type":"ka"}' }, sent)
      assert.equal(160, connection.due)
      now = 160
      connection:on_due()
      assert.equal(2, #sent)
      assert.equal(220, connection.due)
    end)

    it("acknowledges connection_init", function()
      connect():on_message('{"type":"connection_init"}')
      assert.same({ type = "connection_ack", payload = { connectionTimeoutMs = 300000 } }, last())
    end)

    it("ignores everything before it", function()
      local connection = connect()
      connection:on_message(start("1"))
      connection:on_message("meow")
      assert.equal(1, #sent)
    end)

    it("answers wrong credentials with connection_error and closes, when the client has spoken", function()
      local connection = connect({ headers = {} })
      assert.same({}, sent)
      connection:on_message('{"type":"connection_init"}')
      assert.same({
        type = "connection_error",
        payload = { errors = { { errorType = "UnauthorizedException", message = "no", errorCode = 401 } } },
      }, last())
      assert.equal(1000, closed[1])
      connection:on_message('{"type":"connection_init"}')
      assert.equal(1, #sent)
    end)

    it("doesn't wait longer than a second for that word", function()
      local connection = connect({ headers = {} })
      assert.equal(101, connection.due)
      connection:on_due()
      assert.equal("connection_error", last().type)
      assert.is_nil(connection.due)
    end)

    it("tells a fault of the handshake without an errorType, as the service does", function()
      local connection = connect({ headers = {}, fault = { message = "NoProtocolError", code = 400 } })
      connection:on_message('{"type":"connection_init"}')
      assert.same({ { message = "NoProtocolError", errorCode = 400 } }, last().payload.errors)
    end)
  end)

  describe("on start", function()
    it("checks the message's own credentials over its data", function()
      local connection = acknowledged()
      connection:on_message(start("1"))
      assert.equal("/graphql", checked.path)
      assert.equal('{"query":"subscription { a }","variables":{"b":1}}', checked.body)
      assert.equal("k", checked.headers["x-api-key"])
      assert.equal("subscription { a }", checked.operation.query)
    end)

    it("subscribes and acknowledges", function()
      local connection = acknowledged()
      connection:on_message(start("1"))
      assert.same({ '{"type":"start_ack","id":"1"}' }, sent)
      assert.equal("subscription { a }", subscribed.query)
      assert.same({ b = 1 }, subscribed.variables)
      assert.equal("API_KEY", subscribed.identity.mode)
    end)

    it("refuses wrong credentials and goes on", function()
      local connection = acknowledged()
      connection:on_message(start("1", "wrong"))
      assert.same({
        type = "error",
        id = "1",
        payload = { errors = { { errorType = "UnauthorizedException", message = "no" } } },
      }, last())
      assert.is_nil(closed)
      assert.equal(0, connection.n_subscriptions)
    end)

    it("doesn't take the connection's credentials for the message's", function()
      local connection = acknowledged()
      connection:on_message('{"type":"start","id":"1","payload":{"data":"{\\"query\\":\\"subscription { a }\\"}"}}')
      assert.equal("UnauthorizedException", last().payload.errors[1].errorType)
    end)

    it("passes on the engine's errors, without what is its own", function()
      subscribe_errors = { { message = "Validation error of type FieldUndefined", is_plain = true } }
      acknowledged():on_message(start("1"))
      assert.same({ { message = "Validation error of type FieldUndefined" } }, last().payload.errors)
    end)

    it("refuses an id that is in use", function()
      local connection = acknowledged()
      connection:on_message(start("1"))
      connection:on_message(start("1"))
      assert.equal("DuplicatedOperationError", last().payload.errors[1].errorType)
      assert.equal(1, connection.n_subscriptions)
    end)

    it("refuses more subscriptions than the limit", function()
      local connection = acknowledged()
      for i = 1, 4 do
        connection:on_message(start(tostring(i)))
      end
      assert.same({
        { errorType = "MaxSubscriptionsReachedError", message = "Max number of 3 subscriptions reached" },
      }, last().payload.errors)
      connection:on_message('{"type":"stop","id":"1"}')
      connection:on_message(start("4"))
      assert.equal("start_ack", last().type)
    end)

    it("refuses data that is no operation", function()
      local connection = acknowledged()
      for _, data in ipairs({ "meow", "{}", '{"query":1}', "[]" }) do
        connection:on_message(start("1", "k", data))
        assert.equal("BadRequestException", last().payload.errors[1].errorType)
      end
      connection:on_message('{"type":"start","id":"1"}')
      assert.equal("BadRequestException", last().payload.errors[1].errorType)
    end)
  end)

  it("completes a subscription on stop", function()
    local connection = acknowledged()
    connection:on_message(start("1"))
    connection:on_message('{"type":"stop","id":"1"}')
    assert.equal('{"type":"complete","id":"1"}', sent[#sent])
    sent = {}
    publish("{}")
    assert.same({}, sent)
    assert.equal(0, registry.n)
  end)

  it("answers stop for an unknown id with an error", function()
    acknowledged():on_message('{"type":"stop","id":"9"}')
    assert.same({ { errorType = "UnknownOperationError", message = "Unknown operation id 9" } }, last().payload.errors)
  end)

  it("delivers what matches, and only that", function()
    local connection = acknowledged()
    connection:on_message(start('a"b'))
    sent = {}
    publish(nil)
    assert.same({}, sent)
    publish('{"data":{"onCreate":{"id":1}}}')
    assert.same({ '{"type":"data","id":"a\\"b","payload":{"data":{"onCreate":{"id":1}}}}' }, sent)
  end)

  it("tells the end of an invalidated subscription in the service's words, then closes the connection", function()
    local connection = acknowledged()
    connection:on_message(start("1"))
    connection:on_message(start("2"))
    sent = {}
    connection:invalidate(connection.subscriptions["1"])
    assert.same({ '{"type":"complete","id":"1","payload":{"message":"Subscription complete."}}' }, sent)
    assert.is_nil(closed)
    connection:settle_invalidated()
    assert.same({ 1000, "Subscription complete." }, closed)
    assert.equal(0, registry.n)
  end)

  it("closes the connection of a subscription that fails, and goes on without it", function()
    local connection = acknowledged()
    connection:on_message(start("1"))
    connection.subscriptions["1"].subscription.render = function() error("broken", 0) end
    publish("{}")
    assert.same({ 1011, "internal error" }, closed)
    assert.same({ "a subscription failed: broken" }, logged)
    assert.equal(0, registry.n)
  end)

  it("tells clients the connection's time-out", function()
    connect(nil, { connection_timeout_ms = 1234 }):on_message('{"type":"connection_init"}')
    assert.same({ connectionTimeoutMs = 1234 }, last().payload)
  end)

  it("answers connection_init again and keeps the subscriptions", function()
    local connection = acknowledged()
    connection:on_message(start("1"))
    connection:on_message('{"type":"connection_init"}')
    assert.equal("connection_ack", last().type)
    assert.equal(1, connection.n_subscriptions)
  end)

  local unknown = {
    { "meow", "unknown not supported through the realtime channel" },
    { "[]", "unknown not supported through the realtime channel" },
    { '{"type":1}', "unknown not supported through the realtime channel" },
    { '{"type":"publish","id":"7"}', "publish not supported through the realtime channel" },
    { '{"type":"start","id":7}', "start not supported through the realtime channel" },
  }
  for _, case in ipairs(unknown) do
    it("answers " .. case[1] .. " with UnsupportedOperation", function()
      acknowledged():on_message(case[1])
      assert.same({ { errorType = "UnsupportedOperation", message = case[2] } }, last().payload.errors)
      assert.is_nil(closed)
    end)
  end
end)
