local core = require("appsync.core")
local printable = require("appsync.server.printable")
local request_log = require("appsync.server.develop.request_log")

describe("text from outside", function()
  local rows = {
    { "plain ~", "plain ~" }, { "\0\1\31\127", "\\u0000\\u0001\\u001f\\u007f" }, { "a\nb\rc\td", "a\\nb\\rc\\td" }, { "\27[31m", "\\u001b[31m" },
    { "\194\128\194\155\194\159\194\160", "\\u0080\\u009b\\u009f\194\160" }, { "\226\128\168\226\128\169", "\\u2028\\u2029" },
    { "\226\128\170\226\128\171\226\128\172\226\128\173\226\128\174", "\\u202a\\u202b\\u202c\\u202d\\u202e" },
    { "\226\129\166\226\129\167\226\129\168\226\129\169", "\\u2066\\u2067\\u2068\\u2069" }, { "\226\128\142\226\128\143\216\156", "\\u200e\\u200f\\u061c" },
    { "\239\187\191", "\\ufeff" }, { "é ü 日本 😀", "é ü 日本 😀" }, { "\155\255\192\128\237\160\128", "???????" }, { "\226\128", "??" }, { "\244\144\128\128", "????" },
  }
  for _, row in ipairs(rows) do
    it("is shown as " .. row[2], function()
      assert.equal(row[2], printable.line(row[1]))
    end)
  end

  it("keeps its lines where it has several on purpose, and nothing else", function()
    assert.equal("a\n\tb\\r\\u001b\\u0085", printable.lines("a\n\tb\r\27\194\133"))
  end)

  it("means the same in JSON", function()
    local odd = "\1\n\127\194\155\226\128\174\226\128\168é"
    local line = request_log.json({ at = 1, kind = "message", text = odd })
    assert.is_nil(line:find("[%c\127\194\226]"), line)
    assert.equal(odd, core.decode(line).text)
  end)

  it("never breaks a line of the request log, nor moves in it", function()
    local odd = "x\27[2J\r\n\194\155\226\128\174\226\129\166"
    local record = { at = 0, kind = "request", method = odd, path = "/" .. odd, status = 200, name = odd, fields = { odd }, identity = "A", user = odd,
      n_errors = 1, error = odd, operation = "query" }
    for _, each in ipairs({ record, { at = 0, kind = "connect", connection = 1, protocol = odd, path = odd }, { at = 0, kind = "start", connection = 1, id = odd },
      { at = 0, kind = "close", connection = 1, code = 1, reason = odd }, { at = 0, kind = "fault", faults = { odd }, outcome = odd } }) do
      local line = request_log.line(each)
      assert.is_nil(line:find("[%c\127\194]"), line)
      assert.is_nil(line:gsub("…", ""):find("\226"), line)
    end
  end)
end)
