-- What `client.outbox:drain` waits for.
local appsync = require "appsync"
local outbox = require "spec.support.outbox"

local CREATE = outbox.CREATE

describe("drain", function()
  local client

  setup(function() outbox.begin() end)
  teardown(outbox.finish)
  before_each(function()
    outbox.new_store()
    client = outbox.connect()
    assert.equal(0, client.outbox:size())
  end)
  after_each(outbox.close_all)

  it("waits for mutations that were called and have still to begin", function()
    local n = 0
    client:mutate(CREATE, { id = "a1", name = "one" }, { on_result = function() n = n + 1 end })
    local running = appsync.spawn(function()
      appsync.assert(client:mutate(CREATE, { id = "a2", name = "two" }))
      n = n + 1
    end)
    assert.is_true(client.outbox:drain(10))
    assert.equal(2, #client.outbox:results())
    running:await(10)
    assert.equal(2, n)
  end)

  it("waits for those that have begun offline", function()
    client:set_online(false)
    client:mutate(CREATE, { id = "b1", name = "one" }, { on_result = function() end })
    local ok, err = client.outbox:drain(0.05)
    assert.is_nil(ok)
    assert.same({ "timeout", 1, "waiting_network" }, { err.kind, err.size, err.state })
    client:set_online(true)
    assert.is_true(client.outbox:drain(10))
  end)

  it("has nothing to wait for where nothing is queued", function()
    assert.is_true(client.outbox:drain(10))
    assert.is_true(client.outbox:drain(0))
  end)
end)
