local core = require("appsync.core")
local enhanced_filter = require("appsync.server.realtime.enhanced_filter")
local resolver_util = require("appsync.server.resolver_util")
local to_subscription_filter = require("appsync.server.realtime.to_subscription_filter")

local function f(name, operator, value) return { fieldName = name, operator = operator, value = value } end

local function groups(...)
  local out = {}
  for i, filters in ipairs({ ... }) do out[i] = { filters = filters } end
  return { filterGroup = out }
end

-- The guide's own example, with the names that the operators have in its table.
local EXAMPLE = {
  percentageUp = { le = 50, ge = 20 },
  ["and"] = { { title = { ne = "Book1" } }, { downvotes = { gt = 2000 } } },
  ["or"] = { { author = { eq = "Admin" } }, { isPublished = { eq = false } } },
}

describe("to_subscription_filter", function()
  it("multiplies out, as the guide's example does", function()
    local function expected(operator, value, last)
      return { f("percentageUp", operator, value), f("title", "ne", "Book1"), f("downvotes", "gt", 2000), last }
    end
    local admin, published = f("author", "eq", "Admin"), f("isPublished", "eq", false)
    assert.same(groups(expected("ge", 20, admin), expected("ge", 20, published), expected("le", 50, admin),
      expected("le", 50, published)), to_subscription_filter(EXAMPLE))
  end)

  it("leaves out the ignored fields, wherever they stand", function()
    assert.same(groups({ f("title", "ne", "Book1"), f("downvotes", "gt", 2000), f("isPublished", "eq", false) }),
      to_subscription_filter(EXAMPLE, { "percentageUp", "author" }))
  end)

  it("adds rules of which one must hold; the ignored fields are not theirs", function()
    local common = { f("title", "ne", "Book1"), f("downvotes", "gt", 2000), f("isPublished", "eq", false) }
    local function with(rule) return { common[1], common[2], common[3], rule } end
    assert.same(groups(with(f("author", "eq", "Person1")), with(f("upvotes", "ge", 250))),
      to_subscription_filter(EXAMPLE, { "percentageUp", "author" }, { upvotes = { ge = 250 }, author = { eq = "Person1" } }))
  end)

  it("takes several operators on one field for alternatives", function()
    assert.same(groups({ f("n", "gt", 9) }, { f("n", "lt", 1) }), to_subscription_filter({ n = { lt = 1, gt = 9 } }))
  end)

  it("nests and and or in each other", function()
    local object = { ["and"] = {
      { a = { eq = 1 } },
      { ["or"] = { { b = { eq = 2 } }, { ["and"] = { { c = { eq = 3 } }, { d = { eq = 4 } } } } } },
    } }
    assert.same(groups({ f("a", "eq", 1), f("b", "eq", 2) }, { f("a", "eq", 1), f("c", "eq", 3), f("d", "eq", 4) }),
      to_subscription_filter(object))
  end)

  it("makes a filter that lets everything pass of an empty object", function()
    for _, object in ipairs({ {}, { ["or"] = {} }, { ["and"] = { {} } }, { n = {} }, { n = core.null }, { n = { gt = core.null } } }) do
      local filter = to_subscription_filter(object)
      assert.same({ filterGroup = {} }, filter)
      assert.is_true((enhanced_filter.compile(filter)({})))
    end
  end)

  it("keeps null where it asks for a null field", function()
    assert.same(groups({ f("n", "eq", core.null) }), to_subscription_filter({ n = { eq = core.null } }))
  end)

  it("keeps what it does not know for the check to refuse", function()
    local ok, err = pcall(enhanced_filter.compile, to_subscription_filter({ n = { lte = 50 } }))
    assert.is_false(ok)
    assert.matches("not 'lte'", err.message, 1, true)
  end)

  it("refuses what is no filter object", function()
    assert.equal("a subscription filter must be a table {field = {operator = value}}",
      select(2, pcall(to_subscription_filter, "n = 1")).message)
    assert.equal("the condition on 'n' must be a table {operator = value}", select(2, pcall(to_subscription_filter, { n = 1 })).message)
  end)

  it("is one of ctx.util.transform", function()
    local util = resolver_util.provider({ now = os.time, uuid = tostring })({}, {})
    assert.same(groups({ f("n", "eq", 1) }), util.transform.to_subscription_filter({ n = { eq = 1 } }))
  end)

  it("is bounded in what it multiplies out", function()
    local alternatives = {}
    for i = 1, 20 do alternatives[i] = { n = { eq = i } } end
    local either = { ["or"] = alternatives }
    local ok, err = pcall(to_subscription_filter, { ["and"] = { either, either, either, either, either, either } })
    assert.is_false(ok)
    assert.equal("Filters combination exceed maximum limit 10 for subscription.", err.message)
    local both, many = {}, {}
    for i = 1, 2000 do both[i], many[i] = { n = { eq = i } }, { n = { eq = i } } end
    ok, err = pcall(to_subscription_filter, { ["and"] = both })
    assert.is_false(ok)
    assert.equal("Filters exceed maximum attributes limit 5 for subscription.", err.message)
    assert.is_false(pcall(to_subscription_filter, { ["or"] = many }))
  end)
end)
