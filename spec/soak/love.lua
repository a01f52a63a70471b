-- A game in LÖVE, under Xvfb, at 60 frames a second: it synchronizes 100,000 records over and over and hears 1,000 events a
-- second. Of each call of appsync.update(0.001): the CPU time of its thread, and the time by the clock beside that of a loop that
-- spins 1 ms in each frame. Then the same with Lua's collector stopped, and without LuaJIT's compiler: their work is the
-- application's as much as the library's. usage: MINUTES=10 luajit spec/soak/love.lua
local love = require "spec.support.love"
local start_events = require "spec.soak.events"
local process = require "spec.support.process"
local server = require "spec.support.server"

local MINUTES = tonumber(os.getenv "MINUTES") or 10
local RECORDS = tonumber(os.getenv "RECORDS") or 100000
local RATE = tonumber(os.getenv "RATE") or 1000
local ALLOWED_US = tonumber(os.getenv "ALLOWED_US") or 2000 -- at worst;
local USUAL_US = tonumber(os.getenv "USUAL_US") or 1100 -- and of 99.9 %
local BESIDE_CONTROL = 1.1
local ALLOWED_KIB = tonumber(os.getenv "ALLOWED_KIB") or 20 * 1024
local BENCH = "build/bench"

local function start_records()
  local path = ("%s/data/w8_%d"):format(BENCH, RECORDS)
  assert(os.execute(("mkdir -p %s/data && lua5.4 bench/sync_pages.lua %s/data %d"):format(BENCH, BENCH, RECORDS)))
  local port, handle = process.start{ BENCH .. "/server/sync_pages", "0", path .. ".ndjson", path .. "_delta.json" }
  assert(tonumber(port), "sync_pages didn't start: " .. tostring(port) .. process.read(handle.log))
  return ("http://127.0.0.1:%s/graphql"):format(port)
end

local function read_lines(output)
  local found = {}
  for line in output:gmatch "[^\n]+" do
    local name, rest = line:match "^(%a+) (.*=.*)$"
    if name then
      found[name] = {}
      for key, value in rest:gmatch "(%w+)=(%-?[%d.]+)" do found[name][key] = tonumber(value) end
    end
  end
  return found
end

local function play(game, how, seconds, at)
  local output, status = game.run(("env RECORDS_AT=%s EVENTS_AT=%s API_KEY=%s SECONDS=%d HOW=%s love game"):format(
    at.records, at.events, server.API_KEY, seconds, how), seconds + 120)
  assert(status == 0 and output:find "\ndone\n", output)
  assert(not output:find "log error", output)
  local found = read_lines(output)
  print(("%s: %d frames; us of CPU in update: half %d, 99 %% %d, 99.9 %% %d, worst %d; by the clock: 99.9 %% %d, worst %d; a loop of 1 ms: "
    .. "99.9 %% %d, worst %d, of CPU %d and %d; %d events, %d records in %d synchronizations; resident %d KiB after a fifth, "
    .. "%d KiB at the end; %d idle frames: %d bytes; to begin a synchronization half %d, worst %d us"):format(how, found.cpu.n, found.cpu.half,
    found.cpu.p99, found.cpu.p999, found.cpu.worst, found.wall.p999, found.wall.worst, found.control.p999, found.control.worst,
    found.spun.p999, found.spun.worst, found.counts.events, found.counts.records, found.counts.syncs, found.memory.before,
    found.memory.after, found.idle.frames, found.idle.bytes, found.begin.half, found.begin.worst))
  assert(found.counts.events >= seconds * RATE / 2, "too few events for this to say anything: the machine is too busy")
  assert(found.counts.syncs > 0, "nothing was synchronized: the machine is too busy")
  assert(found.idle.bytes == 0, "idle frames allocate")
  return found
end

local function main()
  local game = love.make{ ["main.lua"] = process.read "spec/soak/love/main.lua", ["thread_time.lua"] = process.read "bench/thread_time.lua" }
  local at = { records = start_records(), events = start_events(RATE) }
  local seconds = MINUTES * 60
  local ok, err = pcall(function()
    local plain = play(game, "plain", seconds, at)
    assert(plain.memory.after - plain.memory.before < ALLOWED_KIB, "memory grows")
    assert(plain.wall.p999 <= BESIDE_CONTROL * plain.control.p999, "updates take longer than a loop of 1 ms")
    play(game, "stop", seconds / 5, at)
    local interpreted = play(game, "joff", seconds / 5, at)
    assert(interpreted.cpu.worst <= ALLOWED_US, "an update took too long")
    assert(interpreted.cpu.p999 <= USUAL_US, "updates take too long")
  end)
  game.remove()
  assert(ok, err)
end

local ok, err = xpcall(main, debug.traceback)
process.stop_all()
if not ok then print(err) end
print(ok and "1 passed, 0 failed" or "0 passed, 1 failed")
os.exit(ok and 0 or 1)
