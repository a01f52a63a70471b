--- What rules and the log ask of a GraphQL operation: its kind, name and root fields.
local core = require("appsync.core")

local operation = {}

-- A larger document is described by nothing: reading it is the engine's business. Nor are all fields of a monster named.
local MAX_BYTES = 1048576
local MAX_FIELDS = 100

-- The root fields through fragments, each fragment once.
local function collect(nodes, fragments, out)
  for _, node in ipairs(nodes) do
    if #out.fields >= MAX_FIELDS then
      return
    elseif node.kind == "Field" then
      if not out.seen[node.name] then
        out.seen[node.name] = true
        table.insert(out.fields, node.name)
      end
    elseif node.kind == "InlineFragment" then
      collect(node.selectionSet, fragments, out)
    elseif fragments[node.name] then
      local fragment = fragments[node.name]
      fragments[node.name] = nil
      collect(fragment.selectionSet, fragments, out)
    end
  end
end

local function choose(document, name)
  local first, n
  for _, node in ipairs(document.definitions) do
    if node.kind == "OperationDefinition" then
      if name and node.name == name then
        return node
      end
      first, n = first or node, (n or 0) + 1
    end
  end
  return n == 1 and first or nil
end

---@param query any
---@param name any the operation's, where several are sent
---@return {kind: string?, operation: string?, fields: string[]?}
function operation.describe(query, name)
  name = type(name) == "string" and name ~= "" and name or nil
  local document = type(query) == "string" and #query <= MAX_BYTES and core.parse(query)
  local node = document and choose(document, name)
  if not node then
    return { operation = name }
  end
  local fragments = {}
  for _, definition in ipairs(document.definitions) do
    if definition.kind == "FragmentDefinition" then
      fragments[definition.name] = definition
    end
  end
  local out = { fields = setmetatable({}, core.array_mt), seen = {} }
  collect(node.selectionSet, fragments, out)
  return { kind = node.operation, operation = node.name or name, fields = out.fields }
end

return operation
