---What DynamoDB lets an item and its keys be (Amazon DynamoDB Developer Guide, "Constraints", "Item sizes and formats").
---The messages are the service's own, with its spaces.
local core = require "appsync.core"
local is_list = require "appsync.server.graphql.is_list"
local result = require "appsync.server.graphql.result"

local item_limits = {}

local NULL = core.null
local MAX_ITEM_BYTES, MAX_PARTITION_BYTES, MAX_SORT_BYTES = 409600, 2048, 1024
local CONTAINER_BYTES, ELEMENT_BYTES = 3, 1

local PARTITION = "One or more parameter values were invalid: Size of hashkey has exceeded the maximum size limit of2048 bytes"
local SORT = "One or more parameter values were invalid: Aggregated size of all range keys has exceeded the size limit of 1024 bytes"
local INDEX_OF_UPDATE = "One or more parameter values were invalid: The update expression attempted to update the secondary "
  .. "index key beyond allowed size limits."
local ITEM = "Item size has exceeded the maximum allowed size"
local ITEM_OF_UPDATE = "Item size to update has exceeded the maximum allowed size"

-- "approximately (length of attribute name) + (1 byte per two significant digits) + (1 byte)"
local function number_bytes(value)
  local digits = result.number(value):gsub("[eE].*$", ""):gsub("%D", ""):gsub("^0+", ""):gsub("0+$", "")
  return math.floor((#digits + 1) / 2) + 1
end

local size_of

local function members_bytes(map)
  local bytes = 0
  for name, value in pairs(map) do bytes = bytes + #tostring(name) + size_of(value) end
  return bytes
end

local function table_bytes(value)
  local bytes = CONTAINER_BYTES
  if not is_list(value) then
    for name, member in pairs(value) do bytes = bytes + ELEMENT_BYTES + #tostring(name) + size_of(member) end
    return bytes
  end
  for _, element in ipairs(value) do bytes = bytes + ELEMENT_BYTES + size_of(element) end
  return bytes
end

function size_of(value)
  local kind = type(value)
  if kind == "string" then return #value end
  if kind == "number" then return number_bytes(value) end
  if kind == "table" and value ~= NULL then return table_bytes(value) end
  return 1
end

---The size of an item.
---@param item table
---@return integer bytes
function item_limits.size(item)
  return members_bytes(item)
end

local function is_longer(part, max)
  return type(part) == "string" and #part > max
end

---What is wrong with a key; nil when nothing is.
---@param pk string|number|nil
---@param sk string|number|nil
---@return string? message
function item_limits.fault_of_key(pk, sk)
  if is_longer(pk, MAX_PARTITION_BYTES) then return PARTITION end
  return is_longer(sk, MAX_SORT_BYTES) and SORT or nil
end

---What is wrong with an item that is to be put into a table; nil when nothing is.
---@param place appsync.server.Table
---@param pk string|number
---@param sk string|number|nil
---@param item table
---@param is_update boolean? it takes the place of another one
---@return string? message
function item_limits.fault(place, pk, sk, item, is_update)
  local fault = item_limits.fault_of_key(pk, sk)
  if fault then return fault end
  for _, index in ipairs(place.indexes) do
    fault = item_limits.fault_of_key(index.key_of(item))
    if fault then return is_update and INDEX_OF_UPDATE or fault end
  end
  if item_limits.size(item) <= MAX_ITEM_BYTES then return nil end
  return is_update and ITEM_OF_UPDATE or ITEM
end

return item_limits
