---Who has resumed a coroutine: a scheduler's own coroutines are those that it resumes itself. Lua doesn't tell, but it
---shows the stacks: a coroutine that has resumed another stands in a C function that holds it.
local core = require "appsync.core"

local resumer = {}

---The main thread; nil where the library was loaded in a coroutine of Lua 5.1.
---@type thread?
resumer.main = core.main

-- The coroutine that one which isn't running has resumed: `coroutine.resume` has it as its first argument.
local function resumed_by(co)
  local at = debug.getinfo(co, 0, "Sf")
  if not at or at.what ~= "C" then return nil end
  local _, held = debug.getlocal(co, 0, 1)
  return type(held) == "thread" and held or core.wrapped_by(at.func)
end

---@param co thread that runs, or in which what runs was resumed
---@return thread? who has resumed it; nil: unknown, as with schedulers that are written in C
function resumer.of(co)
  local running, at = coroutine.running(), resumer.main
  while at and at ~= running do
    local held = resumed_by(at)
    if held == co then return at end
    at = held
  end
end

return resumer
