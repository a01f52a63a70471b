---What a task yields that isn't this library's: a call of another scheduler waits in it. The scheduler whose adapter is in
---use may take it over, and answers; else the task fails.
local compat = require "appsync.compat"
local errors = require "appsync.errors"
local hosts = require "appsync.hosts"
local printable = require "appsync.printable"

local foreign = {}

-- Whether the wait can't end before a routine for which `holds(routine, arg)`.
local function hangs_on(w, holds, arg)
  while w and w.awaits and not w.timer do
    if holds(w.awaits, arg) then return true end
    w = w.awaits.wait
  end
  return false
end

local function is_same(routine, other) return routine == other end

local function is_carried(routine) return routine.is_carried == true end

-- Whether a call waits for the routine and blocks the loop by which that could go on.
local function is_blocked(routine)
  for w in hosts.each_driven() do
    if hangs_on(w, is_same, routine) then return true end
  end
  return false
end

---Has another scheduler answer what the routine has yielded.
---@param routine appsync.scheduler.Routine
---@param push fun(routine: appsync.scheduler.Routine) called with the answer in `routine.answer`
---@param ... any what it has yielded
---@return boolean taken
function foreign.carry(routine, push, ...)
  if is_blocked(routine) then return false end
  routine.is_carried = true
  local taken = hosts.carry(function(...)
    if not routine.is_carried then return end
    routine.is_carried, routine.answer = nil, compat.pack(...)
    push(routine)
  end, ...)
  if not taken then routine.is_carried = nil end
  return taken
end

local REFUSAL = "a yield that isn't this library's suspended a task or callback, and nothing would resume it; use "
  .. "appsync.sleep(0) to give way, and call what yields to another scheduler from that scheduler's own coroutines, with its "
  .. "adapter: require(\"appsync.host\").use"

---Why the routine fails: what it yields to another scheduler doesn't reach it, and to go on as if it had been resumed would
---be a lie.
---@param routine appsync.scheduler.Routine suspended
---@param tag any what it yielded first
---@return string message
function foreign.refusal(routine, tag)
  local loop, place = hosts.loop_of(tag), errors.place(routine.co)
  local text = loop and REFUSAL .. " " .. loop or REFUSAL
  return printable.line(place ~= "" and place .. ": " .. text or text)
end

---Throws for a call that would block the loop by which alone it could end.
---@param w appsync.Wait
function foreign.refuse_blocking(w)
  if not hangs_on(w, is_carried) or hosts.suspends() then return end
  errors.misuse("%s would wait for ever: its task waits in the loop of %s, which this call blocks; wait in a task, or in a "
    .. "coroutine of that loop", w.what or "this call", hosts.loop_of() or "another scheduler")
end

return foreign
