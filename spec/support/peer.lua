-- Starts spec/support/peer.py with a script.
local core = require "appsync.core"
local process = require "spec.support.process"

local peer = {}

---@param script table see peer.py
---@return {port: integer, url: string, realtime: string, log: fun(): string, stop: fun()}
function peer.start(script)
  local path = process.temporary(".json")
  for _, steps in ipairs(script.connections) do
    setmetatable(steps, core.array_mt)
    for _, step in ipairs(steps) do setmetatable(step, core.array_mt) end
  end
  process.write(path, core.encode(script))
  local log = process.file("", ".peer")
  local first, handle = process.start { process.PYTHON, "spec/support/peer.py", path, log }
  local port, pid = (first or ""):match("^PORT (%d+) PID (%d+)")
  assert(port, "the peer did not start: " .. tostring(first) .. process.read(handle.log))
  handle.pid = tonumber(pid)
  local scheme = script.tls and "s" or ""
  local host = script.tls and "localhost" or "127.0.0.1"
  return {
    port = tonumber(port),
    url = ("http%s://%s:%s/graphql"):format(scheme, host, port),
    realtime = ("ws%s://%s:%s/graphql/realtime"):format(scheme, host, port),
    log = function() return process.read(log) end,
    stop = function() process.stop(handle) end,
  }
end

--- The steps of a realtime handshake that goes well.
function peer.handshake(timeout_ms)
  return { "ws_accept", "graphql-ws" }, { "ws_expect", "connection_init" },
    { "ws_send", ('{"type":"connection_ack","payload":{"connectionTimeoutMs":%d}}'):format(timeout_ms or 300000) }
end

return peer
