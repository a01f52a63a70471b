--- Expands `@model`: a source schema to the schema that is served, and the list of its models.
local directives = require("appsync.server.graphql.directives")
local model_names = require("appsync.server.transform.names")
local model_types = require("appsync.server.transform.types")
local scalars = require("appsync.server.graphql.scalars")
local schema = require("appsync.server.graphql.schema")

local fail = directives.fail

local model = {}

---@class appsync.server.Model
---@field name string
---@field fields table[] field definitions, `is_declared` unless this module added them
---@field ops table<string, string> names of get, list, create, update, delete; absent: disabled
---@field events {name: string, mutation: string}[] subscriptions
---@field created_at string? name of the field that holds the time of creation
---@field updated_at string?
---@field stamps table<string, true> names of both
---@field has_subscriptions boolean
---@field auth string the model's @aws_* directives as text, each after a space

--- What the document defines, by kind: the world that models live in.
local function survey(document)
  local world = { models = {}, objects = {}, enums = {}, names = {}, order = {}, enum_order = {} }
  function world.is_scalar(name) return scalars[name] ~= nil and type(scalars[name]) == "table" and scalars[name].parse ~= nil end
  local roots = { Query = true, Mutation = true, Subscription = true }
  for _, node in ipairs(document.definitions) do
    for _, root in ipairs(node.operationTypes or {}) do roots[root.type] = true end
  end
  for _, node in ipairs(document.definitions) do
    if node.name then world.names[node.name] = true end
    if node.kind == "EnumTypeDefinition" then
      world.enums[node.name] = node
      table.insert(world.enum_order, node.name)
    elseif node.kind == "ObjectTypeDefinition" then
      local directive = directives.find(node.directives, "model")
      if directive and roots[node.name] then
        return fail(directive.loc, "@model is not allowed on the root type '%s'", node.name)
      elseif directive then
        world.models[node.name] = { node = node, directive = directive }
        table.insert(world.order, node.name)
      elseif not roots[node.name] then
        world.objects[node.name] = node
      end
    end
  end
  return world
end

local ARGUMENTS = {
  queries = { get = true, list = true },
  mutations = { create = true, update = true, delete = true },
  subscriptions = { onCreate = true, onUpdate = true, onDelete = true, level = true },
  timestamps = { createdAt = true, updatedAt = true },
}

local function is_name(value)
  return (value.kind == "StringValue" or value.kind == "EnumValue") and value.value:find("^[%a_][%w_]*$") ~= nil
end

--- One argument of @model as a table: false where it is null, strings, lists of strings, and null entries as false.
local function read_map(directive, argument)
  local value = directives.argument(directive, argument)
  if not value then return {} end
  if value.kind == "NullValue" then return false end
  if value.kind ~= "ObjectValue" then return fail(value.loc, "@model's '%s' must be an object or null", argument) end
  local map = {}
  for _, field in ipairs(value.fields) do
    local given = field.value
    if not ARGUMENTS[argument][field.name] then
      return fail(field.loc, "@model's '%s' has no '%s'", argument, field.name)
    elseif given.kind == "NullValue" then
      map[field.name] = false
    else
      local is_list = given.kind == "ListValue" and argument == "subscriptions" and field.name ~= "level"
      map[field.name] = {}
      for i, item in ipairs(is_list and given.values or { given }) do
        if not is_name(item) then
          return fail(item.loc, "@model's '%s.%s' must be a name or null", argument, field.name)
        end
        map[field.name][i] = item.value
      end
    end
  end
  return map
end

local function pick(map, key, default)
  if map == false or map[key] == false then return nil end
  return map[key] and map[key][1] or default
end

local function read_events(m, map, defaults, directive)
  m.events = {}
  local level = map ~= false and map.level and map.level[1] or "on"
  if level ~= "off" and level ~= "on" and level ~= "public" then
    return fail(directive.loc, "@model's subscription level is off, on or public, not '%s'", level)
  end
  if map == false or level == "off" then return true end
  for _, op in ipairs({ "create", "update", "delete" }) do
    local event = "on" .. op:sub(1, 1):upper() .. op:sub(2)
    if m.ops[op] and map[event] ~= false then
      for _, name in ipairs(map[event] or { defaults[event] }) do
        table.insert(m.events, { name = name, mutation = m.ops[op] })
      end
    end
  end
  return true
end

local AUTH = { aws_api_key = true, aws_iam = true, aws_oidc = true, aws_lambda = true, aws_cognito_user_pools = true }

local function auth_text(node)
  local parts = {}
  for _, directive in ipairs(node.directives) do
    if AUTH[directive.name] then
      local groups, quoted = directives.strings(directive, "cognito_groups"), {}
      for i, group in ipairs(groups or {}) do quoted[i] = ("%q"):format(group) end
      parts[#parts + 1] = " @" .. directive.name
        .. (groups and ("(cognito_groups: [%s])"):format(table.concat(quoted, ", ")) or "")
    end
  end
  return table.concat(parts)
end

local function new_field(name, type_name, loc)
  local named = { kind = "NamedType", name = type_name, loc = loc }
  return { kind = "FieldDefinition", name = name, arguments = {}, directives = {}, loc = loc,
    type = { kind = "NonNullType", type = named, loc = loc } }
end

local function read_fields(m, document)
  local by_name = {}
  m.fields = {}
  for _, node in ipairs(document.definitions) do
    if node.name == m.name and (node.kind == "ObjectTypeDefinition" or node.kind == "ObjectTypeExtension") then
      for _, field in ipairs(node.fields) do
        field.is_declared = true
        by_name[field.name] = field
        table.insert(m.fields, field)
      end
    end
  end
  return by_name
end

--- Adds id and the timestamps to the type where it has none.
local function complete_fields(m, node, by_name)
  local id = by_name.id
  if id and model_types.type_text(id.type) ~= "ID!" and model_types.type_text(id.type) ~= "String!" then
    return fail(id.loc, "the id of model '%s' must be 'ID!'", m.name)
  end
  local function add(name, type_name, at)
    local field = new_field(name, type_name, node.loc)
    table.insert(node.fields, at or #node.fields + 1, field)
    table.insert(m.fields, at or #m.fields + 1, field)
    by_name[name] = field
  end
  if not id then add("id", "ID", 1) end
  for _, name in ipairs({ m.created_at or false, m.updated_at or false }) do
    if name and not by_name[name] then add(name, "AWSDateTime") end
  end
  return true
end

local function read_model(world, name, document)
  local node, directive = world.models[name].node, world.models[name].directive
  local maps, defaults = {}, model_names.operations(name)
  for _, argument in ipairs({ "queries", "mutations", "subscriptions", "timestamps" }) do
    local map, err = read_map(directive, argument)
    if map == nil then return nil, err end
    maps[argument] = map
  end
  local m = { name = name, ops = {}, stamps = {}, auth = auth_text(node) }
  for _, op in ipairs({ "get", "list" }) do m.ops[op] = pick(maps.queries, op, defaults[op]) end
  for _, op in ipairs({ "create", "update", "delete" }) do m.ops[op] = pick(maps.mutations, op, defaults[op]) end
  m.created_at = pick(maps.timestamps, "createdAt", "createdAt")
  m.updated_at = pick(maps.timestamps, "updatedAt", "updatedAt")
  for _, stamp in ipairs({ m.created_at or false, m.updated_at or false }) do
    if stamp then m.stamps[stamp] = true end
  end
  local ok, err = read_events(m, maps.subscriptions, defaults, directive)
  if ok then ok, err = complete_fields(m, node, read_fields(m, document)) end
  if not ok then return nil, err end
  m.has_subscriptions = #m.events > 0
  return m
end

--- The objects that inputs are needed for: those that models reach.
local function reached_objects(world, models)
  local reached, order = {}, {}
  local function visit(fields)
    for _, field in ipairs(fields) do
      local name = model_types.named(field.type)
      if world.objects[name] and not reached[name] then
        reached[name] = true
        order[#order + 1] = name
        visit(world.objects[name].fields)
      end
    end
  end
  for _, m in ipairs(models) do visit(m.fields) end
  return order
end

local function reached_enums(world, models)
  local used, order = {}, {}
  for _, m in ipairs(models) do
    for _, field in ipairs(m.fields) do used[model_types.named(field.type)] = true end
  end
  for _, name in ipairs(world.enum_order) do
    if used[name] then order[#order + 1] = name end
  end
  return order
end

local function root_names(document)
  local names = { query = "Query", mutation = "Mutation", subscription = "Subscription" }
  for _, node in ipairs(document.definitions) do
    for _, root in ipairs(node.operationTypes or {}) do names[root.operation] = root.type end
  end
  return names
end

local function declared_fields(document, type_name)
  local fields = {}
  for _, node in ipairs(document.definitions) do
    if node.name == type_name then
      for _, field in ipairs(node.fields or {}) do fields[field.name] = true end
    end
  end
  return fields
end

-- A field that the schema declares itself wins over the generated one.
local function root_sdl(world, document, models)
  local parts, names = {}, root_names(document)
  for _, operation in ipairs({ "query", "mutation", "subscription" }) do
    local lines, declared = {}, declared_fields(document, names[operation])
    for _, m in ipairs(models) do
      for _, field in ipairs(model_types.root_fields(m)[operation]) do
        if not declared[field[1]] then lines[#lines + 1] = "  " .. field[2] end
      end
    end
    if #lines > 0 then
      local word = world.names[names[operation]] and "extend type" or "type"
      parts[#parts + 1] = ("%s %s {\n%s\n}"):format(word, names[operation], table.concat(lines, "\n"))
    end
  end
  return table.concat(parts, "\n")
end

local function generate(world, document, models)
  local parts = { model_types.shared() }
  for _, name in ipairs(reached_enums(world, models)) do parts[#parts + 1] = model_types.enum_filter(name) end
  for _, name in ipairs(reached_objects(world, models)) do parts[#parts + 1] = model_types.object_input(world, name) end
  for _, m in ipairs(models) do parts[#parts + 1] = model_types.types(world, m) end
  parts[#parts + 1] = root_sdl(world, document, models)
  return table.concat(parts, "\n")
end

local function without_model_directive(node)
  local kept = {}
  for _, directive in ipairs(node.directives) do
    if directive.name ~= "model" then kept[#kept + 1] = directive end
  end
  node.directives = kept
end

-- Amplify's sandbox switch, `input AMPLIFY { globalAuthRule: AuthRule = { allow: public } }`, opens models to the API
-- key: here they are open to the default mode anyway. Any other rule in it would have to be enforced, so it is refused.
local function drop_sandbox_switch(document)
  for i, node in ipairs(document.definitions) do
    if node.kind == "InputObjectTypeDefinition" and node.name == "AMPLIFY" then
      local rule = node.fields[1]
      local value = rule and rule.name == "globalAuthRule" and rule.defaultValue
      local allow = value and value.kind == "ObjectValue" and #value.fields == 1 and value.fields[1]
      if #node.fields ~= 1 or not allow or allow.name ~= "allow" or allow.value.value ~= "public" then
        return fail(node.loc, "input AMPLIFY: only globalAuthRule = { allow: public } is supported by this version")
      end
      table.remove(document.definitions, i)
      return true
    end
  end
  return true
end

--- Expands the models of a document in place.
---@param document appsync.ast.Document
---@return appsync.server.Model[]? models, appsync.server.SchemaError? err
function model.expand(document)
  local ok, why = drop_sandbox_switch(document)
  if not ok then return nil, why end
  local world, problem = survey(document)
  if not world then return nil, problem end
  local models = {}
  for i, name in ipairs(world.order) do
    local m, err = read_model(world, name, document)
    if not m then return nil, err end
    models[i] = m
    without_model_directive(world.models[name].node)
  end
  if #models == 0 then return models end
  local generated, err = schema.parse(generate(world, document, models))
  if not generated then return nil, err end
  for _, node in ipairs(generated.definitions) do
    local is_extension = node.kind == "ObjectTypeExtension"
    if is_extension or not world.names[node.name] then table.insert(document.definitions, node) end
  end
  return models
end


return model
