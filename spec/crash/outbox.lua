-- Processes that are killed (kill -9) while they mutate through an outbox, under a server with faults. Then, quietly: no
-- mutation has taken effect twice, none that was acknowledged is nowhere, each has its outcome, and the cache is as the service.
-- usage: N=50 SEED=1 lua spec/crash/outbox.lua
local core = require "appsync.core"
local effects = require "spec.support.effects"
local folder = require "spec.support.folder"
local judge = require "spec.support.outbox_judge"
local listener = require "appsync.server.native"
local ops = require "spec.support.outbox_ops"
local process = require "spec.support.process"
local socket = require "socket"

local N = tonumber(os.getenv "N") or 50
local SEED = tonumber(os.getenv "SEED") or os.time()
local KILLS_OF_A_STORE = 10
local USUAL, LONG, EARLY = 0.3, 1.5, 0.1 -- seconds at most; EARLY: the start of the interpreter included
local SETTLED_SECONDS = 0.3 -- what was sent last has come by then
local interpreter = arg[-1]

local IDENTITIES = { "-", "-", "ann", "ann,bob", "-,ann,bob,eve" }

local function quote(text) return "'" .. text:gsub("'", "'\\''") .. "'" end

-- Runs a writer until it ends; its status, and what it has printed. `within`: seconds from its start until it is killed; `after`:
-- from its first line on.
local function run_writer(place, mode, within, after)
  local command = ("%s%s spec/crash/outbox_writer.lua %s %s %s %s %d r%d %s %s %s 2>&1; echo \"status $?\""):format(
    within and ("timeout --foreground -s KILL %.3f "):format(within) or "", interpreter, mode, place.served.endpoint,
    quote(place.store), quote(place.log), place.seed + place.n_runs * 7, place.n_runs, place.order, place.identities, after or "")
  local pipe = assert(io.popen(command))
  local printed = pipe:read "*a"
  pipe:close()
  place.n_runs = place.n_runs + 1
  local text, status = printed:match "^(.-)status (%d+)\n$"
  return tonumber(status), text
end

local function write_until_killed(place)
  local choice, moment = math.random(20), math.random()
  local within = choice <= 3 and 0.005 + moment * EARLY -- 0 is no limit for `timeout`
  local status, text = run_writer(place, "write", within, not within and moment * (choice == 4 and LONG or USUAL))
  if status ~= 137 then error(("a writer ended with status %s: %s"):format(tostring(status), text), 0) end
end

local function run_to_the_end(place, mode)
  local status, text = run_writer(place, mode, 120)
  if status ~= 0 then error(("mode %s ended with status %s: %s"):format(mode, tostring(status), text), 0) end
end

local FAULTS = {
  lost_answer = 0.05, half_answer = 0.03, error_after = 0.04, crash_after = 0.01, crash = 0.006, silence = 0.01, reset = 0.03,
  unauthorized = 0.02, throttled = 0.02, unavailable = 0.01, error = 0.03, delay = 0.06, late_answer = 0.06,
}

local OPTIONS = {
  error_after = function() return { status = math.random(2) == 1 and 500 or 502 } end,
  crash_after = function() return { down_ms = math.random(0, 150) } end,
  crash = function() return { down_ms = math.random(0, 150) } end,
  delay = function() return { ms = math.random(1, 120) } end,
  late_answer = function() return { ms = math.random(1, 120) } end,
}

-- Queries meet them, too: those that read the record of a mutation in doubt.
local OF_QUERIES = { "lost_answer", "half_answer", "throttled", "unavailable", "unauthorized" }

local function play_faults(place)
  local wanted, weight = {}, math.random(4) / 2
  for name, probability in pairs(FAULTS) do
    local options = OPTIONS[name] and OPTIONS[name]() or {}
    options.probability = math.min(probability * weight, 1)
    wanted[name] = options
  end
  for _, name in ipairs(OF_QUERIES) do
    wanted["query_" .. name] = { fault = name, name = "query_" .. name, kind = "query", probability = 0.03 * weight }
  end
  place.served.chaos(place.seed, wanted)
end

local function ask(served, query, variables)
  local answer, status = served.ask(query, variables)
  assert(status == 200 and not answer.errors, "the server doesn't answer: " .. tostring(core.encode{ answer }))
  return answer.data
end

local function state_of(served)
  local state = { effects = {}, lists = {}, counters = {} }
  for _, effect in ipairs(served.effects()) do
    if effect.key ~= "made" then state.effects[#state.effects + 1] = effect end
  end
  for name, document in pairs(ops.LISTS) do state.lists[name] = ops.items_of(ask(served, document)) end
  for i = 1, 4 do state.counters["c" .. i] = ask(served, ops.COUNTER, { id = "c" .. i }).counter end
  return state
end

local function check_integrity(store)
  local db = assert(listener.sqlite_open(store))
  local rows = assert(db:values "PRAGMA integrity_check")
  db:close()
  assert(rows[1] == "ok", "integrity_check: " .. tostring(rows[1]))
end

-- They are there before a client asks for them.
local function make_counters(served)
  for i = 1, 4 do
    ask(served, "mutation M($id: ID!) { add(opId: \"made\", counter: $id, n: 1) { total } }", { id = "c" .. i })
  end
end

local function check(place)
  local served = place.served
  served.calm()
  socket.sleep(SETTLED_SECONDS)
  run_to_the_end(place, "drain")
  run_to_the_end(place, "read")
  check_integrity(place.store)
  local story = judge.read(process.read(place.log))
  local state = state_of(served)
  process.write(place.log .. ".server", core.encode(state))
  local complaints, counts = story:check(state)
  if #complaints > 0 then error(table.concat(complaints, "\n", 1, math.min(#complaints, 30)), 0) end
  return counts
end

local function new_place(i, path)
  local place = {
    seed = SEED + i * 1000, served = effects.start(), n_runs = 0, order = math.random(2) == 1 and "serial" or "entity",
    store = ("%s/%d.db"):format(path, i), log = ("%s/%d.log"):format(path, i), identities = IDENTITIES[math.random(#IDENTITIES)],
  }
  process.write(place.log, "")
  return place
end

local function describe(place, why)
  return ("SEED=%d, store %s (%s, identities %s), log %s, server %s:\n%s"):format(SEED, place.store, place.order, place.identities, place.log,
    process.read(place.served.handle.log), why)
end

local function run_place(i, path, n_kills)
  local place = new_place(i, path)
  local ok, counts = pcall(function()
    make_counters(place.served)
    run_to_the_end(place, "fill")
    play_faults(place)
    for _ = 1, n_kills do write_until_killed(place) end
    return check(place)
  end)
  if not ok then error(describe(place, tostring(counts)), 0) end
  place.served.stop()
  os.execute(("rm -f %s* %s*"):format(quote(place.store), quote(place.log)))
  return counts
end

local function main()
  local made = folder.make()
  local totals = { n_begun = 0, n_acknowledged = 0, n_done = 0, n_unknown = 0, n_refused = 0 }
  print(("SEED=%d"):format(SEED))
  math.randomseed(SEED)
  local n_left, i = N, 0
  while n_left > 0 do
    i = i + 1
    local counts = run_place(i, made.path, math.min(n_left, KILLS_OF_A_STORE))
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
