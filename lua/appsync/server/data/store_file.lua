---The store's file: whose it is, and which version of us wrote it. A file that is not ours is left as it is.
local native = require "appsync.server.native"

---@alias appsync.server.StoreCode "full"|"readonly"|"locked"|"corrupt"|"newer"|"out_of_memory"|"descriptors"

local store_file = {}

-- "apsy"; https://www.sqlite.org/fileformat.html, "The Database Header".
local APPLICATION_ID = 0x61707379
local MAGIC = "SQLite format 3\0"
local HEADER_BYTES = 100
local AT_SCHEMA_COOKIE, AT_USER_VERSION, AT_APPLICATION_ID = 41, 61, 69

---Of the tables below; a change of theirs raises it.
store_file.VERSION = 2

-- Another server on the same file ends soon, or it does not end.
local BUSY_MS = 2000

local SCHEMA = [[
CREATE TABLE tables (id INTEGER PRIMARY KEY, kind TEXT NOT NULL, name TEXT NOT NULL, layout TEXT NOT NULL,
  UNIQUE (kind, name));
CREATE TABLE indexes (id INTEGER PRIMARY KEY, table_id INTEGER NOT NULL, name TEXT NOT NULL, layout TEXT NOT NULL,
  UNIQUE (table_id, name));
CREATE TABLE items (seq INTEGER PRIMARY KEY, table_id INTEGER NOT NULL, pk NOT NULL, sk NOT NULL, json TEXT NOT NULL);
CREATE UNIQUE INDEX items_by_key ON items (table_id, pk, sk);
CREATE INDEX items_by_table ON items (table_id);
CREATE TABLE entries (index_id INTEGER NOT NULL, pk NOT NULL, sk NOT NULL, seq INTEGER NOT NULL,
  PRIMARY KEY (index_id, pk, sk, seq)) WITHOUT ROWID;
]]

-- What the second version of the store has beside the first: which tables have versions, and their journal and tombstones.
local VERSIONS = [[
CREATE TABLE versions (table_id INTEGER PRIMARY KEY, since INTEGER NOT NULL);
CREATE TABLE journal (id INTEGER PRIMARY KEY AUTOINCREMENT, table_id INTEGER NOT NULL, seq INTEGER NOT NULL,
  at INTEGER NOT NULL, expires INTEGER NOT NULL, json TEXT NOT NULL);
CREATE INDEX journal_by_time ON journal (table_id, at, id);
CREATE INDEX journal_by_expiry ON journal (table_id, expires);
CREATE TABLE tombstones (seq INTEGER PRIMARY KEY, table_id INTEGER NOT NULL, expires INTEGER NOT NULL);
CREATE INDEX tombstones_by_expiry ON tombstones (table_id, expires);
]]

local function read_u32(bytes, at)
  local a, b, c, d = bytes:byte(at, at + 3)
  return ((a * 256 + b) * 256 + c) * 256 + d
end

local function newer(version)
  return ("a newer version of appsync wrote it (store version %d; this one knows %d)"):format(version, store_file.VERSION)
end

local FOREIGN = "it is a database of another program, not a store of appsync serve"

-- What is wrong with a file, before SQLite touches it: opening one changes it.
local function check_header(bytes)
  if #bytes < HEADER_BYTES or bytes:sub(1, #MAGIC) ~= MAGIC then return "it is not a database" end
  local id = read_u32(bytes, AT_APPLICATION_ID)
  if id == APPLICATION_ID then
    local version = read_u32(bytes, AT_USER_VERSION)
    if version > store_file.VERSION then return newer(version), "newer" end
    return nil
  end
  -- A server that was killed while it made the file leaves one without tables, and the rest in the log beside it.
  return (id ~= 0 or read_u32(bytes, AT_SCHEMA_COOKIE) ~= 0) and FOREIGN or nil
end

---@return string? message nil when the file may be opened
local function check_path(path)
  -- Opening a pipe would wait for its other end.
  local stamp, kind = native.file_stamp(path)
  if stamp and kind == "other" then return "it is a pipe, a device or a socket, not a file" end
  local handle = io.open(path, "rb")
  if not handle then return nil end
  local bytes, why = handle:read(HEADER_BYTES)
  handle:close()
  if bytes then return check_header(bytes) end
  return why -- a folder; nil for a file without bytes
end

-- The words of SQLite's failures as people read them.
local WORDS = {
  full = "the disk is full", readonly = "it can't be written", locked = "another process has it open", corrupt = "it is damaged",
}

-- Those that are the machine's, not the file's.
local SYSTEM = { out_of_memory = true, descriptors = true }

---The kind of the error.
---@param code appsync.server.StoreCode?
---@return "storage"|"system"
function store_file.kind(code)
  return SYSTEM[code] and "system" or "storage"
end

---What went wrong with a database, in plain words.
---@param message string SQLite's
---@param code appsync.server.StoreCode?
---@return string
function store_file.explain(message, code)
  if not WORDS[code] or message:find("^it is damaged") then return message end
  return ("%s (%s)"):format(WORDS[code], message)
end

local function pragma(db, name)
  local values, message, code = db:values("PRAGMA " .. name)
  return values and values[1], message, code
end

-- A failure leaves the transaction to whoever closes the connection.
local function in_transaction(db, sql)
  local ok, message, code = db:begin()
  if ok then ok, message, code = db:exec(sql) end
  if ok then return db:commit() end
  return nil, message, code
end

local function create(db)
  local sql = "PRAGMA application_id = %d; PRAGMA user_version = %d; %s"
  local ok, message, code = in_transaction(db, sql:format(APPLICATION_ID, store_file.VERSION, SCHEMA .. VERSIONS))
  if not ok then return nil, message, code end
  return db:exec("PRAGMA wal_checkpoint(TRUNCATE)")
end

local function check_content(db)
  local version, message, code = pragma(db, "user_version")
  if not version then return nil, message, code end
  if version > store_file.VERSION then return nil, newer(version), "newer" end
  local state, fault, word = pragma(db, "quick_check(1)")
  if state == "ok" then
    if version == store_file.VERSION then return true end
    return in_transaction(db, ("PRAGMA user_version = %d; %s"):format(store_file.VERSION, VERSIONS))
  end
  if store_file.kind(word) == "system" then return nil, fault, word end
  return nil, "it is damaged: " .. tostring(state or fault), word or "corrupt"
end

-- The tables of the store, made where there are none. Whoever has the file open has it alone: what was read may be kept.
local function prepare(db, is_file)
  if is_file then
    local ok, message, code = db:exec("PRAGMA locking_mode = EXCLUSIVE")
    if ok then ok, message, code = in_transaction(db, "") end
    if not ok then return nil, message, code end
  end
  local id, message, code = pragma(db, "application_id")
  if not id then return nil, message, code end
  if id == APPLICATION_ID then return check_content(db) end
  local n, why, word = db:values("SELECT count(*) FROM sqlite_master")
  if store_file.kind(word) == "system" then return nil, why, word end
  if not n or n[1] ~= 0 then return nil, FOREIGN end
  return create(db)
end

---Opens a store's database, with its tables.
---@param path string a file, or ":memory:"
---@param open fun(path: string, options: appsync.server.native.SqliteOptions): appsync.server.native.Connection?, string?, string?
---@return appsync.server.native.Connection? connection
---@return string? message without the path
---@return appsync.server.StoreCode? code
function store_file.open(path, open)
  if path == "" then return nil, "a file's name is expected" end
  local is_file = path ~= ":memory:"
  local fault, kind
  if is_file then fault, kind = check_path(path) end
  if fault then return nil, fault, kind end
  local db, message, code = open(path, { busy_ms = BUSY_MS })
  if not db then return nil, store_file.explain(message, code), code end
  local ok, why, word = prepare(db, is_file)
  if ok then return db end
  db:close()
  return nil, store_file.explain(why, word), word
end

return store_file
