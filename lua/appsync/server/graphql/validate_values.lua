---Literals against the types of arguments, in graphql-java's wording (rule ArgumentsOfCorrectType).
local schema = require "appsync.server.graphql.schema"

local validate_values = {}

local NAMED = { StringValue = "StringValue{value='%s'}", IntValue = "IntValue{value=%s}",
  FloatValue = "FloatValue{value=%s}", EnumValue = "EnumValue{name='%s'}" }

---A literal as Java prints its tree.
---@param node appsync.ast.Value
---@return string
function validate_values.text(node)
  local parts = {}
  if NAMED[node.kind] then return (NAMED[node.kind]:gsub("%%s", (node.value:gsub("%%", "%%%%")))) end
  if node.kind == "BooleanValue" then return ("BooleanValue{value=%s}"):format(tostring(node.value)) end
  if node.kind == "Variable" then return ("VariableReference{name='%s'}"):format(node.name) end
  if node.kind == "ListValue" then
    for i, item in ipairs(node.values) do parts[i] = validate_values.text(item) end
    return ("ArrayValue{values=[%s]}"):format(table.concat(parts, ", "))
  elseif node.kind == "ObjectValue" then
    for i, field in ipairs(node.fields) do
      parts[i] = ("ObjectField{name='%s', value=%s}"):format(field.name, validate_values.text(field.value))
    end
    return ("ObjectValue{objectFields=[%s]}"):format(table.concat(parts, ", "))
  end
  return "NullValue{}"
end

local find_fault

local function object_fault(type_, node, at)
  if node.kind ~= "ObjectValue" then return at, node, "must be an object type" end
  local given, missing = {}, {}
  for _, field in ipairs(node.fields) do given[field.name] = true end
  for _, field in ipairs(type_.field_list) do
    if field.type.kind == "NON_NULL" and not field.default and not given[field.name] then
      missing[#missing + 1] = field.name
    end
  end
  if #missing > 0 then return at, node, ("is missing required fields '[%s]'"):format(table.concat(missing, ", ")) end
  for _, field in ipairs(node.fields) do
    local known = type_.fields[field.name]
    if not known then return at, node, ("contains a field not in '%s': '%s'"):format(type_.name, field.name) end
    local where, what, message = find_fault(known.type, field.value, at .. "." .. field.name)
    if message then return where, what, message end
  end
  return nil
end

local function list_fault(ref, node, at)
  if node.kind ~= "ListValue" then return find_fault(ref.of, node, at) end
  for i, item in ipairs(node.values) do
    local where, what, message = find_fault(ref.of, item, ("%s[%d]"):format(at, i - 1))
    if message then return where, what, message end
  end
  return nil
end

local function leaf_fault(type_, node, at)
  local ok
  if type_.kind == "ENUM" then
    ok = node.kind == "EnumValue" and type_.values[node.value] ~= nil
  elseif type_.scalar.literals[node.kind] then
    local value = node.value
    if node.kind == "IntValue" or node.kind == "FloatValue" then
      value = type_.name == "ID" and value or tonumber(value)
    end
    ok = type_.scalar.parse(value) ~= nil
  end
  if ok then return nil end
  return at, node, ("is not a valid '%s'"):format(type_.name)
end

---The first place where a literal does not fit; variables fit here, their types are checked elsewhere.
---@return string? at, appsync.ast.Value? node, string? message
function find_fault(ref, node, at)
  if node.kind == "Variable" then return nil end
  if ref.kind == "NON_NULL" then
    if node.kind == "NullValue" then return at, node, "must not be null" end
    return find_fault(ref.of, node, at)
  end
  if node.kind == "NullValue" then return nil end
  if ref.kind == "LIST" then return list_fault(ref, node, at) end
  if ref.kind == "INPUT_OBJECT" then return object_fault(ref, node, at) end
  return leaf_fault(ref, node, at)
end

local function check_duplicate_fields(v, node)
  if node.kind == "ListValue" then
    for _, item in ipairs(node.values) do check_duplicate_fields(v, item) end
  elseif node.kind == "ObjectValue" then
    local seen = {}
    for _, field in ipairs(node.fields) do
      if seen[field.name] then
        v:add("UniqueObjectFieldName", ("There can be only one field named '%s'"):format(field.name), field.loc)
      end
      seen[field.name] = true
      check_duplicate_fields(v, field.value)
    end
  end
end

---Checks the arguments of a field or directive.
---@param v appsync.server.Validator
---@param definition {args: table<string, appsync.server.InputValue>, arg_list: appsync.server.InputValue[]}
---@param node appsync.ast.Field|appsync.ast.Directive
---@param what "field"|"directive"
function validate_values.check_arguments(v, definition, node, what)
  local seen = {}
  for _, argument in ipairs(node.arguments) do
    local arg = definition.args[argument.name]
    if seen[argument.name] then
      v:add("DuplicateArgumentNames", ("There can be only one argument named '%s'"):format(argument.name), argument.loc)
    end
    seen[argument.name] = true
    if not arg then
      v:add("UnknownArgument", ("Unknown %s argument %s"):format(what, argument.name), argument.loc)
    else
      check_duplicate_fields(v, argument.value)
      local at, value, message = find_fault(arg.type, argument.value, argument.name)
      if message then
        v:add("WrongType", ("argument '%s' with value '%s' %s"):format(at, validate_values.text(value), message),
          argument.loc)
      end
    end
  end
  for _, arg in ipairs(definition.arg_list) do
    if arg.type.kind == "NON_NULL" and not arg.default and not seen[arg.name] then
      local kind = what == "field" and "MissingFieldArgument" or "MissingDirectiveArgument"
      v:add(kind, ("Missing %s argument %s"):format(what, arg.name), node.loc)
    end
  end
end

---Checks the default of a variable.
---@param v appsync.server.Validator
---@param definition appsync.ast.VariableDefinition
---@param ref appsync.server.TypeRef
function validate_values.check_default(v, definition, ref)
  local _, _, message = find_fault(ref, definition.defaultValue, definition.variable)
  if message then
    v:add("BadValueForDefaultArg", ("Bad default value %s for type %s"):format(
      validate_values.text(definition.defaultValue), schema.type_text(ref)), definition.loc)
  end
end

return validate_values
