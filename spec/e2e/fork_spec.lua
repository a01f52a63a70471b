-- Processes that fork: a client that was used before is refused in the child, one that wasn't is as good as new.
local process = require "spec.support.process"
local run_program = require "spec.support.program"
local server = require "spec.support.server"
local shim = require "spec.support.shim"

-- What the child does stands in a program of its own, so that the fork finds no test runner in it.
local PROGRAM = [[
local system = package.loadlib(%q, "luaopen_fork")()
local appsync = require "appsync"
local endpoint, key = %q, %q
local function new(store)
  return appsync.client { endpoint = endpoint, auth = { type = "API_KEY", api_key = key }, retry = { attempts = 1 }, store = store }
end
local function value(client)
  local data, err = client:query "{ a }"
  return data and data.a or tostring(err)
end
local function fork(fn)
  io.stdout:flush()
  local pid = system.fork()
  if pid == 0 then
    local ok, raised = pcall(fn)
    if not ok then io.stdout:write("raised ", tostring(raised), "\n") end
    io.stdout:flush()
    system.exit(0)
  end
  system.wait(pid)
end
local function say(...) io.stdout:write(...) io.stdout:write("\n") end
%s
]]

-- TSan ends a child that starts threads.
local it = os.getenv "SANITIZER" == "tsan" and pending or it

describe("a fork", function()
  local service

  setup(function()
    service = server.start { schema = "type Query { a: Int } type Mutation { m: Int } type Subscription { s: Int @aws_subscribe(mutations: [\"m\"]) }",
      resolvers = "return { Query = { a = function() return 1 end } }" }
  end)

  teardown(function() process.stop_all() end)

  local function run(text)
    local output, status = run_program(PROGRAM:format(shim "fork", service.endpoint, server.API_KEY, text))
    output = ("%sstatus %s\n"):format(output, status)
    -- A busy machine may be told that a call outside a task took long.
    return (output:gsub("appsync: warn: [^\n]* blocked the main thread [^\n]*\n", ""))
  end

  it("leaves a client that wasn't used yet as good as new in parent and child", function()
    local output = run [[
local client = new()
fork(function() say("child ", value(client)) client:close(5) end)
say("parent ", value(client))
client:close(5)
]]
    assert.equal("child 1\nparent 1\nstatus 0\n", output)
  end)

  it("refuses in the child a client that was used before, and says what to do; the parent's goes on", function()
    local output = run [[
local client = new()
say("before ", value(client))
fork(function()
  local ok, raised = pcall(value, client)
  say("child ", tostring(ok), " ", tostring(raised))
end)
say("parent ", value(client))
client:close(5)
]]
    assert.matches("^before 1\nchild %S+ [^\n]*fork[^\n]*\nparent 1\nstatus 0\n$", output)
    assert.matches("make clients anew in the child", output)
  end)

  it("refuses in the child to drive what the parent has begun, at the caller's line", function()
    local output = run [[
local client = new()
say("before ", value(client))
fork(function() say("child ", select(2, pcall(function() appsync.update(0) end))) end)
say("parent ", value(client))
client:close(5)
]]
    assert.matches("^before 1\nchild [^\n]-%.lua:%d+: this client was used before a fork; make clients anew in the child process\n"
      .. "parent 1\nstatus 0\n$", output)
  end)

  it("refuses in the child a call with an auth mode of its own, too", function()
    local output = run [[
local client = new()
say("before ", value(client))
fork(function()
  say("child ", select(2, pcall(function() client:query("{ a }", nil, { auth = { type = "API_KEY", api_key = "other" } }) end)))
end)
say("parent ", value(client))
client:close(5)
]]
    assert.matches("^before 1\nchild [^\n]-%.lua:%d+: this client was used before a fork; make clients anew in the child process\n"
      .. "parent 1\nstatus 0\n$", output)
  end)

  it("lets the child make clients of its own beside the parent's", function()
    local output = run [[
local client = new()
say("before ", value(client))
for i = 1, 3 do
  fork(function()
    local own = new()
    say("child ", value(own))
    local s = own:subscribe("subscription { s }"):subscribe()
    say("ready ", tostring(s:ready(5)))
    s:unsubscribe()
    say("closed ", tostring(own:close(5)))
  end)
end
say("parent ", value(client))
client:close(5)
]]
    assert.equal("before 1\n" .. ("child 1\nready true\nclosed true\n"):rep(3) .. "parent 1\nstatus 0\n", output)
  end)

  it("with a call in flight and a subscription alive harms neither side", function()
    local output = run [[
local client = new()
local s = client:subscribe("subscription { s }"):subscribe()
say("ready ", tostring(s:ready(5)))
local task = appsync.spawn(value, client)
appsync.update(0)
fork(function()
  client, s, task = nil, nil, nil
  collectgarbage() collectgarbage()
  local own = new()
  say("child ", value(own))
  own:close(5)
end)
say("task ", task:await(5))
s:unsubscribe()
say("closed ", tostring(client:close(5)))
]]
    assert.equal("ready true\nchild 1\ntask 1\nclosed true\nstatus 0\n", output)
  end)

  it("leaves what the parent has in its store to the parent, also where the child collects it", function()
    local path = process.temporary ".db"
    local output = run(([[
for _, store in ipairs{ ":memory:", %q } do
  local client = new(store)
  say("before ", value(client))
  fork(function()
    say("child ", tostring(select(2, pcall(value, client))):match "this client was used before a fork")
    client = nil
    collectgarbage() collectgarbage()
    local own = new ":memory:"
    say("own ", value(own), " ", tostring(own:hydrated()))
    own:close(5)
  end)
  local _, _, info = client:query "{ a }"
  say("parent ", info.source)
  client:close(5)
end
]]):format(path))
    for _, suffix in ipairs{ "-wal", "-shm", "-leader" } do os.remove(path .. suffix) end
    assert.equal(("before 1\nchild this client was used before a fork\nown 1 true\nparent cache\n"):rep(2) .. "status 0\n", output)
  end)

  it("lets a child open the store of a client that wasn't used yet", function()
    local path = process.temporary ".db"
    local output = run(([[
local client = new(%q)
fork(function()
  say("child ", value(client), " ", tostring(client:hydrated()))
  client:close(5)
end)
local _, _, info = client:query "{ a }"
say("parent ", info.source)
client:close(5)
]]):format(path))
    for _, suffix in ipairs{ "-wal", "-shm", "-leader" } do os.remove(path .. suffix) end
    assert.equal("child 1 true\nparent cache\nstatus 0\n", output)
  end)

  it("and a child that ends by os.exit or by its last line ends at once", function()
    local output = run [[
local client = new()
say("before ", value(client))
io.stdout:flush()
local pid = system.fork()
if pid == 0 then
  local own = new()
  say("child ", value(own))
  io.stdout:flush()
  os.exit(0)
end
system.wait(pid)
say("parent ", value(client))
]]
    assert.equal("before 1\nchild 1\nparent 1\nstatus 0\n", output)
  end)

  -- A coroutine asks once it has met another one, for which the loop must go on while it waits.
  local LOOPS = {
    cqueues = [[
local function run_loop(...)
  local controller = require("cqueues").new()
  for _, fn in ipairs{ ... } do controller:wrap(fn) end
  assert(controller:loop(10))
end
]],
    copas = [[
local copas = require "spec.support.copas"
local function run_loop(...)
  for _, fn in ipairs{ ... } do copas.addthread(fn) end
  copas.loop()
end
]],
    luv = [[
local function run_loop(...)
  for _, fn in ipairs{ ... } do coroutine.wrap(fn)() end
  require("luv").run()
end
]],
  }
  local ASK = [[
local function ask(fn)
  local is_here, is_met, n = false, false, 0
  run_loop(function()
    repeat
      is_here, n = true, n + 1
      appsync.sleep(0.001)
    until is_met or n == 1000
    say(is_met and "met" or "alone")
    fn()
  end, function()
    repeat appsync.sleep(0.001) until is_here
    is_met = true
  end)
end
]]

  for name, loop in pairs(LOOPS) do
    it("leaves workers that use " .. name .. " what they make after it", function()
      local output = run(loop .. ASK .. ([[
local client = new()
for i = 1, 2 do
  fork(function()
    require("appsync.host").use %q
    ask(function() say("worker ", i, " ", value(client), " ", tostring(appsync.sleep(0.001))) end)
    client:close(5)
  end)
end
]]):format(name))
      assert.equal("met\nworker 1 1 true\nmet\nworker 2 1 true\nstatus 0\n", output)
    end)
  end

  -- Not luv: the default loop of libuv can't be used after a fork any more, and luv has nothing that mends it.
  for _, name in ipairs{ "cqueues", "copas" } do
    it("lets a child use " .. name .. " with clients of its own where the parent has used it, too", function()
      local output = run(LOOPS[name] .. ASK .. ([[
local client = new()
require("appsync.host").use %q
ask(function() say("first ", value(client)) end)
fork(function()
  ask(function()
    say("child ", tostring(select(2, appsync.pcall(value, client))):match "this client was used before a fork")
    local own = new()
    say("own ", value(own), " ", tostring(own:close(5)))
  end)
end)
ask(function() say("parent ", value(client)) end)
client:close(5)
]]):format(name))
      assert.equal("met\nfirst 1\nmet\nchild this client was used before a fork\nown 1 true\nmet\nparent 1\nstatus 0\n", output)
    end)
  end
end)
