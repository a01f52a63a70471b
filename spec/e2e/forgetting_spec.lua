-- What is left in a process's memory of the secrets of clients that were closed.
local core = require "appsync.core"
local peer = require "spec.support.peer"
local process = require "spec.support.process"

local unpack = table.unpack or unpack -- luacheck: ignore 113
local LUA = os.getenv "APPSYNC_LUA"
local N_SECRETS = 8
local ACK = '{"type":"connection_ack","payload":{"connectionTimeoutMs":300000}}'
local REFUSED = { "http", 401, {}, '{"errors":[{"errorType":"UnauthorizedException","message":"no"}]}' }
local ENDED = { "ws_send", '{"type":"error","id":"%ID%","payload":{"errors":[{"errorType":"X","message":"no"}]}}' }

local function accepting(protocol)
  return { { "ws_accept", protocol }, { "ws_expect", "connection_init" }, { "ws_send", ACK }, { "ws_start" }, ENDED, { "wait" } }
end

local function start_peers()
  local refusals = {}
  for i = 1, 40, 2 do refusals[i], refusals[i + 1] = { "request" }, REFUSED end
  local appsync_ws = accepting "graphql-ws"
  local first, proxy = process.start{ process.PYTHON, "spec/support/proxy.py", process.file("", ".proxy") }
  local port, pid = first:match "^PORT (%d+) PID (%d+)"
  proxy.pid = tonumber(pid)
  return peer.start{ connections = { refusals }, ["repeat"] = true },
    peer.start{ connections = { appsync_ws, appsync_ws, appsync_ws, appsync_ws, accepting "graphql-transport-ws",
      appsync_ws } }, port
end

local function build_host()
  local path = process.temporary ".host"
  local ok = os.execute(("cc -D_GNU_SOURCE -O1 $(pkg-config --cflags %s) spec/support/forgetful_host.c -o %s -Wl,-E $(pkg-config --libs %s)")
    :format(LUA, path, LUA))
  assert(ok == true or ok == 0)
  return path
end

describe("a client that was closed", function()
  teardown(process.stop_all)

  for _, how in ipairs{ "alone", "beside" } do
    local where = how == "alone" and "" or ", though another client goes on"
    it("leaves no key, token, password or handshake in the process's memory" .. where, function()
      -- The sanitizers and valgrind keep what was freed.
      if os.getenv "ALLOWED_KIB" then return pending "memory is kept on purpose here" end
      local http, realtime, port = start_peers()
      local secrets, reversed, expected = {}, {}, {}
      for i = 1, N_SECRETS do
        secrets[i] = core.sha256(core.uuid()):sub(1, 32)
        reversed[i] = secrets[i]:reverse()
        expected[i] = secrets[i] .. " 0"
      end
      local fifo = process.temporary ".fifo"
      os.execute("mkfifo " .. fifo)
      local ready, child = process.start{ build_host(), "spec/support/forget.lua", fifo, how, http.url, realtime.realtime,
        port, unpack(reversed) }
      assert.equal("ready", ready, process.read(child.log))
      local scan = io.popen(("python3 spec/support/memory_scan.py %d %s"):format(child.pid, table.concat(secrets, " ")))
      local found = {}
      for line in scan:lines() do found[#found + 1] = line end
      scan:close()
      assert.same(expected, found)
    end)
  end
end)
