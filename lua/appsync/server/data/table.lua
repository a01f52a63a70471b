---One table of the store: a model's items, or those that resolvers keep for themselves. What it gives is shared and must
---not be changed.
local keys = require "appsync.server.data.keys"
local result = require "appsync.server.graphql.result"
local select_ = require "appsync.server.data.select"
local shared = require "appsync.server.graphql.shared"

---@class appsync.server.Table
---@field name string
---@field id integer
---@field key appsync.server.KeyLayout? nil: whoever puts an item names its key
---@field key_of (fun(item: table): (string|number)?, (string|number)?)?
---@field indexes {id: integer, name: string, key_of: fun(item: table): (string|number)?, (string|number)?}[]
---@field versions appsync.server.Versions? of a versioned model: what changes its items goes by them
---@field store appsync.server.Store
local Table = {}
Table.__index = Table

local table_ = {}

local unpack = table.unpack or unpack -- luacheck: compat

-- DynamoDB reads at most 1 MB for one page (Amazon DynamoDB Developer Guide, "Paginating table query results").
local PAGE_BYTES = 1048576
-- Rows that one statement walks: a page ends early when they are big.
local CHUNK = 256

---@param store appsync.server.Store
---@return appsync.server.Table
function table_.new(store, id, name)
  return setmetatable({ store = store, id = id, name = name, indexes = {} }, Table)
end

-- As an item is kept: nobody else's tables are in it.
local copy = shared.copy
table_.copy = copy

function Table:remember(seq, pk, sk, item, bytes)
  local row = { seq = seq, pk = pk, sk = sk, item = shared.mark(item), bytes = bytes, table_id = self.id }
  self.store.cache:add(row)
  return row
end

---The row of a place that a statement has just named.
---@param seq integer
---@return appsync.server.Row
function Table:at(seq)
  local row = self.store.cache:at(seq)
  if row then return row end
  local found = self.store:values("SELECT pk, sk, json FROM items WHERE seq = ?", seq)
  if found[1] == nil then
    error({ message = "store: it is damaged: an index names an item that is not there", type = "InternalFailure" }, 0)
  end
  return self:remember(seq, found[1], found[2], self.store.decode(found[3]), #found[3])
end

---The row of a key.
---@param pk string|number
---@param sk string|number|nil
---@return appsync.server.Row?
function Table:row(pk, sk)
  if sk == nil then sk = keys.NO_SORT end
  if self.versions then self.versions:sweep() end
  local store = self.store
  local row = store.cache:find(self.id, pk, sk)
  if row then return row end
  local found = store:values("SELECT seq, json FROM items WHERE table_id = ? AND pk = ? AND sk = ?", self.id, pk, sk)
  if found[1] == nil then return nil end
  return self:remember(found[1], pk, sk, store.decode(found[2]), #found[2])
end

---The item of a key.
---@param pk string|number
---@param sk string|number|nil
---@return table? item
function Table:get(pk, sk)
  local row = self:row(pk, sk)
  return row and row.item
end

---A row's item as a read sees it: not always the latest version, where versions lag behind.
---@param row appsync.server.Row
---@return table? item
function Table:seen(row)
  local at_ms = self.versions and self.versions:read_at_ms()
  if at_ms then return self.versions:item_at(row, at_ms) end
  return row.item
end

local function add_entries(self, seq, item)
  for _, index in ipairs(self.indexes) do
    local pk, sk = index.key_of(item)
    if pk ~= nil then self.store:run("INSERT INTO entries VALUES (?, ?, ?, ?)", index.id, pk, sk, seq) end
  end
end

local function drop_entries(self, seq, item)
  for _, index in ipairs(self.indexes) do
    local pk, sk = index.key_of(item)
    if pk ~= nil then
      self.store:run("DELETE FROM entries WHERE index_id = ? AND pk = ? AND sk = ? AND seq = ?", index.id, pk, sk, seq)
    end
  end
end

local function move_entries(self, seq, old, new)
  for _, index in ipairs(self.indexes) do
    local old_pk, old_sk = index.key_of(old)
    local pk, sk = index.key_of(new)
    if old_pk ~= pk or old_sk ~= sk then
      if old_pk ~= nil then
        self.store:run("DELETE FROM entries WHERE index_id = ? AND pk = ? AND sk = ? AND seq = ?", index.id, old_pk, old_sk, seq)
      end
      if pk ~= nil then self.store:run("INSERT INTO entries VALUES (?, ?, ?, ?)", index.id, pk, sk, seq) end
    end
  end
end

-- One statement needs no transaction of its own.
local function together(self, fn)
  if #self.indexes == 0 then return fn() end
  return self.store:transaction(fn)
end

---Adds an item; the caller made sure that its key is new.
---@param pk string|number
---@param sk string|number|nil
---@param item table is copied
---@return integer seq its place
function Table:insert(pk, sk, item)
  if sk == nil then sk = keys.NO_SORT end
  local store, text, kept = self.store, result.text(item), copy(item)
  local seq = store:next_place()
  together(self, function()
    store:run("INSERT INTO items VALUES (?, ?, ?, ?, ?)", seq, self.id, pk, sk, text)
    add_entries(self, seq, kept)
  end)
  self:remember(seq, pk, sk, kept, #text)
  return seq
end

---Puts another item in the place of a row; it keeps its key and its place in the order of creation.
---@param row appsync.server.Row
---@param item table is copied
function Table:replace(row, item)
  local store, text, kept = self.store, result.text(item), copy(item)
  together(self, function()
    store:run("UPDATE items SET json = ? WHERE seq = ?", text, row.seq)
    move_entries(self, row.seq, row.item, kept)
  end)
  self:remember(row.seq, row.pk, row.sk, kept, #text)
end

---@param row appsync.server.Row
function Table:remove(row)
  together(self, function()
    self.store:run("DELETE FROM items WHERE seq = ?", row.seq)
    drop_entries(self, row.seq, row.item)
  end)
  self.store.cache:drop(row)
end

local function index_named(self, name)
  for _, index in ipairs(self.indexes) do
    if index.name == name then return index end
  end
  return error(("store: table '%s' has no index '%s'"):format(self.name, tostring(name)), 0)
end

-- The places of the next rows of a query.
local function places(self, query, id, after, limit)
  local sql, params, n = select_.build(query, id, after)
  params[n + 1] = limit
  return self.store:values(sql, unpack(params, 1, n + 1))
end

---A page: at most `query.limit` rows, and less when they are a megabyte. When something may follow, the second result
---is the position to go on from. As with DynamoDB that is so for a full page even when nothing follows.
---@param query appsync.server.PageQuery
---@return appsync.server.Row[] rows
---@return (string|number)[]? position
function Table:page(query)
  local index = query.index and index_named(self, query.index)
  if index and query.pk == nil then error(("store: index '%s' is read without a partition"):format(query.index), 0) end
  if self.versions then self.versions:sweep() end
  local rows, n, bytes, after = {}, 0, 0, query.after
  while true do
    local want = math.min(query.limit - n, CHUNK)
    local found = places(self, query, index and index.id or self.id, after, want)
    local last
    for i = 1, #found do
      last = self:at(found[i])
      n, bytes = n + 1, bytes + last.bytes
      rows[n] = last
      if bytes >= PAGE_BYTES then break end
    end
    local is_cut = bytes >= PAGE_BYTES
    if #found < want and not is_cut then return rows, nil end
    after = select_.position(query, last, index and select(2, index.key_of(last.item)))
    if is_cut or n >= query.limit then return rows, after end
  end
end

---How many items it has.
---@return integer
function Table:count()
  return self.store:values("SELECT count(*) FROM items WHERE table_id = ?", self.id)[1]
end

return table_
