local comparison = require("appsync.comparison")

describe("two values", function()
  for _, row in ipairs({
    { 1, 2, -1 }, { 2, 1, 1 }, { 1, 1, 0 }, { 9, 10, -1 }, { 1.5, 1, 1 }, { "a", "b", -1 }, { "b", "a", 1 }, { "a", "a", 0 },
    { "a", "ab", -1 }, { "", "a", -1 }, { "B", "a", -1 }, { "z", "\195\164", -1 }, { "10", "9", -1 },
  }) do
    it(("have an order: %s, %s"):format(row[1], row[2]), function() assert.equal(row[3], comparison.order(row[1], row[2])) end)
  end

  it("of different types, or of others than texts and numbers, have none", function()
    for _, row in ipairs({ { 1, "1" }, { true, true }, { {}, {} }, { n = 1, 1, nil }, { nil, nil } }) do
      assert.is_nil(comparison.order(row[1], row[2]))
    end
  end)

  it("without an order pass no test", function()
    local any = comparison.test(function() return true end)
    assert.same({ true, false, false }, { any(1, 2), any(1, "2"), any(nil, 1) })
  end)

  it("are both part of what is between them", function()
    local function between(value) return comparison.is_between(value, 2, 4) end
    assert.same({ false, true, true, true, false, false }, { between(1), between(2), between(3), between(4), between(5), between("3") })
  end)
end)
