---The order of a query's records.
local errors = require "appsync.errors"
local fault = require "appsync.models.fault"
local form = require "appsync.models.form"

local sort_order = {}

local DIRECTIONS = { asc = "asc", desc = "desc", ascending = "asc", descending = "desc" }

local function read(class, sort)
  local list = {}
  for i, entry in ipairs(sort) do
    if type(entry) == "string" then entry = { entry } end
    local name, direction = entry[1], entry[2] or "asc"
    local field = class.model.fields[name]
    if not field then form.unknown(("sort[%d]"):format(i), "field", name, class.model.fields) end
    if field.list or field.kind == "non_model" or field.type == "AWSJSON" then
      fault.of(("sort[%d]"):format(i), "%s.%s has no order", class.name, name)
    end
    local read_direction = type(direction) == "string" and DIRECTIONS[direction:lower()]
    if not read_direction then form.unknown(("sort[%d]"):format(i), "direction", direction, DIRECTIONS) end
    list[i] = { name, read_direction }
  end
  return list
end

---Reads `{{"priority", "desc"}, "name"}`. Throws for what isn't accepted.
---@param class appsync.models.Class
---@param sort table[]?
---@return string[][] list of field and "asc" or "desc"
function sort_order.read(class, sort)
  if sort == nil then return {} end
  errors.expect(sort, "sort", "table", class.name)
  return fault.throwing("sort", read, class, sort)
end

return sort_order
