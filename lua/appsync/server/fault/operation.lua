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

-- Clients send few documents, each often.
local MAX_KNOWN, MAX_KNOWN_BYTES = 200, 10000
local known, n_known = {}, 0

---@param query any
---@param name any the operation's, where several are sent
---@return {kind: string?, operation: string?, fields: string[]?}
function operation.describe(query, name)
  name = type(name) == "string" and name ~= "" and name or nil
  local before = not name and known[query]
  if before then
    return { kind = before.kind, operation = before.operation, fields = before.fields }
  end
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
  local kind, fields = node.operation, out.fields
  if not name and #query <= MAX_KNOWN_BYTES then
    if n_known >= MAX_KNOWN then
      known, n_known = {}, 0
    end
    known[query], n_known = { kind = kind, operation = node.name, fields = fields }, n_known + 1
  end
  return { kind = kind, operation = node.name or name, fields = fields }
end

return operation
