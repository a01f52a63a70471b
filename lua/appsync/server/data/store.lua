--- The models' items: one table in SQLite, in memory or in a file that outlives the server.
local core = require("appsync.core")

---@class appsync.server.Store
---@field private db table
local Store = {}
Store.__index = Store

local store = {}

local SCHEMA = [[
CREATE TABLE IF NOT EXISTS items (
  seq INTEGER PRIMARY KEY AUTOINCREMENT,
  model TEXT NOT NULL,
  key TEXT NOT NULL,
  json TEXT NOT NULL,
  UNIQUE (model, key)
);
CREATE INDEX IF NOT EXISTS items_by_model ON items (model, seq);
]]

-- Storage that fails is the server's fault, not the caller's: it ends as an error of the field.
local function must(value, message)
  if value == nil then error({ message = "store: " .. tostring(message), type = "InternalFailure" }, 0) end
  return value
end

--- Opens a store. `open` is `require("appsync.listener").sqlite_open` unless given.
---@param path string a file, or ":memory:"
---@param open? fun(path: string): table?, string?
---@return appsync.server.Store? store, string? message
function store.open(path, open)
  local db, message = (open or require("appsync.listener").sqlite_open)(path)
  if not db then return nil, message end
  local ok, why = db:exec(SCHEMA)
  if not ok then
    db:close()
    return nil, why
  end
  return setmetatable({ db = db }, Store)
end

function Store:close()
  self.db:close()
end

--- Runs `fn` in one transaction; what it throws rolls back and is thrown on.
---@param fn fun(): any
---@return any
function Store:transaction(fn)
  must(self.db:exec("BEGIN IMMEDIATE"))
  local ok, value = pcall(fn)
  if not ok then
    self.db:exec("ROLLBACK")
    error(value, 0)
  end
  local is_kept, message = self.db:exec("COMMIT")
  if not is_kept then
    self.db:exec("ROLLBACK") -- else every later one would find a transaction open
    must(nil, message)
  end
  return value
end

---@param model string
---@param key string
---@return table? item
function Store:get(model, key)
  local rows = must(self.db:query("SELECT json FROM items WHERE model = ? AND key = ?", model, key))
  return rows[1] and core.decode(rows[1][1]) or nil
end

--- Adds an item; the caller made sure that its key is new.
function Store:insert(model, key, item)
  must(self.db:run("INSERT INTO items (model, key, json) VALUES (?, ?, ?)", model, key, core.encode(item)))
end

--- Replaces an item; it keeps its place in the order.
function Store:replace(model, key, item)
  must(self.db:run("UPDATE items SET json = ? WHERE model = ? AND key = ?", core.encode(item), model, key))
end

function Store:delete(model, key)
  must(self.db:run("DELETE FROM items WHERE model = ? AND key = ?", model, key))
end

--- At most `limit` items in the order of their creation, those after position `after`.
---@param model string
---@param after integer 0: from the start
---@param limit integer
---@return table[] items
---@return integer? last position of the last one, when the limit ended the scan
function Store:scan(model, after, limit)
  local rows = must(self.db:query("SELECT seq, json FROM items WHERE model = ? AND seq > ? ORDER BY seq LIMIT ?", model,
    after, limit))
  local items = {}
  for i, row in ipairs(rows) do items[i] = core.decode(row[2]) end
  -- Like DynamoDB: a page that the limit ended has a position to go on from even when nothing follows.
  return items, #rows == limit and rows[#rows][1] or nil
end

return store
