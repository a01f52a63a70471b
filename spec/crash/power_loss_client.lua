-- The power goes at random operations of a simulated disk (spec/support/lost_power.h) while a client mutates through its outbox,
-- online and offline, under a server with faults: the process ends, and of what wasn't synchronised the disk has any part. Then,
-- quietly: no mutation has taken effect twice, none that was acknowledged is nowhere, each has its outcome, and the cache is as the
-- service.
-- usage: N=20 SEED=1 lua spec/crash/power_loss_client.lua
local faulty_vfs = require "spec.support.faulty_vfs"
local folder = require "spec.support.folder"
local outbox_place = require "spec.support.outbox_place"
local process = require "spec.support.process"

local N = tonumber(os.getenv "N") or 20
local SEED = tonumber(os.getenv "SEED") or os.time()
local LOSSES_OF_A_STORE = 10
local EARLY, USUAL, LONG = 60, 800, 3000 -- operations at most; EARLY: the store is made, or opened after the last loss
local PATIENCE = 60 -- seconds until the operation comes

local KILLED = 137

-- Whether the power went. Who writes goes on until it does; who fills may end before.
local function run_until_lost(place, mode, n_operations)
  local settings = ("seed=%d crash=%d"):format(math.random(2 ^ 30), math.random(n_operations))
  local status, text = place:run(mode, outbox_place.within(PATIENCE) .. " " .. faulty_vfs.words(settings))
  if status == faulty_vfs.STATUS then return true end
  if status == 0 and mode == "fill" then return false end
  local why = status == KILLED and "hangs" or "ended with status " .. tostring(status)
  error(("%s, mode %s %s: %s"):format(settings, mode, why, text), 0)
end

local function live(n_losses, totals)
  return function(place)
    place:make_counters()
    local n = 0
    while n < n_losses and math.random(3) == 1 and run_until_lost(place, "fill", EARLY) do n = n + 1 end
    totals.n_made = totals.n_made + n
    place:run_to_the_end "fill"
    place:play_faults()
    while n < n_losses do
      local choice = math.random(20)
      run_until_lost(place, "write", choice <= 3 and EARLY or choice == 4 and LONG or USUAL)
      n = n + 1
    end
    return place:check()
  end
end

local function main()
  local made = folder.make()
  local totals = { n_begun = 0, n_acknowledged = 0, n_done = 0, n_unknown = 0, n_refused = 0, n_made = 0 }
  print(("SEED=%d"):format(SEED))
  math.randomseed(SEED)
  local n_left, i = N, 0
  while n_left > 0 do
    i = i + 1
    local counts = outbox_place.new(i, made.path, SEED):with(live(math.min(n_left, LOSSES_OF_A_STORE), totals))
    n_left = n_left - LOSSES_OF_A_STORE
    for name, n in pairs(counts) do totals[name] = totals[name] + n end
  end
  made.remove()
  print(("%d losses of power of %d stores, %d while they were made: %d mutations, %d acknowledged; %d done, %d refused, %d unknown, none twice, none lost")
    :format(N, i, totals.n_made, totals.n_begun, totals.n_acknowledged, totals.n_done, totals.n_refused, totals.n_unknown))
  assert(totals.n_done > N, "hardly anything was written")
end

local ok, err = xpcall(main, debug.traceback)
process.stop_all()
if not ok then print(err) end
print(ok and "1 passed, 0 failed" or "0 passed, 1 failed")
os.exit(ok and 0 or 1)
