local store = require("appsync.server.data.store")

local BY_ID = { partition = "id", sort = {} }

local function layout(key, ...) return { { kind = "model", name = "A", key = key, indexes = { ... } } } end

describe("a schema that changes over its data", function()
  local path

  before_each(function() path = os.tmpname() end)
  after_each(function()
    for _, suffix in ipairs({ "", "-wal", "-shm" }) do os.remove(path .. suffix) end
  end)

  -- Opens the store with a layout, and closes it behind `fn`.
  local function with(layouts, fn)
    local s = assert(store.open(path))
    local tables, message = s:adopt(layouts)
    local ok, err = pcall(fn, tables and tables.A, message, s)
    s:close()
    if not ok then error(err, 0) end
  end

  local function fill(items)
    with(layout(BY_ID), function(a)
      for _, item in ipairs(items) do a:insert(item.id, nil, item) end
    end)
  end

  local function ids(rows)
    local out = {}
    for i, row in ipairs(rows) do out[i] = row.item.id end
    return out
  end

  local BY_NAME = { name = "byName", partition = "name", sort = { "rank" } }

  it("fills an index that is new from the items that are there", function()
    fill({ { id = "1", name = "x", rank = 2 }, { id = "2", name = "x", rank = 1 }, { id = "3", name = "x" }, { id = "4", name = "y", rank = 1 } })
    with(layout(BY_ID, BY_NAME), function(a) assert.same({ "2", "1" }, ids((a:page({ index = "byName", pk = "x", limit = 9 })))) end)
  end)

  it("fills an index again that was gone for a while, or has other fields", function()
    with(layout(BY_ID, BY_NAME), function(a) a:insert("1", nil, { id = "1", name = "x", rank = 1 }) end)
    with(layout(BY_ID), function(a) a:insert("2", nil, { id = "2", name = "x", rank = 0 }) end)
    with(layout(BY_ID, BY_NAME), function(a) assert.same({ "2", "1" }, ids((a:page({ index = "byName", pk = "x", limit = 9 })))) end)
    local other = { name = "byName", partition = "rank", sort = {} }
    with(layout(BY_ID, other), function(a) assert.same({ "1" }, ids((a:page({ index = "byName", pk = 1, limit = 9 })))) end)
  end)

  it("keeps the items of a model that is gone", function()
    fill({ { id = "1" } })
    with({ { kind = "model", name = "B", key = BY_ID, indexes = {} } }, function() end)
    with(layout(BY_ID), function(a) assert.equal("1", a:get("1").id) end)
  end)

  it("gives items the key that their model has now", function()
    fill({ { id = "1", year = 2024, code = "A" }, { id = "2", year = 2023, code = "B" } })
    with(layout({ partition = "year", sort = { "code", "id" } }), function(a)
      assert.equal("1", a:get(2024, "A#1").id)
      assert.is_nil(a:get("1"))
    end)
    with(layout(BY_ID), function(a)
      assert.equal("2", a:get("2").id)
      assert.same({ "1", "2" }, ids((a:page({ limit = 9 }))))
    end)
  end)

  it("lets items swap their keys", function()
    fill({ { id = "1", other = "2" }, { id = "2", other = "1" } })
    with(layout({ partition = "other", sort = {} }), function(a) assert.equal("2", a:get("1").id) end)
  end)

  it("refuses a key that an item lacks, and leaves all as it was", function()
    fill({ { id = "1", year = 2024 }, { id = "2" } })
    with(layout({ partition = "year", sort = {} }), function(a, message)
      assert.is_nil(a)
      assert.equal("the key of model 'A' is now (year), but its items were stored under another key (id), and an item lacks a part of "
        .. [[the new key: {"id":"2"}; restore the model's old key, or use another store]], message)
    end)
    with(layout(BY_ID), function(a) assert.equal(2024, a:get("1").year) end)
  end)

  it("refuses a key that two items share", function()
    fill({ { id = "1", year = 2024 }, { id = "2", year = 2024 } })
    with(layout({ partition = "year", sort = {} }), function(_, message) assert.matches("two items have the same new key", message) end)
    with(layout(BY_ID), function(a) assert.equal("2", a:get("2").id) end)
  end)

  it("goes through many items", function()
    local items = {}
    for i = 1, 1201 do items[i] = { id = tostring(i), name = "x", rank = -i } end
    local s = assert(store.open(path))
    local a = assert(s:adopt(layout(BY_ID))).A
    s:transaction(function()
      for _, item in ipairs(items) do a:insert(item.id, nil, item) end
    end)
    s:close()
    with(layout({ partition = "rank", sort = {} }, BY_NAME), function(changed)
      assert.equal("1201", changed:get(-1201).id)
      local rows = changed:page({ index = "byName", pk = "x", limit = 2000 })
      assert.equal(1201, #rows)
      assert.equal("1201", rows[1].item.id)
    end)
  end)

  it("while the server runs changes the tables that others hold", function()
    local s = assert(store.open(path))
    local a = assert(s:adopt(layout(BY_ID))).A
    assert.equal(a, assert(s:adopt(layout(BY_ID, BY_NAME))).A)
    a:insert("1", nil, { id = "1", name = "x", rank = 1 })
    assert.equal(1, #a:page({ index = "byName", pk = "x", limit = 1 }))
    local refused, message = s:adopt(layout({ partition = "missing", sort = {} }))
    assert.is_nil(refused)
    assert.matches("lacks a part", message)
    assert.equal(1, a:get("1").rank)
    assert.has_error(function() a:page({ index = "other", pk = "x", limit = 1 }) end, "store: table 'A' has no index 'other'")
    s:close()
  end)
end)
