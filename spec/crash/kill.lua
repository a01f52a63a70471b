-- Processes that are killed (kill -9) while they write into a store and read it: what comes after finds a whole store, with
-- all that was there for good, and no response of which a part is another's.
-- usage: N=20 SEED=1 lua spec/crash/kill.lua
local appsync = require "appsync"
local folder = require "spec.support.folder"
local listener = require "appsync.server.native"
local process = require "spec.support.process"
local server = require "spec.support.server"
local versions = require "spec.support.versions"

local N = tonumber(os.getenv "N") or 20
local SEED = tonumber(os.getenv "SEED") or os.time()
local ROUNDS_OF_A_STORE = 25
local SHORTEST, LONGEST = 0.02, 0.35 -- seconds, the start of the interpreter included
local interpreter = arg[-1]

local function quote(text) return "'" .. text:gsub("'", "'\\''") .. "'" end

-- Runs a writer until it is killed, and is gone: `timeout` waits for it in the foreground only. What it said was there:
-- versions by number; how many there were.
local function write_until_killed(endpoint, store, seed)
  local seconds = SHORTEST + math.random() * (LONGEST - SHORTEST)
  local pipe = assert(io.popen(("timeout --foreground -s KILL %.3f %s spec/crash/writer.lua %s %s %d 2>&1"):format(seconds, interpreter, endpoint,
    quote(store), seed)))
  local said, n = {}, 0
  for line in pipe:lines() do
    local number, version = line:match "^(%d+) (%d+)$"
    if number then
      said[tonumber(number)] = math.max(said[tonumber(number)] or 0, tonumber(version))
      n = n + 1
    elseif line ~= "Killed" then
      error(("seed %d: %s"):format(seed, line), 0)
    end
  end
  pipe:close()
  return said, n
end

local function check_integrity(store)
  local db = assert(listener.sqlite_open(store))
  local rows = assert(db:values "PRAGMA integrity_check")
  db:close()
  assert(rows[1] == "ok", "integrity_check: " .. tostring(rows[1]))
end

-- What a client finds in the store, which has `known` at least.
local function check_store(endpoint, store, known)
  local client = appsync.client{
    endpoint = endpoint, auth = { type = "API_KEY", api_key = server.API_KEY }, store = store,
    log = function(level, message) error(level .. ": " .. message, 0) end,
  }
  assert(client:hydrated(20)) -- a log that has to be read again may take longer than a read waits
  local n_there = 0
  for n = 1, versions.N do
    local document, variables = versions.query(n)
    local data, rest = client:read_query(document, variables)
    if data then
      local version, wrong = versions.check(n, data)
      assert(not wrong, wrong)
      assert(version >= (known[n] or 0), ("%d has version %d, and had %d"):format(n, version, known[n] or 0))
      n_there = n_there + 1
    else
      assert(rest.partial, tostring(rest))
      assert(not known[n], ("%d was there, and lacks %s"):format(n, tostring(rest.missing and rest.missing[1])))
    end
  end
  -- The store is the core's, and not only a reader's.
  assert(client:query("{ count }", nil, { fetch_policy = "network-only" }))
  assert(client:stats().store == "open", "the store is " .. tostring(client:stats().store))
  assert(client:close(5))
  return n_there
end

local function main()
  local running, made = versions.serve(), folder.make()
  local store, known
  local n_written, n_there, n_early = 0, 0, 0
  math.randomseed(SEED)
  for round = 1, N do
    local seed = SEED + round
    if (round - 1) % ROUNDS_OF_A_STORE == 0 then
      store, known = ("%s/%d.db"):format(made.path, round), {}
    end
    local said, n = write_until_killed(running.endpoint, store, seed)
    for number, version in pairs(said) do known[number] = math.max(known[number] or 0, version) end
    local ok, err = pcall(check_store, running.endpoint, store, known)
    if not ok then error(("SEED=%d, round %d: %s"):format(SEED, round, tostring(err)), 0) end
    n_written, n_there, n_early = n_written + n, n_there + err, n_early + (n == 0 and 1 or 0)
    check_integrity(store)
  end
  local pipe = assert(io.popen("ls " .. quote(made.path)))
  local names = pipe:read "*a"
  pipe:close()
  assert(not names:find "damaged", "a store was set aside")
  made.remove()
  print(("%d processes killed, %d of them before they had written; %d responses were there for good, %d found whole"):format(N,
    n_early, n_written, n_there))
  assert(n_early < N, "no process lived long enough to write")
end

local ok, err = xpcall(main, debug.traceback)
process.stop_all()
if not ok then print(err) end
print(ok and "1 passed, 0 failed" or "0 passed, 1 failed")
os.exit(ok and 0 or 1)
