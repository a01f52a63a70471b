---copas (2.0 or later): waiting coroutines sleep until woken; one copas thread drives the library by its descriptor.
local compat = require "appsync.compat"
local errors = require "appsync.errors"

local copas_host = {}

---@param driver {update: function, fd: function}
---@return appsync.HostAdapter
function copas_host.new(driver)
  local copas = require "copas"
  if not copas.sleep or not copas.wakeup then
    errors.misuse("host.use: this copas (%s) is too old: it has no copas.wakeup; 2.0 has it",
      tostring(copas._VERSION))
  end
  local waits, is_driven = {}, false

  -- What copas takes for a socket: it is readable when the library has work.
  local has_waited
  local readable = {
    getfd = driver.fd,
    dirty = function() return false end,
    settimeout = function() return 1 end,
    receive = function()
      has_waited = not has_waited
      if has_waited then return nil, "timeout" end
      return "x"
    end,
  }

  local function drive()
    if is_driven then return end
    is_driven = true
    copas.addthread(function()
      -- Ends with the last wait, so that the loop of copas can end.
      while next(waits) do
        driver.update(0)
        if next(waits) then
          has_waited = false
          copas.receive(readable, 1)
        end
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
