local errors = require "appsync.errors"
local log = require "appsync.log"
local printable = require "appsync.printable"

-- UTF-8 of a code point below U+10000.
local function utf8(code)
  if code < 0x80 then return string.char(code) end
  if code < 0x800 then return string.char(0xc0 + math.floor(code / 64), 0x80 + code % 64) end
  return string.char(0xe0 + math.floor(code / 4096), 0x80 + math.floor(code / 64) % 64, 0x80 + code % 64)
end

describe("a value as text", function()
  it("is Lua's own, but for null", function()
    assert.same({ "null", "nil", "1", "x" }, { printable.text(require("appsync.core").null), printable.text(nil), printable.text(1), printable.text("x") })
    assert.equal("null", printable.escaped(require("appsync.core").null))
    local core = require "appsync.core"
    assert.is_nil(debug.getmetatable(core.null)) -- one for all light userdata, which isn't ours to set
  end)
end)

describe("text in a line that people read", function()
  it("stays as it is in all scripts", function()
    for _, text in ipairs{ "", "plain ~", "naïve ¿", "日本 שלום سلام", "👩\226\128\141👧 … ‧", "\239\191\189 \244\143\191\191" } do
      assert.equal(text, printable.line(text))
    end
  end)

  it("loses control characters and line breaks", function()
    assert.equal("a?[31mb??c?d?e?", printable.line("a\27[31mb\r\nc\td\127e\0"))
    for code = 0, 31 do assert.equal("?x", printable.line(string.char(code) .. "x")) end
    for code = 0x80, 0x9f do assert.equal("a?b", printable.line("a" .. utf8(code) .. "b")) end
  end)

  it("loses separators and marks of direction", function()
    for _, range in ipairs{ { 0x61c, 0x61c }, { 0x200e, 0x200f }, { 0x2028, 0x202e }, { 0x2066, 0x206f },
      { 0xfeff, 0xfeff }, { 0xfff9, 0xfffb } } do
      for code = range[1], range[2] do assert.equal("a?b?", printable.line("a" .. utf8(code) .. "b" .. utf8(code))) end
    end
    for _, code in ipairs{ 0xa0, 0x61b, 0x61d, 0x200d, 0x2010, 0x2027, 0x202f, 0x2065, 0x2070, 0xfff8 } do
      assert.equal(utf8(code), printable.line(utf8(code)))
    end
  end)

  it("loses bytes that are no UTF-8, one by one", function()
    assert.equal("a?b?", printable.line("a\255b\195"))
    assert.equal("?? ??? ???? ??", printable.line("\192\128 \237\160\128 \245\128\128\128 \226\128"))
  end)

  local NASTY, CLEAN = "a\27]0;x\7\nb" .. utf8(0x202e) .. utf8(0x9b), "a?]0;x??b??"

  it("is what an error object and a thrown message have", function()
    local err = errors.new("usage", NASTY)
    assert.equal(CLEAN, err.message)
    assert.equal("usage: " .. CLEAN, tostring(err))
    assert.equal("b", (errors.of_raised("b\nat x").message))
    assert.matches("%?%]0;x%?%?b%?%?$", select(2, pcall(errors.misuse, "%s", NASTY)))
  end)

  it("is what a log function gets", function()
    local lines = {}
    log.emit(function(level, message) lines[#lines + 1] = level .. message end, "warn", NASTY)
    assert.same({ "warn" .. CLEAN }, lines)
  end)
end)

describe("escaped text", function()
  local rows = {
    { "plain ~", "plain ~" }, { "\0\1\31\127", "\\u0000\\u0001\\u001f\\u007f" }, { "a\nb\rc\td", "a\\nb\\rc\\td" }, { "\27[31m", "\\u001b[31m" },
    { "\194\128\194\155\194\159\194\160", "\\u0080\\u009b\\u009f\194\160" }, { "\226\128\168\226\128\169", "\\u2028\\u2029" },
    { "\226\128\170\226\128\171\226\128\172\226\128\173\226\128\174", "\\u202a\\u202b\\u202c\\u202d\\u202e" },
    { "\226\129\166\226\129\167\226\129\168\226\129\169", "\\u2066\\u2067\\u2068\\u2069" }, { "\226\128\142\226\128\143\216\156", "\\u200e\\u200f\\u061c" },
    { "\239\187\191", "\\ufeff" }, { "é ü 日本 😀", "é ü 日本 😀" }, { "\155\255\192\128\237\160\128", "???????" }, { "\226\128", "??" }, { "\244\144\128\128", "????" },
  }
  for _, row in ipairs(rows) do
    it("is shown as " .. row[2], function()
      assert.equal(row[2], printable.escaped(row[1]))
    end)
  end

  it("is the type of a value whose __tostring raises or gives no string", function()
    for _, to_string in ipairs{ function() error("no") end, function() return {} end, function() end } do
      assert.equal("a table", printable.text(setmetatable({}, { __tostring = to_string })))
    end
    assert.equal("x", printable.text(setmetatable({}, { __tostring = function() return "x" end })))
    assert.equal("nil", printable.text(nil))
  end)

  it("keeps its lines where it has several on purpose, and nothing else", function()
    assert.equal("a\n\tb\\r\\u001b\\u0085", printable.escaped_lines("a\n\tb\r\27\194\133"))
  end)
end)
