-- HTTP/2 servers that keep their clients busy: deadlines hold, everybody else is served, no CPU is burnt.
local certificates = require "spec.support.certificates"
local process = require "spec.support.process"
local program = require "spec.support.program"

local PROGRAM = [[
local appsync = require "appsync"
local socket = require "socket"
local function client(port)
  return appsync.client{
    endpoint = ("https://localhost:%s/graphql"):format(port), auth = { type = "API_KEY", api_key = "k" },
    tls = { ca = os.getenv "CA" }, timeouts = { connect = 5, request = 10 }, store = false,
  }
end
local healthy, bad = client(os.getenv "HEALTHY"), client(os.getenv "BAD")
local function ask(who, options)
  local data, err = who:query("query($v: String) { a(v: $v) }", { v = ("x"):rep(200000) }, options)
  return data and "ok" or err.kind == "timeout" and "ended" or err.kind == "network" and "ended" or tostring(err)
end
appsync.run(function()
  io.write(ask(healthy), " ")
  local first = appsync.spawn(ask, bad, { timeout = 1 })
  local others = {}
  for i = 1, 5 do others[i] = appsync.spawn(ask, healthy) end
  for i = 1, 5 do io.write(others[i]:await(15), " ") end
  io.write(first:await(15), " ")
  local cpu_s, began_s = os.clock(), socket.gettime()
  io.write(ask(bad, { timeout = 2 }), " ", (os.clock() - cpu_s) / (socket.gettime() - began_s) < 0.2 and "idle" or "busy", "\n")
end)
]]

describe("an HTTP/2 server", function()
  local made

  setup(function() made = certificates.make() end)
  teardown(process.stop_all)

  local function start(kind)
    local first, handle = process.start{ process.PYTHON, "spec/support/http2_peer.py", made.server.cert, made.server.key, kind }
    local port, pid = (first or ""):match("^PORT (%d+) PID (%d+)")
    assert(port, "the peer did not start: " .. tostring(first) .. process.read(handle.log))
    handle.pid = tonumber(pid)
    return port, handle
  end

  local function outcome(kind)
    local healthy, one = start "answer"
    local bad, other = start(kind)
    local output, status = program(PROGRAM, ("env CA=%s HEALTHY=%s BAD=%s"):format(made.ca, healthy, bad))
    process.stop(one)
    process.stop(other)
    assert.equal(0, status, output)
    return output
  end

  for _, kind in ipairs{ "empty_data", "mixed", "priority" } do
    it("that floods its client with frames (" .. kind .. ") holds up nobody else", function()
      assert.matches("^ok ok ok ok ok ok ended ", outcome(kind))
    end)
  end

  it("that leaves no room for a request costs no CPU", function()
    if os.getenv("ALLOWED_KIB") then return pending("not beside a sanitizer") end
    assert.equal("ok ok ok ok ok ok ended ended idle\n", outcome "window")
  end)
end)
