---The inputs that filters, conditions and key conditions are made of (Amplify documentation, "Generated operations").
local names = require "appsync.schema.names"

local filters = {}

local ORDER = { "ne", "eq", "le", "lt", "ge", "gt" }
local ATTRIBUTE = { "attributeExists: Boolean", "attributeType: ModelAttributeTypes" }
local BASES = { "String", "ID", "Int", "Float", "Boolean" }

local IS_TEXT = { String = true, ID = true }

-- "[Int]" where the operator takes a list of the base type.
local function operators(base)
  if base == "Boolean" then return { "ne: Boolean", "eq: Boolean" } end
  local lines = {}
  for i, name in ipairs(ORDER) do lines[i] = name .. ": " .. base end
  if IS_TEXT[base] then
    lines[#lines + 1] = "contains: " .. base
    lines[#lines + 1] = "notContains: " .. base
  end
  lines[#lines + 1] = ("between: [%s]"):format(base)
  if IS_TEXT[base] then lines[#lines + 1] = "beginsWith: " .. base end
  return lines
end

local function filter_input(base)
  local lines = operators(base)
  for _, line in ipairs(ATTRIBUTE) do lines[#lines + 1] = line end
  if IS_TEXT[base] then lines[#lines + 1] = "size: ModelSizeInput" end
  return filters.input(("Model%sInput"):format(base), lines)
end

local function subscription_input(base)
  local lines = operators(base)
  if base ~= "Boolean" then
    lines[#lines + 1] = ("in: [%s]"):format(base)
    lines[#lines + 1] = ("notIn: [%s]"):format(base)
  end
  return filters.input(("ModelSubscription%sInput"):format(base), lines)
end

---An input type.
---@param name string
---@param lines string[]
---@return string sdl
function filters.input(name, lines)
  return ("input %s {\n  %s\n}"):format(name, table.concat(lines, "\n  "))
end

---How lists are sorted.
---@return string sdl
function filters.sort_direction()
  return "enum ModelSortDirection { ASC DESC }"
end

---The inputs that all models share.
---@param version 1|2 subscriptions have filters since the second
---@return string[] sdl
function filters.shared(version)
  local parts = {
    "enum ModelAttributeTypes { binary binarySet bool list map number numberSet string stringSet _null }",
    filters.input("ModelSizeInput", { "ne: Int", "eq: Int", "le: Int", "lt: Int", "ge: Int", "gt: Int", "between: [Int]" }),
  }
  for _, base in ipairs(BASES) do
    parts[#parts + 1] = filter_input(base)
    if version == 2 then parts[#parts + 1] = subscription_input(base) end
  end
  return parts
end

---The filter of an enum, or of a list of its values.
---@param name string
---@param is_list boolean
---@return string sdl
function filters.enum(name, is_list)
  if not is_list then return filters.input(("Model%sInput"):format(name), { "eq: " .. name, "ne: " .. name }) end
  return filters.input(("Model%sListInput"):format(name),
    { ("eq: [%s]"):format(name), ("ne: [%s]"):format(name), "contains: " .. name, "notContains: " .. name })
end

local BASE_OF = { ID = "ID", Int = "Int", AWSTimestamp = "Int", Float = "Float", Boolean = "Boolean" }

---The scalar that a scalar is compared as.
---@param name string
---@return string
function filters.base(name)
  return BASE_OF[name] or "String"
end

---The filter type of a field; nil when it can't be filtered by.
---@param field appsync.server.ModelField
---@return string?
function filters.type_of(field)
  if field.kind == "scalar" then return ("Model%sInput"):format(filters.base(field.named)) end
  if field.kind ~= "enum" then return nil end
  return ("Model%s%sInput"):format(field.named, field.is_filtered_as_list and "List" or "")
end

---The same in the filter of a subscription.
---@param field appsync.server.ModelField
---@return string?
function filters.subscription_type_of(field)
  if field.kind == "scalar" then return ("ModelSubscription%sInput"):format(filters.base(field.named)) end
  return field.kind == "enum" and "ModelSubscriptionStringInput" or nil
end

---The condition on one sort field: its type's name and its SDL; nil for types that have no order.
---@param field appsync.server.ModelField
---@return string? name, string? sdl
function filters.key_condition(field)
  local base = field.kind == "enum" and "String" or filters.base(field.named)
  if base == "Boolean" then return nil end
  local lines = {}
  for i = 2, #ORDER do lines[i - 1] = ORDER[i] .. ": " .. base end
  lines[#lines + 1] = ("between: [%s]"):format(base)
  if IS_TEXT[base] then lines[#lines + 1] = "beginsWith: " .. base end
  local name = ("Model%sKeyConditionInput"):format(base)
  return name, filters.input(name, lines)
end

---The condition on several sort fields at once.
---@param m appsync.server.Model
---@param key_name string "Primary" or the index's name
---@param sort string[]
---@return string name, string[] sdl
function filters.composite_condition(m, key_name, sort)
  -- Names of indexes may hold what names of types may not.
  local stem = ("Model%s%sCompositeKey"):format(m.name, (names.upper_first(key_name):gsub("[^%w_]", "")))
  local lines, parts = {}, {}
  for i = 2, #ORDER do lines[i - 1] = ("%s: %sInput"):format(ORDER[i], stem) end
  lines[#lines + 1] = ("between: [%sInput]"):format(stem)
  lines[#lines + 1] = ("beginsWith: %sInput"):format(stem)
  for i, name in ipairs(sort) do
    local field = m.field_by_name[name]
    -- The last one is what is compared; those before it are as they are declared.
    local is_compared = i == #sort and field.kind == "scalar"
    parts[i] = ("%s: %s"):format(name, is_compared and filters.base(field.named) or field.named)
  end
  return stem .. "ConditionInput", { filters.input(stem .. "ConditionInput", lines), filters.input(stem .. "Input", parts) }
end

return filters
