local command_words = require("appsync.server.functions.command_words")

describe("a command", function()
  local SPLIT = {
    { "node echo.js", { "node", "echo.js" } },
    { "  a\t b\n", { "a", "b" } },
    { [[sh -c 'a "b" $c; d']], { "sh", "-c", [[a "b" $c; d]] } },
    { [["a b" c"d e"'f g']], { "a b", "cd ef g" } },
    { [["a\"b\\c\n"]], { [[a"b\c\n]] } },
    { [[a\ b \'c \\]], { "a b", "'c", [[\]] } },
    { [[a '' ""]], { "a", "", "" } },
    { "a $(b) `c` *.lua ~ > x | y & z", { "a", "$(b)", "`c`", "*.lua", "~", ">", "x", "|", "y", "&", "z" } },
    { "a=b", { "a=b" } },
  }
  for _, row in ipairs(SPLIT) do
    it("is split: " .. row[1]:gsub("%c", " "), function() assert.same(row[2], (command_words.split(row[1]))) end)
  end

  local REFUSED = {
    { "", "the command is empty" }, { "  ", "the command is empty" }, { "'' a", "the command is empty" },
    { "a 'b", "the quote ' is not closed" }, { 'a "b\\"', 'the quote " is not closed' },
    { ("a "):rep(1001), "the command has more than 1000 words" }, { "a \\", "nothing follows the last backslash" }, { "a\0b", "the command has a zero byte" },
  }
  for _, row in ipairs(REFUSED) do
    it("is refused: " .. row[1]:sub(1, 20):gsub("%z", "0"), function()
      local words, message = command_words.split(row[1])
      assert.is_nil(words)
      assert.equal(row[2], message)
    end)
  end
end)
