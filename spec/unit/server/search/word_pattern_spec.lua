local word_pattern = require("appsync.server.search.word_pattern")

describe("a pattern of words", function()
  local WILDCARDS = {
    { "hello", "hello", true }, { "hello", "hell", false }, { "h*o", "hello", true }, { "h*o", "ho", true }, { "h?o", "hoo", true },
    { "h?o", "ho", false }, { "*", "", true }, { "*", "any", true }, { "?", "ü", true }, { "*ll*", "hello", true }, { "\\*", "*", true },
    { "\\*", "x", false }, { "a\\", "a\\", true }, { "a.c", "abc", false }, { "[a]", "[a]", true }, { "", "", true }, { "", "a", false },
  }
  for _, row in ipairs(WILDCARDS) do
    it(("is a wildcard: %s of %s"):format(row[1], row[2]), function()
      assert.equal(row[3], word_pattern.wildcard(row[1])(row[2]))
    end)
  end

  local REGEXPS = {
    { "abc", "abc", true }, { "abc", "xabcx", false }, { "a.c", "abc", true }, { "a.c", "aüc", true }, { "ab*", "a", true },
    { "ab+", "a", false }, { "ab?c", "ac", true }, { "a|bc", "bc", true }, { "(a|b)+c", "ababc", true }, { "[a-c]x", "bx", true },
    { "[^a-c]x", "bx", false }, { "[^a-c]x", "dx", true }, { "[a\\]]", "]", true }, { "[a-]", "-", true }, { "a{2}", "aa", true },
    { "a{2}", "aaa", false }, { "a{2,}", "aaaa", true }, { "a{1,2}", "aaa", false }, { "(ab){2,3}", "ababab", true }, { "a{0}", "", true },
    { "\\.", ".", true }, { "\\.", "x", false }, { "", "", true }, { "()", "", true }, { '"a.b"', "a.b", true }, { '"a.b"', "axb", false },
    { "(a*)*b", "aaab", true }, { "(|a)b", "b", true }, { "[α-ω]", "λ", true }, { "a^$", "a^$", true },
  }
  for _, row in ipairs(REGEXPS) do
    it(("is a regular expression: %s of %s"):format(row[1], row[2]), function()
      assert.equal(row[3], word_pattern.regexp(row[1])(row[2]))
    end)
  end

  local REFUSED = {
    { "(", "has an unclosed (" }, { ")", "has an unmatched )" }, { "[a", "has an unclosed [" },
    { "[a-", "has an unclosed [" }, { "[\\", "has an unclosed [" }, { "*a", "has a * that repeats or closes nothing" },
    { "a{", "has an invalid {n,m}" }, { "a{2,1}", "has an invalid {n,m}" }, { "a{x}", "has an invalid {n,m}" }, { "{1}", "repeats or closes nothing" },
    { "a\\", "nothing follows the regular expression's last backslash" }, { "~a", "the operator ~ of regular expressions is not supported" },
    { '"a', 'has an unclosed "' }, { "(((a{99}){99}){99})", "too complex" }, { ("("):rep(200), "nested too deep" },
    { ("x"):rep(1001), "at most 1000 bytes, not 1001" },
  }
  for _, row in ipairs(REFUSED) do
    it("is refused: " .. row[1]:sub(1, 20), function()
      local ok, thrown = pcall(word_pattern.regexp, row[1])
      assert.is_false(ok)
      assert.equal("BadRequestException", thrown.type)
      assert.is_truthy(thrown.message:find(row[2], 1, true), thrown.message)
    end)
  end

  -- Backtracking would take longer than anybody lives.
  it("takes no longer for one that is made to", function()
    local word = ("a"):rep(2000)
    assert.is_false(word_pattern.regexp("(a*)*(a|a)*(a?){50}b")(word))
    assert.is_false(word_pattern.wildcard(("*a"):rep(100) .. "*b")(word))
  end)

  it("ends with its budget", function()
    local budget = { n_left = 500 }
    assert.is_true(word_pattern.wildcard("*b", budget)("aab"))
    assert.is_true(budget.n_left < 500)
    for _, kind in ipairs({ "wildcard", "regexp" }) do
      local ok, thrown = pcall(word_pattern[kind]("a*b", budget), ("a"):rep(500))
      assert.same({ false, "BadRequestException" }, { ok, thrown.type })
      budget.n_left = 500
    end
  end)
end)
