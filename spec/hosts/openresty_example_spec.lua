-- examples/openresty, started as its README says: each of its endpoints, and its end.
local core = require "appsync.core"
local folder = require "spec.support.folder"
local nginx = require "spec.support.nginx"
local process = require "spec.support.process"
local socket = require "socket"
local wait_for = require "spec.support.wait"

-- In a folder of nobody's, and as the leader of a group: a terminal's Ctrl-C reaches all of one.
local STARTER = [[
import os, signal, sys
signal.signal(signal.SIGINT, signal.SIG_DFL)
os.setsid()
os.chdir("/")
os.environ.update(word.split("=", 1) for word in sys.argv[3:])
os.execv(sys.argv[1], sys.argv[1:3])
]]

describe("examples/openresty", function()
  local made, handle, gateway
  local here = process.output_of("pwd"):gsub("\n$", "")

  -- What it writes is in a folder that the test has made, beside the socket.
  local function start(listen, workers)
    made = folder.make()
    os.execute("mkdir " .. made.path .. "/tmp")
    local first
    first, handle = process.start{ process.PYTHON, "-c", STARTER, here .. "/examples/openresty/run", listen or "unix:" .. made.path .. "/http",
      "TMPDIR=" .. made.path .. "/tmp", "WORKERS=" .. (workers or 1), "APPSYNC_LUA=luajit" }
    gateway = nginx.at(made.path)
    assert.matches("^READY ", first or "", process.read(handle.log))
    return first
  end

  local function end_by(name)
    process.signal({ pid = -handle.pid }, name) -- the group
    process.stop(handle) -- returns when it has ended
  end

  -- Whatever a test did: nothing of it is left, and no worker ended by a signal or with an error.
  after_each(function()
    if handle.pid then process.stop(handle) end
    local log = process.read(handle.log)
    assert.equal("", process.output_of("ls -A " .. made.path .. "/tmp"))
    for _, words in ipairs{ "exited on signal", "[alert]", "[emerg]", "[crit]", "[error]", "traceback" } do
      assert.is_nil(log:find(words, 1, true), log)
    end
    made.remove()
  end)
  teardown(process.stop_all)

  local function get(path)
    local status, body, head = gateway:ask(path)
    assert.equal(200, status, path .. ": " .. tostring(body) .. process.read(handle.log))
    return body, head
  end

  local function todos()
    local body, head = get "/todos"
    return core.decode(body).todos.items, head:match "[Xx]%-[Ss]ource: (%a+)"
  end

  local function create(name)
    local status, body = gateway:ask("/todos", nil, core.encode{ name = name })
    assert.equal(201, status, body)
    return core.decode(body)
  end

  local function metric(name, labels)
    local text = get "/metrics"
    for line in text:gmatch "[^\n]+" do
      if line:find("appsync_" .. name .. "{", 1, true) and line:find(labels or "", 1, true) then return tonumber(line:match "%S+$") end
    end
    error(name .. " isn't in\n" .. text)
  end

  local function listen()
    local listener = gateway:open "/events"
    listener:receive_until ": subscribed"
    return listener
  end

  it("serves queries from the cache, until something is created", function()
    start()
    wait_for(function() return metric "subscriptions" == 1 end)
    assert.same({}, (todos()))
    wait_for(function() return select(2, todos()) == "cache" end)
    local milk = create "milk"
    assert.equal("milk", milk.name)
    local list, source = todos()
    assert.same({ milk.id, "network" }, { list[1].id, source })
    assert.equal("milk", core.decode((get("/todos/" .. milk.id))).name)
    assert.same({ 404, '{"error":"no such todo"}\n' }, { gateway:get "/todos/none" })
    for _, body in ipairs{ "", "{", "[]", '{"name": 1}' } do assert.equal(400, (gateway:ask("/todos", nil, body))) end
  end)

  it("tells every listener of what is created, over one connection", function()
    start()
    local first, second = listen(), listen()
    create "milk"
    first:receive_until "event: created\ndata: {"
    first:receive_until '"name":"milk"'
    second:receive_until '"name":"milk"'
    wait_for(function() return metric "subscriptions" == 3 end)
    first:close() -- the one that began it
    wait_for(function() return metric "subscriptions" == 2 end)
    create "bread"
    second:receive_until '"name":"bread"'
    assert.equal(1, metric "sockets")
    assert.equal(1, metric "realtime_connections_total")
    second:close()
    wait_for(function() return metric "subscriptions" == 1 end)
  end)

  it("has metrics of what it did", function()
    start()
    wait_for(function() return metric "subscriptions" == 1 end)
    for _ = 1, 3 do todos() end
    create "milk"
    assert.equal(3, metric("operations_total", 'operation="query",outcome="ok"'))
    assert.equal(1, metric("operations_total", 'operation="mutation",outcome="ok"'))
    assert.equal(3, metric "cache_hits_total" + metric "cache_misses_total")
    assert.equal(metric "cache_misses_total", metric("operation_seconds_count", 'operation="query"'))
    assert.equal(metric "cache_misses_total", metric("operation_seconds_bucket", 'operation="query",le="+Inf"'))
    assert.equal(metric "cache_misses_total" + 1, metric "requests_total")
    assert.equal(0, metric "operations_in_flight")
    assert.equal(1, metric "clients")
    local text, head = get "/metrics"
    assert.matches("[Cc]ontent%-[Tt]ype: text/plain; version=0.0.4", head)
    assert.is_nil(text:find("da2-", 1, true))
    assert.matches('worker="0"', text)
  end)

  it("has several workers that each have their own listeners", function()
    start(nil, 2)
    local listeners = {}
    for i = 1, 6 do listeners[i] = listen() end
    create "milk"
    for i = 1, 6 do listeners[i]:receive_until '"name":"milk"' end
    for i = 1, 6 do listeners[i]:close() end
  end)

  it("ends with Ctrl-C, and at once, listeners or not", function()
    local holder = assert(socket.bind("127.0.0.1", 0))
    local _, port = holder:getsockname()
    holder:close()
    assert.equal("READY http://127.0.0.1:" .. port, start(port))
    local connection = assert(socket.connect("127.0.0.1", port))
    connection:settimeout(20)
    connection:send "GET /events HTTP/1.1\r\nHost: x\r\n\r\n"
    repeat local line = assert(connection:receive "*l") until line == ": subscribed"
    end_by "INT"
    connection:receive "*a" -- up to its end
    assert.is_nil((socket.connect("127.0.0.1", port)))
  end)
end)
