---PUC 5.1 can't suspend a coroutine inside pcall, xpcall, a metamethod, a `for` iterator, table.sort or gsub.
---Here a waiting call is refused with a clear message before anything was sent.
local compat = require "appsync.compat"
local core = require "appsync.core"
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

-- Whether the function is a metamethod of the value, or of a table that its `__index` leads to.
local function is_metamethod_of(value, fn)
  for _ = 1, 20 do
    local mt = debug.getmetatable(value)
    if type(mt) ~= "table" then return false end
    for event, method in pairs(mt) do
      if method == fn and event ~= "__call" then return true end
    end
    value = rawget(mt, "__index") or rawget(mt, "__newindex")
    if type(value) ~= "table" then return false end
  end
  return false
end

-- Whether the VM has called the function at this level by itself: then one of its caller's values has it for a metamethod.
local function is_called_by_vm(fn, level)
  local caller, index = debug.getinfo(level + 2, "S"), 1
  if not caller or caller.what == "C" or caller.what == "tail" then return false end
  while true do
    local name, value = debug.getlocal(level + 2, index)
    if not name then return false end
    if is_metamethod_of(value, fn) then return true end
    index = index + 1
  end
end

-- What the VM can't suspend between a level of the caller and the start of the coroutine; the function that waits.
---@return string? inside, function? user, integer? line
local function obstacle(level, sees_metamethods)
  local user, line
  level = level + 1
  while true do
    local at = debug.getinfo(level, "fnl")
    if not at then return nil, user, line end
    if at.name == "(for generator)" then return "a for iterator", user, line end
    local kind = at.func and kind_of(at.func) -- a tail call has none
    if kind == "C" then return at.name and at.name ~= "?" and at.name or "a C function", user, line end
    if kind == "user" and not user then user, line = at.func, at.currentline end
    if sees_metamethods and kind and not at.name and is_called_by_vm(at.func, level) then
      return "a metamethod", user, line
    end
    level = level + 1
  end
end

---Throws when a C function or an iterator lies between here and the start of the coroutine. Metamethods leave no name
---on the stack: those show when the scheduler's probe fails.
---@return function? user the function that waits, integer? line
function reach.check()
  local inside, user, line = obstacle(3)
  if inside then errors.misuse("%s", reach.explain(inside)) end
  return user, line
end

-- coxpcall's coroutine stands inside of the one that would be suspended.
local function obstacle_outside()
  local outer, level = compat.resumed(), 1
  if outer == compat.running() then return nil end
  while true do
    local at = debug.getinfo(outer, level, "fn")
    if not at then return nil end
    if at.func and kind_of(at.func) == "C" then return at.name or "a C function" end
    level = level + 1
  end
end

---The same for a coroutine of another scheduler: it can't be probed, so metamethods are looked for.
function reach.check_others()
  local inside = obstacle(3, true) or obstacle_outside()
  if inside then errors.misuse("%s", reach.explain(inside)) end
end

---Whether the running coroutine can't be suspended here.
---@return boolean
function reach.is_cut()
  if core.is_plain_stack() then return obstacle_outside() ~= nil end
  return (obstacle(3, true) or obstacle_outside()) ~= nil
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
