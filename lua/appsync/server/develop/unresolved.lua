---Root fields that nothing answers: they are null, or nothing is ever published for them.
local directives = require "appsync.schema.directives"

local MAX_NAMED = 3

local function without_resolver(schema, root, resolvers)
  local names = {}
  for name, field in pairs(root and root.fields or {}) do
    local has_one = name:sub(1, 2) == "__"
    for _, by_type in ipairs(resolvers) do has_one = has_one or (by_type[root.name] or {})[name] ~= nil end
    local is_fed = root == schema.subscription and field.directives and directives.find(field.directives, "aws_subscribe")
    if not has_one and not is_fed then names[#names + 1] = name end
  end
  table.sort(names)
  return names
end

local function listed(names)
  local text = table.concat(names, ", ", 1, math.min(#names, MAX_NAMED))
  return #names > MAX_NAMED and ("%s and %d more"):format(text, #names - MAX_NAMED) or text
end

local WHY = {
  query = { "%d %s field has no resolver and is null: %s", "%d %s fields have no resolver and are null: %s" },
  subscription = { "%d %s field has no @aws_subscribe, so nothing is published for it: %s",
    "%d %s fields have no @aws_subscribe, so nothing is published for them: %s" },
}
WHY.mutation = WHY.query

---A line for each root type that has such fields.
---@param schema appsync.server.Schema
---@param resolvers table[] each by type and field
---@return string[] notes
local function unresolved(schema, resolvers)
  local notes = {}
  for _, kind in ipairs({ "query", "mutation", "subscription" }) do
    local root = schema[kind]
    local names = without_resolver(schema, root, resolvers)
    if #names > 0 then notes[#notes + 1] = WHY[kind][#names == 1 and 1 or 2]:format(#names, root.name, listed(names)) end
  end
  return notes
end

return unresolved
