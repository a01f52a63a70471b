---`ctx.tables.NAME` of resolvers: a model's items, or those of a table of their own, which is there as soon as it is asked
---for. All are in the server's store, so they outlive it as the models' items do.
local at_caller = require "appsync.server.at_caller"
local core = require "appsync.core"
local item_limits = require "appsync.server.data.item_limits"
local keys = require "appsync.server.data.keys"
local table_ = require "appsync.server.data.table"
local timestamp = require "appsync.server.data.timestamp"

local tables = {}

---A table, for resolvers. Items that it gives are copies. A key is a text or a number, or a list of a partition and a sort
---key: `{"post-1", 1700000000}`; for a model a list of the parts of its key, or an object with their names.
---
---     local posts, journal = ctx.tables.Post, ctx.tables.PostJournal
---     posts:put({ id = "1", title = "Hello" })
---     journal:put({ "Post", 1700000000.5 }, { id = "1", action = "CREATE" })
---     for _, entry in ipairs(journal:scan({ partition = "Post", ge = 1700000000 })) do … end
---
---@class appsync.server.TableHandle
---@field name string
---@field private find fun(): appsync.server.Table
---@field private model appsync.server.Model?
---@field private stamp fun(): string
local Handle = {}
Handle.__index = Handle

---@class appsync.server.ScanOptions
---@field limit integer? at most so many items; default: all
---@field after (string|number)[]? goes on behind a page: the second result of the call that gave it
---@field descending boolean? default: ascending
---@field order "creation"|"key"|nil without a partition: in which order; default "creation"
---@field partition string|number|nil only items with this partition key, in the order of their sort keys
---@field index string? of a model: the index that the partition and the sort keys are of
---@field eq any with a partition: only items whose sort key is equal to this (a list: the parts of a composite one)
---@field lt any less than
---@field le any
---@field gt any
---@field ge any
---@field between any[]? a list of two
---@field begins_with string?

local OPTIONS = {
  limit = true, after = true, descending = true, order = true, partition = true, index = true, eq = true, lt = true, le = true,
  gt = true, ge = true, between = true, begins_with = true,
}
local RANGES = { eq = "eq", lt = "lt", le = "le", gt = "gt", ge = "ge", between = "between", begins_with = "beginsWith" }

local function misuse(self, method, text, ...)
  error(("ctx.tables.%s:%s: "):format(self.name, method) .. text:format(...), 0)
end

-- As a resolver of the service's gets it from DynamoDB.
local function refuse(self, method, fault)
  if fault then
    error({ message = ("ctx.tables.%s:%s: %s"):format(self.name, method, fault), type = "DynamoDB:DynamoDbException" }, 0)
  end
end

local function kind_of(value)
  if value == "" then return "an empty text" end
  if type(value) == "number" then return value == value and "infinity" or "NaN" end
  return type(value)
end

local function part(self, method, value)
  local ok = keys.part(value)
  if ok == nil then misuse(self, method, "a key is a text that is not empty, or a number; not %s", kind_of(value)) end
  return ok
end

-- The key of a model's item by its parts, which stand under names or in the order of the key.
local function model_key(self, method, key)
  local fields, item = keys.fields(self.model.key), {}
  local parts = type(key) == "table" and key or { key }
  for i, name in ipairs(fields) do
    local value = parts[name]
    if value == nil then value = parts[i] end
    item[name] = value
  end
  local pk, sk = self.find().key_of(item)
  if pk == nil then misuse(self, method, "the key of %s is (%s)", self.name, keys.describe(self.model.key)) end
  return pk, sk
end

local function key_of(self, method, key)
  if self.model then return model_key(self, method, key) end
  if type(key) ~= "table" then return part(self, method, key), keys.NO_SORT end
  if key[1] == nil or #key > 2 then misuse(self, method, "a list of a partition key and maybe a sort key is expected") end
  return part(self, method, key[1]), key[2] == nil and keys.NO_SORT or part(self, method, key[2])
end

---The item of a key.
---@param key any
---@return table? item
function Handle:get(key)
  local pk, sk = key_of(self, "get", key)
  return table_.copy(self.find():get(pk, sk))
end

-- What Amplify's own resolvers see to: the name of the type and the timestamps, where the item does not say otherwise. The
-- time of the change before says nothing of this one.
local function complete(self, item, old)
  local m, out = self.model, table_.copy(item)
  if not m then return out end
  out.__typename = m.name
  local created, updated = m.created_at, m.updated_at
  if created and keys.is_missing(out[created]) then out[created] = old and old[created] or self.stamp() end
  if updated and (keys.is_missing(out[updated]) or (old and out[updated] == old[updated])) then out[updated] = self.stamp() end
  return out
end

---Puts an item, in the place of the one with the same key. Without a key it is the item's own: its `id`, or what the
---model's key is made of. A versioned model's item gets its next version, whatever it says of that itself.
---@param key any
---@param item table?
---@return table item as it was put
---@overload fun(self: appsync.server.TableHandle, item: table): table
function Handle:put(key, item)
  if item == nil then
    if type(key) ~= "table" then misuse(self, "put", "an item is expected, a table; not a %s", type(key)) end
    key, item = self.model and key or key.id, key
  end
  if type(item) ~= "table" then misuse(self, "put", "an item is a table; not a %s", type(item)) end
  local pk, sk = key_of(self, "put", key)
  local place = self.find()
  local row = place:row(pk, sk)
  local kept = complete(self, item, row and row.item)
  if self.model then
    local own_pk, own_sk = place.key_of(kept)
    if own_pk ~= pk or own_sk ~= sk then misuse(self, "put", "the item has another key") end
  end
  refuse(self, "put", item_limits.fault(place, pk, sk, kept))
  if place.versions then return place.versions:write(row, pk, sk, kept) end
  if row then place:replace(row, kept) else place:insert(pk, sk, kept) end
  return kept
end

---Deletes the item of a key. A versioned model's item becomes a tombstone.
---@param key any
---@return table? item what was there
function Handle:delete(key)
  local pk, sk = key_of(self, "delete", key)
  local place = self.find()
  local row = place:row(pk, sk)
  if row and place.versions then
    place.versions:write(row, pk, sk, table_.copy(row.item), true)
  elseif row then
    place:remove(row)
  end
  return row and table_.copy(row.item)
end

local function bound(self, value)
  if type(value) ~= "table" then return part(self, "scan", value) end
  return keys.join(value)
end

local function range_of(self, options)
  local range
  for name, op in pairs(RANGES) do
    local value = options[name]
    if value ~= nil then
      if range then misuse(self, "scan", "one condition for the sort key at most") end
      if options.partition == nil then misuse(self, "scan", "'%s' needs a partition", name) end
      if op == "beginsWith" and type(value) == "number" then
        misuse(self, "scan", "'begins_with' is a text")
      elseif op ~= "between" then
        range = { op = op, a = bound(self, value) }
      elseif type(value) == "table" and #value == 2 then
        range = { op = op, a = bound(self, value[1]), b = bound(self, value[2]) }
      else
        misuse(self, "scan", "'between' is a list of two")
      end
    end
  end
  return range
end

local function read_options(self, options)
  for name in pairs(options) do
    if not OPTIONS[name] then
      misuse(self, "scan", "there is no option '%s'; there are limit, after, descending, order, partition, index, eq, lt, le, gt, "
        .. "ge, between, begins_with", tostring(name))
    end
  end
  if options.order ~= nil and options.order ~= "creation" and options.order ~= "key" then
    misuse(self, "scan", "order is 'creation' or 'key'")
  end
  if options.index and options.partition == nil then misuse(self, "scan", "'index' needs a partition") end
  local limit = options.limit
  if limit ~= nil and (type(limit) ~= "number" or limit < 1 or limit ~= math.floor(limit)) then
    misuse(self, "scan", "limit is a whole number from 1 on")
  end
  return {
    pk = options.partition ~= nil and part(self, "scan", options.partition) or nil, range = range_of(self, options),
    index = options.index, is_descending = options.descending, in_key_order = options.order == "key", after = options.after,
    limit = limit or math.huge,
  }
end

---Items in order.
---@param options appsync.server.ScanOptions?
---@return table[] items
---@return (string|number)[]? after where to go on, when the limit ended it
function Handle:scan(options)
  local query = read_options(self, options or {})
  local items, left = setmetatable({}, core.array_mt), query.limit
  repeat
    query.limit = left
    local rows, after = self.find():page(query)
    for _, row in ipairs(rows) do items[#items + 1] = table_.copy(row.item) end
    left, query.after = left - #rows, after
  until not after or left <= 0
  return items, query.after
end

---Runs a function; all that it does to tables is kept, or nothing when it throws. What it throws is thrown on.
---@param fn fun(): any
---@return any
function Handle:transaction(fn)
  return self.store():transaction(fn)
end

at_caller.wrap_all(Handle)

---@class appsync.server.TablesWorld
---@field store fun(): appsync.server.Store opens it when there is none yet
---@field models appsync.server.Model[]
---@field now fun(): number

local function handle(world, name, models)
  local m = models[name]
  return setmetatable({
    name = name, model = m, store = world.store, stamp = function() return timestamp(world.now()) end,
    find = function()
      local store = world.store()
      return m and store:model(name) or store:own(name)
    end,
  }, Handle)
end

---Makes what `ctx.tables` is: handles by name, made when they are asked for.
---@param world appsync.server.TablesWorld
---@return table<string, appsync.server.TableHandle>
function tables.new(world)
  local models = {}
  for _, m in ipairs(world.models) do models[m.name] = m end
  return setmetatable({}, {
    __index = function(self, name)
      if type(name) ~= "string" or name == "" then error("ctx.tables: the name of a table is a text", 0) end
      local made = handle(world, name, models)
      rawset(self, name, made)
      return made
    end,
  })
end

return tables
