---Functions of the application that compute: a waiting call in one throws.
local scheduler = require "appsync.scheduler"

local function conclude(outer, ok, ...)
  scheduler.computing = outer
  if not ok then error((...), 0) end
  return ...
end

---Calls such a function.
---@param name string that messages call it by
---@param fn function
---@return any ...
return function(name, fn, ...)
  local outer = scheduler.computing
  scheduler.computing = name
  return conclude(outer, pcall(fn, ...))
end
