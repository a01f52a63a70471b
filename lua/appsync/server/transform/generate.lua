--- The SDL that the models of a world stand for, and their relation fields.
local ast = require("appsync.server.transform.ast")
local conditions = require("appsync.server.transform.conditions")
local filters = require("appsync.server.transform.filters")
local inputs = require("appsync.server.transform.inputs")
local roots = require("appsync.server.transform.roots")

local generate = {}

-- A list of related models is a page of a connection, whatever its declared type.
local function make_connection_field(world, m, relation)
  local field = m.field_by_name[relation.field]
  local related = world.models[relation.model]
  local name = roots.connection_name(related)
  world.connections[name] = true
  related.is_listed, related.is_related = true, true
  field.node.type = ast.type(name, field.node.loc)
  local list = {}
  if relation.sort_argument then
    local argument = roots.sort_argument(related, relation.key_name, relation.sort, relation.sort_argument)
    list[1] = ast.argument(relation.sort_argument, argument:match(": (.*)$"), field.node.loc)
  end
  list[#list + 1] = ast.argument("filter", conditions.filter_name(related), field.node.loc)
  list[#list + 1] = ast.argument("sortDirection", "ModelSortDirection", field.node.loc)
  list[#list + 1] = ast.argument("limit", "Int", field.node.loc)
  list[#list + 1] = ast.argument("nextToken", "String", field.node.loc)
  field.node.arguments = list
end

--- Gives the relation fields of all models their types and arguments, and tells which models are listed.
---@param world appsync.server.Survey
function generate.relation_fields(world)
  for _, m in ipairs(world.list) do
    m.is_listed = m.is_listed or m.ops.list ~= nil
    for _, index in ipairs(m.indexes) do m.is_listed = m.is_listed or index.query ~= nil end
    for _, relation in ipairs(m.relations) do
      if relation.kind == "hasMany" then make_connection_field(world, m, relation) end
    end
  end
end

-- The objects inside models, and those inside them, need inputs.
local function add_objects(world, parts)
  local seen = {}
  local function visit(fields)
    for _, field in ipairs(fields) do
      local name = ast.named(field.type)
      if world.objects[name] and not seen[name] then
        seen[name] = true
        parts[#parts + 1] = inputs.object(world, name)
        visit(world.objects[name].fields)
      end
    end
  end
  for _, m in ipairs(world.list) do visit(m.fields) end
end

local function declared_fields(world, type_name)
  local fields = {}
  for _, node in ipairs(world.document.definitions) do
    if node.name == type_name then
      for _, field in ipairs(node.fields or {}) do fields[field.name] = true end
    end
  end
  return fields
end

-- A field that the schema declares itself wins over the generated one.
local function add_root(world, parts, operation, fields)
  local name, lines = world.roots[operation], {}
  local declared = declared_fields(world, name)
  for _, field in ipairs(fields) do
    if not declared[field[1]] then
      declared[field[1]] = true
      lines[#lines + 1] = "  " .. field[2]
    end
  end
  if #lines == 0 then return end
  local word = world.names[name] and "extend type" or "type"
  parts[#parts + 1] = ("%s %s {\n%s\n}"):format(word, name, table.concat(lines, "\n"))
end

local function add_roots(world, parts)
  local fields = { query = {}, mutation = {}, subscription = {} }
  for _, m in ipairs(world.list) do
    for operation, list in pairs(roots.fields(world, m)) do
      for _, field in ipairs(list) do table.insert(fields[operation], field) end
    end
  end
  for _, operation in ipairs({ "query", "mutation", "subscription" }) do add_root(world, parts, operation, fields[operation]) end
end

--- Everything that is generated beside the models' own types.
---@param world appsync.server.Survey
---@return string sdl
function generate.sdl(world)
  local parts, enums, key_conditions = filters.shared(world.version), { ModelSizeInput = true, ModelStringInput = true }, {}
  local function add(list)
    for _, part in ipairs(list) do parts[#parts + 1] = part end
  end
  add_objects(world, parts)
  for _, m in ipairs(world.list) do
    if m.is_listed then
      add({ roots.connection(m, world.type_auth[roots.connection_name(m)]) })
    end
    add(conditions.build(world, m, enums))
    add(inputs.mutations(world, m))
    add(roots.key_conditions(world, m, key_conditions))
  end
  add_roots(world, parts)
  return table.concat(parts, "\n")
end

return generate
