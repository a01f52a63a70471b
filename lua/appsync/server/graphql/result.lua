---The answer's JSON: written piece by piece, so that fields keep the order of the selection, and error objects with the
---keys in the service's order.
local core = require "appsync.core"
local is_list = require "appsync.server.graphql.is_list"

local result = {}

local NULL = core.null

---@class appsync.server.ErrorEntry
---@field message string
---@field path (string|integer)[]? positions count from 0
---@field locations {line: integer, column: integer}[]?
---@field errorType string?
---@field errorInfo any
---@field data any
---@field is_plain boolean? without the keys data, errorType and errorInfo, as the service writes its own errors

---A number as JSON, the same on every Lua.
---@param value number
---@return string
function result.number(value)
  if math.type and math.type(value) == "integer" then return ("%d"):format(value) end
  -- The last one that is not several integers at once (IEEE 754).
  if value == math.floor(value) and math.abs(value) < 9007199254740992 then
    -- "-0" is what %.0f makes of a negative zero.
    return value == 0 and "0" or ("%.0f"):format(value)
  end
  for digits = 15, 17 do
    local text = ("%." .. digits .. "g"):format(value)
    if tonumber(text) == value then return text end
  end
  return ("%.17g"):format(value)
end

---What the server itself made, as JSON. Throws for what JSON can't hold.
---@param value any
---@return string
function result.text(value)
  local text, err = core.encode(value)
  return text or error(err.message, 2)
end

---A leaf as JSON.
---@param value string|number|boolean|lightuserdata|nil
---@return string? text nil for one that is not UTF-8
function result.leaf(value)
  if type(value) == "number" then return result.number(value) end
  if type(value) == "boolean" then return value and "true" or "false" end
  if value == nil or value == NULL then return "null" end
  return core.encode(value)
end

---A text that may quote bytes of any origin, as UTF-8: unless it is, question marks stand for all but ASCII.
---@param text string
---@return string
function result.utf8(text)
  return core.encode(text) and text or (text:gsub("[\128-\255]", "?"))
end

---Any value as JSON with its members sorted by name, so that one value has one text. Throws for a text that is not UTF-8.
---@param value any
---@return string
function result.sorted(value)
  if type(value) ~= "table" then return result.leaf(value) or result.text(value) end
  local parts, names = {}, {}
  if is_list(value) then
    for i, item in ipairs(value) do parts[i] = result.sorted(item) end
    return "[" .. table.concat(parts, ",") .. "]"
  end
  for name in pairs(value) do names[#names + 1] = tostring(name) end
  table.sort(names)
  for i, name in ipairs(names) do parts[i] = result.text(name) .. ":" .. result.sorted(value[name]) end
  return "{" .. table.concat(parts, ",") .. "}"
end

local function path_text(path)
  if not path then return "null" end
  local parts = {}
  for i, step in ipairs(path) do parts[i] = result.leaf(step) end
  return "[" .. table.concat(parts, ",") .. "]"
end

local function locations_text(locations)
  if not locations then return "null" end
  local parts = {}
  for i, at in ipairs(locations) do
    parts[i] = ('{"line":%d,"column":%d,"sourceName":null}'):format(at.line, at.column)
  end
  return "[" .. table.concat(parts, ",") .. "]"
end

local function any_text(value)
  if value == nil then return "null" end
  return core.encode(value) or "null"
end

---One error object.
---@param entry appsync.server.ErrorEntry
---@return string
function result.error_text(entry)
  local message = core.encode(result.utf8(entry.message))
  local place = ('"locations":%s,"message":%s}'):format(locations_text(entry.locations), message)
  if entry.is_plain then return ('{"path":%s,%s'):format(path_text(entry.path), place) end
  return ('{"path":%s,"data":%s,"errorType":%s,"errorInfo":%s,%s'):format(path_text(entry.path), any_text(entry.data),
    any_text(entry.errorType), any_text(entry.errorInfo), place)
end

---The body of an answer.
---@param data_text string
---@param errors appsync.server.ErrorEntry[]
---@return string
function result.body(data_text, errors)
  return result.before_data .. data_text .. result.after_data(errors)
end

---What stands in a body before the data, and behind it: where these are pieces already, nothing is copied once more.
result.before_data = '{"data":'

---@param errors appsync.server.ErrorEntry[]
---@return string
function result.after_data(errors)
  if #errors == 0 then return "}" end
  local parts = {}
  for i, entry in ipairs(errors) do parts[i] = result.error_text(entry) end
  return (',"errors":[%s]}'):format(table.concat(parts, ","))
end

---"/listTodos/items[0]/name".
---@param path (string|integer)[]
---@return string
function result.path_label(path)
  local parts = {}
  for i, step in ipairs(path) do
    parts[i] = type(step) == "number" and ("[%d]"):format(step) or "/" .. step
  end
  return table.concat(parts)
end

return result
