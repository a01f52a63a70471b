---Keys and secondary indexes: @primaryKey and @index, and @key of the transformer's first version (Amplify documentation,
---"Configure a primary key", "Configure a secondary index", "Index your data with keys").
local directive_arguments = require "appsync.schema.directive_arguments"
local directives = require "appsync.schema.directives"
local names = require "appsync.schema.names"

local fail, given = directives.fail, directive_arguments.given

---@class appsync.server.Key
---@field partition string
---@field sort string[] names of the sort fields, may be empty
---@field sort_argument string? of list queries: the field's name, or all of them in one word
---@field is_custom boolean false for the implied `id`

---@class appsync.server.Index
---@field name string
---@field partition string
---@field sort string[]
---@field sort_argument string?
---@field query string? the query field
---@field is_implied boolean? made for a relation, the schema doesn't name it

local key_directives = {}

---The names of the fields of a key or an index, the partition first.
---@param key appsync.server.Key|appsync.server.Index
---@return string[]
function key_directives.fields(key)
  local list = { key.partition }
  for _, name in ipairs(key.sort) do list[#list + 1] = name end
  return list
end

---Returns whether a field is one of a model's primary key.
---@param m appsync.server.Model
---@param name string
---@return boolean
function key_directives.holds(m, name)
  for _, field in ipairs(key_directives.fields(m.key)) do
    if field == name then return true end
  end
  return false
end

---The type of a field that a key has; that of an implied id isn't there before all models are read.
---@param m appsync.server.Model
---@param name string
---@return string
function key_directives.type_of(m, name)
  local field = m.field_by_name[name]
  return field and field.named or "ID"
end

---The type of what refers to a field of a model's key: to an id without @primaryKey an ID, whatever it's declared as.
---@param m appsync.server.Model
---@param name string
---@return string
function key_directives.type_to_others(m, name)
  return m.key.is_custom and key_directives.type_of(m, name) or "ID"
end

---A model's secondary index of a name, or nil.
---@param m appsync.server.Model
---@param name string
---@return appsync.server.Index?
function key_directives.find_index(m, name)
  for _, index in ipairs(m.indexes) do
    if index.name == name then return index end
  end
  return nil
end

---The argument under which list queries take a condition on the sort fields; nil when there are none.
---@param sort string[]
---@return string?
function key_directives.sort_argument(sort)
  if #sort == 0 then return nil end
  return #sort == 1 and sort[1] or names.camel(sort)
end

local function check_key_field(m, name, what, loc, is_required)
  local field = m.field_by_name[name]
  if not field then return fail(loc, "%s names the field '%s', which model '%s' doesn't have", what, name, m.name) end
  if field.is_list or (field.kind ~= "scalar" and field.kind ~= "enum") then
    return fail(loc, "%s cannot use '%s.%s': a key field must be a scalar or an enum", what, m.name, name)
  end
  if field.named == "Boolean" then
    return fail(loc, "%s cannot use '%s.%s': a key of DynamoDB can't be a Boolean", what, m.name, name)
  end
  if is_required and not field.is_required then
    return fail(loc, "%s cannot use '%s.%s': a primary key's fields must be non-null ('!')", what, m.name, name)
  end
  return true
end

local function check_key(m, partition, sort, what, loc, is_required)
  local seen = {}
  for _, name in ipairs(key_directives.fields({ partition = partition, sort = sort })) do
    if seen[name] then return fail(loc, "%s names the field '%s' twice", what, name) end
    seen[name] = true
    local ok, err = check_key_field(m, name, what, loc, is_required)
    if not ok then return nil, err end
  end
  return true
end

local function set_key(m, partition, sort, what, loc, is_required)
  if m.key then return fail(loc, "model '%s' has two primary keys", m.name) end
  local ok, err = check_key(m, partition, sort, what, loc, is_required)
  if not ok then return nil, err end
  m.key = { partition = partition, sort = sort, sort_argument = key_directives.sort_argument(sort), is_custom = true }
  return true
end

local function read_primary_key(world, m, field, directive)
  local values, err = world.reader:read(directive)
  if not values then return nil, err end
  return set_key(m, field.name, given(values.sortKeyFields) or {}, "@primaryKey", directive.loc, true)
end

local function add_index(m, index, what, loc)
  if index.query and not names.is_name(index.query) then
    return fail(loc, "%s's 'queryField' '%s' isn't the name of a field", what, index.query)
  end
  if key_directives.find_index(m, index.name) then return fail(loc, "model '%s' has two indexes named '%s'", m.name, index.name) end
  index.sort_argument = key_directives.sort_argument(index.sort)
  local ok, err = check_key(m, index.partition, index.sort, what, loc, false)
  if not ok then return nil, err end
  table.insert(m.indexes, index)
  return true
end

local function read_index(world, m, field, directive)
  local values, err = world.reader:read(directive)
  if not values then return nil, err end
  local sort = given(values.sortKeyFields) or {}
  local own = names.index(m.name, field.name, sort)
  local name = given(values.name) or own
  if not name:find("^[%w_.-]+$") or #name < 3 or #name > 255 then
    return fail(directive_arguments.loc(directive, "name"),
      "@index's 'name' must be 3 to 255 letters, digits, underscores, hyphens and periods, not '%s'", name)
  end
  local query = values.queryField
  if query == nil and m.flags.enableautoindexquerynames then query = own end
  return add_index(m, { name = name, partition = field.name, sort = sort, query = given(query) }, "@index", directive.loc)
end

-- @key(fields: [partition, sort...]): without a name the primary key, with one an index.
local function read_key(world, m, directive)
  local values, err = world.reader:read(directive)
  if not values then return nil, err end
  local sort = {}
  for i = 2, #values.fields do sort[i - 1] = values.fields[i] end
  local partition, loc = values.fields[1], directive_arguments.loc(directive, "fields")
  if not partition then return fail(loc, "@key's 'fields' must name at least one field") end
  if not given(values.name) then
    if given(values.queryField) then
      return fail(directive_arguments.loc(directive, "queryField"), "@key's 'queryField' needs a 'name': the primary key has its own query")
    end
    return set_key(m, partition, sort, "@key", loc, true)
  end
  return add_index(m, { name = values.name, partition = partition, sort = sort, query = given(values.queryField) }, "@key", loc)
end

-- An index on the partition field of a primary key without sort fields would hold one item per value.
local function check_local_indexes(m)
  for _, index in ipairs(m.indexes) do
    if index.partition == m.key.partition and #m.key.sort == 0 and m.key.is_custom then
      return fail(m.loc, "index '%s' of model '%s' shares the partition field of its primary key, which then needs sort fields",
        index.name, m.name)
    end
  end
  return true
end

---Fills a model's `key` and `indexes`.
---@param world appsync.server.Survey
---@param m appsync.server.Model
---@return true? ok, appsync.server.SchemaError? err
function key_directives.read(world, m)
  local readers = { primaryKey = read_primary_key, index = read_index }
  for _, directive in ipairs(m.node.directives) do
    if directive.name == "key" then
      local ok, err = read_key(world, m, directive)
      if not ok then return nil, err end
    end
  end
  for _, field in ipairs(m.fields) do
    for _, directive in ipairs(field.node.directives) do
      local read = readers[directive.name]
      if read then
        local ok, err = read(world, m, field, directive)
        if not ok then return nil, err end
      end
    end
  end
  local id = m.field_by_name.id
  if not m.key and id and (id.is_list or (id.kind ~= "scalar" and id.kind ~= "enum")) then
    return fail(id.node.loc, "the id of model '%s' must be 'ID!', or another scalar or an enum", m.name)
  end
  m.key = m.key or { partition = "id", sort = {}, is_custom = false }
  if world.version == 1 then return true end
  return check_local_indexes(m)
end

return key_directives
