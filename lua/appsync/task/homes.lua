---Where light threads live: a request of nginx, or the worker. What belongs to a request ends with it, however that ends:
---its waits, its subscriptions, its tasks.
local errors = require "appsync.errors"
local nginx = require "appsync.nginx"
local wait = require "appsync.task.wait"
local ffi = require "ffi"
local base = require "resty.core.base"
local semaphore = require "ngx.semaphore"
local ngx = ngx -- luacheck: ignore 113

local homes = {}

local get_request, cast, uintptr = base.get_request, ffi.cast, ffi.typeof "uintptr_t"

local by_address = {} ---@type table<integer, appsync.Home>

---@class appsync.Home
---@field address integer of nginx's request
---@field watch userdata tells whether the request has ended
---@field waits table<appsync.Wait, true>
---@field routines table<appsync.scheduler.Routine, true>
---@field contexts table<appsync.observable.Context, true>?
---@field n_tasks integer routines that don't sleep
---@field children table<thread, thread[]> the light threads that each of its coroutines has begun
---@field is_worker boolean? it is one of nginx's timers, whose end says nothing of what was made in it
local Home = {}
Home.__index = Home

function Home:enter(w) self.waits[w] = true end
function Home:leave(w) self.waits[w] = nil end

---@param routine appsync.scheduler.Routine
function Home:add(routine)
  self.routines[routine] = true
  if not routine.is_parked then self.n_tasks = self.n_tasks + 1 end
end

---@param routine appsync.scheduler.Routine
function Home:forget(routine)
  if not self.routines[routine] then return end
  self.routines[routine] = nil
  if not routine.maker then self.n_tasks = self.n_tasks - 1 end
end

---@return boolean whether anything but sleepers keeps the request
function Home:has_tasks() return self.n_tasks > 0 end

---The subscription ends with the request.
---@param context appsync.observable.Context
function Home:keep(context)
  self.contexts = self.contexts or {}
  self.contexts[context] = true
end

---@param context appsync.observable.Context
function Home:release(context)
  if self.contexts then self.contexts[context] = nil end
end

-- Its coroutines are gone, or go now: nobody hears of what is told to them.
function Home:on_request_ended()
  self.is_over = true
  if by_address[self.address] == self then by_address[self.address] = nil end
  local err = errors.new("cancelled", "the request has ended")
  for context in pairs(self.contexts or {}) do context:unsubscribe() end
  for routine in pairs(self.routines) do
    routine.is_abandoned = true
    if routine.task then routine.task:cancel() end
  end
  for w in pairs(self.waits) do wait.drop(w, err) end
end

---Has `on_request_ended` called when the request has ended, in whatever way; tells whether it has. May throw.
---@type fun(address: integer, home: appsync.Home): appsync.core.Request
homes.watch_request = nil

local function make(address)
  local self = setmetatable({ address = address, waits = {}, routines = {}, n_tasks = 0, children = {} }, Home)
  self.watch = homes.watch_request(address, self)
  by_address[address] = self
  return self
end

-- Of the request that is here, one of nginx's timers included.
local function of_request()
  local request = nginx.suspends() and get_request()
  if not request then return nil end
  local address = tonumber(cast(uintptr, request))
  local home = by_address[address]
  if home and not home.watch:has_ended() then return home end
  return make(address)
end

---The home of what is made here; nil: it is the worker's.
---@return appsync.Home?
function homes.here()
  local home = of_request()
  return home and not home.is_worker and home or nil
end

---What runs here runs for the worker.
function homes.here_is_worker()
  of_request().is_worker = true
end

-- The worker's routines: light threads of timers, each of which takes so many. nginx never forgets one that has ended while
-- the timer lives, and a timer lives as long as one of its threads.
local PER_TIMER = 200
local IDLE = 1 -- seconds
local queue, head, tail = {}, 1, 0
local n_running = 0 -- of them, those that don't sleep for ever
local n_waiting = 0 -- calls in the worker's timers that aren't answered
local signal ---@type table? of the timer that takes them

---@return boolean whether a request that uses the library is under way, or something that was begun in one
function homes.are_busy()
  if n_running + n_waiting > 0 or head <= tail then return true end
  for _, home in pairs(by_address) do
    if not home.is_worker and not home.watch:has_ended() then return true end
  end
  return false
end

local function take()
  if head > tail then return nil end
  local item = queue[head]
  queue[head] = nil
  head = head + 1
  if head > tail then head, tail = 1, 0 end
  return item
end

local function serve(is_premature)
  local n = 0
  local own = signal
  if not is_premature then homes.here_is_worker() end
  while n < PER_TIMER do
    local item = take()
    if item then
      n = n + 1
      n_running = n_running + (item.routine.maker and 0 or 1)
      ngx.thread.spawn(item.run, item.routine)
    elseif is_premature or ngx.worker.exiting() then
      break
    elseif not own:wait(IDLE) and head > tail then
      break
    end
  end
  if signal == own then signal = nil end
  if head <= tail then homes.serve_worker() end
end

---Begins a timer that takes the worker's routines, where there is none.
function homes.serve_worker()
  if signal then
    signal:post(1)
    return
  end
  signal = assert(semaphore.new())
  local ok, why = ngx.timer.at(0, serve)
  if ok then return end
  signal = nil
  errors.misuse("nginx has no timer left for what is to run in this worker: %s", tostring(why))
end

---One that ran for the worker has ended.
---@param routine appsync.scheduler.Routine
function homes.forget_of_worker(routine)
  n_running = n_running - (routine.maker and 0 or 1)
end

---A call in one of the worker's timers waits, or has ended.
---@param n integer 1 or -1
function homes.count_waiting(n) n_waiting = n_waiting + n end

---The worker exits: what waits for more of its routines ends.
function homes.wake_worker()
  if signal then signal:post(1) end
end

---@param routine appsync.scheduler.Routine
---@param run fun(routine: appsync.scheduler.Routine)
function homes.of_worker(routine, run)
  tail = tail + 1
  queue[tail] = { routine = routine, run = run }
  homes.serve_worker()
end

return homes
