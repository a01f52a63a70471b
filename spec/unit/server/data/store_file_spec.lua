local engine = require("appsync.server.engine")
local native = require("appsync.server.native")
local store = require("appsync.server.data.store")

local MODEL = { kind = "model", name = "A", key = { partition = "id", sort = {} }, indexes = {} }

describe("the store's file", function()
  local path

  before_each(function() path = os.tmpname() end)
  after_each(function()
    for _, suffix in ipairs({ "", "-wal", "-shm", "-journal" }) do os.remove(path .. suffix) end
  end)

  local function write(text)
    local handle = assert(io.open(path, "wb"))
    handle:write(text)
    handle:close()
  end

  local function read()
    local handle = assert(io.open(path, "rb"))
    local text = handle:read("*a")
    handle:close()
    return text
  end

  local function refusal()
    local opened, message = store.open(path)
    if opened then opened:close() end
    assert.is_nil(opened)
    return message
  end

  local function with_item()
    local s = assert(store.open(path))
    local a = assert(s:adopt({ MODEL })).A
    a:insert("1", nil, { id = "1", n = 1 })
    return s, a
  end

  it("keeps items from one opening to the next", function()
    with_item():close()
    local s = assert(store.open(path))
    assert.equal(1, assert(s:adopt({ MODEL })).A:get("1").n)
    s:close()
  end)

  it("is made where there is none", function()
    os.remove(path)
    with_item():close()
    assert.truthy(read():find("^SQLite format 3"))
  end)

  it("is refused when it is no database, and left as it is", function()
    local text = ("this is no database "):rep(100)
    write(text)
    assert.equal("it is not a database", refusal())
    assert.equal(text, read())
    write("short")
    assert.equal("it is not a database", refusal())
  end)

  it("is refused when it is another program's, and left as it is", function()
    os.remove(path)
    local db = assert(native.sqlite_open(path))
    assert(db:exec("PRAGMA journal_mode = DELETE; CREATE TABLE items (a); INSERT INTO items VALUES (1)"))
    db:close()
    local text = read()
    assert.equal("it is another program's database, not a store of appsync serve", refusal())
    assert.equal(text, read())
    db = assert(native.sqlite_open(path))
    assert(db:exec("PRAGMA application_id = 7"))
    db:close()
    assert.matches("another program", refusal())
  end)

  it("is refused when a newer version wrote it", function()
    with_item():close()
    local db = assert(native.sqlite_open(path))
    assert(db:exec("PRAGMA user_version = 9; PRAGMA wal_checkpoint(TRUNCATE)"))
    db:close()
    assert.equal("it was written by a newer version of appsync (store version 9; this one supports 2)", refusal())
  end)

  it("gets what later versions of the store have, and keeps its items", function()
    with_item():close()
    local db = assert(native.sqlite_open(path))
    assert(db:exec("DROP TABLE versions; DROP TABLE journal; DROP TABLE tombstones; PRAGMA user_version = 1"))
    db:close()
    local s = assert(store.open(path))
    assert.equal(1, assert(s:adopt({ MODEL })).A:count())
    assert.same({ 0 }, s:values("SELECT count(*) FROM journal"))
    assert.same({ 2 }, s:values("PRAGMA user_version"))
    s:close()
  end)

  -- What a process that was killed leaves: the file without what is in the log beside it.
  local function killed(make)
    local other = os.tmpname()
    os.remove(other)
    local db = assert(native.sqlite_open(other))
    assert(db:exec("PRAGMA wal_autocheckpoint = 0"))
    make(db)
    for _, suffix in ipairs({ "", "-wal" }) do
      local from = io.open(other .. suffix, "rb")
      local to = from and assert(io.open(path .. suffix, "wb"))
      if to then
        to:write((from:read("*a")))
        to:close()
        from:close()
      end
    end
    db:close()
    for _, suffix in ipairs({ "", "-wal", "-shm" }) do os.remove(other .. suffix) end
  end

  it("is refused when a newer version wrote it and was killed", function()
    killed(function(db) assert(db:exec("PRAGMA application_id = 1634759545; PRAGMA wal_checkpoint(TRUNCATE); PRAGMA user_version = 9")) end)
    assert.matches("it was written by a newer version of appsync", refusal())
  end)

  it("is used when whoever made it was killed before it had tables", function()
    killed(function() end)
    local s, a = with_item()
    assert.equal(1, a:count())
    s:close()
  end)

  it("is refused when it is damaged", function()
    local s, a = with_item()
    s:transaction(function()
      for i = 2, 500 do a:insert(tostring(i), nil, { id = tostring(i), text = ("x"):rep(200) }) end
    end)
    s:close()
    local text = read()
    write(text:sub(1, 8192) .. ("\1\2\3\4"):rep(2048) .. text:sub(16385))
    assert.matches("it is damaged", refusal())
    write(text:sub(1, 20000))
    assert.matches("damaged", (refusal():gsub("malformed", "damaged")))
  end)

  it("is refused while another one has it open", function()
    local s = with_item()
    local opened, message = store.open(path, function(name) return native.sqlite_open(name, { busy_ms = 1 }) end)
    assert.is_nil(opened)
    assert.equal("another process has it open (SQL: database is locked)", message)
    s:close()
  end)

  it("tells with a word why it can't be opened", function()
    local s = with_item()
    assert.equal("locked", (select(3, store.open(path, function(name) return native.sqlite_open(name, { busy_ms = 1 }) end))))
    s:close()
    killed(function(db) assert(db:exec("PRAGMA application_id = 1634759545; PRAGMA wal_checkpoint(TRUNCATE); PRAGMA user_version = 9")) end)
    assert.equal("newer", (select(3, store.open(path))))
    for _, suffix in ipairs({ "-wal", "-shm" }) do os.remove(path .. suffix) end
    write(read():sub(1, 100) .. ("x"):rep(4000))
    for code, said in pairs({
      full = { "storage", "the disk is full (SQL: x)" }, readonly = { "storage", "it can't be written (SQL: x)" },
      out_of_memory = { "system", "SQL: x" }, descriptors = { "system", "SQL: x" },
    }) do
      local made, err = engine.new({ schema_text = "type A @model { id: ID! }", store = "s.db",
        open_database = function() return nil, "SQL: x", code end })
      assert.is_nil(made)
      assert.same({ kind = said[1], code = code, message = "store 's.db': " .. said[2] }, err)
    end
  end)

  it("cannot be a pipe, nor a device", function()
    assert(os.execute("rm -f " .. path .. "; mkfifo " .. path))
    for _, name in ipairs({ path, "/dev/zero" }) do
      assert.same({ nil, "it is a pipe, a device or a socket, not a file" }, { store.open(name) })
    end
  end)

  it("cannot be a folder, nor in one that is not there, nor nameless", function()
    local opened, message = store.open("")
    assert.is_nil(opened)
    assert.equal("expected a file name", message)
    opened, message = store.open("/")
    assert.is_nil(opened)
    assert.matches("Is a directory", message)
    opened, message = store.open("/nonexistent/folder/x.db")
    assert.is_nil(opened)
    assert.equal("cannot open the store: unable to open database file (No such file or directory)", message)
  end)

  it("that cannot be written is refused", function()
    local s, message = store.open(path, function(name)
      local db = assert(native.sqlite_open(name))
      assert(db:exec("PRAGMA query_only = ON"))
      return db
    end)
    assert.is_nil(s)
    assert.matches("readonly database", message)
  end)

  -- N=5000 SEED=7 for more of them, or for those of a failure.
  local N, SEED = tonumber(os.getenv("N")) or 40, tonumber(os.getenv("SEED")) or os.time() % 100000

  it(("with any bytes in it is used, or refused with a message (SEED=%d)"):format(SEED), function()
    local INDEXED = { kind = "model", name = "A", key = MODEL.key, indexes = { { name = "byN", partition = "n", sort = {} } } }
    local s = assert(store.open(path))
    local a = assert(s:adopt({ INDEXED })).A
    s:transaction(function()
      for i = 1, 60 do a:insert(tostring(i), nil, { id = tostring(i), n = i % 3, text = ("x"):rep(50) }) end
    end)
    s:close()
    local text, state = read(), SEED + 1
    local function random(n)
      state = (state * 16807) % 2147483647
      return state % n + 1
    end
    for round = 1, N do
      local bytes = text
      for _ = 1, random(4) do
        local at, length = random(#bytes), random(3) == 1 and random(200) or 1
        bytes = bytes:sub(1, at - 1) .. string.char(random(256) - 1):rep(length) .. bytes:sub(at + length)
      end
      write(bytes)
      local opened, message = store.open(path)
      if not opened then
        assert.is_string(message)
      else
        local ok, thrown = pcall(function()
          local tables, why = opened:adopt({ INDEXED })
          if not tables then error({ message = why }, 0) end
          tables.A:page({ limit = 100 })
          tables.A:page({ limit = 100, index = "byN", pk = 1 })
          tables.A:insert("new", nil, { id = "new", n = 1 })
        end)
        opened:close()
        assert(ok or type(thrown) == "table" and type(thrown.message) == "string", ("round %d: %s"):format(round, tostring(thrown)))
      end
      for _, suffix in ipairs({ "-wal", "-shm" }) do os.remove(path .. suffix) end
    end
  end)
end)
