---The host without a loop of its own, and the game that calls `update` once a frame. It suspends nobody: it drives the library.
local clock = require "appsync.clock"
local dispatch = require "appsync.dispatch"
local errors = require "appsync.errors"
local log = require "appsync.log"
local nginx = require "appsync.nginx"
local printable = require "appsync.printable"
local scheduler = require "appsync.scheduler"
local task = require "appsync.task"
local timer = require "appsync.timer"

---@type appsync.Host
local script = {}

local EVENTS_PER_POLL = 16
local EVENTS_PER_TURN = 64
local DEFAULT_BUDGET = 0.001
local MAX_BUDGET = 0.004
local BLOCKING = 0.005
local SOON = 0.002
local MEANT = { ["appsync.suspend"] = true, ["client:close"] = true } -- their caller says for how long

local is_game, is_fd_used, is_updating = false, false, false
local armed_at ---@type number|false|nil nil: for nothing; false: unknown
local told_places = {}

-- One turn without a budget: what has come goes before what is due, so that a time-out of 0 takes what is there.
-- True when something was done.
local function turn()
  scheduler.refill(EVENTS_PER_TURN, nil)
  local handled = dispatch.poll(EVENTS_PER_TURN)
  local ran = scheduler.run_ready(EVENTS_PER_TURN)
  return timer.run_due(EVENTS_PER_TURN) + handled + ran > 0 or scheduler.has_ready()
end

local function refuse_deadlock(w)
  if dispatch.count() > 0 or w.is_endless then return end
  local err = errors.new("usage", "nothing is left to end the wait")
  scheduler.drop(w, err)
  errors.misuse("%s would wait for ever: no client is open, and no timer and no other task runs", w.what or "this call")
end

-- Without a runtime (no descriptor is left) nothing but a timer can end a wait.
local function block(seconds)
  local runtime = dispatch.runtime()
  if runtime then
    local _, err = runtime:wait(seconds)
    errors.of_core(err)
  else
    clock.pause(seconds or 1)
  end
end

local function pump(w)
  while not w.done do
    if not turn() and not w.done then
      task.report_failures()
      local at = timer.next_at()
      if not at then refuse_deadlock(w) end
      block(at and math.max(0, at - clock.now()))
    end
  end
end

-- What was driven here may have taken what the descriptor had to tell.
local function arm_anew()
  if not is_fd_used or is_updating then return end
  armed_at = false
  script.notice()
end

-- A game: tells once per place that a call outside a task blocks its frame.
local function pump_frame(w)
  local place = errors.place()
  local began = clock.now()
  pump(w)
  if not MEANT[w.what] and clock.now() - began > BLOCKING and not told_places[place] then
    told_places[place] = true
    log.emit(nil, "warn", ("%s: %s blocked the main thread for %.0f ms; use a task or on_result"):format(
      place, w.what or "a call", (clock.now() - began) * 1000))
  end
end

---One turn, for a call that doesn't wait.
function script.glance()
  if turn() then arm_anew() end
  task.report_failures()
end

---Hands out what has come; nobody's code runs.
function script.take_in()
  dispatch.poll(EVENTS_PER_TURN)
end

---@return boolean
function script.holds_frame()
  return is_game and not is_fd_used and not scheduler.current()
end

---Tells the core what it should know before another scheduler goes on.
script.settle = dispatch.flush

---Works until `w.done`.
---@param w appsync.Wait
function script.drive(w)
  local ok, raised = pcall(is_game and not scheduler.current() and pump_frame or pump, w)
  if not ok then
    scheduler.verify()
    error(raised, 0)
  end
  arm_anew()
end

local function check_options(options)
  for key in pairs(options) do
    if key ~= "budget" and key ~= "raise" then
      errors.misuse("appsync.update: unknown option %s; there are budget and raise", (errors.describe(key)))
    end
  end
  local seconds, raise = options.budget, options.raise
  if seconds == nil and raise ~= nil then seconds = DEFAULT_BUDGET end
  if type(seconds) ~= "number" or seconds ~= seconds or seconds < 0 then
    errors.misuse("appsync.update: {budget = n} must have a number of seconds, 0 or more, got %s", (errors.describe(seconds)))
  end
  if raise ~= nil and type(raise) ~= "boolean" then
    errors.misuse("appsync.update: raise must be a boolean, got %s", (errors.describe(raise)))
  end
  return seconds, raise
end

---@return number seconds, boolean? raise
local function checked_budget(budget)
  if budget == nil then return DEFAULT_BUDGET end
  if type(budget) == "table" then return check_options(budget) end
  if type(budget) ~= "number" or budget ~= budget or budget < 0 then
    errors.misuse("appsync.update: budget must be a number of seconds, 0 or more, got %s", (errors.describe(budget)))
  end
  if budget > MAX_BUDGET then
    errors.misuse("appsync.update: a budget of %g s is more than a frame can spare; it is the time that may be spent, "
      .. "not dt. Write {budget = %g} when it is meant", budget, budget)
  end
  return budget
end

-- The descriptor is readable when the next timer is due, at once when routines are ready.
local function arm(is_more)
  local at = is_more and 0 or timer.next_at()
  if at == armed_at then return true end
  local runtime, err = dispatch.runtime()
  local ok = runtime
  if runtime then ok, err = runtime:arm(at and math.max(0, at - clock.now())) end
  if ok then
    armed_at = at
    return true
  end
  return nil, errors.adopt(err)
end

---Something got due between two updates.
function script.notice()
  if is_fd_used and not is_updating then arm(scheduler.has_ready()) end
end

local function update_counted()
  scheduler.refill(EVENTS_PER_TURN, nil)
  local _, has_more = dispatch.poll(EVENTS_PER_TURN)
  scheduler.run_ready(EVENTS_PER_TURN)
  if timer.run_due(EVENTS_PER_TURN) > 0 then scheduler.run_ready(EVENTS_PER_TURN) end
  return has_more or scheduler.has_ready()
end

local function update_timed(seconds)
  local deadline = clock.now() + seconds
  scheduler.refill(8, deadline)
  repeat
    local handled, has_more = dispatch.poll(EVENTS_PER_POLL)
    local ran = scheduler.run_ready(math.huge)
    local fired = timer.run_due(EVENTS_PER_POLL)
    has_more = has_more or scheduler.has_ready()
    if not has_more and fired + handled + ran == 0 then return false end
  until clock.now() >= deadline
  local _, has_more = dispatch.poll(0)
  local at = timer.next_at()
  return has_more or scheduler.has_ready() or (at ~= nil and at <= clock.now())
end

-- After a throw: what it has left is still to be done.
local function come_again()
  local runtime = dispatch.present()
  if runtime and runtime:arm(0) then armed_at = 0 end
end

local function update(seconds)
  is_updating = true
  if seconds == 0 then return update_counted() end
  return update_timed(seconds)
end

-- Works for so long. True and whether more waits; false and what was raised.
local function work(seconds)
  local outer = is_updating
  is_game = true
  -- The descriptor may have told of a timer a moment before it is due, and tells of each only once.
  if armed_at == 0 then
    armed_at = nil
  elseif armed_at and armed_at - clock.now() < SOON then
    armed_at = false
  end
  local ok, has_more = pcall(update, seconds)
  is_updating = outer
  if not ok then scheduler.verify() end
  dispatch.flush()
  if not ok and is_fd_used then come_again() end
  return ok, has_more
end

-- What follows, whoever has called.
local function finish(has_more, is_frame)
  task.report_failures(nil, is_frame and not is_fd_used)
  if is_fd_used then arm(has_more) end
  return has_more
end

---Does at most `budget` seconds of work: call it once a frame. A task that failed in it, and that nobody awaits, is reported
---at its end; with `raise` the first one is raised here instead, with its traceback. In LÖVE it reaches `love.errorhandler`.
---```lua
---local task = appsync.spawn(client.query, client, list_todos)
---while task:status() == "running" do -- each turn is a frame
---  appsync.update(0.002)
---end
---print(#task:await().listTodos.items) --> 1
---```
---@param budget number|{budget: number?, raise: boolean?}|nil default 0.001; 0: at most 64 events; above 0.004 only as
---`{budget = n}`
---@return boolean has_more
function script.update(budget)
  nginx.refuse("appsync.update", "nothing has to be called")
  local seconds, raise = checked_budget(budget)
  scheduler.verify()
  if is_updating or scheduler.current() then
    errors.misuse("appsync.update: it can't be called from a task or a callback; these run inside of it")
  end
  local ok, has_more = work(seconds)
  if not ok then error(has_more, 0) end
  local failure = raise and task.take_failure()
  has_more = finish(has_more, true)
  if failure then error(failure.traceback or failure.raised, 0) end
  return has_more
end

---What another scheduler's loop calls when the descriptor is readable, also a loop that a task runs. Never throws: some
---loops end the process then.
---@return boolean has_more
function script.serve()
  local ok, has_more = work(0)
  if ok then return finish(has_more) end
  log.emit(nil, "error", "the library can't be driven: " .. printable.text(has_more), { raised = has_more })
  return false
end

script.has_ready = scheduler.has_ready

---Returns a descriptor that is readable while `update` has work, timers included.
---```lua
---local uv = require "luv"
---local poll = uv.new_poll(appsync.assert(appsync.fd()))
---poll:start("r", function() appsync.update(0) end)
---client:query(list_todos, nil, { on_result = function(data)
---  print(#data.listTodos.items) --> 1
---  poll:close() -- the loop ends
---end })
---uv.run()
---```
---@return integer? descriptor, appsync.Error? err of kind "system"
function script.fd()
  nginx.refuse("appsync.fd", "there is nothing to watch")
  local fd, err = dispatch.fd()
  if not fd then return nil, err end
  is_fd_used, armed_at = true, nil
  local ok, arm_err = arm(scheduler.has_ready())
  if not ok then return nil, arm_err end
  return fd
end

return script
