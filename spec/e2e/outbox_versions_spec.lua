-- Versions that a mutation expects, and what they tell of one whose answer was lost.
local appsync = require "appsync"
local effects = require "spec.support.effects"
local folder = require "spec.support.folder"
local process = require "spec.support.process"

local FIELDS = "id name tags opId _version"
local GET = ("query G($id: ID!) { getTodo(id: $id) { %s } }"):format(FIELDS)
local UPDATE = ("mutation U($input: UpdateTodoInput!) { updateTodo(input: $input) { %s } }"):format(FIELDS)

describe("a version that is expected", function()
  local served, made, client

  setup(function()
    served, made = effects.start(), folder.make()
    client = appsync.client{
      endpoint = served.endpoint, auth = { type = "API_KEY", api_key = effects.API_KEY }, store = made.path .. "/a.db",
      cache = { lookups = { ["Query.getTodo"] = "Todo" } },
    }
  end)
  after_each(function() served.calm() end)
  teardown(function()
    client:close(5)
    served.stop()
    made.remove()
    process.stop_all()
  end)

  -- An update whose answer is lost, of a record of which the cache has the first version.
  local function update_with(id, version)
    served.ask("mutation($id: ID!) { createTodo(input: {id: $id, name: \"n\", tags: [\"a\"]}) { id } }", { id = id })
    assert(client:query(GET, { id = id }, { fetch_policy = "network-only" }))
    served.fault("lost_answer", { field = "updateTodo", times = 1 })
    return client:mutate(UPDATE, { input = { id = id, name = "m", tags = appsync.array{ "b" }, opId = "of " .. id, _version = version } }, {
      timeout = 10, optimistic_response = { updateTodo = {
        __typename = "Todo", id = id, name = "m", tags = appsync.array{ "a", "b" }, opId = "of " .. id, _version = version + 1,
      } },
    })
  end

  it("and that the service has shown tells that the mutation was executed", function()
    local data, err = update_with("a", 1)
    assert.is_nil(err)
    assert.same({ 2, "m" }, { data.updateTodo._version, data.updateTodo.name })
    assert.equal(1, served.count "of a")
  end)

  -- The service merges it into the first version, and makes the second.
  it("and that nobody has seen yet tells nothing", function()
    local data, err = update_with("b", 2)
    assert.is_nil(data)
    assert.equal("unknown", err.cause and err.cause.outcome)
    assert.equal(1, served.count "of b")
    assert.equal("unknown", client.outbox:dead_letters()[1].cause.outcome)
  end)
end)
