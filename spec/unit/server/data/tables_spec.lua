local core = require("appsync.core")
local operations = require("appsync.server.data.operations")
local store = require("appsync.server.data.store")
local tables = require("appsync.server.data.tables")

describe("the tables of resolvers", function()
  local s, t, clock

  before_each(function()
    clock = 1795158179.158
    s = assert(store.open(":memory:"))
    local models = {
      {
        name = "Post", ops = {}, key = { partition = "id", sort = {} }, created_at = "createdAt", updated_at = "updatedAt",
        indexes = { { name = "byBlog", partition = "blog", sort = { "rank" } } },
      },
      { name = "Order", ops = {}, key = { partition = "customer", sort = { "year", "number" } } },
    }
    assert(operations.build(models, s, { query = "Query" }))
    t = tables.new({
      models = models, now = function() return clock end, store = function() return s end,
    })
  end)
  after_each(function() s:close() end)

  local function ids(items)
    local out = {}
    for i, item in ipairs(items) do out[i] = item.id end
    return out
  end

  it("keep items by their id, or by any key", function()
    assert.same({ id = "1", n = 1 }, t.Mine:put({ id = "1", n = 1 }))
    assert.same({ id = "1", n = 1 }, t.Mine:get("1"))
    t.Mine:put("k", { n = 2 })
    t.Mine:put(7, { n = 3 })
    t.Mine:put({ "p", 1.5 }, { n = 4 })
    t.Mine:put({ "k" }, { n = 5 })
    assert.same({ 5, 3, 4 }, { t.Mine:get("k").n, t.Mine:get(7).n, t.Mine:get({ "p", 1.5 }).n })
    assert.is_nil(t.Mine:get("7"))
    assert.is_nil(t.Mine:get({ "p", 2 }))
    assert.is_nil(t.Other:get("k"))
  end)

  it("give copies, and keep copies", function()
    local item = { id = "1", tags = { "a" } }
    t.Mine:put(item)
    item.tags[1] = "b"
    local got = t.Mine:get("1")
    got.tags[1] = "c"
    assert.same({ "a" }, t.Mine:get("1").tags)
    t.Mine:scan()[1].tags[1] = "d"
    assert.same({ "a" }, t.Mine:get("1").tags)
  end)

  it("delete, and give what was there", function()
    t.Mine:put({ id = "1", n = 1 })
    assert.equal(1, t.Mine:delete("1").n)
    assert.is_nil(t.Mine:delete("1"))
    assert.is_nil(t.Mine:get("1"))
  end)

  it("scan in the order of creation, or of the keys", function()
    for _, id in ipairs({ "b", "a", "c" }) do t.Mine:put({ id = id }) end
    t.Mine:put({ id = "b", again = true })
    assert.same({ "b", "a", "c" }, ids(t.Mine:scan()))
    assert.same({ "c", "a", "b" }, ids(t.Mine:scan({ descending = true })))
    assert.same({ "a", "b", "c" }, ids(t.Mine:scan({ order = "key" })))
    assert.same({ "c", "b" }, ids(t.Mine:scan({ order = "key", descending = true, limit = 2 })))
  end)

  it("scan page by page", function()
    for i = 1, 5 do t.Mine:put({ id = tostring(i) }) end
    for _, order in ipairs({ "creation", "key" }) do
      local first, after = t.Mine:scan({ limit = 2, order = order })
      assert.same({ "1", "2" }, ids(first))
      local second
      second, after = t.Mine:scan({ limit = 3, after = after, order = order })
      assert.same({ "3", "4", "5" }, ids(second))
      assert.same({}, t.Mine:scan({ after = after, order = order }))
    end
  end)

  it("scan more than a page of the store", function()
    s:transaction(function()
      for i = 1, 30 do t.Mine:put({ id = tostring(i), text = ("x"):rep(100000) }) end
    end)
    assert.equal(30, #t.Mine:scan())
    assert.equal(25, #t.Mine:scan({ limit = 25 }))
  end)

  it("scan a partition by its sort keys", function()
    for i = 1, 5 do t.Log:put({ "Post", i * 10 }, { id = "e" .. i }) end
    t.Log:put({ "Blog", 30 }, { id = "other" })
    assert.same({ "e3", "e4", "e5" }, ids(t.Log:scan({ partition = "Post", ge = 30 })))
    assert.same({ "e1", "e2" }, ids(t.Log:scan({ partition = "Post", lt = 30 })))
    assert.same({ "e4", "e3" }, ids(t.Log:scan({ partition = "Post", between = { 30, 40 }, descending = true })))
    assert.same({ "e3" }, ids(t.Log:scan({ partition = "Post", eq = 30 })))
    t.Log:put({ "T", "ab" }, { id = "ab" })
    t.Log:put({ "T", "b" }, { id = "b" })
    assert.same({ "ab" }, ids(t.Log:scan({ partition = "T", begins_with = "a" })))
  end)

  it("of models have the models' items, with what generated operations add", function()
    assert.same({ __typename = "Post", id = "1", createdAt = "2026-11-20T07:02:59.158Z", updatedAt = "2026-11-20T07:02:59.158Z" },
      t.Post:put({ id = "1" }))
    clock = clock + 1
    local again = t.Post:put({ id = "1", blog = "x", rank = 2 })
    assert.equal("2026-11-20T07:02:59.158Z", again.createdAt)
    assert.equal("2026-11-20T07:03:00.158Z", again.updatedAt)
    assert.equal("x", s:model("Post"):get("1").blog)
    clock = clock + 1
    again.rank = 3
    assert.equal("2026-11-20T07:03:01.158Z", t.Post:put(again).updatedAt)
    again.updatedAt = "2000-01-01T00:00:00Z"
    assert.equal("2000-01-01T00:00:00Z", t.Post:put(again).updatedAt)
    t.Post:put({ id = "2", blog = "x", rank = 1 })
    assert.same({ "2", "1" }, ids(t.Post:scan({ partition = "x", index = "byBlog" })))
  end)

  it("of models with a key of several fields take it as a list or by names", function()
    t.Order:put({ customer = "c", year = 2024, number = "A1", total = 1 })
    t.Order:put({ "c", 2024, "B7" }, { customer = "c", year = 2024, number = "B7", total = 2 })
    assert.equal(1, t.Order:get({ "c", 2024, "A1" }).total)
    assert.equal(2, t.Order:get({ customer = "c", year = 2024, number = "B7" }).total)
    assert.equal(1, #t.Order:scan({ partition = "c", eq = { 2024, "A1" } }))
    assert.equal(2, t.Order:delete({ "c", 2024, "B7" }).total)
    assert.has_error(function() t.Order:put({ "c", 2024, "X" }, { customer = "c", year = 2024, number = "B7" }) end,
      "ctx.tables.Order:put: the key differs from the item's own")
    assert.has_error(function() t.Order:get("c") end, "ctx.tables.Order:get: the key of Order is (customer, year, number)")
  end)

  it("keep all that a transaction does, or nothing", function()
    local ok, err = pcall(t.Mine.transaction, t.Mine, function()
      t.Mine:put({ id = "1" })
      t.Log:put({ "Mine", 1 }, { id = "1" })
      error({ message = "no" }, 0)
    end)
    assert.is_false(ok)
    assert.same({ message = "no" }, err)
    assert.is_nil(t.Mine:get("1"))
    assert.same({}, t.Log:scan())
    assert.equal(5, t.Mine:transaction(function() return 5 end))
  end)

  -- {call, message}
  local MISUSES = {
    { function() t.Mine:get(nil) end, "get: a key is a non-empty string or a number, not nil" },
    { function() t.Mine:get("") end, "get: a key is a non-empty string or a number, not an empty string" },
    { function() t.Mine:get({}) end, "get: expected a list of a partition key and an optional sort key" },
    { function() t.Mine:get({ "a", "b", "c" }) end, "get: expected a list of a partition key and an optional sort key" },
    { function() t.Mine:get({ "a", {} }) end, "get: a key is a non-empty string or a number, not table" },
    { function() t.Mine:put(0 / 0, {}) end, "put: a key is a non-empty string or a number, not NaN" },
    { function() t.Mine:put({ "a", -1 / 0 }, {}) end, "put: a key is a non-empty string or a number, not infinity" },
    { function() t.Mine:put("x") end, "put: expected an item, a table, not a string" },
    { function() t.Mine:put("x", 1) end, "put: an item must be a table, not a number" },
    { function() t.Mine:put({ n = 1 }) end, "put: a key is a non-empty string or a number, not nil" },
    { function() t.Mine:scan({ size = 1 }) end, "scan: there is no option 'size'; the options are limit, after, descending, order, "
      .. "partition, index, eq, lt, le, gt, ge, between, begins_with" },
    { function() t.Mine:scan({ limit = 0 }) end, "scan: limit must be a whole number of at least 1" },
    { function() t.Mine:scan({ limit = 1.5 }) end, "scan: limit must be a whole number of at least 1" },
    { function() t.Mine:scan({ partition = "x", begins_with = 5 }) end, "scan: 'begins_with' must be a string" },
    { function() t.Mine:scan({ order = "x" }) end, "scan: order must be 'creation' or 'key'" },
    { function() t.Mine:scan({ eq = 1 }) end, "scan: 'eq' needs a partition" },
    { function() t.Mine:scan({ index = "x" }) end, "scan: 'index' needs a partition" },
    { function() t.Mine:scan({ partition = "x", between = { 1 } }) end, "scan: 'between' must be a list of two values" },
    { function() t.Mine:scan({ partition = "x", eq = 1, lt = 2 }) end, "scan: at most one condition for the sort key is allowed" },
  }
  for _, row in ipairs(MISUSES) do
    it("say what is wrong: " .. row[2], function() assert.has_error(row[1], "ctx.tables.Mine:" .. row[2]) end)
  end

  it("have names", function()
    assert.has_error(function() return t[1] end, "ctx.tables: the name of a table must be a string")
    assert.has_error(function() return t[""] end, "ctx.tables: the name of a table must be a string")
    assert.equal(t.Mine, t.Mine)
  end)

  it("refuse what is no JSON, and keep nothing of it", function()
    assert.has_error(function() t.Mine:put({ id = "1", f = print }) end)
    assert.is_nil(t.Mine:get("1"))
    t.Mine:put({ id = "1", none = core.null })
    assert.equal(core.null, t.Mine:get("1").none)
  end)

  describe("of a versioned model", function()
    local sync

    before_each(function()
      local m = {
        name = "Note", ops = { sync = "sync" }, key = { partition = "id", sort = {} },
        conflict = { handler = "OPTIMISTIC_CONCURRENCY", base_ttl_s = 60, delta_ttl_s = 10 },
      }
      local query = assert(operations.build({ m }, s, { query = "Query", now = function() return clock end })).Query
      t = tables.new({ models = { m }, now = function() return clock end, store = function() return s end })
      sync = function(since) return query.sync({ arguments = { lastSync = since } }).items end
    end)

    it("write its next version, whatever the item says of that", function()
      local at_ms = 1795158179158
      assert.same({ __typename = "Note", id = "1", _version = 1, _lastChangedAt = at_ms },
        t.Note:put({ id = "1", _version = 5, _lastChangedAt = 7, _deleted = true }))
      clock = clock + 1
      assert.equal(2, t.Note:put({ id = "1", text = "a" })._version)
      assert.same({ "a", 2, at_ms + 1000 }, { t.Note:get("1").text, t.Note:get("1")._version, t.Note:get("1")._lastChangedAt })
      assert.equal(2, #sync(at_ms))
    end)

    it("leave a tombstone, until its life is over", function()
      t.Note:put({ id = "1", text = "a" })
      assert.same({ "a", 1 }, { t.Note:get("1").text, t.Note:delete("1")._version })
      assert.same({ "a", 2, true }, { t.Note:get("1").text, t.Note:get("1")._version, t.Note:get("1")._deleted })
      assert.same({ 1, 2 }, { sync(1795158179158)[1]._version, sync(1795158179158)[2]._version })
      assert.is_nil(t.Note:put({ id = "1" })._deleted)
      t.Note:delete("1")
      clock = clock + 62
      assert.is_nil(t.Note:get("1"))
      assert.equal(0, #t.Note:scan())
    end)
  end)
end)
