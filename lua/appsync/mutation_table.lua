---What a mutation is sent with so that the cache shows at once what it will bring: the rules of the AWS AppSync SDK's
---buildMutation (packages/aws-appsync/src/helpers/offline.ts at aws-appsync@4.1.10).
local cache = require "appsync.client.cache"
local cache_edits = require "appsync.client.cache_edits"
local cache_rules = require "appsync.client.cache_rules"
local compute = require "appsync.compute"
local core = require "appsync.core"
local document = require "appsync.document"
local errors = require "appsync.errors"
local json = require "appsync.json"
local local_cache = require "appsync.client.local_cache"
local mutation_expected = require "appsync.mutation_expected"
local opts = require "appsync.opts"
local updates = require "appsync.updates"

local mutation_table = {}

-- What says how it is made, beside the client, the document and the variables.
local FIELDS = {
  input_type = { "string", "table" },
  cache_updates = { "string", "table", "callable" },
  typename = { "string", is_line = true },
  id_field = { "string", is_line = true },
  operation = { "string" },
}

mutation_table.SCHEMA = opts.schema(FIELDS)

local ONE_TABLE = opts.extend(mutation_table.SCHEMA, {
  client = { "table" },
  mutation = { "string", "table" },
  variables = { "table" },
  operation_name = { "string", is_line = true },
})

local VERSION_FIELDS = { version = true, expectedVersion = true }

local function input_definition(text, type_name, where)
  local tree, err = core.parse(text)
  if not tree then errors.misuse("%s: input_type: %s (line %d)", where, err.message, err.line or 0) end
  local first
  for _, definition in ipairs(tree.definitions) do
    if definition.kind == "InputObjectTypeDefinition" then
      if definition.name == type_name then return definition end
      first = first or definition
    end
  end
  if not first then errors.misuse("%s: input_type must define an input type, as in input Name { id: ID! }", where) end
  return first
end

local function unwrapped(type_node)
  return type_node.kind == "NonNullType" and type_node.type or type_node
end

local function add_field(input, name, type_name)
  input.has[name] = true
  if VERSION_FIELDS[name] and type_name == "Int" and not input.version then input.version = name end
end

-- The name of the type of $input, by which it is found among several.
local function type_of_input(parsed, operation)
  for _, definition in ipairs(core.parse(tostring(parsed)).definitions) do
    if definition.kind == "OperationDefinition" and (definition.name or "") == operation.name then
      for _, variable in ipairs(definition.variableDefinitions) do
        if variable.variable == "input" then return unwrapped(variable.type).name end
      end
    end
  end
end

---@class appsync.MutationInput
---@field has table<string, true> its fields
---@field version string? "version" or "expectedVersion": the first of these that is an Int

---@return appsync.MutationInput? input nil: nothing is known of it
local function input_of(self, where)
  local given, input = self.input_type, { has = {} }
  if given == nil then return nil end
  if type(given) == "string" then
    for _, field in ipairs(input_definition(given, type_of_input(self.document, self.operation), where).fields) do
      add_field(input, field.name, unwrapped(field.type).name)
    end
    return input
  end
  for i, name in ipairs(given) do
    if type(name) ~= "string" then
      errors.misuse("%s: input_type[%d] must be the name of a field, got %s", where, i, (errors.describe(name)))
    end
    add_field(input, name, "Int")
  end
  if given[1] == nil then
    errors.misuse("%s: input_type must be the text of an input type, as in input Name { id: ID! }, or a list of the names of its "
      .. "fields", where)
  end
  return input
end

---A mutation whose rules don't depend on variables.
---@class appsync.MutationTable
---@field private client appsync.Client
---@field private document appsync.Document
---@field private operation appsync.core.Operation
---@field private kind "auto"|"add"|"remove"|"update"
---@field private where string
local MutationTable = {}
MutationTable.__index = MutationTable

local function check_client(client, where)
  if type(client) ~= "table" or type(client.mutate) ~= "function" then
    errors.misuse("%s: client must be a client, got %s", where, (errors.describe(client)))
  end
end

-- `checked`: of SCHEMA.
local function new(client, parsed, operation, checked, where)
  local field, name = document.first_field(operation)
  if not field then errors.misuse("%s: mutation must select its field itself, not in a fragment", where) end
  local kind = checked.operation and updates.check_kind(checked.operation, where) or "auto"
  if kind == "auto" then kind = updates.kind_of(name) end
  local self = setmetatable({
    client = client, document = parsed, operation = operation, kind = kind, where = where, typename = checked.typename,
    id_field = checked.id_field or "id", cache_updates = checked.cache_updates, input_type = checked.input_type,
  }, MutationTable)
  self.input = input_of(self, where)
  if not opts.is_callable(self.cache_updates) then self.rules = self:check_rules(self.cache_updates) end
  return self
end

---@private
function MutationTable:check_rules(given)
  if given == nil then return nil end
  return cache_rules.check(given, { kind = self.kind, id_field = self.id_field }, self.where)
end

-- Those that the function gives for these variables.
local function rules_for(self, variables)
  if not opts.is_callable(self.cache_updates) then return self.rules end
  return self:check_rules(compute("cache_updates", self.cache_updates, json.copy(variables)))
end

-- The highest of the cached copies of the item; 0: there is none.
local function cached_version(self, rules, id)
  local kept = rules and id ~= nil and cache.is_kept(self.client) and local_cache.of(self.client, self.where)
  local version = 0
  local function look(copy, rule)
    if type(copy) ~= "table" or copy[rule.id_field] ~= id or type(copy.version) ~= "number" then return end
    version = math.max(version, copy.version)
  end
  for _, rule in ipairs(kept and rules or {}) do
    local data, place, root_field = cache_edits.read(kept, kept.core, rule)
    if place then
      for _, copy in ipairs(place.list) do look(copy, rule) end
    elseif data then
      look(data[root_field], rule)
    end
  end
  return version
end

-- "Has an input type": its one variable is `input`, a table.
local function has_input(variables)
  return type(variables.input) == "table" and next(variables, next(variables)) == nil
end

local function with_missing(given, added)
  local all = {}
  for name, value in pairs(added) do all[name] = value end
  for name, value in pairs(given) do all[name] = value end
  return all
end

-- What is sent beside what was given: versions, and the id that was made for something new.
local function added_variables(self, is_input, version, made_id)
  local added, input = {}, self.input
  local declares = is_input and (input and input.has or {}) or self.operation.declared
  if is_input then
    if input and input.version then added[input.version] = version end
  else
    for name in pairs(VERSION_FIELDS) do added[name] = declares[name] and version or nil end
  end
  if made_id and self.kind == "add" and declares[self.id_field] then added[self.id_field] = made_id end
  return added
end

---@param variables table?
---@return appsync.BuiltMutation
function MutationTable:build(variables)
  variables = variables or {}
  local is_input = has_input(variables)
  local given = is_input and variables.input or variables
  local id, made_id = given[self.id_field], nil
  if id == json.null then id = nil end
  local rules = rules_for(self, variables)
  local version = cached_version(self, rules, id)
  if id == nil and self.typename then made_id = core.uuid() end
  local sent = with_missing(given, added_variables(self, is_input, version, made_id))
  if made_id and sent[self.id_field] == json.null then sent[self.id_field] = nil end
  local built = {
    mutation = self.document, variables = is_input and { input = sent } or sent, cache_updates = rules,
    operation_name = self.operation.name ~= "" and self.operation.name or nil,
  }
  if not self.typename then return built end
  local fields = with_missing(given, { __typename = self.typename })
  fields[self.id_field], fields.version = id or made_id, version + 1
  built.optimistic_response = mutation_expected.response{
    client = cache.is_kept(self.client) and self.client or nil, document = self.document, operation = self.operation,
    variables = built.variables, where = self.where, fields = fields,
  }
  return built
end

---One that is built for several calls.
---@param client appsync.Client
---@param parsed appsync.Document
---@param operation appsync.core.Operation
---@param options table of SCHEMA
---@param where string
---@return appsync.MutationTable
function mutation_table.make(client, parsed, operation, options, where)
  return new(client, parsed, operation, opts.check(options, mutation_table.SCHEMA, where), where)
end

---@param options table
---@param where string
---@return appsync.BuiltMutation
function mutation_table.build(options, where)
  local checked = opts.check(options, ONE_TABLE, where)
  check_client(checked.client, where)
  if checked.mutation == nil then errors.misuse("%s: mutation is missing; give its document", where) end
  local parsed, operation = document.pick(checked.mutation, "mutation", checked.operation_name, where)
  return new(checked.client, parsed, operation, checked, where):build(checked.variables)
end

return mutation_table
