-- Mutations whose root field stands in a fragment, or beside the name of the root's type.
local appsync = require "appsync"
local outbox = require "spec.support.outbox"
local server = require "spec.support.server"
local wait_for = require "spec.support.wait"

local SCHEMA = "type Todo @model { id: ID! name: String }"
local CREATE = "mutation C($id: ID!, $name: String) { createTodo(input: {id: $id, name: $name}) { id name _version } }"
local UPDATE = "updateTodo(input: {id: $id, name: $name, _version: $_version}) { id name _version }"
local HEAD = "mutation U($id: ID!, $name: String, $_version: Int) "

local SHAPES = {
  ["in a named fragment"] = HEAD .. "{ ...F } fragment F on Mutation { " .. UPDATE .. " }",
  ["in an inline fragment"] = HEAD .. "{ ... on Mutation { " .. UPDATE .. " } }",
  ["behind the name of the root's type"] = HEAD .. "{ __typename " .. UPDATE .. " }",
  ["behind that name under an alias"] = HEAD .. "{ kind: __typename " .. UPDATE .. " }",
  ["written twice"] = HEAD .. "{ " .. UPDATE .. " " .. UPDATE .. " }",
}

describe("a root field", function()
  local n_ids = 0

  setup(function() outbox.begin{ schema = SCHEMA, arguments = { "--conflict", "optimistic" } } end)
  teardown(outbox.finish)
  before_each(outbox.new_store)
  after_each(outbox.close_all)

  -- Somebody else has made a todo: version 1.
  local function made()
    n_ids = n_ids + 1
    local id = "t" .. n_ids
    local other = appsync.client{
      endpoint = outbox.place(), auth = { type = "API_KEY", api_key = server.API_KEY }, store = false,
    }
    assert(other:mutate(CREATE, { id = id, name = "one" }))
    other:close(5)
    return id
  end

  for name, document in pairs(SHAPES) do
    it(name .. " is known to the resolver of its conflict, and leaves no data when it is given up", function()
      local calls, asked, updated = {}, {}, {}
      local client = outbox.connect{
        error_policy = "all",
        offline = { callback = function(err, success) calls[#calls + 1] = { err, success } end },
        updates = { updateTodo = function(_, result) updated[#updated + 1] = tostring(result.optimistic) end },
        conflict_resolver = function(c) asked[#asked + 1] = c.mutation_name end,
      }
      local id = made()
      local data, err = client:mutate(document, { id = id, name = "mine", _version = 7 })
      assert.is_nil(data)
      assert.same({ "conflict", "conflict" }, { err.kind, err.cause.outcome })
      client:set_online(false)
      assert(client:mutate(document, { id = id, name = "mine", _version = 7 }))
      client:set_online(true)
      wait_for(function() return calls[1] end, "the outcome")
      assert.equal("conflict", calls[1][1].cause.outcome)
      assert.is_nil(calls[1][2])
      assert.same({ "updateTodo", "updateTodo" }, asked)
      assert.same({}, updated)
      assert.equal(2, #client.outbox:dead_letters())
    end)
  end

  it("behind the name of the root's type is what cache_updates, build_mutation and its kind are about", function()
    local list = "query L { __typename listTodos(limit: 100) { items { id name } } }"
    local client = outbox.connect()
    assert(client:query(list))
    local create = "mutation C($id: ID!, $name: String) { __typename createTodo(input: {id: $id, name: $name}) { id name } }"
    local id = appsync.uuid()
    client:set_online(false)
    assert(client:mutate(create, { id = id, name = "given" }, {
      cache_updates = list,
      optimistic_response = { __typename = "Mutation", createTodo = { __typename = "Todo", id = id, name = "given" } },
    }))
    local built = appsync.build_mutation{
      client = client, mutation = create, variables = { name = "built" }, cache_updates = list, typename = "Todo",
    }
    assert.equal("Mutation", built.optimistic_response.__typename)
    assert(client:mutate(built))
    local function names()
      local found = {}
      for _, item in ipairs(client:read_query(list).listTodos.items) do found[item.name] = true end
      return found
    end
    local shown = names()
    assert.same({ true, true }, { shown.given, shown.built })
    client:set_online(true)
    assert(client.outbox:drain(10))
    shown = names()
    assert.same({ true, true }, { shown.given, shown.built })
  end)
end)
