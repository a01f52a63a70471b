---luv: a poll handle drives the library; a waiting coroutine is resumed from the loop. luv has no coroutines of its own:
---the loop's are those that its callbacks, or the main thread, have resumed.
local compat = require "appsync.compat"
local log = require "appsync.log"
local printable = require "appsync.printable"
local resumer = require "appsync.host.resumer"

local luv_host = {}

-- A loop watches a descriptor once.
local made, watched

-- luv ends the process for an error that leaves a callback: what a coroutine raises is told, and the loop goes on.
local function resume(co)
  local ok, raised = coroutine.resume(co)
  if ok then return end
  local text = printable.text(raised)
  log.emit(nil, "error", "a coroutine of luv's loop raised: " .. text, {
    raised = raised, traceback = debug.traceback(co, text),
  })
  if compat.close then compat.close(co) end
end

---@param driver appsync.HostDriver
---@return appsync.Host
function luv_host.new(driver)
  local uv, fd = require "luv", driver.fd()
  if made and watched == fd then return made end
  local poll, idle = uv.new_poll(fd), uv.new_idle()
  local pending, n_waiting = {}, 0

  local function wait_ended()
    n_waiting = n_waiting - 1
    if n_waiting == 0 then poll:unref() end
  end

  local function resume_pending()
    idle:stop()
    local list = pending
    pending = {}
    for i = 1, #list do
      local co = list[i]
      if coroutine.status(co) == "suspended" then
        resume(co)
      else
        wait_ended() -- somebody has ended it
      end
    end
  end

  poll:start("r", driver.serve)
  poll:unref()
  watched, made = fd, {
    name = "luv",
    current = function() return resumer.from_callback(uv.run) end,
    suspend = function(_)
      n_waiting = n_waiting + 1
      poll:ref() -- the loop lives while somebody waits
      coroutine.yield()
      wait_ended()
    end,
    resume = function(co)
      pending[#pending + 1] = co
      idle:start(resume_pending)
    end,
  }
  return made
end

return luv_host
