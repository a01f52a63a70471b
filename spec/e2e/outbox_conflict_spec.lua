-- Conflicts of versioned models: the application's resolver says what is sent instead.
local appsync = require "appsync"
local outbox = require "spec.support.outbox"
local server = require "spec.support.server"
local wait_for = require "spec.support.wait"

local CREATE = "mutation C($id: ID!, $name: String) { createTodo(input: {id: $id, name: $name}) { id name _version } }"
local UPDATE = "mutation U($id: ID!, $name: String, $_version: Int) { updateTodo(input: {id: $id, name: $name, _version: $_version}) "
  .. "{ id name _version } }"

describe("a conflict", function()
  local asked, resolver

  setup(function() outbox.begin{ schema = "type Todo @model { id: ID! name: String }", arguments = { "--conflict", "optimistic" } } end)
  teardown(outbox.finish)
  before_each(outbox.new_store)
  after_each(outbox.close_all)

  local function connect(options)
    options = options or {}
    asked = {}
    options.conflict_resolver = function(c)
      asked[#asked + 1] = c
      return resolver(c)
    end
    return outbox.connect(options)
  end

  -- A todo that somebody else has renamed: version 2.
  local function renamed(id)
    local other = appsync.client{ endpoint = outbox.client.root.settings.endpoint, auth = { type = "API_KEY", api_key = server.API_KEY }, store = false }
    assert(other:mutate(CREATE, { id = id, name = "one" }))
    assert(other:mutate(UPDATE, { id = id, name = "theirs", _version = 1 }))
    other:close(5)
  end

  for name, options in pairs{ ["queued"] = {}, ["sent at once"] = { queue = false } } do
    it("of a mutation that is " .. name .. " is resolved with the service's record", function()
      local client = connect()
      local id = name:sub(1, 1)
      renamed(id)
      resolver = function(c)
        return { id = c.variables.id, name = c.data.name .. " and " .. c.variables.name, _version = c.data._version }
      end
      local data, err = client:mutate(UPDATE, { id = id, name = "mine", _version = 1 }, options)
      assert.is_nil(err)
      assert.same({ "theirs and mine", 3 }, { data.updateTodo.name, data.updateTodo._version })
      assert.same({ 1, "updateTodo", 1, "theirs" }, { #asked, asked[1].mutation_name, asked[1].retries, asked[1].data.name })
      assert.same({ id = id, name = "mine", _version = 1 }, asked[1].variables)
    end)

    it("of a mutation that is " .. name .. " is given up by DISCARD", function()
      local client = connect()
      local id = name:sub(1, 1) .. "2"
      renamed(id)
      resolver = function() return appsync.DISCARD end
      local data, err = client:mutate(UPDATE, { id = id, name = "mine", _version = 1 }, options)
      assert.is_nil(data)
      assert.same({ "conflict", 1 }, { err.kind, #asked })
      assert.equal(options.queue == nil and 1 or 0, #client.outbox:dead_letters())
      if options.queue == nil then assert.equal("conflict", err.cause.outcome) end
    end)

    it("of a mutation that is " .. name .. " is tried ten times", function()
      local client = connect()
      local id = name:sub(1, 1) .. "3"
      renamed(id)
      resolver = function(c) return c.variables end
      local _, err = client:mutate(UPDATE, { id = id, name = "mine", _version = 1 }, options)
      assert.same({ "conflict", 10, 10 }, { err.kind, #asked, asked[10].retries })
    end)
  end

  it("that is given up is told with what was sent", function()
    local client = connect()
    local id = "g1"
    renamed(id)
    resolver = function() return nil end
    client:set_online(false)
    local variables = { id = id, name = "mine", _version = 1 }
    client:mutate(UPDATE, variables)
    client:set_online(true)
    wait_for(function() return outbox.outcomes[1] end, "the outcome")
    assert.same({ "conflict", variables }, { outbox.outcomes[1].cause.outcome, outbox.outcomes[1].variables })
    assert.same(variables, client.outbox:results()[1].variables)
  end)

  it("without a resolver makes a dead letter", function()
    local client = outbox.connect()
    renamed("n")
    local _, err = client:mutate(UPDATE, { id = "n", name = "mine", _version = 1 })
    assert.same({ "conflict", "conflict" }, { err.kind, err.cause.outcome })
  end)

  it("of a mutation of an earlier run is resolved by this one, whose resolver may wait", function()
    local client = outbox.connect()
    renamed("r")
    client:set_online(false)
    assert(client:mutate(UPDATE, { id = "r", name = "mine", _version = 1 }))
    assert(client:close(5))
    resolver = function(c)
      appsync.sleep(0.05)
      return { id = "r", name = "resolved", _version = c.data._version }
    end
    client = connect()
    assert(client:hydrated(10))
    assert(client.outbox:drain(10))
    wait_for(function() return outbox.outcomes[1] end, "the outcome")
    assert.equal("resolved", outbox.outcomes[1].data.updateTodo.name)
    assert.matches("updateTodo", tostring(asked[1].mutation))
  end)
end)
