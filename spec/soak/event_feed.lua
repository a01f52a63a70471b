-- Mutates RATE times a second until it is ended, so that a subscriber hears as many events. usage: event_feed.lua ENDPOINT KEY RATE
local appsync = require "appsync"
local core = require "appsync.core"

local endpoint, api_key, rate = arg[1], arg[2], tonumber(arg[3])
local MOVE = "mutation M($id: ID!, $x: Float!, $y: Float!) { move(id: $id, x: $x, y: $y) { id x y number } }"
local PAUSE = 0.01

local client = appsync.client{ endpoint = endpoint, auth = { type = "API_KEY", api_key = api_key } }
local n, first = 0, core.now()

local function check(data, err)
  assert(data, err)
end

print "FEEDING"
io.stdout:flush()
appsync.run(function()
  while true do
    while n < (core.now() - first) * rate do
      n = n + 1
      client:mutate(MOVE, { id = tostring(n % 50), x = n % 640, y = n % 480 }, { on_result = check })
    end
    appsync.sleep(PAUSE)
  end
end)
