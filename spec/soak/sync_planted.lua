-- Are the simulations of whole clients with syncs any good? Each fault below is planted into a copy of one file, one line changed, in a core
-- of its own, and has to be found within N schedules of an application. A line that isn't there any more, once, fails too.
-- usage: make -s build && N=2000 SEED=1 ONLY_FIRST=2 BUILD=build lua spec/soak/sync_planted.lua
local N = tonumber(os.getenv "N") or 2000
local SEED = tonumber(os.getenv "SEED") or 1
local ONLY_FIRST = tonumber(os.getenv "ONLY_FIRST") or math.huge
local BUILD = os.getenv "BUILD" or "build"
local CC = os.getenv "CC" or "cc"
local OUT = BUILD .. "/planted"
local interpreter = arg[-1]
local ABI = package.cpath:match("([^/;]+)/%?%.so")

-- The file, what stands there, what is planted, who finds it.
local FAULTS = {
  { "csrc/client/sync_write.c", "rc = add_number(&w->joining, entry->number, err);", "", "paged" },
  { "csrc/client/sync_write.c", "if (!run->machine.next.is_beside) return APS_OK;", "return APS_OK;", "paged" },
  { "csrc/client/sync_write.c", "if (fate == APS_SYNC_IS_DELETED && buries)", "if (0)", "paged" },
  { "csrc/client/sync_write.c", "return (entry->is_in_write ? aps_entry_content(entry) : aps_entry_base(entry)).n != 0;",
    "return aps_entry_base(entry).n != 0;", "paged" },
  { "csrc/client/sync_write.c", "*stays_there = rc == APS_OK && entry != NULL && began_at != 0 && entry->told_at >= began_at;",
    "*stays_there = rc == APS_OK;", "without_deltas" },
  { "csrc/client/sync_keep.c", "return rc == APS_OK ? aps_sync_run_save(run, &run->machine.next, err) : rc;", "return rc;", "paged" },
  { "csrc/client/sync_run.c", "if (rc == APS_OK && row.n != 0)", "if (0)", "paged" },
  { "csrc/client/sync_run.c", "if (run->told_at_ms != 0) return run->told_ms + aps_clock_mono_ms() - run->told_at_ms;", "", "paged" },
  { "csrc/client/sync_fetch.c", "aps_reach_heard(core, run->client, outcome);", "", "paged" },
  { "csrc/client/sync_judge.c", "if (order == APS_RECORD_OLDER) return APS_SYNC_IS_OLD;", "", "paged" },
  { "csrc/client/sync_overtaken.c", "if (rc == APS_OK && indexes.n != 0) rc = restore_members(run, &indexes, err);", "", "in_bad_weather" },
  { "csrc/sync/sync_fetching.c", "return fetch->query == APS_SYNC_DELTA_QUERY && fetch->last_sync_ms != 0 &&", "return false &&", "paged" },
  { "csrc/sync/sync_fetching.c", "int64_t ms = page->is_start ? made_ms : made_ms - page->took_ms - APS_SYNC_DATE_SLACK_MS;", "int64_t ms = made_ms + 60000;", "paged" },
}

local function sh(command)
  local ok, _, code = os.execute(command)
  return ok == true or ok == 0, code
end

local function read(path)
  local file = assert(io.open(path, "rb"))
  local text = file:read "*a"
  file:close()
  return text
end

local function planted(text, find, with)
  local first, last = text:find(find, 1, true)
  if not first or text:find(find, last + 1, true) then return nil end
  return text:sub(1, first - 1) .. with .. text:sub(last + 1)
end

-- A core with that file in the place of the other.
local function build(path, text)
  local file = assert(io.open(OUT .. "/planted.c", "wb"))
  file:write(text)
  file:close()
  local compile = ("%s -std=c11 -O1 -w -fPIC -pthread -D_GNU_SOURCE -Icsrc -c %s/planted.c -o %s/planted.o"):format(CC, OUT, OUT)
  local object = BUILD .. "/obj/" .. path:match "^csrc/(.*)%.c$" .. ".o"
  local folders = "base codec rt gql auth proto cache sync store net client"
  local objects = ("$(for f in %s; do ls %s/obj/$f/*.o; done | grep -v -x -F %s) %s/%s/obj/binding/*.o"):format(folders, BUILD, object, BUILD, ABI)
  local link = ("%s -shared -pthread -o %s/appsync/core.so %s/planted.o %s -lcurl -lwebsockets -lsqlite3 -lssl -lcrypto -ldl -lm"):format(CC,
    OUT, OUT, objects)
  return sh(compile .. " && " .. link)
end

-- nil, or what is wrong.
local function try(fault)
  local path, find, with, app = fault[1], fault[2], fault[3], fault[4]
  local text = planted(read(path), find, with)
  if not text then return "isn't there once" end
  if not build(path, text) then return "doesn't build" end
  local log = OUT .. "/planted.log"
  if sh(("LUA_CPATH='%s/?.so;'\"$LUA_CPATH\" N=%d SEED=%d ONLY_APP=%s timeout 300 %s spec/soak/sync_simulate.lua > %s 2>&1"):format(OUT, N, SEED,
    app, interpreter, log)) then
    return "isn't found"
  end
  local found = read(log):match "\nseed (%d+):"
  fault.found = found and tonumber(found) - SEED or "it crashes"
  return nil
end

assert(sh("mkdir -p " .. OUT .. "/appsync"))
local n_failed, n = 0, math.min(#FAULTS, ONLY_FIRST)
for i = 1, n do
  local fault = FAULTS[i]
  local wrong = try(fault)
  if wrong then n_failed = n_failed + 1 end
  print(("%s: %q: %s"):format(fault[1], fault[2]:match "[^\n]*", wrong or "schedule " .. fault.found))
  io.stdout:flush()
end
print(("planted: %d faults, %d not found in %d schedules from SEED=%d"):format(n, n_failed, N, SEED))
os.exit(n_failed == 0 and 0 or 1)
