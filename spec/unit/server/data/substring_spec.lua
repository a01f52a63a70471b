local has_part = require("appsync.server.data.substring")

describe("a part of a text", function()
  it("is found wherever it is", function()
    for _, filler in ipairs({ "x", "ab", "aab", "a\0b" }) do
      local part = filler:rep(700) .. "!" .. filler:rep(700)
      for _, text in ipairs({ part, "y" .. part, part .. "y", filler:rep(900) .. part, filler:rep(701) .. "!" .. filler:rep(900), part:rep(3) }) do
        assert.is_true(has_part(text, part))
      end
      for _, text in ipairs({ "", filler, part:sub(1, -2), part:sub(2), filler:rep(5000), filler:rep(600) .. "!" .. filler:rep(5000),
        part:sub(1, -2) .. "#" }) do
        assert.is_false(has_part(text, part))
      end
    end
    assert.is_true(has_part("abc", "b"))
    assert.is_true(has_part("abc", ""))
    assert.is_false(has_part("abc", "abcd"))
    assert.is_false(has_part("abc", "a.c"))
  end)

  it("is looked for in time that grows with the lengths", function()
    local started = os.clock()
    assert.is_false(has_part(("a"):rep(1000000), ("a"):rep(500000) .. "b"))
    assert.is_true(os.clock() - started < 10)
  end)
end)
