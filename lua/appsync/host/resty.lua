---nginx, OpenResty included: one light thread of each worker, the pump, takes the events and runs the timers. It sleeps on a
---unix socket that the core writes to. What is suspended by a semaphore goes on in nginx's own turn.
local clock = require "appsync.clock"
local dispatch = require "appsync.dispatch"
local errors = require "appsync.errors"
local homes = require "appsync.task.homes"
local log = require "appsync.log"
local printable = require "appsync.printable"
local scheduler = require "appsync.scheduler"
local task = require "appsync.task"
local timer = require "appsync.timer"
local ngx = ngx -- luacheck: ignore 113

---@type appsync.Host
local resty = {}

local EVENTS_PER_POLL = 16
local SECONDS_PER_TURN = 0.0005
local LONGEST_MS = 500 -- of the pump's sleep: how late it sees that the worker exits

local pumped ---@type appsync.core.Runtime? whose events are taken
local armed_at ---@type number|false|nil nil: for nothing
local is_serving = false

-- The core wakes the pump when the next timer is due.
local function arm()
  local at = timer.next_at()
  if at == armed_at or not pumped then return end
  local ok = pumped:arm(at and math.max(0, at - clock.now()))
  armed_at = ok and at
end

---Something got due while the pump sleeps.
function resty.notice()
  if not is_serving then arm() end
end

local function turn()
  local over_at = clock.now() + SECONDS_PER_TURN
  repeat
    local handled, has_more = dispatch.poll(EVENTS_PER_POLL)
    local fired = timer.run_due(EVENTS_PER_POLL)
    if not has_more and handled + fired == 0 then return false end
  until clock.now() >= over_at
  return true
end

---@return boolean has_more
local function serve()
  if armed_at and armed_at <= clock.now() then armed_at = nil end
  is_serving = true
  local ok, has_more = pcall(turn)
  is_serving = false
  if not ok then log.emit(nil, "error", "the library can't be driven: " .. printable.text(has_more), { raised = has_more }) end
  dispatch.flush()
  task.report_failures()
  arm()
  return ok and has_more
end

local function connect(runtime)
  local path, err = runtime:listen()
  if not path then return nil, err end
  local socket = ngx.socket.tcp()
  local ok, why = socket:connect("unix:" .. path)
  local accepted, accept_err = runtime:accept()
  if not ok then return nil, errors.new("system", "the pump's socket: " .. tostring(why)) end
  if not accepted then return nil, errors.adopt(accept_err) end
  socket:settimeout(LONGEST_MS)
  return socket
end

-- Nothing of the worker's keeps it from ending: its clients are closed, and say so to whoever waits.
local function leave(runtime)
  dispatch.close_all()
  repeat local has_more = serve() until not has_more
  if dispatch.present() == runtime then dispatch.close_runtime(2) end
end

local function pump(is_premature, runtime)
  local socket, err
  if not is_premature then
    homes.here_is_worker()
    socket, err = connect(runtime)
    if not socket then log.emit(nil, "error", "nothing can be received in this worker: " .. tostring(err)) end
  end
  while socket and dispatch.present() == runtime do
    local has_more = serve()
    if ngx.worker.exiting() and not homes.are_busy() then break end
    if has_more then
      ngx.sleep(0)
    else
      local _, why = socket:receiveany(4096)
      if why and why ~= "timeout" then break end
    end
  end
  pumped = nil
  if dispatch.present() == runtime then leave(runtime) end
end

---@param runtime appsync.core.Runtime
function resty.opened(runtime)
  pumped, armed_at = runtime, nil
  local ok, why = ngx.timer.at(0, pump, runtime)
  if ok then return end
  pumped = nil
  errors.misuse("nothing can be received in this worker: %s", tostring(why))
end

---Hands out what has come; nobody's code runs.
function resty.take_in()
  if not is_serving then dispatch.poll(EVENTS_PER_POLL) end
end

---Tells the core what it should know before others go on.
resty.settle = dispatch.flush

---@param w appsync.Wait
function resty.drive(w)
  errors.misuse("%s: it can't block the worker", w.what or "this call")
end

return resty
