---copas: waiting coroutines sleep until woken; one copas thread drives the library by its descriptor.
local compat = require "appsync.compat"

local copas_host = {}

---@param driver {update: function, fd: function}
---@return appsync.HostAdapter
function copas_host.new(driver)
  local copas = require "copas"
  local waits, is_driven = {}, false
  -- What LuaSocket's select takes for a socket.
  local readable = { getfd = driver.fd, dirty = function() return false end }

  local function drive()
    if is_driven then return end
    is_driven = true
    copas.addthread(function()
      while next(waits) do
        driver.update(0)
        if next(waits) then coroutine.yield(readable, copas._reading or nil) end
      end
      is_driven = false
    end)
  end

  return {
    current = function()
      return copas.running and compat.running() or nil
    end,
    suspend = function(co)
      waits[co] = true
      drive()
      copas.sleep(-1)
    end,
    resume = function(co)
      waits[co] = nil
      copas.wakeup(co)
    end,
  }
end

return copas_host
