---`util.transform.toSubscriptionFilter` (AppSync Developer Guide, "Transformation helpers in util.transform"): a filter
---object as an enhanced subscription filter, which is a list of alternatives.
local core = require "appsync.core"
local enhanced_filter = require "appsync.server.realtime.enhanced_filter"

local NULL = core.null

-- An alternative is a list of filters; they multiply where "and" holds "or"s. Far above what the service accepts, so that
-- the filter's check names the fault; bounded, because clients send these.
local MAX_ALTERNATIVES, MAX_FILTERS = 256, 64

local function sorted_names(object)
  local names = {}
  for name in pairs(object) do names[#names + 1] = tostring(name) end
  table.sort(names)
  return names
end

local function join(list, more)
  for _, alternative in ipairs(more) do list[#list + 1] = alternative end
  if #list > MAX_ALTERNATIVES then enhanced_filter.refuse_lists() end
  return list
end

-- Each of the one with each of the other; nil stands for "no condition".
local function product(left, right)
  if not left or not right then return left or right end
  if #left * #right > MAX_ALTERNATIVES then enhanced_filter.refuse_lists() end
  local out = {}
  for _, a in ipairs(left) do
    for _, b in ipairs(right) do
      if #a + #b > MAX_FILTERS then enhanced_filter.refuse_fields() end
      local both = {}
      for _, filter in ipairs(a) do both[#both + 1] = filter end
      for _, filter in ipairs(b) do both[#both + 1] = filter end
      out[#out + 1] = both
    end
  end
  return out
end

-- Several conditions on one field are alternatives. A null only means something where a field can be null.
local function of_field(name, conditions)
  if type(conditions) ~= "table" then
    error({ message = ("the condition on '%s' must be a table {operator = value}"):format(name), type = "BadRequestException" }, 0)
  end
  local alternatives = {}
  for _, operator in ipairs(sorted_names(conditions)) do
    local value = conditions[operator]
    if value ~= NULL or operator == "eq" or operator == "ne" then
      alternatives[#alternatives + 1] = { { fieldName = name, operator = operator, value = value } }
    end
  end
  return alternatives[1] and alternatives or nil
end

local of_object

local function of_list(list, combine, ignored)
  local out
  for _, object in ipairs(list[1] == nil and next(list) ~= nil and { list } or list) do
    out = combine(out, of_object(object, ignored))
  end
  return out
end

local function either(left, right)
  if not left or not right then return left or right end
  return join(left, right)
end

function of_object(object, ignored)
  if type(object) ~= "table" then
    error({ message = "a subscription filter must be a table {field = {operator = value}}", type = "BadRequestException" }, 0)
  end
  local out
  for _, name in ipairs(sorted_names(object)) do
    if name ~= "and" and name ~= "or" and object[name] ~= NULL and not ignored[name] then
      out = product(out, of_field(name, object[name]))
    end
  end
  if type(object["and"]) == "table" then out = product(out, of_list(object["and"], product, ignored)) end
  if type(object["or"]) == "table" then out = product(out, of_list(object["or"], either, ignored)) end
  return out
end

local function of_rules(rules)
  local out
  for _, name in ipairs(sorted_names(rules)) do out = either(out, of_field(name, rules[name])) end
  return out
end

---A filter object `{field = {operator = value}, ["and"] = {…}, ["or"] = {…}}` as an enhanced filter. Several operators on
---one field are alternatives, as they are on the service. An empty object makes a filter that lets everything pass.
---@param object table
---@param ignored_fields string[]? fields of `object` that don't count
---@param rules table<string, table>? `{field = {operator = value}}`, of which at least one must hold besides
---@return {filterGroup: table[]}
local function to_subscription_filter(object, ignored_fields, rules)
  local ignored = {}
  for _, name in ipairs(ignored_fields or {}) do ignored[name] = true end
  local alternatives = of_object(object, ignored)
  if rules then alternatives = product(alternatives, of_rules(rules)) end
  local groups = setmetatable({}, core.array_mt)
  for i, filters in ipairs(alternatives or {}) do groups[i] = { filters = setmetatable(filters, core.array_mt) } end
  return { filterGroup = groups }
end

return to_subscription_filter
