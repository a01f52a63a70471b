---Enhanced subscription filters: `{filterGroup = {{filters = {{fieldName=, operator=, value=}, …}}, …}}`. The filters of
---one list must all hold, one of the lists is enough (AppSync Developer Guide, "Defining enhanced subscription filters",
---"Extensions").
local comparison = require "appsync.comparison"
local core = require "appsync.core"
local is_list = require "appsync.server.graphql.is_list"

local enhanced_filter = {}

local NULL = core.null

local MAX_LISTS, MAX_FIELDS, MAX_IN, MAX_ANY, MAX_CHARACTERS, MAX_LEVELS = 10, 5, 5, 20, 256, 5

local function refuse(message, ...)
  error({ message = message:format(...), type = "BadRequestException" }, 0)
end

local function is_scalar(value)
  return type(value) == "string" or type(value) == "number"
end

local function is_member(list, wanted)
  for _, item in ipairs(list) do
    if item == wanted then return true end
  end
  return false
end

local function contains(value, wanted)
  if is_list(value) then return is_member(value, wanted) end
  return type(value) == "string" and type(wanted) == "string" and value:find(wanted, 1, true) ~= nil
end

local function contains_any(value, wanted)
  if not is_list(value) then return false end
  for _, item in ipairs(wanted) do
    if is_member(value, item) then return true end
  end
  return false
end

-- What an operator accepts as its value: a name of `kinds`.
local kinds = {}

-- Null asks for a field that is null or absent, as it does as an argument.
function kinds.any(value) return is_scalar(value) or type(value) == "boolean" or value == NULL, "a number, a string, a boolean or null" end
function kinds.scalar(value) return is_scalar(value), "a number or a string" end
function kinds.string(value) return type(value) == "string", "a string" end

local function list_of(max)
  return function(value)
    local ok = is_list(value) and #value > 0 and #value <= max
    for _, item in ipairs(ok and value or {}) do ok = ok and is_scalar(item) end
    return ok, ("a list of 1 to %d numbers or strings"):format(max)
  end
end

kinds.list_in, kinds.list_any = list_of(MAX_IN), list_of(MAX_ANY)

function kinds.pair(value)
  if is_list(value) and #value ~= 2 then
    error({ message = "Invalid value for 'between': it must have exactly two elements", type = "InvalidArgumentsError" }, 0)
  end
  return is_list(value) and is_scalar(value[1]) and type(value[1]) == type(value[2]), "a list of two numbers or two strings"
end

-- A field that is null or absent gets here as null: no test but the negative ones holds for it.
local OPERATORS = {
  eq = { kinds.any, function(value, operand) return value == operand end },
  ne = { kinds.any, function(value, operand) return value ~= operand end },
  le = { kinds.scalar, comparison.test(function(order) return order <= 0 end) },
  lt = { kinds.scalar, comparison.test(function(order) return order < 0 end) },
  ge = { kinds.scalar, comparison.test(function(order) return order >= 0 end) },
  gt = { kinds.scalar, comparison.test(function(order) return order > 0 end) },
  contains = { kinds.scalar, contains },
  notContains = { kinds.scalar, function(value, operand) return not contains(value, operand) end },
  beginsWith = { kinds.string, function(value, operand)
    return type(value) == "string" and value:sub(1, #operand) == operand
  end },
  ["in"] = { kinds.list_in, function(value, operand) return is_member(operand, value) end },
  notIn = { kinds.list_in, function(value, operand) return not is_member(operand, value) end },
  between = { kinds.pair, function(value, pair)
    return comparison.is_between(value, pair[1], pair[2])
  end },
  containsAny = { kinds.list_any, contains_any },
}

local NAMES = "eq, ne, le, lt, ge, gt, contains, notContains, beginsWith, in, notIn, between or containsAny"

local function check_length(text, what)
  if type(text) == "string" and select(2, text:gsub("[^\128-\191]", "")) > MAX_CHARACTERS then
    refuse("%s of a subscription filter must not be longer than %d characters", what, MAX_CHARACTERS)
  end
end

local function check_keys(object, accepted, what)
  if type(object) ~= "table" then refuse("%s must be a table {%s}", what, accepted) end
  for key in pairs(object) do
    if not (", " .. accepted .. ","):find(", " .. tostring(key) .. ",", 1, true) then
      refuse("%s has %s, not '%s'", what, accepted, tostring(key))
    end
  end
end

local function check_value(filter, kind)
  local value = filter.value
  if value == nil then value = NULL end
  local ok, accepted = kind(value)
  if not ok then
    refuse("the operator '%s' on '%s' of a subscription filter takes %s", filter.operator, filter.fieldName, accepted)
  end
  for _, text in ipairs(is_list(value) and value or { value }) do check_length(text, "a value") end
  return value
end

local function split(name)
  local path = {}
  for step in (name .. "."):gmatch("([^.]*)%.") do path[#path + 1] = step end
  return path
end

-- One filter as {path, test, value}; nil for one that is deeper than the service looks, which takes no notice of it.
local function compile_filter(filter, notes)
  check_keys(filter, "fieldName, operator, value", "a filter of a subscription filter")
  local name = filter.fieldName
  if type(name) ~= "string" or name == "" then refuse("fieldName of a subscription filter must be a field's name") end
  check_length(name, "fieldName")
  local operator = type(filter.operator) == "string" and OPERATORS[filter.operator]
  if not operator then
    refuse("the operator of a subscription filter on '%s' must be %s, not '%s'", name, NAMES, tostring(filter.operator))
  end
  local value, path = check_value(filter, operator[1]), split(name)
  if #path > MAX_LEVELS then
    notes[#notes + 1] = ("the subscription filter on '%s' is deeper than %d levels and is ignored, as on the service"):format(
      name, MAX_LEVELS)
    return nil
  end
  return { path = path, test = operator[2], value = value }
end

---Throws that a list has more fields than the service accepts.
function enhanced_filter.refuse_fields()
  refuse("Filters exceed maximum attributes limit %d for subscription.", MAX_FIELDS)
end

local function compile_list(group, notes)
  check_keys(group, "filters", "a list of filterGroup")
  local filters = group.filters
  if type(filters) ~= "table" then refuse("filters of a subscription filter must be a list") end
  local names, n_names, compiled = {}, 0, {}
  for _, filter in ipairs(filters) do
    compiled[#compiled + 1] = compile_filter(filter, notes)
    -- The service has one test for each field of a list.
    if names[filter.fieldName] then refuse("subscription filter uses same fieldName multiple time: %s", filter.fieldName) end
    names[filter.fieldName], n_names = true, n_names + 1
  end
  if n_names > MAX_FIELDS then enhanced_filter.refuse_fields() end
  return compiled
end

local function value_at(payload, path)
  local value = payload
  for i = 1, #path do
    if type(value) ~= "table" or is_list(value) then return NULL end
    value = value[path[i]]
  end
  if value == nil then return NULL end
  return value
end

local function all_hold(filters, payload)
  for i = 1, #filters do
    local filter = filters[i]
    if not filter.test(value_at(payload, filter.path), filter.value) then return false end
  end
  return true
end

---Throws that there are more lists than the service accepts.
function enhanced_filter.refuse_lists()
  refuse("Filters combination exceed maximum limit %d for subscription.", MAX_LISTS)
end

---Checks a filter and makes its test. Throws {message=, type=} for one that the service refuses. One without any list
---lets everything pass.
---@param object {filterGroup: {filters: {fieldName: string, operator: string, value: any}[]}[]}
---@return fun(payload: any): boolean matches payloads that are no object don't match
---@return string[] notes what in the filter has no effect
---@return table<string, true> names the payload's fields that it looks at
function enhanced_filter.compile(object)
  check_keys(object, "filterGroup", "a subscription filter")
  local lists, notes, names, groups = {}, {}, {}, object.filterGroup
  if type(groups) ~= "table" or (next(groups) ~= nil and groups[1] == nil) then
    refuse("filterGroup of a subscription filter must be a list")
  end
  for i, group in ipairs(groups) do
    lists[i] = compile_list(group, notes)
    for _, filter in ipairs(lists[i]) do names[filter.path[1]] = true end
  end
  if #lists > MAX_LISTS then enhanced_filter.refuse_lists() end
  return function(payload)
    if type(payload) ~= "table" or is_list(payload) then return false end
    for i = 1, #lists do
      if all_hold(lists[i], payload) then return true end
    end
    return #lists == 0
  end, notes, names
end

return enhanced_filter
