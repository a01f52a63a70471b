---PUC 5.1 can't suspend a coroutine inside pcall, xpcall, a metamethod, a `for` iterator, table.sort or gsub.
---Here a waiting call is refused with a clear message before anything was sent.
local compat = require "appsync.compat"
local errors = require "appsync.errors"

local reach = {}

local ADVICE = "a call that waits can't be suspended there on PUC Lua 5.1; use appsync.pcall, "
  .. "s:next() in a while loop, or wait outside of it"

---What the VM says when it can't suspend.
reach.VM_MESSAGE = "attempt to yield across metamethod/C-call boundary"

---@return string message
function reach.explain(inside)
  return "this runs inside " .. inside .. ": " .. ADVICE
end

---Throws when a C function or an iterator lies between here and the start of the coroutine. Metamethods leave no trace
---on the stack: those show when the scheduler's probe fails.
function reach.check()
  local level = 3
  while true do
    local at = debug.getinfo(level, "Sn")
    if not at then return end
    if at.name == "(for generator)" then errors.misuse("%s", reach.explain("a for iterator")) end
    if at.what == "C" then
      errors.misuse("%s", reach.explain(at.name and at.name ~= "?" and at.name or "a C function"))
    end
    level = level + 1
  end
end

---@return boolean
reach.is_needed = compat.is_puc51

return reach
