---Aggregates of searches (Amplify documentation, "Search and aggregations"; OpenSearch documentation, "Aggregations").
local core = require "appsync.core"
local result = require "appsync.server.graphql.result"

local aggregates = {}

local NULL = core.null

-- OpenSearch's default, which the resolvers leave.
local MAX_BUCKETS = 10
-- Of one search: each walks all that is found.
local MAX_AGGREGATES = 50

local SCALARS = { avg = "avg(e.value)", min = "min(e.value)", max = "max(e.value)", sum = "total(e.value)",
  cardinality = "count(DISTINCT e.value)" }

-- What stands behind the condition may be nothing.
local function values(store, what, field, found, tail)
  local sql = ("SELECT %s FROM items, json_each(items.json, '$.\"%s\"') AS e WHERE %s AND e.type <> 'null'%s"):format(what,
    field.name, found.condition, tail)
  return store:values(sql, (table.unpack or unpack)(found.params)) -- luacheck: compat
end

local function key_text(value)
  if type(value) == "number" then return result.number(value) end
  return value
end

local function terms(store, field, found)
  local rows = values(store, "e.value, count(DISTINCT items.seq) AS n", field, found,
    (" GROUP BY e.value ORDER BY n DESC, e.value LIMIT %d"):format(MAX_BUCKETS))
  local buckets = setmetatable({}, core.array_mt)
  for i = 1, #rows, 2 do buckets[#buckets + 1] = { key = key_text(rows[i]), doc_count = rows[i + 1] } end
  if #buckets == 0 then return NULL end
  return { __typename = "SearchableAggregateBucketResult", buckets = buckets }
end

local function is_number(field)
  return field.base == "Int" or field.base == "Float"
end

local function scalar(store, kind, field, found)
  if kind ~= "cardinality" and not is_number(field) and field.base ~= "Boolean" then
    error({ message = ("Field [%s] of type [keyword] is not supported for aggregation [%s]"):format(field.name, kind),
      type = "BadRequestException" }, 0)
  end
  local value = values(store, SCALARS[kind], field, found, "")[1]
  if value == NULL then return NULL end
  return { __typename = "SearchableAggregateScalarResult", value = value }
end

---What a search's `aggregateItems` are.
---@param store appsync.server.Store
---@param search appsync.server.Search
---@param wanted {name: string, type: string, field: string}[]
---@param find fun(field: string): {condition: string, params: any[]} the records that a field's aggregate is of; throws where the
---  caller may not see it
---@return table[]
function aggregates.of(store, search, wanted, find)
  local items, index_of = setmetatable({}, core.array_mt), {}
  if #wanted > MAX_AGGREGATES then
    error({ message = ("search: at most %d aggregates, not %d"):format(MAX_AGGREGATES, #wanted), type = "BadRequestException" }, 0)
  end
  for _, one in ipairs(wanted) do
    if one ~= NULL then
      local field, found = search.by_name[one.field], find(one.field)
      local value = one.type == "terms" and terms(store, field, found) or scalar(store, one.type, field, found)
      -- A name that comes again stands for the last that has it.
      local i = index_of[one.name] or #items + 1
      index_of[one.name], items[i] = i, { name = one.name, result = value }
    end
  end
  return items
end

return aggregates
