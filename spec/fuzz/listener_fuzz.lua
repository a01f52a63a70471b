-- Seeded bytes for a live server in this process: mutated HTTP requests and WebSocket frames over real sockets, cut and
-- delivered anyhow. After each batch it must answer a good request, and have no more descriptors or memory than before.
--   lua5.4 spec/fuzz/listener_fuzz.lua N=2000 SEED=1
-- inputs a second: 1000
local mutations = require "spec.support.mutations"
local server_module = require "appsync.server"
local socket = require "socket"
local ws_socket = require "spec.support.ws_socket"

local BATCH = 100
local SECONDS_PER_INPUT = 5
local ALLOWED_KIB = tonumber(os.getenv "ALLOWED_KIB") or 20000

local parameters = mutations.parameters(arg)
local random = mutations.random(parameters.SEED)

local function one_of(list) return list[random(#list) + 1] end

local SCHEMA = [[
type Todo { id: ID! name: String }
type Query { one: Int todo(id: ID): Todo }
type Mutation { add(name: String): Todo }
type Subscription { onAdd(name: String): Todo @aws_subscribe(mutations: ["add"]) }
]]

local QUERIES = { "{ one }", "mutation { add(name: \\\"a\\\") { id name } }", "query Q($i: ID) { todo(id: $i) { id } }",
  "{ ...F } fragment F on Query { one ...F }", "{ __schema { types { name } } }", "{ one", "" }

local function http_request()
  local body = ('{"query":"%s","variables":{"i":"%s"}}'):format(one_of(QUERIES), ("x"):rep(random(5)))
  local headers = one_of { "", "x-api-key: k\r\n", "x-api-key: k\r\nConnection: close\r\n", "Authorization: AWS4-HMAC-SHA256 x\r\n",
    "Expect: 100-continue\r\n", "Origin: http://a\r\n" }
  if random(5) == 0 then
    return ("POST /graphql HTTP/1.1\r\nHost: localhost\r\n%sTransfer-Encoding: chunked\r\n\r\n%x\r\n%s\r\n0\r\n\r\n")
      :format(headers, #body, body)
  end
  return ("%s %s HTTP/1.%d\r\nHost: %s\r\n%sContent-Length: %d\r\n\r\n%s"):format(one_of { "POST", "GET", "OPTIONS", "HEAD", "PUT" },
    one_of { "/graphql", "/graphql?query=%7Bone%7D", "/", "/graphql/realtime", "*" }, random(4) == 0 and 0 or 1,
    one_of { "localhost", "127.0.0.1:80", "[::1]", "evil.example", "" }, headers, #body, body)
end

local MESSAGES = { '{"type":"connection_init"}', '{"type":"connection_init","payload":{"x-api-key":"k"}}', '{"type":"ping"}',
  '{"type":"stop","id":"a"}', '{"type":"complete","id":"a"}', '{"type":"ka"}', "[]", "null", "",
  '{"type":"start","id":"a","payload":{"data":"{\\"query\\":\\"subscription { onAdd { id } }\\"}","extensions":{"authorization":{"x-api-key":"k"}}}}',
  '{"type":"subscribe","id":"a","payload":{"query":"subscription { onAdd { name } }"}}',
  '{"type":"subscribe","id":"b","payload":{"query":"mutation { add(name: \\"z\\") { id name } }"}}' }
local OPCODES = { 0, 1, 1, 1, 1, 2, 3, 8, 9, 10, 11 }

local function frames()
  local parts = {}
  for i = 1, random(6) + 1 do
    local is_plain = random(3) > 0
    parts[i] = ws_socket.frame(is_plain and 1 or one_of(OPCODES), one_of(MESSAGES), {
      fin = is_plain or random(3) > 0, rsv = not is_plain and random(8) == 0 and 64 or 0,
      mask = (is_plain or random(8) > 0) and "\0\0\0\0",
    })
  end
  return table.concat(parts)
end

local function websocket()
  return ws_socket.handshake_text(one_of { "/graphql/realtime", "/graphql", "/realtime", "/graphql/realtime?header=e30=&payload=e30=" }, {
    ["Sec-WebSocket-Protocol"] = one_of { "graphql-ws, header-eyJ4LWFwaS1rZXkiOiJrIn0", "graphql-ws", "graphql-transport-ws", false, "x" },
    ["Sec-WebSocket-Version"] = random(20) == 0 and "12" or "13",
  }) .. frames()
end

local TOKENS = { "\r\n", "\r\n\r\n", "\n", ":", " ", "\0", "\255", "HTTP/1.1", "Content-Length: 9999999999\r\n", "Content-Length: -1\r\n",
  "Transfer-Encoding: chunked\r\n", "Upgrade: websocket\r\n", "Connection: Upgrade\r\n", "0\r\n\r\n", "ffffffff\r\n", "%00", "?",
  "\129\254", "\136\130", "\137\128", "{{{{{{", '"', "\\u0000" }

local MUTATIONS = {
  function(text, at) return text:sub(1, at - 1) .. string.char(random(256)) .. text:sub(at + 1) end,
  function(text, at) return text:sub(1, at - 1) .. one_of(TOKENS) .. text:sub(at) end,
  function(text, at) return text:sub(1, at - 1) .. text:sub(at + 1 + random(30)) end,
  function(text, at) return text:sub(1, at) end,
  function(text, at) return text:sub(1, at) .. text:sub(at - random(math.min(at, 60))) end,
  function(text, at) return text:sub(1, at) .. (random(2) == 0 and http_request() or frames()) end,
  function(text, at) return text:sub(1, at) .. text:sub(at, at + 3):rep(random(3000)) .. text:sub(at + 4) end,
}

local function input()
  local text = random(2) == 0 and http_request() or websocket()
  if random(4) == 0 then text = text .. http_request() end
  for _ = 1, random(4) do
    if #text == 0 then break end
    text = one_of(MUTATIONS)(text, random(#text) + 1)
  end
  return text
end

local server, current
local function complain(problem)
  io.stderr:write(("SEED=%d: %s\nlast input: %q\n"):format(parameters.SEED, problem, current or ""))
  os.exit(1)
end

local logged = {}
server = assert(server_module.new {
  schema_text = SCHEMA, api_keys = { "k" }, iam = { AK = "SK" }, control = 0, request_timeout = 2,
  log = function(text) logged[#logged + 1] = text end,
  resolvers = {
    Query = { one = function() return 1 end, todo = function(ctx) return { id = ctx.arguments.id or "1" } end },
    Mutation = { add = function(ctx) return { id = "1", name = ctx.arguments.name } end },
  },
})

local function pump() server:step(0) end

-- A part of the inputs meets a server that misbehaves too.
local RULES = { { word = "refuse=reset,probability=0.3" }, { word = "drop,probability=0.3" },
  { word = "half_open,on=request,probability=0.2" }, { word = "lose_answer=reset,probability=0.3" },
  { word = "disconnect,after_events=1" }, { word = "disconnect=reset" },
  { word = "lose_answer=hang" }, { word = "lose_answer,status=500" }, { word = "stale=500" },
  { word = "refuse,status=503,type=A,message=b" }, { word = "expire" }, { word = "half_open,after_events=1" }, { word = "duplicate" }, { word = "reorder" },
  { word = "delay=1" }, { word = "throttle,bytes_per_s=100000" } }
local fault = require "appsync.server.fault"

local function feed(bytes)
  local tcp = assert(socket.tcp())
  assert(tcp:connect("127.0.0.1", random(10) == 0 and server.listener:control_port() or server.listener:port()))
  tcp:settimeout(0)
  local at = 1
  while at <= #bytes do
    local last, message, partial = tcp:send(bytes, at, at + random(random(3) == 0 and 20 or 100000))
    at = (last or partial or at - 1) + 1
    pump()
    if message == "closed" then break end
    tcp:receive(100000)
  end
  for _ = 1, 4 do
    pump()
    tcp:receive(100000)
  end
  if random(3) == 0 then tcp:setoption("linger", { on = true, timeout = 0 }) end
  tcp:close()
end

local function check_good()
  server.faults.rules:clear()
  local client = ws_socket.tcp(server.listener:port(), pump)
  local ok, response = pcall(client.request, client, { headers = { ["x-api-key"] = "k" }, body = '{"query":"{ one }"}' })
  client:close()
  if not ok or not response or response.body ~= '{"data":{"one":1}}' then complain "a good request isn't answered" end
end

local function resident_kib()
  local file = io.open "/proc/self/status"
  if not file then return 0 end
  local kib = tonumber(file:read("*a"):match "VmRSS:%s*(%d+)")
  file:close()
  return kib
end

local function n_descriptors()
  local list, n = io.popen "ls /proc/self/fd 2>/dev/null", 0
  for _ in list:lines() do n = n + 1 end
  list:close()
  return n
end

-- Nothing of the clients is left; what was cut in the middle is dropped by its time.
local function settle()
  server.faults.wires:disconnect()
  local give_up = socket.gettime() + 10
  repeat
    server:step(0.01)
    local stats = server.listener:stats()
    if stats.open_sockets == 0 and stats.open_requests == 0 then break end
  until socket.gettime() > give_up
  for _ = 1, 20 do pump() end
  server.faults:reset()
  collectgarbage()
  collectgarbage()
end

local base_kib, base_descriptors
for n = 1, parameters.N do
  current = input()
  if random(20) == 0 then
    server.faults.rules:clear()
    if random(2) == 0 then server.faults.rules:add(assert(fault.parse_word(one_of(RULES).word))) end
  end
  local began = socket.gettime()
  feed(current)
  if socket.gettime() - began > SECONDS_PER_INPUT then complain "took too long" end
  if n % BATCH == 0 or n == parameters.N then
    check_good()
    if n % (BATCH * 10) == 0 or n == parameters.N then
      settle()
      local descriptors, kib = n_descriptors(), resident_kib()
      if not base_kib then base_kib, base_descriptors = kib, descriptors end
      if descriptors > base_descriptors + 2 then complain(("%d descriptors, %d before"):format(descriptors, base_descriptors)) end
      if kib > base_kib + ALLOWED_KIB then complain(("%d KiB, %d before"):format(kib, base_kib)) end
    end
  end
end
for _, text in ipairs(logged) do
  if text:find "could not be handled" or text:find "execution failed" then complain("the server's own code failed: " .. text) end
end
local stats = server.listener:stats()
print(("listener_fuzz: %d inputs, %d requests, %d handshakes, %d messages, %d KiB at the end, SEED=%d"):format(parameters.N,
  stats.requests, stats.upgrades, stats.messages_in, resident_kib(), parameters.SEED))
server:close()
