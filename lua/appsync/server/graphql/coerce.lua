---Input values: literals and variables to what resolvers get (GraphQL October 2021, sections 3.x "Input Coercion",
---6.1.2 and 6.4.1). Messages are those of graphql-java, which the service runs on.
local core = require "appsync.core"
local is_list = require "appsync.server.graphql.is_list"
local scalars = require "appsync.server.graphql.scalars"
local schema = require "appsync.server.graphql.schema"

local coerce = {}

local NULL, array_mt = core.null, core.array_mt
local type_text = schema.type_text

local function as_list(items)
  return setmetatable(items, array_mt)
end

---The Lua value of a scalar literal.
local function scalar_literal(node, name)
  if node.kind == "IntValue" then
    if name == "ID" then return node.value end
    local number = tonumber(node.value)
    return math.tointeger and math.tointeger(number) or number
  elseif node.kind == "FloatValue" then
    return tonumber(node.value)
  end
  return node.value
end

local literal

-- The default of an input object's field is completed by defaults in its turn: a circle of them has no end, and two in each
-- of many types double each time.
local MAX_NESTED_DEFAULTS, MAX_DEFAULTS = 100, 1000
local n_nested, n_defaults = 0, 0

local function default_of(field)
  if n_nested >= MAX_NESTED_DEFAULTS then return nil, "leads to itself" end
  n_defaults = n_nested == 0 and 1 or n_defaults + 1
  if n_defaults > MAX_DEFAULTS then return nil, ("leads to more than %d other defaults"):format(MAX_DEFAULTS) end
  n_nested = n_nested + 1
  local value, message = literal(field.type, field.default, nil)
  n_nested = n_nested - 1
  return value, message
end

local function literal_object(type_, node, variables)
  if node.kind ~= "ObjectValue" then return nil, "is not an object type" end
  local given, out = {}, {}
  for _, field in ipairs(node.fields) do
    if not type_.fields[field.name] then
      return nil, ("contains a field not in '%s': '%s'"):format(type_.name, field.name)
    end
    given[field.name] = field.value
  end
  for _, field in ipairs(type_.field_list) do
    local value, message
    local source = given[field.name]
    if source and source.kind == "Variable" and variables and variables[source.name] == nil then source = nil end
    if source or field.default then
      if source then
        value, message = literal(field.type, source, variables)
      else
        value, message = default_of(field)
      end
      if value == nil then return nil, message end
      out[field.name] = value
    elseif field.type.kind == "NON_NULL" then
      return nil, ("is missing required fields '[%s]'"):format(field.name)
    end
  end
  return out
end

local function literal_list(type_, node, variables)
  local out = {}
  for i, item in ipairs(node.kind == "ListValue" and node.values or { node }) do
    local value, message = literal(type_.of, item, variables)
    if value == nil then return nil, message end
    out[i] = value
  end
  return as_list(out)
end

local function literal_leaf(type_, node)
  if type_.kind == "ENUM" then
    if node.kind == "EnumValue" and type_.values[node.value] then return node.value end
    return nil, ("is not a valid '%s'"):format(type_.name)
  end
  if not type_.scalar.literals[node.kind] then return nil, ("is not a valid '%s'"):format(type_.name) end
  local value = type_.scalar.parse(scalar_literal(node, type_.name))
  if value == nil then return nil, ("is not a valid '%s'"):format(type_.name) end
  return value
end

---A literal as a value. Without `variables` a variable in it is refused.
---@param ref appsync.server.TypeRef
---@param node appsync.ast.Value
---@param variables table<string, any>? coerced ones
---@return any value nil when it does not fit; null is `core.null`
---@return string? message
function coerce.literal(ref, node, variables)
  if node.kind == "Variable" then
    local value = variables and variables[node.name]
    if value == nil then value = NULL end
    if value == NULL and ref.kind == "NON_NULL" then return nil, "must not be null" end
    return value
  end
  if ref.kind == "NON_NULL" then
    if node.kind == "NullValue" then return nil, "must not be null" end
    return literal(ref.of, node, variables)
  end
  if node.kind == "NullValue" then return NULL end
  if ref.kind == "LIST" then return literal_list(ref, node, variables) end
  if ref.kind == "INPUT_OBJECT" then return literal_object(ref, node, variables) end
  return literal_leaf(ref, node)
end
literal = coerce.literal

---Whether a literal without variables fits.
---@return boolean ok, string? message
function coerce.check_literal(ref, node)
  local value, message = literal(ref, node, nil)
  return value ~= nil, message
end

---Where a variable's value stands: its variable and the field inside it.
local function null_message(at, ref)
  if at.field then
    return ("Field '%s' of variable '%s' has coerced Null value for NonNull type '%s'"):format(at.field, at.variable,
      type_text(ref))
  end
  return ("Variable '%s' has coerced Null value for NonNull type '%s'"):format(at.variable, type_text(ref))
end

local function invalid(at, message)
  return nil, ("Variable '%s' has an invalid value : %s"):format(at.variable, message)
end

local input

local needed = setmetatable({}, { __mode = "k" })

-- The fields of an input type that get a value, or an error, also when they are not given.
local function needed_fields(type_)
  local list = needed[type_]
  if not list then
    list = {}
    for _, field in ipairs(type_.field_list) do
      if field.default or field.type.kind == "NON_NULL" then list[#list + 1] = field end
    end
    needed[type_] = list
  end
  return list
end

local function input_object(type_, value, at)
  if type(value) ~= "table" or is_list(value) then
    return invalid(at, ("Expected type 'Map' but was '%s'. Variables for input objects must be an instance of type 'Map'.")
      :format(scalars.java_name(value)))
  end
  for name in pairs(value) do
    if not type_.fields[name] then
      return nil, ("The variables input contains a field name '%s' that is not defined for input object type '%s' ")
        :format(tostring(name), type_.name)
    end
  end
  local out = {}
  -- Very many of them fit in a request: those that are empty need not be asked for each field.
  for _, field in ipairs(next(value) == nil and needed_fields(type_) or type_.field_list) do
    local given, message = value[field.name], nil
    if given == nil and field.default then
      given, message = literal(field.type, field.default, nil)
    elseif given ~= nil or field.type.kind == "NON_NULL" then
      given, message = input(field.type, given, { variable = at.variable, field = field.name })
    end
    if message then return nil, message end
    out[field.name] = given
  end
  return out
end

local function input_list(ref, value, at)
  local out = {}
  for i, item in ipairs(is_list(value) and value or { value }) do
    local message
    out[i], message = input(ref.of, item, at)
    if message then return nil, message end
  end
  return as_list(out)
end

local function input_leaf(type_, value, at)
  if type_.kind == "ENUM" then
    if type(value) == "string" and type_.values[value] then return value end
    return invalid(at, ("Invalid input for Enum '%s'. No value found for name '%s'"):format(type_.name, tostring(value)))
  end
  local parsed, message = type_.scalar.parse(value)
  if parsed == nil then return invalid(at, message) end
  return parsed
end

---A variable's value (decoded JSON) as a value; nil and a message when it does not fit.
function coerce.input(ref, value, at)
  if ref.kind == "NON_NULL" then
    if value == nil or value == NULL then return nil, null_message(at, ref) end
    return input(ref.of, value, at)
  end
  if value == nil or value == NULL then return NULL end
  if ref.kind == "LIST" then return input_list(ref, value, at) end
  if ref.kind == "INPUT_OBJECT" then return input_object(ref, value, at) end
  return input_leaf(ref, value, at)
end
input = coerce.input

---The variables of an operation.
---@param s appsync.server.Schema
---@param operation appsync.ast.OperationDefinition
---@param raw table<string, any>?
---@return table<string, any>? variables, {message: string, loc: appsync.ast.Loc}? err
function coerce.variables(s, operation, raw)
  local out = {}
  raw = type(raw) == "table" and raw or {}
  for _, definition in ipairs(operation.variableDefinitions) do
    local name = definition.variable
    local ref = schema.resolve(s.types, definition.type)
    local value, message = raw[name], nil
    if value == nil and definition.defaultValue then
      value, message = literal(ref, definition.defaultValue, nil)
    elseif value ~= nil or ref.kind == "NON_NULL" then
      value, message = input(ref, value, { variable = name })
    end
    if message then return nil, { message = message, loc = definition.loc } end
    out[name] = value
  end
  return out
end

---An argument of a field in a document, looked up once.
---@class appsync.server.PlannedArgument
---@field name string
---@field type appsync.server.TypeRef
---@field is_required boolean
---@field constant any? its value whatever the variables are; never a table, which a resolver might change
---@field variable string? the name of the variable that is its value
---@field source appsync.ast.Value?
---@field default appsync.ast.Value?

local function plan_argument(arg, source)
  local planned = { name = arg.name, type = arg.type, source = source, default = arg.default,
    is_required = arg.type.kind == "NON_NULL" }
  local value = source or arg.default
  if source and source.kind == "Variable" then
    planned.variable = source.name
  elseif value and value.kind ~= "ListValue" and value.kind ~= "ObjectValue" then
    local constant = literal(arg.type, value, nil)
    if type(constant) ~= "table" then planned.constant = constant end
  end
  return planned
end

-- How many values `literal` makes of a tree.
local function count_values(node)
  local n = 1
  for _, item in ipairs(node.values or {}) do n = n + count_values(item) end
  for _, field in ipairs(node.fields or {}) do n = n + count_values(field.value) end
  return n
end

---@class appsync.server.PlannedArguments: {[integer]: appsync.server.PlannedArgument}
---@field n_values integer that are made each time

---What there is to do for the arguments of a field or directive; `coerce.planned` does it.
---@param arg_list appsync.server.InputValue[]
---@param nodes appsync.ast.Argument[]
---@return appsync.server.PlannedArguments
function coerce.plan_arguments(arg_list, nodes)
  local out, sources = { n_values = 0 }, {}
  for _, node in ipairs(nodes) do sources[node.name] = node.value end
  for _, arg in ipairs(arg_list) do
    local source = sources[arg.name]
    if source or arg.default or arg.type.kind == "NON_NULL" then
      local planned = plan_argument(arg, source)
      if planned.constant == nil and (source or arg.default) then
        out.n_values = out.n_values + count_values(source or arg.default)
      end
      out[#out + 1] = planned
    end
  end
  return out
end

local function planned_value(arg, variables)
  if arg.constant ~= nil then return arg.constant end
  local source = arg.source
  if arg.variable then
    local value = variables[arg.variable]
    if value == NULL and arg.is_required then return nil, "must not be null" end
    if value ~= nil then return value end
    source = nil
  end
  source = source or arg.default
  if source then return literal(arg.type, source, variables) end
  return nil, arg.is_required and "must not be null" or nil
end

---The arguments as they were planned.
---@param list appsync.server.PlannedArguments
---@param variables table<string, any>
---@return table<string, any>? args, string? message
function coerce.planned(list, variables)
  local out = {}
  for i = 1, #list do
    local arg = list[i]
    local value, message = planned_value(arg, variables)
    if message then return nil, ("argument '%s' %s"):format(arg.name, message) end
    out[arg.name] = value
  end
  return out
end

---The arguments of a field or directive. The operation was validated, so only variables can fail here.
---@param arg_list appsync.server.InputValue[]
---@param nodes appsync.ast.Argument[]
---@param variables table<string, any>
---@return table<string, any>? args, string? message
function coerce.arguments(arg_list, nodes, variables)
  return coerce.planned(coerce.plan_arguments(arg_list, nodes), variables)
end

return coerce
