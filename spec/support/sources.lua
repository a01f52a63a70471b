-- Observables that give what they are told to.
local appsync = require "appsync"

local sources = {}

--- Gives the values and completes.
function sources.of(...)
  local values, n = { ... }, select("#", ...)
  return appsync.observable(function(observer)
    for i = 1, n do observer:next(values[i]) end
    observer:complete()
  end)
end

--- Gives the values and fails.
function sources.failing(message, ...)
  local values = { ... }
  return appsync.observable(function(observer)
    for _, value in ipairs(values) do observer:next(value) end
    observer:error(message)
  end)
end

return sources
