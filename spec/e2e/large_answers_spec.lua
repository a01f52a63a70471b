-- Small answers that unpack to large ones: they arrive whole, and others are served meanwhile.
local appsync = require "appsync"
local peer = require "spec.support.peer"
local process = require "spec.support.process"

local N = 60 * 1024 * 1024
local AUTH = { type = "API_KEY", api_key = "k" }

describe("an answer that unpacks to a thousand times its size", function()
  teardown(process.stop_all)

  it("comes whole, beside others", function()
    local steps = {}
    for _ = 1, 200 do
      steps[#steps + 1] = { "request" }
      steps[#steps + 1] = { "http", 200, {}, '{"data":{"a":1}}' }
    end
    local quick = peer.start{ connections = { steps }, ["repeat"] = true }
    local large = peer.start{ connections = { { { "request" }, { "gzip", '{"data":{"a":"', N, '"}}' }, { "wait" } } } }
    local good = appsync.client{ endpoint = quick.url, auth = AUTH }
    local bad = appsync.client{ endpoint = large.url, auth = AUTH, timeouts = { request = 60 } }
    local n_before, length = 0, nil
    appsync.run(function()
      appsync.assert(good:query "{ a }")
      local task = appsync.spawn(function() length = #appsync.assert(bad:query "{ a }").a end)
      while task:status() == "running" do
        appsync.assert(good:query "{ a }")
        if bad:stats().bytes_received == 0 then n_before = n_before + 1 end
      end
      assert.equal("done", task:status())
    end)
    assert.equal(N, length)
    assert.is_true(n_before >= 5, n_before .. " were served before it")
    assert.is_true(good:close(5) and bad:close(5))
  end)
end)
