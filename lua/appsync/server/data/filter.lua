---Filters and conditions of models; those of their subscriptions are enhanced filters.
---An attribute that is absent answers like DynamoDB's: only `ne`, `notContains` and `attributeExists: false` hold for it.
local comparison = require "appsync.comparison"
local core = require "appsync.core"
local has_part = require "appsync.server.data.substring"
local is_list = require "appsync.server.graphql.is_list"

local filter = {}

local NULL = core.null

local function is_equal(a, b)
  if type(a) ~= "table" or type(b) ~= "table" then return a == b end
  for key, value in pairs(a) do
    if not is_equal(value, b[key]) then return false end
  end
  for key in pairs(b) do
    if a[key] == nil then return false end
  end
  return true
end
filter.is_equal = is_equal

local function contains(value, wanted)
  if is_list(value) then
    for _, item in ipairs(value) do
      if is_equal(item, wanted) then return true end
    end
    return false
  end
  return type(value) == "string" and type(wanted) == "string" and has_part(value, wanted)
end

local function is_in(value, list)
  for _, item in ipairs(list) do
    if is_equal(value, item) then return true end
  end
  return false
end

-- The type is the one of Amplify's generated resolvers for what is no filter expression.
local function unrecognized(why)
  error({ message = "Unable to process the filter expression: " .. why, type = "Unrecognized Filter" }, 0)
end

local function between(value, pair)
  if not is_list(pair) or #pair ~= 2 then unrecognized("'between' must have exactly two elements") end
  return comparison.is_between(value, pair[1], pair[2])
end

local function attribute_type(value)
  if value == nil then return nil end
  if value == NULL then return "_null" end
  if type(value) == "boolean" then return "bool" end
  if type(value) == "table" then return is_list(value) and "list" or "map" end
  return type(value)
end

local function size_of(value)
  if type(value) == "string" then return select(2, value:gsub("[^\128-\191]", "")) end
  if type(value) ~= "table" then return nil end
  if is_list(value) then return #value end
  local n = 0
  for _ in pairs(value) do n = n + 1 end
  return n
end

local test_operators

local OPERATORS = {
  eq = function(value, operand) return value ~= nil and is_equal(value, operand) end,
  ne = function(value, operand) return value == nil or not is_equal(value, operand) end,
  lt = comparison.test(function(order) return order < 0 end),
  le = comparison.test(function(order) return order <= 0 end),
  gt = comparison.test(function(order) return order > 0 end),
  ge = comparison.test(function(order) return order >= 0 end),
  contains = contains,
  notContains = function(value, operand) return not contains(value, operand) end,
  beginsWith = function(value, operand)
    return type(value) == "string" and type(operand) == "string" and value:sub(1, #operand) == operand
  end,
  between = between,
  attributeExists = function(value, operand) return (value ~= nil) == operand end,
  attributeType = function(value, operand) return attribute_type(value) == operand end,
  size = function(value, operand) return test_operators(operand, size_of(value)) end,
  ["in"] = function(value, operand) return value ~= nil and is_in(value, operand) end,
}

function test_operators(conditions, value)
  for name, operand in pairs(conditions) do
    local operator = OPERATORS[name]
    if not operator then unrecognized(("there is no operator '%s'"):format(tostring(name))) end
    -- A null operand only means something where a value can be null.
    if (operand ~= NULL or name == "eq" or name == "ne") and not operator(value, operand) then return false end
  end
  return true
end

local function any(list, item)
  for _, part in ipairs(list) do
    if filter.matches(part, item) then return true end
  end
  return #list == 0
end

local function all(list, item)
  for _, part in ipairs(list) do
    if not filter.matches(part, item) then return false end
  end
  return true
end

local function part_holds(name, operand, item)
  if name == "and" then return all(operand, item) end
  if name == "or" then return any(operand, item) end
  if name == "not" then return not filter.matches(operand, item) end
  return test_operators(operand, item[name])
end

-- Of one expression (DynamoDB Developer Guide, "Quotas", "Operators and operands").
local MAX_OPERATORS = 300

local function count_operator(count)
  count.n = count.n + 1
  if count.n > MAX_OPERATORS then
    error({ message = ("Invalid FilterExpression: The expression contains too many operators; operator count: more than %d")
      :format(MAX_OPERATORS), type = "DynamoDB:DynamoDbException" }, 0)
  end
end

local function check_operators(conditions, count)
  for name, operand in pairs(conditions) do
    count_operator(count)
    if not OPERATORS[name] then unrecognized(("there is no operator '%s'"):format(tostring(name))) end
    if name == "between" and operand ~= NULL then
      between(nil, operand)
    elseif name == "size" and operand ~= NULL then
      check_operators(operand, count)
    end
  end
end

local function check(conditions, count)
  if conditions == nil or conditions == NULL then return end
  count_operator(count)
  for name, operand in pairs(conditions) do
    if operand == NULL then operand = {} end
    if name == "and" or name == "or" then
      for _, part in ipairs(operand) do check(part, count) end
    elseif name == "not" then
      check(operand, count)
    else
      check_operators(operand, count)
    end
  end
end

---Throws for a filter that means nothing, whatever the item, and for one that is longer than DynamoDB takes: it is asked of
---each item.
---@param conditions table?
function filter.check(conditions)
  check(conditions, { n = 0 })
end

---Returns whether an item passes. All parts of one filter object must hold.
---@param conditions table? a coerced filter, `nil` and null pass everything
---@param item table
---@return boolean
function filter.matches(conditions, item)
  if conditions == nil or conditions == NULL then return true end
  for name, operand in pairs(conditions) do
    if operand ~= NULL and not part_holds(name, operand, item) then return false end
  end
  return true
end

return filter
