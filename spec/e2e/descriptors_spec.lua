-- What a child of the host inherits: nothing of ours.
local appsync = require "appsync"
local certificates = require "spec.support.certificates"
local peer = require "spec.support.peer"
local process = require "spec.support.process"
local program = require "spec.support.program"
local server = require "spec.support.server"
local shim = require "spec.support.shim"
local util = require "luassert.util"
local wait_for = require "spec.support.wait"

local BOUND = 10
local SCHEMA = "type Todo @model { id: ID! name: String }"
local KEY = { type = "API_KEY", api_key = server.API_KEY }
local LIST = "{ listTodos { items { id } } }"

-- The healthy answer comes after the other's look-up has begun: one thread does both in turn.
local LOOKING_UP = [[
local appsync = require "appsync"
local KEY = { type = "API_KEY", api_key = "da2-test" }
local function of_sockets()
  local ls = io.popen "ls -l /proc/self/fd"
  local _, n = ls:read "*a":gsub("socket:", "")
  ls:close()
  return n
end
local before = of_sockets()
local silent = appsync.client{ endpoint = "http://a.silent.example/graphql", auth = KEY, timeouts = { request = 5 } }
silent:query("{ a }", nil, { on_result = function() end })
local healthy = appsync.client{ endpoint = os.getenv "ENDPOINT", auth = KEY }
assert(healthy:query "{ listTodos { items { id } } }")
io.write(before, " ", of_sockets(), "\n")
os.exit(0)
]]

-- A child's open descriptors, but for what popen and ls themselves open.
local function inherited()
  local ls = assert(io.popen "ls -l /proc/self/fd")
  local found = {}
  for line in ls:lines() do
    local fd, target = line:match "(%d+) %-> (.*)$"
    if fd and not target:find "^/proc/" then found[fd] = target end
  end
  ls:close()
  found["1"] = nil -- popen's
  return found
end

describe("a child of the host inherits no descriptor of ours", function()
  local client, before

  before_each(function()
    process.start{ "true" } -- what programs are started by has a descriptor
    before = inherited()
  end)

  after_each(function()
    if client then assert.is_true(client:close(5)) end
    client = nil
    process.stop_all()
  end)

  -- What libcurl opens by itself is closed to children at the end of the turn that sends.
  local function nothing_is_inherited()
    pcall(wait_for, function() return util.deepcompare(before, inherited()) end)
    assert.same(before, inherited())
    local out = process.temporary ".fds"
    os.execute("ls -l /proc/self/fd | grep -c socket: > " .. out)
    assert.equal("0\n", process.read(out))
  end

  local function connect(options)
    options.timeouts = { connect = 5, request = 5, ack = 5 }
    client = assert(appsync.client(options))
    return client
  end

  it("of pooled connections and of a live subscription", function()
    local service = server.start{ schema = SCHEMA }
    -- By name: the look-up's own descriptors come and go with it.
    connect{ endpoint = service.endpoint:gsub("127%.0%.0%.1", "localhost"), realtime_endpoint = service.realtime, auth = KEY }
    for _ = 1, 3 do assert.is_nil(select(2, client:query(LIST))) end
    nothing_is_inherited()
    local s = client:subscribe("subscription { onCreateTodo { name } }"):subscribe()
    assert.is_true(s:ready(BOUND))
    nothing_is_inherited()
    s:unsubscribe()
  end)

  it("of connections over TLS", function()
    local made = certificates.make()
    local service = server.start{ schema = SCHEMA, arguments = { "--tls", made.server.cert .. "," .. made.server.key } }
    connect{ endpoint = service.endpoint, realtime_endpoint = service.realtime, auth = KEY, tls = { ca = made.ca } }
    assert.is_nil(select(2, client:query(LIST)))
    local s = client:subscribe("subscription { onCreateTodo { name } }"):subscribe()
    assert.is_true(s:ready(BOUND))
    nothing_is_inherited()
    s:unsubscribe()
  end)

  it("of requests under way", function()
    local silent = peer.start{ connections = { { { "request" }, { "wait" } } }, ["repeat"] = true }
    connect{ endpoint = silent.url:gsub("127%.0%.0%.1", "localhost"), auth = KEY }
    client:query("{ a }", nil, { on_result = function() end })
    wait_for(function() return silent.log():find("request", 1, true) end, "a request", silent.log)
    nothing_is_inherited()
  end)

  it("of look-ups under way", function()
    if os.getenv("ALLOWED_KIB") then return pending("not beside a sanitizer") end
    local service = server.start{ schema = SCHEMA }
    assert.equal("0 0\n", (program(LOOKING_UP, ("env LD_PRELOAD=%s ENDPOINT=%s"):format(shim "silent_dns", service.endpoint))))
  end)

  it("of the local server: its listeners, its connections, its store", function()
    local store = process.temporary ".db"
    local resolvers = [[return { Query = { descriptors = function()
      local ls = io.popen "ls -l /proc/self/fd"
      local text = ls:read "*a"
      ls:close()
      return text
    end } }]]
    local service = server.start{ schema = SCHEMA .. " type Query { descriptors: String }", resolvers = resolvers,
      arguments = { "--store", store, "--control", "0" } }
    connect{ endpoint = service.endpoint, realtime_endpoint = service.realtime, auth = KEY }
    local s = client:subscribe("subscription { onCreateTodo { name } }"):subscribe()
    assert.is_true(s:ready(BOUND))
    assert.is_nil(select(2, client:mutate 'mutation { createTodo(input: {name: "x"}) { id } }'))
    local text = appsync.assert(client:query "{ descriptors }").descriptors
    for _, target in ipairs{ "socket:", store, "anon_inode:" } do assert.is_nil(text:find(target, 1, true), text) end
    s:unsubscribe()
    for suffix in ("-wal -shm"):gmatch "%S+" do os.remove(store .. suffix) end
  end)
end)
