---The SDL that the models of a world stand for, and their relation fields.
local directives = require "appsync.schema.directives"
local filters = require "appsync.server.transform.generating.filters"
local inputs = require "appsync.server.transform.generating.inputs"
local model_filters = require "appsync.server.transform.generating.model_filters"
local names = require "appsync.schema.names"
local parts = require "appsync.server.transform.generating.parts"
local roots = require "appsync.server.transform.generating.roots"
local search = require "appsync.server.transform.generating.search"
local sdl_nodes = require "appsync.schema.sdl_nodes"

local fail = directives.fail

local generate = {}

-- A list of related models is a page of a connection, whatever its declared type.
local function make_connection_field(world, m, relation)
  local field = m.field_by_name[relation.field]
  local related = world.models[relation.model]
  local name = roots.connection_name(related.name)
  world.connections[name] = true
  -- A filter that a relation makes knows nothing of that relation's own key.
  if not related.listings[related.name] then related.filter_maker = relation end
  related.listings[related.name] = true
  field.node.type = sdl_nodes.type(name, field.node.loc)
  local list = {}
  if relation.sort_argument then
    local argument = roots.sort_argument(related, relation.key_name, relation.sort, relation.sort_argument)
    list[1] = sdl_nodes.argument(relation.sort_argument, argument:match(": (.*)$"), field.node.loc)
  end
  list[#list + 1] = sdl_nodes.argument("filter", model_filters.filter_name(related.name), field.node.loc)
  list[#list + 1] = sdl_nodes.argument("sortDirection", "ModelSortDirection", field.node.loc)
  list[#list + 1] = sdl_nodes.argument("limit", "Int", field.node.loc)
  list[#list + 1] = sdl_nodes.argument("nextToken", "String", field.node.loc)
  field.node.arguments = list
end

---Gives the relation fields of all models their types and arguments, and tells which models are listed.
---@param world appsync.server.Survey
function generate.relation_fields(world)
  for _, m in ipairs(world.list) do
    if m.ops.list or m.ops.sync then m.listings[m.stem] = true end
    for _, index in ipairs(m.indexes) do
      if index.query then m.listings[m.name] = true end
    end
  end
  for _, m in ipairs(world.list) do
    for _, relation in ipairs(m.relations) do
      if relation.kind == "hasMany" then make_connection_field(world, m, relation) end
    end
  end
end

-- The objects inside models, and those inside them, need inputs.
local function add_objects(world, made)
  local seen = {}
  local function visit(fields)
    for _, field in ipairs(fields) do
      local name = sdl_nodes.named(field.type)
      if world.has_input[name] and not seen[name] then
        seen[name] = true
        made:add(world.objects[name].loc, inputs.object(world, name))
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

-- A field that the schema declares itself wins over the generated one; what two models would make is neither's.
local function add_root(world, made, operation, fields)
  local name, lines, makers = world.roots[operation], {}, {}
  local declared = declared_fields(world, name)
  for _, field in ipairs(fields) do
    local maker = makers[field.name]
    if maker then
      local whose = maker == field.model and (" for the model '%s'"):format(maker.name)
        or (": for the model '%s' and for '%s'"):format(maker.name, field.model.name)
      return fail(field.model.loc, "'%s.%s' is generated twice%s", name, field.name, whose)
    end
    makers[field.name] = field.model
    if not declared[field.name] then lines[#lines + 1] = "  " .. field.text end
  end
  if #lines == 0 then return true end
  if world.explicit_roots and not world.explicit_roots[operation] then
    made:add(nil, ("extend schema { %s: %s }"):format(operation, name))
  end
  local own = world.names[name]
  if own and own.kind ~= "ObjectTypeDefinition" then return fail(own.loc, "'%s' is not an object type", name) end
  made:add(own and own.loc, ("%s %s {\n%s\n}"):format(own and "extend type" or "type", name, table.concat(lines, "\n")))
  return true
end

local function add_roots(world, made)
  local fields = { query = {}, mutation = {}, subscription = {} }
  for _, m in ipairs(world.list) do
    for operation, list in pairs(roots.fields(world, m)) do
      for _, field in ipairs(list) do table.insert(fields[operation], { name = field[1], text = field[2], model = m }) end
    end
  end
  return directives.each({ "query", "mutation", "subscription" }, function(operation)
    return add_root(world, made, operation, fields[operation])
  end)
end

-- Generated names begin in upper case, whatever the model's own does.
local function check_models(world)
  local seen = {}
  return directives.each(world.list, function(m)
    local other = seen[names.upper_first(m.name)]
    seen[names.upper_first(m.name)] = m
    if not other then return true end
    return fail(m.loc, "the models '%s' and '%s' would generate types of the same names", other.name, m.name)
  end)
end

-- The first version made what filters and lists share when it was needed first, the second makes it always.
local function add_shared(world, made)
  local is_filtered, is_listed = world.version == 2, world.version == 2
  for _, m in ipairs(world.list) do
    is_listed = is_listed or #model_filters.stems(m) > 0
    is_filtered = is_filtered or is_listed or (m.ops.create or m.ops.update or m.ops.delete) ~= nil
  end
  if is_filtered then made:add_all(nil, filters.shared(world.version)) end
  if is_listed then made:add(nil, filters.sort_direction()) end
end

---Everything that is generated beside the models' own types.
---@param world appsync.server.Survey
---@param first_line integer
---@return appsync.server.Parts? parts, appsync.server.SchemaError? err
function generate.parts(world, first_line)
  local ok, err = check_models(world)
  if not ok then return nil, err end
  local made = parts.new(first_line)
  local enums, key_conditions = { ModelSizeInput = true, ModelStringInput = true }, {}
  add_shared(world, made)
  add_objects(world, made)
  for _, m in ipairs(world.list) do
    if m.search then
      made:add_all(nil, search.shared(world))
      break
    end
  end
  for _, m in ipairs(world.list) do
    if m.search then made:add_all(m.loc, search.build(world, m)) end
    for _, stem in ipairs(model_filters.stems(m)) do
      made:add(m.loc, roots.connection(m, stem, world.type_auth[roots.connection_name(stem)]))
    end
    made:add_all(m.loc, model_filters.build(world, m, enums))
    made:add_all(m.loc, inputs.mutations(world, m))
    made:add_all(m.loc, roots.key_conditions(world, m, key_conditions))
  end
  ok, err = add_roots(world, made)
  if not ok then return nil, err end
  return made
end

return generate
