-- What a WebSocket of `appsync serve` says, byte for byte: the members of each message stand in the service's order.
local core = require("appsync.core")
local server_module = require("appsync.server")
local tokens = require("spec.support.tokens")
local ws_socket = require("spec.support.ws_socket")

local SCHEMA = [[
type Query { q: Int }
type Message @aws_api_key @aws_oidc @aws_lambda { room: ID text: String by: String! }
type Mutation { send(room: ID, text: String): Message kick(room: ID): Message }
type Subscription @aws_api_key @aws_oidc @aws_lambda {
  onSend(room: ID): Message @aws_subscribe(mutations: ["send"])
  onFiltered(room: ID): Message @aws_subscribe(mutations: ["send"])
  onRefused: Message @aws_subscribe(mutations: ["send"])
  onReturned: Message @aws_subscribe(mutations: ["send"])
}
]]

local function filter(field, operator, value)
  return { filterGroup = { { filters = { { fieldName = field, operator = operator, value = value } } } } }
end

local RESOLVERS = {
  Mutation = {
    send = function(ctx) return { room = ctx.args.room, text = ctx.args.text, by = "me" } end,
    kick = function(ctx)
      ctx.extensions.invalidate_subscriptions({ subscription_field = "onFiltered", payload = { room = ctx.args.room } })
      return { room = ctx.args.room, by = "me" }
    end,
  },
  Subscription = {
    onFiltered = function(ctx)
      ctx.extensions.set_subscription_filter(filter("text", "beginsWith", "a"))
      ctx.extensions.set_subscription_invalidation_filter(filter("room", "eq", ctx.args.room))
    end,
    onRefused = function() error({ message = "not for you", type = "Mine" }, 0) end,
    onReturned = function() return { room = "mine", by = "me" } end,
  },
}

local served, clients, now, logged

local function pump() served:step(0) end

local function connect()
  local client = ws_socket.tcp(served.listener:port(), pump)
  clients[#clients + 1] = client
  return client
end

local function serve(options)
  local all = { schema_text = SCHEMA, resolvers = RESOLVERS, api_keys = { "key" }, auth_default = "API_KEY",
    log = function(text) logged[#logged + 1] = text end, now = function() return now end,
    jwt_keys = { { algorithm = "HS256", secret = tokens.SECRET } },
    authorizer = function(token) return token == "lambda-token" end }
  for name, value in pairs(options or {}) do all[name] = value end
  served = assert(server_module.new(all))
end

local function mutate(text)
  local response = connect():request({ headers = { ["x-api-key"] = "key" }, body = core.encode({ query = "mutation { " .. text .. " }" }) })
  assert.is_nil(core.decode(response.body).errors)
end

local function upgrade(protocol, object)
  local socket = connect()
  local header = ", header-" .. core.base64(core.encode(object or { host = "h", ["x-api-key"] = "key" }), "url")
  assert.equal(101, socket:handshake("/graphql/realtime", { ["Sec-WebSocket-Protocol"] = (protocol or "graphql-ws") .. header }).status)
  return socket
end

--- The text of the next frame.
local function take(socket)
  local frame = socket:frame()
  return frame and frame.opcode == 1 and frame.payload or nil
end

local function acknowledged()
  local socket = upgrade()
  assert.equal('{"type":"ka"}', take(socket))
  socket:send_text('{"type":"connection_init"}')
  assert.equal('{"type":"connection_ack","payload":{"connectionTimeoutMs":300000}}', take(socket))
  return socket
end

local function start(socket, id, query, authorization)
  -- The order in which amplify-js writes the members.
  socket:send_text(('{"id":%s,"payload":{"data":%s,"extensions":{"authorization":%s}},"type":"start"}'):format(core.encode(id),
    core.encode(core.encode({ query = query, variables = {} })), core.encode(authorization or { host = "h", ["x-api-key"] = "key" })))
  return take(socket)
end

local ON_SEND = "subscription { onSend { room text } }"

describe("the WebSocket of a server", function()
  before_each(function() clients, now, logged = {}, os.time(), {} end)

  after_each(function()
    for _, client in ipairs(clients) do client:close() end
    served:close()
  end)

  it("speaks start_ack, data, error and complete as the service does", function()
    serve()
    local socket = acknowledged()
    assert.equal('{"type":"start_ack","id":"s1"}', start(socket, "s1", ON_SEND))
    mutate('send(room: 1, text: "hi") { text room by }')
    assert.equal('{"type":"data","id":"s1","payload":{"data":{"onSend":{"room":"1","text":"hi"}}}}', take(socket))
    socket:send_text('{"id":"s1","type":"stop"}')
    assert.equal('{"type":"complete","id":"s1"}', take(socket))
    assert.equal('{"type":"error","id":"s2","payload":{"errors":[{"message":"Validation error of type FieldUndefined: Field \'x\' in '
      .. 'type \'Message\' is undefined @ \'onSend/x\'"}]}}', start(socket, "s2", "subscription { onSend { x } }"))
    assert.equal('{"type":"error","id":"s3","payload":{"errors":[{"errorType":"UnauthorizedException","message":"You are not '
      .. 'authorized to make this call."}]}}', start(socket, "s3", ON_SEND, { ["x-api-key"] = "wrong" }))
    assert.equal('{"type":"error","id":"s4","payload":{"errors":[{"errorType":"Mine","message":"not for you"}]}}',
      start(socket, "s4", "subscription { onRefused { room } }"))
    start(socket, "s5", ON_SEND)
    assert.equal('{"type":"error","id":"s5","payload":{"errors":[{"errorType":"DuplicatedOperationError","message":"The operation id '
      .. 's5 is in use on this connection."}]}}', start(socket, "s5", ON_SEND))
    socket:send_text('{"type":"subscribe","id":"s6"}')
    assert.equal('{"type":"error","id":"s6","payload":{"errors":[{"errorType":"UnsupportedOperation","message":"subscribe not supported '
      .. 'through the realtime channel"}]}}', take(socket))
    socket:send_text("meow")
    assert.equal('{"type":"error","payload":{"errors":[{"errorType":"UnsupportedOperation","message":"unknown not supported through '
      .. 'the realtime channel"}]}}', take(socket))
  end)

  it("gives a payload's errors beside its data", function()
    serve()
    local socket = acknowledged()
    start(socket, "s1", "subscription { onSend { room by } }")
    mutate("send(room: 1) { room }")
    assert.equal('{"type":"data","id":"s1","payload":{"data":{"onSend":null},"errors":[{"path":["onSend","by"],"locations":null,'
      .. '"message":"Cannot return null for non-nullable type: \'String\' within parent \'Message\' (/onSend/by)"}]}}', take(socket))
  end)

  it("filters by arguments and by what resolvers set, and sends no resolver's result", function()
    serve()
    local socket = acknowledged()
    start(socket, "args", 'subscription { onSend(room: "1") { text } }')
    start(socket, "null", "subscription { onSend(room: null) { text } }")
    start(socket, "set", 'subscription { onFiltered(room: "1") { text } }')
    assert.equal('{"type":"start_ack","id":"ret"}', start(socket, "ret", "subscription { onReturned { text } }"))
    local function of(id, text) return ('{"type":"data","id":"%s","payload":{"data":{%s}}}'):format(id, text) end
    mutate('send(room: "1", text: "b") { room text by }')
    assert.equal(of("args", '"onSend":{"text":"b"}'), take(socket))
    assert.equal(of("ret", '"onReturned":{"text":"b"}'), take(socket))
    mutate('send(room: "2", text: "a") { room text by }')
    assert.equal(of("set", '"onFiltered":{"text":"a"}'), take(socket))
    assert.equal(of("ret", '"onReturned":{"text":"a"}'), take(socket))
    mutate('send(text: "b") { text by }')
    assert.equal(of("null", '"onSend":{"text":"b"}'), take(socket))
  end)

  it("ends an invalidated subscription in the service's words and closes the socket; others live", function()
    serve()
    local one, other = acknowledged(), acknowledged()
    start(one, "a", 'subscription { onFiltered(room: "1") { text } }')
    start(one, "b", ON_SEND)
    start(other, "c", 'subscription { onFiltered(room: "2") { text } }')
    mutate('kick(room: "1") { room }')
    assert.equal('{"type":"complete","id":"a","payload":{"message":"Subscription complete."}}', take(one))
    assert.same({ 1000, "Subscription complete." }, { one:close_frame() })
    mutate('send(room: "2", text: "abc") { room text }')
    assert.equal('{"type":"data","id":"c","payload":{"data":{"onFiltered":{"text":"abc"}}}}', take(other))
  end)

  it("completes an invalidated subscription of graphql-transport-ws and keeps its socket", function()
    serve()
    local socket = upgrade("graphql-transport-ws")
    socket:send_text('{"type":"connection_init"}')
    assert.equal('{"type":"connection_ack"}', take(socket))
    local function subscribe(id, query)
      socket:send_text(core.encode({ type = "subscribe", id = id, payload = { query = query } }))
    end
    subscribe("1", 'subscription { onFiltered(room: "1") { text } }')
    subscribe("2", ON_SEND)
    socket:send_text('{"type":"ping"}')
    assert.equal('{"type":"pong"}', take(socket))
    mutate('send(room: "1", text: "abc") { room text }')
    assert.equal('{"type":"next","id":"1","payload":{"data":{"onFiltered":{"text":"abc"}}}}', take(socket))
    assert.equal('{"type":"next","id":"2","payload":{"data":{"onSend":{"room":"1","text":"abc"}}}}', take(socket))
    mutate('kick(room: "1") { room }')
    assert.equal('{"type":"complete","id":"1"}', take(socket))
    mutate('send(room: "1", text: "abc") { room text }')
    assert.equal('{"type":"next","id":"2","payload":{"data":{"onSend":{"room":"1","text":"abc"}}}}', take(socket))
    subscribe("3", "subscription { onRefused { room } }")
    assert.equal('{"type":"error","id":"3","payload":[{"errorType":"Mine","message":"not for you"}]}', take(socket))
  end)

  it("takes other credentials with each start, and refuses an expired token there; what lives goes on", function()
    serve()
    local socket = acknowledged()
    local token = tokens.hs256({ exp = 60 })
    assert.equal('{"type":"start_ack","id":"key"}', start(socket, "key", "subscription { onSend { text } }"))
    assert.equal('{"type":"start_ack","id":"oidc"}', start(socket, "oidc", "subscription { onSend { text } }", { Authorization = token }))
    assert.equal('{"type":"start_ack","id":"lambda"}',
      start(socket, "lambda", "subscription { onSend { text } }", { Authorization = "lambda-token" }))
    now = now + 120
    local refused = core.decode(start(socket, "late", ON_SEND, { Authorization = token }))
    assert.equal("error", refused.type)
    assert.equal("UnauthorizedException", refused.payload.errors[1].errorType)
    assert.equal("error", core.decode(start(socket, "wrong", ON_SEND, { Authorization = "other-token" })).type)
    mutate('send(text: "x") { text }')
    for _, id in ipairs({ "key", "oidc", "lambda" }) do
      assert.equal(('{"type":"data","id":"%s","payload":{"data":{"onSend":{"text":"x"}}}}'):format(id), take(socket))
    end
  end)

  it("ignores what comes before connection_init", function()
    serve()
    local socket = upgrade()
    assert.equal('{"type":"ka"}', take(socket))
    socket:send_text('{"id":"s1","type":"start","payload":{"data":"{}"}}')
    socket:send_text("meow")
    socket:send_text('{"type":"connection_init"}')
    assert.equal('{"type":"connection_ack","payload":{"connectionTimeoutMs":300000}}', take(socket))
  end)

  it("takes messages in pieces, and closes for frames that are none of its own", function()
    serve()
    local socket = acknowledged()
    socket:send(ws_socket.frame(1, '{"type":"st', { fin = false }) .. ws_socket.frame(0, 'op","id":"x"}'))
    assert.equal('{"type":"error","id":"x","payload":{"errors":[{"errorType":"UnknownOperationError","message":"Unknown operation id x"}]}}',
      take(socket))
    socket:send(ws_socket.frame(2, "binary"))
    assert.equal(1003, (socket:close_frame()))
    socket = acknowledged()
    socket:send(ws_socket.frame(1, "{}", { mask = false }))
    assert.equal(1002, (socket:close_frame()))
  end)

  it("drops a payload above 240 KB, says so in its log, and goes on", function()
    serve()
    local socket = acknowledged()
    start(socket, "s1", "subscription { onSend { text } }")
    mutate(('send(text: "%s") { text }'):format(("x"):rep(240 * 1024)))
    assert.matches("^send: a payload of 245791 bytes is above the limit of 245760 and was dropped; subscribers: 1", logged[#logged])
    mutate('send(text: "small") { text }')
    assert.equal('{"type":"data","id":"s1","payload":{"data":{"onSend":{"text":"small"}}}}', take(socket))
  end)

  it("has a time-out, a keep-alive interval and an age that can be set", function()
    local at = 0
    serve({ connection_timeout = 5000, ka = 2, max_age = 5, clock = function() return at end })
    local socket = upgrade()
    assert.equal('{"type":"ka"}', take(socket))
    socket:send_text('{"type":"connection_init"}')
    assert.equal('{"type":"connection_ack","payload":{"connectionTimeoutMs":5000}}', take(socket))
    at = 2
    assert.equal('{"type":"ka"}', take(socket))
    at = 5
    assert.equal(1000, (socket:close_frame()))
  end)

  it("tells what in a filter has no effect", function()
    local resolvers = { Subscription = { onSend = function(ctx)
      ctx.extensions.set_subscription_filter(filter("a.b.c.d.e.f", "eq", 1))
    end } }
    serve({ resolvers = resolvers })
    start(acknowledged(), "s1", ON_SEND)
    assert.equal("onSend: the subscription filter on 'a.b.c.d.e.f' is deeper than 5 levels and is ignored, as on the service",
      logged[#logged])
  end)
end)
