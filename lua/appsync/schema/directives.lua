---The directives that a schema may use; unsupported ones are refused:
---a directive that was silently dropped would leave data unprotected or unrelated.
local directives = {}

---The directives that are part of every schema, as SDL.
directives.SDL = [[
directive @include(if: Boolean!) on FIELD | FRAGMENT_SPREAD | INLINE_FRAGMENT
directive @skip(if: Boolean!) on FIELD | FRAGMENT_SPREAD | INLINE_FRAGMENT
directive @deprecated(reason: String = "No longer supported") on
  FIELD_DEFINITION | ARGUMENT_DEFINITION | INPUT_FIELD_DEFINITION | ENUM_VALUE
directive @specifiedBy(url: String!) on SCALAR
directive @aws_subscribe(mutations: [String!]!) on FIELD_DEFINITION
directive @aws_auth(cognito_groups: [String!]!) on FIELD_DEFINITION
directive @aws_api_key on OBJECT | FIELD_DEFINITION
directive @aws_iam on OBJECT | FIELD_DEFINITION
directive @aws_oidc on OBJECT | FIELD_DEFINITION
directive @aws_lambda on OBJECT | FIELD_DEFINITION
directive @aws_cognito_user_pools(cognito_groups: [String!]) on OBJECT | FIELD_DEFINITION
]]

local TARGETS = {
  SchemaDefinition = "SCHEMA", SchemaExtension = "SCHEMA",
  ScalarTypeDefinition = "SCALAR", ScalarTypeExtension = "SCALAR",
  ObjectTypeDefinition = "OBJECT", ObjectTypeExtension = "OBJECT",
  InterfaceTypeDefinition = "INTERFACE", InterfaceTypeExtension = "INTERFACE",
  UnionTypeDefinition = "UNION", UnionTypeExtension = "UNION",
  EnumTypeDefinition = "ENUM", EnumTypeExtension = "ENUM",
  InputObjectTypeDefinition = "INPUT_OBJECT", InputObjectTypeExtension = "INPUT_OBJECT",
  DirectiveDefinition = "DIRECTIVE_DEFINITION", FieldDefinition = "FIELD_DEFINITION", EnumValueDefinition = "ENUM_VALUE",
}

---@class appsync.server.SchemaError
---@field message string ends with the place
---@field line integer
---@field column integer
---@field missing_mode appsync.server.AuthMode? what the API would have to enable for it
---@field others appsync.server.SchemaError[]? further ones, found beside it

---An error of the schema at a place.
---@param loc appsync.ast.Loc?
---@return nil, appsync.server.SchemaError
function directives.fail(loc, message, ...)
  local line, column = loc and loc.line or 1, loc and loc.column or 1
  if select("#", ...) > 0 then message = message:format(...) end
  return nil, { message = ("%s (line %d, column %d)"):format(message, line, column), line = line, column = column }
end

local fail = directives.fail

-- So many errors at once are as much as anybody reads.
local MAX_ERRORS = 20

-- What is read for several reasons (a rule, for the type and for its relations) is told once; messages end with the place.
local function is_told(first, err)
  if first.message == err.message then return true end
  for _, other in ipairs(first.others) do
    if other.message == err.message then return true end
  end
  return false
end

local function add_error(first, err)
  if not first then
    err.others = err.others or {}
    return err
  end
  local more = err.others or {}
  for i = 0, math.min(#more, MAX_ERRORS - #first.others - 1) do
    local other = i == 0 and err or more[i]
    if not is_told(first, other) then table.insert(first.others, other) end
  end
  return first
end

---Takes a step with each item and collects the errors, so that all mistakes in a schema are reported at once.
---@param list any[]
---@param step fun(item: any): any, appsync.server.SchemaError?
---@return true? ok, appsync.server.SchemaError? err the first one, with the others
function directives.each(list, step)
  local first
  for _, item in ipairs(list) do
    local ok, err = step(item)
    if not ok then first = add_error(first, err) end
  end
  return first == nil or nil, first
end

local function includes(list, value)
  for _, item in ipairs(list) do
    if item == value then return true end
  end
  return false
end

local function check_arguments(directive, definition)
  local given = {}
  for _, argument in ipairs(directive.arguments) do
    if given[argument.name] then
      return fail(argument.loc, "directive @%s has the argument '%s' twice", directive.name, argument.name)
    end
    given[argument.name] = argument
    if not definition.args[argument.name] then
      return fail(argument.loc, "directive @%s has no argument '%s'", directive.name, argument.name)
    end
  end
  for name, required in pairs(definition.args) do
    if required == "required" and not given[name] then
      return fail(directive.loc, "directive @%s needs the argument '%s'", directive.name, name)
    end
  end
  return true
end

-- AppSync's own may be repeated: `join_repeated` makes one of them.
local function is_joined(name)
  return name:find("^aws_") ~= nil
end

-- One of these could be carried out by whoever serves the schema.
local function refuse(directive, text)
  local _, fault = fail(directive.loc, text, directive.name)
  fault.unknown_directive = directive.name
  return nil, fault
end

local function check_list(list, target, known, unsupported)
  local seen = {}
  for _, directive in ipairs(list) do
    local definition = known[directive.name]
    if unsupported[directive.name] then
      return refuse(directive, "directive @%s is not supported by this version")
    elseif not definition then
      return refuse(directive, "directive @%s is unknown")
    elseif not includes(definition.locations, target) then
      return fail(directive.loc, "directive @%s is not allowed on %s", directive.name, target)
    elseif seen[directive.name] and not definition.repeatable and not is_joined(directive.name) then
      return fail(directive.loc, "directive @%s is given twice", directive.name)
    end
    seen[directive.name] = true
    local ok, err = check_arguments(directive, definition)
    if not ok then return nil, err end
  end
  return true
end

local function check_node(node, target, known, unsupported)
  local ok, err = check_list(node.directives or {}, target, known, unsupported)
  for _, members in ipairs({ node.fields or {}, node.values or {}, node.arguments or {} }) do
    for _, member in ipairs(members) do
      if not ok then return nil, err end
      local inner = TARGETS[member.kind]
      if member.kind == "InputValueDefinition" then
        inner = node.kind:find("^InputObject") and "INPUT_FIELD_DEFINITION" or "ARGUMENT_DEFINITION"
      end
      ok, err = check_node(member, inner, known, unsupported)
    end
  end
  return ok, err
end

local function add_definition(known, definition)
  local args = {}
  for _, argument in ipairs(definition.arguments) do
    local required = argument.type.kind == "NonNullType" and not argument.defaultValue
    args[argument.name] = required and "required" or "optional"
  end
  known[definition.name] = { args = args, locations = definition.locations, repeatable = definition.repeatable }
end

---Checks every directive of a schema document: known, supported, in its place, with its arguments.
---@param document appsync.ast.Document
---@param builtin appsync.ast.Document[] parsed definitions of the directives that need no declaration
---@param unsupported table<string, true>? directives that are known and refused
---@return true? ok, appsync.server.SchemaError? err
function directives.check(document, builtin, unsupported)
  local known = {}
  for _, source in ipairs(builtin) do
    for _, definition in ipairs(source.definitions) do
      if definition.kind == "DirectiveDefinition" then add_definition(known, definition) end
    end
  end
  for _, definition in ipairs(document.definitions) do
    if definition.kind == "DirectiveDefinition" and not known[definition.name] then add_definition(known, definition) end
  end
  return directives.each(document.definitions, function(definition)
    local target = TARGETS[definition.kind]
    if not target then return true end
    return check_node(definition, target, known, unsupported or {})
  end)
end

-- What both say: the values of both lists; nothing where one of them has no list, which means all.
local function join(directive, other)
  local own, more = directive.arguments[1], other.arguments[1]
  if not own or not more then
    directive.arguments = {}
    return
  end
  local function values_of(argument)
    return argument.value.kind == "ListValue" and argument.value.values or { argument.value }
  end
  local values, seen = {}, {}
  for _, argument in ipairs({ own, more }) do
    for _, value in ipairs(values_of(argument)) do
      if not seen[value.value] then values[#values + 1] = value end
      seen[value.value or value] = true
    end
  end
  own.value = { kind = "ListValue", values = values, loc = own.value.loc }
end

local function joined(list)
  local kept, first = {}, {}
  for _, directive in ipairs(list) do
    local same = is_joined(directive.name) and first[directive.name]
    if same then
      join(same, directive)
    else
      first[directive.name] = directive
      kept[#kept + 1] = directive
    end
  end
  return kept
end

---Makes one of AppSync's directives where a type or a field has it more than once, as the service takes it: @aws_iam twice
---is @aws_iam, and two lists of groups are the groups of both.
---@param document appsync.ast.Document checked
function directives.join_repeated(document)
  for _, node in ipairs(document.definitions) do
    if node.directives then node.directives = joined(node.directives) end
    for _, field in ipairs(node.fields or {}) do
      if field.directives then field.directives = joined(field.directives) end
    end
  end
end

---The first directive of that name, or nil.
---@param list appsync.ast.Directive[]
---@return appsync.ast.Directive?
function directives.find(list, name)
  for _, directive in ipairs(list) do
    if directive.name == name then return directive end
  end
  return nil
end

---The value of a directive's argument as it stands in the text, or nil.
---@param directive appsync.ast.Directive
---@return appsync.ast.Value?
function directives.argument(directive, name)
  for _, argument in ipairs(directive.arguments) do
    if argument.name == name then return argument.value end
  end
  return nil
end

---The strings of a directive's argument that is a string or a list of them; nil when it is absent.
---@return string[]?
function directives.strings(directive, name)
  local value = directives.argument(directive, name)
  if not value then return nil end
  local list = {}
  for _, item in ipairs(value.kind == "ListValue" and value.values or { value }) do
    if item.kind == "StringValue" then list[#list + 1] = item.value end
  end
  return list
end

return directives
