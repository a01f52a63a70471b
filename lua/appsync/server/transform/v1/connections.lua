---@connection of the transformer's first version (Amplify CLI documentation, "Relationships between types"): belongs to,
---has one and has many, by names, by key fields or by a key.
local directive_arguments = require "appsync.schema.directive_arguments"
local directives = require "appsync.schema.directives"
local key_directives = require "appsync.server.transform.reading.key_directives"
local names = require "appsync.schema.names"
local relation_directives = require "appsync.server.transform.reading.relation_directives"

local fail, given = directives.fail, directive_arguments.given

local connections = {}

-- The other field of a connection that has a name.
local function find_associate(world, related, field, name)
  for _, other in ipairs(related.fields) do
    local directive = other ~= field and directives.find(other.node.directives, "connection")
    local values = directive and world.reader:read(directive)
    if values and given(values.name) == name then return other, values end
  end
  return nil
end

local function check_key_field(m, name, directive)
  local field = m.field_by_name[name]
  if not names.is_name(name) then
    return fail(directive_arguments.loc(directive, "keyField"), "@connection's 'keyField' '%s' isn't the name of a field", name)
  end
  if not field or field.is_foreign then return true end
  if field.is_list or (field.named ~= "ID" and field.named ~= "String") then
    return fail(directive_arguments.loc(directive, "keyField"), "@connection: the key field '%s.%s' must be an ID or a String", m.name,
      name)
  end
  return true
end

-- A foreign key is written by inputs and not shown by the type.
local function add_foreign_key(world, m, name, is_required, directive)
  local ok, err = check_key_field(m, name, directive)
  if not ok then return nil, err end
  local field = m.field_by_name[name]
  if not field then
    world:add_hidden_field(m, name, is_required and "ID!" or "ID")
  elseif is_required and field.is_hidden and not field.is_required then
    field.type, field.is_required = { kind = "NonNullType", type = field.type }, true
  end
  return true
end

local function has_many(world, use, related, foreign, sort)
  local relation = use.relation
  relation.local_fields, relation.remote_fields = { use.m.key.partition }, { foreign }
  relation.sort, relation.sort_argument = { sort }, sort
  relation.index = relation_directives.imply_index(related, ("gsi-%s"):format(use.name), sort and { foreign, sort } or { foreign })
  return add_foreign_key(world, related, foreign, false, use.directive)
end

local function has_one(world, use, related, foreign)
  local relation, sort = use.relation, given(use.values.sortField)
  relation.local_fields, relation.remote_fields = { foreign }, { related.key.partition }
  -- Where the other side is a list the sort field is that list's.
  if sort and not (use.associate and use.associate.is_list) then
    if not use.m.field_by_name[sort] or not related.key.sort[1] then
      return fail(directive_arguments.loc(use.directive, "sortField"),
        "@connection's 'sortField' '%s' must be a field of '%s', and the key of '%s' must have a sort field", sort, use.m.name,
        related.name)
    end
    relation.local_fields[2], relation.remote_fields[2] = sort, related.key.sort[1]
  end
  return add_foreign_key(world, use.m, foreign, use.field.is_required, use.directive)
end

local function by_name(world, use, related)
  local m, field, values = use.m, use.field, use.values
  local other_values
  use.associate, other_values = nil, nil
  if given(values.name) then
    use.associate, other_values = find_associate(world, related, field, values.name)
    if not use.associate then
      return fail(use.directive.loc, "connection '%s' of '%s.%s' has no other side in '%s'", values.name, m.name, field.name,
        related.name)
    elseif field.is_list and use.associate.is_list then
      return fail(use.directive.loc, "connection '%s' has a list on both sides; join the two models by a third one", values.name)
    end
  end
  use.name = given(values.name) or ("%s.%s"):format(m.name, field.name)
  if not field.is_list then
    use.relation.kind = use.associate and "belongsTo" or "hasOne"
    return has_one(world, use, related, given(values.keyField) or names.camel({ m.name, field.name, "id" }))
  end
  -- The single side holds the key: what it says of the key's field and of a sort field counts, whatever the list's says.
  if not use.associate then
    return has_many(world, use, related, given(values.keyField) or names.camel({ m.name, field.name, "id" }), nil)
  end
  local sort = given(other_values.sortField)
  local by = sort and related.field_by_name[sort]
  if sort and not by then
    return fail(use.directive.loc, "connection '%s': the 'sortField' '%s' isn't a field of '%s'", use.name, sort, related.name)
  elseif by and (by.is_list or by.kind ~= "scalar" or by.named == "Boolean") then
    return fail(use.directive.loc, "connection '%s': the 'sortField' '%s.%s' must be a scalar with an order", use.name,
      related.name, sort)
  end
  return has_many(world, use, related, given(other_values.keyField) or names.camel({ related.name, use.associate.name, "id" }), sort)
end

local function find_key(related, use)
  local name = given(use.values.keyName)
  if not name then return related.key end
  local index = key_directives.find_index(related, name)
  if index then return index end
  return fail(directive_arguments.loc(use.directive, "keyName"), "@connection names the key '%s', which model '%s' doesn't have", name,
    related.name)
end

local function by_fields(_, use, related)
  local m, list, relation = use.m, use.values.fields, use.relation
  local loc = directive_arguments.loc(use.directive, "fields")
  local key, err = find_key(related, use)
  if not key then return nil, err end
  if not use.field.is_list and key.name then
    return fail(loc, "@connection of '%s.%s' isn't a list, so it cannot have a 'keyName'", m.name, use.field.name)
  end
  local wanted = key_directives.fields(key)
  if #list == 0 or #list > #wanted then
    return fail(loc, "@connection's 'fields' must be one to %d fields, for %s", #wanted, table.concat(wanted, ", "))
  end
  for i, name in ipairs(list) do
    local own, theirs = m.field_by_name[name], related.field_by_name[wanted[i]]
    if not own then return fail(loc, "@connection's 'fields' names '%s', which model '%s' doesn't have", name, m.name) end
    if own.named ~= (theirs and theirs.named or "ID") then
      return fail(loc, "@connection's 'fields': '%s.%s' is of another type than '%s.%s'", m.name, name, related.name, wanted[i])
    end
  end
  relation.kind = use.field.is_list and "hasMany" or "belongsTo"
  relation.local_fields, relation.index, relation.key_name = list, key.name, key.name or "Primary"
  for i, name in ipairs(wanted) do table.insert(list[i] and relation.remote_fields or relation.sort, name) end
  relation.sort_argument = #list < 2 and key_directives.sort_argument(relation.sort) or nil
  return true
end

local function read_connection(world, m, field, directive)
  local related = world.models[field.named]
  if not related then
    return fail(field.node.loc, "@connection of '%s.%s' needs a model: type '%s' has no @model", m.name, field.name, field.named)
  end
  local values, err = world.reader:read(directive)
  if not values then return nil, err end
  local relation = { field = field.name, kind = "hasMany", model = field.named, is_required = field.is_required,
    limit = given(values.limit) or relation_directives.DEFAULT_LIMIT, local_fields = {}, remote_fields = {}, sort = {} }
  local use = { m = m, field = field, directive = directive, values = values, relation = relation }
  local ok
  ok, err = (given(values.fields) and by_fields or by_name)(world, use, related)
  if not ok then return nil, err end
  relation_directives.add(m, relation)
  return true
end

---Reads the @connection fields of all models into their `relations`.
---@param world appsync.server.Survey
---@return true? ok, appsync.server.SchemaError? err
function connections.read(world)
  for _, m in ipairs(world.list) do
    for _, field in ipairs(m.fields) do
      local directive = directives.find(field.node and field.node.directives or {}, "connection")
      if directive then
        local ok, err = read_connection(world, m, field, directive)
        if not ok then return nil, err end
      end
    end
  end
  return true
end

return connections
