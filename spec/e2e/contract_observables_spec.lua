-- Observables, by the public names only.
-- luacheck: ignore 512 (loops that are left at once are tested here)
local appsync = require "appsync"
local sources = require "spec.support.sources"
local wait_for = require "spec.support.wait"
local has = require("spec.support.text").has

local of, failing = sources.of, sources.failing
local HAS_CLOSE = _VERSION == "Lua 5.4"

describe("the contract of observables:", function()
  it("cold: nothing happens before subscribe, each or next; each subscription has its own run", function()
    local n = 0
    local o = appsync.observable(function(observer)
      n = n + 1
      observer:next(n)
    end)
    local mapped = o:map(function(x) return x end):filter(function() return true end):take(5)
    appsync.sleep(0.001)
    assert.equal(0, n)
    assert.equal(1, mapped:subscribe():next(1))
    assert.equal(2, mapped:subscribe():next(1))
    assert.equal(3, mapped:next(1))
    for event in mapped:each() do
      assert.equal(4, event)
      break
    end
  end)

  it("next, error and complete are called on the Lua thread, never inside subscribe", function()
    local calls, is_inside = {}, true
    of(1, 2):subscribe{
      next = function(value) calls[#calls + 1] = { value, is_inside } end,
      complete = function() calls[#calls + 1] = { "end", is_inside } end,
      error = function() calls[#calls + 1] = { "error" } end,
    }
    is_inside = false
    assert.same({}, calls)
    appsync.sleep(0.005)
    assert.same({ { 1, false }, { 2, false }, { "end", false } }, calls)
  end)

  it("a callback may wait; the next event of that subscription waits for it, other subscriptions don't", function()
    local order = {}
    local subject = appsync.subject()
    subject:subscribe{ next = function(value)
      order[#order + 1] = "slow begins " .. value
      appsync.sleep(0.005)
      order[#order + 1] = "slow ends " .. value
    end }
    subject:subscribe{ next = function(value) order[#order + 1] = "fast " .. value end }
    subject:next(1)
    subject:next(2)
    wait_for(function() return #order >= 6 end)
    assert.same({ "slow begins 1", "fast 1", "fast 2", "slow ends 1", "slow begins 2", "slow ends 2" }, order)
  end)

  it("a callback that throws ends that subscription with error, and no other one", function()
    local subject = appsync.subject()
    local errs, others, nexts, stopped = {}, {}, 0, 0
    local source = appsync.observable(function(observer)
      local s = subject:subscribe{ next = function(v) observer:next(v) end }
      return function()
        stopped = stopped + 1
        s:unsubscribe()
      end
    end)
    local s = source:subscribe{
      next = function()
        nexts = nexts + 1
        error "thrown here"
      end,
      error = function(err) errs[#errs + 1] = err end,
      complete = function() errs[#errs + 1] = "complete" end,
    }
    subject:subscribe{ next = function(v) others[#others + 1] = v end }
    subject:next(1)
    subject:next(2)
    appsync.sleep(0.01)
    assert.equal(1, nexts)
    assert.equal(1, #errs)
    has(errs[1].message, "thrown here")
    has(errs[1].raised, "thrown here")
    assert.equal("string", type(errs[1].kind))
    assert.same({ 1, 2 }, others)
    assert.equal(1, stopped)
    assert.equal(errs[1], s.err)
  end)

  it("complete, error and state may wait too, and so may what for_each calls", function()
    local order = {}
    of(1):subscribe{ complete = function()
      appsync.sleep(0.001)
      order[#order + 1] = "complete"
    end }
    wait_for(function() return #order >= 1 end)
    failing("x"):subscribe{ error = function()
      appsync.sleep(0.001)
      order[#order + 1] = "error"
    end }
    wait_for(function() return #order >= 2 end)
    assert.same({ "complete", "error" }, order)
    assert.is_true(of(1, 2):for_each(function(event)
      appsync.sleep(0.001)
      order[#order + 1] = event
    end))
    assert.same({ "complete", "error", 1, 2 }, order)
  end)

  it("err stands beside the event through operators", function()
    local subject = appsync.subject()
    local s = subject:map(function(x) return x end):filter(function() return true end):tap(function() end):distinct():subscribe()
    local given = select(2, appsync.decode "{")
    subject:next(1, given)
    local event, err = s:next(1)
    assert.equal(1, event)
    assert.equal(given, err)
  end)

  it("an unsubscribe inside next is the last call", function()
    local n, s = 0, nil
    s = of(1, 2, 3):subscribe{ next = function()
      n = n + 1
      s:unsubscribe()
    end, complete = function() n = n + 100 end }
    appsync.sleep(0.005)
    assert.equal(1, n)
  end)

  it("an error callback that throws is told once and does no other harm", function()
    local after
    failing("x"):subscribe{ error = function() error "thrown in error" end }
    of(1):subscribe{ next = function() after = true end }
    appsync.sleep(0.005)
    assert.is_true(after)
  end)

  it("an unsubscribe is idempotent and no callback runs after it, the one of what waits neither", function()
    local subject = appsync.subject()
    local n = 0
    local s = subject:subscribe{
      next = function() n = n + 1 end, complete = function() n = n + 100 end, error = function() n = n + 100 end,
    }
    subject:next(1)
    s:unsubscribe()
    s:unsubscribe()
    subject:next(2)
    subject:complete()
    appsync.sleep(0.005)
    assert.equal(0, n)
  end)

  it("with callbacks nobody has to keep the subscription", function()
    local subject = appsync.subject()
    local n = 0
    subject:subscribe{ next = function() n = n + 1 end }
    require("spec.support.collect")()
    subject:next(1)
    appsync.sleep(0.002)
    assert.equal(1, n)
  end)

  it("a pull subscription starts at once, buffers, gives nil, nil at the end", function()
    local o = of(1, appsync.null, false)
    local s = o:subscribe()
    assert.equal(1, s:next())
    assert.equal(appsync.null, s:next())
    assert.is_false(s:next())
    local n = select("#", s:next())
    local value, err = s:next()
    assert.equal(2, n)
    assert.is_nil(value)
    assert.is_nil(err)
    assert.is_nil(s.err)
  end)

  it("a failure is nil, err, again and again, after the events before it", function()
    local s = failing("broken", 1):subscribe()
    assert.equal(1, s:next(1))
    local value, err = s:next(1)
    assert.is_nil(value)
    has(err.message, "broken")
    assert.equal(err, s.err)
    assert.equal(err, select(2, s:next(1)))
  end)

  it("a time-out of next is nil, err, and nothing is lost", function()
    local subject = appsync.subject()
    local s = subject:subscribe()
    for i = 1, 5 do
      local value, err = s:next(0.001)
      assert.is_nil(value)
      assert.equal("timeout", err.kind)
      subject:next(i)
      subject:next(i * 10)
      assert.equal(i, s:next(0))
      assert.equal(i * 10, s:next{ timeout = 1 })
    end
    assert.is_nil(s.err)
  end)

  it("a pull subscription ends when it is collected", function()
    local stopped = 0
    local o = appsync.observable(function() return function() stopped = stopped + 1 end end)
    local function leave() o:subscribe() end
    leave()
    require("spec.support.collect")()
    assert.equal(1, stopped)
  end)

  it("after a loop s.err tells a failure from the end", function()
    local s = failing("broken", 1, 2):subscribe()
    local got = {}
    for event in s:each() do got[#got + 1] = event end
    assert.same({ 1, 2 }, got)
    has(s.err.message, "broken")
    s = of(1):subscribe()
    for event in s:each() do got[#got + 1] = event end
    assert.same({ 1, 2, 1 }, got)
    assert.is_nil(s.err)
  end)

  it("observable:each gives the subscription as the second value, a fresh one per loop", function()
    local o = of(1, 2)
    local first, second
    for _, s in o:each() do
      assert.is_true(first == nil or first == s)
      first = s
    end
    for _, s in o:each() do second = s end
    assert.not_equal(first, second)
    assert.is_function(first.unsubscribe)
  end)

  it("take, unsubscribe before break, and on Lua 5.4 break alone, unsubscribe at once", function()
    local stopped = 0
    local o = appsync.observable(function(observer)
      for i = 1, 10 do observer:next(i) end
      return function() stopped = stopped + 1 end
    end)
    for _ in o:take(2):each() do end -- luacheck: ignore 542
    assert.equal(1, stopped)
    for _, s in o:each() do
      s:unsubscribe()
      break
    end
    assert.equal(2, stopped)
    if HAS_CLOSE then
      for _ in o:each() do break end
      assert.equal(3, stopped)
    end
  end)

  it("observable:next keeps one pull subscription", function()
    local n = 0
    local o = appsync.observable(function(observer)
      n = n + 1
      for i = 1, 3 do observer:next(i) end
      observer:complete()
    end)
    assert.equal(1, o:next())
    assert.equal(2, o:next(1))
    assert.equal(3, o:next{ timeout = 1 })
    local value, err = o:next()
    assert.is_nil(value)
    assert.is_nil(err)
    assert.equal(1, n)
  end)

  it("next on a subscription with callbacks throws", function()
    local s = appsync.subject():subscribe{ next = function() end }
    local ok, message = pcall(s.next, s)
    assert.is_false(ok)
    has(message, "subscribe()")
  end)

  it("an unsubscribed pull subscription gives the end to who waits", function()
    local s = appsync.subject():subscribe()
    local t = appsync.spawn(function() return "ended", s:next() end)
    appsync.sleep(0.002)
    s:unsubscribe()
    local what, value, err = t:await(1)
    assert.equal("ended", what)
    assert.is_nil(value)
    assert.is_nil(err)
  end)

  it("ready is true at once where no service has to acknowledge", function()
    local s = appsync.subject():subscribe()
    assert.is_true(s:ready())
    assert.is_true(s:ready(1))
  end)

  it("dropped counts from 0", function()
    assert.equal(0, appsync.subject():subscribe().dropped)
  end)
end)
