---What of a document must stay secret: the variables that stand for secrets, whatever they are called themselves, and the
---values that are written in the document itself.
local core = require "appsync.core"
local shorten = require "appsync.server.develop.shorten"

local LITERALS = { StringValue = true, IntValue = true, FloatValue = true, EnumValue = true }
local NAMED = { Argument = true, ObjectField = true }

local function collect(node, is_secret, found, literals)
  if node.kind == "Variable" then
    if is_secret then found[node.name] = true end
    return
  elseif is_secret and LITERALS[node.kind] then
    literals[#literals + 1] = node.value
  end
  if NAMED[node.kind] then
    is_secret = is_secret or shorten.is_secret(node.name)
  elseif node.kind == "VariableDefinition" and type(node.variable) == "string" then
    is_secret = shorten.is_secret(node.variable)
    if is_secret then found[node.variable] = true end
  end
  for _, inner in pairs(node) do
    if type(inner) == "table" then collect(inner, is_secret, found, literals) end
  end
end

---The names of the variables that a document gives to arguments, and to members of objects, whose names speak of secrets, or
---that have such names; and the values that it gives to these itself.
---@param query any
---@return table<string, true> names none of what is no document
---@return string[] literals
return function(query)
  local document = type(query) == "string" and query:find("[$:]") and core.parse(query)
  local found, literals = {}, {}
  if document then collect(document, false, found, literals) end
  return found, literals
end
