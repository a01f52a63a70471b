local glob = require("appsync.server.glob")

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

  it("takes few steps over many stars", function()
    local n = 0
    if jit then jit.off() end -- compiled code counts nothing
    debug.sethook(function() n = n + 1 end, "", 1000)
    local is_match = glob.matches(("*a"):rep(1000), ("a"):rep(999) .. "b")
    debug.sethook()
    if jit then jit.on() end
    assert.is_false(is_match)
    assert.is_true(n < 1000, n .. " thousand instructions")
  end)
end)
