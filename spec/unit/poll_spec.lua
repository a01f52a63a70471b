-- Events that are made into Lua values while finalizers raise, which before 5.4 leaves whatever has allocated.
local appsync = require "appsync"
local compat = require "appsync.compat"
local dispatch = require "appsync.dispatch"
local collect = require "spec.support.collect"

local N = 100

describe("a poll that a finalizer's error leaves", function()
  it("has taken no result away", function()
    if jit then return pending "LuaJIT itself doesn't stand an error in a finalizer" end
    local client = appsync.client{
      endpoint = "http://127.0.0.1:1/graphql", auth = { type = "API_KEY", api_key = "k" }, retry = { attempts = 1 },
    }
    local n_results, n_raised, must_raise, is_polling = 0, 0, false, false
    local runtime = dispatch.runtime()
    for _ = 1, N do
      client:query("{ a }", nil, { on_result = function(_, err)
        assert(err.kind == "network")
        n_results = n_results + 1
      end })
    end
    local function raise()
      if not must_raise then return end
      if is_polling then n_raised = n_raised + 1 end
      error("raised", 0)
    end
    local function poll()
      pcall(collectgarbage) -- the first one leaves it, the others are due at the next allocation
      collectgarbage "restart"
      is_polling = true
      dispatch.poll(100)
    end
    while n_results < N do
      runtime:wait(5)
      for _ = 1, 100 do compat.on_collect(raise) end
      must_raise = true
      pcall(poll)
      must_raise, is_polling = false, false
      while appsync.update(0) do end
    end
    collect()
    assert.is_nil(next(dispatch.expected))
    assert.equal(_VERSION ~= "Lua 5.4", n_raised > 0)
    assert.is_true(client:close(5))
  end)
end)
