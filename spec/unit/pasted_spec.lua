local core = require "appsync.core"
local pasted = require "appsync.pasted"

local BOUND = 60 -- seconds, for what takes milliseconds, and took an hour

describe("text that was pasted", function()
  local rows = {
    { "", "" }, { "a", "a" }, { " \r\n\ta b \n", "a b" }, { "\194\160a\194\160", "a" }, { "\239\187\191 a", "a" },
    { "\226\128\139 \194\160\226\128\139a\226\128\139\n", "a" }, { " \194\160 ", "" }, { "\194\160", "" },
    { "\194a\160", "\194a\160" }, { "\160a\194", "\160a\194" }, { "é\128\139", "é\128\139" }, { "\226\128", "\226\128" },
  }
  for _, row in ipairs(rows) do
    it(("%q loses what stands around it"):format(row[1]), function() assert.equal(row[2], pasted.trim(row[1])) end)
  end

  it("is looked at once, however long its white space is", function()
    local began = core.now()
    local inner = "a" .. (" "):rep(1000000) .. "b"
    assert.equal(inner, pasted.trim(" " .. inner .. " "))
    assert.equal("a", pasted.trim(("\194\160 "):rep(200000) .. "a"))
    assert.is_true(core.now() - began < BOUND)
  end)
end)
