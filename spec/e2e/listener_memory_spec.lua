--- The listener while allocations fail, in a process of its own: libevent's own fail as well.
local process = require("spec.support.process")
local program = require("spec.support.program")
local shim = require("spec.support.shim")

local PROGRAM = [[
package.path = "./?.lua;" .. package.path
local native = require("appsync.server.native")
local socket = require("socket")
local ws_socket = require("spec.support.ws_socket")
assert(native.guard_process())
local listener = assert(native.open({}))
local n_served = 0
local function pump()
  for _, event in ipairs(listener:poll(0)) do
    if event.type == "request" then
      listener:respond(event.id, 200, { ["content-type"] = "x" }, ("y"):rep(5000))
    elseif event.type == "upgrade" then
      listener:accept(event.id, "graphql-ws")
    elseif event.type == "message" then
      listener:send(event.id, event.text)
    end
  end
end
local BODY = "POST /graphql?x=1 HTTP/1.1\r\nHost: h\r\nX-A: b\r\nContent-Length: 5000\r\n\r\n" .. ("z"):rep(5000)
local INPUTS = { BODY .. BODY, "POST / HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n0\r\n\r\n",
  ws_socket.handshake_text("/", {}) .. ws_socket.frame(1, "hello"), "garbage\r\n\r\n" }
local function ask(bytes)
  local tcp = socket.connect("127.0.0.1", listener:port())
  tcp:settimeout(0)
  tcp:send(bytes)
  for _ = 1, 6 do
    pump()
    local data, _, partial = tcp:receive(100000)
    if (data or partial or ""):find("^HTTP/1.1 [12]0[01]") then n_served = n_served + 1 end
  end
  tcp:close()
  pump()
end
io.open("/no-memory")
for i = 1, 200 do ask(INPUTS[i % #INPUTS + 1]) end
for _ = 1, 20 do pump() end
local stats = listener:stats()
print("alive", n_served > 20, stats.open_requests, stats.open_sockets)
listener:shutdown(0.01)
]]

describe("a listener without memory", function()
  after_each(process.stop_all)

  it("loses connections, not the process, and keeps nothing of them", function()
    if os.getenv("ALLOWED_KIB") then return pending("not beside a sanitizer") end
    for seed = 1, 4 do
      for _, every in ipairs({ 7, 60 }) do
        local output, status = program(PROGRAM, ("env LD_PRELOAD=%s NO_MEMORY=%d:%d"):format(shim "no_memory", every, seed))
        assert.equal(0, status, output)
        assert.matches("alive\ttrue\t0\t0\n$", output)
      end
    end
  end)
end)
