local core = require("appsync.core")
local store = require("appsync.server.data.store")

local MODEL = { kind = "model", name = "A", key = { partition = "id", sort = {} }, indexes = {} }

describe("the store", function()
  local s, a
  before_each(function()
    s = assert(store.open(":memory:"))
    a = assert(s:adopt({ MODEL, { kind = "model", name = "B", key = MODEL.key, indexes = {} } })).A
  end)
  after_each(function() s:close() end)

  it("keeps items by model and key", function()
    a:insert("1", nil, { id = "1", n = 5, list = setmetatable({}, core.array_mt), none = core.null })
    assert.same({ id = "1", n = 5, list = {}, none = core.null }, a:get("1"))
    assert.is_nil(s:model("B"):get("1"))
    a:replace(a:row("1"), { id = "1", n = 6 })
    assert.equal(6, a:get("1").n)
    a:remove(a:row("1"))
    assert.is_nil(a:get("1"))
    assert.equal(0, a:count())
  end)

  it("keeps what it was given, whatever becomes of that", function()
    local given = { id = "1", tags = setmetatable({ "x" }, core.array_mt) }
    a:insert("1", nil, given)
    given.id, given.tags[1] = "2", "y"
    assert.same({ id = "1", tags = { "x" } }, a:get("1"))
  end)

  it("gives the same from its memory as from the database", function()
    local item = {
      id = "1", whole = 3, part = 1.5, big = 9007199254740991, no = false, none = core.null, text = "ä\0\"", map = { x = { y = 1 } },
      list = setmetatable({ 1, core.null }, core.array_mt), empty = setmetatable({}, core.array_mt),
    }
    a:insert("1", nil, item)
    local kept = core.encode(a:get("1").list) .. core.encode(a:get("1").empty)
    assert.same(item, a:get("1"))
    s.cache:clear()
    assert.same(item, a:get("1"))
    assert.equal(kept, core.encode(a:get("1").list) .. core.encode(a:get("1").empty))
  end)

  it("reads an item once", function()
    a:insert("1", nil, { id = "1" })
    s.cache:clear()
    a:get("1")
    local before = s.n_read
    assert.equal(a:get("1"), a:get("1"))
    assert.equal(before, s.n_read)
  end)

  it("pages in the order of creation, one model at a time", function()
    for i = 1, 5 do
      a:insert(tostring(i), nil, { n = i })
      s:model("B"):insert(tostring(i), nil, { n = -i })
    end
    a:replace(a:row("1"), { n = 10 })
    local function numbers(rows)
      local out = {}
      for i, row in ipairs(rows) do out[i] = row.item.n end
      return out
    end
    local rows, after = a:page({ limit = 2 })
    assert.same({ 10, 2 }, numbers(rows))
    rows, after = a:page({ limit = 2, after = after })
    assert.same({ 3, 4 }, numbers(rows))
    rows, after = a:page({ limit = 2, after = after })
    assert.same({ 5 }, numbers(rows))
    assert.is_nil(after)
    assert.same({ 5, 4, 3 }, numbers((a:page({ limit = 3, is_descending = true }))))
  end)

  it("gives a position for a full page even when nothing follows", function()
    a:insert("1", nil, {})
    assert.same({}, (a:page({ limit = 1, after = select(2, a:page({ limit = 1 })) })))
  end)

  it("does not give the place of an item that is gone to another one", function()
    a:insert("1", nil, { n = 1 })
    local _, after = a:page({ limit = 1 })
    a:remove(a:row("1"))
    a:insert("2", nil, { n = 2 })
    assert.equal(2, a:page({ limit = 1, after = after })[1].item.n)
  end)

  it("ends a page at a megabyte", function()
    for i = 1, 12 do a:insert(tostring(i), nil, { text = ("x"):rep(100000) }) end
    local rows, after = a:page({ limit = 100 })
    assert.equal(11, #rows)
    rows, after = a:page({ limit = 100, after = after })
    assert.equal(1, #rows)
    assert.is_nil(after)
  end)

  it("reads no index without a partition: its number may be that of another table", function()
    local indexed = { kind = "model", name = "C", key = MODEL.key, indexes = { { name = "byN", partition = "n", sort = {} } } }
    local tables = assert(s:adopt({ MODEL, indexed }))
    tables.A:insert("1", nil, {})
    local ok, err = pcall(tables.C.page, tables.C, { index = "byN", limit = 10 })
    assert.is_false(ok)
    assert.equal("store: index 'byN' is read without a partition", err)
  end)

  it("pages through more than one statement reads", function()
    s:transaction(function()
      for i = 1, 600 do a:insert(tostring(i), nil, { n = i }) end
    end)
    local rows, after = a:page({ limit = 1000 })
    assert.equal(600, #rows)
    assert.equal(600, rows[600].item.n)
    assert.is_nil(after)
    rows = a:page({ limit = 300 })
    assert.equal(300, #rows)
    assert.equal(300, rows[300].item.n)
  end)

  it("takes a transaction back when its function throws", function()
    local thrown = { message = "no" }
    a:insert("0", nil, { n = 0 })
    local ok, err = pcall(s.transaction, s, function()
      a:insert("1", nil, {})
      a:replace(a:row("0"), { n = 1 })
      s:own("mine"):insert("x", nil, {})
      error(thrown, 0)
    end)
    assert.is_false(ok)
    assert.equal(thrown, err)
    assert.is_nil(a:get("1"))
    assert.equal(0, a:get("0").n)
    assert.is_nil(s:own("mine"):get("x"))
    assert.equal("x", s:transaction(function() return "x" end))
  end)

  it("makes a transaction in a transaction part of it", function()
    pcall(s.transaction, s, function()
      s:transaction(function() a:insert("1", nil, {}) end)
      error("no", 0)
    end)
    assert.is_nil(a:get("1"))
  end)

  it("fails with an error of the server when SQLite fails", function()
    a:insert("1", nil, {})
    local ok, err = pcall(a.insert, a, "1", nil, {})
    assert.is_false(ok)
    assert.equal("InternalFailure", err.type)
  end)

  it("keeps models and the resolvers' own tables of one name apart", function()
    a:insert("1", nil, { n = 1 })
    s:own("A"):insert("1", nil, { n = 2 })
    assert.equal(1, a:get("1").n)
    assert.equal(2, s:own("A"):get("1").n)
    assert.equal(s:own("A"), s:own("A"))
  end)
end)
