---Whether a record matches a predicate's tree: the plain evaluation (Amplify DataStore, datastore/util.ts; comparisons with
---null are false, as in SQL, and text is ordered by its bytes).
local comparison = require "appsync.comparison"
local core = require "appsync.core"

local NULL = core.null

local function value_of(fields, name)
  local value = fields[name]
  if value == nil then return NULL end
  return value
end

local function ordered(accepts)
  return function(value, operand)
    if type(value) == "boolean" and type(operand) == "boolean" then
      value, operand = value and 1 or 0, operand and 1 or 0
    end
    local order = comparison.order(value, operand)
    return order ~= nil and accepts(order)
  end
end

local function is_in(value, list)
  for _, one in ipairs(list) do
    if one == value then return true end
  end
  return false
end

local function contains(value, operand)
  if type(value) == "table" then return is_in(operand, value) end
  return type(value) == "string" and value:find(operand, 1, true) ~= nil
end

local TESTS = {
  eq = function(value, operand) return value == operand end,
  ne = function(value, operand) return value ~= operand end,
  lt = ordered(function(order) return order < 0 end), le = ordered(function(order) return order <= 0 end),
  gt = ordered(function(order) return order > 0 end), ge = ordered(function(order) return order >= 0 end),
  between = comparison.is_between,
  begins_with = function(value, operand) return type(value) == "string" and value:sub(1, #operand) == operand end,
  contains = contains, not_contains = function(value, operand) return not contains(value, operand) end,
  ["in"] = is_in, not_in = function(value, list) return not is_in(value, list) end,
}

---@param tree table of `predicate.tree`
---@param fields table of the record
---@param related fun(fields: table, relation: string): table[]? the related records
---@return boolean
local function matches(tree, fields, related)
  local kind = tree[1]
  if kind == "all" then
    return true
  elseif kind == "not" then
    return not matches(tree[2], fields, related)
  elseif kind == "related" then
    for _, one in ipairs(related(fields, tree[2]) or {}) do
      if matches(tree[3], one, related) then return true end
    end
    return false
  elseif kind == "and" or kind == "or" then
    for i = 2, #tree do
      if matches(tree[i], fields, related) == (kind == "or") then return kind == "or" end
    end
    return kind == "and"
  end
  return TESTS[kind](value_of(fields, tree[2]), tree[3], tree[4])
end

return matches
