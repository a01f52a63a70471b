local core = require("appsync.core")
local enhanced_filter = require("appsync.server.realtime.enhanced_filter")

local NULL = core.null

local function list(...) return setmetatable({ ... }, core.array_mt) end

local function one(field, operator, value)
  return { filterGroup = { { filters = { { fieldName = field, operator = operator, value = value } } } } }
end

local PAYLOAD = {
  n = 5, f = 2.5, s = "banana", t = true, no = false, null = NULL, tags = list("x", "y"), numbers = list(1, 2),
  a = { b = { c = { d = { e = "deep", f = { g = 1 } } } } }, items = list({ n = 1 }), empty = list(),
}

describe("an enhanced subscription filter", function()
  -- {field, operator, value, matches}
  local ROWS = {
    { "n", "eq", 5, true }, { "n", "eq", 4, false }, { "n", "eq", "5", false }, { "s", "eq", "banana", true },
    { "s", "eq", "Banana", false }, { "t", "eq", true, true }, { "no", "eq", false, true }, { "no", "eq", true, false },
    { "f", "eq", 2.5, true }, { "tags", "eq", "x", false },
    { "n", "ne", 4, true }, { "n", "ne", 5, false }, { "s", "ne", "apple", true }, { "t", "ne", true, false },
    { "n", "le", 5, true }, { "n", "le", 4, false }, { "s", "le", "banana", true }, { "s", "le", "apple", false },
    { "n", "lt", 6, true }, { "n", "lt", 5, false }, { "s", "lt", "c", true }, { "s", "lt", "b", false },
    { "n", "ge", 5, true }, { "n", "ge", 5.5, false }, { "s", "ge", "b", true }, { "s", "ge", "c", false },
    { "n", "gt", 4, true }, { "n", "gt", 5, false }, { "s", "gt", "banan", true }, { "s", "gt", "banana", false },
    { "n", "gt", "4", false }, { "s", "lt", 7, false },
    { "s", "contains", "nan", true }, { "s", "contains", "nun", false }, { "s", "contains", ".", false },
    { "tags", "contains", "x", true }, { "tags", "contains", "z", false }, { "numbers", "contains", 2, true },
    { "n", "contains", 5, false },
    { "s", "notContains", "nun", true }, { "s", "notContains", "nan", false }, { "tags", "notContains", "z", true },
    { "tags", "notContains", "x", false },
    { "s", "beginsWith", "ban", true }, { "s", "beginsWith", "nan", false }, { "n", "beginsWith", "5", false },
    { "n", "in", list(1, 5), true }, { "n", "in", list(1, 2), false }, { "s", "in", list("banana"), true },
    { "n", "notIn", list(1, 2), true }, { "n", "notIn", list(5), false },
    { "n", "between", list(5, 6), true }, { "n", "between", list(1, 5), true }, { "n", "between", list(6, 9), false },
    { "s", "between", list("a", "c"), true }, { "s", "between", list("c", "d"), false }, { "s", "between", list(1, 9), false },
    { "tags", "containsAny", list("q", "y"), true }, { "tags", "containsAny", list("q"), false },
    { "numbers", "containsAny", list(9, 1), true }, { "s", "containsAny", list("banana"), false },
    { "empty", "containsAny", list("x"), false },
    { "a.b.c.d.e", "eq", "deep", true }, { "a.b.c.d.e", "eq", "deeper", false }, { "a.b.x.d", "eq", 1, false },
    { "items.n", "eq", 1, false }, { "n.x", "eq", 1, false },
  }
  for _, row in ipairs(ROWS) do
    it(("%s for %s %s %s"):format(row[4] and "holds" or "does not hold", row[1], row[2], core.encode(row[3])), function()
      assert.equal(row[4], (enhanced_filter.compile(one(row[1], row[2], row[3]))(PAYLOAD)))
    end)
  end

  -- Of a field that is null or absent only the negative tests hold.
  local NULL_ROWS = {
    { "eq", NULL, true }, { "eq", "x", false }, { "ne", "x", true }, { "ne", NULL, false }, { "le", 1, false }, { "lt", 1, false },
    { "ge", 1, false }, { "gt", 1, false }, { "contains", "x", false }, { "notContains", "x", true }, { "beginsWith", "x", false },
    { "in", list("x"), false }, { "notIn", list("x"), true }, { "between", list(1, 2), false }, { "containsAny", list("x"), false },
  }
  for _, row in ipairs(NULL_ROWS) do
    it(("%s for a null field with %s %s"):format(row[3] and "holds" or "does not hold", row[1], core.encode(row[2])), function()
      for _, field in ipairs({ "null", "absent", "absent.too" }) do
        assert.equal(row[3], (enhanced_filter.compile(one(field, row[1], row[2]))(PAYLOAD)))
      end
    end)
  end

  it("takes no value for null, as the argument that a client left out is", function()
    assert.is_true((enhanced_filter.compile(one("null", "eq", nil))(PAYLOAD)))
    assert.is_false((enhanced_filter.compile(one("n", "eq", nil))(PAYLOAD)))
  end)

  it("needs all filters of one list, and one list of the group", function()
    local function filters(n, s)
      return { filters = { { fieldName = "n", operator = "eq", value = n }, { fieldName = "s", operator = "eq", value = s } } }
    end
    local function matches(...) return (enhanced_filter.compile({ filterGroup = { ... } })(PAYLOAD)) end
    assert.is_true(matches(filters(5, "banana")))
    assert.is_false(matches(filters(5, "apple")))
    assert.is_true(matches(filters(5, "apple"), filters(5, "banana")))
    assert.is_false(matches(filters(5, "apple"), filters(4, "banana")))
  end)

  it("lets everything pass without a list", function()
    assert.is_true((enhanced_filter.compile({ filterGroup = {} })(PAYLOAD)))
  end)

  it("does not match what is no object", function()
    local matches = enhanced_filter.compile(one("n", "ne", 1))
    assert.is_false(matches(7))
    assert.is_false(matches(list(PAYLOAD)))
    assert.is_false(matches(NULL))
  end)

  it("ignores what is deeper than five levels, and says so", function()
    local matches, notes = enhanced_filter.compile(one("a.b.c.d.f.g", "eq", 99))
    assert.is_true(matches(PAYLOAD))
    assert.same({ "the subscription filter on 'a.b.c.d.f.g' is deeper than 5 levels and is ignored, as on the service" }, notes)
  end)

  local function group(n, make)
    local out = {}
    for i = 1, n do out[i] = make(i) end
    return out
  end

  local function lists(n)
    return { filterGroup = group(n, function(i) return { filters = { { fieldName = "n", operator = "eq", value = i } } } end) }
  end

  local function fields(n)
    return { filterGroup = { { filters = group(n, function(i)
      return { fieldName = "f" .. i, operator = "eq", value = i }
    end) } } }
  end

  local function values(n, value)
    return setmetatable(group(n, function() return value or "v" end), core.array_mt)
  end

  it("accepts as much as the service does", function()
    enhanced_filter.compile(lists(10))
    enhanced_filter.compile(fields(5))
    enhanced_filter.compile(one("n", "in", values(5)))
    enhanced_filter.compile(one("n", "notIn", values(5)))
    enhanced_filter.compile(one("n", "containsAny", values(20)))
    enhanced_filter.compile(one("n", "eq", ("é"):rep(256)))
  end)

  local SCALAR, STRING, SOME = "a number or a string", "a string", "a list of 1 to 5 numbers or strings"
  local function takes(operator, accepted)
    return ("the operator '%s' on 'n' of a subscription filter takes %s"):format(operator, accepted)
  end
  local names = "eq, ne, le, lt, ge, gt, contains, notContains, beginsWith, in, notIn, between or containsAny"
  -- {what, filter, message}
  local REFUSALS = {
    { "11 lists", lists(11), "Filters combination exceed maximum limit 10 for subscription." },
    { "6 fields in a list", fields(6), "Filters exceed maximum attributes limit 5 for subscription." },
    { "a field twice in a list", { filterGroup = { { filters = {
      { fieldName = "n", operator = "gt", value = 1 }, { fieldName = "n", operator = "lt", value = 9 } } } } },
      "subscription filter uses same fieldName multiple time: n" },
    { "6 values of in", one("n", "in", values(6)), takes("in", SOME) },
    { "6 values of notIn", one("n", "notIn", values(6)), takes("notIn", SOME) },
    { "no value of in", one("n", "in", list()), takes("in", SOME) },
    { "a boolean in in", one("n", "in", list(true)), takes("in", SOME) },
    { "a string for in", one("n", "in", "x"), takes("in", SOME) },
    { "21 values of containsAny", one("n", "containsAny", values(21)), takes("containsAny", "a list of 1 to 20 numbers or strings") },
    { "a long string", one("n", "eq", ("é"):rep(257)), "a value of a subscription filter must not be longer than 256 characters" },
    { "a long string in a list", one("n", "in", values(1, ("x"):rep(257))),
      "a value of a subscription filter must not be longer than 256 characters" },
    { "a long name", one(("x"):rep(257), "eq", 1), "fieldName of a subscription filter must not be longer than 256 characters" },
    { "an unknown operator", one("n", "lte", 1), ("the operator of a subscription filter on 'n' must be %s, not 'lte'"):format(names) },
    { "an operator in capitals", one("n", "EQ", 1), ("the operator of a subscription filter on 'n' must be %s, not 'EQ'"):format(names) },
    { "no operator", one("n", nil, 1), ("the operator of a subscription filter on 'n' must be %s, not 'nil'"):format(names) },
    { "a table for eq", one("n", "eq", {}), takes("eq", "a number, a string, a boolean or null") },
    { "a boolean for lt", one("n", "lt", true), takes("lt", SCALAR) },
    { "a boolean for contains", one("n", "contains", true), takes("contains", SCALAR) },
    { "null for ge", one("n", "ge", NULL), takes("ge", SCALAR) },
    { "a number for beginsWith", one("n", "beginsWith", 1), takes("beginsWith", STRING) },
    { "a number for between", one("n", "between", 1), takes("between", "a list of two numbers or two strings") },
    { "a mixed pair for between", one("n", "between", list(1, "x")), takes("between", "a list of two numbers or two strings") },
    { "one value for between", one("n", "between", list(1)), "Invalid value for 'between': it must have exactly two elements" },
    { "no fieldName", one(nil, "eq", 1), "fieldName of a subscription filter must be a field's name" },
    { "text", "n = 5", "a subscription filter must be a table {filterGroup}" },
    { "a misspelt group", { filtergroup = {} }, "a subscription filter has filterGroup, not 'filtergroup'" },
    { "no group", {}, "filterGroup of a subscription filter must be a list" },
    { "a group that is no list", { filterGroup = { filters = {} } }, "filterGroup of a subscription filter must be a list" },
    { "a misspelt list", { filterGroup = { { filter = {} } } }, "a list of filterGroup has filters, not 'filter'" },
    { "no filters", { filterGroup = { {} } }, "filters of a subscription filter must be a list" },
    { "a misspelt filter", { filterGroup = { { filters = { { field = "n" } } } } },
      "a filter of a subscription filter has fieldName, operator, value, not 'field'" },
  }
  for _, row in ipairs(REFUSALS) do
    it("refuses " .. row[1], function()
      local ok, err = pcall(enhanced_filter.compile, row[2])
      assert.is_false(ok)
      assert.equal(row[3], err.message)
      assert.is_string(err.type)
    end)
  end
end)
