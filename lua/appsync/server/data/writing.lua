---What the generated mutations do (Amplify documentation, "Mutations"; conditions and their failure as DynamoDB's resolvers
---have them, AppSync Developer Guide, "Condition expressions").
local core = require "appsync.core"
local filter = require "appsync.server.data.filter"
local item_checks = require "appsync.server.data.item_checks"
local keys = require "appsync.server.data.keys"
local refuse = require "appsync.server.data.refuse"

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

local function has_own_id(m)
  local field = m.field_by_name and m.field_by_name.id
  if not field then return m.key.partition == "id" end
  return field.named == nil or field.named == "ID" or field.named == "String"
end

---Gives fields that have no value their default.
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

---A model's new item of what was given for it.
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
  for _, index in ipairs(m.indexes or {}) do
    for _, name in ipairs(keys.fields(index)) do item[name] = given(item[name]) end
  end
  return item
end

---The new item that a create asks for, allowed and with a key.
---@param access appsync.server.Access
---@param ctx appsync.server.Context
---@param input table is changed
---@param world appsync.server.NewItem
---@return table item
---@return string|number pk
---@return string|number|nil sk
function writing.asked_item(access, ctx, input, world)
  local m = access.m
  writing.complete(m, input)
  item_checks.composite(m, input, "creating")
  access.guard:create(m, ctx, input)
  local item = writing.new_item(m, input, world)
  item_checks.keys(ctx, m, item)
  filter.check(ctx.arguments.condition)
  local pk, sk = access.table.key_of(item)
  if pk == nil then return refuse.validation(ctx, "One of the required keys was not given a value") end
  item_checks.limits(ctx, access.table, { pk = pk, sk = sk }, item, false)
  return item, pk, sk
end

local function create(access, world)
  local tbl = access.table
  return function(ctx)
    local item, pk, sk = writing.asked_item(access, ctx, copy(ctx.arguments.input), world)
    if tbl:row(pk, sk) or not filter.matches(ctx.arguments.condition, {}) then refuse.condition(ctx, nil) end
    tbl:insert(pk, sk, item)
    return item
  end
end

---An item as the data of an error, which no resolver of its fields sees: owners as clients are shown them, and nothing of
-- what has rules of its own.
---@param access appsync.server.Access
---@param item table?
---@return table?
function writing.visible(access, item)
  local m, out = access.m, {}
  for name, value in pairs(item or {}) do
    if not (m.field_rules or {})[name] then out[name] = access.guard:shown(m, name, value) end
  end
  return item and out
end

---Whether a mutation's condition holds for an item, and the version of @versioned.
---@param access appsync.server.Access
---@param ctx appsync.server.Context
---@param item table
---@param input table
---@return boolean
function writing.holds(access, ctx, item, input)
  local versioned = access.m.versioned
  return filter.matches(ctx.arguments.condition, item) and (not versioned or item[versioned.field] == input[versioned.input])
end

-- The row that an update or a deletion means, when the conditions for it hold.
local function checked_row(access, ctx, input, row)
  local item = row and row.item
  if not item or not writing.holds(access, ctx, item, input) then refuse.condition(ctx, writing.visible(access, item)) end
  return row
end

---The row that an input means.
---@param access appsync.server.Access
---@param ctx appsync.server.Context
---@param input table
---@return appsync.server.Row?
function writing.find_row(access, ctx, input)
  item_checks.id(ctx, access.m, input)
  local pk, sk = access.table.key_of(input)
  if pk == nil then
    item_checks.keys(ctx, access.m, input)
    refuse.validation(ctx, "One of the required keys was not given a value")
  end
  item_checks.key_limits(ctx, pk, sk)
  return access.table:row(pk, sk)
end

---The fields of a model's key.
---@param m appsync.server.Model
---@return table<string, true>
function writing.key_fields(m)
  local is_key = {}
  for _, name in ipairs(keys.fields(m.key)) do is_key[name] = true end
  return is_key
end

---What an update sets; null takes a field away.
---@param m appsync.server.Model
---@param item table
---@param input table
---@param is_key table<string, true>
---@param stamp string the time
---@return table
function writing.changes(m, item, input, is_key, stamp)
  local out = {}
  if m.updated_at then out[m.updated_at] = stamp end
  for name, value in pairs(input) do
    if not is_key[name] then out[name] = value end
  end
  if m.versioned then
    out[m.versioned.input] = nil
    out[m.versioned.field] = item[m.versioned.field] + 1
  end
  return out
end

---An item with changes.
---@param item table
---@param changes table
---@return table
function writing.changed(item, changes)
  local out = copy(item)
  for name, value in pairs(changes) do out[name] = given(value) end
  return out
end

local function update(access, world)
  local m, guard, is_key = access.m, access.guard, writing.key_fields(access.m)
  return function(ctx)
    local input = copy(ctx.arguments.input)
    item_checks.composite(m, input, "updating")
    filter.check(ctx.arguments.condition)
    local row = writing.find_row(access, ctx, input)
    guard:update(m, ctx, row and row.item or {}, input)
    row = checked_row(access, ctx, input, row)
    local item = writing.changed(row.item, writing.changes(m, row.item, input, is_key, world.stamp()))
    item_checks.keys(ctx, m, item, true)
    item_checks.limits(ctx, access.table, row, item, true)
    access.table:replace(row, item)
    return item
  end
end

local function delete(access)
  return function(ctx)
    local input = ctx.arguments.input
    filter.check(ctx.arguments.condition)
    local row = writing.find_row(access, ctx, input)
    access.guard:delete(access.m, ctx, row and row.item or {})
    row = checked_row(access, ctx, input, row)
    access.table:remove(row)
    return row.item
  end
end

writing.resolvers = { create = create, update = update, delete = delete }

return writing
