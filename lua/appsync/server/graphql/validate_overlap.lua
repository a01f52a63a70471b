--- Fields with one response key must be the same field (rule OverlappingFieldsCanBeMerged, section 5.3.2).
local schema = require("appsync.server.graphql.schema")
local validate_values = require("appsync.server.graphql.validate_values")

local validate_overlap = {}

local function collect(v, parent, selections, out, visited)
  for _, node in ipairs(selections) do
    if node.kind == "Field" then
      local key = node.alias or node.name
      local list = out.by_key[key]
      if not list then
        list = {}
        out.by_key[key], out.keys[#out.keys + 1] = list, key
      end
      list[#list + 1] = { node = node, parent = parent, field = v:field_of(parent, node.name) }
    elseif node.kind == "InlineFragment" then
      local target = node.typeCondition and v.schema.types[node.typeCondition] or parent
      collect(v, target, node.selectionSet, out, visited)
    elseif v.fragments[node.name] and not visited[node.name] then
      visited[node.name] = true
      local fragment = v.fragments[node.name]
      collect(v, v.schema.types[fragment.typeCondition], fragment.selectionSet, out, visited)
    end
  end
  return out
end

local function same_arguments(a, b)
  if #a.arguments ~= #b.arguments then return false end
  local texts = {}
  for _, argument in ipairs(a.arguments) do texts[argument.name] = validate_values.text(argument.value) end
  for _, argument in ipairs(b.arguments) do
    if texts[argument.name] ~= validate_values.text(argument.value) then return false end
  end
  return true
end

-- SameResponseShape for the wrappers and leaves; sub-selections are compared by the caller.
local function same_shape(a, b)
  if a.kind == "NON_NULL" or b.kind == "NON_NULL" or a.kind == "LIST" or b.kind == "LIST" then
    return a.kind == b.kind and same_shape(a.of, b.of)
  end
  if schema.is_composite(a) and schema.is_composite(b) then return true end
  return a == b
end

local function are_exclusive(a, b)
  return a.parent ~= b.parent and a.parent ~= nil and b.parent ~= nil and a.parent.kind == "OBJECT"
    and b.parent.kind == "OBJECT"
end

local check_group

--- Why two fields cannot be merged, or nil.
local function conflict(key, a, b, is_exclusive)
  if not is_exclusive then
    if a.node.name ~= b.node.name then
      return ("%s: %s and %s are different fields"):format(key, a.node.name, b.node.name)
    elseif not same_arguments(a.node, b.node) then
      return ("%s: they have differing arguments"):format(key)
    end
  end
  if a.field and b.field and not same_shape(a.field.type, b.field.type) then
    return ("%s: they return differing types %s and %s"):format(key, schema.type_text(a.field.type),
      schema.type_text(b.field.type))
  end
  return nil
end

local function check_pair(v, key, a, b, is_exclusive)
  is_exclusive = is_exclusive or are_exclusive(a, b)
  local message = conflict(key, a, b, is_exclusive)
  if message then
    v:add("FieldsConflict", message, a.node.loc, b.node.loc)
    return
  end
  if a.node.selectionSet and b.node.selectionSet and a.node ~= b.node then
    local out = { by_key = {}, keys = {} }
    collect(v, a.field and schema.named(a.field.type), a.node.selectionSet, out, {})
    collect(v, b.field and schema.named(b.field.type), b.node.selectionSet, out, {})
    check_group(v, out, is_exclusive)
  end
end

-- Up to 16 fields of one key are compared each with each, more of them each with its neighbour, and the whole rule stops
-- at a number of comparisons: a hostile document must not cost quadratic time.
local MAX_COMPARED = 20000

function check_group(v, group, is_exclusive)
  for _, key in ipairs(group.keys) do
    local list = group.by_key[key]
    for i = 2, #list do
      for j = (#list <= 16) and 1 or math.max(1, i - 1), i - 1 do
        if v.n_compared > MAX_COMPARED then return end
        v.n_compared = v.n_compared + 1
        check_pair(v, key, list[j], list[i], is_exclusive)
      end
    end
  end
end

local function check_selections(v, parent, selections)
  local out = collect(v, parent, selections, { by_key = {}, keys = {} }, {})
  check_group(v, out, false)
  for _, key in ipairs(out.keys) do
    for _, entry in ipairs(out.by_key[key]) do
      local node = entry.node
      if node.selectionSet and not v.overlap_seen[node] then
        v.overlap_seen[node] = true
        check_selections(v, entry.field and schema.named(entry.field.type), node.selectionSet)
      end
    end
  end
end

--- Checks one operation, fragments included. Expects a document whose fragments form no circle.
---@param v appsync.server.Validator
---@param operation appsync.ast.OperationDefinition
---@param root appsync.server.Type?
function validate_overlap.check(v, operation, root)
  v.overlap_seen, v.n_compared = {}, 0
  check_selections(v, root, operation.selectionSet)
end

return validate_overlap
