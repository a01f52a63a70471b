---Keys and indexes of SDL as attributes: @primaryKey and @index, @key of the first transformer
---(amplify-codegen, utils/process-primary-key.ts and utils/process-index.ts).
local directives = require "appsync.schema.directives"
local fault = require "appsync.models.fault"
local names = require "appsync.schema.names"
local types = require "appsync.models.sdl.types"

local keys = {}

local function check_fields(m, list, directive)
  for _, name in ipairs(list) do
    if not m.by_name[name] then
      fault.at(directive.loc, "@%s names the field '%s', which '%s' doesn't have", directive.name, name, m.name)
    end
  end
  return list
end

local function add(m, directive, name, list, query)
  check_fields(m, list, directive)
  table.insert(m.attributes, { type = "key", properties = { name = name, fields = list, queryField = query } })
end

local function set_key(m, directive, list)
  if m.has_key then fault.at(directive.loc, "model '%s' has two primary keys", m.name) end
  add(m, directive, nil, list)
  m.key, m.has_key = list, true
  for _, name in ipairs(list) do
    if m.by_name[name].is_nullable then
      fault.at(directive.loc, "@%s: the field '%s.%s' of the primary key must be non-null ('!')", directive.name, m.name, name)
    end
  end
end

local function with(first, others)
  local list = { first }
  for _, name in ipairs(others or {}) do list[#list + 1] = name end
  return list
end

---Adds a named index.
---@param m appsync.models.SdlModel
---@param name string
---@param list string[]
function keys.add_index(m, name, list)
  table.insert(m.attributes, { type = "key", properties = { name = name, fields = list } })
end

local function read_second(world, m)
  for _, field in ipairs(m.fields) do
    for _, directive in ipairs(field.directives) do
      if directive.name == "primaryKey" then
        set_key(m, directive, with(field.name, world:arguments(directive).sortKeyFields))
      elseif directive.name == "index" then
        local given = world:arguments(directive)
        local name = given.name or names.index(m.name, field.name, given.sortKeyFields or {})
        add(m, directive, name, with(field.name, given.sortKeyFields), given.queryField)
      end
    end
  end
end

local function read_first(world, m)
  for _, directive in ipairs(m.directives) do
    if directive.name == "key" then
      local given = world:arguments(directive)
      if not given.fields[1] then fault.at(directive.loc, "@key's 'fields' must name at least one field") end
      if given.name then
        add(m, directive, given.name, given.fields, given.queryField)
      else
        set_key(m, directive, given.fields)
      end
    end
  end
end

-- The service makes an id for each model that has no other key.
local function ensure_id(m)
  local id = m.by_name.id
  if id then
    if not m.has_key then id.is_nullable = false end
  elseif not m.has_key then
    types.add(m, types.field("id", "ID", false))
  end
end

---Reads the keys of a model, and gives it the id that it needs.
---@param world appsync.models.SdlWorld
---@param m appsync.models.SdlModel
function keys.read(world, m)
  if world.version == 1 then read_first(world, m) else read_second(world, m) end
  ensure_id(m)
end

---The field that an index, or without a name the primary key, begins with.
---@param m appsync.models.SdlModel
---@param index string?
---@return string? field
function keys.first_field(m, index)
  for _, attribute in ipairs(m.attributes) do
    if attribute.type == "key" and attribute.properties.name == index then return attribute.properties.fields[1] end
  end
  return nil
end

---Whether a field has a directive.
---@param field appsync.models.SdlField
---@param name string
---@return boolean
function keys.has(field, name)
  return directives.find(field.directives, name) ~= nil
end

return keys
