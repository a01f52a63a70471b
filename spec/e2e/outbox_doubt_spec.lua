-- Mutations whose answer was lost: the service may have executed them.
local outbox = require "spec.support.outbox"

-- The answer of the first one of each name is lost.
local function update(name)
  return "mutation " .. name .. "($id: ID!, $name: String) { updateTodo(input: {id: $id, name: $name}) { id name } }"
end

describe("a mutation whose answer is lost", function()
  local asked

  setup(function()
    local arguments = {}
    for _, name in ipairs{ "Unknown", "Again", "Resolved", "GivenUp" } do
      table.insert(arguments, "--fault")
      table.insert(arguments, ("lose_answer=reset,operation=%s,times=1"):format(name))
    end
    outbox.begin{ arguments = arguments }
  end)
  teardown(outbox.finish)
  before_each(function()
    outbox.new_store()
    asked = {}
  end)
  after_each(outbox.close_all)

  local function resolving(answer)
    return outbox.connect{ outbox = { in_doubt = "resolve" }, conflict_resolver = function(c)
      asked[#asked + 1] = c
      return answer
    end }
  end

  it("is a dead letter, and says that nobody knows", function()
    local client = outbox.connect()
    assert(client:mutate(outbox.CREATE, { id = "a1", name = "one" }))
    local data, err = client:mutate(update "Unknown", { id = "a1", name = "two" })
    assert.is_nil(data)
    assert.same({ "network", true, "unknown" }, { err.kind, err.sent, err.cause.outcome })
    assert.equal("unknown", client.outbox:dead_letters()[1].cause.outcome)
    assert.equal("two", outbox.names "a1")
    assert.is_true(client.outbox:retry(err.id))
    assert(client.outbox:drain(10))
    assert.same({}, client.outbox:dead_letters())
  end)

  it("is sent again if it is said to be idempotent", function()
    local client = outbox.connect()
    assert(client:mutate(outbox.CREATE, { id = "b1", name = "one" }))
    local data, err = client:mutate(update "Again", { id = "b1", name = "two" }, { idempotent = true })
    assert.is_nil(err)
    assert.equal("two", data.updateTodo.name)
  end)

  it("is what the resolver says, with in_doubt = \"resolve\"", function()
    local client = resolving{ id = "c1", name = "three" }
    assert(client:mutate(outbox.CREATE, { id = "c1", name = "one" }))
    local data, err = client:mutate(update "Resolved", { id = "c1", name = "two" })
    assert.is_nil(err)
    assert.equal("three", data.updateTodo.name)
    assert.same({ 1, true, "updateTodo", { id = "c1", name = "two" } },
      { #asked, asked[1].in_doubt, asked[1].mutation_name, asked[1].variables })
  end)

  it("is a dead letter where the resolver gives up", function()
    local client = resolving(false)
    assert(client:mutate(outbox.CREATE, { id = "d1", name = "one" }))
    local _, err = client:mutate(update "GivenUp", { id = "d1", name = "two" })
    assert.same({ "unknown", 1 }, { err.cause.outcome, #asked })
  end)
end)
