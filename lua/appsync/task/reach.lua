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

-- Function → "C", "own" or "user": asked once, as the walk below is made for each waiting call.
local kinds = setmetatable({}, { __mode = "k" })

local function kind_of(fn)
  local kind = kinds[fn]
  if not kind then
    local about = debug.getinfo(fn, "S")
    kind = about.what == "C" and "C" or errors.is_own(about.source) and "own" or "user"
    kinds[fn] = kind
  end
  return kind
end

---Throws when a C function or an iterator lies between here and the start of the coroutine. Metamethods leave no trace
---on the stack: those show when the scheduler's probe fails.
---@return function? user the function that waits, integer? line
function reach.check()
  local level, user, line = 3, nil, nil
  while true do
    local at = debug.getinfo(level, "fnl")
    if not at then return user, line end
    if at.name == "(for generator)" then errors.misuse("%s", reach.explain("a for iterator")) end
    local kind = at.func and kind_of(at.func) -- a tail call has none
    if kind == "C" then
      errors.misuse("%s", reach.explain(at.name and at.name ~= "?" and at.name or "a C function"))
    elseif kind == "user" and not user then
      user, line = at.func, at.currentline
    end
    level = level + 1
  end
end

---@param user function? of `reach.check`
---@param line integer?
---@return string place
function reach.place(user, line)
  return user and debug.getinfo(user, "S").short_src .. ":" .. line or "?"
end

---@return boolean
reach.is_needed = compat.is_puc51

return reach
