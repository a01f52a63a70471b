-- Several processes queue mutations in one store, and the one that sends them is killed (kill -9) at a random moment, and started
-- again. Another one goes on with the queue within two seconds, and the rest answer meanwhile. In the end: no mutation that was
-- acknowledged is nowhere, none has taken effect twice, and each call in a process that lived has come back.
-- usage: N=500 WRITERS=3 SEED=1 lua spec/soak/leaders.lua
local appsync = require "appsync"
local effects = require "spec.support.effects"
local folder = require "spec.support.folder"
local leading = require "spec.support.leading"
local process = require "spec.support.process"
local server = require "spec.support.server"
local socket = require "socket"

local N = tonumber(os.getenv "N") or 3
local WRITERS = tonumber(os.getenv "WRITERS") or 3
local SEED = tonumber(os.getenv "SEED") or os.time()
local interpreter = arg[-1]

local LATEST_S = 0.4 -- the next kill

---What is killed: two tasks mutate, one reads. Each line of its log is one write; a kill cuts off the last one at most.
local function write(endpoint, store, log_path, run, stop)
  local log = assert(io.open(log_path, "ab"))
  log:setvbuf "no"
  local function note(...) assert(log:write(table.concat({ ... }, " ") .. "\n")) end
  local client = appsync.assert(appsync.client{
    endpoint = endpoint, auth = { type = "API_KEY", api_key = server.API_KEY }, store = store, retry = { base = 0.02, cap = 0.2 },
    log = function(level, message) if level == "error" then note("error", message) end end,
  })
  appsync.assert(client:hydrated(10))
  print "ready"
  io.stdout:flush()
  local function is_over()
    local file = io.open(stop)
    if file then file:close() end
    return file ~= nil
  end
  local function mutate(i)
    local n = 0
    while not is_over() do
      n = n + 1
      local op = ("%s.%d.%d"):format(run, i, n)
      note("begin", op)
      local document = i == 1 and leading.ADD or leading.ADD_ONCE
      local _, err, info = client:mutate(document, { opId = op }, { idempotent = i == 2 or nil, timeout = 30 })
      note("ack", op, leading.outcome_of(err, info), err and err.kind or "", err and tostring(err.code) or "")
    end
  end
  local function read()
    local n = 0
    while not is_over() do
      n = n + 1
      client:query(leading.READ, nil, { fetch_policy = n % 5 == 0 and "network-only" or "cache-first" })
      note("read", ("%.3f"):format(socket.gettime()))
      appsync.sleep(0.02)
    end
  end
  local tasks = { appsync.spawn(mutate, 1), appsync.spawn(mutate, 2), appsync.spawn(read) }
  for _, task in ipairs(tasks) do
    local _, err = task:await()
    if err then note("error", tostring(err)) end
  end
  appsync.assert(client:close(10))
  note "closed"
end

local Run = {}
Run.__index = Run

function Run:start(i)
  self.n_runs = self.n_runs + 1
  local name = ("w%d"):format(self.n_runs)
  local writer = { log = ("%s/%s.log"):format(self.folder, name) }
  process.write(writer.log, "")
  local first, handle = process.start{ interpreter, "spec/soak/leaders.lua", "write", self.served.endpoint, self.store, writer.log, name,
    self.stop_path }
  assert(first == "ready", ("%s\n%s"):format(tostring(first), process.read(handle.log)))
  writer.handle = handle
  self.writers[i] = writer
  self.all[#self.all + 1] = writer
end

local function last_read(writer)
  local last
  for at in process.read(writer.log):gmatch "read (%d+%.%d+)\n" do last = tonumber(at) end
  return last or 0
end

-- Until there is another leader; nil and how long none has led.
function Run:await_leader(former, since)
  while true do
    local pid = leading.leader_of(self.store)
    if pid and pid ~= former then return pid end
    local waited = socket.gettime() - since
    if waited > leading.MOVE_S then error(("nobody has led for %.1f s"):format(waited), 0) end
    socket.sleep(0.005)
  end
end

function Run:kill_leader()
  local pid = self:await_leader(nil, socket.gettime())
  local index
  for i, writer in ipairs(self.writers) do
    if writer.handle.pid == pid then index = i end
  end
  local killed, at = assert(self.writers[index], "a stranger leads"), socket.gettime()
  process.signal(killed.handle, "KILL")
  killed.is_killed = true
  self:await_leader(pid, at)
  local took_s = socket.gettime() - at
  self.longest_s = math.max(self.longest_s, took_s)
  for i, writer in ipairs(self.writers) do
    local limit = socket.gettime() + leading.MOVE_S
    while i ~= index and last_read(writer) < at do
      assert(socket.gettime() < limit, "a process that lives doesn't answer")
      socket.sleep(0.01)
    end
  end
  process.stop(killed.handle)
  self:start(index)
end

-- op → what its call was told; false: it hasn't come back.
function Run:read_logs()
  local told, n_open = {}, 0
  for _, writer in ipairs(self.all) do
    local text = process.read(writer.log)
    assert(not text:find("error", 1, true) or not text:find("\nerror", 1, true), text:match "\n(error [^\n]*)")
    for line in text:gmatch "([^\n]*)\n" do
      local word, op, how = line:match "^(%S+) ?(%S*) ?(%S*)"
      if word == "begin" then told[op] = false end
      if word == "ack" then told[op] = how end
    end
    if not writer.is_killed then
      assert(text:find("closed\n", 1, true), "a process that wasn't killed has ended by itself: " .. process.read(writer.handle.log))
      for op in text:gmatch "begin (%S+)\n" do n_open = n_open + (told[op] and 0 or 1) end
    end
  end
  assert(n_open == 0, ("%d calls of processes that lived haven't come back"):format(n_open))
  return told
end

local function main()
  local made, began = folder.make(), os.time()
  local run = setmetatable({
    folder = made.path, store = made.path .. "/store.db", stop_path = made.path .. "/stop", served = effects.start(), writers = {}, all = {},
    n_runs = 0, longest_s = 0,
  }, Run)
  print(("SEED=%d"):format(SEED))
  math.randomseed(SEED)
  for i = 1, WRITERS do run:start(i) end
  for _ = 1, N do
    socket.sleep(math.random() * LATEST_S)
    run:kill_leader()
  end
  process.write(run.stop_path, "")
  for _, writer in ipairs(run.writers) do
    local limit = socket.gettime() + 60
    while not process.read(writer.log):find("closed\n", 1, true) do
      assert(socket.gettime() < limit, "a process doesn't end: " .. process.read(writer.log):sub(-300) .. process.read(writer.handle.log))
      socket.sleep(0.05)
    end
  end
  local dead = appsync.run(leading.drain, run.served.endpoint, run.store)
  local n = leading.judge(run:read_logs(), run.served.counts(), dead)
  print(("%d leaders killed among %d processes: %d mutations begun, %d acknowledged, %d of them answered; %d applied once, %d unknown, none twice, none lost; the lead moved within %.2f s; %d s"):format(
    N, WRITERS, n.begun, n.acknowledged, n.done, n.applied, n.unknown, run.longest_s, os.time() - began))
  assert(n.applied > N, "hardly anything was sent")
  run.served.stop()
  made.remove()
end

if arg[1] == "write" then return appsync.run(write, arg[2], arg[3], arg[4], arg[5], arg[6]) end
local ok, err = xpcall(main, debug.traceback)
process.stop_all()
if not ok then print(("SEED=%d: %s"):format(SEED, err)) end
print(ok and "1 passed, 0 failed" or "0 passed, 1 failed")
os.exit(ok and 0 or 1)
