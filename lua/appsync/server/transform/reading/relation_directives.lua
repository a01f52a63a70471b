---Relations between models: @hasOne, @hasMany and @belongsTo (Amplify documentation, "Model relationships"). Each becomes a
---record of which fields of the one side hold which values of the other's.
local directive_arguments = require "appsync.schema.directive_arguments"
local directives = require "appsync.schema.directives"
local key_directives = require "appsync.server.transform.reading.key_directives"
local names = require "appsync.schema.names"

local fail, given = directives.fail, directive_arguments.given

---@class appsync.server.Relation
---@field field string
---@field kind "hasOne"|"hasMany"|"belongsTo"
---@field model string the related model's name
---@field index string? hasMany and hasOne by reference: the related model's index that holds `remote_fields`
---@field local_fields string[] fields of this model whose values
---@field remote_fields string[] these fields of the related model have, in the same order
---@field sort string[] hasMany: sort fields that aren't bound by `remote_fields`, of the index or the related model's key
---@field sort_argument string? hasMany: the argument that puts a condition on them; one that the index has not does nothing
---@field limit integer items of a page unless the query says
---@field is_required boolean
---@field foreign {model: string, fields: {name: string, type: string}[], is_required: boolean}? fields that the relation adds

local relation_directives = {}

local DEFAULT_LIMIT = 100
relation_directives.DEFAULT_LIMIT = DEFAULT_LIMIT

-- Foreign keys that point at `target`, named after the relation's field.
local function implied_keys(owner, field_name, target)
  local list = {}
  for i, name in ipairs(key_directives.fields(target.key)) do
    list[i] = { name = names.camel({ owner.name, field_name, name }), type = key_directives.type_to_others(target, name) }
  end
  if not owner.flags.respectprimarykeyattributesonconnectionfield then
    list[1] = { name = names.camel({ owner.name, field_name, "id" }), type = "ID" }
  end
  return list
end

local function names_of(list)
  local out = {}
  for i, item in ipairs(list) do out[i] = item.name end
  return out
end

local function check_fields(m, list, directive, argument)
  for _, name in ipairs(list) do
    local field, loc = m.field_by_name[name], directive_arguments.loc(directive, argument)
    if not field then
      return fail(loc, "@%s's '%s' names '%s', which model '%s' doesn't have", directive.name, argument, name, m.name)
    elseif field.kind ~= "scalar" and field.kind ~= "enum" then
      return fail(loc, "@%s's '%s' names '%s.%s', which isn't a scalar or an enum", directive.name, argument, m.name, name)
    end
  end
  return true
end

local function check_count(list, target, directive, argument)
  local wanted = key_directives.fields(target.key)
  if #list == #wanted then return true end
  return fail(directive_arguments.loc(directive, argument), "@%s's '%s' must name as many fields as the key of '%s' has: %s",
    directive.name, argument, target.name, table.concat(wanted, ", "))
end

local function check_types(from, list, to, wanted, directive, argument)
  for i, name in ipairs(list) do
    local type_of = argument == "references" and key_directives.type_to_others or key_directives.type_of
    local own, theirs = key_directives.type_of(from, name), type_of(to, wanted[i])
    local is_alike = own == theirs or (argument == "references" and (own == "ID" or own == "String")
      and (theirs == "ID" or theirs == "String"))
    if not is_alike then
      return fail(directive_arguments.loc(directive, argument), "@%s's '%s': '%s.%s' is of type %s, '%s.%s' of type %s", directive.name,
        argument, from.name, name, own, to.name, wanted[i], theirs)
    end
  end
  return true
end

local function new_relation(field, kind, values)
  return { field = field.name, kind = kind, model = field.named, limit = given(values.limit) or DEFAULT_LIMIT,
    is_required = field.is_required, sort = {}, local_fields = {}, remote_fields = {} }
end

---Adds an index that a relation needs and the schema doesn't name.
---@param m appsync.server.Model
---@param name string
---@param fields string[]
---@return string name
function relation_directives.imply_index(m, name, fields)
  if not key_directives.find_index(m, name) then
    local sort = {}
    for i = 2, #fields do sort[i - 1] = fields[i] end
    table.insert(m.indexes, { name = name, partition = fields[1], sort = sort, is_implied = true,
      sort_argument = key_directives.sort_argument(sort) })
  end
  return name
end

-- The other side of a relation by references: the field there that names the same ones.
local function find_associate(world, m, related, list, kinds)
  for _, field in ipairs(related.fields) do
    for _, directive in ipairs(field.named == m.name and field.node.directives or {}) do
      local values = kinds[directive.name] and world.reader:read(directive)
      if values and given(values.references) and table.concat(values.references, ",") == table.concat(list, ",") then
        return field, values
      end
    end
  end
  return nil
end

local function by_references(world, m, related, relation, directive, values)
  local list, is_child = values.references, relation.kind == "belongsTo"
  local parent, child = is_child and related or m, is_child and m or related
  local ok, err = check_fields(child, list, directive, "references")
  if ok then ok, err = check_count(list, parent, directive, "references") end
  if ok then ok, err = check_types(child, list, parent, key_directives.fields(parent.key), directive, "references") end
  if not ok then return nil, err end
  if relation.is_required then
    return fail(directive.loc, "'%s.%s' must be nullable (without '!'), because its relation uses references", m.name, relation.field)
  end
  local kinds = is_child and { hasOne = true, hasMany = true } or { belongsTo = true }
  local associate, other = find_associate(world, m, related, list, kinds)
  if not associate then
    return fail(directive.loc, "'%s.%s' needs its other side: a field of '%s' with %s(references: [%s])", m.name,
      relation.field, related.name, is_child and "@hasMany or @hasOne" or "@belongsTo", '"' .. table.concat(list, '", "') .. '"')
  end
  if is_child then
    relation.local_fields, relation.remote_fields = list, key_directives.fields(related.key)
  else
    relation.local_fields, relation.remote_fields = key_directives.fields(m.key), list
    relation.index = relation_directives.imply_index(related, given(other.overrideIndexName)
      or ("gsi-%s.%s"):format(m.name, relation.field), list)
  end
  return relation
end

-- Binds the fields of an index, or of the related model's key, to fields of this model.
local function bind(m, related, relation, list, directive, target)
  local wanted = key_directives.fields(target)
  if #list > 1 and #list ~= #wanted then
    return fail(directive_arguments.loc(directive, "fields"), "@%s's 'fields' must name the partition field, or one field each for %s",
      directive.name, table.concat(wanted, ", "))
  end
  local ok, err = check_types(m, list, related, wanted, directive, "fields")
  if not ok then return nil, err end
  relation.local_fields, relation.remote_fields, relation.sort = list, {}, {}
  for i, name in ipairs(wanted) do
    table.insert(list[i] and relation.remote_fields or relation.sort, name)
  end
  return relation
end

local function has_one(m, related, relation, directive, values)
  if not given(values.fields) then
    local foreign = implied_keys(m, relation.field, related)
    relation.foreign = { model = m.name, fields = foreign, is_required = relation.is_required }
    relation.local_fields, relation.remote_fields = names_of(foreign), key_directives.fields(related.key)
    return relation
  end
  local ok, err = check_fields(m, values.fields, directive, "fields")
  if ok then ok, err = check_count(values.fields, related, directive, "fields") end
  if not ok then return nil, err end
  return bind(m, related, relation, values.fields, directive, related.key)
end

local function has_many(m, related, relation, directive, values)
  local index = given(values.indexName) and key_directives.find_index(related, values.indexName)
  if given(values.indexName) and not index then
    return fail(directive_arguments.loc(directive, "indexName"), "@hasMany names the index '%s', which model '%s' doesn't have",
      values.indexName, related.name)
  end
  relation.index = index and index.name
  if given(values.fields) then
    local ok, err = check_fields(m, values.fields, directive, "fields")
    if not ok then return nil, err end
    relation, err = bind(m, related, relation, values.fields, directive, index or related.key)
    if not relation then return nil, err end
    relation.sort_argument = #values.fields < 2 and key_directives.sort_argument(relation.sort) or nil
    relation.key_name = index and index.name or "Primary"
    return relation
  end
  local foreign = implied_keys(m, relation.field, m)
  relation.foreign = { model = related.name, fields = foreign, is_required = relation.is_required }
  relation.local_fields, relation.remote_fields = key_directives.fields(m.key), names_of(foreign)
  relation.index = relation_directives.imply_index(related, ("gsi-%s.%s"):format(m.name, relation.field), relation.remote_fields)
  -- Amplify offers the sort fields of the related model's key, and asks the implied index, which has none of them.
  relation.sort, relation.key_name = related.key.sort, "Primary"
  relation.sort_argument = key_directives.sort_argument(related.key.sort)
  return relation
end

-- The field of the related model that this one belongs to.
local function find_owner(m, related)
  for _, field in ipairs(related.fields) do
    for _, directive in ipairs(field.named == m.name and field.node.directives or {}) do
      if directive.name == "hasOne" or directive.name == "hasMany" then return field, directive.name end
    end
  end
  return nil
end

local function belongs_to(m, related, relation, directive, values)
  local owner, kind = find_owner(m, related)
  if not owner then
    return fail(directive.loc, "'%s.%s' belongs to '%s', which has no @hasOne or @hasMany field of type '%s'", m.name,
      relation.field, related.name, m.name)
  end
  if given(values.fields) or kind == "hasOne" then return has_one(m, related, relation, directive, values) end
  relation.local_fields, relation.remote_fields = names_of(implied_keys(related, owner.name, related)),
    key_directives.fields(related.key)
  return relation
end

local READERS = { hasOne = has_one, hasMany = has_many, belongsTo = belongs_to }

---Records a relation.
---@param m appsync.server.Model
---@param relation appsync.server.Relation
function relation_directives.add(m, relation)
  table.insert(m.relations, relation)
  m.relation_by_field[relation.field] = relation
  m.field_by_name[relation.field].is_stored = false
end

local function check_shape(world, m, field, directive)
  local related = world.models[field.named]
  if not related then
    return fail(field.node.loc, "@%s of '%s.%s' needs a model: type '%s' has no @model", directive.name, m.name, field.name,
      field.named)
  elseif m.relation_by_field[field.name] then
    return fail(directive.loc, "'%s.%s' has two relations", m.name, field.name)
  elseif field.is_list ~= (directive.name == "hasMany") then
    return fail(directive.loc, field.is_list and "@%s of '%s.%s' cannot be a list: %s" or "@%s of '%s.%s' must be a list: %s",
      directive.name, m.name, field.name, field.is_list and "use @hasMany" or "use @hasOne")
  end
  return related
end

local function read_relation(world, m, field, directive)
  local related, err = check_shape(world, m, field, directive)
  if not related then return nil, err end
  local values
  values, err = world.reader:read(directive)
  if not values then return nil, err end
  if given(values.fields) and given(values.references) then
    return fail(directive.loc, "@%s takes 'fields' or 'references', not both", directive.name)
  elseif (given(values.fields) and #values.fields == 0) or (given(values.references) and #values.references == 0) then
    return fail(directive.loc, "@%s: the list of fields is empty", directive.name)
  end
  local relation = new_relation(field, directive.name, values)
  local made
  if given(values.references) then
    if given(values.indexName) then
      return fail(directive_arguments.loc(directive, "indexName"), "@hasMany takes 'indexName' with 'fields', not with 'references'")
    end
    made, err = by_references(world, m, related, relation, directive, values)
  elseif given(values.overrideIndexName) then
    return fail(directive_arguments.loc(directive, "overrideIndexName"), "@belongsTo's 'overrideIndexName' needs 'references'")
  else
    made, err = READERS[directive.name](m, related, relation, directive, values)
  end
  if not made then return nil, err end
  relation_directives.add(m, made)
  return true
end

---Fills the `relations` of a model; the keys of all models are read.
---@param world appsync.server.Survey
---@param m appsync.server.Model
---@return true? ok, appsync.server.SchemaError? err
function relation_directives.read(world, m)
  for _, field in ipairs(m.fields) do
    for _, directive in ipairs(field.node.directives) do
      if READERS[directive.name] then
        local ok, err = read_relation(world, m, field, directive)
        if not ok then return nil, err end
      end
    end
  end
  return true
end

---Adds the foreign keys that relations of a kind imply to the models that hold them, in the order of the relations.
---@param world appsync.server.Survey
---@param kind "hasOne"|"hasMany"|"belongsTo"
function relation_directives.complete(world, kind)
  for _, m in ipairs(world.list) do
    for _, relation in ipairs(m.relations) do
      local foreign = relation.kind == kind and relation.foreign
      local target = foreign and world.models[foreign.model]
      for _, field in ipairs(foreign and foreign.fields or {}) do
        if not target.field_by_name[field.name] then
          world:add_field(target, field.name, field.type .. (foreign.is_required and "!" or "")).is_foreign = true
        end
      end
    end
  end
end

return relation_directives
