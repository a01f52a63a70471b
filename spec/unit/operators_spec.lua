local fake_core = require "spec.support.fake_core"
local record = require "spec.support.record"

local drive = fake_core.drive

describe("an observable's", function()
  local appsync, log, subject

  before_each(function()
    appsync, log = select(2, fake_core.open())
    subject = appsync.subject()
  end)

  local function feed(...)
    for i = 1, select("#", ...) do subject:next((select(i, ...))) end
  end

  describe("operators:", function()
    it("map transforms and drops nil", function()
      local seen = record(subject:map(function(v) if v ~= 2 then return v * 10 end end))
      feed(1, 2, 3)
      drive()
      assert.same({ 10, 30 }, seen)
    end)

    it("filter keeps what is true", function()
      local seen = record(subject:filter(function(v) return v > 1 end))
      feed(1, 2, 3)
      drive()
      assert.same({ 2, 3 }, seen)
    end)

    it("scan folds, with a state per subscription", function()
      local sum = subject:scan(function(a, b) return a + b end, 0)
      local first, second = record(sum), record(sum)
      feed(1, 2)
      drive()
      assert.same({ { 1, 3 }, { 1, 3 } }, { first, second })
    end)

    it("take ends after n and releases the source before the last event is handed on", function()
      local stops = 0
      local source = appsync.observable(function(observer)
        for i = 1, 5 do observer:next(i) end
        return function() stops = stops + 1 end
      end)
      local stops_at = {}
      source:take(2):subscribe(function() table.insert(stops_at, stops) end)
      drive()
      assert.same({ 0, 1 }, stops_at)
      stops = 0
      local seen = record(source:take(2))
      drive()
      assert.same({ 1, 2, "complete" }, seen)
      assert.equal(1, stops)
      seen = record(source:take(0))
      drive()
      assert.same({ "complete" }, seen)
    end)

    it("first is the first event and the end", function()
      local seen = record(subject:first())
      feed(7, 8)
      drive()
      assert.same({ 7, "complete" }, seen)
    end)

    it("skip leaves out the first n", function()
      local seen = record(subject:skip(2))
      feed(1, 2, 3)
      drive()
      assert.same({ 3 }, seen)
    end)

    it("distinct compares with the event before, by value or key", function()
      local plain = record(subject:distinct())
      local keyed = record(subject:distinct(function(v) return v % 2 end))
      feed(1, 1, 3, 2, 1)
      drive()
      assert.same({ 1, 3, 2, 1 }, plain)
      assert.same({ 1, 2, 1 }, keyed)
    end)

    it("take_until ends when the other emits", function()
      local stop = appsync.subject()
      local seen = record(subject:take_until(stop))
      feed(1)
      drive()
      stop:next(true)
      feed(2)
      drive()
      assert.same({ 1, "complete" }, seen)
    end)

    it("merge ends when all have ended and fails with the first failure", function()
      local other = appsync.subject()
      local seen = record(subject:merge(other))
      feed(1)
      other:next(2)
      subject:complete()
      other:next(3)
      other:complete()
      drive()
      assert.same({ 1, 2, 3, "complete" }, seen)
      local a, b = appsync.subject(), appsync.subject()
      seen = record(a:merge(b))
      b:error("bad")
      a:next(1)
      drive()
      assert.same({ "error bad" }, seen)
    end)

    it("debounce emits after quiet, and the rest at the end", function()
      local seen = record(subject:debounce(1))
      feed(1)
      drive(0.5)
      feed(2)
      drive()
      drive(0.9)
      assert.same({}, seen)
      drive(0.2)
      assert.same({ 2 }, seen)
      feed(3)
      subject:complete()
      drive()
      assert.same({ 2, 3, "complete" }, seen)
    end)

    it("debounce ignores a timer that fired while an event before it was still being handled", function()
      local seen = record(subject:tap(function(v) if v == "b" then appsync.sleep(2) end end):debounce(1))
      feed("a")
      drive()
      drive(0.5)
      feed("b")
      drive()
      drive(0.5) -- the timer of "a" fires behind "b"
      drive(1.5)
      assert.same({}, seen)
      drive(1)
      assert.same({ "b" }, seen)
    end)

    it("throttle drops what follows too soon", function()
      local seen = record(subject:throttle(1))
      feed(1, 2)
      drive()
      drive(1)
      feed(3)
      drive()
      assert.same({ 1, 3 }, seen)
    end)

    it("buffer makes lists of n, and of what there is after s seconds or at the end", function()
      local seen = record(subject:buffer(2, 1))
      feed(1, 2, 3)
      drive()
      assert.same({ { 1, 2 } }, seen)
      drive(1.1)
      assert.same({ 3 }, seen[2])
      feed(4)
      subject:complete()
      drive()
      assert.same({ { 4 }, "complete" }, { seen[3], seen[4] })
    end)

    it("a timer of an operator doesn't outlive its subscription", function()
      local timer = require "appsync.timer"
      local _, s = record(subject:debounce(5))
      feed(1)
      drive()
      assert.is_number(timer.next_at())
      s:unsubscribe()
      assert.is_nil(timer.next_at())
    end)

    it("catch goes on with another observable, a last event, or the end", function()
      local function failing() return appsync.observable(function(o) o:error("bad") end) end
      local given
      local other = record(failing():catch(function(err)
        given = err
        return appsync.observable(function(o)
          o:next(1)
          o:complete()
        end)
      end))
      local last = record(failing():catch(function() return 2 end))
      local none = record(failing():catch(function() end))
      drive()
      assert.equal("bad", given.message)
      assert.same({ { 1, "complete" }, { 2, "complete" }, { "complete" } }, { other, last, none })
    end)

    it("tap sees each event before it goes on", function()
      local order = {}
      subject:tap(function(v) table.insert(order, "tap " .. v) end):subscribe(function(v) table.insert(order, v) end)
      feed(1)
      drive()
      assert.same({ "tap 1", 1 }, order)
    end)

    it("for_each waits for the end: true, or nil and the error", function()
      local sum = 0
      local source = appsync.observable(function(o)
        o:next(1)
        o:next(2)
        o:complete()
      end)
      assert.is_true(source:for_each(function(v)
        appsync.sleep(1)
        sum = sum + v
      end))
      assert.equal(3, sum)
      local ok, err = appsync.observable(function(o) o:error("bad") end):for_each(function() end)
      assert.is_nil(ok)
      assert.equal("bad", err.message)
      ok, err = source:for_each(function() error("mine", 0) end)
      assert.is_nil(ok)
      assert.equal("mine", err.raised)
      ok, err = subject:for_each(function() end, { timeout = 1 })
      assert.is_nil(ok)
      assert.equal("timeout", err.kind)
      assert.equal(0, #subject.outlets)
      assert.same({}, log)
    end)

    for _, name in ipairs{ "map", "filter", "scan", "distinct" } do
      it("a waiting call in the function of " .. name .. " throws", function()
        local err
        subject[name](subject, function() appsync.sleep(1) end, 0):subscribe{ error = function(e) err = e end }
        feed(1)
        drive()
        assert.matches("isn't possible in a function that computes %(" .. name, err.message)
        assert.is_true(appsync.sleep(1)) -- elsewhere it is possible
      end)
    end

    it("on_result in a function that computes doesn't make waiting possible there", function()
      local err
      subject:map(function()
        subject:subscribe():next{ timeout = 1, on_result = function() end }
        appsync.sleep(1)
      end):subscribe{ error = function(e) err = e end }
      feed(1)
      drive()
      assert.matches("a function that computes", err.message)
    end)

    it("on_result is possible in a function that computes", function()
      local got
      record(subject:map(function(v)
        subject:subscribe():next{ timeout = 1, on_result = function(_, err) got = err end }
        return v
      end))
      feed(1)
      drive()
      drive(2)
      assert.equal("timeout", got.kind)
    end)

    it("wrong arguments throw at the call", function()
      assert.error_matches(function() subject:map() end, "map: fn must be a function, got nothing")
      assert.error_matches(function() subject:take(-1) end, "take: n must be an integer of at least 0, got number %-1")
      assert.error_matches(function() subject:merge(1) end, "merge: argument 1 must be an observable")
      assert.error_matches(function() subject:debounce("x") end, 'debounce: s must be a number of seconds, got "x"')
      assert.error_matches(function() subject:buffer(0) end, "buffer: n must be")
      assert.error_matches(function() subject:take_until({}) end, "take_until: other must be an observable")
      assert.error_matches(function() appsync.observable() end, "subscribe_fn must be a function")
    end)
  end)
end)
