-- Stores on a disk that is full, at random moments, and has room again: what was read and what was answered is there all the
-- time, one line tells of it, and nothing that was replaced meanwhile is ever read again.
-- usage: N=10 SEED=1 lua spec/crash/full.lua     as root: the disk is a small tmpfs of a mount namespace of its own
local appsync = require "appsync"
local folder = require "spec.support.folder"
local process = require "spec.support.process"
local server = require "spec.support.server"
local versions = require "spec.support.versions"

local N = tonumber(os.getenv "N") or 10
local SEED = tonumber(os.getenv "SEED") or os.time()
local DISK = 1536 -- KiB
local BLOCK = ("x"):rep(4096)
local WRITES = 60 -- of a place, at most, until the disk is full
local PATIENCE = 20 -- seconds until a store comes back
local disk, endpoint = arg[1], arg[2]

local function quote(text) return "'" .. text:gsub("'", "'\\''") .. "'" end

local function succeeds(command)
  local ok = os.execute(command)
  return ok == true or ok == 0
end

-- Takes all of the disk but about so many blocks.
local function fill(n_left)
  local file = assert(io.open(disk .. "/filler", "wb"))
  file:setvbuf "no"
  local n = 0
  while file:write(BLOCK) do n = n + 1 end
  file:close()
  assert(succeeds(("truncate -s %d %s/filler"):format(math.max(0, n - n_left) * #BLOCK, quote(disk))))
end

local function free() os.remove(disk .. "/filler") end

local Place = {}
Place.__index = Place

function Place:open()
  self.logs = {}
  self.client = appsync.client{
    endpoint = endpoint, auth = { type = "API_KEY", api_key = server.API_KEY }, store = self.store,
    log = function(_, message) self.logs[#self.logs + 1] = message end,
  }
end

function Place:close()
  assert(self.client:close(5))
  self.client = nil
  collectgarbage() -- what has the file open keeps its blocks
  collectgarbage()
end

function Place:state() return self.client:stats().store end

-- The version that is kept; nil: something is missing.
function Place:read(n)
  local data, rest = self.client:read_query(versions.query(n))
  if not data then
    assert(rest and rest.partial, tostring(rest))
    return nil
  end
  local version, wrong = versions.check(n, data)
  assert(not wrong, wrong)
  return version
end

function Place:ask(n)
  local document, variables = versions.query(n)
  local data = assert(self.client:query(document, variables, { fetch_policy = "network-only" }))
  self.known[n] = versions.check(n, data)
  local version = self:read(n)
  assert(version == self.known[n], ("%d: %s is read after %d was answered"):format(n, tostring(version), self.known[n]))
end

function Place:check_all()
  for n in pairs(self.known) do
    local version = self:read(n)
    assert(version == self.known[n], ("%d: %s is read in the place of %d"):format(n, tostring(version), self.known[n]))
  end
end

-- One line for one trouble, with its reason and its file.
function Place:check_logs()
  assert(#self.logs == 1, ("%d lines: %s"):format(#self.logs, table.concat(self.logs, "\n")))
  assert(self.logs[1]:find("full", 1, true) or self.logs[1]:find("No space", 1, true), self.logs[1])
  assert(self.logs[1]:find(self.store, 1, true), self.logs[1])
end

function Place:wait_until_open()
  local task = appsync.spawn(function()
    while self:state() ~= "open" do self.client:query("{ __typename }", nil, { fetch_policy = "no-cache" }) end
  end)
  local _, err = task:await(PATIENCE)
  assert(not err, "the store doesn't come back: " .. tostring(err))
end

-- What a later process finds: each response whole, if it is there, and the last one if it was written while there was room.
function Place:check_later(is_last)
  self:open()
  for n = 1, versions.N do
    local version = self:read(n)
    if is_last and self.known[n] then
      assert(version == self.known[n], ("%d: %s is kept in the place of %d"):format(n, tostring(version), self.known[n]))
    end
  end
  self:ask(1)
  self:wait_until_open() -- a log that wasn't folded into its file may have left too little room
  self:close()
end

-- The disk is full before the store is opened, or while it is written; the client closes then, or has room again.
local function go(i)
  local place = setmetatable({ store = ("%s/%d.db"):format(disk, i), known = {} }, Place)
  local is_early, ends_full = math.random() < 0.2, math.random() < 0.25
  if is_early and math.random() < 0.5 then
    place:open()
    place:ask(1)
    place:close()
    place.known = {}
  end
  if is_early then fill(math.random(0, 4)) end
  place:open()
  for _ = 1, is_early and 0 or math.random(1, 20) do place:ask(math.random(versions.N)) end
  local had_all = place:state() == "open"
  if not is_early then
    assert(had_all, "the disk is full before it is filled")
    fill(math.random(0, 40))
  end
  local n = 0
  repeat
    place:ask(math.random(versions.N))
    n = n + 1
  until place:state() == "unavailable" or n == WRITES
  local was_full = place:state() == "unavailable"
  if was_full then
    place:check_logs()
    for _ = 1, math.random(0, 10) do place:ask(math.random(versions.N)) end
    place:check_all()
  end
  if not ends_full then
    free()
    place:wait_until_open()
    if had_all then place:check_all() end
    for _ = 1, 3 do place:ask(math.random(versions.N)) end
    if not had_all then place.known = {} end
  end
  place:close()
  free()
  if ends_full and was_full then place.known = {} end
  place:check_later(true)
  assert(succeeds(("rm %s*"):format(quote(place.store))))
  return was_full
end

local function run()
  local n_full = 0
  math.randomseed(SEED)
  for i = 1, N do
    local ok, was_full = pcall(go, i)
    if not ok then error(("SEED=%d, place %d: %s"):format(SEED, i, tostring(was_full)), 0) end
    if was_full then n_full = n_full + 1 end
  end
  print(("%d places (SEED=%d): the disk was full at %d of them"):format(N, SEED, n_full))
  assert(n_full > N / 2, "the disk was hardly ever full")
end

-- In a namespace of its own the mount is gone with the process.
local function main()
  if disk then return run() end
  if not succeeds "unshare -m true 2>/dev/null" then
    print "skipped: a small disk needs a mount, and a mount needs root"
    return
  end
  local running, made = versions.serve(), folder.make()
  local command = ("unshare -m sh -c 'mount -t tmpfs -o size=%dk none \"$0\" && exec \"$@\"' %s %s spec/crash/full.lua %s %s"):format(DISK,
    quote(made.path), quote(arg[-1]), quote(made.path), quote(running.endpoint))
  local ok = succeeds(command)
  made.remove()
  assert(ok, "it failed")
end

local ok, err = xpcall(main, debug.traceback)
process.stop_all()
if not ok then print(err) end
if not disk then print(ok and "1 passed, 0 failed" or "0 passed, 1 failed") end
os.exit(ok and 0 or 1)
