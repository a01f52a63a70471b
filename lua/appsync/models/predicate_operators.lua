---Operators of predicates: their names and the operands that a field's type takes.
local core = require "appsync.core"
local errors = require "appsync.errors"
local fault = require "appsync.models.fault"
local form = require "appsync.models.form"
local scalars = require "appsync.models.scalar_values"

local operators = {}

---By every spelling, the name in a tree.
operators.NAMES = {
  eq = "eq", ne = "ne", gt = "gt", ge = "ge", lt = "lt", le = "le", between = "between", begins_with = "begins_with",
  beginsWith = "begins_with", contains = "contains", not_contains = "not_contains", notContains = "not_contains",
  ["in"] = "in", in_ = "in", not_in = "not_in", notIn = "not_in",
}

local TEXT_ONLY = { begins_with = true, contains = true, not_contains = true }
local ORDER = { gt = true, ge = true, lt = true, le = true, between = true }

local function stored(field)
  if field.kind == "enum" then return "text" end
  return field.kind == "scalar" and scalars.stored(field.type) or "json"
end

local function accepts(field, name)
  if name == "eq" or name == "ne" then return true end
  if field.list then return name == "contains" or name == "not_contains" end
  local kind = stored(field)
  if TEXT_ONLY[name] then return kind == "text" end
  if ORDER[name] then return kind ~= "json" and kind ~= "boolean" end
  return kind ~= "json"
end

-- Texts may be a part of a scalar's form ("2024-"), so its form isn't checked.
local function operand(field, name, value, path, takes_null)
  if value == core.null or value == nil then
    if takes_null then return core.null end
    fault.of(path, "%s takes no null", name)
  end
  local kind = stored(field)
  if kind == "json" or (field.list and name ~= "contains" and name ~= "not_contains") then
    fault.of(path, "%s takes only appsync.null here", name)
  end
  local read, accepted = scalars.check(kind == "text" and "String" or field.type, value)
  if accepted ~= nil then fault.of(path, "%s takes %s, got %s", name, accepted, (errors.describe(value))) end
  return read
end

local function list_of(name, value, path, n)
  if type(value) ~= "table" or (n and #value ~= n) then
    fault.of(path, "%s takes a list%s", name, n and (" of %d values"):format(n) or " of values")
  end
  return value
end

---A condition on a field.
---@param field appsync.models.Field
---@param typed any the operator as it was spelled
---@param value any
---@param path string
---@return table tree
function operators.condition(field, typed, value, path)
  local name = operators.NAMES[typed]
  if not name then form.unknown(path, "operator", typed, operators.NAMES) end
  if not accepts(field, name) then
    fault.of(path, "%s can't be used with a field of type %s%s", name, field.list and "list of " or "", field.type)
  end
  if name == "between" then
    list_of(name, value, path, 2)
    return { name, field.name, operand(field, name, value[1], path), operand(field, name, value[2], path) }
  elseif name == "in" or name == "not_in" then
    local list = {}
    for i, one in ipairs(list_of(name, value, path)) do list[i] = operand(field, name, one, path, true) end
    return { name, field.name, list }
  end
  return { name, field.name, operand(field, name, value, path, name == "eq" or name == "ne" or field.list) }
end

return operators
