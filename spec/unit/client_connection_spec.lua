local fake_core = require "spec.support.fake_core"

local drive = fake_core.drive
local DOCUMENT = "subscription S($owner: String) { onCreatePost(owner: $owner) { id } }"

describe("a client", function()
  local core, appsync, client

  before_each(function()
    local _
    core, appsync, _, client = fake_core.open_client("http://localhost/graphql")
  end)

  describe("the connection", function()
    it("keeps its state and tells its observers, with the error", function()
      local seen = {}
      client.connection:observe():subscribe{
        next = function(state, err) table.insert(seen, { state, err and err.message }) end,
        complete = function() table.insert(seen, "complete") end,
      }
      client:subscribe(DOCUMENT):subscribe{}
      core.push("CONNECTION", 1, "Connecting")
      core.push("CONNECTION", 1, "ConnectionDisrupted", { kind = "network", message = "gone" })
      drive()
      assert.equal("ConnectionDisrupted", client.connection.state)
      assert.same({ { "Connecting" }, { "ConnectionDisrupted", "gone" } }, seen)
      client:close()
      drive()
      assert.equal("complete", seen[3])
      assert.equal("Disconnected", client.connection.state)
    end)

    it("that is observed keeps its client alive, until unsubscribed", function()
      local weak = setmetatable({}, { __mode = "k" })
      local function use()
        local other = appsync.client{ endpoint = "http://localhost/graphql", auth = { type = "NONE" } }
        weak[other.connection] = true
        return other.connection:observe():subscribe{}
      end
      local s = use()
      fake_core.collect()
      assert.is_truthy(next(weak))
      s:unsubscribe()
      s = nil
      use():unsubscribe()
      fake_core.collect()
      drive() -- the routines end
      fake_core.collect()
      assert.is_nil(s)
      assert.is_nil(next(weak))
    end)

    it("completes at once for who observes a closed client", function()
      client:close()
      assert.is_true(client.connection:observe():for_each(function() end))
    end)
  end)
end)
