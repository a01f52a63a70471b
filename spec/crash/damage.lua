-- Stores that are damaged at random places, their write-ahead logs too: whoever opens one lives, and reads what was there,
-- or finds it missing; after that it works like any other. A damaged file is set aside and never deleted.
-- usage: N=20 SEED=1 lua spec/crash/damage.lua
local appsync = require "appsync"
local damaging = require "spec.support.damaging"
local folder = require "spec.support.folder"
local process = require "spec.support.process"
local server = require "spec.support.server"
local versions = require "spec.support.versions"

local N = tonumber(os.getenv "N") or 20
local SEED = tonumber(os.getenv "SEED") or os.time()
local BOUND = tonumber(os.getenv "BOUND") or 30 -- seconds of a process: it must not read for ever
local interpreter = arg[-1]
local output_of, quote, run = damaging.output_of, damaging.quote, damaging.run

-- A store as its client leaves it, all in one file; what it has.
local function make_closed(endpoint, path)
  local known = {}
  local client = appsync.client{ endpoint = endpoint, auth = { type = "API_KEY", api_key = server.API_KEY }, store = path }
  for _ = 1, 3 do
    for n = 1, versions.N do
      local document, variables = versions.query(n)
      known[n] = versions.check(n, assert(client:query(document, variables, { fetch_policy = "network-only" })))
    end
  end
  assert(client:close(5))
  return known
end

-- One whose process was killed: what it has last is in the log.
local function make_killed(endpoint, path)
  local known = {}
  make_closed(endpoint, path)
  output_of("timeout -s KILL 0.7 %s spec/crash/writer.lua %s %s %d 2>&1", interpreter, endpoint, quote(path), SEED)
  local place = path:match "^(.*)/" .. "/whole"
  damaging.copy(path, place)
  local copy = place .. "/" .. path:match "[^/]*$"
  for line in output_of("%s spec/crash/reader.lua %s %s", interpreter, endpoint, quote(copy)):gmatch "[^\n]+" do
    local n, version = line:match "^READ (%d+) (%d+)$"
    if n then known[tonumber(n)] = tonumber(version) end
  end
  assert(#known == versions.N, "the writer was too slow")
  return known
end

-- Copies the store, damages the copy, and lets a process read it. What that read: right and missing ones, and how the store
-- ended.
local function go(endpoint, template, place, counts)
  damaging.copy(template.path, place)
  local store = place .. "/" .. template.path:match "[^/]*$"
  local is_log = template.has_log and math.random() < 0.5
  local path = is_log and store .. "-wal" or store
  local kind = damaging.damage(path)
  local damaged = process.read(path)
  local text = output_of("timeout -s KILL %d %s spec/crash/reader.lua %s %s 2>&1; echo status=$?", BOUND, interpreter, endpoint, quote(store))
  local what = ("%s of %s%s:\n%s"):format(kind, template.name, is_log and "'s log" or "", text)
  assert(text:find "status=0\n$" and text:find "\nDONE " and not text:find "BAD", what)
  local n_missing = 0
  for n, version in text:gmatch "READ (%d+) (%S+)" do
    local known = template.known[tonumber(n)]
    local is_right = version == "missing" or tonumber(version) == known
    -- Without its end a log is that of an earlier moment.
    assert(is_right or (is_log and tonumber(version) < known), what)
    if version == "missing" then n_missing = n_missing + 1 end
  end
  local state = text:match "\nDONE (%S+)"
  assert(state == "open" or state == "unavailable", what)
  local names = output_of("ls %s", quote(place))
  local is_aside = names:find "damaged" ~= nil
  if is_aside and not is_log then
    local aside = output_of("ls %s/*damaged-*Z", quote(place)):match "[^\n]+"
    assert(process.read(aside) == damaged, what .. "the file that was set aside is another one")
  end
  counts.missing, counts.right = counts.missing + n_missing, counts.right + versions.N - n_missing
  counts.aside = counts.aside + (is_aside and 1 or 0)
  counts.unavailable = counts.unavailable + (state ~= "open" and 1 or 0)
  run("rm -r %s", quote(place))
end

local function main()
  local running, made = versions.serve(), folder.make()
  local templates = {
    { name = "a closed store", path = made.path .. "/closed.db" },
    { name = "a killed store", path = made.path .. "/killed.db", has_log = true },
  }
  templates[1].known = make_closed(running.endpoint, templates[1].path)
  templates[2].known = make_killed(running.endpoint, templates[2].path)
  math.randomseed(SEED)
  local counts = { missing = 0, right = 0, aside = 0, unavailable = 0 }
  for i = 1, N do
    local ok, err = pcall(go, running.endpoint, templates[math.random(2)], made.path .. "/place", counts)
    if not ok then error(("SEED=%d, place %d: %s"):format(SEED, i, tostring(err)), 0) end
  end
  made.remove()
  print(("%d places damaged (SEED=%d): %d responses read right, %d missing; %d stores set aside, %d not used"):format(N, SEED,
    counts.right, counts.missing, counts.aside, counts.unavailable))
end

local ok, err = xpcall(main, debug.traceback)
process.stop_all()
if not ok then print(err) end
print(ok and "1 passed, 0 failed" or "0 passed, 1 failed")
os.exit(ok and 0 or 1)
