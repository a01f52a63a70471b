---cqueues: coroutines of a controller wait on condition variables; one coroutine per controller drives the library.
local compat = require "appsync.compat"

local cqueues_host = {}

---@param driver {update: function, fd: function}
---@return appsync.HostAdapter
function cqueues_host.new(driver)
  local cqueues = require "cqueues"
  local condition = require "cqueues.condition"
  local driven = setmetatable({}, { __mode = "k" })
  local waits = {}

  local function drive(controller)
    if driven[controller] then return end
    driven[controller] = true
    local pollable = { pollfd = driver.fd(), events = "r" }
    controller:wrap(function()
      -- Ends with the last wait, so that the controller's loop can end.
      while next(waits) do
        driver.update(0)
        if next(waits) then cqueues.poll(pollable) end
      end
      driven[controller] = nil
    end)
  end

  return {
    current = function()
      local controller = cqueues.running()
      if not controller or not compat.running() then return nil end
      return { controller = controller, condition = condition.new() }
    end,
    suspend = function(token)
      waits[token] = true
      drive(token.controller)
      token.condition:wait()
    end,
    resume = function(token)
      waits[token] = nil
      token.condition:signal()
    end,
  }
end

return cqueues_host
