---What a source schema defines, by kind: the world that its models live in.
local definitions = require "appsync.schema.definitions"
local directives = require "appsync.schema.directives"
local feature_flags = require "appsync.server.transform.reading.feature_flags"
local names = require "appsync.schema.names"
local scalars = require "appsync.server.graphql.scalars"
local sdl_nodes = require "appsync.schema.sdl_nodes"

local fail = directives.fail

---@class appsync.server.ModelField
---@field name string
---@field type appsync.ast.Type
---@field named string the type's name under all wrappers
---@field is_list boolean
---@field is_required boolean
---@field kind "scalar"|"enum"|"object"|"model"|"other" other: interfaces and unions, which no input can hold
---@field is_declared boolean false: the transformation added it
---@field is_stored boolean false for fields that a relation resolves
---@field is_filtered_as_list boolean of an enum: filters compare the list
---@field is_foreign boolean? holds another model's key, for a relation
---@field is_hidden boolean? the type doesn't show it
---@field is_shown boolean? nevertheless, as a rule's owner
---@field is_timestamp boolean? added for the time of creation or of the last change
---@field node table the field's definition in the served schema

---@class appsync.server.Survey
---@field document appsync.ast.Document
---@field version 1|2 whose names and types are generated
---@field version_by string? what of the schema tells the version, as "@key"; nil where it's given, or nothing tells it
---@field flags appsync.server.FeatureFlags
---@field models table<string, appsync.server.Model>
---@field list appsync.server.Model[] in the order of the schema; join models of many-to-many relations at the end
---@field objects table<string, table> object types that are no models and no root types
---@field has_input table<string, true> those of them that an input can stand for
---@field enums table<string, table>
---@field names table<string, table> every definition
---@field roots {query: string, mutation: string, subscription: string} names of the root types
---@field explicit_roots table<string, true>? by operation, of a schema that names its root types
---@field is_root table<string, true>
---@field modes {default: string, enabled: table<string, true>?} enabled: nil where it isn't known
---@field is_sandbox boolean
---@field conflict appsync.server.ConflictSettings?
---@field reader appsync.server.DirectiveReader
---@field functions appsync.server.FunctionChain[] fields with @function
---@field field_rules table<string, appsync.server.Rule[]> by "Type.field", of types that are no models
---@field decisive_rules table<string, appsync.server.Rule[]> of them those that a caller is asked by; none: nobody is asked
---@field type_auth table<string, string[]> the @aws_* directives that types get; sets, too
---@field seen_auth table<string, string[]> those that objects inside models have got already
---@field connections table<string, true> names of the connection types that relations lead to
local World = {}
World.__index = World

local survey = {}

local function is_scalar(name)
  local scalar = scalars[name]
  return type(scalar) == "table" and scalar.parse ~= nil
end

-- An object whose fields no input can hold has no input itself: those that are left hold something, or each other.
local function find_inputs(world)
  for name in pairs(world.objects) do world.has_input[name] = true end
  local is_settled
  repeat
    is_settled = true
    for name, node in pairs(world.objects) do
      local holds = false
      for _, field in ipairs(world.has_input[name] and node.fields or {}) do
        local kind = world:kind_of(sdl_nodes.named(field.type))
        holds = holds or kind == "scalar" or kind == "enum" or kind == "object"
      end
      if world.has_input[name] and not holds then world.has_input[name], is_settled = nil, false end
    end
  until is_settled
end

---@return "scalar"|"enum"|"object"|"model"|"other"
function World:kind_of(name)
  if is_scalar(name) then return "scalar" end
  if self.enums[name] then return "enum" end
  if self.models[name] then return "model" end
  if self.has_input[name] then return "object" end
  return "other"
end

local function describe(world, node)
  local named = sdl_nodes.named(node.type)
  local kind = world:kind_of(named)
  return {
    name = node.name, type = node.type, named = named, is_list = sdl_nodes.is_list(node.type),
    is_required = node.type.kind == "NonNullType", kind = kind, is_declared = true,
    is_stored = kind ~= "model" and kind ~= "other", node = node,
    -- The second version takes only a nullable list for one: `[Status]!` is filtered as a single value.
    is_filtered_as_list = kind == "enum" and (node.type.kind == "ListType" or world.version == 1 and sdl_nodes.is_list(node.type)),
  }
end

---Adds a field that the schema doesn't declare to a model.
---@param m appsync.server.Model
---@param name string
---@param type_text string
---@return appsync.server.ModelField
function World:add_field(m, name, type_text)
  local node = sdl_nodes.field(name, type_text, m.loc)
  local field = describe(self, node)
  field.is_declared = false
  table.insert(m.node.fields, node)
  table.insert(m.fields, field)
  m.field_by_name[name] = field
  return field
end

---Adds a field that is stored and written by inputs, and that the type doesn't show.
---@param m appsync.server.Model
---@param name string
---@param type_text string
function World:add_hidden_field(m, name, type_text)
  local field = describe(self, sdl_nodes.field(name, type_text, m.loc))
  field.is_declared, field.is_foreign, field.is_hidden = false, true, true
  table.insert(m.fields, field)
  m.field_by_name[name] = field
end

---Begins a model of a type with @model; its directives are read later.
---@param node table
---@param directive appsync.ast.Directive
---@return appsync.server.Model
function World:add_model(node, directive)
  local m = {
    name = node.name, stem = names.generated(node.name, self.version), transformer = self.version, flags = self.flags,
    node = node, directive = directive, loc = node.loc, fields = {}, field_by_name = {}, indexes = {}, relations = {},
    relation_by_field = {}, defaults = {}, field_rules = {}, listings = {},
  }
  self.models[m.name] = m
  self.objects[m.name] = nil
  self.names[m.name] = node
  table.insert(self.list, m)
  return m
end

---Reads the declared fields of a model, once all types are known.
function World:describe_fields(m)
  for _, node in ipairs(m.node.fields) do
    local field = describe(self, node)
    table.insert(m.fields, field)
    m.field_by_name[field.name] = field
  end
end

local function read_roots(world)
  world.roots = { query = "Query", mutation = "Mutation", subscription = "Subscription" }
  for _, node in ipairs(world.document.definitions) do
    if node.kind == "SchemaDefinition" then world.explicit_roots = world.explicit_roots or {} end
    for _, root in ipairs(node.operationTypes or {}) do
      world.roots[root.operation] = root.type
      if world.explicit_roots then world.explicit_roots[root.operation] = true end
    end
  end
  world.is_root = {}
  for _, name in pairs(world.roots) do world.is_root[name] = true end
end

local function visit_directives(world, visit)
  for _, node in ipairs(world.document.definitions) do
    for _, directive in ipairs(node.directives or {}) do visit(directive) end
    for _, field in ipairs(node.fields or {}) do
      for _, directive in ipairs(field.directives or {}) do visit(directive) end
    end
  end
end

local ORDINALS = { "first", "second" }

-- Each transformer knows only its own directives.
local function check_version(transformer, stranger)
  if not transformer.version or not stranger then return true end
  return fail(stranger.loc, "%s is of Amplify's %s transformer, and this schema follows the %s%s", stranger.what,
    ORDINALS[3 - transformer.version], ORDINALS[transformer.version],
    transformer.because and ": " .. transformer.because or "")
end

-- What only the first version's rules of @auth have.
local function first_rule_argument(directive)
  local value = directives.argument(directive, "rules")
  for _, rule in ipairs(value and (value.values or { value }) or {}) do
    for _, argument in ipairs(rule.fields or {}) do
      if definitions.RULES_OF_VERSION_1[argument.name] then
        local sign = ("@auth's '%s'"):format(argument.name)
        return { sign = sign, what = sign, loc = argument.loc }
      end
    end
  end
  return nil
end

-- A schema that nobody says it of is of the version that it tells itself: the second where it tells both, or nothing.
local function find_version(world, transformer, is_sandbox)
  local first, second
  visit_directives(world, function(directive)
    local found = { sign = "@" .. directive.name, what = "directive @" .. directive.name, loc = directive.loc }
    if definitions.VERSION_1[directive.name] then first = first or found end
    if definitions.VERSION_2[directive.name] then second = second or found end
    first = first or directive.name == "auth" and first_rule_argument(directive) or nil
  end)
  local is_second = second or is_sandbox
  world.version = transformer.version or (first and not second and 1) or not is_second and transformer.fallback or 2
  if transformer.fallback == world.version then world.flags = feature_flags.complete(feature_flags.UNNAMED) end
  local told_by = not transformer.version and (second or first)
  world.version_by = told_by and told_by.sign or nil
  return check_version(transformer, world.version == 1 and second or world.version == 2 and first)
end

local function join(node, extension)
  for _, list in ipairs({ "interfaces", "directives", "fields", "values" }) do
    for _, item in ipairs(extension[list] or {}) do
      node[list] = node[list] or {}
      table.insert(node[list], item)
    end
  end
end

-- What inputs and filters are made of is complete before they are: extensions become a part of what they extend. Directives
-- there would be lost on the way to a model. The first version made nothing of what extends a model.
local function merge_extensions(world)
  local kept = {}
  for _, node in ipairs(world.document.definitions) do
    local m = node.kind == "ObjectTypeExtension" and world.models[node.name]
    local extended = m and m.node or node.kind == "ObjectTypeExtension" and world.objects[node.name]
      or node.kind == "EnumTypeExtension" and world.enums[node.name]
    if m and node.directives[1] then
      return fail(node.directives[1].loc, "directive @%s belongs on the definition of '%s', not on its extension",
        node.directives[1].name, node.name)
    elseif extended and not (m and world.version == 1) then
      join(extended, node)
    else
      kept[#kept + 1] = node
    end
  end
  world.document.definitions = kept
  return true
end

local function sort_definitions(world)
  for _, node in ipairs(world.document.definitions) do
    if node.name and not node.kind:find("Extension$") then
      if world.names[node.name] and node.kind ~= "DirectiveDefinition" then
        return fail(node.loc, "type '%s' is defined twice", node.name)
      end
      if node.kind ~= "DirectiveDefinition" then world.names[node.name] = node end
    end
    if node.kind == "EnumTypeDefinition" then
      world.enums[node.name] = node
    elseif node.kind == "ObjectTypeDefinition" and not world.is_root[node.name] then
      world.objects[node.name] = node
    end
  end
  return true
end

local function find_models(world)
  for _, node in ipairs(world.document.definitions) do
    local directive = node.kind == "ObjectTypeDefinition" and directives.find(node.directives, "model")
    if directive and world.is_root[node.name] then
      return fail(directive.loc, "@model is not allowed on the root type '%s'", node.name)
    elseif directive then
      world:add_model(node, directive)
    end
  end
  return true
end

---Surveys a document; its models have their fields, and nothing of their directives is read yet.
---@param document appsync.ast.Document
---@param options {modes: {default: string?, additional: table?}?, reader: appsync.server.DirectiveReader,
---transformer: appsync.server.Transformer?, is_sandbox: boolean?}
---@return appsync.server.Survey? world, appsync.server.SchemaError? err
function survey.read(document, options)
  local modes, transformer = options.modes or {}, options.transformer or {}
  local world = setmetatable({
    document = document, models = {}, list = {}, objects = {}, has_input = {}, enums = {}, names = {}, reader = options.reader,
    modes = { default = modes.default or "API_KEY" }, field_rules = {}, decisive_rules = {},
    flags = feature_flags.complete(transformer.flags),
  }, World)
  if modes.default then
    world.modes.enabled = { [modes.default] = true }
    for _, mode in ipairs(modes.additional or {}) do world.modes.enabled[mode] = true end
  end
  read_roots(world)
  local is_known, why = find_version(world, transformer, options.is_sandbox)
  if not is_known then return nil, why end
  for _, step in ipairs({ sort_definitions, find_models, merge_extensions }) do
    local ok, err = step(world)
    if not ok then return nil, err end
  end
  find_inputs(world)
  for _, m in ipairs(world.list) do world:describe_fields(m) end
  return world
end

return survey
