---@default: what a field gets that a create leaves out (Amplify documentation, "Assign default values for fields").
local directive_arguments = require "appsync.schema.directive_arguments"
local directives = require "appsync.schema.directives"
local scalars = require "appsync.server.graphql.scalars"

local fail = directives.fail

local defaults = {}

local FROM_TEXT = {
  Int = tonumber, Float = tonumber, AWSTimestamp = tonumber,
  Boolean = function(text)
    if text == "true" then return true end
    if text == "false" then return false end
    return nil
  end,
}

local function read_scalar(name, text)
  local convert = FROM_TEXT[name]
  local value = text
  if convert then value = convert(text) end
  if value == nil then return nil end
  return scalars[name].parse(value)
end

local function read_value(world, field, text)
  if field.kind ~= "enum" then return read_scalar(field.named, text) end
  local members = {}
  for _, member in ipairs(world.enums[field.named].values) do
    if member.name == text then return text end
    members[#members + 1] = member.name
  end
  return nil, "it is one of " .. table.concat(members, ", ")
end

local function read_default(world, m, field, directive)
  local values, err = world.reader:read(directive)
  if not values then return nil, err end
  local loc = directive_arguments.loc(directive, "value")
  if directive_arguments.given(values.value) == nil then
    return fail(loc, "@default of '%s.%s' needs a 'value'", m.name, field.name)
  elseif field.is_list or (field.kind ~= "scalar" and field.kind ~= "enum") then
    return fail(loc, "@default of '%s.%s': only fields of scalars and enums have defaults", m.name, field.name)
  end
  local value, why = read_value(world, field, values.value)
  if value == nil then
    return fail(loc, "@default of '%s.%s': '%s' is not a valid %s%s", m.name, field.name, values.value, field.named,
      why and ": " .. why or "")
  end
  m.defaults[field.name] = value
  return true
end

---Fills a model's `defaults`.
---@param world appsync.server.Survey
---@param m appsync.server.Model
---@return true? ok, appsync.server.SchemaError? err
function defaults.read(world, m)
  for _, field in ipairs(m.fields) do
    local directive = directives.find(field.node.directives, "default")
    if directive then
      local ok, err = read_default(world, m, field, directive)
      if not ok then return nil, err end
    end
  end
  return true
end

return defaults
