-- Starts spec/support/flapping.py before a server.
local process = require "spec.support.process"
local socket_unix = require "socket.unix"

local flapping = {}

---@param endpoint string of the server
---@return {endpoint: string, set: fun(mode: string), stop: fun()}
function flapping.start(endpoint)
  local path = process.temporary ".flapping"
  local first, handle = process.start{ process.PYTHON, "spec/support/flapping.py", assert(endpoint:match ":(%d+)/"), path }
  local port = assert((first or ""):match "^PORT (%d+)$", process.read(handle.log))
  local control = assert(socket_unix.stream())
  control:settimeout(10)
  assert(control:connect(path))
  return {
    endpoint = (endpoint:gsub(":%d+/", ":" .. port .. "/", 1)),
    set = function(mode)
      assert(control:send(mode .. "\n"))
      assert(control:receive "*l" == "ok", process.read(handle.log))
    end,
    stop = function()
      control:close()
      process.stop(handle)
    end,
  }
end

return flapping
