-- Processes that fork: a client that was used before is refused in the child, one that wasn't is as good as new.
local process = require "spec.support.process"
local server = require "spec.support.server"

local has_fork, ffi = pcall(require, "ffi")

-- What the child does stands in a program of its own, so that the fork finds no test runner in it.
local PROGRAM = [[
local ffi = require "ffi"
ffi.cdef "int fork(void); int waitpid(int pid, int *status, int options); void _exit(int status);"
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
  local pid = ffi.C.fork()
  if pid == 0 then
    local ok, raised = pcall(fn)
    if not ok then io.stdout:write("raised ", tostring(raised), "\n") end
    io.stdout:flush()
    ffi.C._exit(0)
  end
  ffi.C.waitpid(pid, nil, 0)
end
local function say(...) io.stdout:write(...) io.stdout:write("\n") end
%s
]]

describe("a fork", function()
  local service

  setup(function()
    service = server.start { schema = "type Query { a: Int } type Mutation { m: Int } type Subscription { s: Int @aws_subscribe(mutations: [\"m\"]) }",
      resolvers = "return { Query = { a = function() return 1 end } }" }
  end)

  teardown(function() process.stop_all() end)

  local function run(text)
    local path = process.file(PROGRAM:format(service.endpoint, server.API_KEY, text), ".lua")
    local pipe = assert(io.popen(("timeout 20 %s %s 2>&1; echo status $?"):format(os.getenv "APPSYNC_LUA" or "luajit", path)))
    local output = pipe:read "*a"
    pipe:close()
    -- A busy machine may be told that a call outside a task took long.
    return (output:gsub("appsync: warn: [^\n]* blocked the main thread [^\n]*\n", ""))
  end

  local function test(name, fn)
    if not has_fork or not ffi then
      pending(name .. " (this Lua has no fork)")
    else
      it(name, fn)
    end
  end

  test("leaves a client that wasn't used yet as good as new in parent and child", function()
    local output = run [[
local client = new()
fork(function() say("child ", value(client)) client:close(5) end)
say("parent ", value(client))
client:close(5)
]]
    assert.equal("child 1\nparent 1\nstatus 0\n", output)
  end)

  test("refuses in the child a client that was used before, and says what to do; the parent's goes on", function()
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

  test("refuses in the child to drive what the parent has begun, at the caller's line", function()
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

  test("refuses in the child a call with an auth mode of its own, too", function()
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

  test("lets the child make clients of its own beside the parent's", function()
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

  test("with a call in flight and a subscription alive harms neither side", function()
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

  test("leaves what the parent has in its store to the parent, also where the child collects it", function()
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

  test("lets a child open the store of a client that wasn't used yet", function()
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

  test("and a child that ends by os.exit or by its last line ends at once", function()
    local output = run [[
local client = new()
say("before ", value(client))
io.stdout:flush()
local pid = ffi.C.fork()
if pid == 0 then
  local own = new()
  say("child ", value(own))
  io.stdout:flush()
  os.exit(0)
end
ffi.C.waitpid(pid, nil, 0)
say("parent ", value(client))
]]
    assert.equal("before 1\nchild 1\nparent 1\nstatus 0\n", output)
  end)
end)
