---The fields of models that lead to other models (Amplify documentation, "Relationships").
local core = require "appsync.core"
local filter = require "appsync.server.data.filter"
local key_conditions = require "appsync.server.data.key_conditions"
local keys = require "appsync.server.data.keys"
local reading = require "appsync.server.data.reading"
local refuse = require "appsync.server.data.refuse"

local relations = {}

local NULL = core.null

local function tail(list)
  local out = {}
  for i = 2, #list do out[i - 1] = list[i] end
  return out
end

-- Whether the first fields of a key are these.
local function begins_with(key, fields)
  local of_key = keys.fields(key)
  for i, name in ipairs(fields) do
    if of_key[i] ~= name then return false end
  end
  return true
end

---Where the related items of a relation are found: in the model's own key, or in one of its indexes.
---@param relation table
---@param related appsync.server.Model
---@return appsync.server.KeyLayout? key
---@return string? index nil: the model's own key
function relations.path(relation, related)
  if relation.index then
    for _, index in ipairs(related.indexes or {}) do
      if index.name == relation.index then return index, index.name end
    end
    return nil
  end
  if begins_with(related.key, relation.remote_fields) then return related.key end
  for _, index in ipairs(related.indexes or {}) do
    if begins_with(index, relation.remote_fields) then return index, index.name end
  end
  return nil
end

---The index that a relation needs and its related model has not.
---@param m appsync.server.Model
---@param relation table
---@return appsync.server.IndexLayout
function relations.implied(m, relation)
  return {
    name = relation.index or ("gsi-%s.%s"):format(m.name, relation.field), partition = relation.remote_fields[1],
    sort = tail(relation.remote_fields),
  }
end

-- The values of an item that lead to the related ones; nil when one is missing.
local function values_of(item, fields)
  local values = {}
  for i, name in ipairs(fields) do
    local is_inner = i > 1 and #fields > 2
    values[i] = (is_inner and keys.inner_part or keys.part)(item[name])
    if values[i] == nil then return nil end
  end
  return values
end

-- The sort key's part of a query by these values, or what the arguments say when they say it.
local function sort_range(key, values, args)
  local n = #values - 1
  if n == 0 then return key_conditions.range(key, args[key_conditions.argument(key) or ""]) end
  if n == 1 and #key.sort == 1 then return { op = "eq", a = values[2] } end
  local joined = keys.join(tail(values))
  if n == #key.sort then return { op = "eq", a = joined } end
  return { op = "beginsWith", a = joined .. "#" }
end

local function empty()
  return { items = setmetatable({}, core.array_mt), nextToken = NULL }
end

local function many(access, place, relation, path)
  local key, index = path.key, path.index
  return function(ctx)
    local values = values_of(ctx.source, relation.local_fields)
    if not values then return empty() end
    local query = {
      pk = values[1], index = index, range = sort_range(key, values, ctx.arguments),
      is_descending = ctx.arguments.sortDirection == "DESC",
    }
    return reading.connection(access, place, ctx, query, relation.limit)
  end
end

-- By an index, where the related model holds the key of this one.
local function one_by_index(access, place, relation, path)
  local key, index = path.key, path.index
  return function(ctx)
    local hidden_by = access.guard:read(access.m, "get", ctx)
    local values = values_of(ctx.source, relation.local_fields)
    if not values then return nil end
    local rows = access.table:page({ pk = values[1], index = index, range = sort_range(key, values, {}), limit = 1 })
    local item = rows[1] and access.table:seen(rows[1])
    if item and hidden_by and not filter.matches(hidden_by, item) then refuse.unauthorized(place.field, place.type) end
    return item
  end
end

local function one(access, place, relation, path)
  local by_key = not path.index and #keys.fields(path.key) == #relation.remote_fields
  local find = by_key and reading.getter(access, place, relation.local_fields)
  local by_index = not by_key and one_by_index(access, place, relation, path)
  return function(ctx)
    if not find then return by_index(ctx) end
    -- An empty reference leads nowhere; only a query's own argument is told that it can be no key.
    return values_of(ctx.source, relation.local_fields) and find(ctx, ctx.source) or nil
  end
end

---The resolver of a relation's field.
---@param m appsync.server.Model
---@param relation table
---@param access appsync.server.Access of the related model
---@return function
function relations.resolver(m, relation, access)
  local place = { type = m.name, field = relation.field }
  local key, index = relations.path(relation, access.m)
  if not key then
    key = relations.implied(m, relation)
    index = key.name
  end
  return (relation.kind == "hasMany" and many or one)(access, place, relation, { key = key, index = index })
end

return relations
