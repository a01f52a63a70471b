-- Many subscribers of one mutation against a running server; spec/soak/subscribers.lua has more of them.
local crowd = require "spec.support.crowd"
local process = require "spec.support.process"

describe("many subscribers of one mutation", function()
  after_each(process.stop_all)

  local function all_arrived(result, n_events)
    assert.equal("", result.problem)
    assert.equal(n_events, result.events)
    assert.equal(0, result.missing)
    assert.equal(0, result.lost)
  end

  it("get each event once and in order, each on its own socket", function()
    all_arrived(crowd.run { sockets = 40, paced = 10, burst = 20, pad = 10 }, 40 * 30)
  end)

  it("get each event once and in order, many on one socket", function()
    all_arrived(crowd.run { sockets = 3, each = 50, paced = 10, burst = 20, pad = 10 }, 150 * 30)
  end)

  it("don't suffer from those that don't read: these are cut, and memory is bounded", function()
    local result, log = crowd.run { sockets = 3, paced = 2, burst = 2, pad = 200000, slow = 2, slow_max = 300 }
    all_arrived(result, 3 * 4)
    assert.equal(2, result.slow_cut)
    assert.equal(0, result.overflow_missing)
    assert.matches("cut because their clients read too slowly: 2", log, 1, true)
    local allowed = tonumber(os.getenv "ALLOWED_KIB") or (2 * 8 + 48) * 1024
    assert.is_true(result.rss_highest - result.rss_subscribed < allowed, "memory: " .. result.rss_highest .. " KiB")
  end)
end)
