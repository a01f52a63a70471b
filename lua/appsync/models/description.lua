---The description of a set of models, which every source becomes: complete, checked, in an order that doesn't depend on
---the source's.
local fault = require "appsync.models.fault"
local form = require "appsync.models.form"
local scalars = require "appsync.models.scalar_values"

local description = {}

---@class appsync.models.Field
---@field name string
---@field type string of a scalar, an enum or a non-model
---@field kind "scalar"|"enum"|"non_model"
---@field list boolean
---@field required boolean of a list: the list itself
---@field item_required boolean items of a list aren't null
---@field read_only boolean the service sets it
---@field implied boolean the source doesn't list it: a relation's foreign key that the type may not show

---@class appsync.models.Relation
---@field name string
---@field kind "has_many"|"has_one"|"belongs_to"
---@field model string the related model's name
---@field fields string[] of the model itself
---@field targets string[] fields of the related model whose values these have
---@field required boolean

---@class appsync.models.Index
---@field name string
---@field fields string[]
---@field query string? name of its query

---@class appsync.models.AuthRule
---@field allow "owner"|"groups"|"private"|"public"|"custom"
---@field provider string?
---@field owner_field string?
---@field identity_claim string?
---@field group_claim string?
---@field groups string[]?
---@field groups_field string?
---@field operations string[]

---@class appsync.models.Model
---@field name string
---@field plural string in the names of its operations
---@field key string[] names of the fields
---@field fields table<string, appsync.models.Field>
---@field names string[] of the fields: those of the key, then the others, sorted
---@field relations table<string, appsync.models.Relation>
---@field relation_names string[] sorted
---@field indexes appsync.models.Index[] sorted by name
---@field auth appsync.models.AuthRule[]
---@field subscriptions "on"|"off"|"public"

---@class appsync.models.NonModel
---@field name string
---@field fields table<string, appsync.models.Field>
---@field names string[] sorted

---@class appsync.models.Description
---@field models table<string, appsync.models.Model>
---@field names string[] of the models, sorted
---@field enums table<string, string[]>
---@field non_models table<string, appsync.models.NonModel>

local MAX_MODELS, MAX_FIELDS = 1000, 1000

local SET = { models = "table", enums = "table?", non_models = "table?" }
local MODEL = { plural = "string", key = "strings?", fields = "table", relations = "table?", indexes = "table?",
  auth = "table?", subscriptions = "string?" }
local FIELD = { type = "string", list = "boolean?", required = "boolean?", item_required = "boolean?", read_only = "boolean?",
  implied = "boolean?" }
local RELATION = { kind = "string", model = "string", fields = "strings", targets = "strings", required = "boolean?" }
local INDEX = { name = "string", fields = "strings", query = "string?" }
local RULE = { allow = "string", provider = "string?", owner_field = "string?", identity_claim = "string?",
  group_claim = "string?", groups = "strings?", groups_field = "string?", operations = "strings" }

local RELATION_KINDS = { has_many = true, has_one = true, belongs_to = true }
local LEVELS = { on = true, off = true, public = true }

local sets = setmetatable({}, { __mode = "k" })

local function kind_of(world, name)
  if scalars.is(name) then return "scalar" end
  return world.enums[name] and "enum" or world.non_models[name] and "non_model" or nil
end

local function read_field(world, path, name, given)
  form.members(path, given, FIELD)
  local kind = kind_of(world, given.type)
  if not kind then
    fault.of(path .. ".type", "\"%s\" is neither a scalar of AppSync nor an enum or a non-model of this source", given.type)
  end
  return {
    name = name, type = given.type, kind = kind, list = given.list or false, required = given.required or false,
    item_required = given.list and given.item_required or false, read_only = given.read_only or false,
    implied = given.implied or false,
  }
end

local function read_fields(world, path, given)
  local fields, names = {}, form.names(path, given, MAX_FIELDS)
  for _, name in ipairs(names) do fields[name] = read_field(world, path .. "." .. name, name, given[name]) end
  return fields, names
end

local function read_enums(path, given)
  local enums = {}
  for _, name in ipairs(form.names(path, given, MAX_FIELDS)) do
    enums[name] = {}
    for i, value in ipairs(form.strings(path .. "." .. name, given[name])) do enums[name][i] = value end
  end
  return enums
end

local function read_rules(path, given)
  local rules = {}
  for i, rule in ipairs(given) do
    rules[i] = {}
    for name, value in pairs(form.members(("%s[%d]"):format(path, i), rule, RULE)) do rules[i][name] = value end
  end
  return rules
end

local function read_indexes(path, given)
  local indexes = {}
  for i, index in ipairs(given) do
    form.members(("%s[%d]"):format(path, i), index, INDEX)
    indexes[i] = { name = index.name, fields = index.fields, query = index.query }
  end
  table.sort(indexes, function(a, b) return a.name < b.name end)
  return indexes
end

local function read_relations(path, given)
  local relations, names = {}, form.names(path, given, MAX_FIELDS)
  for _, name in ipairs(names) do
    local r, at = given[name], path .. "." .. name
    form.members(at, r, RELATION)
    if not RELATION_KINDS[r.kind] then form.unknown(at, "kind", r.kind, RELATION_KINDS) end
    if #r.fields ~= #r.targets then
      fault.of(at, "\"fields\" has %d names and \"targets\" %d", #r.fields, #r.targets)
    end
    relations[name] = { name = name, kind = r.kind, model = r.model, fields = r.fields, targets = r.targets,
      required = r.required or false }
  end
  return relations, names
end

local function read_model(world, path, name, given)
  form.members(path, given, MODEL)
  local m = { name = name, plural = given.plural, key = given.key or { "id" }, subscriptions = given.subscriptions or "on" }
  if not LEVELS[m.subscriptions] then form.unknown(path, "level of subscriptions", m.subscriptions, LEVELS) end
  m.fields = read_fields(world, path .. ".fields", given.fields)
  m.relations, m.relation_names = read_relations(path .. ".relations", given.relations or {})
  m.indexes = read_indexes(path .. ".indexes", given.indexes or {})
  m.auth = read_rules(path .. ".auth", given.auth or {})
  return m
end

-- Foreign keys that the source doesn't list.
local function imply_fields(world, path, m)
  for _, name in ipairs(m.relation_names) do
    local relation = m.relations[name]
    local related = world.models[relation.model]
    if not related then form.unknown(("%s.relations.%s"):format(path, name), "model", relation.model, world.models) end
    for i, field in ipairs(relation.kind ~= "has_many" and relation.fields or {}) do
      local target = related.fields[relation.targets[i]]
      if not m.fields[field] and target then
        m.fields[field] = { name = field, type = target.type, kind = target.kind, list = false, required = false,
          item_required = false, read_only = false, implied = true }
      end
    end
  end
end

local function check_named(path, m, list, is_key)
  for _, name in ipairs(list) do
    local field = m.fields[name]
    if not field then form.unknown(path, "field of " .. m.name, name, m.fields) end
    if field.list or field.kind == "non_model" or field.type == "AWSJSON" then
      fault.of(path, "%s.%s can't be used here: it must be a scalar or an enum", m.name, name)
    end
    if is_key then field.required = true end
  end
end

local function check_model(world, path, m)
  check_named(path .. ".key", m, m.key, true)
  for i, index in ipairs(m.indexes) do check_named(("%s.indexes[%d]"):format(path, i), m, index.fields) end
  for _, name in ipairs(m.relation_names) do
    local relation, at = m.relations[name], ("%s.relations.%s"):format(path, name)
    if m.fields[name] then fault.of(at, "there is a field of this name, too") end
    check_named(at .. ".fields", m, relation.fields)
    check_named(at .. ".targets", world.models[relation.model], relation.targets)
  end
end

-- Those of the key, then the others.
local function order_names(m)
  local names, is_key = {}, {}
  for i, name in ipairs(m.key) do
    names[i], is_key[name] = name, true
  end
  for _, name in ipairs(form.sorted_names(m.fields)) do
    if not is_key[name] then names[#names + 1] = name end
  end
  m.names = names
end

---Completes and checks the generated form. Raises a fault that names the place.
---@param given table
---@return appsync.models.Description
function description.complete(given)
  form.members("the source", given, SET)
  local world = { models = {}, enums = read_enums("enums", given.enums or {}), non_models = {} }
  for _, name in ipairs(form.names("non_models", given.non_models or {}, MAX_MODELS)) do
    world.non_models[name] = { name = name }
  end
  for name, non_model in pairs(world.non_models) do
    local path = "non_models." .. name
    form.members(path, given.non_models[name], { fields = "table" })
    non_model.fields, non_model.names = read_fields(world, path .. ".fields", given.non_models[name].fields)
  end
  world.names = form.names("models", given.models, MAX_MODELS)
  for _, name in ipairs(world.names) do
    world.models[name] = read_model(world, "models." .. name, name, given.models[name])
  end
  for _, name in ipairs(world.names) do imply_fields(world, "models." .. name, world.models[name]) end
  for _, name in ipairs(world.names) do
    local m, path = world.models[name], "models." .. name
    check_model(world, path, m)
    order_names(m)
    form.names(path .. ".fields", m.fields, MAX_FIELDS)
  end
  return world
end

---Keeps the description of a set.
---@param set table
---@param world appsync.models.Description
function description.keep(set, world)
  sets[set] = world
end

---The description of what `appsync.models` has returned; nil for any other value.
---@param set any
---@return appsync.models.Description?
function description.of(set)
  return sets[set]
end

return description
