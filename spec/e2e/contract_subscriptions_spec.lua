-- Subscriptions of the service, against the local server, by the public names only.
-- luacheck: ignore 512 (loops that are left at once are tested here)
local appsync = require "appsync"
local process = require "spec.support.process"
local server = require "spec.support.server"
local wait_for = require "spec.support.wait"

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

  -- The id of the newest subscription in the service's log.
  local function last_started()
    local id
    for message in service.log():gmatch("message  (%b{})") do
      if message:find('"type":"start"', 1, true) then id = message:match('"id":"(.-)"') end
    end
    return id
  end

  local function has_stopped(id)
    for message in service.log():gmatch("message  (%b{})") do
      if message:find('"type":"stop"', 1, true) and message:find(id, 1, true) then return true end
    end
    return false
  end

  it("the last one out stops it", function()
    local a = ready(client:subscribe(ON_NOTE):subscribe())
    local b = ready(client:subscribe(ON_NOTE):subscribe())
    local id = assert(last_started())
    a:unsubscribe()
    note "z"
    b:next(BOUND)
    assert.is_false(has_stopped(id))
    b:unsubscribe()
    wait_for(function() return has_stopped(id) end)
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
    local n, text = 0, nil
    wait_for(function() -- the first ones may come before the service has acknowledged it
      n = n + 1
      note("n" .. n)
      text = o:next(0.05)
      return text
    end)
    while text ~= "n" .. n do text = appsync.assert(o:next(BOUND)) end
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
    local n_left = 0
    repeat
      last = appsync.assert(dropping:next(BOUND)).onNote.text
      n_left = n_left + 1
    until last == "n20"
    assert.equal(20, n_left + dropping.dropped)
    assert.is_true(n_left < 20)
    wait_for(function() return told >= dropping.dropped end)
    assert.equal(dropping.dropped, told)
    local err
    repeat
      local event
      event, err = failing_one:next(BOUND)
    until not event
    assert.equal(err, failing_one.err)
    assert.equal("string", type(err.kind))
    assert.not_equal("timeout", err.kind)
    assert.equal(0, paused.dropped)
    paused:unsubscribe()
    dropping:unsubscribe()
  end)

  it("a pull subscription that is collected stops its server subscription", function()
    local function leave() ready(client:subscribe(ON_NOTE):subscribe()) end
    leave()
    local id = assert(last_started())
    wait_for(function()
      require("spec.support.collect")()
      return has_stopped(id)
    end)
  end)

  it("a pending call keeps its client alive", function()
    local got
    local function leave()
      appsync.client{ endpoint = service.endpoint, auth = { type = "API_KEY", api_key = server.API_KEY } }
        :query("{ one }", nil, { on_result = function(data, err) got = data or err end })
    end
    leave()
    require("spec.support.collect")()
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
