---What Amplify's generators write for DataStore, schema.js and the model introspection, in the generated form
---(amplify-codegen, appsync-modelgen-plugin; Amplify DataStore, storage/relationship.ts).
local auth_rules = require "appsync.models.auth_rules"
local core = require "appsync.core"
local errors = require "appsync.errors"
local fault = require "appsync.models.fault"
local form = require "appsync.models.form"
local code = require "appsync.config.code"

local amplify_form = {}

local describe = errors.describe

local KINDS = { HAS_MANY = "has_many", HAS_ONE = "has_one", BELONGS_TO = "belongs_to" }

local function absent(value)
  return value == nil or value == core.null
end

-- A member of a type; what a script computes is no value of one.
local function member(path, t, name, kind, is_optional)
  local value = t[name]
  if absent(value) and is_optional then return nil end
  if code.is(value) then fault.of(path .. "." .. name, "is %s", code.describe(value)) end
  if type(value) ~= kind or absent(value) then
    fault.of(path .. "." .. name, "must be a %s, got %s", kind, absent(value) and "nothing" or (describe(value)))
  end
  return value
end

local function table_at(path, value)
  if code.is(value) then fault.of(path, "is %s", code.describe(value)) end
  if type(value) ~= "table" then fault.of(path, "must be an object, got %s", (describe(value))) end
  return value
end

-- Names of fields: a list of them or, as older generators wrote it, one.
local function names_at(path, association, plural, singular)
  local value = association[plural]
  if absent(value) and singular then value = association[singular] end
  if absent(value) then return nil end
  if type(value) == "string" then return { value } end
  table_at(path .. "." .. plural, value)
  if value[1] == nil then return nil end
  return form.strings(path .. "." .. plural, value)
end

local function attributes_of(path, model, kind)
  local found = {}
  for i, attribute in ipairs(member(path, model, "attributes", "table", true) or {}) do
    local at = ("%s.attributes[%d]"):format(path, i)
    if member(at, attribute, "type", "string") == kind then
      found[#found + 1] = { path = at .. ".properties", properties = member(at, attribute, "properties", "table", true) or {} }
    end
  end
  return found
end

local function key_of(path, model)
  for _, key in ipairs(attributes_of(path, model, "key")) do
    if absent(key.properties.name) then return form.strings(key.path .. ".fields", key.properties.fields) end
  end
  local info = member(path, model, "primaryKeyInfo", "table", true)
  if not info then return { "id" } end
  local at = path .. ".primaryKeyInfo"
  local key = { member(at, info, "primaryKeyFieldName", "string") }
  for _, name in ipairs(member(at, info, "sortKeyFieldNames", "table", true) or {}) do key[#key + 1] = name end
  return key
end

local function indexes_of(path, model)
  local indexes = {}
  for _, key in ipairs(attributes_of(path, model, "key")) do
    local name = member(key.path, key.properties, "name", "string", true)
    if name then
      indexes[#indexes + 1] = { name = name, fields = form.strings(key.path .. ".fields", key.properties.fields),
        query = member(key.path, key.properties, "queryField", "string", true) }
    end
  end
  table.sort(indexes, function(a, b) return a.name < b.name end)
  return indexes
end

local function subscriptions_of(path, model)
  for _, attribute in ipairs(attributes_of(path, model, "model")) do
    local given = attribute.properties.subscriptions
    if given == core.null then return "off" end
    if type(given) == "table" then return member(attribute.path, given, "level", "string", true) end
  end
end

local function rules_of(path, model)
  local rules = {}
  for _, attribute in ipairs(attributes_of(path, model, "auth")) do
    for i, rule in ipairs(member(attribute.path, attribute.properties, "rules", "table", true) or {}) do
      rules[#rules + 1] = auth_rules.read(("%s.rules[%d]"):format(attribute.path, i), rule)
    end
  end
  return rules
end

local function read_field(path, field, type_name)
  local is_list = member(path, field, "isArray", "boolean", true) or false
  local is_required = member(path, field, "isRequired", "boolean", true) or false
  local read = { type = type_name, read_only = member(path, field, "isReadOnly", "boolean", true) or nil }
  if is_list then
    read.list, read.item_required = true, is_required or nil
    read.required = not member(path, field, "isArrayNullable", "boolean", true) or nil
  else
    read.required = is_required or nil
  end
  return read
end

-- The type's name, and which kind of type it is.
local function type_of(path, field)
  local given = field.type
  if type(given) == "string" then return given, "scalar" end
  table_at(path .. ".type", given)
  for _, kind in ipairs({ "model", "enum", "nonModel" }) do
    if type(given[kind]) == "string" then return given[kind], kind end
  end
  fault.of(path .. ".type", 'must be the name of a scalar, {"model": …}, {"enum": …} or {"nonModel": …}')
end

local function read_fields(path, given, relate)
  local fields = {}
  for _, name in ipairs(form.sorted_names(table_at(path, given))) do
    local at = path .. "." .. tostring(name)
    local field = table_at(at, given[name])
    local type_name, kind = type_of(at, field)
    if kind ~= "model" then
      fields[name] = read_field(at, field, type_name)
    elseif relate then
      relate(at, name, field, type_name)
    end
  end
  return fields
end

local function association_of(path, field)
  local association = member(path, field, "association", "table", true)
  if not association then return nil end
  local at = path .. ".association"
  local kind = KINDS[member(at, association, "connectionType", "string")]
  if not kind then fault.of(at .. ".connectionType", "must be HAS_MANY, HAS_ONE or BELONGS_TO, got %s",
    (describe(association.connectionType))) end
  return {
    kind = kind, targets = names_at(at, association, "targetNames", "targetName"),
    with = names_at(at, association, "associatedWith"),
  }
end

-- The fields of the related model: where the association names a relation there, what that one is held by.
local function remote_fields(path, association, related)
  local with = association.with
  local other = with and #with == 1 and related.fields[with[1]]
  local reciprocal = type(other) == "table" and association_of(path, other)
  return reciprocal and reciprocal.targets or with
end

local function shortest(a, b)
  local n, first, second = math.min(#a, #b), {}, {}
  for i = 1, n do first[i], second[i] = a[i], b[i] end
  return first, second
end

local function read_relation(given, path, model, field, type_name)
  local association = association_of(path, field)
  -- DataStore does nothing with a model that is not associated.
  if not association then return nil end
  local related = given.models[type_name]
  if type(related) ~= "table" then form.unknown(path .. ".type", "model", type_name, given.models) end
  table_at(path .. ".type", related.fields)
  local targets = association.kind ~= "belongs_to" and remote_fields(path, association, related) or nil
  local fields = association.targets or key_of(path, model)
  fields, targets = shortest(fields, targets or key_of("models." .. type_name, related))
  return { kind = association.kind, model = type_name, fields = fields, targets = targets,
    required = association.kind ~= "has_many" and field.isRequired == true or nil }
end

local function read_model(given, path, model)
  local relations = {}
  local fields = read_fields(path .. ".fields", model.fields, function(at, name, field, type_name)
    relations[name] = read_relation(given, at, model, field, type_name)
  end)
  return {
    plural = member(path, model, "pluralName", "string"), key = key_of(path, model), fields = fields, relations = relations,
    indexes = indexes_of(path, model), auth = rules_of(path, model), subscriptions = subscriptions_of(path, model),
  }
end

---@param value any
---@return boolean whether a table has the shape that Amplify's generators write
function amplify_form.is(value)
  return code.is_table(value) and code.is_table(value.models)
    and (value.nonModels ~= nil or value.codegenVersion ~= nil or value.version ~= nil)
end

local function each(given, name, read)
  local out = {}
  local part = member("the source", given, name, "table", true) or {}
  for _, key in ipairs(form.sorted_names(part)) do
    local path = name .. "." .. tostring(key)
    out[key] = read(path, table_at(path, part[key]))
  end
  return out
end

---Reads a table that schema.js exports, or a model introspection. Raises a fault that names the place.
---@param given table
---@return table form the generated form
function amplify_form.read(given)
  return {
    models = each(given, "models", function(path, model) return read_model(given, path, model) end),
    enums = each(given, "enums", function(path, enum) return member(path, enum, "values", "table") end),
    non_models = each(given, "nonModels", function(path, non_model)
      return { fields = read_fields(path .. ".fields", non_model.fields) }
    end),
  }
end

return amplify_form
