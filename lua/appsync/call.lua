---The callback form of waiting calls.
local task = require "appsync.task"

local call = {}

---Runs `fn(...)`; with `on_result` as a task that is returned at once.
---@param options table checked options
---@param fn function
---@return any ...
function call.run(options, fn, ...)
  if options.on_result then return task.with_result(options.on_result, fn, ...) end
  return fn(...)
end

return call
