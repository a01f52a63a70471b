-- Mutations of a client with a store: in its outbox, with and without a network, until the service has answered.
local appsync = require "appsync"
local outbox = require "spec.support.outbox"
local wait_for = require "spec.support.wait"

local CREATE, UPDATE, LIST, SLOW = outbox.CREATE, outbox.UPDATE, outbox.LIST, outbox.SLOW
local todo = outbox.todo

describe("a mutation with an outbox", function()
  local client

  setup(function() outbox.begin() end)
  teardown(outbox.finish)
  before_each(function()
    outbox.new_store()
    client = outbox.connect()
  end)
  after_each(outbox.close_all)

  local function shown(id)
    local data = client:read_fragment("Todo:" .. id, "fragment F on Todo { name }")
    return data and data.name
  end

  it("is answered by the service, is in the log of outcomes, and leaves the outbox", function()
    local data, err, info = client:mutate(CREATE, { id = "a1", name = "one" })
    assert.is_nil(err)
    assert.equal("one", data.createTodo.name)
    assert.same({ "network", 200, nil }, { info.source, info.status, info.queued })
    assert.matches("^%x%x%x%x%x%x%x%x%-%d+$", info.id)
    assert.is_false(client:is_optimistic(data))
    assert.equal(0, client.outbox:size())
    assert.same({}, client.outbox:list())
    local results = assert(client.outbox:results())
    assert.same({ info.id, "createTodo", "one", true },
      { results[1].id, results[1].mutation, results[1].data.createTodo.name, results[1].notified })
    assert.same({}, client.outbox:results(results[1].number))
    assert.same({}, outbox.outcomes)
    assert.equal("one", shown "a1")
  end)

  it("without a network is shown, listed, and sent when there is one again", function()
    client:set_online(false)
    local response = todo("b1", "one?")
    local data, err, info = client:mutate(CREATE, { id = "b1", name = "one" }, { optimistic_response = response })
    assert.is_nil(err)
    assert.equal(response, data)
    assert.is_true(client:is_optimistic(data))
    assert.same({ source = "optimistic", queued = true, id = info.id }, info)
    assert.equal("one?", shown "b1")
    local entry = client.outbox:list()[1]
    assert.same({ info.id, "createTodo", { id = "b1", name = "one" }, 0, "API_KEY" },
      { entry.id, entry.mutation, entry.variables, entry.attempts, entry.mode })
    assert.is_true(math.abs(os.time() - entry.created) < 60)
    local status = client.outbox:status()
    assert.same({ "waiting_network", 1, info.id }, { status.state, status.size, status.head })
    assert.equal(1, client:stats().queued)
    local drained, drain_err = client.outbox:drain(0.05)
    assert.is_nil(drained)
    assert.same({ "timeout", 1 }, { drain_err.kind, drain_err.size })
    client:set_online(true)
    assert(client.outbox:drain(10))
    assert.equal("one", outbox.names "b1")
    assert.equal("one", shown "b1")
    wait_for(function() return outbox.outcomes[1] end, "the callback")
    assert.same({ info.id, "createTodo", { id = "b1", name = "one" }, "one" }, {
      outbox.outcomes[1].id, outbox.outcomes[1].mutation, outbox.outcomes[1].variables, outbox.outcomes[1].data.createTodo.name,
    })
  end)

  it("fails where the store's file isn't there any more, and goes on once it is back", function()
    local _, path = outbox.place()
    client:set_online(false)
    assert(client:mutate(CREATE, { id = "m1", name = "one" }))
    assert(os.rename(path, path .. ".moved"))
    local data, err = client:mutate(CREATE, { id = "m2", name = "two" })
    assert.same({ nil, "storage", "missing" }, { data, err.kind, err.code })
    assert.matches("nothing was queued: the store's file was moved, replaced or deleted while it was open", err.message, 1, true)
    assert(os.rename(path .. ".moved", path))
    wait_for(function() return client:mutate(CREATE, { id = "m3", name = "three" }) end, "the store")
    assert.equal(2, client.outbox:size())
    client:set_online(true)
    assert(client.outbox:drain(10))
    assert.same({ "one", "three" }, { outbox.names "m1", outbox.names "m3" })
    assert.equal("", outbox.names "m2")
  end)

  it("without a response is null in fragments, too", function()
    client:set_online(false)
    local document = "mutation M { ... on Mutation { ...F } } fragment F on Mutation { a: slow(n: 1) slow(n: 2) }"
    assert.same({ a = appsync.null, slow = appsync.null }, (client:mutate(document)))
  end)

  it("without a response is null as long as nobody knows", function()
    client:set_online(false)
    local data, _, info = client:mutate(CREATE, { id = "c1", name = "one" })
    assert.same({ createTodo = appsync.null }, data)
    assert.is_true(client:is_optimistic(data))
    assert.is_true(info.queued)
    assert.is_nil(shown "c1")
  end)

  it("waits after set_online(false), and its status says so", function()
    client:set_online(false)
    assert(client:mutate(CREATE, { id = "r1", name = "one" }))
    local status = client.outbox:status()
    assert.same({ "waiting_network", "set_online(false) was called" }, { status.state, status.reason })
  end)

  it("is sent when a server that was down is up again, in the order of the calls", function()
    assert(client:query(LIST))
    outbox.down()
    for i = 1, 3 do
      local _, err, info = client:mutate(CREATE, { id = "d" .. i, name = "n" .. i })
      assert.is_nil(err)
      assert.is_true(info.queued)
    end
    local _, _, info = client:mutate(UPDATE, { id = "d1", name = "renamed" })
    assert.is_true(info.queued)
    assert.equal(4, client.outbox:size())
    outbox.up()
    assert(client.outbox:drain(30))
    assert.equal("renamed n2 n3", outbox.names "d")
  end)

  it("shows in watches at once, and its update runs for the answer as well", function()
    assert(client:query(LIST))
    client:set_online(false)
    local seen = {}
    assert(client:mutate(CREATE, { id = "e1", name = "one" }, {
      optimistic_response = todo("temporary", "one?"),
      update = function(cache, result)
        seen[#seen + 1] = result.data.createTodo.name
        cache:modify("ROOT_QUERY", "listTodos", function(list) list.items:add(result.data.createTodo) end)
      end,
    }))
    local function last()
      local items = client:read_query(LIST).listTodos.items
      return items[#items].id .. " " .. items[#items].name
    end
    assert.equal("temporary one?", last())
    client:set_online(true)
    assert(client.outbox:drain(10))
    wait_for(function() return last() == "e1 one" end, "the answer in the list")
    assert.same({ "one?", "one" }, seen)
  end)

  it("outlives the client that has made it, and is sent by one that only opens the store", function()
    client:set_online(false)
    local _, _, info = client:mutate(CREATE, { id = "f1", name = "one" }, { optimistic_response = todo("f1", "one?") })
    local n = 0
    client = outbox.restart{ updates = { createTodo = function(_, result)
      n = n + (result.data.createTodo.name == "one" and 1 or 100)
    end } }
    client:set_online(false)
    assert(client:hydrated(10))
    assert.equal("one?", shown "f1")
    assert.equal(info.id, client.outbox:list()[1].id)
    client:set_online(true)
    assert(client.outbox:drain(10))
    wait_for(function() return outbox.outcomes[1] end, "the callback")
    assert.equal(info.id, outbox.outcomes[1].id)
    assert.equal(1, n)
    assert.equal("one", outbox.names "f1")
    client = outbox.restart()
    assert(client:hydrated(10))
    appsync.sleep(0.1)
    assert.same({ 0, {} }, { client.outbox:size(), outbox.outcomes })
  end)

  it("without a response gets the client's update in the run that brings the answer, and in no other", function()
    client:set_online(false)
    assert(client:mutate(CREATE, { id = "k1", name = "one" }))
    local n, n_calls = 0, 0
    local function callback()
      n_calls = n_calls + 1
      error("not yet", 0)
    end
    local options = { updates = { createTodo = function() n = n + 1 end }, offline = { callback = callback } }
    client = outbox.restart(options)
    assert(client:hydrated(10))
    wait_for(function() return n_calls == 1 end, "the callback")
    assert.equal(1, n)
    client = outbox.restart(options)
    assert(client:hydrated(10))
    wait_for(function() return n_calls == 2 end, "the callback of the next run")
    assert.equal(1, n)
  end)

  it("is still executed when its wait has ended by a timeout, a cancel, or close", function()
    local _, err = client:mutate(SLOW, { n = 1 }, { timeout = 0.1 })
    assert.same({ "timeout", true }, { err.kind, err.queued })
    assert.is_string(err.id)
    assert(client.outbox:drain(10))
    wait_for(function() return outbox.outcomes[1] end, "the outcome")
    assert.same({ err.id, 1 }, { outbox.outcomes[1].id, outbox.outcomes[1].data.slow })

    local cancelled
    local task = appsync.spawn(function()
      local _, e = client:mutate(SLOW, { n = 2 })
      cancelled = e
    end)
    wait_for(function() return client.outbox:status().state == "sending" end, "the request")
    task:cancel()
    wait_for(function() return cancelled end, "the cancel")
    assert.same({ "cancelled", true }, { cancelled.kind, cancelled.queued })
    wait_for(function() return outbox.outcomes[2] end, "the outcome")
    assert.same({ cancelled.id, 2 }, { outbox.outcomes[2].id, outbox.outcomes[2].data.slow })

    local closed
    client:mutate(CREATE, { id = "g1", name = "one" }, { on_result = function(_, e) closed = e end })
    client:mutate(SLOW, { n = 3 }, { on_result = function(_, e) closed = e end })
    wait_for(function() return closed == nil and client.outbox:size() == 1 end, "the second request")
    client:close(0)
    wait_for(function() return closed end, "close")
    assert.same({ "closed", true }, { closed.kind, closed.queued })
  end)

  it("says that it is queued whenever it is, however short the wait was", function()
    local ids, n_ended = {}, 0
    for i = 1, 60 do
      local id = "k" .. i
      client:mutate(CREATE, { id = id, name = "one" }, { timeout = i / 20000, on_result = function(data, err, info)
        n_ended = n_ended + 1
        if data or err.queued then ids[info and info.id or err.id] = true end
      end })
    end
    wait_for(function() return n_ended == 60 end, "all waits")
    assert(client.outbox:drain(10))
    local results = assert(client.outbox:results())
    assert.equal(60, #results)
    for _, result in ipairs(results) do assert.is_true(ids[result.id], result.id) end
  end)

  it("is sent at once with queue = false, and fails without a network", function()
    client:set_online(false)
    local data, err, info = client:mutate(CREATE, { id = "h1", name = "one" }, { queue = false })
    assert.is_nil(err)
    assert.same({ "one", nil }, { data.createTodo.name, info.id })
    outbox.down()
    data, err = client:mutate(CREATE, { id = "h2", name = "two" }, { queue = false, optimistic_response = todo("h2", "two") })
    outbox.up()
    assert.is_nil(data)
    assert.equal("network", err.kind)
    assert.is_nil(err.queued)
    assert.is_nil(shown "h2")
    assert.equal(0, client.outbox:size())
  end)

  it("observes what becomes of the queue", function()
    local sizes = {}
    client.outbox:observe():subscribe{ next = function(status) sizes[#sizes + 1] = status.size end }
    wait_for(function() return sizes[1] end, "the first state")
    client:set_online(false)
    assert(client:mutate(CREATE, { id = "i1", name = "one" }))
    assert(client:mutate(CREATE, { id = "i2", name = "two" }))
    client:set_online(true)
    assert(client.outbox:drain(10))
    wait_for(function() return sizes[#sizes] == 0 end, "the last state")
    assert.equal(0, sizes[1])
    local most = 0
    for _, size in ipairs(sizes) do most = math.max(most, size) end
    assert.equal(2, most)
  end)

  it("asks a function for headers once for each request, and offline not at all", function()
    local asked = {}
    client = outbox.restart{ headers = function(what)
      asked[#asked + 1] = what.variables.id
      appsync.sleep(0.001)
      return { ["x-n"] = tostring(#asked) }
    end }
    client:set_online(false)
    assert(client:mutate(CREATE, { id = "j1", name = "one" }, { headers = { ["x-own"] = "o" } }))
    assert.same({}, asked)
    client:set_online(true)
    assert(client.outbox:drain(10))
    assert(client:mutate(CREATE, { id = "j2", name = "two" }))
    assert.same({ "j1", "j2" }, asked)
    assert.equal("one two", outbox.names "j")
  end)

  it("asks a function for tokens once, and offline not at all", function()
    local reasons = {}
    client = outbox.restart{ auth = { type = "AMAZON_COGNITO_USER_POOLS", token = function(reason)
      reasons[#reasons + 1] = reason
      appsync.sleep(0.001)
      return "token"
    end } }
    client:set_online(false)
    local _, _, info = client:mutate(CREATE, { id = "s1", name = "one" })
    assert.is_true(info.queued)
    assert.same({}, reasons)
    client:set_online(true)
    wait_for(function() return client.outbox:status().state == "waiting_auth" end, "that the token is refused")
    assert.same({ "first", "refused" }, { reasons[1], reasons[2] })
    assert(client.outbox:discard(info.id))
  end)

  it("is stored, and its wait can end, while a function for headers doesn't answer", function()
    client = outbox.restart{ headers = function() appsync.sleep(math.huge) end }
    local _, err = client:mutate(CREATE, { id = "t1", name = "one" }, { timeout = 0.05 })
    assert.same({ "timeout", true }, { err.kind, err.queued })
    client = outbox.restart()
    assert(client.outbox:drain(10))
    assert.equal("one", outbox.names "t1")
  end)

  it("without its store isn't queued, and the outbox says what it waits for", function()
    client = outbox.connect{ store = "/dev/null/todos.db" }
    local status = client.outbox:status()
    assert.equal("waiting_storage", status.state)
    assert.matches("cannot open the store", status.reason)
    local drained, why = client.outbox:drain(10)
    assert.is_nil(drained)
    assert.equal("storage", why.kind)
    local data, err, info = client:mutate(CREATE, { id = "q1", name = "one" })
    assert.is_nil(data)
    assert.same({ "storage", nil }, { err.kind, info.queued })
    assert.matches("^nothing was queued: ", err.message)
    assert.equal("", outbox.names "q1")
  end)

  it("asks a function for headers that takes its time no longer than the client is open", function()
    local n = 0
    client = outbox.restart{ headers = function()
      while true do
        n = n + 1
        appsync.sleep(0.001)
      end
    end }
    local _, err = client:mutate(CREATE, { id = "r1", name = "one" }, { timeout = 0.05 })
    assert.same({ "timeout", true }, { err.kind, err.queued })
    wait_for(function() return n > 1 end, "that it is asked")
    assert(client:close(5))
    local before = n
    for _ = 1, 5 do appsync.sleep(0.005) end
    assert.equal(before, n)
    assert.same({}, outbox.logged)
  end)
end)
