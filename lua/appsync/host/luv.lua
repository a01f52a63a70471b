---luv: a poll handle drives the library; a waiting coroutine is resumed from the loop.
local compat = require "appsync.compat"

local luv_host = {}

-- A loop watches a descriptor once.
local made, watched

---@param driver {update: function, fd: function}
---@return appsync.HostAdapter
function luv_host.new(driver)
  local uv, fd = require "luv", driver.fd()
  if made and watched == fd then return made end
  local poll = uv.new_poll(fd)
  local pending, n_waiting = {}, 0
  local idle = uv.new_idle()

  local function resume_pending()
    idle:stop()
    local list = pending
    pending = {}
    for _, co in ipairs(list) do
      local ok, raised = coroutine.resume(co)
      if not ok then error(debug.traceback(co, tostring(raised)), 0) end
    end
  end

  poll:start("r", function() driver.update(0) end)
  poll:unref()
  watched, made = fd, {
    current = compat.running,
    suspend = function(_)
      n_waiting = n_waiting + 1
      poll:ref() -- the loop lives while somebody waits
      driver.update(0)
      coroutine.yield()
      n_waiting = n_waiting - 1
      if n_waiting == 0 then poll:unref() end
    end,
    resume = function(co)
      pending[#pending + 1] = co
      idle:start(resume_pending)
    end,
  }
  return made
end

return luv_host
