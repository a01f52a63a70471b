-- client:watch: subscribers that come and go while something is under way, failures, and layers below what is changed.
local appsync = require "appsync"
local kept = require "spec.support.kept"

describe("a watch", function()
  setup(kept.begin)
  after_each(kept.close_all)
  teardown(kept.finish)

  -- A client whose requests wait until `gate.is_open`.
  local function gated(options)
    local gate = { is_open = true, n_waiting = 0 }
    options = options or {}
    options.store = options.store or ":memory:"
    options.headers = function()
      gate.n_waiting = gate.n_waiting + 1
      while not gate.is_open do appsync.sleep(0.001) end
      gate.n_waiting = gate.n_waiting - 1
      return {}
    end
    return kept.client(options), gate
  end

  local function wait_for(condition)
    for _ = 1, 5000 do
      if condition() then return end
      appsync.sleep(0.002)
    end
    error("timed out", 2)
  end

  it("asks again for who comes after everybody left while it asked", function()
    kept.create("w1", "one")
    local client, gate = gated()
    local watch = client:watch(kept.GET, { id = "w1" })
    gate.is_open = false
    local s = watch:subscribe()
    wait_for(function() return gate.n_waiting == 1 end)
    s:unsubscribe()
    local again = watch:subscribe()
    gate.is_open = true
    local state = assert(again:next(10))
    while state.loading do state = assert(again:next(10)) end
    assert.equal("one", state.data.getTodo.name)
    again:unsubscribe()
    client:clear()
    local third = watch:subscribe()
    repeat state = assert(third:next(10)) until not state.loading
    assert.is_true(state.complete)
    third:unsubscribe()
  end)

  it("isn't stuck when the answer came with nobody there to see it", function()
    kept.create("w2", "two")
    local client = gated()
    local watch = client:watch(kept.GET, { id = "w2" })
    for _ = 1, 10 do
      local s = watch:subscribe()
      assert(s:next(10))
      assert(watch:refetch()) -- what it has brought isn't shown yet
      s:unsubscribe()
      local again = watch:subscribe()
      client:clear()
      local state
      repeat state = assert(again:next(5)) until not state.loading and state.complete
      assert.equal("two", state.data.getTodo.name)
      again:unsubscribe()
    end
  end)

  it("keeps the data that it has when a request fails, without a cache too", function()
    kept.create("w3", "three")
    local fails = false
    local client = kept.client{ store = ":memory:", headers = function()
      return fails and { ["x-api-key"] = "nobody's" } or {}
    end }
    local watch = client:watch(kept.GET, { id = "w3" }, { fetch_policy = "no-cache" })
    local s = watch:subscribe()
    local first = assert(s:next(10))
    assert.equal("three", first.data.getTodo.name)
    fails = true
    local _, err = watch:refetch()
    assert.is_truthy(err)
    local state
    repeat state = assert(s:next(10)) until state.err
    assert.is_true(rawequal(first.data, state.data))
    s:unsubscribe()
  end)

  it("refetches into the cache also where nobody looks", function()
    kept.create("w4", "four")
    local client = gated()
    local watch = client:watch(kept.GET, { id = "w4" })
    assert(watch:refetch())
    assert.equal("four", client:read_query(kept.GET, { id = "w4" }).getTodo.name)
  end)

  it("tells its subscribers in the order in which they came", function()
    kept.create("w5", "five")
    local client = gated()
    assert(client:query(kept.GET, { id = "w5" }))
    local watch, order, subscriptions = client:watch(kept.GET, { id = "w5" }), {}, {}
    for i = 1, 20 do
      subscriptions[i] = watch:subscribe(function() order[#order + 1] = i end)
    end
    wait_for(function() return #order == 20 end)
    order = {}
    client:modify("Todo:w5", "name", function() return "other" end)
    wait_for(function() return #order == 20 end)
    for i = 1, 20 do assert.equal(i, order[i]) end
    for _, s in ipairs(subscriptions) do s:unsubscribe() end
  end)

  it("shows what changes beside what the service could not give", function()
    local client = gated()
    local watch = client:watch("{ broken { id fine bad } }")
    local s = watch:subscribe()
    local first
    repeat first = assert(s:next(10)) until not first.loading
    assert.same({ 1, "graphql", false }, { first.data.broken.fine, first.err.kind, first.complete })
    client:modify("Broken:b", "fine", function() return 2 end)
    local state = assert(s:next(10))
    assert.same({ 2, false }, { state.data.broken.fine, state.complete })
    s:unsubscribe()
  end)

  it("asks once, whatever the answer lacks", function()
    for _, policy in ipairs{ "cache-first", "cache-and-network", "network-only", "no-cache" } do
      local client = gated()
      local s = client:watch("{ broken { id fine bad } }", nil, { fetch_policy = policy }):subscribe()
      local state
      repeat state = assert(s:next(10)) until not state.loading
      assert(client:query("{ slow }", nil, { fetch_policy = "no-cache" }))
      assert.same({ policy, 2 }, { policy, client:stats().requests })
      s:unsubscribe()
    end
  end)

  it("isn't sent where the host says that there is no network", function()
    local client = gated()
    client:set_online(false)
    local watch = client:watch(kept.LIST)
    local s = watch:subscribe()
    local state = assert(s:next(10))
    assert.same({ "network", "offline", false }, { state.err.kind, state.err.code, state.complete })
    local _, err = watch:fetch_more({})
    assert.equal("offline", err.code)
    assert.equal(0, client:stats().requests)
    s:unsubscribe()
  end)

  it("doesn't wake anybody for a poll that brings the same", function()
    kept.create("w6", "six")
    local client = gated()
    local n = 0
    local s = client:watch(kept.GET, { id = "w6" }, { poll = 0.01, fetch_policy = "network-only" }):subscribe(function() n = n + 1 end)
    wait_for(function() return client:stats().requests >= 5 end)
    assert.equal(1, n)
    s:unsubscribe()
  end)

  it("keeps the tables that are the same, without a cache too", function()
    for _, id in ipairs{ "same1", "same2" } do kept.create(id, id) end
    local client, n = gated(), 0
    local query = 'query { a: getTodo(id: "same1") { id name } b: getTodo(id: "same2") { id name } }'
    local watch = client:watch(query, nil, { fetch_policy = "no-cache" })
    local s = watch:subscribe()
    local first = assert(s:next(10))
    kept.rename("same2", "other")
    assert(watch:refetch())
    local second
    repeat second = assert(s:next(10)) until not second.loading
    assert.equal("other", second.data.b.name)
    assert.is_true(rawequal(first.data.a, second.data.a))
    assert.equal("same2", first.data.b.name)
    s:unsubscribe()
    s = client:watch(query, nil, { fetch_policy = "no-cache", poll = 0.01 }):subscribe(function() n = n + 1 end)
    local before = client:stats().requests
    wait_for(function() return client:stats().requests >= before + 4 end)
    assert.equal(1, n)
    s:unsubscribe()
  end)

  it("isn't kept by a client that was closed", function()
    local dispatch = require "appsync.dispatch"
    local client = gated()
    client:watch(kept.LIST):subscribe(function() end)
    appsync.sleep(0.01)
    client:close(1)
    local n = 0
    for _ in pairs(dispatch.expected) do n = n + 1 end
    assert.equal(0, n)
  end)

  it("takes further pages without what is only hoped for", function()
    kept.create("w7", "seven")
    local client, gate = gated()
    assert(client:query(kept.GET, { id = "w7" }))
    local watch = client:watch(kept.GET, { id = "w7" })
    local s = watch:subscribe()
    assert(s:next(10))
    gate.is_open = false
    local mutating = appsync.spawn(function()
      return client:mutate(kept.UPDATE, { id = "nobody", name = "x" }, {
        optimistic_response = { updateTodo = { __typename = "Todo", id = "w7", name = "hoped" } },
      })
    end)
    local state = assert(s:next(10))
    assert.equal("hoped", state.data.getTodo.name)
    local more = appsync.spawn(function()
      return watch:fetch_more({}, function(previous) return appsync.copy(previous) end)
    end)
    gate.is_open = true
    mutating:await(10)
    more:await(10)
    assert(client:read_query(kept.GET, { id = "w7" }))
    assert.equal("seven", client:read_query(kept.GET, { id = "w7" }).getTodo.name)
    s:unsubscribe()
  end)

  it("shows what the network says where the store can't be used", function()
    kept.create("w8", "eight")
    assert(require("lfs").mkdir(kept.path "taken.db"))
    local client = kept.client{ store = kept.path "taken.db", log = function() end }
    for _, policy in ipairs{ "cache-first", "cache-and-network", "network-only" } do
      local s = client:watch(kept.GET, { id = "w8" }, { fetch_policy = policy }):subscribe()
      local state
      repeat state = assert(s:next(10)) until not state.loading and state.data
      assert.same({ "eight", true }, { state.data.getTodo.name, state.complete })
      s:unsubscribe()
    end
    local s = client:watch(kept.GET, { id = "w8" }, { fetch_policy = "cache-only" }):subscribe()
    local state = assert(s:next(10))
    assert.is_false(state.complete)
    s:unsubscribe()
  end)

  it("asks for what has expired, and shows it meanwhile", function()
    kept.create("w9", "nine")
    local client, gate = gated{ cache = { ttl = { Todo = 0.001 } } }
    assert(client:query(kept.GET, { id = "w9" }))
    appsync.sleep(1.1) -- the unit of what is kept
    kept.rename("w9", "ten")
    gate.is_open = false
    local s = client:watch(kept.GET, { id = "w9" }):subscribe()
    local state = assert(s:next(10))
    assert.equal("nine", state.data.getTodo.name)
    gate.is_open = true
    repeat state = assert(s:next(10)) until not state.loading
    assert.equal("ten", state.data.getTodo.name)
    s:unsubscribe()
  end)

  it("refuses a client that keeps nothing, each time", function()
    local client = kept.client{ store = false }
    local watch = client:watch(kept.LIST)
    for _ = 1, 2 do
      local ok, raised = pcall(watch.subscribe, watch)
      assert.is_false(ok)
      assert.matches("store = false", raised, 1, true)
    end
    assert.is_table(assert(client:watch(kept.LIST, nil, { fetch_policy = "no-cache" }):next(10)).data)
  end)

  it("takes further pages that were put together in place", function()
    local client = gated()
    client:write_query(kept.LIST, nil, { listTodos = { items = appsync.array{}, nextToken = appsync.null } })
    kept.create("w10", "ten")
    local watch = client:watch(kept.LIST)
    local s = watch:subscribe()
    assert(s:next(10))
    assert(watch:fetch_more({}, function(previous, more)
      table.insert(previous.listTodos.items, more.listTodos.items[1])
      return previous
    end))
    local state
    repeat state = assert(s:next(10)) until #state.data.listTodos.items > 0
    s:unsubscribe()
  end)

  local function long_list(text)
    local items = appsync.array()
    for i = 1, 3000 do items[i] = { __typename = "Todo", id = "l" .. i, name = ("%s %d"):format(text, i) } end
    return { listTodos = { items = items, nextToken = appsync.null } }
  end

  it("makes nothing of the views of those who have left", function()
    local client = gated()
    local watch = client:watch(kept.LIST, nil, { fetch_policy = "cache-only" })
    client:write_query(kept.LIST, nil, long_list "old")
    local s = watch:subscribe(function() end)
    repeat appsync.update(0.00001) until watch.live.queue ~= nil -- a game's frames, of which none makes all of it
    client:write_query(kept.LIST, nil, long_list "new")
    s:unsubscribe() -- while it is made
    local state = assert(watch:next(10))
    for i, item in ipairs(state.data.listTodos.items) do assert.equal("new " .. i, item.name) end
    assert.equal(3000, #state.data.listTodos.items)
  end)
end)
