---@versioned: a counter that updates and deletes must know (Amplify CLI documentation, "Versioning and conflict detection"
---of the transformer's first version).
local directive_arguments = require "appsync.schema.directive_arguments"
local directives = require "appsync.schema.directives"
local names = require "appsync.schema.names"

local fail, given = directives.fail, directive_arguments.given

local versioned = {}

---Fills a model's `versioned`, and makes its version field an `Int!`.
---@param world appsync.server.Survey
---@param m appsync.server.Model
---@return true? ok, appsync.server.SchemaError? err
function versioned.read(world, m)
  local directive = directives.find(m.node.directives, "versioned")
  if not directive then return true end
  local values, err = world.reader:read(directive)
  if not values then return nil, err end
  local name, input = given(values.versionField) or "version", given(values.versionInput) or "expectedVersion"
  for _, named in ipairs({ name, input }) do
    if not names.is_name(named) then return fail(directive.loc, "@versioned: '%s' isn't the name of a field", named) end
  end
  local field = m.field_by_name[name]
  if field and (field.named ~= "Int" or field.is_list) then
    return fail(field.node.loc, "the version field '%s' of model '%s' must be 'Int!'", name, m.name)
  elseif m.field_by_name[input] then
    return fail(directive.loc, "@versioned's input '%s' has the name of a field of model '%s'", input, m.name)
  end
  m.versioned = { field = name, input = input }
  if not field then
    world:add_field(m, name, "Int!")
  elseif not field.is_required then
    field.type = { kind = "NonNullType", type = field.type, loc = field.type.loc }
    field.node.type, field.is_required = field.type, true
  end
  return true
end

return versioned
