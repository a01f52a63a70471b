-- Answers of queries that were under way while something newer came.
local appsync = require "appsync"
local effects = require "spec.support.effects"
local folder = require "spec.support.folder"

local CREATE = "mutation C($input: CreateTodoInput!) { createTodo(input: $input) { id name _version } }"
local UPDATE = "mutation U($input: UpdateTodoInput!) { updateTodo(input: $input) { id name _version } }"
local GET = "query G($id: ID!) { getTodo(id: $id) { id name priority _version } }"
local LATE_MS = 1000

describe("a query whose answer is late", function()
  local served, made, client

  setup(function() served, made = effects.start(), folder.make() end)
  teardown(function()
    served.stop()
    made.remove()
  end)
  before_each(function()
    served.clear()
    client = appsync.client{
      endpoint = served.endpoint, auth = { type = "API_KEY", api_key = effects.API_KEY }, store = made.path .. "/a.db",
    }
  end)
  after_each(function() client:close(5) end)

  it("doesn't take the place of what a mutation was answered meanwhile", function()
    assert(client:mutate(CREATE, { input = { id = "t1", name = "one" } }))
    assert(client:query(GET, { id = "t1" }))
    served.fault("late_answer", { kind = "query", field = "getTodo", ms = LATE_MS, times = 1 })
    local late = appsync.spawn(client.query, client, GET, { id = "t1" }, { fetch_policy = "network-only" })
    appsync.sleep(0.05) -- the service has it
    assert(client:mutate(UPDATE, { input = { id = "t1", name = "two", _version = 1 } }))
    assert.equal("running", late:status())
    assert(late:await(10))
    local kept = client:read_query(GET, { id = "t1" }).getTodo
    assert.same({ "two", 2 }, { kept.name, kept._version })
    -- whoever asks hears what is so by now
    local data, _, info = client:query(GET, { id = "t1" })
    assert.same({ "two", 2, "network" }, { data.getTodo.name, data.getTodo._version, info.source })
    data, _, info = client:query(GET, { id = "t1" })
    assert.same({ "two", "cache" }, { data.getTodo.name, info.source })
  end)
end)
