local glob = require("appsync.server.auth.glob")

describe("a pattern", function()
  for _, row in ipairs({
    { "", "", true }, { "", "a", false }, { "a", "a", true }, { "a", "b", false }, { "a", "", false }, { "ab", "a", false },
    { "*", "", true }, { "*", "anything:at/all", true }, { "a*", "a", true }, { "a*c", "abbbc", true }, { "a*c", "abbbd", false },
    { "*b*", "abc", true }, { "*b*", "ac", false }, { "a**", "a", true }, { "?", "x", true }, { "?", "", false }, { "?", "xy", false },
    { "a?c*", "abcd", true }, { "*ab", "aab", true }, { "a.c", "abc", false }, { "%a", "x", false }, { "[a]", "a", false },
  }) do
    it(("%q %s %q"):format(row[1], row[3] and "fits" or "doesn't fit", row[2]), function()
      assert.equal(row[3], glob.matches(row[1], row[2]))
    end)
  end

  it("takes no time over many stars", function()
    local start = os.clock()
    assert.is_false(glob.matches(("*a"):rep(1000), ("a"):rep(999) .. "b"))
    assert.is_true(os.clock() - start < 1)
  end)
end)
