-- Watches whose request found no network ask again when it is back: once each.
local appsync = require "appsync"
local faults = require "spec.support.faults"
local process = require "spec.support.process"
local recovery = require "appsync.client.recovery"
local server = require "spec.support.server"
local timer = require "appsync.timer"
local wait_for = require "spec.support.wait"

local SCHEMA = "type Query { one: Int two: Int three: Int } type Mutation { touch: Int }\n"
  .. 'type Subscription { onTouch: Int @aws_subscribe(mutations: ["touch"]) }'
local RESOLVERS = [[
return { Query = { one = function() return 1 end, two = function() return 2 end, three = function() return 3 end },
  Mutation = { touch = function() return 1 end } }
]]
local FIELDS = { "one", "two", "three" }
local RESET = { name = "reset", match = { on = "request" }, fault = { refuse = "reset" } }

describe("a watch whose request found no network", function()
  local faulty, client, watches, real_after, due

  setup(function() faulty = faults.start{ schema = SCHEMA, resolvers = RESOLVERS } end)
  teardown(process.stop_all)

  before_each(function()
    faulty.reset()
    faulty.add(RESET)
    -- No wait ends before the test says so.
    real_after, due = timer.after, {}
    timer.after = function(seconds, fn, arg)
      if debug.getinfo(2, "S").source:find("recovery", 1, true) then
        due[#due + 1] = { seconds = seconds, fn = function() fn(arg) end }
        return real_after(1e6, fn, arg)
      end
      return real_after(seconds, fn, arg)
    end
    client = appsync.client{
      endpoint = faulty.endpoint, auth = { type = "API_KEY", api_key = server.API_KEY }, store = ":memory:",
      retry = { base = 0.01, cap = 0.02, attempts = 1 }, log = function() end,
    }
    watches = {}
  end)
  after_each(function()
    timer.after = real_after
    for _, watch in ipairs(watches) do watch.subscription:unsubscribe() end
    assert.is_true(client:close(5))
  end)

  local function watch(field, options)
    local self = { states = {} }
    self.subscription = client:watch("{ " .. field .. " }", nil, options):subscribe(function(state)
      self.states[#self.states + 1] = state
      self.last = state
    end)
    watches[#watches + 1] = self
    return self
  end

  local function watch_all(n)
    for i = 1, n do
      local one = watch(FIELDS[i])
      wait_for(function() return one.last and one.last.err and not one.last.loading end, "an error")
      assert.equal("network", one.last.err.kind)
      assert.is_nil(one.last.data)
    end
  end

  local function n_requests(field)
    return #faulty.log("?on=request&field=" .. field)
  end

  local function wait_for_data(n)
    for i = 1, n do
      wait_for(function() return watches[i].last.data end, FIELDS[i])
      assert.is_nil(watches[i].last.err)
      assert.equal(i, watches[i].last.data[FIELDS[i]])
    end
  end

  -- Nothing is under way, and nothing is going to be.
  local function settle()
    for _ = 1, 5 do client:query("{ __typename }", nil, { fetch_policy = "no-cache" }) end
    wait_for(function() return client:stats().operations_in_flight == 0 end, "quiet")
  end

  it("asks once when the host says that it is back", function()
    watch_all(3)
    client:set_online(false)
    client:set_online(true)
    settle()
    local before = client:stats().requests
    faulty.remove "reset"
    client:set_online(true)
    wait_for_data(3)
    settle()
    assert.equal(before + 3 + 5, client:stats().requests)
    client:set_online(true) -- which everybody knows
    settle()
    assert.equal(before + 3 + 10, client:stats().requests)
  end)

  it("asks once when anybody was answered", function()
    watch_all(3)
    faulty.remove "reset"
    local before = client:stats().requests
    assert(client:query("{ __typename }", nil, { fetch_policy = "no-cache" }))
    wait_for_data(3)
    settle()
    assert.equal(before + 1 + 3 + 5, client:stats().requests)
    assert.equal(2, #watches[1].states) -- its error, and its data
  end)

  it("asks when the realtime connection is back", function()
    watch_all(2)
    faulty.remove "reset"
    local s = client:subscribe("subscription { onTouch }"):subscribe()
    assert.is_true(s:ready(10))
    wait_for_data(2)
    s:unsubscribe()
  end)

  it("tries by itself, one for all, after longer and longer waits, and tells nobody of what is as before", function()
    watch_all(3)
    local seconds = {}
    for i = 1, 7 do
      assert.equal(i, #due)
      seconds[i] = due[i].seconds
      local before = client:stats().requests
      due[i].fn()
      wait_for(function() return client:stats().requests == before + 1 and client:stats().operations_in_flight == 0 end, "a try")
      wait_for(function() return #client.root.recovery.waiting == 3 end, "its end")
    end
    for i, most in ipairs{ 0.2, 0.4, 0.8, 1.6, 3.2, 4, 4 } do assert.is_true(seconds[i] >= 0 and seconds[i] < most, i) end
    for i = 1, 3 do assert.equal(1, #watches[i].states) end
    faulty.remove "reset"
    local before = client:stats().requests
    due[8].fn()
    wait_for_data(3)
    settle()
    assert.equal(before + 3 + 5, client:stats().requests)
    assert.same({}, client.root.recovery.waiting)
  end)

  it("doesn't try while the host says that there is none, and not after the last subscriber has left", function()
    watch_all(1)
    assert.equal(1, #due)
    client:set_online(false)
    assert.is_nil(client.root.recovery.timer)
    local other = watch "two"
    wait_for(function() return other.last and other.last.err and not other.last.loading end, "an error")
    assert.equal("offline", other.last.err.code)
    assert.equal(1, #due)
    for _, one in ipairs(watches) do one.subscription:unsubscribe() end
    assert.same({}, client.root.recovery.waiting)
    faulty.remove "reset"
    local before = client:stats().requests
    client:set_online(true)
    settle()
    assert.equal(before + 5, client:stats().requests)
  end)

  it("isn't asked again for what the service has answered", function()
    faulty.clear()
    faulty.add{ match = { on = "request" }, fault = { refuse = { status = 503 } } }
    local one = watch "one"
    wait_for(function() return one.last and one.last.err and not one.last.loading end, "an error")
    assert.is_true(one.last.err.kind ~= "network" and one.last.err.status == 503)
    assert.same({}, client.root.recovery.waiting)
    faulty.clear()
    client:set_online(true)
    settle()
    assert.equal(1, n_requests "one")
  end)

  it("is left alone by what it doesn't wait for", function()
    local all = recovery.new(function() return false end)
    local asked = {}
    local function waiter(name) return { ask_anew = function() asked[#asked + 1] = name end } end
    local a, b = waiter "a", waiter "b"
    all:wait(a)
    all:wait(b)
    all:wait(a)
    all:leave(b)
    all:leave(b)
    all:reached()
    all:reached()
    assert.same({ "a" }, asked)
  end)
end)
