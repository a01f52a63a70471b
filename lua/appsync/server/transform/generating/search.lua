---The types of searches (Amplify documentation, "Search and aggregations").
local filters = require "appsync.server.transform.generating.filters"
local sdl_nodes = require "appsync.schema.sdl_nodes"

local search = {}

local COMPARED = { "ne", "gt", "lt", "gte", "lte", "eq" }
local TEXT = { "match", "matchPhrase", "matchPhrasePrefix", "multiMatch", "exists", "wildcard", "regexp" }
local BASES = { "String", "ID", "Int", "Float", "Boolean" }

local AGGREGATES = {
  { "SearchableAggregateResult", "name: String! result: SearchableAggregateGenericResult" },
  { "SearchableAggregateScalarResult", "value: Float!" },
  { "SearchableAggregateBucketResult", "buckets: [SearchableAggregateBucketResultItem]" },
  { "SearchableAggregateBucketResultItem", "key: String! doc_count: Int!" },
}

---The types that the aggregates of all searches share.
search.AGGREGATE_TYPES = {}
for i, row in ipairs(AGGREGATES) do search.AGGREGATE_TYPES[i] = row[1] end

local function scalar_input(base)
  local lines = {}
  if base == "Boolean" then
    lines = { "eq: Boolean", "ne: Boolean" }
  else
    for i, name in ipairs(COMPARED) do lines[i] = name .. ": " .. base end
    for _, name in ipairs((base == "String" or base == "ID") and TEXT or {}) do
      lines[#lines + 1] = name .. ": " .. (name == "exists" and "Boolean" or base)
    end
    lines[#lines + 1] = ("range: [%s]"):format(base)
  end
  return filters.input(("Searchable%sFilterInput"):format(base), lines)
end

---What all searches share.
---@param world appsync.server.Survey
---@return string[] sdl
function search.shared(world)
  local parts = { "enum SearchableSortDirection { asc desc }" }
  for _, base in ipairs(BASES) do parts[#parts + 1] = scalar_input(base) end
  if world.version == 1 then return parts end
  parts[#parts + 1] = "enum SearchableAggregateType { terms avg min max sum cardinality }"
  parts[#parts + 1] = "union SearchableAggregateGenericResult = SearchableAggregateScalarResult | SearchableAggregateBucketResult"
  for _, row in ipairs(AGGREGATES) do
    parts[#parts + 1] = ("type %s%s { %s }"):format(row[1], sdl_nodes.directives_text(world.type_auth[row[1]]), row[2])
  end
  return parts
end

---@param m appsync.server.Model
---@return string
function search.connection_name(m)
  return ("Searchable%sConnection"):format(m.name)
end

local function filter(m)
  local name = ("Searchable%sFilterInput"):format(m.name)
  local lines = {}
  for i, field in ipairs(m.search.fields) do lines[i] = ("%s: Searchable%sFilterInput"):format(field.name, field.base) end
  for _, logic in ipairs({ "and: [%s]", "or: [%s]", "not: %s" }) do lines[#lines + 1] = logic:format(name) end
  return filters.input(name, lines)
end

local function enum(name, m, with_enums)
  local values = {}
  for _, field in ipairs(m.search.fields) do
    if with_enums or not field.is_enum then values[#values + 1] = field.name end
  end
  return ("enum %s { %s }"):format(name, table.concat(values, " "))
end

---The types of one model's search.
---@param world appsync.server.Survey
---@param m appsync.server.Model
---@return string[] sdl
function search.build(world, m)
  local connection, stem = search.connection_name(m), "Searchable" .. m.name
  local parts = {
    filter(m), enum(stem .. "SortableFields", m, false),
    filters.input(stem .. "SortInput", { ("field: %sSortableFields"):format(stem), "direction: SearchableSortDirection" }),
    ("type %s%s { items: [%s]! nextToken: String total: Int%s }"):format(connection,
      sdl_nodes.directives_text(world.type_auth[connection]), m.name,
      world.version == 2 and " aggregateItems: [SearchableAggregateResult]!" or ""),
  }
  if world.version == 2 then
    parts[#parts + 1] = enum(stem .. "AggregateField", m, true)
    parts[#parts + 1] = filters.input(stem .. "AggregationInput",
      { "name: String!", "type: SearchableAggregateType!", ("field: %sAggregateField!"):format(stem) })
  end
  return parts
end

---The arguments and the type of a search's query.
---@param world appsync.server.Survey
---@param m appsync.server.Model
---@return string sdl
function search.query(world, m)
  local stem, is_new = "Searchable" .. m.name, world.version == 2
  return ("(filter: %sFilterInput, sort: %s, limit: Int, nextToken: String, from: Int%s): %s"):format(stem,
    (is_new and "[%sSortInput]" or "%sSortInput"):format(stem), is_new and (", aggregates: [%sAggregationInput]"):format(stem) or "",
    search.connection_name(m))
end

return search
