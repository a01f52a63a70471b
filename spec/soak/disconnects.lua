-- A server that sends events and hangs up, N times: each event that it sent on a live connection arrives, once, in order;
-- memory stays flat. usage: N=50 lua spec/soak/disconnects.lua
local appsync = require "appsync"
local memory = require "spec.soak.memory"
local peer = require "spec.support.peer"
local process = require "spec.support.process"

local N = tonumber(os.getenv "N") or 50
local EVENTS = 20
local ALLOWED_KIB = tonumber(os.getenv "ALLOWED_KIB") or 1500

-- How the nth connection ends, in turn. A reset would take sent events with it, so that one comes after all was read.
local ENDINGS = { { "ws_close", 1001, "going away" }, { "close" }, { "half_close" }, { "ws_frame", 8, "" } }

local function connection(i)
  local steps = { peer.handshake() }
  steps[#steps + 1] = { "ws_start" }
  steps[#steps + 1] = { "ws_send", '{"type":"start_ack","id":"%ID%"}' }
  for k = 1, EVENTS do
    steps[#steps + 1] = { "ws_send", ('{"type":"data","id":"%%ID%%","payload":{"data":{"tick":{"connection":%%N%%,"k":%d}}}}'):format(k) }
  end
  steps[#steps + 1] = ENDINGS[(i - 1) % #ENDINGS + 1]
  return steps
end

local function main()
  local script = { connections = {} }
  for i = 1, N do script.connections[i] = connection(i) end
  local last = { peer.handshake() }
  last[#last + 1] = { "ws_start" }
  last[#last + 1] = { "ws_send", '{"type":"start_ack","id":"%ID%"}' }
  last[#last + 1] = { "ws_send", '{"type":"complete","id":"%ID%"}' }
  last[#last + 1] = { "wait" }
  script.connections[N + 1] = last
  local running = peer.start(script)
  local client = appsync.client {
    endpoint = running.url, auth = { type = "API_KEY", api_key = "da2-x" }, store = false,
    retry = { base = 0.001, cap = 0.002 }, log = function() end,
  }
  local s = client:subscribe "subscription { tick { connection k } }":subscribe()
  local at, k, before = 1, 0, nil
  while true do
    local event, err = s:next(20)
    assert(not err, err)
    if not event then break end
    local tick = event.tick
    if tick.connection ~= at then
      assert(k == EVENTS, ("connection %d ended after event %d of %d"):format(at, k, EVENTS))
      at, k = at + 1, 0
      if at % 20 == 0 then collectgarbage() end -- what Lua would collect in its own time isn't growth
      if at == math.floor(N / 5) + 1 then before = memory.resident() end
    end
    assert(tick.connection == at and tick.k == k + 1, ("got event %d of connection %d after %d of %d"):format(tick.k, tick.connection, k, at))
    k = tick.k
  end
  assert(at == N and k == EVENTS, ("stopped at event %d of connection %d"):format(k, at))
  local after = memory.resident()
  print(("%d disconnects, %d events, all in order; resident %d KiB after a fifth, %d KiB at the end"):format(N, N * EVENTS, before, after))
  assert(after - before <= ALLOWED_KIB, "memory grows")
  assert(client:close(5))
end

local ok, err = xpcall(main, debug.traceback)
process.stop_all()
if not ok then print(err) end
print(ok and "1 passed, 0 failed" or "0 passed, 1 failed")
os.exit(ok and 0 or 1)
