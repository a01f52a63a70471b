---What is wrong with a source of models or with a value: raised where it is found, caught where a call began.
local directives = require "appsync.schema.directives"
local errors = require "appsync.errors"

local fault = {}

---@class appsync.models.Fault
---@field message string
---@field field string? path of the field that it is about

local Fault = {}

---Raises a fault; `fault.try` catches it.
---@param format string
function fault.raise(format, ...)
  error(setmetatable({ message = select("#", ...) > 0 and format:format(...) or format }, Fault), 0)
end

---The same about a field.
---@param field string its path
---@param format string of the message behind the path
function fault.of(field, format, ...)
  local message = select("#", ...) > 0 and format:format(...) or format
  error(setmetatable({ message = field .. ": " .. message, field = field }, Fault), 0)
end

---The same at a place of SDL.
---@param loc appsync.ast.Loc?
---@param format string
function fault.at(loc, format, ...)
  local _, err = directives.fail(loc, format, ...)
  fault.raise("%s", err.message)
end

---Calls a function. What isn't a fault goes on being raised.
---@param fn function
---@return any value, appsync.models.Fault? fault
function fault.try(fn, ...)
  local is_good, value = pcall(fn, ...)
  if is_good then return value end
  if getmetatable(value) ~= Fault then error(value, 0) end
  return nil, value
end

---Calls a function and throws its fault at the user's line.
---@param where string the function's name
---@param fn function
---@return any value
function fault.throwing(where, fn, ...)
  local value, found = fault.try(fn, ...)
  if found then errors.misuse("%s: %s", where, found.message) end
  return value
end

return fault
