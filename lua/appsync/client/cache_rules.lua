---Rules by which a mutation's item changes the data of cached queries: `cache_updates`. They are data, so that they can be
---stored with a mutation. The forms in which they are given are those of the AWS AppSync SDK's offline helpers
---(packages/aws-appsync/src/helpers/offline.ts at aws-appsync@4.1.10).
local core = require "appsync.core"
local document = require "appsync.document"
local errors = require "appsync.errors"
local json = require "appsync.json"
local opts = require "appsync.opts"
local updates = require "appsync.updates"
local variables_of = require "appsync.client.variables"

local cache_rules = {}

---@class appsync.CacheRule
---@field query string text of the query whose cached data changes
---@field variables table? its variables
---@field kind "auto"|"add"|"remove"|"update" "auto": nothing changes
---@field id_field string by which items are told from each other

local RULE = opts.schema{
  query = { "string", "table" },
  variables = { "table" },
  kind = { "string", values = updates.KINDS },
  id_field = { "string", is_line = true },
}

local KINDS = {}
for _, kind in ipairs(updates.KINDS) do KINDS[kind] = true end

local ACCEPTED = "a query, a table {query =, variables =}, a list of these, or a table of them by kind (auto, add, remove, update)"

---What rules have where they don't say it.
---@class appsync.client.RuleDefaults
---@field kind "auto"|"add"|"remove"|"update"
---@field id_field string

-- Text that can be stored: whoever reads it back has no other document.
local function text_of(query, place)
  if query == nil then errors.misuse("%s: query is missing", place) end
  if type(query) ~= "string" and not document.is(query) then
    errors.misuse("%s must be %s, got %s", place, ACCEPTED, (errors.describe(query)))
  end
  local _, operation = document.pick(query, "query", nil, place)
  if not document.first_field(operation) then
    errors.misuse("%s: the query must select its field itself, not in a fragment", place)
  end
  return tostring(query), operation
end

-- A copy, which the caller can't change any more.
local function copy_variables(given, operation, place)
  local sent = variables_of.declared(given, operation, {}, place)
  if sent == nil then return nil end
  local text, err = core.encode(sent, "variables")
  if not text then errors.misuse("%s: %s", place, err.message) end
  return json.copy(sent)
end

local function make(given, kind, defaults, place)
  local is_query = type(given) ~= "table" or document.is(given)
  local rule = is_query and { query = given } or opts.check(given, RULE, place)
  local text, operation = text_of(rule.query, place)
  if not kind or kind == "auto" then kind = rule.kind end
  return {
    query = text, variables = copy_variables(rule.variables, operation, place), id_field = rule.id_field or defaults.id_field,
    kind = (kind == nil or kind == "auto") and defaults.kind or kind,
  }
end

local function is_one(given)
  return type(given) == "string" or document.is(given) or (type(given) == "table" and given.query ~= nil)
end

local function check_list(given, place)
  local n = 0
  for key in pairs(given) do
    if type(key) ~= "number" then
      local near = type(key) == "string" and (opts.nearest(key, KINDS) or opts.nearest(key, RULE.names))
      if near then errors.misuse('%s: unknown key "%s"; did you mean "%s"?', place, key, near) end
      errors.misuse("%s must be %s, got a table with the key %s", place, ACCEPTED, (errors.describe(key)))
    end
    n = n + 1
  end
  if n ~= #given then errors.misuse("%s: the list has holes", place) end
end

local function add_all(rules, given, kind, defaults, place)
  if is_one(given) then
    rules[#rules + 1] = make(given, kind, defaults, place)
    return
  end
  if type(given) ~= "table" then errors.misuse("%s must be %s, got %s", place, ACCEPTED, (errors.describe(given))) end
  check_list(given, place)
  for i, one in ipairs(given) do
    rules[#rules + 1] = make(one, kind, defaults, ("%s[%d]"):format(place, i))
  end
end

local function is_by_kind(given)
  if type(given) ~= "table" or is_one(given) or next(given) == nil then return false end
  for key in pairs(given) do
    if not KINDS[key] then return false end
  end
  return true
end

---Checks what was given as `cache_updates`, in whichever form, and returns a list of rules.
---@param given any
---@param defaults appsync.client.RuleDefaults
---@param where string
---@return appsync.CacheRule[]
function cache_rules.check(given, defaults, where)
  local rules, place = json.array(), where .. ": cache_updates"
  if not is_by_kind(given) then
    add_all(rules, given, nil, defaults, place)
    return rules
  end
  for _, kind in ipairs(updates.KINDS) do
    if given[kind] ~= nil then add_all(rules, given[kind], kind, defaults, place .. "." .. kind) end
  end
  return rules
end

---@param rules appsync.CacheRule[]
---@return table[] values that can be JSON
function cache_rules.encode(rules)
  local list = json.array()
  for i, rule in ipairs(rules) do
    list[i] = { query = rule.query, variables = rule.variables, kind = rule.kind, id_field = rule.id_field }
  end
  return list
end

local function is_rule(value)
  return type(value) == "table" and type(value.query) == "string" and KINDS[value.kind] and type(value.id_field) == "string"
    and (value.variables == nil or type(value.variables) == "table")
end

---@param stored any of `encode`
---@return appsync.CacheRule[]? rules nil: it was made by a version that this one doesn't understand
function cache_rules.decode(stored)
  if type(stored) ~= "table" then return nil end
  local rules = json.array()
  for i, value in ipairs(stored) do
    if not is_rule(value) then return nil end
    rules[i] = { query = value.query, variables = value.variables, kind = value.kind, id_field = value.id_field }
  end
  return rules
end

return cache_rules
