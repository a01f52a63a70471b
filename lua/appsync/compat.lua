---What differs between PUC Lua 5.1, 5.3, 5.4 and LuaJIT, in one place.
local compat = {}

compat.is_jit = rawget(_G, "jit") ~= nil
---PUC 5.1 can't suspend a coroutine across pcall, metamethods and `for` iterators; LuaJIT can.
compat.is_puc51 = _VERSION == "Lua 5.1" and not compat.is_jit
---Whether `for` closes its fourth value.
compat.has_close = _VERSION == "Lua 5.4"

compat.unpack = table.unpack or unpack -- luacheck: ignore 113

---@return table packed with `n`
function compat.pack(...)
  return { n = select("#", ...), ... }
end

local has_clone, clone = pcall(require, "table.clone")

---A table's copy, without its metatable; nil where the VM has no function of its own for it: OpenResty's LuaJIT does.
---@type (fun(t: table): table)?
compat.clone = compat.is_jit and has_clone and clone or nil

local running = coroutine.running

---@return thread? the running coroutine; nil in the main one
function compat.running()
  local co, is_main = running()
  if is_main then return nil end
  return co
end

---The coroutine that a scheduler has resumed: those of coxpcall, the `pcall` of PUC 5.1 that may be suspended, run
---inside it and hand on what it yields.
---@return thread? the outermost coroutine; nil in the main one
function compat.resumed()
  local co = compat.running()
  local coxpcall = co and compat.is_puc51 and package.loaded.coxpcall
  if type(coxpcall) ~= "table" or not coxpcall.running then return co end
  return coxpcall.running() or co
end

---Whether the running coroutine could be suspended here. PUC 5.1 can't tell: see `task.reach`.
compat.is_yieldable = coroutine.isyieldable or function() return running() ~= nil end

---A coroutine of whatever can be called. The VM's own function takes no callable table, and on PUC 5.1 no C function.
---@param fn any
---@return thread
function compat.create(fn)
  if type(fn) ~= "function" or (compat.is_puc51 and debug.getinfo(fn, "S").what == "C") then
    local callee = fn
    fn = function(...) return callee(...) end
  end
  return coroutine.create(fn)
end

---Ends a coroutine that is suspended or has failed, and closes its variables; nil before Lua 5.4.
---@type (fun(co: thread): boolean, any)?
compat.close = coroutine.close

local new_proxy = rawget(_G, "newproxy")

---An object whose collection calls `fn()` once. `fn` must not refer to what owns the sentinel.
---@param fn function
---@return any sentinel
function compat.on_collect(fn)
  if new_proxy and _VERSION == "Lua 5.1" then
    local sentinel = new_proxy(true)
    getmetatable(sentinel).__gc = fn
    return sentinel
  end
  return setmetatable({}, { __gc = fn })
end

return compat
