local select_ = require("appsync.server.data.select")
local store = require("appsync.server.data.store")

local unpack = table.unpack or unpack -- luacheck: compat

describe("a statement that reads a page", function()
  local s

  setup(function()
    s = assert(store.open(":memory:"))
    assert(s:adopt({ { kind = "model", name = "A", key = { partition = "id", sort = {} }, indexes = { { name = "i", partition = "n", sort = {} } } } }))
  end)
  teardown(function() s:close() end)

  local function plan(query, after)
    local sql, params, n = select_.build(query, 1, after)
    params[n + 1] = 20
    return s:explain(sql, unpack(params, 1, n + 1)), sql
  end

  local function walks_an_index(query, after)
    for _, direction in ipairs({ false, true }) do
      for _, from in ipairs({ false, after }) do
        query.is_descending = direction
        local text, sql = plan(query, from or nil)
        assert.truthy(text:find("^SEARCH"), sql .. "\n" .. text)
        assert.is_nil(text:find("SCAN") or text:find("TEMP B%-TREE"), sql .. "\n" .. text)
        assert.equal(#after, select_.n_position(query))
      end
    end
  end

  it("walks an index from where the page begins", function()
    walks_an_index({}, { 5 })
    walks_an_index({ in_key_order = true }, { "t5", 0 })
    walks_an_index({ pk = "k" }, { "a" })
    walks_an_index({ pk = "k", index = "i" }, { "a", 5 })
  end)

  for _, op in ipairs({ "eq", "lt", "le", "gt", "ge", "between", "beginsWith" }) do
    it("walks an index from there by " .. op, function()
      local range = { op = op, a = "a", b = "b" }
      walks_an_index({ pk = "k", range = range }, { "a" })
      walks_an_index({ pk = "k", index = "i", range = range }, op == "eq" and { 5 } or { "a", 5 })
    end)
  end

  it("finds what begins with any bytes", function()
    for prefix, stop in pairs({ a = "b", ["a\255"] = "b", ["\195"] = "\196" }) do
      local _, params, n = select_.build({ pk = "k", range = { op = "beginsWith", a = prefix } }, 1)
      assert.same({ 1, "k", prefix, stop }, params)
      assert.equal(4, n)
    end
    local sql, params = select_.build({ pk = "k", range = { op = "beginsWith", a = "\255\255" } }, 1)
    assert.same({ 1, "k", "\255\255" }, params)
    assert.truthy(sql:find("sk >= ? ORDER", 1, true))
  end)
end)
