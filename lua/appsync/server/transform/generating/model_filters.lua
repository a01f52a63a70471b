---The filters and conditions of one model (Amplify documentation, "Generated operations" and "Subscription filters").
local filters = require "appsync.server.transform.generating.filters"
local key_directives = require "appsync.server.transform.reading.key_directives"
local names = require "appsync.schema.names"

local model_filters = {}

local function add_logic(lines, name, has_not)
  lines[#lines + 1] = ("and: [%s]"):format(name)
  lines[#lines + 1] = ("or: [%s]"):format(name)
  if has_not then lines[#lines + 1] = "not: " .. name end
end

-- Tombstones can be told from the rest; the first version's filters couldn't.
local function add_deleted(lines, world, m)
  if m.conflict and world.version == 2 then lines[#lines + 1] = "_deleted: ModelBooleanInput" end
end

local function add_field(lines, field, type_name)
  if type_name then lines[#lines + 1] = ("%s: %s"):format(field.name, type_name) end
end

local function add_where(lines, m, flag, type_of)
  for _, field in ipairs(m.fields) do
    if field[flag] and not field.is_hidden then add_field(lines, field, type_of(field)) end
  end
end

local function has(lines, name)
  for _, line in ipairs(lines) do
    if line:match("^[^:]+") == name then return true end
  end
  return false
end

-- Owner fields can be compared everywhere, whatever the type says of them.
local function add_owners(lines, m)
  for _, owner in ipairs(m.owner_fields or {}) do
    if not has(lines, owner) then lines[#lines + 1] = owner .. ": ModelStringInput" end
  end
end

-- Declared fields, the id that a type would have without a key of its own, and the timestamps.
local function add_all(lines, m, type_of, id_type)
  add_where(lines, m, "is_declared", type_of)
  if not has(lines, "id") then lines[#lines + 1] = "id: " .. id_type end
  for _, field in ipairs(m.fields) do
    if field.is_timestamp then add_field(lines, field, type_of(field)) end
  end
end

-- How a filter without a list query names a list of enum values depends on what made the filter.
local function plain_type_of(m)
  local is_of_index = false
  for _, index in ipairs(m.indexes) do is_of_index = is_of_index or index.query ~= nil end
  return function(field)
    if field.kind == "enum" and field.is_list then
      return ("Model%s%sInput"):format(field.named, is_of_index and "List" or "")
    end
    return filters.type_of(field)
  end
end

local function filter(world, m, stem)
  local lines, name = {}, model_filters.filter_name(stem)
  local is_of_query = stem == m.stem and (m.ops.list or m.ops.sync)
  if world.version == 2 and is_of_query then
    add_all(lines, m, filters.type_of, "ModelIDInput")
  else
    -- Made by an index or a relation, or in the first version, it knows the declared fields only.
    add_where(lines, m, "is_declared", world.version == 2 and plain_type_of(m) or filters.type_of)
  end
  add_logic(lines, name, true)
  -- What an index makes knows nothing of tombstones.
  if is_of_query or stem == m.name and m.filter_maker then add_deleted(lines, world, m) end
  -- What relations and rules add they add under the stem alone.
  if world.version == 2 and stem == m.stem then
    local own = {}
    local maker = stem == m.name and m.filter_maker
    for _, key in ipairs(maker and maker.foreign and maker.foreign.fields or {}) do own[key.name] = true end
    add_where(lines, m, "is_foreign", function(field) return not own[field.name] and filters.type_of(field) or nil end)
    add_owners(lines, m)
  end
  return filters.input(name, lines)
end

local function condition(world, m)
  local lines, name = {}, model_filters.condition_name(m)
  -- Keys are looked for under the model's name, and this is another one where that begins with a small letter.
  local knows_keys = m.stem == m.name
  local has_own_index = knows_keys and m.key.is_custom
  for _, index in ipairs(knows_keys and m.indexes or {}) do has_own_index = has_own_index or not index.is_implied end
  for _, field in ipairs(m.fields) do
    local is_left_out = field.name == "id" and (field.named == "ID" or has_own_index or world.version == 1)
      or knows_keys and m.key.is_custom and key_directives.holds(m, field.name)
      or world.version == 1 and m.protected_fields and m.protected_fields[field.name]
    if field.is_declared and not is_left_out then add_field(lines, field, filters.type_of(field)) end
  end
  add_logic(lines, name, true)
  add_deleted(lines, world, m)
  if world.version == 2 then
    if m.has_timestamps then
      for _, stamp in ipairs({ m.created_at or false, m.updated_at or false }) do
        if stamp and not has(lines, stamp) then lines[#lines + 1] = stamp .. ": ModelStringInput" end
      end
    end
    add_where(lines, m, "is_foreign", filters.type_of)
    add_owners(lines, m)
  end
  return filters.input(name, lines)
end

-- Amplify adds the keys of @hasMany relations to the side that has many, where nothing holds them.
local function add_own_keys(lines, m)
  for _, relation in ipairs(m.relations) do
    local foreign = relation.foreign
    for _, key in ipairs(foreign and foreign.fields or {}) do
      if not has(lines, key.name) then
        lines[#lines + 1] = ("%s: ModelSubscription%sInput"):format(key.name, filters.base(key.type))
      end
    end
  end
end

local function subscription(world, m)
  local lines, name = {}, model_filters.subscription_name(m)
  add_all(lines, m, filters.subscription_type_of, "ModelSubscriptionIDInput")
  add_logic(lines, name, false)
  add_deleted(lines, world, m)
  add_own_keys(lines, m)
  local kept = {}
  for _, line in ipairs(lines) do
    if not (m.protected_fields and m.protected_fields[line:match("^[^:]+")]) then kept[#kept + 1] = line end
  end
  add_owners(kept, m)
  return filters.input(name, kept)
end

---What a model is called in the names of its connections and their filters, which it may have twice.
---@param m appsync.server.Model
---@return string[] stems
function model_filters.stems(m)
  local list = m.listings[m.stem] and { m.stem } or {}
  if m.stem ~= m.name and m.listings[m.name] then list[#list + 1] = m.name end
  return list
end

---The name of the filter of a model's pages.
---@param stem string the model's own list: its stem; an index or a relation: its name
---@return string
function model_filters.filter_name(stem)
  return ("Model%sFilterInput"):format(stem)
end

---@return string
function model_filters.condition_name(m)
  return ("Model%sConditionInput"):format(m.stem)
end

---@return string
function model_filters.subscription_name(m)
  return ("ModelSubscription%sFilterInput"):format(names.upper_first(m.name))
end

-- A filter that an index makes compares every list as one, also those that Amplify makes no such filter for.
local function add_enums(parts, seen, m)
  local has_plain = m.transformer == 2 and m.listings[m.name] and not (m.stem == m.name and (m.ops.list or m.ops.sync))
  local type_of = has_plain and plain_type_of(m) or filters.type_of
  for _, field in ipairs(m.fields) do
    for _, name in ipairs(field.kind == "enum" and { filters.type_of(field), type_of(field) } or {}) do
      if not seen[name] then
        seen[name] = true
        parts[#parts + 1] = filters.enum(field.named, name:find("ListInput$") ~= nil)
      end
    end
  end
end

---The filters that a model needs.
---@param world appsync.server.Survey
---@param m appsync.server.Model
---@param seen table<string, true> enum filters that are there already
---@return string[] sdl
function model_filters.build(world, m, seen)
  local parts = {}
  local is_mutable = m.ops.create or m.ops.update or m.ops.delete
  if next(m.listings) or is_mutable or #m.events > 0 then add_enums(parts, seen, m) end
  for _, stem in ipairs(model_filters.stems(m)) do parts[#parts + 1] = filter(world, m, stem) end
  if is_mutable then parts[#parts + 1] = condition(world, m) end
  if #m.events > 0 and world.version == 2 then parts[#parts + 1] = subscription(world, m) end
  return parts
end

return model_filters
