--- The listener at its limits: as soon as a connection ends, the next one is served.
local native = require("appsync.server.native")
local program = require("spec.support.program")
local ws_socket = require("spec.support.ws_socket")

local listener, sockets

local function pump()
  for _, event in ipairs(listener:poll(0.001)) do
    if event.type == "request" then listener:respond(event.id, 200, {}, "x") end
  end
end

local function connect()
  local client = ws_socket.tcp(listener:port(), pump)
  sockets[#sockets + 1] = client
  return client
end

describe("a listener at its limit", function()
  before_each(function() sockets = {} end)

  after_each(function()
    for _, client in ipairs(sockets) do client:close() end
    if listener then listener:shutdown(0.001) end
    listener = nil
  end)

  it("serves the next one as soon as one of many ends, whichever", function()
    local N = 300
    listener = assert(native.open({ max_connections = N }))
    local kept = {}
    for i = 1, N do
      kept[i] = connect()
      pump()
    end
    for _, i in ipairs({ N, 1, 150, 299, 77 }) do
      -- Its number goes to a file of somebody else's: the next connection gets another one.
      kept[i]:close()
      for _ = 1, 3 do pump() end
      local other = assert(io.open("/dev/null"))
      assert.equal("x", connect():request({ body = "x" }).body, i)
      other:close()
    end
    assert.equal(0, listener:stats().refused)
    local last = connect()
    local is_sent, response = pcall(last.request, last, { body = "x" })
    assert.is_falsy(is_sent and response)
  end)

  it("looks after a bounded number of the others, however many keep coming", function()
    local N, n_turns = 200, 0
    listener = assert(native.open({ max_connections = N }))
    local function turn()
      n_turns = n_turns + 1
      listener:poll(0)
    end
    local function come(n)
      local before = listener:stats().connections
      for _ = 1, n do sockets[#sockets + 1] = ws_socket.tcp(listener:port(), turn) end
      repeat turn() until listener:stats().connections >= before + n
    end
    come(N)
    n_turns = 0
    for _ = 1, 30 do come(1) end
    local stats = listener:stats()
    assert.is_true(stats.refused > 0)
    assert.is_true(stats.looked_at <= 1024 + 64 * n_turns, stats.looked_at .. " in " .. n_turns .. " turns")
  end)

  it("accepts again as soon as a connection ends, when there were no descriptors", function()
    local output = program([[
      local native, socket = require("appsync.server.native"), require("socket")
      local listener = assert(native.open({ port = 0 }))
      local clients, n_seen = {}, 0
      for i = 1, 40 do
        clients[i] = assert(socket.connect("127.0.0.1", listener:port()))
        clients[i]:send("POST / HTTP/1.1\r\nHost: h\r\nContent-Length: 0\r\n\r\n")
      end
      local function turns(n)
        for _ = 1, n do n_seen = n_seen + #listener:poll(0) end
        return n_seen
      end
      local before = turns(20)
      clients[1]:close()
      -- Far less time than a server that looks now and then lets pass.
      local after = turns(20)
      print(before > 0 and before < 40, after > before)
    ]], "ulimit -n 64;")
    assert.equal("true\ttrue\n", output)
  end)
end)
