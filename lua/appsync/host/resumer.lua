---Who has resumed a coroutine: a scheduler's own coroutines are those that it resumes itself. Lua doesn't tell, but it
---shows the stacks: a coroutine that has resumed another stands in a C function that holds it.
local compat = require "appsync.compat"
local core = require "appsync.core"

local resumer = {}

-- The main thread; nil where the library was loaded in a coroutine of Lua 5.1.
local main = core.main

-- The coroutine that one which isn't running has resumed: `coroutine.resume` has it as its first argument.
local function resumed_by(co)
  local at = debug.getinfo(co, 0, "Sf")
  if not at or at.what ~= "C" then return nil end
  local _, held = debug.getlocal(co, 0, 1)
  return type(held) == "thread" and held or core.wrapped_by(at.func)
end

-- Who has resumed a coroutine that runs, or in which what runs was resumed; nil: unknown, as with schedulers written in C.
local function resumer_of(co)
  local running, at = coroutine.running(), main
  while at and at ~= running do
    local held = resumed_by(at)
    if held == co then return at end
    at = held
  end
end

-- Whether a coroutine has called a function that hasn't returned yet.
local function is_inside(co, fn)
  local level = 0
  while true do
    local at = debug.getinfo(co, level, "f")
    if not at then return false end
    if at.func == fn then return true end
    level = level + 1
  end
end

---The running coroutine, where a loop's callbacks have resumed it, or the main thread has; not in one that another coroutine
---resumes, as a generator's consumer does.
---@param run function of the loop; a coroutine that has called it stands where the main thread usually does
---@return thread?
function resumer.from_callback(run)
  local co = compat.resumed()
  local by = co and resumer_of(co)
  if by and by ~= main and not is_inside(by, run) then return nil end
  return co
end

---The running coroutine, where a scheduler that is written in Lua has resumed it itself.
---@param step function of that scheduler's file
---@param is_running boolean whether its loop runs, which decides where the resumer is unknown
---@return thread?
function resumer.from_scheduler(step, is_running)
  local co = compat.resumed()
  local by = co and resumer_of(co)
  if not by then return is_running and co or nil end
  local at = debug.getinfo(by, 1, "S")
  return at and at.source == debug.getinfo(step, "S").source and co or nil
end

return resumer
