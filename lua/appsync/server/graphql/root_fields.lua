local core = require "appsync.core"

-- Nobody reads all fields of a monster.
local MAX_FIELDS = 100

local function collect(nodes, fragments, seen, fields)
  for _, node in ipairs(nodes) do
    local fragment = node.kind == "FragmentSpread" and fragments[node.name]
    if #fields >= MAX_FIELDS then
      return
    elseif node.kind == "Field" then
      if not seen[node.name] then seen[node.name], fields[#fields + 1] = true, node.name end
    elseif node.kind == "InlineFragment" then
      collect(node.selectionSet, fragments, seen, fields)
    elseif fragment and not seen[fragment] then
      seen[fragment] = true
      collect(fragment.selectionSet, fragments, seen, fields)
    end
  end
end

---The names of an operation's root fields, through fragments, each once; a hundred at most.
---@param operation appsync.ast.OperationDefinition
---@param fragments table<string, appsync.ast.FragmentDefinition>
---@return string[]
local function root_fields(operation, fragments)
  local fields = setmetatable({}, core.array_mt)
  collect(operation.selectionSet, fragments, {}, fields)
  return fields
end

return root_fields
