--- The store's file: whose it is, and which version of us wrote it. A file that is not ours is left as it is.
local file = {}

-- "apsy"; https://www.sqlite.org/fileformat.html, "The Database Header".
local APPLICATION_ID = 0x61707379
local MAGIC = "SQLite format 3\0"
local HEADER_BYTES = 100
local AT_SCHEMA_COOKIE, AT_USER_VERSION, AT_APPLICATION_ID = 41, 61, 69

--- Of the tables below; a change of theirs raises it.
file.VERSION = 1

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

local function read_u32(bytes, at)
  local a, b, c, d = bytes:byte(at, at + 3)
  return ((a * 256 + b) * 256 + c) * 256 + d
end

local function newer(version)
  return ("a newer version of appsync wrote it (store version %d; this one knows %d)"):format(version, file.VERSION)
end

local FOREIGN = "it is a database of another program, not a store of appsync serve"

-- What is wrong with a file, before SQLite touches it: opening one changes it.
local function check_header(bytes)
  if #bytes < HEADER_BYTES or bytes:sub(1, #MAGIC) ~= MAGIC then return "it is not a database" end
  local id = read_u32(bytes, AT_APPLICATION_ID)
  if id == APPLICATION_ID then
    local version = read_u32(bytes, AT_USER_VERSION)
    return version > file.VERSION and newer(version) or nil
  end
  -- A server that was killed while it made the file leaves one without tables, and the rest in the log beside it.
  return (id ~= 0 or read_u32(bytes, AT_SCHEMA_COOKIE) ~= 0) and FOREIGN or nil
end

---@return string? message nil when the file may be opened
local function check_path(path)
  local handle = io.open(path, "rb")
  if not handle then return nil end
  local bytes, why = handle:read(HEADER_BYTES)
  handle:close()
  if bytes then return check_header(bytes) end
  return why -- a folder; nil for a file without bytes
end

-- The system's reason is better than SQLite's "unable to open database file".
local function explain(path, message)
  if message:find("database is locked", 1, true) then return "another process has it open (" .. message .. ")" end
  if message:find("unable to open", 1, true) then
    local handle, why = io.open(path, "r+b")
    if handle then handle:close() end
    local reason = why and why:sub(1, #path + 2) == path .. ": " and why:sub(#path + 3) or why
    if reason then return message .. " (" .. reason .. ")" end
  end
  return message
end

local function pragma(db, name)
  local values, message = db:values("PRAGMA " .. name)
  return values and values[1], message
end

local function create(db)
  return db:exec(("BEGIN IMMEDIATE; PRAGMA application_id = %d; PRAGMA user_version = %d; %s COMMIT;"):format(APPLICATION_ID,
    file.VERSION, SCHEMA))
end

-- The tables of the store, made where there are none. Whoever has the file open has it alone: what was read may be kept.
local function prepare(db, is_file)
  if is_file then
    local ok, message = db:exec("PRAGMA locking_mode = EXCLUSIVE; BEGIN IMMEDIATE; COMMIT;")
    if not ok then return nil, message end
  end
  local id, message = pragma(db, "application_id")
  if not id then return nil, message end
  if id ~= APPLICATION_ID then
    local n = db:values("SELECT count(*) FROM sqlite_master")
    if not n or n[1] ~= 0 then return nil, FOREIGN end
    local made, why = create(db)
    if not made then return nil, why end
    return db:exec("PRAGMA wal_checkpoint(TRUNCATE)")
  end
  local version, unread = pragma(db, "user_version")
  if not version then return nil, unread end
  if version > file.VERSION then return nil, newer(version) end
  local state, fault = pragma(db, "quick_check(1)")
  if state ~= "ok" then return nil, "it is damaged: " .. tostring(state or fault) end
  return true
end

--- Opens a store's database, with its tables.
---@param path string a file, or ":memory:"
---@param open fun(path: string, busy_ms: integer): table?, string?
---@return table? connection, string? message without the path
function file.open(path, open)
  if path == "" then return nil, "a file's name is expected" end
  local is_file = path ~= ":memory:"
  local fault = is_file and check_path(path)
  if fault then return nil, fault end
  local db, message = open(path, BUSY_MS)
  if not db then return nil, explain(path, message) end
  local ok, why = prepare(db, is_file)
  if ok then return db end
  db:close()
  return nil, explain(path, why)
end

return file
