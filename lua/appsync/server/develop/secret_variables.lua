--- Which variables of a document stand for what must stay secret, whatever they are called themselves.
local core = require("appsync.core")
local shorten = require("appsync.server.develop.shorten")

local function collect(node, is_secret, found)
  if node.kind == "Variable" then
    if is_secret then found[node.name] = true end
    return
  end
  if node.kind == "Argument" or node.kind == "ObjectField" then is_secret = is_secret or shorten.is_secret(node.name) end
  for _, inner in pairs(node) do
    if type(inner) == "table" then collect(inner, is_secret, found) end
  end
end

--- The names of the variables that a document gives to arguments, and to members of objects, whose names speak of secrets.
---@param query any
---@return table<string, true> names none of what is no document
return function(query)
  local document = type(query) == "string" and query:find("$", 1, true) and core.parse(query)
  local found = {}
  if document then collect(document, false, found) end
  return found
end
