---Work that waits for something that the listener will tell, while the server does other things: a coroutine. Nothing here
---knows what is waited for.
local waiting = {}

-- What runs now, and what it has asked to be told of its own waits.
---@type {co: thread, scopes: {pause: fun(), go_on: fun()}[]}?
local current

local native_pcall = pcall

-- PUC 5.1 can't wait inside of its pcall.
local function can_wait_inside_pcall()
  local co = coroutine.create(function() pcall(coroutine.yield) end)
  coroutine.resume(co)
  return coroutine.status(co) == "suspended"
end

local function relay(co, ok, ...)
  if not ok then return false, ... end
  if coroutine.status(co) ~= "suspended" then return true, ... end
  return relay(co, coroutine.resume(co, coroutine.yield(...)))
end

local function waiting_pcall(fn, ...)
  if not current then return native_pcall(fn, ...) end
  local is_made, co = native_pcall(coroutine.create, fn)
  if not is_made then return native_pcall(fn, ...) end -- a function of C, which can't wait
  return relay(co, coroutine.resume(co, ...))
end

---`pcall` for what may wait.
---@type fun(fn: function, ...: any): boolean, ...
waiting.pcall = can_wait_inside_pcall() and native_pcall or waiting_pcall

local function go_on(work, ...)
  local before = current
  current = work
  local ok, thrown = coroutine.resume(work.co, ...)
  current = before
  if not ok then error(thrown, 0) end
end

local MAX_IDLE = 16

local idle = {} ---@type table[] works whose coroutines have ended what they ran, and take more

local function take(fn, ...) fn(...) end

-- A coroutine costs more to make than many requests do, so it runs one thing after the other. Idle, it holds nothing of them.
local function serve(work)
  local is_kept
  repeat
    take(coroutine.yield())
    is_kept = #idle < MAX_IDLE
    if is_kept then idle[#idle + 1] = work end
  until not is_kept
end

---Runs `fn` until it ends or waits. What it throws is thrown to whoever has made it go on.
---@param fn function
function waiting.run(fn, ...)
  local work = table.remove(idle)
  if not work then
    work = { co = coroutine.create(serve), scopes = {} }
    coroutine.resume(work.co, work)
  end
  go_on(work, fn, ...)
end

---Returns whether what runs now may wait.
---@return boolean
function waiting.is_possible()
  return current ~= nil
end

---Waits until `done` is called, which `begin` is given; gives what it is called with. Only its first call counts.
---@param begin fun(done: fun(value: any))
---@return any
function waiting.wait(begin)
  local work = assert(current, "nothing can be waited for here")
  local value, is_done, is_waiting
  begin(function(given)
    if is_done then return end
    is_done, value = true, given
    if is_waiting then go_on(work) end
  end)
  if is_done then return value end
  is_waiting = true
  for i = #work.scopes, 1, -1 do work.scopes[i].pause() end
  coroutine.yield()
  for i = 1, #work.scopes do work.scopes[i].go_on() end
  return value
end

local function leave(scopes, ok, ...)
  scopes[#scopes] = nil
  if not ok then error((...), 0) end
  return ...
end

---Runs `fn`, and tells when it waits and when it goes on: for what holds only while it runs.
---@param pause fun()
---@param go_on_ fun()
---@param fn function
---@return any ... what `fn` gives
function waiting.within(pause, go_on_, fn)
  if not current then return fn() end
  local scopes = current.scopes
  scopes[#scopes + 1] = { pause = pause, go_on = go_on_ }
  return leave(scopes, waiting.pcall(fn))
end

return waiting
