---Leaves as the answer's JSON text.
local result = require "appsync.server.graphql.result"

local leaves = {}

---A value that is in the answer's form already.
---@param value any
---@return string? text, string? message why there is none
function leaves.text(value)
  if value == true then return "true" end
  if value == false then return "false" end
  local text = result.leaf(value)
  if text then return text end
  return nil, "the text is not UTF-8"
end

local text = leaves.text

local function enum_text(type_)
  return function(value)
    if type_.values[value] then return text(value), nil, value end
    return nil, ("Invalid input for Enum '%s'. Unknown value '%s'"):format(type_.name, tostring(value))
  end
end

---How values of a scalar or an enum become text: a function that gives the text, or nil and a message, and the value that
---the text is of.
---@param type_ appsync.server.Type
---@return fun(value: any): string?, string?, any
function leaves.text_of(type_)
  if type_.kind == "ENUM" then return enum_text(type_) end
  local serialize = type_.scalar.serialize
  return function(value)
    local done, message = serialize(value)
    if done == nil then return nil, message end
    local written, why = text(done)
    return written, why, done
  end
end

return leaves
