-- What the system refuses at first use, descriptors and threads, comes as an error; many sockets are no limit.
local appsync = require "appsync"
local process = require "spec.support.process"
local program = require "spec.support.program"
local server = require "spec.support.server"
local shim = require "spec.support.shim"

local SCHEMA = "type Todo @model { id: ID! name: String }"
local N_SOCKETS = 300
local BOUND = 20

local PROGRAM = [[
local appsync = require "appsync"
local left = tonumber(os.getenv "LEFT")
local held = {}
while left do
  local file = io.open "/dev/null"
  if not file then break end
  held[#held + 1] = file
end
for i = #held, #held - (left or 0) + 1, -1 do
  held[i]:close()
  held[i] = nil
end
local client = appsync.client{
  endpoint = os.getenv "ENDPOINT", auth = { type = "API_KEY", api_key = "da2-test" }, log = function() end,
  timeouts = { connect = 5, request = 10 },
}
local function show(name, value, err) print(name, value ~= nil and "ok" or err.kind .. "/" .. tostring(err.code)) end
show("query", client:query "{ listTodos { items { id } } }")
show("ready", client:subscribe("subscription { onCreateTodo { id } }"):subscribe():ready(10))
show("sleep", appsync.sleep(0.001))
for i = 1, #held do held[i]:close() end
show("later", client:query "{ listTodos { items { id } } }")
show("close", client:close(5))
]]

-- One socket is open, so that libwebsockets is at work, when descriptors run out.
local BESIDE_ANOTHER = [[
local appsync = require "appsync"
local function subscribe()
  local client = appsync.client{
    endpoint = os.getenv "ENDPOINT", auth = { type = "API_KEY", api_key = "da2-test" }, log = function() end,
    timeouts = { connect = 5 },
  }
  local s = client:subscribe("subscription { onCreateTodo { id } }"):subscribe()
  local ok, err = s:ready(10)
  io.write(ok and "ok" or err.kind .. "/" .. tostring(err.code), " ")
  return s
end
local first, held = subscribe(), {}
while true do
  local file = io.open "/dev/null"
  if not file then break end
  held[#held + 1] = file
end
local second = subscribe()
io.write(tostring(second.err and second.err.kind), " ")
for i = 1, #held do held[i]:close() end
local third = subscribe()
io.write(tostring(first.err or third.err), "\n")
]]

-- What else is loaded late needs descriptors, too.
local IN_LOOPS = [[
local appsync, host, uv, copas = require "appsync", require "appsync.host", require "luv", require "spec.support.copas"
require "appsync.host.luv"
require "appsync.host.copas"
-- Without a log: on a busy machine it says that a call took long.
local client = appsync.client{ endpoint = os.getenv "ENDPOINT", auth = { type = "API_KEY", api_key = "da2-test" }, log = function() end }
local function ask()
  local data, err = client:query "{ listTodos { items { id } } }"
  print(data and "ok" or err.kind)
end
local held = {}
while true do
  local file = io.open "/dev/null"
  if not file then break end
  held[#held + 1] = file
end
print(select(2, pcall(host.use, "luv")))
host.use "copas"
copas.addthread(function()
  copas.sleep(0.01)
  print "slept"
end)
copas.loop()
for i = 1, #held do held[i]:close() end
copas.addthread(ask)
copas.loop()
host.use "luv"
coroutine.wrap(ask)()
uv.run()
client:close(5)
]]

describe("what the system refuses", function()
  local service

  setup(function() service = server.start{ schema = SCHEMA } end)
  teardown(process.stop_all)

  for _, left in ipairs{ 0, 1, 2, 3 } do
    it(("descriptors, with %d left, is an error, and works later"):format(left), function()
      local output, status = program(PROGRAM, ("ulimit -n 40; env LEFT=%d ENDPOINT=%s"):format(left, service.endpoint))
      assert.equal(0, status, output)
      local query, ready, sleep, later, close = output:match("query\t(%S+)\nready\t(%S+)\nsleep\t(%S+)\nlater\t(%S+)\nclose\t(%S+)\n")
      assert.truthy(query, output)
      assert.same({ "ok", "ok", "ok" }, { sleep, later, close }, output)
      for _, result in ipairs{ query, ready } do
        assert.truthy(result == "ok" or result == "system/descriptors", output)
      end
      if left == 0 then assert.equal("system/descriptors", query) end
    end)
  end

  it("a descriptor for a loop to wait with, is told, keeps no loop from its work, and works later", function()
    local output, status = program(IN_LOOPS, "ulimit -n 40; env ENDPOINT=" .. service.endpoint)
    assert.equal(0, status, output)
    assert.matches("^system: [^\n]*descriptor[^\n]*\nslept\nok\nok\n$", output)
  end)

  for _, host in ipairs{ "127.0.0.1", "localhost" } do
    it("a descriptor for one more socket, to " .. host .. ", is an error, and works later", function()
      local endpoint = service.endpoint:gsub("127%.0%.0%.1", host)
      local output, status = program(BESIDE_ANOTHER, ("ulimit -n 40; env ENDPOINT=%s"):format(endpoint))
      assert.equal("ok system/descriptors system ok nil\n", output)
      assert.equal(0, status)
    end)
  end

  it("the core's thread, is an error", function()
    if os.getenv("ALLOWED_KIB") then return pending("not beside a sanitizer") end
    local output, status = program(PROGRAM, ("env LD_PRELOAD=%s NO_THREADS_AFTER=0 ENDPOINT=%s"):format(shim "no_threads", service.endpoint))
    assert.equal("query\tsystem/threads\nready\tsystem/threads\nsleep\tok\nlater\tsystem/threads\nclose\tok\n", output)
    assert.equal(0, status)
  end)

  it("the thread for subscriptions, ends those with an error", function()
    if os.getenv("ALLOWED_KIB") then return pending("not beside a sanitizer") end
    local output, status = program(PROGRAM, ("env LD_PRELOAD=%s NO_THREADS_AFTER=1 ENDPOINT=%s"):format(shim "no_threads", service.endpoint))
    assert.equal("query\tok\nready\tsystem/threads\nsleep\tok\nlater\tok\nclose\tok\n", output)
    assert.equal(0, status)
  end)

  it("isn't a few hundred sockets", function()
    local clients, waiting = {}, {}
    for i = 1, N_SOCKETS do
      clients[i] = appsync.client{
        endpoint = service.endpoint, auth = { type = "API_KEY", api_key = server.API_KEY }, timeouts = { connect = BOUND },
      }
      waiting[i] = clients[i]:subscribe("subscription { onCreateTodo { name } }"):subscribe()
    end
    for i = 1, N_SOCKETS do
      local ok, err = waiting[i]:ready(BOUND)
      assert.is_true(ok, i .. ": " .. tostring(err))
    end
    appsync.assert(clients[1]:mutate 'mutation { createTodo(input: {name: "x"}) { name } }')
    for i = 1, N_SOCKETS do assert.equal("x", waiting[i]:next(BOUND).onCreateTodo.name) end
    for i = 1, N_SOCKETS do assert.is_true(clients[i]:close(BOUND)) end
  end)
end)
