-- Observables (the API's section 4), by the public names only: from functions, from subjects, and from the local server.
-- luacheck: ignore 512 (loops that are left at once are tested here)
local appsync = require "appsync"
local process = require "spec.support.process"
local server = require "spec.support.server"

local HAS_CLOSE = _VERSION == "Lua 5.4"
local BOUND = 10

local SCHEMA = [[
type Note { text: String list: [Int] }
type Query { one: Int }
type Mutation { note(text: String): Note other(text: String): Note }
type Subscription {
  onNote(text: String): Note @aws_subscribe(mutations: ["note"])
  onOther: Note @aws_subscribe(mutations: ["other"])
}
]]
local RESOLVERS = [[
local function note(context) return { text = context.arguments.text } end
return { Query = { one = function() return 1 end }, Mutation = { note = note, other = note } }
]]
local NOTE = "mutation($text: String) { note(text: $text) { text list } }"
local OTHER = "mutation($text: String) { other(text: $text) { text list } }"
local ON_NOTE = "subscription { onNote { text list } }"
local ON_OTHER = "subscription { onOther { text list } }"

local function has(text, part)
  assert.is_truthy(tostring(text):find(part, 1, true), ("%q isn't in %q"):format(part, tostring(text)))
end

-- An observable of the values, which then ends.
local function of(...)
  local values, n = { ... }, select("#", ...)
  return appsync.observable(function(observer)
    for i = 1, n do observer:next(values[i]) end
    observer:complete()
  end)
end

local function failing(message, ...)
  local values = { ... }
  return appsync.observable(function(observer)
    for _, value in ipairs(values) do observer:next(value) end
    observer:error(message)
  end)
end

-- Everything up to the end, and why it ended.
local function all(observable)
  local got = {}
  local ok, err = observable:for_each(function(event) got[#got + 1] = event end, { timeout = BOUND })
  return got, err, ok
end

local function wait_for(fn)
  for _ = 1, 2000 do
    if fn() then return true end
    appsync.sleep(0.005)
  end
  error("waited too long", 2)
end

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
      appsync.sleep(0.02)
      order[#order + 1] = "slow ends " .. value
    end }
    subject:subscribe{ next = function(value) order[#order + 1] = "fast " .. value end }
    subject:next(1)
    subject:next(2)
    appsync.sleep(0.1)
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
    failing("x"):subscribe{ error = function()
      appsync.sleep(0.002)
      order[#order + 1] = "error"
    end }
    appsync.sleep(0.02)
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
    for _ = 1, 4 do collectgarbage() end
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
    for _ = 1, 4 do collectgarbage() end
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
    subject:debounce(0.02):subscribe{ next = function(v) got[#got + 1] = v end }
    subject:next(1)
    subject:next(2)
    appsync.sleep(0.06)
    subject:next(3)
    subject:complete()
    appsync.sleep(0.005)
    assert.same({ 2, 3 }, got)
  end)

  it("throttle gives the first event and drops the following for a time", function()
    local subject = appsync.subject()
    local got = {}
    subject:throttle(0.03):subscribe{ next = function(v) got[#got + 1] = v end }
    subject:next(1)
    subject:next(2)
    appsync.sleep(0.06)
    subject:next(3)
    appsync.sleep(0.005)
    assert.same({ 1, 3 }, got)
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

describe("the contract of subscriptions of the service:", function()
  local service, client, log

  setup(function()
    service = server.start{ schema = SCHEMA, resolvers = RESOLVERS, arguments = { "--trace" } }
  end)
  teardown(function() process.stop_all() end)

  before_each(function()
    log = {}
    client = appsync.client{
      endpoint = service.endpoint, auth = { type = "API_KEY", api_key = server.API_KEY }, retry = { base = 0.02, cap = 0.1 },
      log = function(level, message) log[#log + 1] = level .. " " .. message end,
    }
  end)
  after_each(function() client:close(5) end)

  local function ready(s)
    assert.is_true(appsync.assert(s:ready(BOUND)))
    return s
  end

  local function starts()
    local _, n = service.log():gsub('"type":"start"', "")
    return n
  end

  local function note(text) appsync.assert(client:mutate(NOTE, { text = text })) end

  it("cold: nothing is sent before subscribe", function()
    local before = #service.log()
    local o = client:subscribe(ON_NOTE):map(function(d) return d.onNote end)
    appsync.sleep(0.02)
    assert.equal(before, #service.log())
    assert.equal("Disconnected", client.connection.state)
    local s = ready(o:subscribe())
    assert.equal("Connected", client.connection.state)
    s:unsubscribe()
  end)

  it("callbacks get data and err; state tells subscribed", function()
    local events, states = {}, {}
    local s = client:subscribe(ON_NOTE):map(function(d) return d.onNote end):filter(function(t) return t.text ~= "b" end):subscribe{
      next = function(event, err) events[#events + 1] = { event.text, err } end,
      state = function(state) states[#states + 1] = state end,
    }
    ready(s)
    note "a"
    note "b"
    note "c"
    wait_for(function() return #events == 2 end)
    assert.same({ { "a" }, { "c" } }, events)
    assert.same({ "subscribed" }, states)
    s:unsubscribe()
  end)

  it("equal subscriptions share one server subscription; each has its own buffer and its own tables", function()
    local before = starts()
    local a = ready(client:subscribe(ON_NOTE):subscribe())
    local b = ready(client:subscribe(ON_NOTE):subscribe())
    assert.equal(before + 1, starts())
    note "x"
    local of_a, of_b = a:next(BOUND), b:next(BOUND)
    assert.equal("x", of_a.onNote.text)
    assert.equal("x", of_b.onNote.text)
    of_a.onNote.text = "changed"
    assert.equal("x", of_b.onNote.text)
    a:unsubscribe()
    note "y"
    assert.equal("y", b:next(BOUND).onNote.text)
    b:unsubscribe()
  end)

  it("the last one out stops it", function()
    local a = ready(client:subscribe(ON_NOTE):subscribe())
    local b = ready(client:subscribe(ON_NOTE):subscribe())
    local function stops()
      local _, n = service.log():gsub('"type":"stop"', "")
      return n
    end
    local before = stops()
    a:unsubscribe()
    note "z"
    b:next(BOUND)
    assert.equal(before, stops())
    b:unsubscribe()
    wait_for(function() return stops() == before + 1 end)
  end)

  it("one that joins gets events from then on", function()
    local a = ready(client:subscribe(ON_NOTE):subscribe())
    note "early"
    assert.equal("early", a:next(BOUND).onNote.text)
    local b = ready(client:subscribe(ON_NOTE):subscribe())
    note "late"
    assert.equal("late", b:next(BOUND).onNote.text)
    assert.equal("late", a:next(BOUND).onNote.text)
    a:unsubscribe()
    b:unsubscribe()
  end)

  it("share = false, other variables and another document opt out", function()
    local before = starts()
    local query = "subscription($text: String) { onNote(text: $text) { text } }"
    local list = {
      client:subscribe(ON_NOTE):subscribe(), client:subscribe(ON_NOTE, nil, { share = false }):subscribe(),
      client:subscribe(query, { text = "p" }):subscribe(), client:subscribe(query, { text = "q" }):subscribe(),
      client:subscribe(query, { text = "q" }):subscribe(),
    }
    for _, s in ipairs(list) do ready(s) end
    assert.equal(before + 4, starts())
    note "q"
    assert.equal("q", list[4]:next(BOUND).onNote.text)
    assert.equal("q", list[5]:next(BOUND).onNote.text)
    assert.equal("timeout", select(2, list[3]:next(0.02)).kind)
    for _, s in ipairs(list) do s:unsubscribe() end
  end)

  it("merge of subscriptions is ready when both are", function()
    local s = ready(client:subscribe(ON_NOTE):merge(client:subscribe(ON_OTHER)):subscribe())
    note "m"
    appsync.assert(client:mutate(OTHER, { text = "n" }))
    local first, second = s:next(BOUND), s:next(BOUND)
    assert.is_truthy((first.onNote or first.onOther) and (second.onNote or second.onOther))
    s:unsubscribe()
  end)

  it("a refused subscription fails with the reason: ready, next, s.err and error all tell", function()
    local o = client:subscribe "subscription { nothing { text } }"
    local s = o:subscribe()
    local ok, err = s:ready(BOUND)
    assert.is_nil(ok)
    assert.equal("graphql", err.kind)
    local event, next_err = s:next(BOUND)
    assert.is_nil(event)
    assert.equal(err, next_err)
    assert.equal(err, s.err)
    local told
    o:subscribe{ error = function(e) told = e end }
    wait_for(function() return told end)
    assert.equal("graphql", told.kind)
  end)

  it("without an error callback the error is logged once", function()
    client:subscribe("subscription { nothing { text } }"):subscribe{ next = function() end }
    wait_for(function() return #log > 0 end)
    appsync.sleep(0.02)
    assert.equal(1, #log, table.concat(log, "\n"))
  end)

  it("a subscription completes when its client closes", function()
    local completed = false
    local s = ready(client:subscribe(ON_NOTE):subscribe())
    client:subscribe(ON_NOTE):subscribe{ complete = function() completed = true end, error = function(e) completed = e end }
    client:close(5)
    local event, err = s:next(BOUND)
    assert.is_nil(event)
    assert.is_nil(err)
    wait_for(function() return completed end)
    assert.is_true(completed)
  end)

  it("a subscription of a closed client fails with kind closed", function()
    client:close(5)
    local s = client:subscribe(ON_NOTE):subscribe()
    local ok, err = s:ready(1)
    assert.is_nil(ok)
    assert.equal("closed", err.kind)
  end)

  it("observable:next and each work on the service's events, for_each with take ends", function()
    local o = client:subscribe(ON_NOTE):map(function(d) return d.onNote.text end)
    local _, err = o:next(0.001)
    assert.equal("timeout", err.kind)
    wait_for(function()
      note "n1"
      return o:next(0.05)
    end)
    local got = {}
    local feeder = appsync.spawn(function()
      while true do
        note "e"
        appsync.sleep(0.005)
      end
    end)
    for event, s in o:each() do
      got[#got + 1] = event
      if #got == 2 then
        s:unsubscribe()
        break
      end
    end
    assert.same({ "e", "e" }, got)
    got = {}
    assert.is_true(o:take(2):for_each(function(event) got[#got + 1] = event end))
    assert.same({ "e", "e" }, got)
    feeder:cancel()
  end)

  it("overflow: pause loses nothing, drop_oldest counts and tells, error ends", function()
    local paused = ready(client:subscribe(ON_NOTE, nil, { buffer = 2 }):subscribe())
    local dropping = ready(client:subscribe(ON_NOTE, nil, { buffer = 2, overflow = "drop_oldest", share = false }):subscribe())
    local failing_one = ready(client:subscribe(ON_NOTE, nil, { buffer = 2, overflow = "error", share = false }):subscribe())
    local told = 0
    client.connection:observe():subscribe{ next = function(_, err) told = told + (err and err.dropped or 0) end }
    for i = 1, 20 do note("n" .. i) end
    for i = 1, 20 do assert.equal("n" .. i, appsync.assert(paused:next(BOUND)).onNote.text) end
    local last
    repeat
      local event = dropping:next(0.2)
      last = event and event.onNote.text or last
    until not event
    assert.equal("n20", last)
    assert.is_true(dropping.dropped > 0 and dropping.dropped < 20, dropping.dropped)
    assert.equal(dropping.dropped, told)
    local err
    repeat
      local event
      event, err = failing_one:next(1)
    until not event
    assert.equal(err, failing_one.err)
    assert.equal("string", type(err.kind))
    assert.not_equal("timeout", err.kind)
    assert.equal(0, paused.dropped)
    paused:unsubscribe()
    dropping:unsubscribe()
  end)

  it("a pull subscription that is collected stops its server subscription", function()
    local function stops()
      local _, n = service.log():gsub('"type":"stop"', "")
      return n
    end
    local before = stops()
    local function leave() ready(client:subscribe(ON_NOTE):subscribe()) end
    leave()
    wait_for(function()
      collectgarbage()
      return stops() == before + 1
    end)
  end)

  it("a pending call keeps its client alive", function()
    local got
    local function leave()
      appsync.client{ endpoint = service.endpoint, auth = { type = "API_KEY", api_key = server.API_KEY } }
        :query("{ one }", nil, { on_result = function(data, err) got = data or err end })
    end
    leave()
    for _ = 1, 4 do collectgarbage() end
    wait_for(function() return got end)
    assert.equal(1, got.one)
  end)

  it("a connection that comes back is state reconnecting, then subscribed, and no error", function()
    local port = service.endpoint:match ":(%d+)/"
    local states, errs = {}, 0
    local s = client:subscribe(ON_NOTE):subscribe{
      state = function(state) states[#states + 1] = state end,
      error = function() errs = errs + 1 end, complete = function() errs = errs + 1 end,
    }
    local seen = {}
    local observer = client.connection:observe():subscribe{ next = function(state) seen[state] = true end }
    ready(s)
    service.stop()
    wait_for(function() return #states == 2 end)
    assert.not_equal("Connected", client.connection.state)
    service = server.start{ schema = SCHEMA, resolvers = RESOLVERS, port = port, arguments = { "--trace" } }
    wait_for(function() return #states == 3 end)
    assert.same({ "subscribed", "reconnecting", "subscribed" }, states)
    assert.equal(0, errs)
    assert.is_true(seen.Connected and seen.Connecting)
    assert.equal("Connected", client.connection.state)
    observer:unsubscribe()
    s:unsubscribe()
  end)
end)
