---How long a function of the user's may take on the server's one thread: as long as the service lets a resolver take.
local native = require "appsync.server.native"

local time_limit = {}

---The service's limit (AWS General Reference, "AWS AppSync endpoints and quotas": request execution time).
time_limit.default_s = 30

-- "@…/appsync/"
local OURS = debug.getinfo(1, "S").source:gsub("server/[^/]*$", "")

---As the service answers.
time_limit.error = setmetatable({ message = "Execution timed out.", type = "ExecutionTimeout" }, {
  __tostring = function(self) return self.message end,
})

---Begins to count; what it gives is for `finish`, which must follow.
---@param seconds number?
---@return number? before
function time_limit.begin(seconds)
  return native.time_limit_begin(seconds or time_limit.default_s, OURS, time_limit.error)
end

---@param before number?
function time_limit.finish(before)
  native.time_limit_end(before)
end

local function finished(before, ...)
  native.time_limit_end(before)
  return ...
end

---`pcall` that ends in time.
---@param seconds number?
---@param fn function
---@return boolean ok, any ...
function time_limit.pcall(seconds, fn, ...)
  return finished(time_limit.begin(seconds), pcall(fn, ...))
end

local jit = rawget(_G, "jit")

---A chunk of the user's whose functions can be interrupted: those that LuaJIT has compiled can't.
---@param chunk function
---@return function chunk
function time_limit.interruptible(chunk)
  if jit then jit.off(chunk, true) end
  return chunk
end

local function interruptible_too(chunk, ...)
  if type(chunk) == "function" then time_limit.interruptible(chunk) end
  return chunk, ...
end

---For the program that owns its process: on LuaJIT, what the user's functions load is interruptible, too.
function time_limit.guard_process()
  if not jit then return end
  for _, name in ipairs({ "load", "loadstring", "loadfile" }) do
    local original = _G[name]
    _G[name] = function(...) return interruptible_too(original(...)) end
  end
  local loadfile_ = _G.loadfile
  _G.dofile = function(path)
    local chunk, message = loadfile_(path)
    if not chunk then error(message, 2) end
    return chunk()
  end
end

return time_limit
