local cut = require("appsync.server.cut")

describe("a text that is cut", function()
  for _, row in ipairs({
    { "", 3, "" }, { "abc", 3, "abc" }, { "abcd", 3, "abc…" }, { "aé", 3, "aé" }, { "abé", 3, "ab…" }, { "aéb", 3, "aé…" },
    { "€€", 3, "€…" }, { "€€", 4, "€…" }, { "€€", 5, "€…" }, { "€", 2, "…" }, { "\128\128\128", 2, "…" }, { "a", 0, "…" },
  }) do
    it(("of %d bytes: %q"):format(row[2], row[1]), function() assert.equal(row[3], cut(row[1], row[2])) end)
  end
end)
