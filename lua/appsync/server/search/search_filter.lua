---Filters of searches as conditions of SQL, in the meaning of the queries that AppSync makes of them for OpenSearch (AppSync
---Developer Guide, "Transformation helpers", `toElasticsearchQueryDSL`).
local core = require "appsync.core"
local word_pattern = require "appsync.server.search.word_pattern"

local search_filter = {}

local NULL = core.null

-- SQLite allows no expression that is much larger (https://www.sqlite.org/limits.html).
local MAX_OPERATORS, MAX_DEPTH = 300, 15

---@class appsync.server.SearchQuery
---@field search appsync.server.Search
---@field params any[]
---@field words fun(): appsync.server.WordIndex the same each time
---@field n integer operators so far

local function refuse(text, ...)
  error({ message = "search: " .. text:format(...), type = "BadRequestException" }, 0)
end

-- A condition that some element of a field fulfils: a value that is no list is its only element.
local function element(name, condition)
  return ("EXISTS (SELECT 1 FROM json_each(items.json, '$.\"%s\"') AS e WHERE %s)"):format(name, condition)
end
search_filter.element = element

local TYPES = { String = "'text'", ID = "'text'", Boolean = "'true', 'false'" }
local NUMBER = "'integer', 'real'"

-- A condition of each `comparison` of a field's value, of the type that it has; never null, as it may be negated.
local function compare(field, comparisons)
  local types, parts = TYPES[field.base] or NUMBER, {}
  if field.is_list then
    for i, comparison in ipairs(comparisons) do parts[i] = "e.value " .. comparison end
    return element(field.name, ("e.type IN (%s) AND %s"):format(types, table.concat(parts, " AND ")))
  end
  -- SQLite reads a record's JSON once for all of these.
  local path = ("(items.json, '$.\"%s\"')"):format(field.name)
  for i, comparison in ipairs(comparisons) do parts[i] = ("json_extract%s %s"):format(path, comparison) end
  return ("(coalesce(json_type%s, '') IN (%s) AND %s)"):format(path, types, table.concat(parts, " AND "))
end

local function compared(sign)
  return function(query, field, value)
    query.params[#query.params + 1] = value
    return compare(field, { sign .. " ?" })
  end
end

local function pattern(kind)
  return function(query, field, value)
    -- Words are kept in lower case, and what is no letter of ASCII is left as it's given.
    local words = query.words()
    local fits = word_pattern[kind](kind == "wildcard" and value:lower() or value, words.budget)
    return words:word_condition(field.name, fits, query.params)
  end
end

local function words(operator)
  return function(query, field, value) return query.words():condition(operator, field.name, value, query.params) end
end

local OPERATORS = {
  eq = compared("="), gt = compared(">"), gte = compared(">="), lt = compared("<"), lte = compared("<="),
  match = words("match"), matchPhrase = words("matchPhrase"), matchPhrasePrefix = words("matchPhrasePrefix"),
  multiMatch = words("multiMatch"), wildcard = pattern("wildcard"), regexp = pattern("regexp"),
}

function OPERATORS.ne(query, field, value) return "NOT " .. OPERATORS.eq(query, field, value) end

function OPERATORS.exists(_, field, value)
  return (value and "" or "NOT ") .. element(field.name, "e.type <> 'null'")
end

function OPERATORS.range(query, field, bounds)
  local low, high = bounds[1], bounds[2]
  local parts = {}
  for i, bound in ipairs({ low == nil and NULL or low, high == nil and NULL or high }) do
    if bound ~= NULL then
      query.params[#query.params + 1] = bound
      parts[#parts + 1] = (i == 1 and ">= ?" or "<= ?")
    end
  end
  if #parts == 0 then refuse("'range' is a list of two bounds") end
  return compare(field, parts)
end

-- The order of a table's keys is no one's: the same filter is the same statement.
local function sorted_keys(map)
  local keys = {}
  for key, value in pairs(map) do
    if value ~= NULL then keys[#keys + 1] = key end
  end
  table.sort(keys)
  return keys
end

local build

local function joined(parts, word, empty)
  if #parts == 0 then return empty end
  if #parts == 1 then return parts[1] end
  return "(" .. table.concat(parts, word) .. ")"
end

local function each_part(query, list, depth)
  local parts = {}
  for _, part in ipairs(list) do
    if part ~= NULL then parts[#parts + 1] = build(query, part, depth + 1) end
  end
  return parts
end

local function field_condition(query, field, conditions)
  local parts = {}
  for _, name in ipairs(sorted_keys(conditions)) do
    query.n = query.n + 1
    if query.n > MAX_OPERATORS then refuse("a filter has at most %d conditions", MAX_OPERATORS) end
    parts[#parts + 1] = OPERATORS[name](query, field, conditions[name])
  end
  return joined(parts, " AND ", "1")
end

function build(query, conditions, depth)
  if depth > MAX_DEPTH then refuse("a filter nests at most %d deep", MAX_DEPTH) end
  local parts = {}
  for _, name in ipairs(sorted_keys(conditions)) do
    local operand = conditions[name]
    if name == "and" or name == "or" then
      query.n = query.n + #operand
      if query.n > MAX_OPERATORS then refuse("a filter has at most %d conditions", MAX_OPERATORS) end
      parts[#parts + 1] = joined(each_part(query, operand, depth), name == "and" and " AND " or " OR ", "1")
    elseif name == "not" then
      parts[#parts + 1] = "NOT " .. joined({ build(query, operand, depth + 1) }, "", "1")
    else
      parts[#parts + 1] = field_condition(query, query.search.by_name[name], operand)
    end
  end
  return joined(parts, " AND ", "1")
end

---The condition of a filter.
---@param query appsync.server.SearchQuery gets the parameters
---@param conditions table? a coerced filter
---@return string sql
function search_filter.build(query, conditions)
  if conditions == nil or conditions == NULL then return "1" end
  return build(query, conditions, 1)
end

local function equals(query, name, value)
  query.params[#query.params + 1] = value
  return element(name, "e.value = ?")
end

-- What rules of @auth make: some value of the field is one of these.
local function rule_condition(query, part)
  local alternatives = {}
  for _, name in ipairs(sorted_keys(part)) do
    for operator, operand in pairs(part[name]) do
      if operator ~= "eq" and operator ~= "contains" and operator ~= "in" then
        error(("a rule's '%s' has no search"):format(operator), 0)
      end
      for _, value in ipairs(operator == "in" and operand or { operand }) do
        alternatives[#alternatives + 1] = equals(query, name, value)
      end
    end
  end
  return joined(alternatives, " OR ", "0")
end

---The condition of a filter of the rules of @auth: `{or = {{field = {eq | contains | in}}, …}}`.
---@param query appsync.server.SearchQuery gets the parameters
---@param hidden_by table? nil: all records are shown
---@return string sql
function search_filter.of_rules(query, hidden_by)
  if not hidden_by then return "1" end
  local parts = {}
  for _, part in ipairs(hidden_by["or"]) do parts[#parts + 1] = rule_condition(query, part) end
  return joined(parts, " OR ", "0")
end

return search_filter
