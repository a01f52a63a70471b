-- nginx with two workers whose handlers queue mutations in one store. The worker that sends them is killed (kill -9) N times, while
-- mutations of both are under way, and now and then nginx is reloaded instead. The other worker answers meanwhile, and goes on with the
-- queue within two seconds. In the end: no mutation that was acknowledged is lost, and none has taken effect twice.
-- usage: N=100 SEED=1 luajit spec/soak/nginx_leaders.lua
local appsync = require "appsync"
local core = require "appsync.core"
local effects = require "spec.support.effects"
local leading = require "spec.support.leading"
local nginx = require "spec.support.nginx"
local patience = require "spec.support.patience"
local proc = require "spec.support.proc"
local process = require "spec.support.process"
local server = require "spec.support.server"
local steady_load = require "spec.support.steady_load"

local N = tonumber(os.getenv "N") or 5
local SEED = tonumber(os.getenv "SEED") or os.time()

local N_WORKERS = 2
local LATEST_S = 0.4 -- the next kill, once both workers have answered
local RELOADS = 5 -- one of so many times
local BOUND_S = 20 * patience
local SLOW_S = 10 * patience -- no answer takes that long: a lead that moves, and a service that was killed and begins again

-- The service is slow enough for some mutation to be under way most of the time; and now and then an answer is lost, or it comes back.
local FAULTS = {
  delay = { ms = 20, probability = 0.7 }, lost_answer = { probability = 0.02 }, reset = { probability = 0.02 },
  crash = { down_ms = 100, probability = 0.005 }, crash_after = { down_ms = 100, probability = 0.005 },
}

local HTTP = [[
  init_by_lua_block {
    appsync, leading = require "appsync", require "spec.support.leading"
    client = appsync.client{
      endpoint = "$ENDPOINT", auth = { type = "API_KEY", api_key = "$KEY" }, store = "$FOLDER/store.db", retry = { base = 0.02, cap = 0.2 },
    }
    ngx.update_time()
    loaded_at = ngx.now()
    function mutate(document, is_idempotent)
      local _, err, info = client:mutate(document, { opId = ngx.var.arg_op }, { queue = true, idempotent = is_idempotent, timeout = 15 })
      ngx.print(ngx.worker.pid(), " ", leading.outcome_of(err, info), " ", tostring(err))
    end
  }
  init_worker_by_lua_block {
    -- Of those that take a killed one's place some take nothing for a while: else they would lead nearly always.
    ngx.update_time()
    if ngx.now() - loaded_at > 0.5 and ngx.worker.pid() % 2 == 0 then require("socket").sleep(leading.MOVE_S + 1) end
    io.stdout:write "READY\n"
    io.stdout:flush()
  }
  server {
    listen unix:$FOLDER/http;
    location = /add { content_by_lua_block { mutate(leading.ADD) } }
    location = /add_once { content_by_lua_block { mutate(leading.ADD_ONCE, true) } }
    location = /read { content_by_lua_block {
      local data, err = client:query(leading.READ, nil, { fetch_policy = ngx.var.arg_policy })
      ngx.print(ngx.worker.pid(), data and " read" or " failed " .. tostring(err))
    } }
  }
]]

local Run = {}
Run.__index = Run

-- When a worker has last acknowledged a mutation, and answered a read, that were begun after a moment.
local function note(by_pid, pid, answer) by_pid[pid] = math.max(by_pid[pid] or 0, answer.began) end

-- A request that is not answered has to have been in a worker that was killed.
function Run:on_lost(answer)
  local since_s = answer.ended - (self.killed_at or -math.huge)
  assert(since_s < 1, ("a request isn't answered, and no worker was killed: %s"):format(tostring(answer.why or answer.status)))
  self.n_lost = self.n_lost + 1
end

function Run:add_mutations(name, rate)
  self.load:add(self.running.path .. "/http", rate, function()
    self.n_begun = self.n_begun + 1
    local op = ("%s.%d"):format(name, self.n_begun)
    self.told[op], self.n_open = false, self.n_open + 1
    return { target = ("/%s?op=%s"):format(name, op), on_end = function(answer)
      self.n_open = self.n_open - 1
      local pid, how, why = answer.body:match "^(%d+) (%w+) (.*)$"
      if not pid or answer.status ~= 200 then return self:on_lost(answer) end
      assert(how ~= "error", why)
      self.told[op] = how
      local took_s = answer.ended - answer.began
      assert(took_s < SLOW_S, ("a mutation was answered after %.1f s"):format(took_s))
      self.longest_s = math.max(self.longest_s, took_s)
      note(self.mutated_at, tonumber(pid), answer)
    end }
  end)
end

function Run:add_reads(policy, rate)
  self.load:add(self.running.path .. "/http", rate, function()
    return { target = "/read?policy=" .. policy, on_end = function(answer)
      local pid, word, why = answer.body:match "^(%d+) (%a+) ?(.*)$"
      if not pid or answer.status ~= 200 then return self:on_lost(answer) end
      assert(word == "read", why)
      note(self.read_at, tonumber(pid), answer)
    end }
  end)
end

-- Plays until it is so; how long it took.
function Run:play_until(condition, limit_s, what)
  local began = core.now()
  while not condition() do
    assert(core.now() - began < limit_s, ("%s not within %.1f s\n%s"):format(what, limit_s, self.running:log():sub(-2000)))
    self.load:play(0.005)
  end
  return core.now() - began
end

function Run:workers()
  local list = {}
  for _, pid in ipairs(proc.children(self.running.handle.pid)) do
    local command = proc.command_of(pid)
    if command:find("worker process", 1, true) and not command:find("shutting down", 1, true) then list[#list + 1] = pid end
  end
  return list
end

-- Both workers that serve have begun and acknowledged a mutation since.
function Run:await_both(since)
  self:play_until(function()
    local workers, n = self:workers(), 0
    for _, pid in ipairs(workers) do n = n + ((self.mutated_at[pid] or 0) >= since and 1 or 0) end
    return #workers == N_WORKERS and n == N_WORKERS
  end, BOUND_S, "mutations of both workers")
end

function Run:await_leader(former, limit_s)
  return self:play_until(function()
    local pid = leading.leader_of(self.store)
    return pid and pid ~= former
  end, limit_s, "another leader")
end

function Run:kill_leader(is_busy)
  self:await_leader(nil, leading.MOVE_S * patience)
  if is_busy then self:play_until(function() return self.n_open > 0 end, BOUND_S, "a mutation that is under way") end
  local pid = leading.leader_of(self.store)
  local others = {}
  for _, other in ipairs(self:workers()) do
    if other ~= pid then others[#others + 1] = other end
  end
  self.killed_at, self.n_in_flight = core.now(), self.n_in_flight + (self.n_open > 0 and 1 or 0)
  process.signal({ pid = pid }, "KILL")
  self.moved_s = math.max(self.moved_s, self:await_leader(pid, leading.MOVE_S * patience))
  local is_heir = leading.leader_of(self.store) == others[1]
  self.n_heirs = self.n_heirs + (is_heir and 1 or 0)
  local at = self.killed_at
  self:play_until(function()
    for _, other in ipairs(others) do
      if (self.read_at[other] or 0) < at or (self.mutated_at[other] or 0) < at then return false end
    end
    return true
  end, BOUND_S, "an answer of the worker that lives")
end

-- No request is lost by it; another worker leads once the old one is gone.
function Run:reload()
  self:await_leader(nil, leading.MOVE_S * patience)
  local pid = leading.leader_of(self.store)
  self.n_reloads = self.n_reloads + 1
  self.running:reload()
  self:play_until(function() return not proc.command_of(pid):find "%S" end, BOUND_S, "the end of the old leader")
  self.moved_s = math.max(self.moved_s, self:await_leader(pid, leading.MOVE_S * patience))
end

function Run:start()
  self.served = effects.start()
  self.served.chaos(SEED % 100000, FAULTS)
  local values = { ENDPOINT = self.served.endpoint, KEY = server.API_KEY }
  self.running = nginx.start(HTTP:gsub("%$(%u+)", values), nil, N_WORKERS)
  self.store, self.load = self.running.path .. "/store.db", steady_load.new()
  self:add_mutations("add", 15)
  self:add_mutations("add_once", 15)
  self:add_reads("cache-first", 20)
  self:add_reads("network-only", 5)
end

function Run:play()
  local n_killed = 0
  while n_killed < N do
    self:await_both(core.now())
    self.load:play(math.random() * LATEST_S)
    if math.random(RELOADS) == 1 then
      self:reload()
    else
      n_killed = n_killed + 1
      self:kill_leader(n_killed % 3 ~= 0) -- the third one at any moment
    end
  end
  self:await_both(core.now())
  self.load:play(BOUND_S, true)
  local target = next(self.load:ages())
  assert(not target, tostring(target) .. " isn't answered")
end

-- Ends it as `nginx -s quit` does; its log.
function Run:quit()
  local pid = self.running.handle.pid
  process.signal(self.running.handle, "QUIT")
  self:play_until(function() return not proc.command_of(pid):find "%S" end, BOUND_S, "nginx's end")
  local log = self.running:log()
  local _, n_killed = log:gsub("exited on signal 9", "")
  assert(n_killed == N, n_killed .. " workers have ended by a signal")
  for _, words in ipairs{ "exited on signal [^9]", "exited with code [^0]", "%[emerg%]", "%[crit%]", "%[error%]" } do
    local at = log:find(words)
    assert(not at, at and log:sub(at, at + 400))
  end
end

local function main()
  print(("SEED=%d"):format(SEED))
  math.randomseed(SEED)
  local began = os.time()
  local run = setmetatable({
    told = {}, mutated_at = {}, read_at = {}, n_begun = 0, n_open = 0, n_lost = 0, n_reloads = 0, n_in_flight = 0, n_heirs = 0, longest_s = 0, moved_s = 0,
  }, Run)
  run:start()
  run:play()
  run.served.calm()
  run.load.sources = {}
  run:quit()
  local dead = appsync.run(leading.drain, run.served.endpoint, run.store)
  run.running:stop()
  local n = leading.judge(run.told, run.served.counts(), dead)
  print(("%d workers killed that led, %d of them with mutations under way, and %d reloads: %d mutations begun, %d acknowledged, %d of them answered; %d applied once, %d unknown, none twice, none lost; %d requests ended with their worker; the lead moved within %.2f s, %d times to the worker that lived, the slowest answer took %.2f s; %d s"):format(
    N, run.n_in_flight, run.n_reloads, n.begun, n.acknowledged, n.done, n.applied, n.unknown, run.n_lost, run.moved_s, run.n_heirs, run.longest_s,
    os.time() - began))
  assert(n.acknowledged > 5 * N and n.applied > 5 * N, "hardly anything was sent")
  assert(run.n_in_flight > N / 2 and (N < 20 or run.n_lost > N / 10), "hardly anything was under way")
  run.served.stop()
end

local ok, err = xpcall(main, debug.traceback)
process.stop_all()
if not ok then print(("SEED=%d: %s"):format(SEED, err)) end
print(ok and "1 passed, 0 failed" or "0 passed, 1 failed")
os.exit(ok and 0 or 1)
