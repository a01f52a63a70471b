---What a script computes where a literal could stand: it is kept for messages and never run.
local tokens = require "appsync.config.tokens"

local code = {}

---@class appsync.config.Code
---@field shown string? a name with its members, such as process.env.KEY; nil for anything else: it may be a secret
---@field source string
---@field at integer
local Code = {}

---@param source string
---@param at integer where it begins
---@param stop integer behind it
---@return appsync.config.Code
function code.new(source, at, stop)
  -- Only what is plainly code is shown: a key whose quotes were forgotten stays out of messages.
  local shown = source:sub(at, math.min(stop - 1, at + 99)):match("^[%a_$][%w_$]*%.[%w_$.]+")
  return setmetatable({ shown = shown and shown:sub(1, 60), source = source, at = at }, Code)
end

---@return boolean
function code.is(value)
  return getmetatable(value) == Code
end

---@return boolean whether it is an object or a list
function code.is_table(value)
  return type(value) == "table" and getmetatable(value) ~= Code
end

---@param value appsync.config.Code
---@return string
function code.describe(value)
  local line = tokens.line_of(value.source, value.at)
  return ("%s in line %d, which isn't a literal; code is never run"):format(value.shown or "an expression", line)
end

return code
