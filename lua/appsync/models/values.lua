---Values of a model's fields: checked by their types, nested ones too, and copied.
local core = require "appsync.core"
local errors = require "appsync.errors"
local fault = require "appsync.models.fault"
local form = require "appsync.models.form"
local json = require "appsync.json"
local scalars = require "appsync.models.scalar_values"

local values = {}

local describe = errors.describe

local function is_absent(value)
  return value == nil or value == core.null
end

local function read_object(world, type_name, value, path)
  local non_model, out = world.non_models[type_name], {}
  if type(value) ~= "table" then fault.of(path, "must be a table of %s's fields, got %s", type_name, (describe(value))) end
  for name in pairs(value) do
    if not non_model.fields[name] then form.unknown(path, "field", name, non_model.fields) end
  end
  for _, name in ipairs(non_model.names) do
    out[name] = values.read(world, non_model.fields[name], value[name], path .. "." .. name)
  end
  return out
end

local function read_enum(world, type_name, value, path)
  local list = world.enums[type_name]
  for _, one in ipairs(list) do
    if one == value then return value end
  end
  fault.of(path, "must be one of \"%s\", got %s", table.concat(list, "\", \""), (describe(value)))
end

local function read_one(world, field, value, path)
  if field.kind == "enum" then return read_enum(world, field.type, value, path) end
  if field.kind == "non_model" then return read_object(world, field.type, value, path) end
  local read, accepted = scalars.check(field.type, value)
  if accepted ~= nil then fault.of(path, "must be %s, got %s", accepted, (describe(value))) end
  return read
end

local function read_list(world, field, value, path)
  if type(value) ~= "table" then fault.of(path, "must be a list, got %s", (describe(value))) end
  local n, list = #value, json.array()
  for key in pairs(value) do
    if type(key) ~= "number" or key < 1 or key > n or key % 1 ~= 0 then
      fault.of(path, "must be a list without holes, got a table with the key %s", tostring(key))
    end
  end
  for i = 1, n do
    local at = ("%s[%d]"):format(path, i)
    if value[i] == core.null then
      if field.item_required then fault.of(at, "must not be null") end
      list[i] = core.null
    else
      list[i] = read_one(world, field, value[i], at)
    end
  end
  return list
end

---Reads the value of a field. Raises a fault that names the field.
---@param world appsync.models.Description
---@param field appsync.models.Field
---@param value any
---@param path string
---@return any value nil: null
function values.read(world, field, value, path)
  if is_absent(value) then
    if field.required and not field.read_only then fault.of(path, "is required") end
    return nil
  end
  if field.list then return read_list(world, field, value, path) end
  local read = read_one(world, field, value, path)
  if read == core.null then return nil end
  return read
end

---Whether two values are the same, tables by what they hold.
---@return boolean
function values.same(a, b)
  if type(a) ~= "table" or type(b) ~= "table" then return a == b end
  for key, value in pairs(a) do
    if not values.same(value, b[key]) then return false end
  end
  for key in pairs(b) do
    if a[key] == nil then return false end
  end
  return true
end

return values
