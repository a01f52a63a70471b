local core = require("appsync.core")
local server_module = require("appsync.server")
local trace = require("appsync.server.develop.trace")
local ws_socket = require("spec.support.ws_socket")

local SCHEMA = "type Todo @model { id: ID! name: String! priority: Int }"

local server, clients

local function serve(options)
  options = options or {}
  options.schema_text = options.schema_text or SCHEMA
  options.api_keys = options.api_keys or { "key" }
  options.log = options.log or function() end
  server = assert(server_module.new(options))
end

local function pump()
  server:step(0)
end

local function connect()
  local client = ws_socket.tcp(server.listener:port(), pump)
  clients[#clients + 1] = client
  return client
end

local function post(operation, headers)
  local response = connect():request({ headers = headers or { ["x-api-key"] = "key" }, body = core.encode(operation) })
  return response, core.decode(response.body)
end

local function create(name)
  local _, body = post({ query = ("mutation { createTodo(input: {name: %q}) { id name } }"):format(name) })
  return body.data.createTodo
end

local function header_protocol(object)
  return "graphql-ws, header-" .. core.base64(core.encode(object), "url")
end

local Realtime = {}
Realtime.__index = Realtime

local function realtime(object, path)
  local socket = connect()
  local headers = { ["Sec-WebSocket-Protocol"] = header_protocol(object or { host = "h", ["x-api-key"] = "key" }) }
  assert.equal(101, socket:handshake(path or "/graphql/realtime", headers).status)
  local self = setmetatable({ socket = socket }, Realtime)
  self:send({ type = "connection_init" })
  return self
end

function Realtime:send(message)
  self.socket:send_text(core.encode(message))
end

--- The next message that isn't a keep-alive.
function Realtime:take()
  repeat
    local frame = self.socket:frame()
    if not frame or frame.opcode ~= 1 then
      return nil
    end
    local message = core.decode(frame.payload)
    if message.type ~= "ka" then
      return message
    end
  until false
end

function Realtime:start(id, query, authorization, variables)
  self:send({
    type = "start",
    id = id,
    payload = {
      data = core.encode({ query = query, variables = variables }),
      extensions = { authorization = authorization or { host = "h", ["x-api-key"] = "key" } },
    },
  })
  return self:take()
end

local ON_CREATE = "subscription { onCreateTodo { id name priority } }"

describe("appsync serve", function()
  before_each(function()
    clients = {}
  end)

  after_each(function()
    for _, client in ipairs(clients) do
      client:close()
    end
    if server then
      server:close()
    end
    server = nil
  end)

  it("names both of its endpoints", function()
    serve()
    local http, websocket = server:urls()
    local port = server.listener:port()
    assert.equal(("http://127.0.0.1:%d/graphql"):format(port), http)
    assert.equal(("ws://127.0.0.1:%d/graphql/realtime"):format(port), websocket)
  end)

  it("serves queries and mutations", function()
    serve()
    local todo = create("milk")
    local query = "query Q($id: ID!) { getTodo(id: $id) { name } }"
    local response, body = post({ query = query, variables = { id = todo.id } })
    assert.equal(200, response.status)
    assert.same({ data = { getTodo = { name = "milk" } } }, body)
  end)

  it("answers what can't be read, isn't allowed or has no name with the service's errors", function()
    serve()
    local response, body = post({ query = "{ a }" }, { ["x-api-key"] = "wrong" })
    assert.equal(401, response.status)
    assert.equal("UnauthorizedException", response.headers["x-amzn-errortype"])
    assert.equal("You are not authorized to make this call.", body.errors[1].message)
    response, body = post({}, { ["x-api-key"] = "key" })
    assert.equal(400, response.status)
    assert.equal("MalformedHttpRequestException", body.errors[1].errorType)
    response, body = post({ query = "query A { listTodos { items { id } } } query B { listTodos { items { id } } }" })
    assert.equal(400, response.status)
    assert.equal("Missing operation name.", body.errors[1].message)
  end)

  it("accepts Host headers of the service's own form", function()
    serve()
    local host = ("a"):rep(26) .. ".appsync-api.us-east-1.amazonaws.com"
    local response = connect():request({
      headers = { ["x-api-key"] = "key", Host = host },
      body = core.encode({ query = "{ listTodos { items { id } } }" }),
    })
    assert.equal(200, response.status)
  end)

  it("delivers the result of a mutation to its subscribers", function()
    serve()
    local client = realtime()
    assert.same({ type = "connection_ack", payload = { connectionTimeoutMs = 300000 } }, client:take())
    assert.same({ type = "start_ack", id = "s1" }, client:start("s1", ON_CREATE))
    local todo = create("milk")
    assert.same({
      type = "data",
      id = "s1",
      payload = { data = { onCreateTodo = { id = todo.id, name = "milk", priority = core.null } } },
    }, client:take())
    client:send({ type = "stop", id = "s1" })
    assert.same({ type = "complete", id = "s1" }, client:take())
    create("bread")
    client:send({ type = "stop", id = "s1" })
    assert.equal("error", client:take().type)
  end)

  it("serves the realtime path of the service's own hosts", function()
    serve()
    assert.equal("connection_ack", realtime(nil, "/graphql"):take().type)
  end)

  it("takes the credentials from the query of the upgrade", function()
    serve()
    local socket = connect()
    local header = core.base64(core.encode({ host = "h", ["x-api-key"] = "key" }))
    local path = "/graphql/realtime?header=" .. header .. "&payload=e30="
    assert.equal(101, socket:handshake(path, { ["Sec-WebSocket-Protocol"] = "graphql-ws" }).status)
    assert.same('{"type":"ka"}', socket:frame().payload)
  end)

  it("refuses a subscription on a field that isn't there", function()
    serve()
    local client = realtime()
    client:take()
    local message = client:start("s1", "subscription { onNothing { id } }")
    assert.equal("error", message.type)
    assert.equal("s1", message.id)
    assert.matches("onNothing", message.payload.errors[1].message)
  end)

  it("refuses a connection with wrong credentials and closes it", function()
    serve()
    local client = realtime({ host = "h", ["x-api-key"] = "wrong" })
    assert.same({
      type = "connection_error",
      payload = {
        errors = {
          {
            errorType = "UnauthorizedException",
            message = "You are not authorized to make this call.",
            errorCode = 401,
          },
        },
      },
    }, client:take())
    assert.equal(1000, (client.socket:close_frame()))
  end)

  it("answers an upgrade elsewhere with 404", function()
    serve()
    assert.equal(404, connect():handshake("/nowhere", { ["Sec-WebSocket-Protocol"] = "graphql-ws" }).status)
  end)

  it("sends keep-alives by its clock and ends a connection after a day", function()
    local now = 0
    serve({ clock = function() return now end, ka = 60 })
    local client = realtime()
    client:take()
    now = 60
    pump()
    assert.equal('{"type":"ka"}', client.socket:frame().payload)
    now = 24 * 3600
    pump()
    assert.equal(1000, (client.socket:close_frame()))
  end)

  it("counts subscriptions of one connection only", function()
    serve({ max_subscriptions = 1 })
    local one, two = realtime(), realtime()
    one:take()
    two:take()
    assert.equal("start_ack", one:start("1", ON_CREATE).type)
    assert.equal("error", one:start("2", ON_CREATE).type)
    assert.equal("start_ack", two:start("1", ON_CREATE).type)
  end)

  it("forgets the subscriptions of a connection that is gone", function()
    serve()
    local client = realtime()
    client:take()
    client:start("1", ON_CREATE)
    client.socket:close()
    create("milk")
    pump()
    assert.equal(0, server.listener:stats().open_sockets)
    assert.is_nil(next(server.sockets.open))
  end)

  it("serves graphql-transport-ws beside it", function()
    serve()
    local socket = connect()
    assert.equal(101, socket:handshake("/graphql", { ["Sec-WebSocket-Protocol"] = "graphql-transport-ws" }).status)
    socket:send_text('{"type":"connection_init","payload":{"x-api-key":"key"}}')
    assert.equal('{"type":"connection_ack"}', socket:frame().payload)
    local function subscribe(id, query, name)
      socket:send_text(core.encode({ type = "subscribe", id = id, payload = { query = query, operationName = name } }))
    end
    subscribe("1", "subscription { onCreateTodo { name } }", "") -- as clients say that there is no name
    subscribe("2", 'mutation { createTodo(input: {name: "milk"}) { name } }')
    local got = {}
    for _ = 1, 3 do
      local message = core.decode(socket:frame().payload)
      got[message.type .. message.id] = message.payload or true
    end
    assert.same({
      next1 = { data = { onCreateTodo = { name = "milk" } } },
      next2 = { data = { createTodo = { name = "milk" } } },
      complete2 = true,
    }, got)
    subscribe("3", "{", "Name")
    local refused = core.decode(socket:frame().payload)
    assert.same({ "error", "3" }, { refused.type, refused.id })
    assert.matches("^Invalid Syntax", refused.payload[1].message)
  end)

  describe("with IAM", function()
    local function sign(path, body, secret)
      local signed = assert(core.sign({
        method = "POST",
        url = "http://127.0.0.1" .. path,
        headers = {
          accept = "application/json, text/javascript",
          ["content-encoding"] = "amz-1.0",
          ["content-type"] = "application/json; charset=UTF-8",
        },
        body = body,
      }, {
        service = "appsync",
        region = "us-east-1",
        credentials = { access_key_id = "AKID", secret_access_key = secret or "SECRET" },
        now = os.time(),
      }))
      return signed.headers
    end

    before_each(function()
      serve({ api_keys = {}, iam = { AKID = "SECRET" } })
    end)

    it("accepts a request that the client's own signer signed, and no other", function()
      local body = core.encode({ query = "{ listTodos { items { id } } }" })
      local headers = sign("/graphql", body)
      assert.equal(200, connect():request({ headers = headers, body = body }).status)
      local refused = connect():request({ headers = headers, body = body .. " " })
      assert.equal(403, refused.status)
      assert.equal("InvalidSignatureException", refused.headers["x-amzn-errortype"])
      assert.equal(403, connect():request({ headers = sign("/graphql", body, "WRONG"), body = body }).status)
    end)

    it("checks connect over /connect and each start over its own data", function()
      local client = realtime(sign("/graphql/connect", "{}"))
      assert.equal("connection_ack", client:take().type)
      local data = core.encode({ query = ON_CREATE })
      assert.equal("start_ack", client:start("1", ON_CREATE, sign("/graphql", data)).type)
      local refused = client:start("2", ON_CREATE, sign("/graphql", "{}"))
      assert.equal("InvalidSignatureException", refused.payload.errors[1].errorType)
      local other = realtime(sign("/graphql", "{}"))
      assert.equal("connection_error", other:take().type)
    end)
  end)

  it("asks the authorizer of the resolvers file", function()
    serve({
      api_keys = {},
      schema_text = "type Query { who: String }",
      authorizer = function(token) return { isAuthorized = token == "yes", resolverContext = { name = "ann" } } end,
      resolvers = { Query = { who = function(ctx) return ctx.identity.resolverContext.name end } },
    })
    local response, body = post({ query = "{ who }" }, { authorization = "yes" })
    assert.equal(200, response.status)
    assert.equal("ann", body.data.who)
    assert.equal(401, (post({ query = "{ who }" }, { authorization = "no" })).status)
  end)

  it("traces operations and messages, and no credentials", function()
    local lines = {}
    serve({ tracer = trace.new({ write = function(text) lines[#lines + 1] = text end }) })
    local client = realtime()
    client:take()
    client:start("1", ON_CREATE, { host = "h", ["x-api-key"] = "key", Authorization = "token" })
    create("milk")
    local text = table.concat(lines)
    assert.matches('message  {.*"type":"start"', text)
    assert.matches('"authorization":"***"', text, 1, true) -- the whole header object of the message
    assert.matches("trace  subscription  {onCreateTodo}", text)
    assert.matches("trace  mutation  {createTodo}", text)
    assert.matches('Mutation.createTodo%(input: {name: "milk"}%)  generated  [%d.]+ ms  %-> %d+ fields', text)
    assert.is_nil(text:find('"key"', 1, true))
    assert.is_nil(text:find('"token"', 1, true))
  end)

  it("records what clients do", function()
    local records = {}
    serve({ on_record = function(record) records[#records + 1] = record end })
    local client = realtime()
    client:take()
    client:start("1", ON_CREATE)
    client:start("2", "subscription { nothing }")
    create("milk")
    client:take()
    client:send({ type = "stop", id = "1" })
    client:take()
    post({ query = "{ nope }" })
    client.socket:close()
    while records[#records].kind ~= "close" do server:step(1) end
    local seen = {}
    for i, record in ipairs(records) do
      seen[i] = ("%s %s %s"):format(record.kind, record.operation or "-", record.n_errors or "-")
    end
    assert.same({ "connect - -", "start subscription -", "start - 1", "request mutation 0", "stop - -", "request query 1", "close - -" }, seen)
    assert.equal(1, records[#records].n_events)
    assert.same({ "createTodo" }, records[4].fields)
    assert.equal("API_KEY", records[4].identity)
    assert.equal(200, records[4].status)
    assert.equal(core.uuid():len(), #records[4].request_id)
  end)

  it("tells where the schema is wrong", function()
    local other, err = server_module.new({ schema_text = "type Query {\n  a: Nothing\n}", api_keys = { "k" } })
    assert.is_nil(other)
    assert.equal(2, err.line)
    assert.is_string(err.message)
  end)

  it("tells why it can't listen", function()
    serve()
    local other, err = server_module.new({
      schema_text = SCHEMA,
      api_keys = { "k" },
      port = server.listener:port(),
    })
    assert.is_nil(other)
    assert.matches("Address already in use", err.message)
  end)
end)
