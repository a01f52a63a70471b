local core = require("appsync.core")
local filter = require("appsync.server.data.filter")

local NULL = core.null
local ITEM = { name = "apple", priority = 5, done = false, tags = { "a", "b" }, none = NULL, meta = { x = 1 }, umlaut = "äö" }

describe("a filter", function()
  -- {filter, holds}
  local ROWS = {
    { {}, true },
    { { name = { eq = "apple" } }, true }, { { name = { eq = "Apple" } }, false }, { { missing = { eq = "x" } }, false },
    { { name = { ne = "apple" } }, false }, { { missing = { ne = "x" } }, true },
    { { done = { eq = false } }, true }, { { done = { ne = true } }, true },
    { { none = { eq = NULL } }, true }, { { missing = { eq = NULL } }, false }, { { name = { ne = NULL } }, true },
    { { priority = { lt = 6 } }, true }, { { priority = { lt = 5 } }, false },
    { { priority = { le = 5 } }, true }, { { priority = { le = 4 } }, false },
    { { priority = { gt = 4 } }, true }, { { priority = { gt = 5 } }, false },
    { { priority = { ge = 5 } }, true }, { { priority = { ge = 6 } }, false },
    { { missing = { lt = 6 } }, false }, { { missing = { ge = 6 } }, false }, { { name = { gt = 1 } }, false },
    { { name = { lt = "b" } }, true }, { { name = { gt = "Z" } }, true }, { { name = { lt = "appl" } }, false },
    { { name = { lt = "apples" } }, true },
    { { name = { contains = "ppl" } }, true }, { { name = { contains = "x" } }, false }, { { name = { contains = "a.*" } }, false },
    { { tags = { contains = "a" } }, true }, { { tags = { contains = "c" } }, false }, { { missing = { contains = "a" } }, false },
    { { name = { notContains = "x" } }, true }, { { tags = { notContains = "a" } }, false }, { { missing = { notContains = "a" } }, true },
    { { priority = { between = { 5, 6 } } }, true }, { { priority = { between = { 1, 4 } } }, false },
    { { name = { between = { "a", "b" } } }, true }, { { missing = { between = { 1, 2 } } }, false },
    { { name = { beginsWith = "app" } }, true }, { { name = { beginsWith = "pp" } }, false }, { { missing = { beginsWith = "" } }, false },
    { { name = { attributeExists = true } }, true }, { { missing = { attributeExists = true } }, false },
    { { missing = { attributeExists = false } }, true }, { { none = { attributeExists = true } }, true },
    { { name = { attributeType = "string" } }, true }, { { priority = { attributeType = "number" } }, true },
    { { done = { attributeType = "bool" } }, true }, { { none = { attributeType = "_null" } }, true },
    { { tags = { attributeType = "list" } }, true }, { { meta = { attributeType = "map" } }, true },
    { { missing = { attributeType = "string" } }, false },
    { { name = { size = { eq = 5 } } }, true }, { { tags = { size = { gt = 2 } } }, false }, { { umlaut = { size = { eq = 2 } } }, true },
    { { meta = { size = { between = { 1, 1 } } } }, true }, { { missing = { size = { ge = 0 } } }, false },
    { { name = { beginsWith = "a", contains = "z" } }, false }, { { name = { eq = "apple" }, priority = { eq = 4 } }, false },
    { { ["and"] = { { name = { eq = "apple" } }, { priority = { eq = 5 } } } }, true },
    { { ["and"] = { { name = { eq = "apple" } }, { priority = { eq = 4 } } } }, false },
    { { ["or"] = { { name = { eq = "pear" } }, { priority = { eq = 5 } } } }, true },
    { { ["or"] = { { name = { eq = "pear" } }, { priority = { eq = 4 } } } }, false },
    { { ["not"] = { name = { eq = "pear" } } }, true }, { { ["not"] = { name = { eq = "apple" } } }, false },
    { { ["not"] = { ["or"] = { { name = { eq = "x" } }, { ["and"] = { { priority = { gt = 1 } }, { done = { eq = true } } } } } } }, true },
    { { name = NULL }, true }, { { name = { contains = NULL } }, true }, { { ["and"] = NULL }, true },
    { { name = { ["in"] = { "apple", "pear" } } }, true }, { { name = { ["in"] = { "pear" } } }, false },
    { { missing = { ["in"] = { "pear" } } }, false },
  }
  for _, row in ipairs(ROWS) do
    it((row[2] and "passes " or "holds back ") .. core.encode(row[1]), function()
      assert.equal(row[2], filter.matches(row[1], ITEM))
    end)
  end

  it("that is missing or null passes everything", function()
    assert.is_true(filter.matches(nil, ITEM))
    assert.is_true(filter.matches(NULL, ITEM))
  end)

  -- {filter, what the message ends with}
  local REFUSED = {
    { { priority = { between = { 1 } } }, "'between' must have exactly two elements" },
    { { priority = { between = { 1, 2, 3 } } }, "'between' must have exactly two elements" },
    { { priority = { between = 1 } }, "'between' must have exactly two elements" },
    { { priority = { near = 1 } }, "there is no operator 'near'" },
    { { name = { size = { near = 1 } } }, "there is no operator 'near'" },
    { { ["not"] = { ["or"] = { { ["and"] = { { priority = { near = 1 } } } } } } }, "there is no operator 'near'" },
  }
  for _, row in ipairs(REFUSED) do
    it("is refused when it is " .. core.encode(row[1]) .. ", before any item and by each", function()
      local expected = { message = "Unable to process the filter expression: " .. row[2], type = "Unrecognized Filter" }
      local ok, err = pcall(filter.check, row[1])
      assert.is_false(ok)
      assert.same(expected, err)
      ok, err = pcall(filter.matches, row[1], ITEM)
      assert.is_false(ok)
      assert.same(expected, err)
    end)
  end

  for name, build in pairs({
    ["and"] = function(n) return { ["and"] = n } end, ["or"] = function(n) return { ["or"] = n } end,
    ["not"] = function(n) return { ["not"] = { ["or"] = n } } end,
  }) do
    it("has at most so many operators as an expression of DynamoDB: " .. name, function()
      for _, part in ipairs({ {}, { priority = { eq = 1 } }, { ["not"] = {} }, { tags = { size = { gt = 0, lt = 9 } } } }) do
        local parts = {}
        for i = 1, 50 do parts[i] = part end
        filter.check(build(parts))
        for i = 51, 301 do parts[i] = part end
        local ok, err = pcall(filter.check, build(parts))
        assert.is_false(ok)
        assert.same({ type = "DynamoDB:DynamoDbException", message = "Invalid FilterExpression: The expression contains too "
          .. "many operators; operator count: more than 300" }, err)
      end
    end)
  end

  it("that the check lets pass throws for no item", function()
    for _, row in ipairs(ROWS) do filter.check(row[1]) end
    filter.check(nil)
    filter.check(NULL)
  end)
end)
