-- What the system tells of its network, in a network of the program's own: an address that comes is a sign for what waits.
local process = require "spec.support.process"
local program = require "spec.support.program"
local shim = require "spec.support.shim"

local PATIENCE = require "spec.support.patience"

-- The connection would wait for days by itself: a short draw would end its subscription while the server is away.
local PROGRAM = [[
local appsync = require "appsync"
local core = require "appsync.core"
local process = require "spec.support.process"
local todos = require "spec.support.todos"
local function ip(words)
  local ok = os.execute("ip " .. words)
  assert(ok == true or ok == 0, words)
end
ip "link set lo up"
todos.serve()
local port = todos.service.endpoint:match ":(%d+)/"
todos.connect{ retry = { base = 1e6, cap = 1e6, attempts = 1 } }
local told = {}
local s = todos.client:subscribe(todos.ON_CREATE):subscribe{ state = function(state) told[#told + 1] = state end }
todos.ready(s)
process.signal(todos.service.handle, "KILL")
todos.wait("the end", function() return told[2] end)
todos.serve(nil, port)
local began = core.now()
ip "addr add 127.5.5.5/32 dev lo"
todos.wait("the connection", function() return told[3] end)
print("live after " .. core.now() - began)
todos.stop()
]]

-- A sandbox that has no such sockets: everything works without.
local WITHOUT = [[
local appsync = require "appsync"
local todos = require "spec.support.todos"
todos.serve()
local port = todos.service.endpoint:match ":(%d+)/"
todos.connect()
local told = {}
local s = todos.client:subscribe(todos.ON_CREATE):subscribe{ state = function(state) told[#told + 1] = state end }
todos.ready(s)
require("spec.support.process").signal(todos.service.handle, "KILL")
todos.wait("the end", function() return told[2] end)
todos.serve(nil, port)
todos.wait("the connection", function() return told[3] end)
print(table.concat(told, " "))
todos.stop()
]]

describe("the system's own word", function()
  teardown(process.stop_all)

  local function has_own_network()
    local pipe = io.popen "unshare -rn ip link set lo up 2>&1 && echo yes"
    local said = pipe:read "*a"
    pipe:close()
    return said == "yes\n"
  end

  it("that an address has come brings a waiting connection back within a second", function()
    if not has_own_network() then return pending("no network of its own can be had here") end
    local output, status = program(PROGRAM, "unshare -rn")
    assert.equal(0, status, output)
    local seconds = tonumber(output:match "live after (%S+)")
    assert.is_true(seconds <= 1 * PATIENCE, output)
  end)

  it("isn't needed where it can't be had", function()
    if os.getenv("ALLOWED_KIB") then return pending("not beside a sanitizer") end
    local output, status = program(WITHOUT, "env LD_PRELOAD=" .. shim "no_netlink")
    assert.equal(0, status, output)
    assert.equal("subscribed reconnecting subscribed\n", output)
  end)
end)
