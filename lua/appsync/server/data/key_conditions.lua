---The key arguments of lists and index queries: which partition, which part of its sort keys. Refusals are worded as in
---Amplify's generated resolvers.
local core = require "appsync.core"
local keys = require "appsync.server.data.keys"
local refuse = require "appsync.server.data.refuse"

local key_conditions = {}

local NULL = core.null
local OPERATORS = { eq = true, le = true, lt = true, ge = true, gt = true, between = true, beginsWith = true }

local function given(value)
  if value == NULL then return nil end
  return value
end

---The argument of a sort key: the field, or all of them in camel case.
---@param key appsync.server.KeyLayout
---@return string?
function key_conditions.argument(key)
  local sort = key.sort or {}
  if key.sort_argument then return key.sort_argument end
  if #sort < 2 then return sort[1] end
  local words = {}
  for i, name in ipairs(sort) do
    local first = name:sub(1, 1)
    words[i] = (i == 1 and first:lower() or first:upper()) .. name:sub(2)
  end
  return table.concat(words)
end

local function is_blank(value)
  return value == nil or value == NULL or (type(value) == "string" and not value:find("%S"))
end

-- The parts of a composite key from the left; what follows a gap would mean nothing. An empty part is one that is given, and
-- has its separator, but it's also a gap for what comes behind it.
local function composite(sort, value, place)
  if given(value) == nil then value = {} end
  local text = ""
  for i, name in ipairs(sort) do
    local part = given(value[name])
    if i > 1 and not is_blank(part) and is_blank(value[sort[i - 1]]) then
      refuse.arguments("When providing argument '%s.%s' you must also provide '%s.%s'.", place, name, place, sort[i - 1])
    end
    if part ~= nil then text = (i > 1 and text .. "#" or "") .. keys.join({ part }) end
  end
  return text
end

local function operand(sort, value, place)
  if #sort > 1 then return composite(sort, value, place) end
  local part = given(value)
  if part == nil then refuse.arguments("Argument '%s' must not be null.", place) end
  return part
end

---The one operator of a condition, or none.
local function operator_of(condition, argument)
  local op
  for name, value in pairs(condition) do
    if given(value) ~= nil then
      if op then refuse.arguments("Argument %s must specify at most one key condition operation.", argument) end
      op = name
    end
  end
  if op and not OPERATORS[op] then refuse.arguments("Argument %s has no key condition operation '%s'.", argument, tostring(op)) end
  return op
end

---A sort key's condition.
---@param key appsync.server.KeyLayout
---@param condition table? `{between = {…}}` and the like
---@return appsync.server.SortRange?
function key_conditions.range(key, condition)
  if given(condition) == nil then return nil end
  local sort, argument = key.sort or {}, key_conditions.argument(key)
  local op = operator_of(condition, argument)
  if not op then return nil end
  local value, place = condition[op], argument .. "." .. op
  if op ~= "between" then return { op = op, a = operand(sort, value, place) } end
  if #value ~= 2 then refuse.arguments("Argument '%s' expects exactly two elements.", place) end
  return { op = op, a = operand(sort, value[1], place .. "[0]"), b = operand(sort, value[2], place .. "[1]") }
end

local function check_without_partition(key, sort, args)
  local partition, argument = key.partition, key_conditions.argument(key)
  if argument and given(args[argument]) ~= nil then
    if #sort > 1 then refuse.arguments("When providing argument '%s' you must also provide '%s'.", argument, partition) end
    refuse.arguments("When providing argument '%s' you must also provide arguments %s", argument, partition)
  end
  if given(args.sortDirection) ~= nil then
    refuse.arguments("When providing argument 'sortDirection' you must also provide argument '%s'.", partition)
  end
end

---Completes a page's query by the key arguments of a field.
---@param key appsync.server.KeyLayout
---@param args table
---@param query appsync.server.PageQuery gets pk, range and is_descending
function key_conditions.apply(key, args, query)
  local sort = key.sort or {}
  if #sort == 0 and given(args.sortDirection) ~= nil then
    refuse.arguments("sortDirection is not supported for List operations without a Sort key defined.")
  end
  local pk = given(args[key.partition])
  if pk == nil then return check_without_partition(key, sort, args) end
  query.pk = pk
  if #sort > 0 then query.range = key_conditions.range(key, args[key_conditions.argument(key)]) end
  query.is_descending = args.sortDirection == "DESC"
end

return key_conditions
