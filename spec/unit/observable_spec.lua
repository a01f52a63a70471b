local fake_core = require "spec.support.fake_core"
local record = require "spec.support.record"

local drive = fake_core.drive
local has_close = _VERSION == "Lua 5.4"

describe("observables", function()
  local core, appsync, log, subject

  before_each(function()
    core, appsync, log = fake_core.open()
    subject = appsync.subject()
  end)

  local function feed(...)
    for i = 1, select("#", ...) do subject:next((select(i, ...))) end
  end

  it("are cold: the function runs once per subscription, not before", function()
    local n = 0
    local source = appsync.observable(function(observer)
      n = n + 1
      observer:next(n)
      observer.next(n + 10)
      observer:complete()
    end)
    assert.equal(0, n)
    local first = record(source)
    local second = record(source)
    assert.same({}, first) -- callbacks never run inside the call
    drive()
    assert.same({ 1, 11, "complete" }, first)
    assert.same({ 2, 12, "complete" }, second)
  end)

  it("deliver nothing after the terminal", function()
    local observer
    local seen = record(appsync.observable(function(o) observer = o end))
    observer:next(1)
    observer:error("broken")
    observer:next(2)
    observer:complete()
    drive()
    assert.same({ 1, "error broken" }, seen)
  end)

  it("call the stop function once, at the end or when unsubscribed", function()
    local stops = 0
    local source = appsync.observable(function() return function() stops = stops + 1 end end)
    local s = source:subscribe{}
    s:unsubscribe()
    s:unsubscribe()
    assert.equal(1, stops)
    source:take(0):subscribe{}
    source:subscribe()
    assert.equal(1, stops)
  end)

  it("refuse an event that is nil", function()
    assert.error_matches(function() subject:next(nil) end, "an event can't be nil")
  end)

  it("end with an error when the subscribe function raises", function()
    local seen = record(appsync.observable(function() error("no", 0) end))
    drive()
    assert.same({ "error no" }, seen)
  end)

  it("refuse an observer with an unknown callback", function()
    assert.error_matches(function() subject:subscribe{ nxt = print } end, 'did you mean "next"')
  end)

  it("take a function as the observer's next", function()
    local got
    subject:subscribe(function(v) got = v end)
    feed(5)
    drive()
    assert.equal(5, got)
  end)

  it("keep order per subscription while a callback waits; others go on", function()
    local slow, fast = {}, {}
    subject:subscribe{ next = function(v)
      appsync.sleep(1)
      table.insert(slow, v)
    end }
    subject:subscribe{ next = function(v) table.insert(fast, v) end }
    feed(1, 2)
    drive()
    assert.same({ {}, { 1, 2 } }, { slow, fast })
    drive(1)
    assert.same({ 1 }, slow)
    drive(1)
    assert.same({ 1, 2 }, slow)
  end)

  it("a callback that throws ends that subscription with error, and no other one", function()
    local err
    local seen = record(subject)
    subject:subscribe{
      next = function() error("bad callback", 0) end,
      error = function(e) err = e end,
    }
    feed(1, 2)
    drive()
    assert.equal("bad callback", err.raised)
    assert.same({ 1, 2 }, seen)
    assert.same({}, log)
  end)

  it("a callback that throws without an error callback is logged once", function()
    subject:subscribe{ next = function() error("bad callback", 0) end }
    feed(1, 2)
    drive()
    assert.equal(1, #log)
    assert.matches("bad callback", log[1])
  end)

  it("an error callback that throws is logged", function()
    subject:subscribe{ error = function() error("worse", 0) end }
    subject:error("bad")
    drive()
    assert.equal(1, #log)
    assert.matches("worse", log[1])
  end)

  it("unsubscribe inside next is safe and final", function()
    local seen, s = {}, nil
    s = subject:subscribe{
      next = function(v)
        table.insert(seen, v)
        s:unsubscribe()
      end,
      complete = function() table.insert(seen, "complete") end,
    }
    feed(1, 2)
    subject:complete()
    drive()
    assert.same({ 1 }, seen)
  end)

  it("a subscription with callbacks lives without its handle", function()
    local seen = record(subject)
    fake_core.collect()
    feed(1)
    drive()
    assert.same({ 1 }, seen)
  end)

  it("an inbox of the program's own events is bounded; what is more is counted", function()
    local s = subject:subscribe()
    for i = 1, 100010 do subject:next(i) end
    assert.equal(10, s.dropped)
    assert.equal(1, (s:next()))
    s:unsubscribe()
    local n = 0
    s = subject:subscribe(function() n = n + 1 end)
    for i = 1, 5000 do subject:next(i) end
    drive()
    assert.equal(5000, n)
    assert.equal(0, #s.context.items) -- a large inbox isn't kept
  end)

  it("a late subscriber of a subject that ended gets the end", function()
    subject:complete()
    local seen = record(subject)
    drive()
    assert.same({ "complete" }, seen)
  end)

  describe("pulled", function()
    it("buffer from the start and give events in order", function()
      local s = subject:subscribe()
      feed(1, 2)
      assert.equal(1, (s:next()))
      feed(3)
      assert.equal(2, (s:next()))
      assert.equal(3, (s:next()))
    end)

    it("give nil, nil at the end of the stream, again and again", function()
      local s = subject:subscribe()
      feed(1)
      subject:complete()
      assert.equal(1, (s:next()))
      assert.same({ n = 2 }, { n = select("#", s:next()), (s:next()) })
      assert.is_nil(s.err)
    end)

    it("give nil, err after a failure, and keep it in s.err", function()
      local s = subject:subscribe()
      subject:error("bad")
      local value, err = s:next()
      assert.is_nil(value)
      assert.equal("bad", err.message)
      assert.equal(err, s.err)
      assert.same({}, log)
    end)

    it("lose nothing at a time-out", function()
      local s = subject:subscribe()
      local value, err = s:next(1)
      assert.is_nil(value)
      assert.equal("timeout", err.kind)
      feed("x")
      assert.equal("x", (s:next(0)))
    end)

    it("leave no timer behind when next was served in time", function()
      local s = subject:subscribe()
      s:next{ timeout = 5, on_result = function() end }
      feed(1)
      drive()
      assert.is_nil(require("appsync.timer").next_at())
    end)

    it("give false and null as events", function()
      local s = subject:subscribe()
      feed(false, appsync.null)
      assert.is_false((s:next()))
      assert.equal(appsync.null, (s:next()))
    end)

    it("end a waiting next when they are unsubscribed", function()
      local s = subject:subscribe()
      appsync.spawn(function() s:unsubscribe() end)
      assert.is_nil((s:next()))
      assert.is_nil(s.err)
    end)

    it("end when their handle is collected", function()
      local stopped = false
      local source = appsync.observable(function() return function() stopped = true end end)
      do source:subscribe() end
      fake_core.collect()
      assert.is_true(stopped)
    end)

    it("serve observable:next by one kept subscription", function()
      local n = 0
      local source = appsync.observable(function(observer)
        n = n + 1
        observer:next("a")
        observer:next("b")
      end)
      assert.equal("a", (source:next()))
      assert.equal("b", (source:next()))
      assert.equal(1, n)
    end)

    it("refuse next on a subscription with callbacks", function()
      assert.error_matches(function() subject:subscribe{}:next() end, "has callbacks")
    end)

    it("deliver by on_result, never inside the call", function()
      local s = subject:subscribe()
      feed("x")
      local got
      local task = s:next{ on_result = function(v) got = v end }
      assert.is_nil(got)
      drive()
      assert.equal("x", got)
      assert.equal("done", task:status())
    end)

    it("run a waiting tap before they give the event", function()
      local s = subject:tap(function() appsync.sleep(3) end):subscribe()
      feed("x")
      assert.equal("x", (s:next()))
      assert.equal(1003, core.time)
    end)

    it("end with an error when an operator raises", function()
      local s = subject:map(function(v) return v.x.y end):subscribe()
      feed({})
      local value, err = s:next()
      assert.is_nil(value)
      assert.equal("usage", err.kind)
    end)
  end)

  describe("each", function()
    local function three(observer)
      for i = 1, 3 do observer:next(i) end
      observer:complete()
    end

    it("loops to the end with the subscription as the second value", function()
      local seen, handle = {}, nil
      for v, s in appsync.observable(three):each() do
        table.insert(seen, v)
        handle = s
      end
      assert.same({ 1, 2, 3 }, seen)
      assert.is_nil(handle.err)
    end)

    it("ends at a failure, told by s.err", function()
      local s = subject:subscribe()
      feed(1)
      subject:error("bad")
      local n = 0
      for _ in s:each() do n = n + 1 end
      assert.equal(1, n)
      assert.equal("bad", s.err.message)
    end)

    it("releases the source when the loop is left early", function()
      local stopped = false
      local source = appsync.observable(function(observer)
        three(observer)
        return function() stopped = true end
      end)
      local function leave()
        for _ in source:each() do break end -- luacheck: ignore 512
      end
      leave()
      if not has_close then
        leave() -- overwrites what is left of the first loop on the stack
        fake_core.collect()
      end
      assert.is_true(stopped)
    end)
  end)

  describe("ready", function()
    it("is true at once without a service", function()
      assert.is_true(subject:subscribe{}:ready())
    end)

    it("is an error of kind closed after unsubscribe", function()
      local s = subject:subscribe{}
      s:unsubscribe()
      local ok, err = s:ready()
      assert.is_nil(ok)
      assert.equal("closed", err.kind)
    end)
  end)
end)
