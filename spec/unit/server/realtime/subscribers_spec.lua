local subscribers = require("appsync.server.realtime.subscribers")

local registry, logged, delivered, rendered

local Connection = {}
Connection.__index = Connection

function Connection.deliver(_, subscriber, payload) delivered[#delivered + 1] = subscriber.id .. "=" .. payload end
function Connection.fail(_, thrown) delivered[#delivered + 1] = "failed: " .. tostring(thrown) end

local function subscription(changes)
  local s = {
    field = "on", mutations = { m = true }, render_key = "k", notes = {},
    wants = function() return true end,
    lacks = function() return nil end,
    render = function(_, value)
      rendered = rendered + 1
      return tostring(value)
    end,
    is_invalidated = function(_, payload) return payload.yes == true end,
  }
  for name, value in pairs(changes or {}) do s[name] = value end
  return s
end

local connection = setmetatable({}, Connection)

local function add(id, changes) return registry:add(connection, id, subscription(changes)) end

local function publish(value, field) registry:offer({ field = field or "m", value = value }) end

describe("the subscribers of all sockets", function()
  before_each(function()
    logged, delivered, rendered = {}, {}, 0
    registry = subscribers.new(function(text) logged[#logged + 1] = text end)
  end)

  it("get the results of their mutations, in the order in which they began", function()
    for i = 1, 5 do add(tostring(i), i == 3 and { mutations = { other = true } } or nil) end
    publish("x")
    assert.same({ "1=x", "2=x", "4=x", "5=x" }, delivered)
    publish("y", "other")
    assert.equal("3=y", delivered[5])
    publish("z", "unknown")
    assert.equal(5, #delivered)
  end)

  it("get one rendering when they get the same", function()
    for i = 1, 10 do add(tostring(i), { render_key = i <= 5 and "a" or "b" }) end
    publish("x")
    assert.equal(10, #delivered)
    assert.equal(2, rendered)
  end)

  it("are asked with the record that a result is of", function()
    add("1", { wants = function(_, _, record) return record.owner == "s1::bob" end })
    registry:offer({ field = "m", value = "x", record = { owner = "s2::bob" } })
    assert.same({}, delivered)
    registry:offer({ field = "m", value = "y", record = { owner = "s1::bob" } })
    assert.same({ "1=y" }, delivered)
  end)

  it("get nothing that they don't want, and nothing is rendered for them", function()
    add("1", { wants = function(_, value) return value == "x" end })
    publish("y")
    assert.equal(0, rendered)
    publish("x")
    assert.same({ "1=x" }, delivered)
  end)

  it("are many, and most of them may go, in any order", function()
    local all = {}
    for i = 1, 100 do all[i] = add(tostring(i)) end
    for i = 1, 100 do
      if i % 10 ~= 0 then registry:remove(all[101 - i]) end
    end
    assert.equal(10, registry.n)
    publish("x")
    assert.same({ "1=x", "11=x", "21=x", "31=x", "41=x", "51=x", "61=x", "71=x", "81=x", "91=x" }, delivered)
  end)

  it("may go twice, and leave nothing behind", function()
    local one = add("1", { mutations = { m = true, n = true } })
    registry:remove(one)
    registry:remove(one)
    assert.equal(0, registry.n)
    assert.same({}, registry.by_mutation)
    assert.same({}, registry.by_field)
    publish("x")
    assert.same({}, delivered)
  end)

  it("get no payload above 240 KB; that is counted for each, and told once", function()
    add("1")
    add("2")
    publish(("x"):rep(240 * 1024 + 1))
    assert.same({}, delivered)
    assert.equal(2, registry.n_dropped)
    assert.equal(1, rendered)
    assert.same({ "m: a payload of 245761 bytes is above the limit of 245760 and was dropped; subscribers: 2" }, logged)
    publish(("x"):rep(240 * 1024))
    assert.equal(2, #delivered)
  end)

  it("don't suffer from one that fails", function()
    add("1", { render_key = "broken", render = function() error("broken", 0) end })
    add("2", { wants = function() error("bad", 0) end })
    add("3")
    publish("x")
    assert.same({ "failed: broken", "failed: bad", "3=x" }, delivered)
  end)

  it("are told of in the log, once, when a mutation did not select what they are filtered by", function()
    local changes = { wants = function() return false end, lacks = function(_, value) return value end }
    add("1", changes)
    add("2", changes)
    publish("owner")
    publish("owner")
    publish(nil)
    assert.same({ "m: a mutation did not select 'owner', which is null in the event; a subscriber of on filters by it" }, logged)
    for i = 1, 2000 do publish("f" .. i) end
    assert.equal(1000, #logged)
  end)

  it("are found by an invalidation of their field", function()
    local one, two = add("1"), add("2")
    add("3", { field = "other" })
    add("4", { is_invalidated = function() return false end })
    assert.same({ one, two }, registry:invalidated({ invalidates = "on", payload = { yes = true } }))
    assert.same({}, registry:invalidated({ invalidates = "on", payload = {} }))
    assert.same({}, registry:invalidated({ invalidates = "nobody", payload = { yes = true } }))
    registry:remove(one)
    assert.same({ two }, registry:invalidated({ invalidates = "on", payload = { yes = true } }))
  end)

  it("have the notes of their filters logged", function()
    add("1", { notes = { "this has no effect" } })
    assert.same({ "on: this has no effect" }, logged)
  end)
end)
