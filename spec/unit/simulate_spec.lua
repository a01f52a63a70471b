-- The pure parts of the simulator: chance that follows from a seed, and what is due when.
local agenda = require "appsync.simulate.agenda"
local chance = require "appsync.simulate.chance"

describe("chance", function()
  it("is the same on every Lua and in every version, so that seeds keep their meaning", function()
    local random = chance.new(7, 2, 3)
    assert.same({ 662, 48, 2 }, { random(1000), random(1000), random(-5, 5) })
    assert.equal("eeb29444-db5c-427d-bf40-14529bbc2193", random:uuid())
    assert.equal("0.942323176209", ("%.12f"):format(random:fraction()))
  end)

  it("differs with each part of its seed", function()
    local seen = {}
    for a = 1, 10 do
      for b = 1, 10 do
        local number = chance.new(a, b):fraction()
        assert.is_nil(seen[number])
        seen[number] = true
      end
    end
  end)

  it("reaches all of a range, evenly", function()
    local random, counts = chance.new(1), {}
    for _ = 1, 7000 do
      local n = random(7)
      counts[n] = (counts[n] or 0) + 1
    end
    for n = 1, 7 do assert.is_true(counts[n] > 800 and counts[n] < 1200) end
    assert.is_nil(counts[0] or counts[8])
  end)

  it("picks from lists, and nothing from an empty one", function()
    local random = chance.new(1)
    local item = random:pick{ "a", "b" }
    assert.is_true(item == "a" or item == "b")
    assert.is_nil(random:pick{})
    assert.is_false(random:chance(0))
    assert.is_true(random:chance(1))
    assert.matches("^%x+%-%x%x%x%x%-4%x%x%x%-[89ab]%x%x%x%-%x+$", random:uuid())
  end)
end)

describe("an agenda", function()
  it("gives what is due in the order of times, and of one time as it was put in", function()
    local due, order, random = agenda.new(), {}, chance.new(3)
    for i = 1, 200 do
      local at = random(20)
      due:put(at, function() order[#order + 1] = { at, i } end)
    end
    local last = { 0, 0 }
    while due:next_at() do
      local at = due:next_at()
      due:take()()
      local now = order[#order]
      assert.equal(at, now[1])
      assert.is_true(now[1] > last[1] or (now[1] == last[1] and now[2] > last[2]))
      last = now
    end
    assert.equal(200, #order)
  end)
end)
