-- A game in the background for N seconds, in which nobody drives the library and 300 events a second come for each of its
-- subscriptions: none of them ends, no connection is lost, appsync.resumed() tells how many were missed, and nothing else is.
-- usage: N=60 lua spec/soak/suspended.lua
local appsync = require "appsync"
local core = require "appsync.core"
local process = require "spec.support.process"
local server = require "spec.support.server"
local start_events = require "spec.soak.events"

local SECONDS = tonumber(os.getenv "N") or 60
local RATE = 300
local BOUND = 30

local function expect(condition, message, ...)
  if not condition then error(message:format(...), 0) end
end

-- Takes events until there is one after a gap: how many are missing. `last`: the number before.
local function gap_of(s, last)
  while true do
    local event, err = s:next(BOUND)
    expect(event, "a subscription has ended, or hears nothing: %s", tostring(err))
    local number = event.onMove.number
    expect(number > last, "an event came twice")
    if number ~= last + 1 then return number - last - 1 end
    last = number
  end
end

local function main()
  local client = appsync.client{ endpoint = start_events(RATE), auth = { type = "API_KEY", api_key = server.API_KEY } }
  local subscriptions, last = {}, {}
  for i, overflow in ipairs{ "pause", "error", "drop_oldest" } do
    local s = client:subscribe("subscription { onMove { number } }", nil, { overflow = overflow, share = false }):subscribe()
    appsync.assert(s:ready(BOUND))
    subscriptions[i], last[i] = s, appsync.assert(s:next(BOUND)).onMove.number
  end
  expect(appsync.suspend{ deadline = 1 }, "nothing was to be flushed")
  local ends = core.now() + SECONDS
  while core.now() < ends do core.pause(1) end -- at most as long as that
  local missed, found = appsync.resumed(), 0
  for i, s in ipairs(subscriptions) do found = found + gap_of(s, last[i]) end
  print(("%d s: %d events missed by %d subscriptions, as resumed() says: %d"):format(SECONDS, found, #subscriptions, missed))
  expect(missed == found, "resumed() tells another number")
  expect(missed > SECONDS * RATE * 2, "too few events came")
  expect(client:stats().reconnects == 0, "a connection was lost")
  for _, s in ipairs(subscriptions) do s:unsubscribe() end
  appsync.assert(client:close(5))
end

local ok, err = xpcall(main, debug.traceback)
process.stop_all()
if not ok then print(err) end
print(ok and "1 passed, 0 failed" or "0 passed, 1 failed")
os.exit(ok and 0 or 1)
