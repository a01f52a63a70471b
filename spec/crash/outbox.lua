-- Processes that are killed (kill -9) while they mutate through an outbox, WRITERS of them at once, under a server with faults.
-- Then, quietly: no mutation has taken effect twice, none that was acknowledged is nowhere, each has its outcome, and the cache is
-- as the service.
-- usage: N=50 WRITERS=1 SEED=1 lua spec/crash/outbox.lua
local folder = require "spec.support.folder"
local outbox_place = require "spec.support.outbox_place"
local process = require "spec.support.process"

local N = tonumber(os.getenv "N") or 50
local WRITERS = tonumber(os.getenv "WRITERS") or 1
local SEED = tonumber(os.getenv "SEED") or os.time()
local KILLS_OF_A_STORE = 10
local USUAL, LONG, EARLY = WRITERS == 1 and 0.3 or 1, 1.5, 0.1 -- seconds at most; EARLY: the start of the interpreter included

local function write_until_killed(place)
  local choice, moment = math.random(20), math.random()
  local within = WRITERS == 1 and choice <= 3 and 0.005 + moment * EARLY -- 0 is no limit for `timeout`
  local after = not within and moment * (choice == 4 and LONG or USUAL)
  local ends = {}
  for i = 1, WRITERS do ends[i] = place:start("write", within and outbox_place.within(within) or "", after or nil) end
  for i = 1, WRITERS do
    local status, text = ends[i]()
    if status ~= 137 then error(("a writer ended with status %s: %s"):format(tostring(status), text), 0) end
  end
end

local function live(n_kills)
  return function(place)
    place:make_counters()
    place:run_to_the_end "fill"
    place:play_faults()
    for _ = 1, n_kills, WRITERS do write_until_killed(place) end
    return place:check()
  end
end

local function main()
  local made = folder.make()
  local totals = { n_begun = 0, n_acknowledged = 0, n_done = 0, n_unknown = 0, n_refused = 0 }
  print(("SEED=%d"):format(SEED))
  math.randomseed(SEED)
  local n_left, i = N, 0
  while n_left > 0 do
    i = i + 1
    local counts = outbox_place.new(i, made.path, SEED):with(live(math.min(n_left, KILLS_OF_A_STORE)))
    n_left = n_left - KILLS_OF_A_STORE
    for name, n in pairs(counts) do totals[name] = totals[name] + n end
  end
  made.remove()
  print(("%d processes killed on %d stores: %d mutations, %d acknowledged; %d done, %d refused, %d unknown, none twice, none lost"):format(N,
    i, totals.n_begun, totals.n_acknowledged, totals.n_done, totals.n_refused, totals.n_unknown))
  assert(totals.n_done > N, "hardly anything was written")
end

local ok, err = xpcall(main, debug.traceback)
process.stop_all()
if not ok then print(err) end
print(ok and "1 passed, 0 failed" or "0 passed, 1 failed")
os.exit(ok and 0 or 1)
