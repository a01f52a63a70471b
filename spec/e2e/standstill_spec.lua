-- A process that stands still (a debugger, a container that is paused, a machine that is far too busy) for longer than
-- its connection may be silent: what the service said meanwhile is in the socket when it goes on.
local core = require "appsync.core"
local peer = require "spec.support.peer"
local process = require "spec.support.process"
local realtime_peer = require "spec.support.realtime_peer"
local wait_for = require "spec.support.wait"

-- Seconds that may pass in silence.
local KEEP_ALIVE = require "spec.support.patience"
local KA = '\194\129\r{"type":"ka"}' -- one frame, as `send_slowly` takes it

local CLIENT = [[
local appsync = require "appsync"
local client = appsync.client{
  endpoint = arg[1], auth = { type = "API_KEY", api_key = "k" }, store = false,
  realtime = { protocol = arg[2], keep_alive = tonumber(arg[3]) }, log = function() end,
}
local s = client:subscribe("subscription { on { n } }"):subscribe()
client.connection:observe():subscribe(function(state, err) print(state, err) io.flush() end)
for event in function() return s:next() end do print("event " .. event.on.n) io.flush() end
]]

describe("a process that stands still", function()
  local running, server

  after_each(function()
    if running then process.signal(running, "CONT") end
    running = nil
    process.stop_all()
  end)

  local function output() return process.read(running.log) end

  local function wait_for_output(text)
    wait_for(function() return output():find(text, 1, true) end, text, function() return output() .. server.log() end)
  end

  local function run(steps, protocol)
    server = peer.start{ connections = { steps } }
    local first
    first, running = process.start{ os.getenv "APPSYNC_LUA", process.file(CLIENT, ".lua"), server.url, protocol, KEEP_ALIVE }
    assert.matches("^Connect", first)
    if first:find "^Connected" == nil then wait_for_output "Connected" end
  end

  local function stand_still()
    process.signal(running, "STOP")
    local until_s = core.now() + 1.5 * KEEP_ALIVE
    wait_for(function() return core.now() > until_s end)
    process.signal(running, "CONT")
  end

  it("keeps a connection on which the service went on", function()
    local steps = realtime_peer.list(realtime_peer.STARTED)
    for i = 1, 300 do
      steps[#steps + 1] = realtime_peer.data(i)
      steps[#steps + 1] = { "send_slowly", KA, 15, 100 * KEEP_ALIVE }
    end
    run(steps, "appsync")
    wait_for_output "event 1"
    for _ = 1, 2 do
      stand_still()
      local last = select(2, output():gsub("event", ""))
      wait_for_output("event " .. last + 20) -- more than had come meanwhile
    end
    assert.is_nil(output():find("Disrupted", 1, true), output())
  end)

  it("asks a service of graphql-transport-ws, which had nothing to say, before it gives it up", function()
    local steps = { { "ws_accept", "graphql-transport-ws" }, { "ws_expect", "connection_init" },
      { "ws_send", '{"type":"connection_ack"}' }, { "ws_start" } }
    for i = 1, 300 do
      steps[#steps + 1] = { "ws_expect", '"ping"' }
      steps[#steps + 1] = { "ws_send", '{"type":"next","id":"%ID%","payload":{"data":{"on":{"n":' .. i .. '}}}}' }
    end
    run(steps, "graphql-transport-ws")
    stand_still()
    local last = select(2, output():gsub("event", ""))
    wait_for_output("event " .. last + 2)
    assert.is_nil(output():find("Disrupted", 1, true), output())
  end)
end)
