-- N subscribers of one mutation, each on its own socket and then many on each; every event of every one is counted, and
-- some more of them stop reading: those are cut, the others get everything, the server's memory is bounded.
-- usage: N=1000 lua spec/soak/subscribers.lua
local crowd = require "spec.support.crowd"
local process = require "spec.support.process"

local N = tonumber(os.getenv "N") or 1000
local MUTATIONS = 200
local PENDING_KIB = 8 * 1024 -- what the listener lets wait for one socket

local function expect(condition, message, ...)
  if not condition then error(message:format(...), 0) end
end

local function run(name, config)
  local result, log = crowd.run(config)
  local n_events = (config.paced + config.burst) * config.sockets * (config.each or 1)
  print(("%s: subscribed in %.2f s; from the mutation to its last event %.1f ms (median), %.1f ms (worst); %.0f events/s in a burst; "
    .. "%.1f us of the server for each; %d of %d events; "
    .. "resident %d KiB when subscribed, %d KiB after the events, %d KiB at the highest"):format(name, result.subscribe_s,
    result.median_ms, result.worst_ms, result.burst_per_s, result.us_each, result.events, n_events, result.rss_subscribed, result.rss_events,
    result.rss_highest))
  expect(result.events == n_events and result.missing == 0, "events are missing: %d", result.missing)
  expect(result.problems == 0, "%d problems, the first: %s", result.problems, result.problem)
  expect(result.lost == 0, "%d connections were lost", result.lost)
  return result, log
end

local function main()
  local one = run(("%d sockets with 1 subscription"):format(N), { sockets = N, paced = MUTATIONS, burst = MUTATIONS, pad = 10 })
  expect(one.rss_events - one.rss_subscribed < (tonumber(os.getenv "ALLOWED_KIB") or 20 * 1024), "memory grows with events")
  local each = math.max(1, math.min(100, math.floor(N / 10)))
  run(("%d sockets with %d subscriptions"):format(math.ceil(N / each), each),
    { sockets = math.ceil(N / each), each = each, paced = MUTATIONS, burst = MUTATIONS, pad = 10 })
  local slow = 5
  local fast = math.min(N, 100)
  local result, log = run(("%d sockets, and %d that don't read"):format(fast, slow),
    { sockets = fast, paced = 5, burst = 5, pad = 200000, slow = slow, slow_max = 500 })
  print(("all %d slow ones were cut after %d events of 200,000 bytes"):format(result.slow_cut, result.slow_events))
  expect(result.slow_cut == slow, "only %d slow ones were cut", result.slow_cut)
  expect(result.overflow_missing == 0, "the others missed %d events", result.overflow_missing)
  expect(log:find("read too slowly", 1, true), "the log doesn't tell")
  local allowed = tonumber(os.getenv "ALLOWED_KIB") or slow * PENDING_KIB + 64 * 1024
  expect(result.rss_highest - result.rss_subscribed <= allowed, "memory is not bounded: %d KiB", result.rss_highest)
end

local ok, err = xpcall(main, function(thrown)
  return type(thrown) == "string" and thrown or debug.traceback(tostring(thrown))
end)
process.stop_all()
if not ok then print(err) end
print(ok and "1 passed, 0 failed" or "0 passed, 1 failed")
os.exit(ok and 0 or 1)
