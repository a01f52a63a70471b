local core = require("appsync.core")
local listener = require("appsync.listener")
local store = require("appsync.server.data.store")

describe("the SQLite connection", function()
  local db
  before_each(function() db = assert(listener.sqlite_open(":memory:")) end)
  after_each(function() db:close() end)

  it("gives back what was stored, by type", function()
    local rows = assert(db:query("SELECT ?, ?, ?, ?, ?, ?", 1, 1.5, "a\0b", nil, true, core.null))
    assert.same({ { 1, 1.5, "a\0b", core.null, 1, core.null } }, rows)
  end)

  it("keeps integers of 53 bits", function()
    assert.equal(9007199254740991, db:query("SELECT ?", 9007199254740991)[1][1])
    assert.equal("integer", db:query("SELECT typeof(?)", 3.0)[1][1])
    assert.equal("text", db:query("SELECT typeof(?)", "")[1][1])
  end)

  it("tells how many rows changed", function()
    assert.is_true(db:exec("CREATE TABLE t (a); INSERT INTO t VALUES (1), (2)"))
    assert.equal(2, db:run("UPDATE t SET a = 3"))
    assert.same({ { 3 }, { 3 } }, db:query("SELECT a FROM t"))
    assert.same({}, db:query("SELECT a FROM t WHERE a = ?", 1))
  end)

  it("answers nil and a message for SQL that fails", function()
    for _, call in ipairs({ function() return db:exec("NOPE") end, function() return db:query("SELECT nope") end,
      function() return db:run("INSERT INTO nope VALUES (1)") end, function() return db:query("SELECT 1; SELECT 2") end,
      function() return db:query("") end, function() return db:query("SELECT ?") end, function() return db:query("SELECT ?", {}) end,
      function() return db:query("SELECT 1", 2) end }) do
      local value, message = call()
      assert.is_nil(value)
      assert.is_string(message)
    end
  end)

  it("refuses use after it was closed, and closes twice", function()
    db:close()
    db:close()
    assert.has_error(function() db:query("SELECT 1") end, "the connection is closed")
  end)

  it("does not open what is no file", function()
    local opened, message = listener.sqlite_open("/nonexistent/folder/x.db")
    assert.is_nil(opened)
    assert.matches("cannot open the store", message)
  end)
end)

describe("the store", function()
  local s
  before_each(function() s = assert(store.open(":memory:")) end)
  after_each(function() s:close() end)

  it("keeps items by model and key", function()
    s:insert("A", "1", { id = "1", n = 5, list = setmetatable({}, core.array_mt), none = core.null })
    assert.same({ id = "1", n = 5, list = {}, none = core.null }, s:get("A", "1"))
    assert.is_nil(s:get("B", "1"))
    s:replace("A", "1", { id = "1", n = 6 })
    assert.equal(6, s:get("A", "1").n)
    s:delete("A", "1")
    assert.is_nil(s:get("A", "1"))
  end)

  it("pages in the order of creation, one model at a time", function()
    for i = 1, 5 do
      s:insert("A", tostring(i), { n = i })
      s:insert("B", tostring(i), { n = -i })
    end
    s:replace("A", "1", { n = 10 })
    local items, last = s:scan("A", 0, 2)
    assert.same({ { n = 10 }, { n = 2 } }, items)
    items, last = s:scan("A", last, 2)
    assert.same({ { n = 3 }, { n = 4 } }, items)
    items, last = s:scan("A", last, 2)
    assert.same({ { n = 5 } }, items)
    assert.is_nil(last)
  end)

  it("gives a position for a full page even when nothing follows", function()
    s:insert("A", "1", {})
    assert.is_number(select(2, s:scan("A", 0, 1)))
  end)

  it("takes a transaction back when its function throws", function()
    local thrown = { message = "no" }
    local ok, err = pcall(s.transaction, s, function()
      s:insert("A", "1", {})
      error(thrown, 0)
    end)
    assert.is_false(ok)
    assert.equal(thrown, err)
    assert.is_nil(s:get("A", "1"))
    assert.equal("x", s:transaction(function() return "x" end))
  end)

  it("fails with an error of the server when SQLite fails", function()
    s:insert("A", "1", {})
    local ok, err = pcall(s.insert, s, "A", "1", {})
    assert.is_false(ok)
    assert.equal("InternalFailure", err.type)
  end)

  it("keeps a file from one opening to the next", function()
    local path = os.tmpname()
    local first = assert(store.open(path))
    first:insert("A", "1", { n = 1 })
    first:close()
    local second = assert(store.open(path))
    assert.same({ n = 1 }, second:get("A", "1"))
    second:close()
    for _, suffix in ipairs({ "", "-wal", "-shm" }) do os.remove(path .. suffix) end
  end)

  it("says why a file is no store", function()
    local path = os.tmpname()
    local file = assert(io.open(path, "w"))
    file:write(("this is no database "):rep(100))
    file:close()
    local opened, message = store.open(path)
    assert.is_nil(opened)
    assert.matches("not a database", message)
    os.remove(path)
  end)
end)
