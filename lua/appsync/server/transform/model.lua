---Expands Amplify's directives: a source schema becomes the schema that is served, and the list of its models.
local access = require "appsync.server.transform.reading.access"
local access_v1 = require "appsync.server.transform.v1.access_v1"
local auth_directive = require "appsync.server.transform.reading.auth_directive"
local builtin_types = require "appsync.server.transform.generating.builtin_types"
local conflict = require "appsync.server.transform.reading.conflict"
local connections = require "appsync.server.transform.v1.connections"
local defaults = require "appsync.server.transform.reading.defaults"
local definitions = require "appsync.schema.definitions"
local directive_arguments = require "appsync.schema.directive_arguments"
local directives = require "appsync.schema.directives"
local function_directive = require "appsync.server.transform.reading.function_directive"
local generate = require "appsync.server.transform.generating.generate"
local inputs = require "appsync.server.transform.generating.inputs"
local key_directives = require "appsync.server.transform.reading.key_directives"
local many_to_many = require "appsync.server.transform.reading.many_to_many"
local model_directive = require "appsync.server.transform.reading.model_directive"
local outside = require "appsync.server.transform.reading.outside"
local relation_directives = require "appsync.server.transform.reading.relation_directives"
local sandbox = require "appsync.server.transform.reading.sandbox"
local schema = require "appsync.server.graphql.schema"
local searchable_directive = require "appsync.server.transform.reading.searchable_directive"
local sdl_nodes = require "appsync.schema.sdl_nodes"
local survey = require "appsync.server.transform.reading.survey"
local versioned = require "appsync.server.transform.v1.versioned"

local model = {}

---@class appsync.server.Model
---@field name string
---@field loc appsync.ast.Loc
---@field fields appsync.server.ModelField[] declared ones first, then what the transformation adds
---@field field_by_name table<string, appsync.server.ModelField>
---@field key appsync.server.Key
---@field indexes appsync.server.Index[]
---@field relations appsync.server.Relation[]
---@field relation_by_field table<string, appsync.server.Relation>
---@field ops table<string, string> names of get, list, sync, create, update, delete; absent: disabled
---@field events {name: string, mutation: string, op: string, mutations: string[]}[] subscriptions
---@field level "on"|"off"|"public" of subscriptions: public ones are not authorized
---@field lacks_subscriptions boolean? by null in place of their map
---@field created_at string? name of the field that holds the time of creation
---@field updated_at string?
---@field search appsync.server.Search? of @searchable
---@field has_timestamps boolean
---@field transformer 1|2 the version of the transformer
---@field flags appsync.server.FeatureFlags
---@field stem string what it is called in the names of the types of its own operations
---@field listings table<string, true> what it is called in the names of its connections and their filters: by its own list
---the stem, by an index or a relation the name
---@field filter_maker appsync.server.Relation? the relation that first asked for its filter, where no query does
---@field operation_auth table<string, string[]> the @aws_* directives of its operations; "index" is any query by one
---@field owner_fields string[]?
---@field owner_arguments {name: string, is_required: boolean?}[]? of subscriptions
---@field protected_fields table<string, true>? those that owner and group rules read: filters of subscriptions leave them out
---@field node table its definition in the served schema
---@field directive appsync.ast.Directive @model
---@field defaults table<string, any> by field, as resolvers see values
---@field versioned {field: string, input: string}?
---@field rules appsync.server.Rule[]? nil: the model has no @auth
---@field field_rules table<string, appsync.server.Rule[]> they stand instead of the model's for that field
---@field roles appsync.server.Role[]? who may do what with which declared field
---@field is_sandbox boolean? without rules in a sandbox: open to API keys
---@field is_unprotected boolean? without rules of its own in a schema of the first version: open beside models with rules
---@field is_join boolean? made for a many-to-many relation
---@field conflict appsync.server.Conflict? nil: the model isn't versioned

---@class appsync.server.Models: appsync.server.Model[]
---@field by_name table<string, appsync.server.Model>
---@field field_rules table<string, appsync.server.Rule[]> by "Type.field", of types that are no models
---@field functions appsync.server.FunctionChain[] fields with @function
---@field resolvers table<string, table<string, function>>? of plug-ins
---@field wraps table[]? of plug-ins
---@field generated appsync.server.Parts?
---@field transformer {version: 1|2, sign: string?} whose names and types they have, and what of the schema tells it

local reader

-- Of all of Amplify's directives, unless it is said which.
local function amplify_reader(documents)
  if documents then return directive_arguments.reader(documents) end
  if not reader then
    documents = {}
    for i, text in ipairs(definitions.all()) do documents[i] = assert(schema.parse(text)) end
    reader = directive_arguments.reader(documents)
  end
  return reader
end

local function add_timestamp(world, m, key)
  local name = m[key]
  if not name then return end
  local field = m.field_by_name[name] or world:add_field(m, name, "AWSDateTime!")
  field.is_timestamp = not field.is_declared or nil
  -- The time is a text: a field of another type is its clients' own.
  if not inputs.can_hold_time(field) then m[key] = nil end
end

-- id and the timestamps, where a type has none.
local function add_implicit_fields(world, m)
  if not m.field_by_name.id and not m.key.is_custom then world:add_field(m, "id", "ID!") end
  add_timestamp(world, m, "created_at")
  add_timestamp(world, m, "updated_at")
end

local function each_model(world, step)
  return directives.each(world.list, function(m) return step(world, m) end)
end

local function add_all_implicit_fields(world)
  for _, m in ipairs(world.list) do add_implicit_fields(world, m) end
  for _, kind in ipairs({ "hasMany", "hasOne", "belongsTo" }) do relation_directives.complete(world, kind) end
  return each_model(world, conflict.add_fields)
end

-- Each needs what the ones before it have read of all models.
local STEPS = {
  outside.check,
  function_directive.read,
  function(world) return each_model(world, key_directives.read) end,
  function(world) return each_model(world, versioned.read) end,
  function(world) return each_model(world, defaults.read) end,
  function(world) return each_model(world, relation_directives.read) end,
  connections.read,
  many_to_many.read,
  function(world) return each_model(world, model_directive.read) end,
  function(world) return each_model(world, searchable_directive.read) end,
  conflict.check,
  function(world) return each_model(world, conflict.read) end,
  function(world) return each_model(world, auth_directive.read) end,
  auth_directive.read_outside,
  add_all_implicit_fields,
  function(world) return each_model(world, searchable_directive.complete) end,
}

local function has_directive(list, known)
  for _, directive in ipairs(list) do
    if known[directive.name] then return true end
  end
  return false
end

local function without(list, known)
  if not has_directive(list, known) then return list end
  local kept = {}
  for _, directive in ipairs(list) do
    if not known[directive.name] then kept[#kept + 1] = directive end
  end
  return kept
end

-- The served schema knows nothing of what made it.
local function strip(document, known)
  for _, node in ipairs(document.definitions) do
    if node.directives then node.directives = without(node.directives, known) end
    for _, field in ipairs(node.fields or {}) do
      if field.directives then field.directives = without(field.directives, known) end
    end
  end
end

local function append(document, world, parts)
  if parts:is_empty() then return true end
  local generated, err = schema.parse(parts:text())
  if not generated then return nil, err end
  for _, node in ipairs(generated.definitions) do
    local is_extension = node.kind == "ObjectTypeExtension"
    if is_extension or not world.names[node.name] then table.insert(document.definitions, node) end
  end
  return true
end

-- Adds the @aws_* directives that a type has not been given by hand.
local function add_type_directives(world, known)
  for name in pairs(known) do
    local node = world.names[name]
    local has = {}
    for _, directive in ipairs(node and node.directives or {}) do has[directive.name] = true end
    for _, directive in ipairs(node and known[name] or {}) do
      if not has[directive] then table.insert(node.directives, sdl_nodes.directive(directive, node.loc)) end
    end
  end
end

-- Fields that aren't a model's are opened one by one; the first version opened their type with them.
local function access_outside(world)
  for _, node in ipairs(world.document.definitions) do
    for _, field in ipairs(node.fields or {}) do
      local list = world.field_rules[("%s.%s"):format(node.name, field.name)]
      local modes = list and access.modes_of(list)
      for _, name in ipairs(modes and access.directives_of(world, modes, false) or {}) do
        if not directives.find(field.directives, name) then
          table.insert(field.directives, sdl_nodes.directive(name, field.loc))
        end
      end
      if modes and world.version == 1 and not world.is_root[node.name] then
        access.add_to_type(world, node.name, access.directives_of(world, modes, true))
      end
    end
  end
end

local function apply_access(world)
  world.type_auth, world.seen_auth, world.connections = {}, {}, {}
  generate.relation_fields(world)
  for _, m in ipairs(world.list) do
    local ok, err = (world.version == 1 and access_v1 or access).apply(world, m)
    if not ok then return nil, err end
    if m.is_sandbox then access.apply_sandbox(world, m) end
  end
  access_outside(world)
  return true
end

---Expands the models of a document in place; its directives are checked.
---@param document appsync.ast.Document
---@param options {modes: {default: string?, additional: table?}?, conflict: appsync.server.ConflictSettings?, first_line: integer?,
---transformer: appsync.server.Transformer?, definitions: appsync.ast.Document[]?}?
---modes: of authorization, those that the API has enabled; first_line: where what is generated begins to count its lines;
---definitions: of the directives that are expanded
---@return appsync.server.Models? models, appsync.server.SchemaError? err
function model.expand(document, options)
  options = options or {}
  local is_sandbox, why = sandbox.take(document)
  if is_sandbox == nil then return nil, why end
  builtin_types.add(document)
  local world, err = survey.read(document,
    { modes = options.modes, transformer = options.transformer, reader = amplify_reader(options.definitions),
      is_sandbox = is_sandbox })
  if not world then return nil, err end
  world.is_sandbox, world.conflict = is_sandbox, options.conflict
  for _, step in ipairs(STEPS) do
    local ok, problem = step(world)
    if not ok then return nil, problem end
  end
  local is_applied, fault = apply_access(world)
  if not is_applied then return nil, fault end
  strip(document, world.reader.definitions)
  local models = world.list
  models.by_name, models.field_rules, models.functions = world.models, world.decisive_rules, world.functions
  models.transformer = { version = world.version, sign = world.version_by }
  add_type_directives(world, world.type_auth)
  -- A project of the second version has what filters are made of, be there models or not.
  if #models == 0 and (options.transformer or {}).version ~= 2 then return models end
  local parts, problem = generate.parts(world, options.first_line or 1)
  if not parts then return nil, problem end
  local ok
  ok, problem = append(document, world, parts)
  if not ok then return nil, problem end
  models.generated = parts
  return models
end

return model
