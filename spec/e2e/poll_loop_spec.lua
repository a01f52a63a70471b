-- The suite of loops in one that polls `appsync.fd()` beside its own sockets and timers, without an adapter.
local appsync = require "appsync"
local cases = require "spec.support.loop_cases"
local client_cases = require "spec.support.loop_client_cases"
local socket = require "socket"

local BOUND = 10

local tasks, timers, readers = {}, {}, {} -- readers: socket → function
local library = { getfd = appsync.fd, dirty = function() return false end }
local loop = { name = "poll", is_library = true }

function loop.start(fn) table.insert(tasks, appsync.spawn(fn)) end

function loop.wait(is_done)
  repeat appsync.sleep(0.001) until is_done()
end

function loop.every(seconds, fn) table.insert(timers, { at = socket.gettime() + seconds, seconds = seconds, fn = fn }) end

function loop.receive(client, fn) readers[client] = fn end

local function run_timers()
  local now, kept = socket.gettime(), {}
  for _, timer in ipairs(timers) do
    local is_due = timer.at <= now
    if is_due then timer.at = now + timer.seconds end
    if not is_due or timer.fn() then table.insert(kept, timer) end
  end
  timers = kept
end

local function has_running()
  for _, task in ipairs(tasks) do
    if task:status() == "running" then return true end
  end
  return timers[1] ~= nil or next(readers) ~= nil
end

function loop.run()
  local give_up = socket.gettime() + BOUND
  while has_running() do
    local at, sockets = give_up, { library }
    for _, timer in ipairs(timers) do at = math.min(at, timer.at) end
    for client in pairs(readers) do table.insert(sockets, client) end
    local ready = socket.select(sockets, nil, math.max(0, at - socket.gettime()))
    assert(socket.gettime() < give_up, "the descriptor never got readable")
    if ready[library] then appsync.update(0) end
    for client, fn in pairs(readers) do
      if ready[client] then
        readers[client] = nil
        fn(assert(client:receive(1)))
      end
    end
    run_timers()
  end
  tasks = {}
end

describe("a wait in a task that a poll loop drives", function() cases.define(loop, it) end)

describe("a client in a poll loop", function()
  client_cases.define(loop, { it = it, setup = setup, teardown = teardown })
end)
