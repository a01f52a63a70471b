-- Mutations that failed for good: kept with their cause until they are retried, edited or discarded.
local appsync = require "appsync"
local outbox = require "spec.support.outbox"
local wait_for = require "spec.support.wait"

local CREATE, UPDATE, REFUSE = outbox.CREATE, outbox.UPDATE, outbox.REFUSE

describe("dead letters", function()
  local client

  setup(function() outbox.begin() end)
  teardown(outbox.finish)
  before_each(function()
    outbox.new_store()
    client = outbox.connect()
  end)
  after_each(outbox.close_all)

  it("have what they had, and why they died", function()
    local data, err, info = client:mutate(REFUSE, { n = 5 })
    assert.is_nil(data)
    assert.same({ "graphql", "refused", info.id }, { err.kind, err.cause.outcome, err.id })
    assert.is_nil(err.queued)
    local letter = assert(client.outbox:dead_letters())[1]
    assert.same({ err.id, "refuse", { n = 5 }, "dead", "refused" },
      { letter.id, letter.mutation, letter.variables, letter.state, letter.cause.outcome })
    assert.matches("never", tostring(letter.cause))
    assert.is_true(letter.died >= letter.created)
    assert.same({ 0, 1 }, { client.outbox:size(), client.outbox:status().dead })
    assert.same({ outcome = "refused" }, client.outbox:results()[1].err.cause)
  end)

  it("are unknown where one of several fields failed and another is null, in fragments too", function()
    for document, outcome in pairs{
      ["mutation M { ...F } fragment F on Mutation { refuse slow }"] = "unknown",
      ["mutation M { ...F } fragment F on Mutation { refuse }"] = "refused",
      ["mutation M { ... on Mutation { refuse t: __typename } }"] = "refused",
    } do
      local _, err = client:mutate(document)
      local letters = client.outbox:dead_letters()
      assert.same({ outcome, "refuse" }, { err.cause.outcome, letters[#letters].mutation })
    end
  end)

  it("take their optimistic response with them", function()
    assert(client:mutate(CREATE, { id = "a1", name = "one" }))
    client:set_online(false)
    client:mutate("mutation U($n: Int) { refuse(n: $n) updateTodo(input: {id: \"a0\", name: \"x\"}) { id name } }", { n = 1 }, {
      optimistic_response = { refuse = 1, updateTodo = { __typename = "Todo", id = "a1", name = "x" } },
    })
    local function name() return client:read_fragment("Todo:a1", "fragment F on Todo { name }").name end
    assert.equal("x", name())
    client:set_online(true)
    assert(client.outbox:drain(10))
    wait_for(function() return name() == "one" end, "the layer's end")
  end)

  it("are sent again with other variables", function()
    local _, err = client:mutate(UPDATE, { id = "b1", name = "late" })
    assert.equal("conflict", err.cause.outcome) -- there is no such record
    assert(client:mutate(CREATE, { id = "b2", name = "early" }))
    assert.is_true(client.outbox:edit(err.id, { id = "b2", name = "late" }))
    assert.same({ id = "b2", name = "late" }, client.outbox:dead_letters()[1].variables)
    assert.is_true(client.outbox:retry(err.id))
    assert(client.outbox:drain(10))
    assert.equal("late", outbox.names "b2")
    assert.same({}, client.outbox:dead_letters())
    wait_for(function() return outbox.outcomes[1] end, "the outcome")
    assert.equal("late", outbox.outcomes[1].data.updateTodo.name)
  end)

  it("that are sent again show their response again, with the client's update", function()
    local seen = {}
    client = outbox.restart{ updates = { updateTodo = function(_, result) seen[#seen + 1] = result.optimistic end } }
    local _, err = client:mutate(UPDATE, { id = "c1", name = "x" }, {
      optimistic_response = { updateTodo = { __typename = "Todo", id = "c1", name = "x" } },
    })
    local function read() return client:read_fragment("Todo:c1", "fragment F on Todo { name }") end
    assert.is_nil((read()))
    client:set_online(false)
    assert.is_true(client.outbox:retry(err.id))
    assert.equal("x", read().name)
    assert.equal(1, client.outbox:size())
    assert.same({ true, true }, seen)
  end)

  it("and what is queued can be discarded, edited, and is unknown then", function()
    local _, err = client:mutate(REFUSE)
    assert.is_true(client.outbox:discard(err.id))
    assert.same({}, client.outbox:dead_letters())
    client:set_online(false)
    local _, _, info = client:mutate(CREATE, { id = "d1", name = "one" }, { optimistic_response = outbox.todo("d1", "one") })
    assert.is_true(client.outbox:edit(info.id, { id = "d1", name = "two" }))
    assert.equal("two", client.outbox:list()[1].variables.name)
    assert.is_true(client.outbox:discard(info.id))
    assert.equal(0, client.outbox:size())
    assert.is_nil((client:read_fragment("Todo:d1", "fragment F on Todo { name }")))
    for _, method in ipairs{ "retry", "discard" } do
      local ok, missing = client.outbox[method](client.outbox, info.id)
      assert.is_nil(ok)
      assert.same({ "storage", "missing" }, { missing.kind, missing.code })
    end
    assert.equal("missing", select(2, client.outbox:edit("nonsense", {})).code)
    client:set_online(true)
    assert.equal("", outbox.names "d1")
  end)

  it("are none when a call's mutation is taken away: the call says so, and whether it was sent", function()
    local first = appsync.spawn(client.mutate, client, outbox.SLOW, { n = 1 })
    local second = appsync.spawn(client.mutate, client, CREATE, { id = "f1", name = "one" })
    wait_for(function() return client.outbox:size() == 2 end, "both")
    local entries = client.outbox:list()
    assert.is_true(client.outbox:discard(entries[2].id))
    local _, err = second:await(10)
    assert.same({ "cancelled", entries[2].id, false }, { err.kind, err.id, err.sent })
    wait_for(function() return client.outbox:list()[1].state == "sending" end, "the request")
    assert.is_true((client:sign_out{ outbox = "wipe" }))
    _, err = first:await(10)
    assert.same({ "cancelled", entries[1].id, true }, { err.kind, err.id, err.sent })
    assert.is_nil(err.queued)
  end)

  it("are all that clear{outbox = true} leaves", function()
    client:set_online(false)
    assert(client:mutate(CREATE, { id = "e1", name = "one" }))
    assert(client:mutate(CREATE, { id = "e2", name = "two" }))
    assert.equal(2, (client:clear{ outbox = true }))
    assert.equal(0, client.outbox:size())
    local letters = client.outbox:dead_letters()
    assert.same({ 2, "discarded" }, { #letters, letters[1].cause.outcome })
    client:set_online(true)
    assert.equal("", outbox.names "e")
  end)
end)
