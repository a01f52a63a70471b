---SDL with Amplify's directives, as what Amplify's generator makes of it for DataStore
---(amplify-codegen, visitors/appsync-json-metadata-visitor.ts).
local connections = require "appsync.models.sdl.first_relations"
local core = require "appsync.core"
local directives = require "appsync.schema.directives"
local fault = require "appsync.models.fault"
local join_models = require "appsync.models.sdl.join_models"
local keys = require "appsync.models.sdl.model_keys"
local plural = require "appsync.schema.plural"
local relations = require "appsync.models.sdl.associations"
local types = require "appsync.models.sdl.types"

local sdl = {}

-- The service sets these; those that the type declares are anybody's.
local function add_timestamps(world, m, given)
  local timestamps = given.timestamps or {}
  local directive = directives.find(m.directives, "model")
  local value = directive and directives.argument(directive, "timestamps")
  if value and value.kind == "NullValue" then return end
  for _, name in ipairs({ "createdAt", "updatedAt" }) do
    local own = timestamps[name]
    if own ~= core.null then
      local field = types.field(own or name, "AWSDateTime", true)
      field.is_read_only = true
      types.add(m, field)
    end
  end
  return world
end

local function subscriptions_of(world, m)
  local directive = directives.find(m.directives, "model")
  local value = directive and directives.argument(directive, "subscriptions")
  if not value then return nil end
  if value.kind == "NullValue" then return core.null end
  local given = world:arguments(directive).subscriptions
  return given.level and given.level ~= core.null and { level = given.level } or nil
end

local function write_field(world, m, field, is_model)
  local type_ = world:type_of(field.type)
  if not type_ then
    if not is_model then return nil end
    fault.at(field.loc, "'%s.%s' is of type '%s', which isn't a scalar of AppSync, an enum or an object type of this schema", m.name,
      field.name, field.type)
  end
  return {
    name = field.name, isArray = field.is_list, type = type_, isRequired = not field.is_nullable, attributes = {},
    isArrayNullable = field.is_list_nullable, isReadOnly = field.is_read_only, association = field.association,
  }
end

local function write_fields(world, m, is_model)
  local fields = {}
  for _, field in ipairs(m.fields) do fields[field.name] = write_field(world, m, field, is_model) end
  return fields
end

local function write_attributes(world, m)
  local attributes = { { type = "model", properties = { subscriptions = subscriptions_of(world, m) } } }
  for _, attribute in ipairs(m.attributes) do attributes[#attributes + 1] = attribute end
  for _, directive in ipairs(m.directives) do
    if directive.name == "auth" then
      attributes[#attributes + 1] = { type = "auth", properties = { rules = world:arguments(directive).rules } }
    end
  end
  return attributes
end

local function write(world)
  local out = { version = "sdl", models = {}, enums = {}, nonModels = {} }
  for _, m in ipairs(world.list) do
    out.models[m.name] = { name = m.name, fields = write_fields(world, m, true), pluralName = plural(m.name),
      attributes = write_attributes(world, m) }
  end
  for name, values in pairs(world.enums) do out.enums[name] = { name = name, values = values } end
  for name, object in pairs(world.objects) do
    out.nonModels[name] = { name = name, fields = write_fields(world, object, false) }
  end
  return out
end

---Reads SDL. Raises a fault that names the place.
---@param text string
---@return table schema in the shape of what schema.js exports
function sdl.read(text)
  local document, err = core.parse(text)
  if not document then fault.raise("%s", err.message) end
  local world = types.read(document)
  if not world.list[1] then fault.raise("no type has @model") end
  for _, m in ipairs(world.list) do
    keys.read(world, m)
    add_timestamps(world, m, world:find(m.directives, "model"))
  end
  if world.version == 1 then
    connections.read(world)
  else
    join_models.read(world)
    for _, m in ipairs(world.list) do
      if m.is_join then add_timestamps(world, m, {}) end
    end
    relations.read(world)
  end
  return write(world)
end

return sdl
