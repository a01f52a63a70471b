---SDL to a type system (GraphQL October 2021, section 3).
local core = require "appsync.core"
local directives = require "appsync.schema.directives"
local scalars = require "appsync.server.graphql.scalars"

local each, fail = directives.each, directives.fail

---@class appsync.server.InputValue
---@field name string
---@field description string?
---@field type appsync.server.TypeRef
---@field default appsync.ast.Value?
---@field deprecated string?
---@field loc appsync.ast.Loc

---@class appsync.server.Field
---@field name string
---@field description string?
---@field type appsync.server.TypeRef
---@field args table<string, appsync.server.InputValue>
---@field arg_list appsync.server.InputValue[]
---@field directives appsync.ast.Directive[]
---@field deprecated string? the reason
---@field loc appsync.ast.Loc

---@class appsync.server.TypeRef
---@field kind "NON_NULL"|"LIST"|"SCALAR"|"OBJECT"|"INTERFACE"|"UNION"|"ENUM"|"INPUT_OBJECT"
---@field of appsync.server.TypeRef? what NON_NULL and LIST wrap

---@class appsync.server.Type: appsync.server.TypeRef
---@field name string
---@field description string?
---@field is_builtin boolean
---@field fields table<string, appsync.server.Field|appsync.server.InputValue>
---@field field_list (appsync.server.Field|appsync.server.InputValue)[]
---@field interfaces appsync.server.Type[]
---@field possible table<string, true> names of the object types of an abstract type
---@field possible_list appsync.server.Type[]
---@field values table<string, table> members of an enum
---@field value_list table[]
---@field scalar appsync.server.Scalar?
---@field directives appsync.ast.Directive[]
---@field loc appsync.ast.Loc

---@class appsync.server.Schema
---@field types table<string, appsync.server.Type>
---@field type_list appsync.server.Type[] in the order of the text, built-in ones first
---@field query appsync.server.Type
---@field mutation appsync.server.Type?
---@field subscription appsync.server.Type?
---@field directives table<string, table>
---@field directive_list table[]
---@field subscribe table<string, string[]> mutations by subscription field

local schema = {}

local KINDS = {
  ScalarTypeDefinition = "SCALAR", ObjectTypeDefinition = "OBJECT", InterfaceTypeDefinition = "INTERFACE",
  UnionTypeDefinition = "UNION", EnumTypeDefinition = "ENUM", InputObjectTypeDefinition = "INPUT_OBJECT",
}

local EXTENSIONS = {
  ScalarTypeExtension = "SCALAR", ObjectTypeExtension = "OBJECT", InterfaceTypeExtension = "INTERFACE",
  UnionTypeExtension = "UNION", EnumTypeExtension = "ENUM", InputObjectTypeExtension = "INPUT_OBJECT",
}

local function text_of(description)
  return description and description.value or nil
end

local function deprecation(list)
  local directive = directives.find(list or {}, "deprecated")
  if not directive then return nil end
  local reason = directives.argument(directive, "reason")
  return reason and reason.value or "No longer supported"
end

---"[Todo!]!" and the like.
---@param ref appsync.server.TypeRef
---@return string
function schema.type_text(ref)
  if ref.kind == "NON_NULL" then return schema.type_text(ref.of) .. "!" end
  if ref.kind == "LIST" then return "[" .. schema.type_text(ref.of) .. "]" end
  return ref.name
end

---The named type under all wrappers.
---@return appsync.server.Type
function schema.named(ref)
  while ref.of do ref = ref.of end
  return ref
end

function schema.is_input(ref)
  local kind = schema.named(ref).kind
  return kind == "SCALAR" or kind == "ENUM" or kind == "INPUT_OBJECT"
end

function schema.is_composite(ref)
  return ref.kind == "OBJECT" or ref.kind == "INTERFACE" or ref.kind == "UNION"
end

---Returns whether an object of type `name` can stand for `ref`.
---@param ref appsync.server.Type
---@param name string
function schema.is_possible(ref, name)
  return ref.name == name or (ref.possible and ref.possible[name]) or false
end

---The type that a type expression names; nil when a name is unknown (then the name is the second result).
---@param types table<string, appsync.server.Type>
---@param node appsync.ast.Type
---@return appsync.server.TypeRef? ref, appsync.ast.NamedType? unknown
function schema.resolve(types, node)
  if node.kind == "NamedType" then
    local found = types[node.name]
    if not found then return nil, node end
    return found
  end
  local inner, unknown = schema.resolve(types, node.type)
  if not inner then return nil, unknown end
  return { kind = node.kind == "ListType" and "LIST" or "NON_NULL", of = inner }
end

local function new_type(node, kind, is_builtin)
  return {
    kind = kind, name = node.name, description = text_of(node.description), is_builtin = is_builtin, fields = {},
    field_list = {}, interfaces = {}, possible = {}, possible_list = {}, values = {}, value_list = {}, directives = {},
    scalar = kind == "SCALAR" and is_builtin and scalars[node.name] or nil, loc = node.loc, nodes = { node },
  }
end

local function add_type(s, type_)
  s.types[type_.name] = type_
  s.type_list[#s.type_list + 1] = type_
end

local function declare(s, definition, is_builtin)
  local kind, name = KINDS[definition.kind], definition.name
  if kind then
    if not is_builtin and name:sub(1, 2) == "__" then
      return fail(definition.loc, "the type name '%s' is reserved", name)
    end
    if kind == "SCALAR" and scalars[name] and s.types[name] then return true end
    if kind == "SCALAR" then return fail(definition.loc, "scalar '%s': AppSync has no custom scalars", name) end
    if s.types[name] then return fail(definition.loc, "type '%s' is defined twice", name) end
    -- AppSync Developer Guide, "Scalar types in GraphQL".
    if name:find("^AWS") then return fail(definition.loc, "the type name '%s' begins with 'AWS', which is reserved", name) end
    add_type(s, new_type(definition, kind, is_builtin))
  elseif definition.kind == "OperationDefinition" or definition.kind == "FragmentDefinition" then
    return fail(definition.loc, "a schema can't contain operations")
  end
  return true
end

local function extend(s, definition)
  local kind = EXTENSIONS[definition.kind]
  if not kind then return true end
  local target = s.types[definition.name]
  if not target or target.is_builtin then
    return fail(definition.loc, "type '%s' is extended but not defined", definition.name)
  elseif target.kind ~= kind then
    return fail(definition.loc, "the extension of '%s' is of a different kind than the type", definition.name)
  end
  target.nodes[#target.nodes + 1] = definition
  return true
end

local function input_value(s, node)
  local ref, unknown = schema.resolve(s.types, node.type)
  if not ref then return fail(unknown.loc, "type '%s' is unknown", unknown.name) end
  if not schema.is_input(ref) then
    return fail(node.loc, "'%s' is of type '%s', which is not an input type", node.name, schema.type_text(ref))
  end
  return {
    name = node.name, description = text_of(node.description), type = ref, default = node.defaultValue,
    deprecated = deprecation(node.directives), loc = node.loc,
  }
end

local function build_args(s, field, nodes)
  for _, node in ipairs(nodes) do
    local arg, err = input_value(s, node)
    if not arg then return nil, err end
    if field.args[arg.name] then return fail(node.loc, "argument '%s' of '%s' is defined twice", arg.name, field.name) end
    field.args[arg.name] = arg
    field.arg_list[#field.arg_list + 1] = arg
  end
  return field
end

local function output_field(s, node)
  local ref, unknown = schema.resolve(s.types, node.type)
  if not ref then return fail(unknown.loc, "type '%s' is unknown", unknown.name) end
  if schema.named(ref).kind == "INPUT_OBJECT" then
    return fail(node.loc, "field '%s' is of type '%s', which is an input type", node.name, schema.type_text(ref))
  end
  return build_args(s, {
    name = node.name, description = text_of(node.description), type = ref, args = {}, arg_list = {},
    directives = node.directives, deprecated = deprecation(node.directives), loc = node.loc,
  }, node.arguments)
end

local function build_fields(s, type_, node)
  local build = type_.kind == "INPUT_OBJECT" and input_value or output_field
  return each(node.fields or {}, function(member)
    local field, err = build(s, member)
    if not field then return nil, err end
    if type_.fields[field.name] then
      return fail(member.loc, "field '%s' of '%s' is defined twice", field.name, type_.name)
    end
    if field.name:sub(1, 2) == "__" and not type_.is_builtin then
      return fail(member.loc, "the field name '%s' is reserved", field.name)
    end
    type_.fields[field.name] = field
    type_.field_list[#type_.field_list + 1] = field
    return true
  end)
end

local function build_values(type_, node)
  for _, member in ipairs(node.values or {}) do
    if type_.values[member.name] then
      return fail(member.loc, "value '%s' of '%s' is defined twice", member.name, type_.name)
    end
    local value = {
      name = member.name, description = text_of(member.description), deprecated = deprecation(member.directives),
    }
    type_.values[member.name] = value
    type_.value_list[#type_.value_list + 1] = value
  end
  return true
end

local function build_members(s, type_, node)
  for _, name in ipairs(node.types or {}) do
    local member = s.types[name]
    if not member then return fail(node.loc, "type '%s' is unknown", name) end
    if member.kind ~= "OBJECT" then return fail(node.loc, "'%s' in union '%s' is not an object type", name, type_.name) end
    if type_.possible[name] then return fail(node.loc, "'%s' occurs twice in union '%s'", name, type_.name) end
    type_.possible[name] = true
    type_.possible_list[#type_.possible_list + 1] = member
  end
  return true
end

local function build_interfaces(s, type_, node)
  for _, name in ipairs(node.interfaces or {}) do
    local interface = s.types[name]
    if not interface then return fail(node.loc, "type '%s' is unknown", name) end
    if interface.kind ~= "INTERFACE" then return fail(node.loc, "'%s' is not an interface", name) end
    type_.interfaces[#type_.interfaces + 1] = interface
    if type_.kind == "OBJECT" and not interface.possible[type_.name] then
      interface.possible[type_.name] = true
      interface.possible_list[#interface.possible_list + 1] = type_
    end
  end
  return true
end

local function build_type(s, type_)
  for _, node in ipairs(type_.nodes) do
    for _, directive in ipairs(node.directives) do type_.directives[#type_.directives + 1] = directive end
    for _, build in ipairs({ build_fields, build_members, build_interfaces }) do
      local ok, err = build(s, type_, node)
      if not ok then return nil, err end
    end
    local ok, err = build_values(type_, node)
    if not ok then return nil, err end
  end
  type_.nodes = nil
  return true
end

local function build_directive(s, node, is_builtin)
  if s.directives[node.name] then return true end
  local directive, err = build_args(s, {
    name = node.name, description = text_of(node.description), args = {}, arg_list = {}, locations = node.locations,
    is_repeatable = node.repeatable, is_builtin = is_builtin, loc = node.loc,
  }, node.arguments)
  if not directive then return nil, err end
  s.directives[node.name] = directive
  s.directive_list[#s.directive_list + 1] = directive
  return true
end

local function build_roots(s, definitions)
  local named, is_explicit = {}, false
  for _, node in ipairs(definitions) do
    if node.kind == "SchemaDefinition" or node.kind == "SchemaExtension" then
      is_explicit = is_explicit or node.kind == "SchemaDefinition"
      for _, root in ipairs(node.operationTypes) do
        if named[root.operation] then return fail(root.loc, "the root type of %s is given twice", root.operation) end
        local found = s.types[root.type]
        if not found then return fail(root.loc, "type '%s' is unknown", root.type) end
        if found.kind ~= "OBJECT" then return fail(root.loc, "the root type '%s' is not an object type", root.type) end
        named[root.operation] = found
      end
    end
  end
  for operation, name in pairs({ query = "Query", mutation = "Mutation", subscription = "Subscription" }) do
    local default = not is_explicit and s.types[name] or nil
    if default and default.kind ~= "OBJECT" then return fail(default.loc, "'%s' is not an object type", name) end
    s[operation] = named[operation] or default
  end
  if not s.query then return fail(definitions[1] and definitions[1].loc, "the schema has no Query type") end
  return true
end

local function build_all(s, document, builtin)
  for _, name in ipairs(scalars.names) do
    add_type(s, new_type({ name = name, directives = {}, description = { value = scalars[name].description } }, "SCALAR", true))
  end
  for _, source in ipairs(builtin) do
    local ok, err = each(source.definitions, function(node) return declare(s, node, true) end)
    if not ok then return nil, err end
  end
  local steps = {
    { document.definitions, function(node) return declare(s, node, false) end },
    { document.definitions, function(node) return extend(s, node) end },
    { s.type_list, function(type_) return build_type(s, type_) end },
  }
  for _, step in ipairs(steps) do
    local ok, err = each(step[1], step[2])
    if not ok then return nil, err end
  end
  for _, source in ipairs({ builtin[1], builtin[2], document }) do
    local ok, err = each(source.definitions, function(node)
      if node.kind ~= "DirectiveDefinition" then return true end
      return build_directive(s, node, source ~= document)
    end)
    if not ok then return nil, err end
  end
  return build_roots(s, document.definitions)
end

---Builds the type system of a document whose directives are checked and whose models are expanded.
---@param document appsync.ast.Document
---@param builtin appsync.ast.Document[] introspection types and directives
---@return appsync.server.Schema? schema, appsync.server.SchemaError? err
function schema.build(document, builtin)
  local s = { types = {}, type_list = {}, directives = {}, directive_list = {}, subscribe = {} }
  local ok, err = build_all(s, document, builtin)
  if not ok then return nil, err end
  return s
end

---Parses a schema text.
---@param text string
---@return appsync.ast.Document? document, appsync.server.SchemaError? err
function schema.parse(text)
  local document, err = core.parse(text)
  if document then return document end
  local at = { line = err.line, column = err.column }
  return fail(at, "%s", (err.message:gsub(" %(line %d+, column %d+%)$", "")))
end

return schema
