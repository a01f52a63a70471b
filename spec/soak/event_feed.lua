-- Mutates RATE times a second until it is ended, so that a subscriber hears as many events; fewer times where the service doesn't
-- keep up. usage: event_feed.lua ENDPOINT KEY RATE
local appsync = require "appsync"
local core = require "appsync.core"

local endpoint, api_key, rate = arg[1], arg[2], tonumber(arg[3])
local MOVE = "mutation M($id: ID!, $x: Float!, $y: Float!) { move(id: $id, x: $x, y: $y) { id x y number } }"
local PAUSE = 0.01
local MAX_UNDER_WAY = 200 -- more would wait ever longer

local client = appsync.client{ endpoint = endpoint, auth = { type = "API_KEY", api_key = api_key } }
local n, n_due, n_under_way, last = 0, 0, 0, core.now()

local function check(data, err)
  n_under_way = n_under_way - 1
  if data then return end
  io.stderr:write(tostring(err), "\n")
  os.exit(1)
end

print "FEEDING"
io.stdout:flush()
appsync.run(function()
  while true do
    local now = core.now()
    n_due, last = n_due + (now - last) * rate, now
    n_due = math.min(n_due, MAX_UNDER_WAY - n_under_way)
    while n_due >= 1 do
      n, n_due, n_under_way = n + 1, n_due - 1, n_under_way + 1
      client:mutate(MOVE, { id = tostring(n % 50), x = n % 640, y = n % 480 }, { on_result = check })
    end
    appsync.sleep(PAUSE)
  end
end)
