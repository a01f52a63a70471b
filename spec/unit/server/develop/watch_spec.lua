local watch = require("appsync.server.develop.watch")

describe("a watch", function()
  local stamps, paths, watched

  before_each(function()
    stamps, paths = { a = "1", b = "1" }, { "a", "b" }
    watched = watch.new({ paths = function() return paths end, stamp = function(path) return stamps[path] end, interval_s = 1 })
  end)

  it("says nothing while nothing changes", function()
    for now = 0, 5 do assert.is_false((watched:tick(now))) end
  end)

  it("tells of a change when the file has rested for one look", function()
    assert.is_false((watched:tick(0)))
    stamps.a = "2"
    assert.is_false((watched:tick(1)))
    assert.is_true((watched:tick(2)))
    assert.is_false((watched:tick(3)))
  end)

  it("waits as long as a file goes on changing", function()
    for now = 0, 5 do
      stamps.b = tostring(now + 2)
      assert.is_false((watched:tick(now)))
    end
    assert.is_true((watched:tick(6)))
  end)

  it("tells of a file that is gone, and of one that has come back", function()
    stamps.a = nil
    watched:tick(0)
    assert.is_true((watched:tick(1)))
    stamps.a = "1"
    watched:tick(2)
    assert.is_true((watched:tick(3)))
  end)

  it("gets to know paths that are new without calling them changed", function()
    paths, stamps.c = { "a", "b", "c" }, "1"
    watched:tick(0)
    assert.is_false((watched:tick(1)))
    stamps.c = "2"
    watched:tick(2)
    assert.is_true((watched:tick(3)))
  end)

  it("looks no more often than it is meant to, and says when it wants to look again", function()
    local n = 0
    watched = watch.new({ paths = function() return paths end, interval_s = 2, stamp = function()
      n = n + 1
      return "1"
    end })
    local before = n
    local _, wait_s = watched:tick(10)
    assert.equal(2, wait_s)
    _, wait_s = watched:tick(11.5)
    assert.equal(0.5, wait_s)
    assert.equal(before + 2, n)
  end)
end)
