--- What clients of the local server can do to it: whatever they send, it answers the others.
local colliding = require("spec.support.colliding")
local core = require("appsync.core")
local process = require("spec.support.process")
local server_module = require("appsync.server")
local socket = require("socket")
local ws_socket = require("spec.support.ws_socket")

local SCHEMA = [[
type Query { a: Int }
type Mutation { ping: String }
type Subscription { onPing: String @aws_subscribe(mutations: ["ping"]) }
]]
local NOW = 1585699810

describe("a client of appsync serve", function()
  local server, clients, now

  local function pump()
    server:step(0)
  end

  local function connect()
    local client = ws_socket.tcp(server.listener:port(), pump)
    clients[#clients + 1] = client
    return client
  end

  local function is_serving()
    local response = connect():request({ headers = { ["x-api-key"] = "k" }, body = '{"query":"{ __typename }"}' })
    return response.status == 200 and response.body == '{"data":{"__typename":"Query"}}'
  end

  before_each(function()
    clients, now = {}, 0
    server = assert(server_module.new({
      schema_text = SCHEMA,
      api_keys = { "k" },
      iam = { AK = "SK" },
      now = function() return NOW end,
      clock = function() return now end,
      log = function() end,
    }))
  end)

  after_each(function()
    for _, client in ipairs(clients) do
      client:close()
    end
    server:close()
  end)

  it("can't keep it busy with strings that collide", function()
    for _, body in ipairs({
      '{"query":"{ a }","variables":{"x":' .. colliding.list(80000) .. "}}",
      '{"query":"{ a }","variables":' .. colliding.object(80000) .. "}",
    }) do
      local started = os.clock()
      local response = connect():request({ headers = { ["x-api-key"] = "k" }, body = body })
      assert.equal(colliding.are_slow and 400 or 200, response.status)
      if colliding.are_slow then assert.matches("Too many strings collide in Lua's table of strings.", response.body, 1, true) end
      assert.is_true(os.clock() - started < 20)
      assert.is_true(is_serving())
    end
    local names = '{"query":"{' .. colliding.text(14000, "", "") .. '}"}'
    local response = connect():request({ headers = { ["x-api-key"] = "k" }, body = names })
    assert.equal(200, response.status)
    assert.matches(colliding.are_slow and "too many names that collide" or "FieldUndefined", response.body)
    assert.is_true(is_serving())
  end)

  it("can't end it with a folded header in a preflight", function()
    local client = connect()
    client:send("OPTIONS /graphql HTTP/1.1\r\nHost: localhost\r\nAccess-Control-Request-Headers: a\r\n \rb: c\r\n\r\n")
    assert.equal(400, client:response().status)
    assert.is_true(is_serving())
  end)

  it("is told that nothing is at a path of any bytes", function()
    local response = connect():request({ path = "/\255\254", headers = {}, body = "x" })
    assert.equal(404, response.status)
    assert.equal("NotFoundException", core.decode(response.body).errors[1].errorType)
  end)

  local function sign(names)
    local scope = "Credential=AK/20200401/r/appsync/aws4_request"
    return {
      Authorization = ("AWS4-HMAC-SHA256 %s, SignedHeaders=host;%s, Signature=ab"):format(scope, names),
      ["x-amz-date"] = "20200401T001010Z",
    }
  end

  it("is refused with a signature of any bytes over HTTP", function()
    local response = connect():request({ headers = sign("\255"), body = '{"query":"{ a }"}' })
    assert.equal(403, response.status)
    assert.equal("The signed header '?' was not sent.", core.decode(response.body).errors[1].message)
  end)

  for _, is_silent in ipairs({ false, true }) do
    it("is refused with a signature of any bytes over a WebSocket, " .. (is_silent and "silent" or "asking"), function()
      local client = connect()
      local headers = sign("\255")
      headers["Sec-WebSocket-Protocol"] = "graphql-ws"
      assert.equal(101, client:handshake("/graphql/realtime", headers).status)
      if is_silent then
        now = 2
      else
        client:send_text('{"type":"connection_init"}')
      end
      local message = core.decode(client:frame().payload)
      assert.equal("connection_error", message.type)
      assert.equal("The signed header '?' was not sent.", message.payload.errors[1].message)
      assert.equal(1000, (client:close_frame()))
      assert.is_true(is_serving())
    end)
  end

  for offset = 0, 1 do
    it("reads a close reason that is cut between characters, offset " .. offset, function()
      local client = connect()
      local object = { authorization = sign(("x"):rep(offset) .. ("\195\169"):rep(100)).Authorization,
        ["x-amz-date"] = "20200401T001010Z", host = "h" }
      local header = "graphql-ws, header-" .. core.base64(core.encode(object), "url")
      assert.equal(101, client:handshake("/graphql/realtime", { ["Sec-WebSocket-Protocol"] = header }).status)
      client:send_text('{"type":"connection_init"}')
      client:frame()
      local code, reason = client:close_frame()
      assert.equal(1000, code)
      assert.is_true(#reason >= 122)
      assert.is_true(pcall(core.encode, reason))
    end)
  end

  it("can't end it when the server's own code fails on a message of theirs", function()
    local real = server.sockets.upgrade
    server.sockets.upgrade = function() error("broken") end
    local client = connect()
    client:send(ws_socket.handshake_text("/graphql/realtime", {}))
    assert.is_true(is_serving())
    server.sockets.upgrade = real
  end)
end)

describe("appsync serve without descriptors", function()
  after_each(process.stop_all)

  it("waits until some are free and goes on", function()
    local wrapper = process.temporary(".sh")
    local schema = process.file(SCHEMA, ".graphql")
    process.write(wrapper, "ulimit -n 64\nexec bin/appsync serve " .. schema .. " --api-key k\n")
    local first, handle = process.start({ "bash", wrapper })
    local port = assert(tonumber(first:match("^READY http://127%.0%.0%.1:(%d+)/")))
    local function ask()
      local tcp = assert(socket.connect("127.0.0.1", port))
      tcp:settimeout(10)
      tcp:send("POST /graphql HTTP/1.0\r\nx-api-key: k\r\nContent-Length: 26\r\n\r\n{\"query\":\"{ __typename }\"}")
      local line = tcp:receive("*l")
      tcp:close()
      return line
    end
    local held = {}
    for i = 1, 100 do held[i] = assert(socket.connect("127.0.0.1", port)) end
    for _, tcp in ipairs(held) do tcp:close() end
    assert.matches("^HTTP/1%.[01] 200", ask())
    process.stop(handle)
    assert.equal("", (process.read(handle.log):gsub("note: [^\n]*\n", "")))
  end)
end)

