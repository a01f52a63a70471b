---copas (2.0 or later): waiting coroutines sleep until woken; one copas thread drives the library by its descriptor.
local compat = require "appsync.compat"
local errors = require "appsync.errors"
local resumer = require "appsync.host.resumer"

local copas_host = {}

local made, made_for

-- What copas takes for a socket: it is readable when the library has work.
local function new_socket(fd, on_close)
  local has_waited
  return {
    getfd = fd,
    dirty = function() return false end,
    settimeout = function() return 1 end,
    receive = function()
      has_waited = not has_waited
      if has_waited then return nil, "timeout" end
      return "x"
    end,
    close = function()
      on_close()
      return true
    end,
  }
end

-- Whether copas itself has resumed the coroutine. Where that is unknown: whether its loop runs, which copas 4 tells.
local function is_own(copas, co)
  local by = resumer.of(co)
  if not by then return copas.running == true end
  local at = debug.getinfo(by, 1, "S")
  return at ~= nil and at.source == debug.getinfo(copas.step, "S").source
end

-- Has `copas.finished` say so when nothing is left but the thread that drives: it reads one socket, and copas has its own
-- timer. A copas without `status` (before 4.1) can't tell: there the thread ends with the last wait.
local function let_finish(copas, waits, driver)
  if not copas.status then return false end
  local finished = copas.finished
  function copas.finished()
    if finished() then return true end
    if next(waits) or driver.has_ready() then return false end
    local now = copas.status()
    return now.read == 1 and now.write == 0 and now.active == 0 and now.timer <= 1
      and not (now.timeout > 0 and now.inactive > 0)
  end
  return true
end

local function check_version(copas)
  if copas.sleep and copas.wakeup then return end
  errors.misuse("host.use: this copas (%s) is too old: it has no copas.wakeup; 2.0 has it", tostring(copas._VERSION))
end

---@param driver appsync.HostDriver
---@return appsync.Host
function copas_host.new(driver)
  local copas = require "copas"
  check_version(copas)
  if made_for == copas then
    made.start()
    return made
  end
  local waits, is_driven = {}, false
  local is_lasting
  local socket = new_socket(driver.fd, function() is_driven = false end)

  local function drive()
    if is_driven then return end
    is_driven = true
    copas.addthread(function()
      while is_driven and (is_lasting or next(waits)) do
        driver.serve()
        if is_lasting or next(waits) then copas.receive(socket, 1) end
      end
      is_driven = false
    end)
  end

  is_lasting = let_finish(copas, waits, driver)
  made_for, made = copas, {
    name = "copas",
    current = function()
      local co = compat.resumed()
      return co and is_own(copas, co) and co or nil
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
    -- A thread sleeps in the task's place. What waits for a socket is known to copas by its coroutine: it can't be.
    carry = function(go_on, seconds, queue)
      if type(seconds) ~= "number" or seconds < 0 or type(queue) ~= "table" then return false end
      copas.addthread(function()
        copas.sleep(seconds)
        go_on()
      end)
      return true
    end,
    start = function()
      if is_lasting then drive() end
    end,
  }
  made.start()
  return made
end

return copas_host
