---What DynamoDB and Amplify's generated resolvers refuse of an item's keys.
local item_limits = require "appsync.server.data.item_limits"
local keys = require "appsync.server.data.keys"
local refuse = require "appsync.server.data.refuse"

local item_checks = {}

---The text of a composite sort key is made of all of its parts, so none may come alone.
---@param m appsync.server.Model
---@param input table
---@param word "creating"|"updating"
function item_checks.composite(m, input, word)
  for _, index in ipairs(m.indexes or {}) do
    local sort, missing, has_some = index.sort or {}, nil, false
    for _, name in ipairs(sort) do
      if input[name] ~= nil then has_some = true else missing = missing or name end
    end
    if #sort > 1 and has_some and missing then
      error({ message = ("When %s any part of the composite sort key for @index '%s', you must provide all fields for the key."
        .. " Missing key: '%s'."):format(word, index.name, missing) }, 0)
    end
  end
end

local EMPTY = "The AttributeValue for a key attribute cannot contain an empty string value."
local EMPTY_IN_UPDATE = "One or more parameter values are not valid. The update expression attempted to update a secondary index "
  .. "key to a value that is not supported. " .. EMPTY

-- What a composite sort key is made of may be empty: the key has its separators.
local function empty_field(item, key)
  for _, name in ipairs(keys.attributes(key)) do
    if item[name] == "" then return name end
  end
end

local DYNAMODB_TYPES = { number = "N", boolean = "BOOL" }

---The id of a table without a key of its own is a text (AttributeType.STRING), whatever the model declares.
---@param ctx appsync.server.Context
---@param m appsync.server.Model
---@param item table
function item_checks.id(ctx, m, item)
  local actual = not m.key.is_custom and DYNAMODB_TYPES[type(item[m.key.partition])]
  if actual then
    refuse.validation(ctx, ("One or more parameter values were invalid: Type mismatch for key %s expected: S actual: %s"):format(
      m.key.partition, actual))
  end
end

---DynamoDB has no empty keys, and none of another type than the table's.
---@param ctx appsync.server.Context
---@param m appsync.server.Model
---@param item table
---@param is_update boolean? it takes the place of another one
function item_checks.keys(ctx, m, item, is_update)
  item_checks.id(ctx, m, item)
  local empty = empty_field(item, m.key)
  if empty then refuse.validation(ctx, ("One or more parameter values are not valid. %s Key: %s"):format(EMPTY, empty)) end
  for _, index in ipairs(m.indexes or {}) do
    empty = empty_field(item, index)
    if empty then
      refuse.validation(ctx, is_update and EMPTY_IN_UPDATE
        or ("One or more parameter values are not valid. A value specified for a secondary index key is not supported. %s "
          .. "IndexName: %s, IndexKey: %s"):format(EMPTY, index.name, empty))
    end
  end
end

---Keys have a length.
---@param ctx appsync.server.Context
---@param pk string|number
---@param sk string|number|nil
function item_checks.key_limits(ctx, pk, sk)
  local fault = item_limits.fault_of_key(pk, sk)
  if fault then refuse.validation(ctx, fault) end
end

---Items and their keys have a size.
---@param ctx appsync.server.Context
---@param place appsync.server.Table
---@param key {pk: string|number, sk: string|number|nil}
---@param item table
---@param is_update boolean it takes the place of another one
function item_checks.limits(ctx, place, key, item, is_update)
  local fault = item_limits.fault(place, key.pk, key.sk, item, is_update)
  if fault then refuse.validation(ctx, fault) end
end

return item_checks
