local timers = require("appsync.server.fault.timers")

describe("timers", function()
  local now, seen, list

  before_each(function()
    now, seen = 0, {}
    list = timers.new(function() return now end)
  end)

  local function after(delay, name)
    list:after(delay, function() seen[#seen + 1] = name end)
  end

  it("do what is due, in the order of its time, and tell when the next is", function()
    after(3, "c")
    after(1, "a")
    after(2, "b")
    assert.equal(1, list:tick())
    now = 2
    assert.equal(1, list:tick())
    assert.same({ "a", "b" }, seen)
    now = 3
    assert.is_nil(list:tick())
    assert.same({ "a", "b", "c" }, seen)
  end)

  it("keep the order of those of one time", function()
    for _, name in ipairs({ "a", "b", "c" }) do after(1, name) end
    now = 1
    list:tick()
    assert.same({ "a", "b", "c" }, seen)
  end)

  it("do what is asked for while they work", function()
    list:after(1, function() after(0, "nested") end)
    now = 1
    list:tick()
    assert.same({ "nested" }, seen)
  end)

  it("forget one that throws, and do the others next", function()
    list:after(1, function() error("broken") end)
    after(1, "next")
    now = 1
    assert.is_false((pcall(list.tick, list)))
    list:tick()
    assert.same({ "next" }, seen)
  end)

  it("forget all", function()
    after(1, "a")
    list:clear()
    now = 2
    assert.is_nil(list:tick())
    assert.same({}, seen)
  end)
end)
