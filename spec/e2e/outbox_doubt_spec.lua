-- Mutations whose answer was lost: the service may have executed them.
local outbox = require "spec.support.outbox"
local program = require "spec.support.program"
local server = require "spec.support.server"

-- It is killed while a function of the application is asked for what the request needs, once the store says that it isn't being sent:
-- killed before, it would be in doubt.
local KILLED = [[
local appsync = require "appsync"
local function late()
  appsync.sleep(1)
  os.execute "kill -KILL $PPID"
  appsync.sleep(60)
end
local client = assert(appsync.client{ endpoint = %q, store = %q, %s })
client:mutate(%q, { id = %q, name = "one" }, { timeout = 30 })
]]

-- The answer of the first one of each name is lost.
local function update(name)
  return "mutation " .. name .. "($id: ID!, $name: String) { updateTodo(input: {id: $id, name: $name}) { id name } }"
end

describe("a mutation whose answer is lost", function()
  setup(function()
    local arguments = {}
    for _, name in ipairs{ "Unknown", "Again" } do
      table.insert(arguments, "--fault")
      table.insert(arguments, ("lose_answer=reset,operation=%s,times=1"):format(name))
    end
    outbox.begin{ arguments = arguments }
  end)
  teardown(outbox.finish)
  before_each(outbox.new_store)
  after_each(outbox.close_all)

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
    local _, err = client:mutate(update "Again", { id = "b1", name = "two" }, { idempotent = true })
    assert.is_nil(err) -- the answer, or that it is queued: there seemed to be no network
    assert(client.outbox:drain(10))
    assert.same({}, client.outbox:dead_letters())
    local results = client.outbox:results()
    assert.equal("two", results[#results].data.updateTodo.name)
  end)

  it("isn't one whose process ended while headers or a token were asked for: that is sent by the next run", function()
    local key = ("auth = { type = \"API_KEY\", api_key = %q }, headers = late"):format(server.API_KEY)
    for id, options in pairs{ c1 = key, c2 = 'auth = { type = "AWS_LAMBDA", token = late }' } do
      outbox.new_store()
      local client = outbox.connect()
      local endpoint, store = outbox.place()
      assert(client:close(5))
      local _, status = program(KILLED:format(endpoint, store, options, outbox.CREATE, id))
      assert.equal(137, status)
      client = outbox.connect()
      assert.same({}, client.outbox:dead_letters())
      assert.equal(1, client.outbox:size())
      if id == "c1" then
        assert(client.outbox:drain(10))
        assert.equal("one", outbox.names "c1")
      end
    end
  end)
end)
