---One-shot waits: what a call waits for, and who is to go on when it has come.
local errors = require "appsync.errors"
local timer = require "appsync.timer"

local wait = {}

---@class appsync.Wait
---@field done boolean
---@field a any
---@field b any
---@field c any
---@field co_task appsync.scheduler.Routine? who is suspended on it
---@field host appsync.Host? who has suspended the coroutine that waits, where it isn't ours
---@field token any that host's
---@field timer appsync.Timer?
---@field on_drop fun(w: appsync.Wait)? called when the wait ends by time-out or cancel
---@field is_endless boolean? waiting for ever is meant
---@field awaits appsync.scheduler.Routine? whose end ends it
---@field outer appsync.Wait? see `hosts.each_driven`

---Makes a routine whose wait has ended go on.
---@type fun(routine: appsync.scheduler.Routine)
wait.push = nil

---@return appsync.Wait
function wait.new()
  return { done = false, a = nil, b = nil, c = nil, co_task = nil, timer = nil } -- to be filled without memory
end

---Ends a wait with its results. False when it was over already.
---@param w appsync.Wait
---@return boolean
function wait.wake(w, a, b, c)
  if w.done then return false end
  w.done, w.a, w.b, w.c = true, a, b, c
  if w.timer then timer.cancel(w.timer) end
  local routine = w.co_task
  if routine then
    w.co_task, routine.wait = nil, nil
    wait.push(routine)
  elseif w.host then
    w.host.resume(w.token)
  end
  return true
end

---Ends a wait from the side of the waiter: its source is told.
---@param w appsync.Wait
---@param err appsync.Error
function wait.drop(w, err)
  if not wait.wake(w, nil, err) then return false end
  if w.on_drop then w.on_drop(w) end
  return true
end

---@param w appsync.Wait whose time is over
function wait.expire(w)
  wait.drop(w, errors.timed_out(w.what or "the wait"))
end

return wait
