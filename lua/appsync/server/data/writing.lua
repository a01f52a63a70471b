--- What the generated mutations do (Amplify documentation, "Mutations"; conditions and their failure as DynamoDB's resolvers
--- have them, AppSync Developer Guide, "Condition expressions").
local core = require("appsync.core")
local filter = require("appsync.server.data.filter")
local keys = require("appsync.server.data.keys")
local refuse = require("appsync.server.data.refuse")

local writing = {}

local NULL = core.null

local function given(value)
  if value == NULL then return nil end
  return value
end

local function copy(item)
  local out = {}
  for name, value in pairs(item) do out[name] = value end
  return out
end

-- The text of a composite sort key is made of all of its parts, so none may come alone.
local function check_composite(m, input, word)
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

-- The id of a table without a key of its own is a text (AttributeType.STRING), whatever the model declares.
local DYNAMODB_TYPES = { number = "N", boolean = "BOOL" }

local function check_id(ctx, m, item)
  local actual = not m.key.is_custom and DYNAMODB_TYPES[type(item[m.key.partition])]
  if actual then
    refuse.validation(ctx, ("One or more parameter values were invalid: Type mismatch for key %s expected: S actual: %s"):format(
      m.key.partition, actual))
  end
end

-- DynamoDB has no empty keys.
local function check_keys(ctx, m, item)
  check_id(ctx, m, item)
  check_texts(ctx, item, m.key, "One or more parameter values are not valid. The AttributeValue for a key attribute cannot "
    .. "contain an empty string value. Key: ")
  for _, index in ipairs(m.indexes or {}) do
    check_texts(ctx, item, index, "One or more parameter values are not valid. A value specified for a secondary index key is "
      .. "not supported. The AttributeValue for a key attribute cannot contain an empty string value. IndexName: "
      .. index.name .. ", IndexKey: ")
  end
end

local indexed = setmetatable({}, { __mode = "k" })

-- The fields that are keys of a model's indexes.
local function indexed_fields(m)
  local names = indexed[m]
  if not names then
    names = {}
    for _, index in ipairs(m.indexes or {}) do
      for _, name in ipairs(keys.fields(index)) do names[name] = true end
    end
    indexed[m] = names
  end
  return names
end

local function has_own_id(m)
  local field = m.field_by_name and m.field_by_name.id
  if not field then return m.key.partition == "id" end
  return field.named == nil or field.named == "ID" or field.named == "String"
end

--- Gives fields that have no value their default.
---@param m appsync.server.Model
---@param input table is changed
---@return table input
function writing.complete(m, input)
  for name, value in pairs(m.defaults or {}) do
    if given(input[name]) == nil then input[name] = value end
  end
  return input
end

---@class appsync.server.NewItem what a model's new items begin with
---@field stamp fun(): string the time
---@field uuid fun(): string

--- A model's new item of what was given for it.
---@param m appsync.server.Model
---@param input table
---@param world appsync.server.NewItem
---@return table item
function writing.new_item(m, input, world)
  local stamp = world.stamp()
  local item = { __typename = m.name }
  if m.created_at then item[m.created_at] = stamp end
  if m.updated_at then item[m.updated_at] = stamp end
  if m.versioned then item[m.versioned.field] = 1 end
  if has_own_id(m) then item.id = given(input.id) or world.uuid() end
  for name, value in pairs(input) do
    -- A null must not take the place of what is made here.
    if value ~= NULL or item[name] == nil then item[name] = value end
  end
  -- An item with a null for a key stays out of that index.
  for name in pairs(indexed_fields(m)) do item[name] = given(item[name]) end
  return item
end

local function create(access, world)
  local m, tbl, guard = access.m, access.table, access.guard
  return function(ctx)
    local input = writing.complete(m, copy(ctx.arguments.input))
    check_composite(m, input, "creating")
    guard:create(m, ctx, input)
    local item = writing.new_item(m, input, world)
    check_keys(ctx, m, item)
    filter.check(ctx.arguments.condition)
    local pk, sk = tbl.key_of(item)
    if pk == nil then refuse.validation(ctx, "One of the required keys was not given a value") end
    if tbl:row(pk, sk) or not filter.matches(ctx.arguments.condition, {}) then refuse.condition(ctx, nil) end
    tbl:insert(pk, sk, item)
    return item
  end
end

-- An item as the data of an error, which no resolver of its fields sees: owners as clients are shown them, and nothing of
-- what has rules of its own.
local function visible(access, item)
  local m, out = access.m, {}
  for name, value in pairs(item or {}) do
    if not (m.field_rules or {})[name] then out[name] = access.guard:shown(m, name, value) end
  end
  return item and out
end

-- The row that an update or a deletion means, when the conditions for it hold.
local function checked_row(access, ctx, input, row)
  local item, versioned = row and row.item, access.m.versioned
  local holds = item and filter.matches(ctx.arguments.condition, item)
    and (not versioned or item[versioned.field] == input[versioned.input])
  if not holds then refuse.condition(ctx, visible(access, item)) end
  return row
end

local function find_row(access, ctx, input)
  check_id(ctx, access.m, input)
  local pk, sk = access.table.key_of(input)
  if pk == nil then
    check_keys(ctx, access.m, input)
    refuse.validation(ctx, "One of the required keys was not given a value")
  end
  return access.table:row(pk, sk)
end

local function changed(m, item, input, is_key, stamp)
  local out = copy(item)
  if m.updated_at then out[m.updated_at] = stamp end
  for name, value in pairs(input) do
    if not is_key[name] then out[name] = given(value) end
  end
  if m.versioned then
    out[m.versioned.input] = nil
    out[m.versioned.field] = item[m.versioned.field] + 1
  end
  return out
end

local function update(access, world)
  local m, guard, is_key = access.m, access.guard, {}
  for _, name in ipairs(keys.fields(m.key)) do is_key[name] = true end
  return function(ctx)
    local input = copy(ctx.arguments.input)
    check_composite(m, input, "updating")
    filter.check(ctx.arguments.condition)
    local row = find_row(access, ctx, input)
    guard:update(m, ctx, row and row.item or {}, input)
    row = checked_row(access, ctx, input, row)
    local item = changed(m, row.item, input, is_key, world.stamp())
    check_keys(ctx, m, item)
    access.table:replace(row, item)
    return item
  end
end

local function delete(access)
  return function(ctx)
    local input = ctx.arguments.input
    filter.check(ctx.arguments.condition)
    local row = find_row(access, ctx, input)
    access.guard:delete(access.m, ctx, row and row.item or {})
    row = checked_row(access, ctx, input, row)
    access.table:remove(row)
    return row.item
  end
end

writing.resolvers = { create = create, update = update, delete = delete }

return writing
