-- Stands in for copas 4, which Debian doesn't have: threads that sleep or wait for a socket to be readable, its loop, which
-- ends when nothing else is left, and what it says of itself. `copas.running` and the queues that its threads yield are
-- copas's; nothing else is. A real one, from 4.4 on, takes its place where it is installed.
local socket = require "socket"

local has_copas, installed = pcall(require, "copas")
if has_copas and installed.status then return installed end

local copas = { _VERSION = "a stand-in for Copas 4", running = false }

local ready, sleeping, reading = {}, {}, {} -- coroutines; coroutine → time, or false for ever; socket → coroutine
local SLEEPING, READING = {}, {}

local function tick(co)
  local ok, what, queue = coroutine.resume(co)
  if not ok then
    copas.errors[#copas.errors + 1] = what
  elseif queue == SLEEPING then
    sleeping[co] = what >= 0 and socket.gettime() + what
  elseif queue == READING then
    reading[what] = co
  end
end

-- What threads have raised.
copas.errors = {}

function copas.addthread(fn)
  local co = coroutine.create(function()
    copas.sleep(0)
    fn()
  end)
  tick(co)
  return co
end

function copas.sleep(seconds) coroutine.yield(seconds or 0, SLEEPING) end

function copas.wakeup(co)
  if sleeping[co] == nil then return end
  sleeping[co] = nil
  ready[#ready + 1] = co
end

function copas.receive(client, pattern)
  while true do
    local data, err = client:receive(pattern)
    if data or err ~= "timeout" then return data, err end
    coroutine.yield(client, READING)
  end
end

local function next_time()
  local at = math.huge
  for _, time in pairs(sleeping) do
    if time and time < at then at = time end
  end
  return at
end

function copas.step()
  local sockets, now = {}, socket.gettime()
  for client in pairs(reading) do sockets[#sockets + 1] = client end
  local readable = socket.select(sockets, nil, ready[1] and 0 or math.max(0, math.min(next_time() - now, 0.1)))
  for _, client in ipairs(readable) do
    local co = reading[client]
    reading[client] = nil
    tick(co)
  end
  now = socket.gettime()
  for co, time in pairs(sleeping) do
    if time and time <= now then copas.wakeup(co) end
  end
  local list = ready
  ready = {}
  for _, co in ipairs(list) do tick(co) end
end

-- Its own timer is one of those that sleep.
function copas.status()
  local n_reading, n_timed, n_lasting = 0, 1, 0
  for _ in pairs(reading) do n_reading = n_reading + 1 end
  for _, time in pairs(sleeping) do
    if time then n_timed = n_timed + 1 else n_lasting = n_lasting + 1 end
  end
  return { running = copas.running, read = n_reading, write = 0, active = #ready, timer = n_timed, inactive = n_lasting,
    timeout = 0 }
end

function copas.finished()
  local now = copas.status()
  return now.read == 0 and now.active == 0 and now.timer == 1
end

function copas.loop()
  copas.running = true
  repeat copas.step() until copas.finished()
  copas.running = false
end

package.loaded.copas = copas
return copas
