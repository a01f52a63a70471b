-- A disk whose sync takes 100 ms: what frames of a game and calls of other clients take beside mutations through an outbox, without
-- a pause and with one, and the same on a disk that is quick. No frame waits for a sync, and a call of another client for one at
-- most.
-- usage: SECONDS_EACH=20 lua spec/soak/slow_disk.lua
local effects = require "spec.support.effects"
local faulty_vfs = require "spec.support.faulty_vfs"
local folder = require "spec.support.folder"
local process = require "spec.support.process"

local SECONDS = tonumber(os.getenv "SECONDS_EACH") or 20
local SYNC_MS = 100
local SLACK_MS = 60 -- of a machine that has other things to do
local interpreter = arg[-1]

-- By name: {n=, half=, most=, nearly=, max=}, in milliseconds.
local function measure(served, slow_ms, pause)
  local made = folder.make()
  local pipe = assert(io.popen(("%s %s spec/soak/slow_disk_frames.lua %s %s %s %s"):format(faulty_vfs.words("slow=" .. slow_ms), interpreter,
    served.endpoint, made.path, SECONDS, pause)))
  local result = {}
  for line in pipe:lines() do
    local name, rest = line:match "^(%w+) (.*)$"
    print(("sync %d ms, pause %.1f s: %s"):format(slow_ms, pause, line))
    result[name] = {}
    for key, value in rest:gmatch "(%w+)=([%d.]+)" do result[name][key] = tonumber(value) end
  end
  pipe:close()
  made.remove()
  assert(result.frames and result.calls and result.mutations, "it ended early")
  return result
end

local function check(quick, slow)
  assert(slow.mutations.half >= SYNC_MS, "no mutation waits for its sync")
  assert(slow.frames.nearly <= quick.frames.nearly + SLACK_MS / 2, "frames wait for syncs")
  assert(slow.frames.max < SYNC_MS or slow.frames.max <= quick.frames.max + SLACK_MS, "a frame waits for a sync")
  assert(slow.calls.most <= quick.calls.most + SYNC_MS + SLACK_MS, "calls of others wait for more than a sync")
end

local function main()
  local served = effects.start()
  for _, pause in ipairs{ 0, 0.7 } do check(measure(served, 0, pause), measure(served, SYNC_MS, pause)) end
  served.stop()
end

local ok, err = xpcall(main, debug.traceback)
process.stop_all()
if not ok then print(err) end
print(ok and "1 passed, 0 failed" or "0 passed, 1 failed")
os.exit(ok and 0 or 1)
