-- offline.callback gets each outcome that no waiting call got, until it has returned once.
local appsync = require "appsync"
local outbox = require "spec.support.outbox"
local run = require "spec.support.program"
local server = require "spec.support.server"
local wait_for = require "spec.support.wait"

local CREATE, REFUSE = outbox.CREATE, outbox.REFUSE

describe("offline.callback", function()
  local client

  setup(function() outbox.begin() end)
  teardown(outbox.finish)
  before_each(function()
    outbox.new_store()
    client = outbox.connect()
  end)
  after_each(outbox.close_all)

  it("gets failures as errors, and what comes after them in order", function()
    client:set_online(false)
    local _, _, refused = client:mutate(REFUSE, { n = 1 })
    local _, _, made = client:mutate(CREATE, { id = "a1", name = "one" })
    client:set_online(true)
    wait_for(function() return outbox.outcomes[2] end, "two outcomes")
    local err, success = outbox.outcomes[1], outbox.outcomes[2]
    assert.same({ refused.id, "graphql", "refuse", "refused", 1, "Refused" },
      { err.id, err.kind, err.mutation, err.cause.outcome, err.variables.n, err.error_type })
    assert.same({ made.id, "one" }, { success.id, success.data.createTodo.name })
    assert.equal(0, client.outbox:size())
    assert.equal(1, #client.outbox:dead_letters())
  end)

  it("gets large outcomes, and those behind them", function()
    local name = ("x"):rep(100000)
    client:set_online(false)
    assert(client:mutate(CREATE, { id = "l1", name = name }))
    assert(client:mutate(CREATE, { id = "l2", name = "two" }))
    client:set_online(true)
    wait_for(function() return outbox.outcomes[2] end, "two outcomes")
    assert.equal(name, outbox.outcomes[1].data.createTodo.name)
    assert.equal("two", outbox.outcomes[2].data.createTodo.name)
  end)

  it("gets no success for a failure that left no data, and no update runs for it", function()
    local calls, updated = {}, {}
    client = outbox.restart{
      offline = { callback = function(err, success) calls[#calls + 1] = { err, success } end },
      updates = { refuse = function(_, result) updated[#updated + 1] = tostring(result.optimistic) end },
    }
    client:set_online(false)
    assert(client:mutate(REFUSE, { n = 1 }, { optimistic_response = { refuse = 1 } }))
    client:set_online(true)
    wait_for(function() return calls[1] end, "the outcome")
    local err, success = calls[1][1], calls[1][2]
    assert.same({ "refused", appsync.null }, { err.cause.outcome, err.data.refuse })
    assert.is_nil(success)
    assert.same({ "true" }, updated)
  end)

  it("isn't called for what a waiting call got", function()
    assert(client:mutate(CREATE, { id = "b1", name = "one" }))
    client:mutate(REFUSE)
    client = outbox.restart()
    assert(client:hydrated(10))
    assert(client.outbox:drain(10))
    assert.same({}, outbox.outcomes)
  end)

  it("that raises is called again by the next run, until it has returned", function()
    local n = 0
    client = outbox.restart{ offline = { callback = function()
      n = n + 1
      error("the screen isn't there yet", 0)
    end } }
    client:set_online(false)
    local _, _, info = client:mutate(CREATE, { id = "c1", name = "one" })
    client:set_online(true)
    wait_for(function() return n > 0 end, "the callback")
    assert.is_true(n == 1)
    assert.matches("offline.callback raised: the screen isn't there yet; it will be called again for " .. info.id:gsub("%-", "%%-"),
      table.concat(outbox.logged, "\n"))
    client = outbox.restart()
    assert(client:hydrated(10))
    wait_for(function() return outbox.outcomes[1] end, "the callback of the next run")
    assert.same({ info.id, "one" }, { outbox.outcomes[1].id, outbox.outcomes[1].data.createTodo.name })
    assert(client.outbox:results())
    client = outbox.restart()
    assert(client:hydrated(10))
    assert(client.outbox:results())
    assert.same({}, outbox.outcomes)
  end)

  -- The answer comes while the Lua thread does something else, and the process is killed then.
  local KILLED = [[
    local appsync = require "appsync"
    local client = appsync.client{ endpoint = %q, auth = { type = "API_KEY", api_key = %q }, store = %q }
    assert(client:query(%q))
    client:set_online(false)
    for i = 1, 2 do
      local is_shown = i == 1
      assert(client:mutate("mutation C($name: String!) { createTodo(input: {name: $name}) { id name } }", { name = "n" .. i }, {
        optimistic_response = is_shown and { createTodo = { __typename = "Todo", id = appsync.uuid(), name = "n1" } } or nil,
        cache_updates = %q,
      }))
    end
    client:set_online(true)
    os.execute "sleep 0.5; kill -KILL $PPID"
  ]]

  it("and the cache have what was answered to an earlier run", function()
    local settings = client.root.settings
    outbox.close_all()
    local output = run(KILLED:format(settings.endpoint, server.API_KEY, settings.cache.path, outbox.LIST, outbox.LIST))
    assert.matches("Killed", output)
    client = outbox.connect()
    assert(client:hydrated(10))
    wait_for(function() return outbox.outcomes[2] end, "the outcomes")
    local names = {}
    for _, item in ipairs(client:read_query(outbox.LIST).listTodos.items) do
      if item.name:find "^n%d" then names[#names + 1] = item.name .. " " .. item.id end
    end
    assert.same({ "n1 " .. outbox.outcomes[1].data.createTodo.id, "n2 " .. outbox.outcomes[2].data.createTodo.id }, names)
    assert.equal("cache", select(3, client:query(outbox.LIST, nil, { fetch_policy = "cache-only" })).source)
  end)

  it("that raises doesn't keep answers from the cache, nor their order", function()
    client = outbox.restart{ offline = { callback = function() error("not now", 0) end } }
    assert(client:query(outbox.LIST))
    client:set_online(false)
    for _, id in ipairs{ "e1", "e2" } do
      assert(client:mutate(CREATE, { id = id, name = "five" }, { optimistic_response = outbox.todo(id, "five"), cache_updates = outbox.LIST }))
    end
    client:set_online(true)
    assert(client:mutate("mutation D($id: ID!) { deleteTodo(input: {id: $id}) { id name } }", { id = "e2" }, { cache_updates = outbox.LIST }))
    local data, _, info = client:query(outbox.LIST, nil, { fetch_policy = "cache-only" })
    assert.equal("cache", info.source)
    local ids = {}
    for _, item in ipairs(data.listTodos.items) do
      if item.name == "five" then ids[#ids + 1] = item.id end
    end
    assert.same({ "e1" }, ids)
  end)

  it("gets nothing twice where there are many", function()
    client:set_online(false)
    for i = 1, 20 do assert(client:mutate(CREATE, { id = "d" .. i, name = "n" })) end
    client:set_online(true)
    wait_for(function() return #outbox.outcomes >= 20 end, "all outcomes")
    local seen = {}
    for _, outcome in ipairs(outbox.outcomes) do
      assert.is_nil(seen[outcome.id])
      seen[outcome.id] = true
    end
    local results = assert(client.outbox:results())
    assert.equal(20, #results)
  end)
end)
