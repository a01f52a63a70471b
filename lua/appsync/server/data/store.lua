---The items of models and of resolvers' own tables: SQLite, in memory or in a file that outlives the server. It alone has
---its file open, so what it has read stays true.
local core = require "appsync.core"
local cache = require "appsync.server.data.row_cache"
local layout = require "appsync.server.data.layout"
local store_file = require "appsync.server.data.store_file"

---@class appsync.server.Store
---@field cache appsync.server.Cache
---@field changes appsync.server.Cache entries of the journal, likewise
---@field n_read integer rows that statements gave, for whoever measures
---@field private db appsync.server.native.Connection
---@field word_indexes table<string, string> of searches: their fields by name; see `search.word_index`
---@field private tables table<string, appsync.server.Table> by kind and name
---@field private place integer the highest one
---@field private has_written boolean? in this transaction
---@field private made string[]? tables that came with this transaction
local Store = {}
Store.__index = Store

local store = {}

-- Storage that fails is the server's fault, not the caller's: it ends as an error of the field.
local function must(value, message, code)
  if value ~= nil then return value end
  return error({ message = "store: " .. store_file.explain(tostring(message), code), type = "InternalFailure", code = code }, 0)
end

---Opens a store. `open` is `require("appsync.server.native").sqlite_open` unless given.
---@param path string a file, or ":memory:"
---@param open? fun(path: string, options: appsync.server.native.SqliteOptions): appsync.server.native.Connection?, string?, string?
---@return appsync.server.Store? store
---@return string? message
---@return appsync.server.StoreCode? code
function store.open(path, open)
  local db, message, code = store_file.open(path, open or require("appsync.server.native").sqlite_open)
  if not db then return nil, message, code end
  -- The journal's entries know the places of items that are gone.
  local last, why, word = db:values("SELECT max((SELECT coalesce(max(seq), 0) FROM items), (SELECT coalesce(max(seq), 0) FROM journal))")
  if not last then
    db:close()
    return nil, store_file.explain(why, word), word
  end
  return setmetatable({
    db = db, cache = cache.new(), changes = cache.new(), n_read = 0, tables = {}, word_indexes = {}, place = last[1],
  }, Store)
end

---An item's text as the item.
---@param text string
---@return table
function Store.decode(text)
  if type(text) ~= "string" then return must(nil, "an item cannot be read: it is not text") end
  local item, err = core.decode(text)
  if type(item) == "table" then return item end
  return must(nil, "an item cannot be read: " .. (err and err.message or "it is not an object"))
end

function Store:close()
  self.db:close()
end

---Runs a statement that changes rows.
---@return integer changed
function Store:run(sql, ...)
  self.has_written = true
  return must(self.db:run(sql, ...))
end

---Runs statements that make or drop what isn't the store's own.
---@param sql string
function Store:execute(sql)
  must(self.db:exec(sql))
end

---Runs a statement that reads: the columns of all rows in one list.
---@return any[]
function Store:values(sql, ...)
  local found = must(self.db:values(sql, ...))
  self.n_read = self.n_read + #found
  return found
end

---How SQLite goes about a statement.
---@return string
function Store:explain(sql, ...)
  local lines = {}
  for i, row in ipairs(must(self.db:query("EXPLAIN QUERY PLAN " .. sql, ...))) do lines[i] = row[4] end
  return table.concat(lines, "\n")
end

---A place for a new item. One that was given up is not used again while the server runs: pages know where they ended.
---@return integer
function Store:next_place()
  self.place = self.place + 1
  return self.place
end

---Removes all items and what is known of them, but not the tables: for another run of a simulation.
function Store:empty()
  self:execute("DELETE FROM items; DELETE FROM entries; DELETE FROM journal; DELETE FROM tombstones; "
    .. "DELETE FROM sqlite_sequence")
  self.cache:clear()
  self.changes:clear()
  self.place = 0
  for _, table_ in pairs(self.tables) do
    if table_.versions then table_.versions:forget() end
  end
end

local function roll_back(self)
  self.db:rollback()
  if self.has_written then
    self.cache:clear()
    self.changes:clear()
  end
  for _, id in ipairs(self.made or {}) do self.tables[id] = nil end
  for _, table_ in pairs(self.tables) do
    if table_.versions then table_.versions:forget() end
  end
  self.made = nil
end

---Runs `fn` in one transaction; what it throws rolls back and is thrown on. Inside of another one it is part of that.
---@generic T
---@param fn fun(): T
---@return T
function Store:transaction(fn)
  if self.db:in_transaction() then return fn() end
  must(self.db:begin())
  self.has_written, self.made = nil, nil
  local ok, value = pcall(fn)
  if not ok then
    roll_back(self)
    error(value, 0)
  end
  local is_kept, message, code = self.db:commit()
  if not is_kept then
    roll_back(self)
    must(nil, message, code)
  end
  return value
end

---Makes room for models: their tables and indexes. Items that are there get into new indexes, and under new keys. When
---that cannot be done, nothing has changed.
---@param layouts appsync.server.TableLayout[]
---@return table<string, appsync.server.Table>? tables by name
---@return string? message
---@return string? code as of `store.open`
function Store:adopt(layouts)
  local by_name = {}
  local ok, thrown = pcall(self.transaction, self, function()
    for _, wanted in ipairs(layouts) do by_name[wanted.name] = layout.prepare(self, wanted) end
  end)
  if not ok then
    if type(thrown) == "table" and thrown.message then return nil, thrown.message, thrown.code end
    return error(thrown, 0)
  end
  local out = {}
  for name, adopted in pairs(by_name) do
    local id = "model " .. name
    self.tables[id] = layout.install(self, adopted, self.tables[id])
    out[name] = self.tables[id]
  end
  return out
end

---The table of a model that was adopted.
---@param name string
---@return appsync.server.Table?
function Store:model(name)
  return self.tables["model " .. name]
end

---A table of the resolvers' own, made when it is asked for first.
---@param name string
---@return appsync.server.Table
function Store:own(name)
  local id = "own " .. name
  local known = self.tables[id]
  if known then return known end
  return self:transaction(function()
    local made = layout.install(self, layout.prepare(self, { kind = "own", name = name, indexes = {} }))
    self.tables[id], self.made = made, self.made or {}
    table.insert(self.made, id)
    return made
  end)
end

return store
