local waiting = require("appsync.server.waiting")

describe("waiting", function()
  it("lets others run until it is done", function()
    local finish, seen = nil, {}
    waiting.run(function(word)
      seen[#seen + 1] = word
      local value = waiting.wait(function(done) finish = done end)
      seen[#seen + 1] = value
    end, "begun")
    seen[#seen + 1] = "others"
    finish("done")
    finish("again")
    assert.same({ "begun", "others", "done" }, seen)
    assert.is_false(waiting.is_possible())
  end)

  it("goes on after what throws, and keeps nothing of what it ran", function()
    local kept = setmetatable({}, { __mode = "v" })
    for i = 1, 3 do
      local argument = {}
      kept[i] = argument
      local ok, thrown = pcall(waiting.run, function(given)
        assert.equal(argument, given)
        if i == 2 then error("thrown", 0) end
      end, argument)
      assert.equal(i ~= 2, ok)
      assert.equal(i == 2 and "thrown" or nil, thrown)
    end
    collectgarbage()
    collectgarbage()
    assert.is_nil(next(kept))
  end)

  it("doesn't wait for what is done at once", function()
    local seen
    waiting.run(function() seen = waiting.wait(function(done) done(7) end) end)
    assert.equal(7, seen)
  end)

  it("goes through pcall, however deep", function()
    local finish, seen
    waiting.run(function()
      seen = { waiting.pcall(function(a)
        local inner = { waiting.pcall(function()
          waiting.wait(function(done) finish = done end)
          error("late", 0)
        end) }
        return a, inner[1], inner[2]
      end, 1) }
    end)
    finish()
    assert.same({ true, 1, false, "late" }, seen)
  end)

  it("calls functions of C, and what is none", function()
    waiting.run(function()
      assert.same({ true, "4" }, { waiting.pcall(tostring, 4) })
      assert.is_false((waiting.pcall(nil)))
      assert.same({ true, "called" }, { waiting.pcall(setmetatable({}, { __call = function() return "called" end })) })
    end)
  end)

  it("is refused outside of work that may wait", function()
    assert.has_error(function() waiting.wait(function() end) end, "nothing can be waited for here")
    assert.same({ true, 1, 2 }, { waiting.pcall(function() return 1, 2 end) })
    assert.same({ false, "no" }, { waiting.pcall(function() error("no", 0) end) })
  end)

  it("throws to whoever made it go on", function()
    assert.has_error(function() waiting.run(function() error("first", 0) end) end, "first")
    local finish
    waiting.run(function()
      waiting.wait(function(done) finish = done end)
      error("second", 0)
    end)
    assert.has_error(function() finish() end, "second")
    assert.is_false(waiting.is_possible())
  end)

  it("keeps several apart", function()
    local finish, seen = {}, {}
    for i = 1, 3 do
      waiting.run(function()
        waiting.run(function() seen[#seen + 1] = "inner " .. i end)
        local value = waiting.wait(function(done) finish[i] = done end)
        seen[#seen + 1] = value
      end)
    end
    finish[2]("two")
    finish[1]("one")
    finish[3]("three")
    assert.same({ "inner 1", "inner 2", "inner 3", "two", "one", "three" }, seen)
  end)

  it("takes away what holds while it runs only", function()
    local now, finish, seen = nil, nil, {}
    local function scope(name, fn)
      now = name
      local result = waiting.within(function() now = nil end, function() now = name end, fn)
      now = nil
      return result
    end
    waiting.run(function()
      scope("a", function()
        waiting.wait(function(done) finish = done end)
        seen[#seen + 1] = now
      end)
      seen[#seen + 1] = now or "none"
    end)
    assert.is_nil(now)
    now = "other"
    finish()
    assert.same({ "a", "none" }, seen)
    assert.equal(3, waiting.within(nil, nil, function() return 3 end))
    waiting.run(function()
      assert.has_error(function() scope("b", function() error("within", 0) end) end, "within")
    end)
  end)
end)
