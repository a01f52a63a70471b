-- Stores with queued mutations that are damaged at random places, their write-ahead logs too: whoever opens one sends each
-- mutation once, or says how many couldn't be read. Nothing is sent twice. A store that may be of a later version is left alone.
-- usage: N=20 SEED=1 lua spec/crash/damage_outbox.lua
local appsync = require "appsync"
local damaging = require "spec.support.damaging"
local effects = require "spec.support.effects"
local folder = require "spec.support.folder"
local process = require "spec.support.process"

local N = tonumber(os.getenv "N") or 20
local SEED = tonumber(os.getenv "SEED") or os.time()
local QUEUED = 50
local BOUND = tonumber(os.getenv "BOUND") or 90 -- seconds of a process
local interpreter = arg[-1]

local ADD = "mutation Add($opId: ID!) { add(opId: $opId, counter: \"c\", n: 1) { total } }"

-- Of many lengths.
local function key_of(i) return i .. ("k"):rep(i * 7) end

-- A mutation that may not be sent twice by accident: neither idempotent nor readable.
local function queue_all(client)
  client:set_online(false)
  for i = 1, QUEUED do
    local _, err, info = client:mutate(ADD, { opId = key_of(i) })
    assert(not err and info.queued, tostring(err))
  end
end

local function open(endpoint, path)
  return appsync.client{ endpoint = endpoint, auth = { type = "API_KEY", api_key = effects.API_KEY }, store = path }
end

-- As its client leaves it, all in one file; and as a killed process does, with most of it in the log.
local function make_stores(endpoint, made)
  local closed, killed = made.path .. "/closed.db", made.path .. "/killed.db"
  local client = open(endpoint, closed)
  queue_all(client)
  assert(client:close(5))
  client = open(endpoint, made.path .. "/live.db")
  queue_all(client)
  for _, ending in ipairs{ "", "-wal" } do process.write(killed .. ending, process.read(made.path .. "/live.db" .. ending)) end
  assert(client:close(5))
  return { { name = "a closed store", path = closed }, { name = "a killed store", path = killed, has_log = true } }
end

local function judge(text, before, after, is_silent, what, counts)
  if text:find "LOG error [^\n]*the store has version %d+, and this library knows" then
    for i = 1, QUEUED do assert(after[key_of(i)] == before[key_of(i)], what .. key_of(i) .. " was sent") end
    counts.later = counts.later + 1
    return
  end
  local dead, n_lost, n_unsaid = {}, damaging.lost_of(text), 0
  for key in text:gmatch "\nDEAD (%S+)" do dead[key] = true end
  for i = 1, QUEUED do
    local key = key_of(i)
    local n = (after[key] or 0) - (before[key] or 0)
    assert(n <= 1, what .. key .. " was sent twice")
    if n == 1 then counts.sent = counts.sent + 1 end
    if n == 0 and dead[key] then counts.dead = counts.dead + 1 end
    if n == 0 and not dead[key] then n_unsaid = n_unsaid + 1 end
  end
  counts.lost = counts.lost + n_unsaid
  assert(is_silent or n_lost == nil or n_unsaid <= n_lost, ("%s%d are lost, and %s are said to be"):format(what, n_unsaid, tostring(n_lost)))
end

local function go(served, template, place, counts, before)
  damaging.copy(template.path, place)
  local store = place .. "/" .. template.path:match "[^/]*$"
  local is_log = template.has_log and math.random() < 0.5
  local kind = damaging.damage(is_log and store .. "-wal" or store)
  local text = "\n" .. damaging.output_of("timeout -s KILL %d %s spec/crash/drainer.lua %s %s 2>&1; echo status=$?", BOUND, interpreter,
    served.endpoint, damaging.quote(store))
  local what = ("%s of %s%s:\n%s"):format(kind, template.name, is_log and "'s log" or "", text)
  assert(text:find "status=0\n$", what)
  assert(text:find "\nDONE 0\n", what)
  local after = served.counts()
  -- Without its end a log is that of an earlier moment; and a page in the place of another one has what a page should have.
  judge(text, before, after, is_log or kind == "swap", what, counts)
  counts.aside = counts.aside + (damaging.output_of("ls %s", damaging.quote(place)):find "damaged" and 1 or 0)
  damaging.run("rm -r %s", damaging.quote(place))
  return after
end

local function main()
  local served, made = effects.start(), folder.make()
  local templates = make_stores(served.endpoint, made)
  local counts = { sent = 0, dead = 0, lost = 0, aside = 0, later = 0 }
  local before = served.counts()
  math.randomseed(SEED)
  for i = 1, N do
    local ok, result = pcall(go, served, templates[math.random(2)], made.path .. "/place", counts, before)
    if not ok then error(("SEED=%d, place %d: %s"):format(SEED, i, tostring(result)), 0) end
    before = result
  end
  served.stop()
  made.remove()
  print(("%d places damaged (SEED=%d): %d mutations sent, %d in doubt, %d lost; %d stores set aside, %d left alone"):format(N, SEED,
    counts.sent, counts.dead, counts.lost, counts.aside, counts.later))
end

local ok, err = xpcall(main, debug.traceback)
process.stop_all()
if not ok then print(err) end
print(ok and "1 passed, 0 failed" or "0 passed, 1 failed")
os.exit(ok and 0 or 1)
