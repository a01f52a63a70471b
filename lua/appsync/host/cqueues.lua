---cqueues: coroutines of a controller wait on condition variables; one coroutine per controller drives the library.
local cqueues_host = {}

---@param driver {update: function, fd: function}
---@return appsync.HostAdapter
function cqueues_host.new(driver)
  local cqueues = require "cqueues"
  local condition = require "cqueues.condition"
  -- Controller → the tokens of its coroutines that wait; nil when no coroutine of it drives the library.
  local waits = setmetatable({}, { __mode = "k" })

  local function drive(controller)
    local tokens, pollable = {}, { pollfd = driver.fd(), events = "r" }
    waits[controller] = tokens
    controller:wrap(function()
      -- Ends with the controller's last wait, so that its loop can end.
      while next(tokens) do
        driver.update(0)
        if next(tokens) then cqueues.poll(pollable) end
      end
      waits[controller] = nil
    end)
  end

  return {
    current = function()
      local controller, is_its_own = cqueues.running()
      if not is_its_own then return nil end -- a generator that one of its coroutines resumes
      return { controller = controller, condition = condition.new() }
    end,
    suspend = function(token)
      local controller = token.controller
      if not waits[controller] then drive(controller) end
      waits[controller][token] = true
      token.condition:wait()
    end,
    resume = function(token)
      waits[token.controller][token] = nil
      token.condition:signal()
    end,
  }
end

return cqueues_host
