---Introspection (GraphQL October 2021, section 4): the types, and the resolvers that read them off a schema.
local core = require "appsync.core"

local introspect = {}

introspect.SDL = [[
"A GraphQL Schema defines the capabilities of a GraphQL server."
type __Schema {
  description: String
  types: [__Type!]!
  queryType: __Type!
  mutationType: __Type
  subscriptionType: __Type
  directives: [__Directive!]!
}
type __Type {
  kind: __TypeKind!
  name: String
  description: String
  fields(includeDeprecated: Boolean = false): [__Field!]
  interfaces: [__Type!]
  possibleTypes: [__Type!]
  enumValues(includeDeprecated: Boolean = false): [__EnumValue!]
  inputFields(includeDeprecated: Boolean = false): [__InputValue!]
  ofType: __Type
  specifiedByURL: String
}
type __Field {
  name: String!
  description: String
  args(includeDeprecated: Boolean = false): [__InputValue!]!
  type: __Type!
  isDeprecated: Boolean!
  deprecationReason: String
}
type __InputValue {
  name: String!
  description: String
  type: __Type!
  defaultValue: String
  isDeprecated: Boolean!
  deprecationReason: String
}
type __EnumValue {
  name: String!
  description: String
  isDeprecated: Boolean!
  deprecationReason: String
}
enum __TypeKind { SCALAR OBJECT INTERFACE UNION ENUM INPUT_OBJECT LIST NON_NULL }
type __Directive {
  name: String!
  description: String
  locations: [__DirectiveLocation!]!
  args(includeDeprecated: Boolean = false): [__InputValue!]!
  isRepeatable: Boolean!
}
enum __DirectiveLocation {
  QUERY MUTATION SUBSCRIPTION FIELD FRAGMENT_DEFINITION FRAGMENT_SPREAD INLINE_FRAGMENT VARIABLE_DEFINITION
  SCHEMA SCALAR OBJECT FIELD_DEFINITION ARGUMENT_DEFINITION INTERFACE UNION ENUM ENUM_VALUE INPUT_OBJECT
  INPUT_FIELD_DEFINITION
}
]]

local function list(items)
  return setmetatable(items, core.array_mt)
end

local function visible(items, args)
  local out = {}
  for _, item in ipairs(items) do
    if args.includeDeprecated == true or not item.deprecated then out[#out + 1] = item end
  end
  return list(out)
end

local function is_deprecated(ctx)
  return ctx.source.deprecated ~= nil
end

local function deprecation_reason(ctx)
  return ctx.source.deprecated
end

local function args_of(ctx)
  return visible(ctx.source.arg_list, ctx.arguments)
end

---A literal in GraphQL's own syntax.
---@param node appsync.ast.Value
---@return string
function introspect.literal_text(node)
  local parts = {}
  if node.kind == "StringValue" then return core.encode(node.value) end
  if node.kind == "NullValue" then return "null" end
  if node.kind == "ListValue" then
    for i, item in ipairs(node.values) do parts[i] = introspect.literal_text(item) end
    return "[" .. table.concat(parts, ", ") .. "]"
  elseif node.kind == "ObjectValue" then
    for i, field in ipairs(node.fields) do parts[i] = field.name .. ": " .. introspect.literal_text(field.value) end
    return "{" .. table.concat(parts, ", ") .. "}"
  end
  return tostring(node.value)
end

local resolvers = { is_builtin = true }

resolvers.__Type = {
  fields = function(ctx)
    local kind = ctx.source.kind
    if kind ~= "OBJECT" and kind ~= "INTERFACE" then return nil end
    return visible(ctx.source.field_list, ctx.arguments)
  end,
  interfaces = function(ctx)
    local kind = ctx.source.kind
    if kind ~= "OBJECT" and kind ~= "INTERFACE" then return nil end
    return list(ctx.source.interfaces)
  end,
  possibleTypes = function(ctx)
    local kind = ctx.source.kind
    if kind ~= "INTERFACE" and kind ~= "UNION" then return nil end
    return list(ctx.source.possible_list)
  end,
  enumValues = function(ctx)
    return ctx.source.kind == "ENUM" and visible(ctx.source.value_list, ctx.arguments) or nil
  end,
  inputFields = function(ctx)
    return ctx.source.kind == "INPUT_OBJECT" and visible(ctx.source.field_list, ctx.arguments) or nil
  end,
  ofType = function(ctx) return ctx.source.of end,
}

resolvers.__Field = { args = args_of, isDeprecated = is_deprecated, deprecationReason = deprecation_reason }
resolvers.__EnumValue = { isDeprecated = is_deprecated, deprecationReason = deprecation_reason }
resolvers.__Directive = {
  args = args_of,
  locations = function(ctx) return list(ctx.source.locations) end,
  isRepeatable = function(ctx) return ctx.source.is_repeatable == true end,
}
resolvers.__InputValue = {
  isDeprecated = is_deprecated,
  deprecationReason = deprecation_reason,
  defaultValue = function(ctx) return ctx.source.default and introspect.literal_text(ctx.source.default) or nil end,
}
resolvers.__Schema = {
  types = function(ctx) return list(ctx.source.type_list) end,
  queryType = function(ctx) return ctx.source.query end,
  mutationType = function(ctx) return ctx.source.mutation end,
  subscriptionType = function(ctx) return ctx.source.subscription end,
  directives = function(ctx) return list(ctx.source.directive_list) end,
}

introspect.resolvers = resolvers

---Adds `__schema`, `__type` and what `__typename` needs to a built schema.
---@param s appsync.server.Schema
function introspect.attach(s)
  local function non_null(ref) return { kind = "NON_NULL", of = ref } end
  local name = { name = "name", type = non_null(s.types.String) }
  s.typename_type = non_null(s.types.String)
  s.meta_fields = {
    __schema = { name = "__schema", type = non_null(s.types.__Schema), args = {}, arg_list = {} },
    __type = { name = "__type", type = s.types.__Type, args = { name = name }, arg_list = { name } },
  }
  s.meta_resolvers = {
    __schema = function() return s end,
    __type = function(ctx) return s.types[ctx.arguments.name] end,
  }
end

return introspect
