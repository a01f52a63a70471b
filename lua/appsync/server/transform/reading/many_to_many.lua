---@manyToMany: two lists of models become a model of their own that joins them (Amplify documentation, "Many-to-many
---relationship").
local directive_arguments = require "appsync.schema.directive_arguments"
local directives = require "appsync.schema.directives"
local key_directives = require "appsync.server.transform.reading.key_directives"
local names = require "appsync.schema.names"
local relation_directives = require "appsync.server.transform.reading.relation_directives"
local sdl_nodes = require "appsync.schema.sdl_nodes"

local fail = directives.fail

local many_to_many = {}

local function collect(world, uses, order, m, field, directive)
  local values, err = world.reader:read(directive)
  if not values then return nil, err end
  if not world.models[field.named] then
    return fail(field.node.loc, "@manyToMany of '%s.%s' needs a model: type '%s' has no @model", m.name, field.name, field.named)
  elseif not field.is_list then
    return fail(directive.loc, "@manyToMany of '%s.%s' must be a list", m.name, field.name)
  end
  local name = names.upper_first((values.relationName:gsub("[^%w_]", "")))
  if not name:find("^[%a_]") then
    return fail(directive.loc, "@manyToMany's 'relationName' '%s' isn't the name of a type", values.relationName)
  end
  if not uses[name] then
    uses[name] = {}
    order[#order + 1] = name
  end
  local limit = directive_arguments.given(values.limit) or relation_directives.DEFAULT_LIMIT
  table.insert(uses[name], { model = m, field = field, directive = directive, limit = limit })
  return true
end

local function check_pair(world, name, pair)
  local a, b = pair[1], pair[2]
  if #pair ~= 2 then
    return fail(pair[3] and pair[3].directive.loc or a.directive.loc,
      "relation '%s' must be used by exactly two @manyToMany fields, not by %d", name, #pair)
  elseif a.field.named ~= b.model.name or b.field.named ~= a.model.name then
    return fail(b.directive.loc, "relation '%s': '%s.%s' is of type '%s' and '%s.%s' of type '%s'; each must be a list of the other's type",
      name, a.model.name, a.field.name, a.field.named, b.model.name, b.field.name, b.field.named)
  elseif world.names[name] then
    return fail(a.directive.loc, "relation '%s' generates a type of this name, but the schema already has one", name)
  end
  return true
end

-- The fields of the join model that hold the key of one side.
local function foreign_fields(m)
  local base = names.lower_first(m.name)
  local suffix = m.flags.respectprimarykeyattributesonconnectionfield and names.upper_first(m.key.partition) or "ID"
  local fields = { { name = base .. suffix, of = m.key.partition } }
  for _, sort in ipairs(m.key.sort) do fields[#fields + 1] = { name = base .. sort, of = sort } end
  for _, field in ipairs(fields) do field.type = key_directives.type_of(m, field.of) .. "!" end
  return fields
end

local function field_names(fields, first)
  local list = {}
  for i = first, #fields do list[#list + 1] = fields[i].name end
  return list
end

local function merged_auth(pair)
  local merged
  for _, side in ipairs(pair) do
    local auth = directives.find(side.model.node.directives, "auth")
    local rules = auth and directives.argument(auth, "rules")
    if rules then
      merged = merged or { kind = "Directive", name = "auth", loc = auth.loc, arguments = { {
        kind = "Argument", name = "rules", loc = rules.loc, value = { kind = "ListValue", values = {}, loc = rules.loc },
      } } }
      for _, rule in ipairs(rules.kind == "ListValue" and rules.values or { rules }) do
        table.insert(merged.arguments[1].value.values, rule)
      end
    end
  end
  return merged
end

-- By it the items of one side are found.
local function add_index(join, side, fields)
  local index = { name = "by" .. side.model.name, partition = fields[1].name, sort = field_names(fields, 2) }
  if join.flags.enableautoindexquerynames then index.query = names.index(join.name, index.partition, index.sort) end
  index.sort_argument = key_directives.sort_argument(index.sort)
  table.insert(join.indexes, index)
  return index.name
end

local function relate(join, side, fields)
  local m = side.model
  local index = add_index(join, side, fields)
  relation_directives.add(m, { field = side.field.name, kind = "hasMany", model = join.name, index = index, limit = side.limit,
    local_fields = key_directives.fields(m.key), remote_fields = field_names(fields, 1), sort = {}, is_required = false })
  relation_directives.add(join, { field = names.lower_first(m.name), kind = "hasOne", model = m.name,
    limit = relation_directives.DEFAULT_LIMIT, local_fields = field_names(fields, 1),
    remote_fields = key_directives.fields(m.key), sort = {}, is_required = true })
end

local function make_join(world, name, pair)
  local loc, auth = pair[1].directive.loc, merged_auth(pair)
  local node = { kind = "ObjectTypeDefinition", name = name, interfaces = {}, directives = { auth }, loc = loc,
    fields = { sdl_nodes.field("id", "ID!", loc) } }
  local sides = { foreign_fields(pair[1].model), foreign_fields(pair[2].model) }
  for _, fields in ipairs(sides) do
    for _, field in ipairs(fields) do table.insert(node.fields, sdl_nodes.field(field.name, field.type, loc)) end
  end
  for _, side in ipairs(pair) do
    table.insert(node.fields, sdl_nodes.field(names.lower_first(side.model.name), side.model.name .. "!", loc))
  end
  table.insert(world.document.definitions, node)
  local join = world:add_model(node, { kind = "Directive", name = "model", arguments = {}, loc = loc })
  world:describe_fields(join)
  join.is_join = true
  join.key = { partition = "id", sort = {}, is_custom = false }
  for i, side in ipairs(pair) do
    -- The field shows what joins, not the other model itself.
    side.field.named = name
    relate(join, side, sides[i])
  end
end

---Adds the join models of all many-to-many relations to the world.
---@param world appsync.server.Survey
---@return true? ok, appsync.server.SchemaError? err
function many_to_many.read(world)
  local uses, order = {}, {}
  for _, m in ipairs(world.list) do
    for _, field in ipairs(m.fields) do
      local directive = directives.find(field.node.directives, "manyToMany")
      if directive then
        local ok, err = collect(world, uses, order, m, field, directive)
        if not ok then return nil, err end
      end
    end
  end
  for _, name in ipairs(order) do
    local ok, err = check_pair(world, name, uses[name])
    if not ok then return nil, err end
    make_join(world, name, uses[name])
  end
  return true
end

return many_to_many
