---nginx, OpenResty included: one light thread of each worker, the pump, takes the events and runs the timers. It sleeps on a
---unix socket that the core writes to. What is suspended by a semaphore goes on in nginx's own turn.
local clock = require "appsync.clock"
local core = require "appsync.core"
local counts = require "appsync.counts"
local dispatch = require "appsync.dispatch"
local errors = require "appsync.errors"
local homes = require "appsync.task.homes"
local log = require "appsync.log"
local nginx = require "appsync.nginx"
local printable = require "appsync.printable"
local prometheus = require "appsync.host.prometheus"
local task = require "appsync.task"
local timer = require "appsync.timer"
local ngx = ngx -- luacheck: ignore 113

---@type appsync.Host
local resty = {}

local LEVELS = { debug = ngx.DEBUG, info = ngx.INFO, warn = ngx.WARN, error = ngx.ERR }

log.set_default(function(level, message) ngx.log(LEVELS[level], "appsync: ", message) end)

local EVENTS_PER_POLL = 16
local SECONDS_PER_TURN = 0.0005
local LONGEST_MS = 2147483647 -- of the pump's sleep
local CLOSE_SECONDS = 2
local LOOK_SECONDS = 0.5 -- how late the pump sees that the worker exits: nginx tells nobody
local EARLY_SECONDS = 0.002 -- the core wakes by whole milliseconds

local pumped ---@type appsync.core.Runtime? whose events are taken
local armed_at ---@type number|false|nil nil: for nothing
local looked_at = 0
local is_serving, is_leaving, leave_until = false, false, nil
local is_resting, is_late = false, false -- the pump of an exiting worker has ended; another one is there, or comes
local LATE_SECONDS = 0.001 -- its pause
local waiting, n_waiting = {}, 0 -- semaphores of those who have given way

-- The core wakes the pump when the next timer is due, or it is time to look again: that once too often costs less than telling it
-- after each turn.
local function arm()
  local at, look_at = timer.next_at(), looked_at + LOOK_SECONDS
  if not at or at > look_at then at = look_at end
  if not pumped or armed_at and armed_at <= at then return end
  local ok = pumped:arm(math.max(0, at - clock.now()))
  armed_at = ok and at
end

---Something got due while the pump sleeps.
function resty.notice()
  if not is_serving then arm() end
end

---@return boolean has_more
local function turn()
  local over_at = clock.now() + SECONDS_PER_TURN
  local handled, has_more, fired
  repeat
    handled, has_more = dispatch.poll(EVENTS_PER_POLL)
    fired = timer.run_due(EVENTS_PER_POLL)
    if not has_more and handled + fired == 0 then return false end
  until clock.now() >= over_at
  return has_more or fired == EVENTS_PER_POLL
end

local function let_go_on()
  local all, n = waiting, n_waiting
  waiting, n_waiting = {}, 0
  for i = 1, n do all[i]:post(1) end
end

---Has a semaphore posted after nginx has looked at what else there is.
---@param sema table
---@return boolean taken
function resty.give_way(sema)
  if not pumped then return false end
  n_waiting = n_waiting + 1
  waiting[n_waiting] = sema
  pumped:ring()
  return true
end

---@return boolean has_more
local function serve()
  looked_at = clock.now()
  if armed_at and armed_at <= looked_at + EARLY_SECONDS then armed_at = nil end
  is_serving = true
  local ok, has_more = pcall(turn)
  is_serving = false
  if not ok then log.emit(nil, "error", "the library can't be driven: " .. printable.text(has_more), { raised = has_more }) end
  let_go_on()
  dispatch.flush()
  task.report_failures()
  arm()
  return not ok or has_more
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

-- Nothing of the library's keeps the worker from ending. Its clients stay open all the same: nginx closes no connection that it has
-- accepted and that has sent no whole request yet, so that one may still come. They are closed with the worker's Lua state.
local function leave(closes)
  is_leaving = true
  leave_until = clock.now() + CLOSE_SECONDS
  if closes then dispatch.close_all() else dispatch.rest() end
  homes.wake_worker()
end

-- Without nginx's code cache each request has a Lua state of its own, in which init_by_lua runs too, and which the pump would keep
-- for ever. The worker's own one was there before its requests.
local is_of_init, is_of_worker = nginx.is_starting(), not nginx.is_starting() and ngx.get_phase() == "init_worker"
core.n_states(ngx.config.subsystem)

local function is_left_over()
  local n, is_older = core.n_states(ngx.config.subsystem)
  return n > 1 and not is_of_worker and not (is_of_init and is_older)
end

-- Whether nobody needs the pump any more.
local function has_left()
  if homes.are_busy() then return false end
  local closes = is_left_over()
  if not closes and not ngx.worker.exiting() then return false end
  if not is_leaving then leave(closes) end
  if clock.now() >= leave_until then return true end
  if closes then return dispatch.count() == 0 end
  return not dispatch.has_subscriptions()
end

-- A request has come after the pump has ended, which the loop's end would wait for: so this one has no socket, and looks itself.
local function pump_late(_, runtime)
  homes.here_is_worker()
  is_leaving = false
  while dispatch.present() == runtime do
    serve()
    if has_left() then break end
    ngx.sleep(LATE_SECONDS)
  end
  is_late = false
end

-- What is begun in a worker whose pump has ended is answered, too.
local function go_on(runtime)
  if not is_resting or is_late or not runtime then return end
  local ok, why = ngx.timer.at(0, pump_late, runtime)
  if not ok then errors.misuse("nothing can be received in this worker: %s", tostring(why)) end
  is_late = true
end

-- A timer that hasn't run when the worker is told to exit is premature. Requests are under way all the same, the one among them
-- that has opened the runtime.
local function pump(_, runtime)
  homes.here_is_worker()
  local socket, err = connect(runtime)
  if not socket then log.emit(nil, "error", "nothing can be received in this worker: " .. tostring(err)) end
  while socket and dispatch.present() == runtime do
    local has_more = serve()
    if has_left() then break end
    if has_more then runtime:ring() end
    local _, why = socket:receiveany(4096)
    if why and why ~= "timeout" then break end
    runtime:heard()
  end
  if socket then socket:close() end
  pumped = nil
  if dispatch.present() ~= runtime then return end
  if is_leaving and not is_left_over() then
    is_resting = true
    return
  end
  dispatch.close_all()
  dispatch.close_runtime(CLOSE_SECONDS)
end

---@param runtime appsync.core.Runtime
function resty.opened(runtime)
  pumped, armed_at, is_leaving, is_resting = runtime, nil, false, false
  local ok, why = ngx.timer.at(0, pump, runtime)
  if ok then return end
  pumped = nil
  errors.misuse("nothing can be received in this worker: %s", tostring(why))
end

function homes.watch_request(address, home)
  local runtime, err = dispatch.runtime()
  if not runtime then error(tostring(err), 0) end
  go_on(runtime)
  local id, watch = runtime:watch_request(address)
  if not id then error(tostring(errors.adopt(watch)), 0) end
  dispatch.expect(id, home)
  return watch
end

---Hands out what has come; nobody's code runs.
function resty.take_in()
  if is_serving then return end
  local _, has_more = dispatch.poll(EVENTS_PER_POLL)
  if has_more and pumped then pumped:ring() end
end

---Tells the core what it should know before others go on.
function resty.settle()
  dispatch.flush()
  go_on(dispatch.present())
end

---@param w appsync.Wait
function resty.drive(w)
  errors.misuse("%s: it can't block the worker", w.what or "this call")
end

---Returns the counts of this worker's clients in Prometheus' text format, to be sent as `text/plain; version=0.0.4`: operations by
---outcome, their durations, bytes, hits and misses of the cache, subscriptions, reconnects, dropped events, queued mutations. Labels
---are the endpoint, without its query, and the worker's number.
---```lua
---ngx.print(require("appsync.host.resty").metrics())
---```
---@return string text
function resty.metrics()
  return prometheus.text(counts.all(), tostring(ngx.worker.id() or "agent"))
end

return resty
