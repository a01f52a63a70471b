-- Operators, `appsync.observable` and subjects, by the public names only.
-- luacheck: ignore 512 (loops that are left at once are tested here)
local appsync = require "appsync"
local sources = require "spec.support.sources"
local wait_for = require "spec.support.wait"
local has = require("spec.support.text").has

local of, failing = sources.of, sources.failing
local BOUND = 10

-- Everything up to the end, and why it ended.
local function all(observable)
  local got = {}
  local ok, err = observable:for_each(function(event) got[#got + 1] = event end, { timeout = BOUND })
  return got, err, ok
end

describe("the contract of operators:", function()
  it("map; nil drops the event", function()
    assert.same({ 10, 30 }, (all(of(1, 2, 3):map(function(x) return x ~= 2 and x * 10 or nil end))))
  end)

  it("filter, scan with a seed, take, skip, first", function()
    assert.same({ 2 }, (all(of(1, 2, 3):filter(function(x) return x == 2 end))))
    assert.same({ 11, 13, 16 }, (all(of(1, 2, 3):scan(function(sum, x) return sum + x end, 10))))
    assert.same({ 1, 2 }, (all(of(1, 2, 3):take(2))))
    assert.same({}, (all(of(1, 2, 3):take(0))))
    assert.same({ 1, 2, 3 }, (all(of(1, 2, 3):take(9))))
    assert.same({ 3 }, (all(of(1, 2, 3):skip(2))))
    assert.same({ 1 }, (all(of(1, 2, 3):first())))
    assert.same({}, (all(of():first())))
  end)

  it("scan begins anew for each subscription", function()
    local o = of(1, 2):scan(function(sum, x) return sum + x end, 0)
    assert.same({ 1, 3 }, (all(o)))
    assert.same({ 1, 3 }, (all(o)))
  end)

  it("distinct compares with the event before, by a key too", function()
    assert.same({ 1, 2, 1 }, (all(of(1, 1, 2, 2, 1):distinct())))
    local got = all(of({ k = 1, v = 1 }, { k = 1, v = 2 }, { k = 2, v = 3 }):distinct(function(t) return t.k end))
    assert.equal(2, #got)
    assert.equal(3, got[2].v)
  end)

  it("take_until ends when the other emits", function()
    local stop, subject = appsync.subject(), appsync.subject()
    local got, ended = {}, false
    subject:take_until(stop):subscribe{ next = function(v) got[#got + 1] = v end, complete = function() ended = true end }
    subject:next(1)
    appsync.sleep(0.002)
    stop:next(true)
    subject:next(2)
    appsync.sleep(0.002)
    assert.same({ 1 }, got)
    assert.is_true(ended)
  end)

  it("merge gives the events of several and ends when all have ended", function()
    local got, none = all(of(1, 2):merge(of(3), of(4)))
    table.sort(got)
    assert.same({ 1, 2, 3, 4 }, got)
    assert.is_nil(none)
    local _, err = all(of(1):merge(failing "broken"))
    has(err.message, "broken")
  end)

  it("debounce gives the last event of a burst; what is left at the end", function()
    local subject = appsync.subject()
    local got = {}
    local has_ended = false
    subject:debounce(0.02):subscribe{ next = function(v) got[#got + 1] = v end, complete = function() has_ended = true end }
    subject:next(1)
    subject:next(2)
    wait_for(function() return got[1] end)
    assert.same({ 2 }, got)
    subject:next(3)
    subject:complete()
    wait_for(function() return has_ended end)
    assert.same({ 2, 3 }, got)
  end)

  it("throttle gives the first event and drops the following for a time", function()
    local function record(seconds)
      local subject, got = appsync.subject(), {}
      subject:throttle(seconds):subscribe{ next = function(v) got[#got + 1] = v end }
      return subject, got
    end
    local closed, first = record(3600)
    for i = 1, 3 do closed:next(i) end
    closed:complete()
    local open, got = record(0.001)
    wait_for(function() -- each is another event; the one that comes when the time is over passes
      open:next(#got + 1)
      return #got >= 2
    end)
    assert.same({ 1, 2 }, got)
    assert.same({ 1 }, first)
  end)

  it("buffer gives lists of n, of what there is after s seconds, and the rest at the end", function()
    assert.same({ { 1, 2 }, { 3 } }, (all(of(1, 2, 3):buffer(2))))
    assert.equal("[[1,2]]", appsync.encode((all(of(1, 2):buffer(2)))))
    local subject = appsync.subject()
    local s = subject:buffer(100, 0.01):subscribe()
    subject:next(1)
    subject:next(2)
    assert.same({ 1, 2 }, (s:next(1)))
    s:unsubscribe()
  end)

  it("catch goes on with what the function gives", function()
    assert.same({ 1, 2, 3 }, (all(failing("broken", 1):catch(function(err)
      has(err.message, "broken")
      return of(2, 3)
    end))))
    local got, err = all(failing("broken", 1):catch(function() end))
    assert.same({ 1 }, got)
    assert.is_nil(err)
    err = select(2, all(failing("broken", 1):catch(function() error "again" end)))
    has(err.message, "again")
  end)

  it("tap sees each event, may wait, and changes nothing", function()
    local seen = {}
    local got = all(of(1, 2):tap(function(v)
      appsync.sleep(0.001)
      seen[#seen + 1] = v
      return 99
    end))
    assert.same({ 1, 2 }, seen)
    assert.same({ 1, 2 }, got)
  end)

  it("a function that throws ends the subscription with error", function()
    for name, make in pairs{
      map = function(o) return o:map(function() error "thrown" end) end,
      filter = function(o) return o:filter(function() error "thrown" end) end,
      scan = function(o) return o:scan(function() error "thrown" end, 0) end,
      distinct = function(o) return o:distinct(function() error "thrown" end) end,
      tap = function(o) return o:tap(function() error "thrown" end) end,
    } do
      local _, err, ok = all(make(of(1)))
      assert.is_nil(ok, name)
      has(err.message, "thrown")
    end
  end)

  it("for_each waits for the end: true, or nil and err", function()
    local _, err, ok = all(of(1))
    assert.is_true(ok)
    assert.is_nil(err)
    _, err, ok = all(failing "broken")
    assert.is_nil(ok)
    has(err.message, "broken")
    ok, err = of(1):for_each(function() error "thrown" end)
    assert.is_nil(ok)
    has(err.message, "thrown")
    ok, err = appsync.subject():for_each(function() end, { timeout = 0.001 })
    assert.is_nil(ok)
    assert.equal("timeout", err.kind)
  end)

  it("chained operators and err beside events work together", function()
    local o = of(1, 2, 3, 4, 5):map(function(x) return x * 2 end):filter(function(x) return x > 2 end):skip(1):take(2)
    assert.same({ 6, 8 }, (all(o)))
  end)
end)

describe("the contract of appsync.observable and subject:", function()
  it("the teardown runs once: at unsubscribe, at the end, at a failure", function()
    for name, finish in pairs{
      unsubscribe = function(s) s:unsubscribe() end,
      complete = function(_, observer) observer:complete() end,
      error = function(_, observer) observer:error "x" end,
    } do
      local n, given = 0, nil
      local s = appsync.observable(function(observer)
        given = observer
        return function() n = n + 1 end
      end):subscribe{ error = function() end }
      finish(s, given)
      appsync.sleep(0.002)
      s:unsubscribe()
      assert.equal(1, n, name)
    end
  end)

  it("observer functions work with a dot and with a colon, and do nothing after the end", function()
    assert.same({ 1, 2 }, (all(appsync.observable(function(observer)
      observer.next(1)
      observer:next(2)
      observer.complete()
      observer.next(3)
      observer:error "late"
    end))))
  end)

  it("a subscribe function that throws is a failure of the observable", function()
    local _, err = all(appsync.observable(function() error "thrown" end))
    has(err.message, "thrown")
  end)

  it("a teardown that throws does no harm", function()
    local ended = false
    local o = appsync.observable(function(observer)
      observer:next(1)
      return function() error "thrown in teardown" end
    end)
    local s = o:subscribe()
    assert.equal(1, s:next(1))
    assert.is_true(pcall(s.unsubscribe, s))
    assert.is_nil((s:next(1)))
    o:take(1):subscribe{ complete = function() ended = true end }
    appsync.sleep(0.002)
    assert.is_true(ended)
    local function leave() o:subscribe() end
    leave()
    for _ = 1, 4 do assert.is_true(pcall(collectgarbage)) end
  end)

  it("an observer may be fed later, by a task", function()
    local o = appsync.observable(function(observer)
      local t = appsync.spawn(function()
        for i = 1, 3 do
          appsync.sleep(0.001)
          observer:next(i)
        end
        observer:complete()
      end)
      return function() t:cancel() end
    end)
    assert.same({ 1, 2, 3 }, (all(o)))
    assert.same({ 1 }, (all(o:take(1))))
  end)

  it("a subject gives each event to those that are subscribed then; a late one gets the end only", function()
    local subject = appsync.subject()
    local a = subject:subscribe()
    subject:next(1)
    local b = subject:map(function(x) return x * 10 end):subscribe()
    subject:next(2)
    subject:complete()
    subject:next(3)
    assert.equal(1, a:next(1))
    assert.equal(2, a:next(1))
    assert.is_nil((a:next(1)))
    assert.equal(20, b:next(1))
    assert.is_nil((b:next(1)))
    local c = subject:subscribe()
    local value, err = c:next(1)
    assert.is_nil(value)
    assert.is_nil(err)
  end)

  it("a subject's error reaches everyone, an error object as it is", function()
    local subject = appsync.subject()
    local a = subject:subscribe()
    subject:error "broken"
    local _, err = a:next(1)
    has(err.message, "broken")
    assert.equal(err, select(2, subject:subscribe():next(1)))
  end)
end)
