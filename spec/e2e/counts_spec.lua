-- Counts for monitoring, of a real core: what it counts is what its counters are called.
local appsync = require "appsync"
local counts = require "appsync.counts"
local process = require "spec.support.process"
local server = require "spec.support.server"
local wait_for = require "spec.support.wait"

local LIST = "query List { listTodos { items { id name } } }"
local CREATE = "mutation Create($name: String!) { createTodo(input: {name: $name}) { id name } }"
local ON_CREATE = "subscription { onCreateTodo { id name } }"

describe("counts of a client", function()
  local service, client

  setup(function() service = server.start{ schema = process.read "examples/todo/schema.graphql" } end)
  teardown(process.stop_all)

  before_each(function()
    client = appsync.client{ endpoint = service.endpoint, auth = { type = "API_KEY", api_key = server.API_KEY }, store = ":memory:" }
  end)
  after_each(function() client:close() end)

  local function now()
    for _, each in ipairs(counts.all()) do
      if each.counts.endpoint == service.endpoint then return each end
    end
  end

  it("are in its stats, each of them", function()
    appsync.assert(client:query(LIST))
    local stats = client:stats()
    for name in pairs(now().sums) do assert.is_number(stats[name], name) end
  end)

  it("are what it did, also when it is closed", function()
    local before = now()
    local s = client:subscribe(ON_CREATE):subscribe()
    appsync.assert(s:ready(10))
    appsync.assert(client:query(LIST))
    appsync.assert(client:query(LIST))
    appsync.assert(client:mutate(CREATE, { name = "milk" }))
    appsync.assert(s:next(10))
    local after = now()
    assert.same({ 1, 1, 1 }, { after.n_clients, after.sums.subscriptions, after.sums.sockets })
    for name, n in pairs{ requests = 2, events = 1, connections = 1, dropped_events = 0 } do
      assert.equal(n, after.sums[name] - before.sums[name], name)
    end
    assert.is_true(after.sums.bytes_received > before.sums.bytes_received)
    local kinds = after.counts.kinds
    assert.is_true(kinds.query.outcomes.ok >= 2 and kinds.mutation.outcomes.ok == 1 and after.counts.hits >= 1)
    client:close()
    wait_for(function() return now().n_clients == 0 end)
    assert.same({ after.sums.requests, 0, 0 }, { now().sums.requests, now().sums.subscriptions, now().sums.sockets })
  end)
end)
