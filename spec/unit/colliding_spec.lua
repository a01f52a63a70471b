-- Texts that are made to crowd Lua's table of strings: they cost little, or are refused.
local colliding = require("spec.support.colliding")
local core = require("appsync.core")

local MESSAGE = "Too many strings collide in Lua's table of strings"
local N = 80000

-- Seconds of processor time, generous for a busy machine; without a bound it is minutes.
local function within(seconds, fn)
  local started = os.clock()
  local a, b = fn()
  assert.is_true(os.clock() - started < seconds)
  return a, b
end

describe("strings that collide", function()
  before_each(function() collectgarbage() end)

  for name, make in pairs({ list = colliding.list, object = colliding.object }) do
    it("are refused in JSON where Lua is slow with them: " .. name, function()
      local text = make(N)
      local value, err = within(20, function() return core.decode(text) end)
      if colliding.are_slow then
        assert.is_nil(value)
        assert.same({ MESSAGE, "too_big" }, { err.message, err.code })
      else
        assert.is_table(value)
      end
    end)
  end

  it("are refused with escapes, too", function()
    local text = "[" .. colliding.text(N, '"\\u0062\\u0061', '"') .. "]"
    local value, err = within(20, function() return core.decode(text) end)
    assert.equal(colliding.are_slow and MESSAGE or nil, err and err.message)
    assert.equal(not colliding.are_slow, value ~= nil)
  end)

  for name, row in pairs({ many = { 200, 500 }, few = { 10, 8000 }, one = { 1, 20000 } }) do
    it("cost little when they come in texts of " .. name .. ", and some are kept", function()
      local kept, n = {}, row[1]
      within(40, function()
        for i = 1, row[2] do kept[i % 2 == 0 and i or 1] = core.decode(colliding.list(n, i * n)) or false end
      end)
      assert.is_not_nil(kept[2])
    end)
  end

  it("are refused as names of a document", function()
    local text = "{" .. colliding.text(14000, "", "") .. "}"
    local document, err = within(20, function() return core.parse(text) end)
    if colliding.are_slow then
      assert.is_nil(document)
      assert.equal("The document has too many names that collide in Lua's table of strings", err.message)
      assert.same({ 1, 1 }, { err.line, err.column })
    else
      assert.equal(14000, #document.definitions[1].selectionSet)
    end
  end)

  it("leave other texts alone", function()
    for _ = 1, 3 do
      core.decode(colliding.list(N))
      assert.same({ a = { "b", "c" } }, core.decode('{"a":["b","c"]}'))
      assert.equal("Query", core.parse("fragment f on Query { a }").definitions[1].typeCondition)
    end
  end)
end)

describe("strings that don't collide", function()
  -- Park and Miller's generator: the same texts on every Lua.
  local state

  local function random_text(n_chars)
    local chars = {}
    for i = 1, n_chars do
      state = state * 16807 % 2147483647
      chars[i] = string.char(97 + state % 26)
    end
    return table.concat(chars)
  end

  it("are never refused, however many there are and however often they come again", function()
    state = 4711
    local again, parts = {}, {}
    for i = 1, 200 do again[i] = random_text(10 + i % 40) end
    for i = 1, 100000 do parts[i] = '"' .. (i % 3 == 0 and random_text(8) or again[1 + i % 200]) .. '"' end
    local text = "[" .. table.concat(parts, ",") .. "]"
    for _ = 1, 15 do assert.equal(100000, #assert(core.decode(text))) end
  end)
end)
