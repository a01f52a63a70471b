-- A game at 60 frames a second that synchronizes records over and over and hears 1,000 events a second. It writes down what
-- each call of appsync.update took of its thread's CPU time and by the clock, and what a loop that spins as long as its
-- budget took, which shows what the machine adds to both.
-- Environment: RECORDS_AT, EVENTS_AT, API_KEY, SECONDS, HOW ("stop", "joff" or "plain").
local appsync = require "appsync"
local thread_us = require "thread_time"

local SECONDS, HOW = tonumber(os.getenv "SECONDS"), os.getenv "HOW"
local FRAME, BUDGET = 1 / 60, 0.001
local IDLE_FRAMES = 300

local FIELDS = "id name description priority done owner createdAt updatedAt _version _lastChangedAt _deleted"
local PAGE = ("{ items { %s } nextToken startedAt }"):format(FIELDS)
local BASE = "query SyncTodos($limit: Int, $nextToken: String) { syncTodos(limit: $limit, nextToken: $nextToken) " .. PAGE .. " }"
local DELTA = "query SyncTodos($limit: Int, $nextToken: String, $lastSync: AWSTimestamp) "
  .. "{ syncTodos(limit: $limit, nextToken: $nextToken, lastSync: $lastSync) " .. PAGE .. " }"
local LIMIT = { limit = 1000 }

if HOW == "joff" then jit.off() end
if HOW == "stop" then collectgarbage "stop" end

local now = love.timer.getTime
local cpu, wall, control, spun, begins = {}, {}, {}, {}, {}
local n_events, n_syncs, n_records = 0, 0, 0
local events, quiet, synchronizing, resident_before
local is_running = true

local function log(level, message)
  if level ~= "info" then print("log", level, message) end
end

local function resident()
  for line in io.lines "/proc/self/status" do
    local kib = line:match "^VmRSS:%s+(%d+)"
    if kib then return tonumber(kib) end
  end
end

local function connect(endpoint, api_key, store)
  return appsync.client{ endpoint = endpoint, auth = { type = "API_KEY", api_key = api_key }, store = store, log = log }
end

-- Begins anew, in an empty store: checking the documents, and compiling what checks them, is the call's own work, not the frame's.
local function synchronize()
  local began = thread_us()
  n_syncs = n_syncs + 1
  local path = ("%s/sync%d.db"):format(love.filesystem.getSaveDirectory(), n_syncs)
  local records = connect(os.getenv "RECORDS_AT", "any", path)
  local sync = records:sync(appsync.build_sync("Todo", {
    base_query = { query = BASE, variables = LIMIT }, delta_query = { query = DELTA, variables = LIMIT },
    subscription_query = { query = ("subscription OnUpdateTodo { onUpdateTodo { %s } }"):format(FIELDS) },
  }))
  synchronizing = appsync.spawn(function()
    appsync.assert(sync:ready())
    n_records = n_records + sync:status().records
    appsync.assert(records:close(5))
    return path
  end)
  begins[#begins + 1] = thread_us() - began
end

-- Large files take a while to be removed.
local function remove(path)
  for _, ending in ipairs{ "", "-wal", "-shm", "-leader" } do os.remove(path .. ending) end
end

function love.load()
  love.filesystem.createDirectory ""
  appsync.assert(appsync.start())
  events = connect(os.getenv "EVENTS_AT", os.getenv "API_KEY")
  events:subscribe("subscription { onMove { id x y } }"):subscribe{
    next = function(event)
      assert(event.onMove.id)
      n_events = n_events + 1
    end,
    error = error,
  }
  synchronize()
end

local function spin(seconds)
  local ends = now() + seconds
  repeat until now() >= ends
end

local function update()
  local began, before = now(), thread_us()
  appsync.update{ budget = BUDGET, raise = true }
  local took = thread_us() - before
  local ended = now()
  cpu[#cpu + 1], wall[#wall + 1] = took, (ended - began) * 1e6
  before = thread_us()
  spin(BUDGET)
  control[#control + 1], spun[#spun + 1] = (now() - ended) * 1e6, thread_us() - before
end

local function at(sorted, share)
  return sorted[math.max(1, math.ceil(#sorted * share))]
end

local function say(name, list)
  table.sort(list)
  print(("%s n=%d half=%.0f p99=%.0f p999=%.0f worst=%.0f"):format(name, #list, at(list, 0.5), at(list, 0.99), at(list, 0.999), list[#list]))
end

local function finish()
  say("cpu", cpu)
  say("wall", wall)
  say("control", control)
  say("spun", spun)
  say("begin", begins)
  print(("counts events=%d syncs=%d records=%d"):format(n_events, n_syncs, n_records))
  print(("memory before=%d after=%d"):format(resident_before, resident()))
end

-- What is done in a frame, after each other.
local phases, phase, frame, first_at = {}, 1, 0, nil

-- Everything at once.
phases[1] = function()
  update()
  if synchronizing:status() == "done" then
    remove(synchronizing:await())
    synchronize()
  end
  if not resident_before and now() - first_at > SECONDS / 5 then resident_before = resident() end
  return now() - first_at > SECONDS
end

-- The last synchronization ends, and a subscription begins that hears nothing.
local quiet_state
phases[2] = function()
  if is_running then
    finish()
    is_running = false
    events:close(1)
  end
  appsync.update(BUDGET)
  if synchronizing:status() ~= "done" then return false end
  if not quiet then
    quiet = connect(os.getenv "EVENTS_AT", os.getenv "API_KEY")
    quiet:subscribe("subscription { onQuiet { id } }"):subscribe{ next = error, state = function(state) quiet_state = state end }
  end
  return quiet_state == "subscribed"
end

-- Frames with nothing to do: what they allocate, once LuaJIT has compiled what it will.
local n_idle, idle_bytes = 0, 0
phases[3] = function()
  local before = collectgarbage "count"
  appsync.update(BUDGET)
  local bytes = (collectgarbage "count" - before) * 1024
  n_idle = n_idle + 1
  if n_idle > IDLE_FRAMES / 2 then idle_bytes = idle_bytes + bytes end
  return n_idle == IDLE_FRAMES
end

-- LÖVE's own loop, at 60 frames a second whatever the display does.
function love.run()
  love.load()
  local due = now()
  first_at = due
  return function()
    love.event.pump()
    if phases[phase]() then phase = phase + 1 end
    if not phases[phase] then
      print(("idle frames=%d bytes=%d"):format(IDLE_FRAMES / 2, idle_bytes))
      quiet:close(1)
      print "done"
      return 0
    end
    frame = frame + 1
    love.graphics.clear()
    love.graphics.print(("frame %d, %d events"):format(frame, n_events))
    love.graphics.present()
    due = math.max(due + FRAME, now() - FRAME)
    love.timer.sleep(math.max(0, due - now()))
  end
end
