---Under nginx, in the place of `task.routines`: each routine is a light thread of the request that made it, so that what
---it does to the request, and what it waits for by nginx's own calls, is as in any handler. Where a phase has no light
---threads, and where the library itself has to ask the application something, it is one of the worker's (`task.worker_home`).
---
---A waiting call is suspended by a semaphore. What it waits for is handed out by the worker's pump (`host.resty`).
local clock = require "appsync.clock"
local compat = require "appsync.compat"
local core = require "appsync.core"
local errors = require "appsync.errors"
local hosts = require "appsync.hosts"
local homes = require "appsync.task.homes"
local nginx = require "appsync.nginx"
local wait = require "appsync.task.wait"
local ngx = ngx -- luacheck: ignore 113

local semaphore = require "ngx.semaphore"

local light = { has_light_threads = true }

---What computes now and must not wait: "map", … or nil. It can't be suspended, either.
---@type string?
light.computing = nil

light.new_wait, light.wake, light.drop = wait.new, wait.wake, wait.drop

local co_running, co_status = coroutine.running, coroutine.status
local is_yieldable = core.is_yieldable -- nginx has coroutines of its own, and no coroutine.isyieldable
local now = clock.now

local LONGEST = 3600 -- seconds of one wait: nginx counts milliseconds in an int
local SHORTEST = 0.001

-- Coroutine → its routine.
local by_co = setmetatable({}, { __mode = "kv" })

---The routine that runs now, or nil.
---@return appsync.scheduler.Routine?
function light.current()
  return by_co[co_running()]
end

---@return boolean
function light.is_inside() return nginx.suspends() and is_yieldable() end

light.is_suspended, light.can_pause = light.is_inside, light.is_inside

---@return boolean
function light.holds_frame() return false end

-- Semaphores are made once.
local MAX_SPARE = 64
local spare, n_spare = {}, 0

local function take_semaphore()
  if n_spare == 0 then return assert(semaphore.new()) end
  local sema = spare[n_spare]
  spare[n_spare] = nil
  n_spare = n_spare - 1
  return sema
end

local function give_semaphore(sema)
  if n_spare >= MAX_SPARE or sema:count() ~= 0 then return end -- it would not wait
  n_spare = n_spare + 1
  spare[n_spare] = sema
end

local function post(sema) sema:post(1) end

-- Whoever ends a wait posts.
local HOST = { name = "nginx", resume = post }

---Throws where no waiting call is allowed, not even one whose result is there already: in a phase that can't be suspended,
---in a function that computes and in a task that was cancelled.
---@param what string the call's name
local function check(what)
  if light.computing then
    errors.misuse("%s: a call that waits isn't possible in a function that computes (%s)", what, light.computing)
  end
  if not nginx.suspends() then
    errors.misuse("%s: a call that waits isn't possible in %s, which nginx can't suspend; use appsync.spawn or on_result", what,
      nginx.phase())
  end
  local routine = by_co[co_running()]
  if routine and routine.cancel_err then error(routine.cancel_err, 0) end
end
light.check = check

---To be called before anything is started that will be waited for: throws where waiting isn't possible.
---@param what string the call's name
function light.may_wait(what)
  check(what)
  if not is_yieldable() then
    errors.misuse("%s: this runs inside a C function (table.sort, string.gsub), where a call that waits can't be suspended",
      what)
  end
end

-- Until it is done. The coroutine may be killed in it, with its request: then the request's home ends the wait.
local function wait_for(w, timeout)
  local home, sema = homes.here(), take_semaphore()
  local give_up = timeout and timeout < math.huge and now() + timeout
  w.host, w.token = HOST, sema
  if home then home:enter(w) else homes.count_waiting(1) end
  hosts.settle()
  repeat
    local left = give_up and math.max(SHORTEST, give_up - now()) or LONGEST
    local ok, why = sema:wait(left < LONGEST and left or LONGEST)
    if not ok and why ~= "timeout" then error("nginx's semaphore: " .. tostring(why), 0) end
    if not w.done and give_up and now() >= give_up then wait.expire(w) end
  until w.done
  if home then home:leave(w) else homes.count_waiting(-1) end
  give_semaphore(sema)
end

---Waits.
---@param w appsync.Wait
---@param timeout number? seconds
---@param what string? for the messages
---@return any a, any b, any c
function light.suspend(w, timeout, what)
  if not w.done then
    w.what = what
    local routine = by_co[co_running()]
    if routine then routine.wait = w end
    wait_for(w, timeout)
    if routine then routine.wait = nil end
  end
  return w.a, w.b, w.c
end

-- The allowance of a turn: so many events, then the clock is looked at.
local EVENTS, SECONDS = 64, 0.0005
local left, over_at = EVENTS, 0

---@return boolean whether whoever works has to give way
local function is_over()
  if left > 0 then return false end
  local at = now()
  if at < over_at then
    left = 8
    return false
  end
  left, over_at = EVENTS, at + SECONDS
  return true
end
light.is_over = is_over

---Counts one event.
---@return boolean over give way
function light.spent()
  left = left - 1
  return left <= 0 and is_over()
end

---Begins a turn.
function light.refill() left, over_at = EVENTS, now() + SECONDS end

---Lets the others run first: what nginx has to do, and other light threads. nginx' own way to it, ngx.sleep(0), is a
---millisecond long and a warning in the log, but in OpenResty's nginx.
function light.give_way()
  local sema = take_semaphore()
  if not hosts.give_way(sema) then ngx.sleep(0.001) else sema:wait(LONGEST) end
  give_semaphore(sema)
end

---@return appsync.Error? cancel_err the task was cancelled, between two steps: others ran first where the turn was over
function light.pause(n_events)
  left = left - n_events
  if left <= 0 and is_over() and light.is_inside() then light.give_way() end
  local routine = by_co[co_running()]
  return routine and routine.cancel_err
end

---For a call that doesn't wait: takes in what has come, and gives way when the turn is over.
---@param what string the call's name
---@param is_needed boolean? a routine is ready whose work the call wants
function light.glance(what, is_needed) -- luacheck: ignore 212
  hosts.take_in()
  if (is_needed or light.spent()) and light.is_inside() then light.give_way() end
end

-- What a failed routine's stack was, for whoever tells of it: it is gone when the error is caught.
local function keep_traceback(raised)
  local routine = by_co[co_running()]
  if routine and type(raised) == "string" then routine.traceback = debug.traceback(raised, 2) end
  return raised
end

---Whose end ends what is made here: the request's, or nobody's. What one of nginx's timers makes lives on.
---@return appsync.Home?
function light.home()
  return not nginx.is_timer() and homes.here() or nil
end

local function leave(routine)
  if routine.home then routine.home:forget(routine) else homes.forget_of_worker(routine) end
end

-- The light thread of a routine.
local function live(routine)
  if routine.is_abandoned then
    leave(routine)
    return
  end
  local co = co_running()
  routine.co, by_co[co] = co, routine
  if routine.is_parked then light.park() end
  local ok, raised = xpcall(routine.fn, keep_traceback, routine.arg)
  routine.is_over, routine.fn, routine.arg = true, nil, nil
  by_co[co] = nil
  leave(routine)
  routine.on_end(routine, ok, raised)
end

-- Behind the call that has made it.
local function live_later(routine)
  local sema = take_semaphore()
  routine.sema = sema
  repeat sema:wait(LONGEST) until routine.may_begin
  routine.sema = nil
  give_semaphore(sema)
  live(routine)
end

-- nginx keeps a thread that has ended until its parent waits for it, or ends.
local REAP_AT = 32

local function reap(list)
  if #list < list.reap_at then return end
  local n_kept = 0
  for i = 1, #list do
    local thread = list[i]
    list[i] = nil
    if co_status(thread) == "zombie" then
      ngx.thread.wait(thread)
    else
      n_kept = n_kept + 1
      list[n_kept] = thread
    end
  end
  list.reap_at = math.max(REAP_AT, 2 * n_kept)
end

-- A coroutine outlives its request where nginx uses it again, and its status must not be asked for in another one.
local function spawn(run, routine)
  local parent, children = co_running(), routine.home.children
  local list = children[parent] or { reap_at = REAP_AT }
  children[parent] = list
  reap(list)
  list[#list + 1] = assert(ngx.thread.spawn(run, routine))
end

-- In the request that is here, else in the worker's.
local function begin(routine, run, home)
  routine.is_begun = true
  if home then
    routine.home = home
    home:add(routine)
    spawn(run, routine)
    routine.may_begin = true
    if run == live_later then routine.sema:post(1) end
  else
    homes.of_worker(routine, live)
  end
end

---Makes a routine that will run `fn(arg)`; not ready yet. One that sleeps until it is unparked is there from now on.
---@param fn function
---@param arg any
---@param routine appsync.scheduler.Routine `on_end` set
function light.prepare(routine, fn, arg)
  if nginx.is_starting() then
    errors.misuse("init_by_lua*: nothing runs beside it; do this in init_worker_by_lua*, or in a request")
  end
  routine.fn, routine.arg, routine.is_over = fn, arg, false
  routine.wait, routine.is_parked = false, routine.is_parked or false
  if routine.is_parked and not routine.is_pulled then
    routine.maker = co_running()
    begin(routine, live, light.home())
  end
  return routine
end

---Runs a prepared routine; not now.
function light.push(routine)
  if not routine.is_begun then begin(routine, live_later, homes.here()) end
end

---Runs a prepared routine now, up to its first wait; where a phase has no light threads, soon.
function light.start_now(routine)
  if not routine.is_begun then begin(routine, live, homes.here()) end
end

-- A routine that sleeps doesn't keep its request: it ends with the coroutine that made it. nginx doesn't tell of that end, after
-- which another request may have that coroutine.
local function has_ended(maker, home)
  local address = core.request_of(maker)
  if address and address ~= home.address then return true end
  local status = co_status(maker)
  return status == "dead" or status == "zombie"
end

local function slice_of(routine)
  local age = now() - routine.parked_at
  return math.min(math.max(age / 10, SHORTEST), 0.1)
end

local function is_orphan(routine)
  local home, maker = routine.home, routine.maker
  return home ~= nil and maker ~= nil and has_ended(maker, home) and not home:has_tasks()
end

---Suspends the running routine until `unpark`. Only for routines of the library itself.
function light.park()
  local routine = by_co[co_running()]
  local sema = routine.sema or take_semaphore()
  routine.sema, routine.is_parked, routine.parked_at = sema, true, now()
  while routine.is_parked do
    sema:wait(routine.maker and slice_of(routine) or LONGEST)
    if routine.is_parked and is_orphan(routine) then routine.on_orphaned(routine) end
  end
end

function light.unpark(routine)
  if not routine.is_parked then return end
  if routine.is_pulled then return routine.on_unpark(routine) end
  routine.is_parked = false
  if routine.sema then routine.sema:post(1) end
end

---@param caller appsync.scheduler.Routine|appsync.Home see `caller`
---@return boolean whether it will never run again
function light.has_ended(caller)
  return caller.is_abandoned or caller.is_over or false
end

---Who makes a call: a routine, else the request. nil: nobody that ends.
---@return appsync.scheduler.Routine|appsync.Home?
function light.caller()
  return light.current() or homes.here()
end

---Nothing is ready that the host would have to run: nginx runs it.
---@return boolean
function light.has_ready() return false end
function light.run_ready() return 0 end
function light.verify() end
function light.clear() end

---A coroutine that may wait: here all may.
---@return thread
function light.wrap(fn) return compat.create(fn) end
light.resume = coroutine.resume
light.pcall = pcall

return light
