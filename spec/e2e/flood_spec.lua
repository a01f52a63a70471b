-- A service that sends more than the program takes, whatever its subscriptions' buffers allow: memory stays bounded.
local appsync = require "appsync"
local core = require "appsync.core"
local peer = require "spec.support.peer"
local process = require "spec.support.process"

local N = 60000
local BOUND = 20

describe("while a program doesn't drive the library", function()
  teardown(function() process.stop_all() end)

  it("the socket is not read without end, and nothing is lost", function()
    local steps = { peer.handshake() }
    steps[#steps + 1] = { "ws_start" }
    steps[#steps + 1] = { "ws_send", '{"type":"start_ack","id":"%ID%"}' }
    steps[#steps + 1] = { "ws_flood",
      '{"type":"data","id":"%ID%","payload":{"data":{"on":{"n":%I%,"pad":"' .. ("x"):rep(1000) .. '"}}}}', N }
    steps[#steps + 1] = { "wait" }
    local running = peer.start{ connections = { steps } }
    local client = appsync.client{ endpoint = running.url, auth = { type = "API_KEY", api_key = "k" }, store = false }
    local at, is_in_order = 0, true
    local s = client:subscribe("subscription { on { n pad } }", nil, { buffer = 10 * N, buffer_bytes = 2 ^ 30 }):subscribe{
      next = function(data)
        is_in_order = is_in_order and data.on.n == at + 1
        at = data.on.n
      end,
    }
    assert(s:ready(BOUND))
    -- Nobody drives it now; the peer's log tells when its socket takes no more.
    local give_up = core.now() + BOUND
    local blocked
    repeat
      blocked = tonumber(running.log():match("blocked 1 at (%d+)"))
    until blocked or core.now() > give_up
    assert.is_number(blocked)
    assert.is_true(blocked < N - 1000, "blocked at " .. blocked .. " of " .. N)
    assert.is_true(client:stats().messages < blocked)
    while at < N and core.now() < give_up + BOUND do appsync.sleep(0.01) end
    assert.equal(N, at)
    assert.is_true(is_in_order)
    s:unsubscribe()
    assert.is_true(client:close(5))
  end)
end)
