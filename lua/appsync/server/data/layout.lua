---How the items of a table are found: its key and its indexes, and what becomes of the items that are there when these
---are others than they were.
local core = require "appsync.core"
local each_item = require "appsync.server.data.each_item"
local keys = require "appsync.server.data.keys"
local migration = require "appsync.server.data.versions.migration"
local result = require "appsync.server.graphql.result"
local table_ = require "appsync.server.data.table"
local versions = require "appsync.server.data.versions.versions"

local layout = {}

---@class appsync.server.IndexLayout: appsync.server.KeyLayout
---@field name string

---@class appsync.server.VersionsLayout
---@field base_ttl_s integer
---@field delta_ttl_s integer
---@field now fun(): number
---@field lag_ms (fun(): number)?

---@class appsync.server.TableLayout
---@field kind "model"|"own"
---@field name string
---@field key appsync.server.KeyLayout? nil for tables of resolvers
---@field indexes appsync.server.IndexLayout[]
---@field versions appsync.server.VersionsLayout? nil: its items have none

local function text_of(key)
  if not key then return "{}" end
  local sort = setmetatable({}, core.array_mt)
  for i, name in ipairs(key.sort or {}) do sort[i] = name end
  return result.sorted({ partition = key.partition, sort = sort })
end

local function refuse(wanted, was, why)
  error({ message = ("the key of model '%s' is (%s) now, and its items were stored by another (%s), but %s; give the model "
    .. "its old key, or take another store"):format(wanted.name, keys.describe(wanted.key), was, why) }, 0)
end

-- The items get the keys that they have now. First all old ones go: a new key may be an old one of another item.
local function rekey(store, table_id, wanted, old_text)
  local old = store.decode(old_text)
  local was = old.partition and keys.describe(old) or "none"
  local key_of = keys.reader(wanted.key)
  store:run("UPDATE items SET pk = seq, sk = x'00' WHERE table_id = ?", table_id)
  each_item(store, table_id, function(seq, item)
    local pk, sk = key_of(item)
    if pk == nil then refuse(wanted, was, ("an item lacks a part of the new key: %s"):format(result.sorted(item))) end
    if store:values("SELECT seq FROM items WHERE table_id = ? AND pk = ? AND sk = ?", table_id, pk, sk)[1] then
      refuse(wanted, was, ("two items have the same new key: %s"):format(result.sorted(item)))
    end
    store:run("UPDATE items SET pk = ?, sk = ? WHERE seq = ?", pk, sk, seq)
  end)
  store.cache:clear()
end

local function prepare_table(store, wanted)
  local text = text_of(wanted.key)
  local found = store:values("SELECT id, layout FROM tables WHERE kind = ? AND name = ?", wanted.kind, wanted.name)
  local id = found[1]
  if not id then
    store:run("INSERT INTO tables (kind, name, layout) VALUES (?, ?, ?)", wanted.kind, wanted.name, text)
    return store:values("SELECT id FROM tables WHERE kind = ? AND name = ?", wanted.kind, wanted.name)[1]
  end
  if found[2] ~= text then
    rekey(store, id, wanted, found[2])
    store:run("UPDATE tables SET layout = ? WHERE id = ?", text, id)
  end
  return id
end

local function drop_index(store, id)
  store:run("DELETE FROM entries WHERE index_id = ?", id)
  store:run("DELETE FROM indexes WHERE id = ?", id)
end

local function fill_index(store, table_id, wanted)
  store:run("INSERT INTO indexes (table_id, name, layout) VALUES (?, ?, ?)", table_id, wanted.name, text_of(wanted))
  local id = store:values("SELECT id FROM indexes WHERE table_id = ? AND name = ?", table_id, wanted.name)[1]
  local key_of = keys.reader(wanted)
  each_item(store, table_id, function(seq, item)
    local pk, sk = key_of(item)
    if pk ~= nil then store:run("INSERT INTO entries VALUES (?, ?, ?, ?)", id, pk, sk, seq) end
  end)
  return id
end

-- An index that is gone would not learn of changes: it goes altogether, and is filled again should it come back.
local function prepare_indexes(store, table_id, wanted)
  local ids, by_name = {}, {}
  for _, index in ipairs(wanted) do by_name[index.name] = index end
  local found = store:values("SELECT id, name, layout FROM indexes WHERE table_id = ?", table_id)
  for i = 1, #found, 3 do
    local id, name, text = found[i], found[i + 1], found[i + 2]
    if by_name[name] and text_of(by_name[name]) == text then
      ids[name] = id
    else
      drop_index(store, id)
    end
  end
  for _, index in ipairs(wanted) do ids[index.name] = ids[index.name] or fill_index(store, table_id, index) end
  return ids
end

---@class appsync.server.PreparedTable
---@field wanted appsync.server.TableLayout
---@field id integer
---@field index_ids table<string, integer>
---@field since_ms integer? when its versions began

---Brings the store's tables to a layout, inside of a transaction. Throws {message=} when the items do not fit.
---@param store appsync.server.Store
---@param wanted appsync.server.TableLayout
---@return appsync.server.PreparedTable
function layout.prepare(store, wanted)
  local id = prepare_table(store, wanted)
  return {
    wanted = wanted, id = id, index_ids = prepare_indexes(store, id, wanted.indexes),
    since_ms = wanted.kind == "model" and migration.prepare(store, id, wanted.versions) or nil,
  }
end

---Makes the table's object know its layout. One that is there stays the one that others hold.
---@param store appsync.server.Store
---@param prepared appsync.server.PreparedTable
---@param installed appsync.server.Table?
---@return appsync.server.Table
function layout.install(store, prepared, installed)
  local wanted = prepared.wanted
  local made = installed or table_.new(store, prepared.id, wanted.name)
  made.key, made.key_of = wanted.key, wanted.key and keys.reader(wanted.key)
  made.indexes = {}
  for i, index in ipairs(wanted.indexes) do
    made.indexes[i] = { id = prepared.index_ids[index.name], name = index.name, key_of = keys.reader(index) }
  end
  local config = wanted.versions
  made.versions = config and versions.new(made, {
    base_ttl_s = config.base_ttl_s, delta_ttl_s = config.delta_ttl_s, now = config.now, lag_ms = config.lag_ms,
    since_ms = prepared.since_ms,
  })
  return made
end

return layout
