local errors = require "appsync.errors"
local log = require "appsync.log"
local printable = require "appsync.printable"
local escaped = require "appsync.server.printable"

-- UTF-8 of a code point below U+10000.
local function utf8(code)
  if code < 0x80 then return string.char(code) end
  if code < 0x800 then return string.char(0xc0 + math.floor(code / 64), 0x80 + code % 64) end
  return string.char(0xe0 + math.floor(code / 4096), 0x80 + math.floor(code / 64) % 64, 0x80 + code % 64)
end

describe("text in a line that people read", function()
  it("stays as it is in all scripts", function()
    for _, text in ipairs{ "", "plain ~", "naïve ¿", "日本 שלום سلام", "👩\226\128\141👧 … ‧", "\239\191\189 \244\143\191\191" } do
      assert.equal(text, printable(text))
    end
  end)

  it("loses control characters and line breaks", function()
    assert.equal("a?[31mb??c?d?e?", printable("a\27[31mb\r\nc\td\127e\0"))
    for code = 0, 31 do assert.equal("?x", printable(string.char(code) .. "x")) end
    for code = 0x80, 0x9f do assert.equal("a?b", printable("a" .. utf8(code) .. "b")) end
  end)

  it("loses separators and marks of direction", function()
    for _, range in ipairs{ { 0x61c, 0x61c }, { 0x200e, 0x200f }, { 0x2028, 0x202e }, { 0x2066, 0x206f },
      { 0xfeff, 0xfeff }, { 0xfff9, 0xfffb } } do
      for code = range[1], range[2] do assert.equal("a?b?", printable("a" .. utf8(code) .. "b" .. utf8(code))) end
    end
    for _, code in ipairs{ 0xa0, 0x61b, 0x61d, 0x200d, 0x2010, 0x2027, 0x202f, 0x2065, 0x2070, 0xfff8 } do
      assert.equal(utf8(code), printable(utf8(code)))
    end
  end)

  it("is what the server escapes", function()
    for code = 0x80, 0xffff do
      if code < 0xd800 or code > 0xdfff then
        local text = utf8(code)
        assert.equal(printable(text) == text, escaped.line(text) == text, ("U+%04X"):format(code))
      end
    end
  end)

  it("loses bytes that are no UTF-8, one by one", function()
    assert.equal("a?b?", printable("a\255b\195"))
    assert.equal("?? ??? ???? ??", printable("\192\128 \237\160\128 \245\128\128\128 \226\128"))
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
