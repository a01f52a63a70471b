--- A server in this process, with fault rules and its clocks in the test's hand, and raw sockets to it.
local assert = require("luassert")
local core = require("appsync.core")
local server_module = require("appsync.server")
local socket = require("socket")
local ws_socket = require("spec.support.ws_socket")

local faulty_server = {}

faulty_server.SCHEMA = [[
type Note { id: ID! text: String }
type Query { one: Int note(id: ID!): Note }
type Mutation { note(id: ID, text: String): Note fail: Int }
type Subscription { onNote(text: String): Note @aws_subscribe(mutations: ["note"]) }
]]
faulty_server.NOW = 1585699810

local Faulty = {}
local Faulty_mt = { __index = Faulty }

--- `options` are added to the server's; `rules` are its faults.
function faulty_server.start(rules, options)
  local self = setmetatable({ now = 0, clients = {}, ran = {}, logged = {} }, Faulty_mt)
  local all = {
    schema_text = faulty_server.SCHEMA,
    api_keys = { "k" },
    faults = rules or {},
    now = function() return faulty_server.NOW end,
    clock = function() return self.now end,
    log = function(text) table.insert(self.logged, text) end,
    resolvers = {
      Query = { one = function() return 1 end, note = function(ctx) return { id = ctx.arguments.id } end },
      Mutation = {
        note = function(ctx)
          table.insert(self.ran, ctx.arguments.text)
          return { id = ctx.arguments.id or "1", text = ctx.arguments.text }
        end,
        fail = function() error({ message = "no" }, 0) end,
      },
    },
  }
  for name, value in pairs(options or {}) do
    all[name] = value
  end
  self.server = assert(server_module.new(all))
  self.faults = self.server.faults
  return self
end

function Faulty:stop()
  for _, client in ipairs(self.clients) do
    client:close()
  end
  self.server:close()
end

--- A raw socket. `port`: default the server's.
function Faulty:connect(port)
  local client = ws_socket.tcp(port or self.server.listener:port(), function() self.server:step(0) end)
  self.clients[#self.clients + 1] = client
  return client
end

--- Sends a document and takes the response; nil when the connection ended without one. `client`: default a new one.
function Faulty:ask(query, client, headers)
  client = client or self:connect()
  local all = { ["x-api-key"] = "k" }
  for name, value in pairs(headers or {}) do
    all[name] = value or nil
  end
  local response = client:request({ headers = all, body = core.encode({ query = query }) })
  if response and response.body:find("^{") then
    response.json = core.decode(response.body)
  end
  return response
end

--- Sends a document and doesn't wait.
function Faulty:send(query, client)
  client = client or self:connect()
  local body = core.encode({ query = query })
  client:send(("POST /graphql HTTP/1.1\r\nHost: localhost\r\nx-api-key: k\r\nContent-Length: %d\r\n\r\n%s"):format(#body, body))
  self:idle()
  return client
end

--- Lets the server work until nothing more is to be done at this time.
function Faulty:idle()
  for _ = 1, 10 do
    self.server:step(0)
  end
end

--- Whether nothing has come, and the connection stands.
function Faulty.is_silent(_, client)
  client:fill()
  return client.buffer == "" and not client.is_closed
end

--- How the connection ends: "closed" or what the system says, "timeout" when it doesn't.
function Faulty:ending(client)
  for _ = 1, 100 do
    local data, message, partial = client.tcp:receive(65536)
    client.buffer = client.buffer .. (data or partial or "")
    if message and message ~= "timeout" then
      return message
    end
    self.server:step(0.001)
  end
  return "timeout"
end

local function header_object()
  return core.base64(core.encode({ ["x-api-key"] = "k", host = "localhost" }), "url")
end

--- The handshake's response. `protocol`: default AppSync's with its header object.
function Faulty.handshake(_, client, protocol)
  return client:handshake("/graphql/realtime", {
    ["Sec-WebSocket-Protocol"] = protocol or ("graphql-ws, header-" .. header_object()),
  })
end

--- A WebSocket that is acknowledged.
function Faulty:open_ws()
  local client = self:connect()
  assert.equal(101, self:handshake(client).status)
  client:send_text('{"type":"connection_init"}')
  assert.equal("connection_ack", self:message(client, "ka").type)
  return client
end

--- The next message, decoded; those of type `skipped` are left out.
function Faulty.message(_, client, skipped)
  while true do
    local frame = client:frame()
    local message = frame and frame.opcode == 1 and core.decode(frame.payload) or frame
    if not message or message.type ~= skipped then
      return message
    end
  end
end

function Faulty.start_text(_, id, query)
  return core.encode({
    id = id,
    type = "start",
    payload = {
      data = core.encode({ query = query or "subscription S { onNote { id text } }", variables = {} }),
      extensions = { authorization = { ["x-api-key"] = "k", host = "localhost" } },
    },
  })
end

--- Begins a subscription; the answer to it.
function Faulty:subscribe(client, id, query)
  client:send_text(self:start_text(id, query))
  return self:message(client, "ka")
end

--- A WebSocket with one subscription.
function Faulty:subscriber()
  local client = self:open_ws()
  assert.equal("start_ack", self:subscribe(client, "s").type)
  return client
end

--- Publishes a note; the response's status.
function Faulty:publish(text)
  return self:ask(('mutation { note(text: "%s") { id text } }'):format(text)).status
end

--- The texts of the events that have come, as one word.
function Faulty:events(client)
  self:idle()
  local texts = {}
  while true do
    client:fill()
    if #client.buffer < 2 then
      return table.concat(texts, " ")
    end
    local frame = client:frame()
    local message = frame.opcode == 1 and core.decode(frame.payload)
    if message and message.type == "data" then
      texts[#texts + 1] = message.payload.data.onNote.text
    end
  end
end

-- How many descriptors this process has open.
function faulty_server.n_descriptors()
  local n, list = 0, assert(io.popen("ls /proc/self/fd 2>/dev/null || ls /dev/fd"))
  for _ in list:lines() do
    n = n + 1
  end
  list:close()
  return n
end

faulty_server.gettime = socket.gettime

return faulty_server
