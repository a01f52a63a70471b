---Records that a store begins with, from a JSON text: `{"Todo": [{"id": "1", "name": "…"}, …], "Post": […]}`.
---
---A record whose key is in the store already is left as it is there, whatever the text says: what has become of it since
---outlives a restart with the same text. A record of a model with an id may come without one; it gets an id that is made of
---what it says, so it is the same at every start. Records of versioned models may say `_version`, `_lastChangedAt` and
---`_deleted`: they stand in the journal where they were changed.
local core = require "appsync.core"
local is_list = require "appsync.server.graphql.is_list"
local item_limits = require "appsync.server.data.item_limits"
local keys = require "appsync.server.data.keys"
local result = require "appsync.server.graphql.result"
local writing = require "appsync.server.data.writing"

local seed = {}

local NULL, array_mt = core.null, core.array_mt

-- What is wrong with a record, with the way to it.
local function fail(at, text, ...)
  error({ message = at .. ": " .. text:format(...) }, 0)
end

local function kind_of(value)
  if value == NULL then return "null" end
  if type(value) ~= "table" then return type(value) end
  return is_list(value) and "a list" or "an object"
end

local function field_names(fields)
  local names = {}
  for name in pairs(fields) do names[#names + 1] = name end
  table.sort(names)
  return table.concat(names, ", ")
end

local check

local function check_list(ref, value, at)
  if not is_list(value) then fail(at, "a list is expected, not %s", kind_of(value)) end
  local out = setmetatable({}, array_mt)
  for i, item in ipairs(value) do out[i] = check(ref.of, item, ("%s[%d]"):format(at, i - 1)) end
  return out
end

local function check_object(type_, value, at)
  if type(value) ~= "table" or is_list(value) then fail(at, "an object is expected, not %s", kind_of(value)) end
  local out = {}
  for name, inner in pairs(value) do
    local field = type_.fields[name]
    if not field then fail(at .. "." .. name, "%s has no such field; it has %s", type_.name, field_names(type_.fields)) end
    out[name] = check(field.type, inner, at .. "." .. name)
  end
  for name, field in pairs(type_.fields) do
    if field.type.kind == "NON_NULL" and out[name] == nil then fail(at .. "." .. name, "is missing") end
  end
  return out
end

local function check_scalar(type_, value, at)
  -- JSON inside of JSON need not be a text.
  if type_.name == "AWSJSON" and type(value) ~= "string" then return value end
  local parsed, message = type_.scalar.parse(value)
  if parsed == nil then fail(at, "%s", (message or ("is no " .. type_.name)):gsub("%%", "%%%%")) end
  return parsed
end

---A value as the schema's type has it.
function check(ref, value, at)
  if ref.kind == "NON_NULL" then
    if value == NULL then fail(at, "must not be null") end
    return check(ref.of, value, at)
  end
  if value == NULL then return NULL end
  if ref.kind == "LIST" then return check_list(ref, value, at) end
  if ref.kind == "OBJECT" then return check_object(ref, value, at) end
  if ref.kind == "ENUM" then
    if type(value) == "string" and ref.values[value] then return value end
    return fail(at, "%s is none of %s", type(value) == "string" and ("'%s'"):format(value) or kind_of(value), field_names(ref.values))
  end
  if ref.kind ~= "SCALAR" then return fail(at, "values of type %s cannot be stored", ref.name) end
  return check_scalar(ref, value, at)
end

local function relation_of(m, name)
  for _, relation in ipairs(m.relations or {}) do
    if relation.field == name then return relation end
  end
  return nil
end

local function read_record(m, type_, record, at)
  if type(record) ~= "table" or is_list(record) then fail(at, "an object is expected, not %s", kind_of(record)) end
  local out = {}
  for name, value in pairs(record) do
    local field, relation = type_.fields[name], relation_of(m, name)
    if relation then
      fail(at .. "." .. name, "leads to %s and is not stored; it follows from %s", relation.model,
        table.concat(relation.kind == "hasMany" and relation.remote_fields or relation.local_fields, ", "))
    elseif name ~= "__typename" and not field then
      fail(at .. "." .. name, "%s has no such field; it has %s", m.name, field_names(type_.fields))
    elseif name ~= "__typename" then
      out[name] = check(field.type, value, at .. "." .. name)
    end
  end
  return out
end

-- An id that is the same whenever the record is.
local function id_of(m, record, seen)
  local text = m.name .. result.sorted(record)
  seen[text] = (seen[text] or 0) + 1
  local hex = core.sha256(text .. seen[text])
  return ("%s-%s-%s-%s-%s"):format(hex:sub(1, 8), hex:sub(9, 12), hex:sub(13, 16), hex:sub(17, 20), hex:sub(21, 32))
end

local function check_complete(m, type_, item, at)
  for name, field in pairs(type_.fields) do
    if field.type.kind == "NON_NULL" and not relation_of(m, name) and keys.is_missing(item[name]) then
      fail(at .. "." .. name, "is missing")
    end
  end
end

-- Milliseconds that a date can have, to the end of the year 9999.
local MAX_MS = 253402300799999

-- The metadata that a record of a versioned model says, and the usual one where it says nothing.
local function add_metadata(versions, item, at)
  local version, at_ms, is_deleted = item._version or 1, item._lastChangedAt or versions:now_ms(), item._deleted == true
  if version < 1 then fail(at .. "._version", "must be at least 1") end
  if at_ms < 0 or at_ms > MAX_MS then fail(at .. "._lastChangedAt", "must be a time in milliseconds since 1970") end
  if item._ttl ~= nil then fail(at .. "._ttl", "must be left out: it follows from _lastChangedAt") end
  versions:stamp(item, version, at_ms, is_deleted)
end

local function add_record(world, m, record, at, memory)
  local type_ = world.schema.types[m.name]
  local given = read_record(m, type_, record, at)
  local item = writing.new_item(m, writing.complete(m, given), {
    stamp = world.stamp, uuid = function() return id_of(m, record, memory.texts) end,
  })
  local place = world.store:model(m.name)
  local versions = place.versions
  if versions then add_metadata(versions, item, at) end
  check_complete(m, type_, item, at)
  local pk, sk = place.key_of(item)
  if pk == nil then fail(at, "the key (%s) must not be empty", keys.describe(m.key)) end
  local id = core.encode(setmetatable({ m.name, pk, sk }, array_mt))
  if memory.places[id] then fail(at, "has the same key as %s", memory.places[id]) end
  memory.places[id] = at
  if place:row(pk, sk) then return false end
  local json, err = core.encode(item, "")
  if not json then error({ message = at .. err.message }, 0) end -- which begins with the path in the item
  local fault = item_limits.fault(place, pk, sk, item)
  if fault then fail(at, "%s", fault) end
  if versions then versions:add(pk, sk, item) else place:insert(pk, sk, item) end
  return true
end

local function check_models(data, models)
  local by_name = {}
  for _, m in ipairs(models) do by_name[m.name] = true end
  for name, records in pairs(data) do
    if not by_name[name] then fail(tostring(name), "there is no such model; there are %s", field_names(by_name)) end
    if not is_list(records) and next(records) ~= nil then fail(name, "a list of records is expected, not %s", kind_of(records)) end
  end
end

---@class appsync.server.SeedWorld
---@field schema appsync.server.Schema
---@field models appsync.server.Model[] that the store has adopted
---@field store appsync.server.Store
---@field stamp fun(): string

-- Models in the order of the schema, records in theirs.
local function load_all(world, data)
  local counts, memory = { created = 0, kept = 0 }, { texts = {}, places = {} }
  check_models(data, world.models)
  for _, m in ipairs(world.models) do
    for i, record in ipairs(data[m.name] or {}) do
      local is_new = add_record(world, m, record, ("%s[%d]"):format(m.name, i - 1), memory)
      local what = is_new and "created" or "kept"
      counts[what] = counts[what] + 1
    end
  end
  return counts
end

---Puts the records of a text into the store: all of them, or none when one is wrong.
---@param world appsync.server.SeedWorld
---@param text string
---@param name string of the text's file, for messages
---@return {created: integer, kept: integer}? counts
---@return string? message
function seed.load(world, text, name)
  if #world.models == 0 then return nil, name .. ": the schema has no model" end
  local data, err = core.decode(text)
  if type(data) ~= "table" or is_list(data) then
    return nil, ("%s: %s"):format(name, err and err.message or "an object of models is expected, each with a list of records")
  end
  for _, records in pairs(data) do
    if type(records) ~= "table" then return nil, ("%s: each model has a list of records, not %s"):format(name, kind_of(records)) end
  end
  local ok, counts = pcall(world.store.transaction, world.store, function() return load_all(world, data) end)
  if ok then return counts end
  if type(counts) == "table" and counts.message then return nil, name .. ": " .. counts.message end
  return error(counts, 0)
end

return seed
