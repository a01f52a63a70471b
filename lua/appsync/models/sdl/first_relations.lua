---@connection of the first transformer as the associations that Amplify's generator makes of it
---(amplify-codegen, utils/process-connections.ts).
local directives = require "appsync.schema.directives"
local fault = require "appsync.models.fault"
local keys = require "appsync.models.sdl.model_keys"
local names = require "appsync.schema.names"
local types = require "appsync.models.sdl.types"

local connections = {}

-- The field there that a connection by fields is found by.
local function by_fields(world, m, field, related, use)
  local name = keys.first_field(related, use.given.keyName)
  if not name and use.given.keyName then
    fault.at(use.directive.loc, "@connection of '%s.%s' names the key '%s', which '%s' doesn't have", m.name, field.name,
      use.given.keyName, related.name)
  end
  name = name or "id"
  for _, other in ipairs(related.fields) do
    local given = world:find(other.directives, "connection")
    if given and given.fields and given.fields[1] == name then return other end
  end
  return related.by_name[name]
end

local function by_name(world, m, field, related, use)
  for _, other in ipairs(related.fields) do
    local given = other ~= field and world:find(other.directives, "connection")
    if given and given.name == use.given.name then return other end
  end
  fault.at(use.directive.loc, "connection '%s' of '%s.%s' has no other side in '%s'", use.given.name, m.name, field.name,
    related.name)
end

local function one_to_one(m, field, other, use, target)
  if not field.is_nullable and other.is_nullable then return { connectionType = "BELONGS_TO", targetName = target } end
  if field.is_nullable and not other.is_nullable then
    return { connectionType = "HAS_ONE", associatedWith = other.name, targetName = target }
  end
  fault.at(use.directive.loc, "DataStore takes no connection of one to one with both sides alike: make one of '%s.%s' and its "
    .. "other side non-null ('!')", m.name, field.name)
end

local function associate(world, m, field, related, use)
  local implied = names.camel({ m.name, field.name, "id" })
  local target, other = use.given.fields and use.given.fields[1] or implied, related.by_name[implied]
  if use.given.fields then
    other = by_fields(world, m, field, related, use)
  elseif use.given.name then
    other = by_name(world, m, field, related, use)
  end
  if field.is_list then
    if not other then
      other = types.field(implied, "ID", true)
      types.add(related, other)
    end
    if other.is_list then
      fault.at(use.directive.loc, "the connection of '%s.%s' has a list on both sides; join the two models by a third one", m.name,
        field.name)
    end
    return { connectionType = "HAS_MANY", associatedWith = other.name }
  end
  if use.given.fields and #use.given.fields > 1 then
    fault.at(use.directive.loc, "@connection of '%s.%s': DataStore takes one field in 'fields' of what isn't a list", m.name, field.name)
  end
  if not other or other.is_list then return { connectionType = "BELONGS_TO", targetName = target } end
  return one_to_one(m, field, other, use, target)
end

-- The generator leaves the field out that holds the key of what a model belongs to.
local function drop_target(m, name)
  if name == m.key[1] then return end
  for i, field in ipairs(m.fields) do
    if field.name == name then
      table.remove(m.fields, i)
      m.by_name[name] = nil
      return
    end
  end
end

---Associates the fields of all models.
---@param world appsync.models.SdlWorld
function connections.read(world)
  for _, m in ipairs(world.list) do
    local dropped = {}
    for _, field in ipairs(m.fields) do
      local directive = directives.find(field.directives, "connection")
      if directive then
        local related = world.models[field.type]
        if not related then
          fault.at(directive.loc, "@connection of '%s.%s' needs a model: type '%s' has no @model", m.name, field.name, field.type)
        end
        local use = { directive = directive, given = world:arguments(directive) }
        field.association = associate(world, m, field, related, use)
        if field.association.connectionType == "BELONGS_TO" then dropped[#dropped + 1] = field.association.targetName end
      end
    end
    for _, name in ipairs(dropped) do drop_target(m, name) end
  end
end

return connections
