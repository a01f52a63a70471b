---Coroutines that wait: the ready queue, and what a waiting call does where.
---
---Only coroutines that the library made are suspended here: tasks, and those of `wrap` and `pcall`, which hand their wait to
---whoever resumed them. In every other place the wait is given to `hosts`.
local compat = require "appsync.compat"
local errors = require "appsync.errors"
local hosts = require "appsync.hosts"
local foreign = require "appsync.task.foreign"
local reach = require "appsync.task.reach"
local wait = require "appsync.task.wait"
local timer = require "appsync.timer"
local clock = require "appsync.clock"

local scheduler = {}

---What computes now and must not wait: "map", … or nil.
---@type string?
scheduler.computing = nil

---@class appsync.scheduler.Routine
---@field co thread
---@field wait appsync.Wait|false|nil what it waits for
---@field cancel_err appsync.Error? each waiting call raises this
---@field on_end fun(routine, ok: boolean, raised: any)
---@field is_parked boolean? sleeps until `scheduler.unpark`
---@field is_ready boolean?
---@field is_abandoned boolean? never to be run
---@field is_carried boolean? another scheduler will answer what it has yielded
---@field answer table? that answer, packed

-- What our coroutines yield. Whatever else one yields is meant for somebody else.
local WAIT, PARK, GIVE_WAY, PROBE, END = {}, {}, {}, {}, {}

local co_running, co_yield, co_resume, co_status = compat.running, coroutine.yield, coroutine.resume, coroutine.status
local is_yieldable, co_close = compat.is_yieldable, compat.close

-- Coroutine → its routine, or WRAPPED. Weak in both: Lua 5.1 has no ephemerons, and a routine holds its coroutine.
local by_co = setmetatable({}, { __mode = "kv" })
local WRAPPED = { is_wrapped = true }

local queue, head, tail = {}, 1, 0
local current

---The routine that runs now, or nil.
---@return appsync.scheduler.Routine?
function scheduler.current()
  return current
end

scheduler.caller = scheduler.current

local function push(routine)
  if routine.is_ready then return end
  queue[tail + 1] = routine -- first: Lua may have no memory for it
  tail = tail + 1
  routine.is_ready = true
  if head == tail then hosts.notice() end
end

---@return boolean
function scheduler.has_ready()
  return head <= tail
end

---Forgets the ready routines, outside of any: a simulated process was killed. Those that wait are forgotten with their waits.
function scheduler.clear() queue, head, tail = {}, 1, 0 end

-- The allowance of the running turn: so many events, then the clock is looked at.
local left, deadline = 64, nil

---Begins a turn: after each `events` events the clock is looked at; without a deadline the turn is over then.
---@param events integer
---@param until_time number?
function scheduler.refill(events, until_time)
  left, deadline = events, until_time
end

---@return boolean whether the turn is over
local function is_over()
  if left > 0 then return false end
  if deadline and clock.now() < deadline then
    left = 8
    return false
  end
  return true
end
scheduler.is_over = is_over

---Counts one event.
---@return boolean over the turn is over; give way
local function spent()
  left = left - 1
  return left <= 0 and is_over()
end
scheduler.spent = spent

-- A waiting call's probe is under way (PUC 5.1), and who makes the call.
local is_probing, prober, prober_line = false, nil, nil

local function translate(raised)
  if not is_probing then return raised end
  is_probing = false
  if type(raised) == "string" and raised:find(reach.VM_MESSAGE, 1, true) then
    return reach.place(prober, prober_line) .. ": " .. reach.explain("a metamethod")
  end
  return raised
end

-- On Lua 5.4 an error leaves a coroutine's variables open; what is yet to be asked of its stack is asked before.
local function close(co)
  local status = co_close and co_status(co)
  if status == "dead" or status == "suspended" then co_close(co) end
end

local function finished(routine, ok, raised)
  by_co[routine.co] = nil
  if not ok then raised = translate(raised) end
  routine.on_end(routine, ok, raised)
  if not ok then close(routine.co) end
end

-- What a routine's turn ended with.
local function left_off(routine, ok, tag, ...)
  if not ok then return finished(routine, false, tag) end
  if tag == WAIT then
    local w = ...
    if w.done then return push(routine) end
    w.co_task, routine.wait = routine, w
  elseif tag == GIVE_WAY then
    push(routine)
  elseif tag == PARK then
    routine.is_parked = true
  elseif tag == END then
    finished(routine, true)
  elseif not foreign.carry(routine, push, tag, ...) then
    finished(routine, false, foreign.refusal(routine, tag))
  end
end

-- Resumes it, with what another scheduler has answered, until it yields anything but a probe.
local function go_on(routine, outer, outer_computing, ok, tag, ...)
  if tag == PROBE then return go_on(routine, outer, outer_computing, co_resume(routine.co)) end
  current, scheduler.computing = outer, outer_computing
  return left_off(routine, ok, tag, ...)
end

local function run_one(routine)
  if routine.is_abandoned then return end -- cancelled before it began
  local outer, outer_computing, answer = current, scheduler.computing, routine.answer
  current, scheduler.computing = routine, nil
  if answer then
    routine.answer = nil
    return go_on(routine, outer, outer_computing, co_resume(routine.co, compat.unpack(answer, 1, answer.n)))
  end
  return go_on(routine, outer, outer_computing, co_resume(routine.co))
end

---Runs ready routines until the turn is over or none is left.
---@param max integer
---@return integer ran
function scheduler.run_ready(max)
  local ran = 0
  while head <= tail and ran < max and not is_over() do
    local routine = queue[head]
    queue[head] = nil
    head = head + 1
    if head > tail then head, tail = 1, 0 end
    routine.is_ready = false
    ran = ran + 1
    left = left - 1
    run_one(routine)
  end
  return ran
end

---Makes a routine that will run `fn(arg)`; not ready yet.
---@param fn function
---@param arg any
---@param routine appsync.scheduler.Routine `on_end` set
function scheduler.prepare(routine, fn, arg)
  routine.co = coroutine.create(function()
    fn(arg)
    return END
  end)
  by_co[routine.co] = routine
  routine.wait, routine.is_ready, routine.is_parked = false, false, routine.is_parked or false -- as `new_wait` does
  return routine
end

scheduler.push, wait.push = push, push

---Runs a prepared routine now, up to its first wait.
function scheduler.start_now(routine)
  run_one(routine)
end

---Suspends the running routine until `unpark`. Only for routines of the library itself.
function scheduler.park()
  co_yield(PARK)
end

function scheduler.unpark(routine)
  if routine.is_parked then
    routine.is_parked = false
    push(routine)
  end
end

---Lets the others run first.
function scheduler.give_way()
  co_yield(GIVE_WAY)
end

---@return appsync.scheduler.Routine? routine of the running coroutine, when it is one that can be suspended
local function own()
  local co = co_running()
  return co and by_co[co]
end

---Sets right who runs, after something threw where nobody could: for want of memory, or of stack. A routine that could not
---even be resumed is ready again; one whose end nobody could take note of has failed.
function scheduler.verify()
  local routine = current
  if not routine then return end
  local status = co_status(routine.co)
  if status == "running" or status == "normal" then return end
  current, scheduler.computing = own(), nil
  if status == "dead" then
    finished(routine, false, "not enough memory")
  elseif not routine.wait and not routine.is_parked then
    push(routine)
  end
end

---@return boolean whether the running coroutine is one of ours
function scheduler.is_inside()
  return own() ~= nil
end

---@return boolean whether a wait suspends the running coroutine, one of ours or another scheduler's
function scheduler.is_suspended()
  return own() ~= nil or (not current and hosts.suspends())
end

---@return boolean whether a wait holds up a game's frame
function scheduler.holds_frame()
  return own() == nil and hosts.hold_frame()
end

---Throws where no waiting call is allowed, not even one whose result is there already: in a function that computes and in
---a task that was cancelled.
---@param what string the call's name
local function check(what)
  if scheduler.computing then
    errors.misuse("%s: a call that waits isn't possible in a function that computes (%s)", what, scheduler.computing)
  end
  if current and current.cancel_err then error(current.cancel_err, 0) end
end
scheduler.check = check

---To be called before anything is started that will be waited for: throws where waiting isn't possible.
---@param what string the call's name
function scheduler.may_wait(what)
  check(what)
  if not reach.is_needed then return end
  if own() then
    prober, prober_line = reach.check()
    is_probing = true
    co_yield(PROBE)
    is_probing = false
  elseif not current and hosts.suspends() then
    reach.check_others()
  end
end

scheduler.new_wait, scheduler.wake, scheduler.drop = wait.new, wait.wake, wait.drop

---@param routine appsync.scheduler.Routine
---@return boolean whether it will never run again
function scheduler.has_ended(routine)
  return routine.is_abandoned or co_status(routine.co) == "dead"
end

---Waits. In one of our coroutines it is suspended, elsewhere the host decides.
---@param w appsync.Wait
---@param timeout number? seconds
---@param what string? for the messages
---@return any a, any b, any c
function scheduler.suspend(w, timeout, what)
  if not w.done then
    w.what = what
    if timeout and timeout < math.huge then w.timer = timer.after(timeout, wait.expire, w) end
    if own() and is_yieldable() then
      repeat co_yield(WAIT, w) until w.done
    else
      foreign.refuse_blocking(w)
      local routine = current
      if routine then routine.wait = w end
      hosts.wait(w, routine ~= nil)
      if routine and routine.wait == w then routine.wait = nil end
    end
  end
  return w.a, w.b, w.c
end

-- In one of our coroutines: the others run first, and the host looks for what is new.
local function step_back(routine)
  if routine == WRAPPED then
    scheduler.suspend(scheduler.new_wait(), 0)
  else
    co_yield(GIVE_WAY)
  end
end

-- After so many calls that don't wait, a coroutine of another scheduler lets the others run.
local GLANCES_PER_WAIT = 64
local n_glances = 0

---@return boolean whether something long can be done here in steps: see `pause`
function scheduler.can_pause()
  return own() ~= nil and is_yieldable()
end

---@return appsync.Error? cancel_err the task was cancelled, between two steps: others ran first where the turn was over
function scheduler.pause(n_events)
  left = left - n_events
  if left <= 0 and is_over() then step_back(own()) end
  return current and current.cancel_err
end

---For a call that doesn't wait: takes in what has come, without allocating anything. It gives way when the turn is over.
---@param what string the call's name
---@param is_needed boolean? one of our routines is ready whose work the call wants
function scheduler.glance(what, is_needed)
  local routine = own()
  if routine and is_yieldable() then
    hosts.take_in()
    if is_needed then
      scheduler.may_wait(what)
      step_back(routine)
    elseif spent() and not (reach.is_needed and reach.is_cut()) then
      step_back(routine)
    end
    return
  end
  if not current and hosts.may_suspend() then
    n_glances = n_glances + 1
    if n_glances >= GLANCES_PER_WAIT then
      n_glances = 0
      if not (reach.is_needed and reach.is_cut()) then
        scheduler.suspend(scheduler.new_wait(), 0, what)
        return
      end
    end
  end
  hosts.glance()
end

-- Resumes a wrapped coroutine until it yields something of its user's, or ends.
local function relay(co, ok, ...)
  local tag, w = ...
  if ok and tag == WAIT then
    if not w.done then scheduler.suspend(w) end
    return relay(co, co_resume(co))
  elseif ok and tag == PROBE then
    if own() then
      reach.check()
      co_yield(PROBE)
    elseif not current and hosts.suspends() then
      reach.check_others()
    end
    return relay(co, co_resume(co))
  end
  if not ok then
    close(co)
    return false, translate(tag)
  end
  return ok, ...
end

---Resumes a coroutine of `scheduler.wrap`; its waits are done by the caller.
---@return boolean ok, any ...
function scheduler.resume(co, ...)
  return relay(co, co_resume(co, ...))
end

---A coroutine that may wait, whoever resumes it by `scheduler.resume`.
---@return thread
function scheduler.wrap(fn)
  local co = compat.create(fn)
  by_co[co] = WRAPPED
  return co
end

-- What the function yields itself goes on to whoever has resumed the caller, as through a `pcall` that can be suspended.
local function hand_up(co, ok, ...)
  if ok and co_status(co) ~= "dead" then return hand_up(co, scheduler.resume(co, co_yield(...))) end
  return ok, ...
end

---A `pcall` in one of our coroutines whose function may wait, where the VM's can't be suspended.
---@return boolean ok, any ...
function scheduler.pcall(fn, ...)
  local co = scheduler.wrap(fn)
  return hand_up(co, scheduler.resume(co, ...))
end

return scheduler
