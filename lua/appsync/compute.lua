---Functions of the application that compute: a waiting call in one throws, and so does a yield, also where the scheduler of a
---host adapter would carry it. What the function does to the cache is one transaction, which nobody else may get into.
local compat = require "appsync.compat"
local errors = require "appsync.errors"
local scheduler = require "appsync.scheduler"

-- On no VM can a function that `gsub` calls be suspended.
local function call(fn, ...)
  local arguments, results = compat.pack(...), nil
  string.gsub(" ", " ", function() results = compat.pack(fn(compat.unpack(arguments, 1, arguments.n))) end)
  return compat.unpack(results, 1, results.n)
end

local function conclude(name, outer, ok, ...)
  scheduler.computing = outer
  if ok then return ... end
  local raised = ...
  if type(raised) == "string" and raised:find("attempt to yield", 1, true) then
    errors.misuse("%s: it yielded; a function that computes can't be suspended", name)
  end
  error(raised, 0)
end

---Calls such a function.
---@param name string that messages call it by
---@param fn function
---@return any ...
return function(name, fn, ...)
  local outer = scheduler.computing
  scheduler.computing = name
  return conclude(name, outer, pcall(call, fn, ...))
end
