---The arguments of a directive as Lua values, checked against its definition (GraphQL October 2021, section 3.13).
local core = require "appsync.core"
local directives = require "appsync.schema.directives"
local sdl_nodes = require "appsync.schema.sdl_nodes"

local fail = directives.fail

---@class appsync.server.DirectiveReader
---@field private definitions table<string, table>
---@field private inputs table<string, table>
---@field private enums table<string, table>
local Reader = {}
Reader.__index = Reader

local directive_arguments = {}

local SCALARS = {
  String = { StringValue = "a string" }, Int = { IntValue = "an integer" }, Boolean = { BooleanValue = "true or false" },
  Float = { IntValue = "a number", FloatValue = "a number" }, ID = { StringValue = "a string", IntValue = "a string" },
}

local function list_names(node)
  local names = {}
  for i, member in ipairs(node.values) do names[i] = member.name end
  return table.concat(names, ", ")
end

local function read_scalar(value, name, path)
  local accepted = SCALARS[name]
  if accepted[value.kind] then
    if name == "Int" or name == "Float" then return tonumber(value.value) end
    return value.value
  end
  local _, what = next(accepted)
  return fail(value.loc, "%s must be %s", path, what)
end

local function read_enum(value, enum, path)
  if value.kind == "EnumValue" then
    for _, member in ipairs(enum.values) do
      if member.name == value.value then return value.value end
    end
  end
  return fail(value.loc, "%s must be one of %s", path, list_names(enum))
end

function Reader:read_object(value, input, path)
  if value.kind ~= "ObjectValue" then return fail(value.loc, "%s must be an object or null", path) end
  local out, types = {}, {}
  for _, field in ipairs(input.fields) do types[field.name] = field.type end
  for _, field in ipairs(value.fields) do
    local wanted = types[field.name]
    if not wanted then return fail(field.loc, "%s has no '%s'", path, field.name) end
    local inner = ("%s.%s'"):format(path:sub(1, -2), field.name)
    local read, err = self:read_value(field.value, wanted, inner)
    if read == nil then return nil, err end
    out[field.name] = read
  end
  for _, field in ipairs(input.fields) do
    if field.type.kind == "NonNullType" and out[field.name] == nil then
      return fail(value.loc, "%s needs '%s'", path, field.name)
    end
  end
  return out
end

function Reader:read_list(value, item_type, path)
  local items = value.kind == "ListValue" and value.values or { value }
  local out = {}
  for i, item in ipairs(items) do
    local read, err = self:read_value(item, item_type, path)
    if read == nil then return nil, err end
    out[i] = read
  end
  return out
end

function Reader:read_value(value, type_, path)
  if type_.kind == "NonNullType" then
    if value.kind == "NullValue" then return fail(value.loc, "%s must not be null", path) end
    return self:read_value(value, type_.type, path)
  end
  if value.kind == "NullValue" then return core.null end
  if type_.kind == "ListType" then return self:read_list(value, type_.type, path) end
  local name = type_.name
  if self.enums[name] then return read_enum(value, self.enums[name], path) end
  if self.inputs[name] then return self:read_object(value, self.inputs[name], path) end
  if SCALARS[name] then return read_scalar(value, name, path) end
  return fail(value.loc, "%s is of the unknown type '%s'", path, sdl_nodes.text(type_))
end

---The arguments by name: lists are Lua lists (one value stands for a list of one), enum values strings, input objects
---tables; `core.null` where null is written. Absent ones are their defaults.
---@param directive appsync.ast.Directive
---@return table? values, appsync.server.SchemaError? err
function Reader:read(directive)
  local definition, out = self.definitions[directive.name], {}
  for _, argument in ipairs(definition.arguments) do
    local value = directives.argument(directive, argument.name) or argument.defaultValue
    if value then
      local path = ("@%s's '%s'"):format(directive.name, argument.name)
      local read, err = self:read_value(value, argument.type, path)
      if read == nil then return nil, err end
      out[argument.name] = read
    end
  end
  return out
end

---A reader of the directives that a parsed document defines.
---@param documents appsync.ast.Document[]
---@return appsync.server.DirectiveReader
function directive_arguments.reader(documents)
  local self = setmetatable({ definitions = {}, inputs = {}, enums = {} }, Reader)
  for _, document in ipairs(documents) do
    for _, node in ipairs(document.definitions) do
      if node.kind == "DirectiveDefinition" then self.definitions[node.name] = node end
      if node.kind == "InputObjectTypeDefinition" then self.inputs[node.name] = node end
      if node.kind == "EnumTypeDefinition" then self.enums[node.name] = node end
    end
  end
  return self
end

---A value of an argument, nil where null is written: most arguments mean the same by it as by being absent.
---@param value any
---@return any
function directive_arguments.given(value)
  if value == core.null then return nil end
  return value
end

---The place of an argument, or of the directive where it isn't given.
---@param directive appsync.ast.Directive
---@param name string
---@return appsync.ast.Loc
function directive_arguments.loc(directive, name)
  local value = directives.argument(directive, name)
  return value and value.loc or directive.loc
end

return directive_arguments
