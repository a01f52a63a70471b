---copas (4.4 or later): waiting coroutines sleep until woken; one copas thread drives the library by its descriptor.
local errors = require "appsync.errors"
local resumer = require "appsync.host.resumer"

local copas_host = {}

local made

-- What copas takes for a socket: it is readable when the library has work.
local function new_socket(fd)
  local has_waited
  local function receive()
    has_waited = not has_waited
    return not has_waited and "x" or nil, "timeout"
  end
  return { getfd = fd, dirty = function() return false end, settimeout = function() return 1 end, receive = receive }
end

-- Has `copas.finished` say so when nothing is left but the thread that drives: it reads one socket, and copas has its own
-- timer.
local function let_finish(copas, waits, driver)
  local finished = copas.finished
  function copas.finished()
    if finished() then return true end
    if next(waits) or driver.has_ready() then return false end
    local now = copas.status()
    return now.read == 1 and now.write + now.active == 0 and now.timer <= 1 and (now.timeout == 0 or now.inactive == 0)
  end
end

local function new_adapter(copas, driver)
  local waits, socket = {}, new_socket(driver.try_fd)
  let_finish(copas, waits, driver)
  copas.addthread(function()
    while true do -- while no loop runs, it waits as copas' other threads do
      driver.serve()
      copas.receive(socket, 1)
    end
  end)
  return {
    name = "copas",
    current = function() return resumer.from_scheduler(copas.step, copas.running == true) end,
    suspend = function(co)
      waits[co] = true
      copas.sleep(-1)
    end,
    resume = function(co)
      waits[co] = nil
      copas.wakeup(co)
    end,
    -- A thread sleeps in the task's place. What waits for a socket is known to copas by its coroutine: it can't be.
    carry = function(go_on, seconds, queue)
      if type(seconds) ~= "number" or seconds < 0 or type(queue) ~= "table" then return false end
      copas.addthread(function()
        copas.sleep(seconds)
        go_on()
      end)
      return true
    end,
  }
end

---@param driver appsync.HostDriver
---@return appsync.Host
function copas_host.new(driver)
  local copas = require "copas"
  if not copas.status then -- by which a loop is let end
    errors.misuse("host.use: this copas (%s) is too old: it has no copas.status; 4.4 has it", tostring(copas._VERSION))
  end
  made = made or new_adapter(copas, driver)
  return made
end

return copas_host
