--- What DynamoDB and Amplify's generated resolvers refuse of an item's keys.
local keys = require("appsync.server.data.keys")
local refuse = require("appsync.server.data.refuse")

local item_checks = {}

--- The text of a composite sort key is made of all of its parts, so none may come alone.
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

-- What a composite sort key is made of may be empty: the key has its separators.
local function check_texts(ctx, item, key, message)
  for _, name in ipairs(keys.attributes(key)) do
    if item[name] == "" then refuse.validation(ctx, message .. name) end
  end
end

local DYNAMODB_TYPES = { number = "N", boolean = "BOOL" }

--- The id of a table without a key of its own is a text (AttributeType.STRING), whatever the model declares.
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

--- DynamoDB has no empty keys, and none of another type than the table's.
---@param ctx appsync.server.Context
---@param m appsync.server.Model
---@param item table
function item_checks.keys(ctx, m, item)
  item_checks.id(ctx, m, item)
  check_texts(ctx, item, m.key, "One or more parameter values are not valid. The AttributeValue for a key attribute cannot "
    .. "contain an empty string value. Key: ")
  for _, index in ipairs(m.indexes or {}) do
    check_texts(ctx, item, index, "One or more parameter values are not valid. A value specified for a secondary index key is "
      .. "not supported. The AttributeValue for a key attribute cannot contain an empty string value. IndexName: "
      .. index.name .. ", IndexKey: ")
  end
end

return item_checks
