-- nginx with two workers is reloaded N times in MINUTES, at random moments, under a steady load of all kinds of handlers, while the
-- service comes and goes. Beside it another nginx, whose handler is a constant, is reloaded at the same moments. No answer is one that
-- the handler didn't mean; old workers end; nothing grows with the reloads, and nothing is left behind.
-- usage: N=150 MINUTES=30 SEED=1 luajit spec/soak/reloads.lua
local core = require "appsync.core"
local faults = require "spec.support.faults"
local flapping = require "spec.support.flapping"
local nginx = require "spec.support.nginx"
local patience = require "spec.support.patience"
local proc = require "spec.support.proc"
local process = require "spec.support.process"
local server = require "spec.support.server"
local sizes = require "spec.soak.reload_sizes"
local steady_load = require "spec.support.steady_load"

local N = tonumber(os.getenv "N") or 150
local SECONDS = (tonumber(os.getenv "MINUTES") or 30) * 60
local SEED = tonumber(os.getenv "SEED") or os.time()

local N_WORKERS = 2
local N_LISTENERS = 8
local GRACE_S = 5 * patience -- until all that the service's absence has broken is there again
local UNHEARD = 30 -- mutations that were answered, of which a listener has heard none
local STALL_S = 1
local LATE_S = 3 -- between a connection and its request
local EXIT_S = 20 * patience -- an old worker has ended: its requests wait for the service, three times 2 s at most
local EVERY_S = 1 -- the sizes
local SCHEMA = [[
type Note { id: ID! text: String }
type Query { item(id: ID): Note }
type Mutation { note(id: ID, text: String): Note other: Note }
type Subscription {
  onNote: Note @aws_subscribe(mutations: ["note"])
  onNone: Note @aws_subscribe(mutations: ["other"])
}
]]
local RESOLVERS = [[
return {
  Query = { item = function(ctx)
    local user = ctx.request.headers["x-user"]
    return { id = ctx.arguments.id, text = "text of " .. ctx.arguments.id .. (user and " for " .. user or "") }
  end },
  Mutation = { note = function(ctx) return { id = ctx.arguments.id, text = ctx.arguments.text } end, other = function() return { id = "o" } end },
}
]]

local OURS = [[
  lua_check_client_abort on;
  lua_http10_buffering off;
  init_by_lua_block {
    gateway = require "spec.soak.reloaded_gateway"
    gateway.set_up("$ENDPOINT", "$KEY", "$FOLDER/store.db")
  }
  init_worker_by_lua_block {
    gateway.start()
    io.stdout:write "READY\n"
    io.stdout:flush()
  }
  server {
    listen unix:$FOLDER/http;
    location ~ ^/(?<name>\w+)$ {
      content_by_lua_block { gateway[ngx.var.name]() }
      log_by_lua_block { gateway.log() }
    }
  }
]]

local CONTROL = [[
  init_worker_by_lua_block {
    io.stdout:write "READY\n"
    io.stdout:flush()
  }
  server {
    listen unix:$FOLDER/http;
    location / { content_by_lua_block { ngx.print "constant" } }
  }
]]

local function text_of(id, user) return "text of " .. id .. (user and " for " .. user or "") end

local function random_id() return tostring(math.random(30)) end

local Soak = {}
Soak.__index = Soak

function Soak:say(text, ...) print(("%7.1f s  " .. text):format(core.now() - self.began, ...)) end

function Soak:fault(text, ...)
  self.faults[#self.faults + 1] = ("%.1f s after the begin, %.2f s after a reload, the service %s: %s"):format(core.now() - self.began,
    core.now() - self.reloaded_at, self.mode, text:format(...))
  if #self.faults <= 20 then self:say("FAULT: %s", self.faults[#self.faults]) end
end

---Whether the service was away, or had just come back, in some part of this time.
function Soak:is_troubled(from, to)
  local last = self.troubles[#self.troubles]
  for i = #self.troubles, math.max(1, #self.troubles - 10), -1 do
    local trouble = self.troubles[i]
    if from <= (trouble.to or to) + GRACE_S and to >= trouble.from then return true end
  end
  return last ~= nil and not last.to
end

-- The handler's own: it says which error there is.
local function is_said(answer) return answer.status and answer.status ~= 500 and answer.body:find '^{"error":"%a+"}$' ~= nil end

function Soak:count(name, what)
  local counts = self.counts[name] or { ok = 0, said = 0, failed = 0, gone = 0 }
  self.counts[name] = counts
  counts[what] = counts[what] + 1
end

function Soak:judge(name, answer, expected)
  if answer.status == 200 and answer.body == expected then return self:count(name, "ok") end
  if is_said(answer) and self:is_troubled(answer.began, answer.ended) then return self:count(name, "said") end
  self:count(name, "failed")
  if not answer.status then
    self.unanswered[#self.unanswered + 1] = { at = answer.ended, name = name, why = answer.why }
    return
  end
  self:fault("/%s after %.2f s: %s %s", name, answer.ended - answer.began, answer.status, answer.body)
end

-- Some connections are open for a while before they ask.
local function late() return math.random(20) == 1 and math.random() * LATE_S or nil end

---Adds requests to one of our handlers. `make` gives what follows its path, and what it should answer.
function Soak:ask(name, rate, make)
  self.load:add(self.ours.path .. "/http", rate, function()
    local arguments, expected = make()
    local leaves_after = math.random(20) == 1 and math.random() * 0.05 or nil
    if leaves_after then self:count(name, "gone") end
    return {
      target = "/" .. name .. arguments, leaves_after = leaves_after, sends_after = late(),
      on_end = function(answer) self:judge(name, answer, type(expected) == "function" and expected(answer) or expected) end,
    }
  end)
end

function Soak:add_requests()
  local function of_id()
    local id = random_id()
    return "?id=" .. id, text_of(id)
  end
  self:ask("cached", 40, of_id)
  self:ask("stored", 20, of_id)
  self:ask("uncached", 20, of_id)
  self:ask("user", 10, function()
    local id, user = random_id(), tostring(math.random(5))
    return ("?id=%s&user=%s"):format(id, user), text_of(id, user)
  end)
  self:ask("tasks", 5, function()
    local id = random_id()
    return "?id=" .. id, (text_of(id) .. " "):rep(2) .. text_of(id)
  end)
  self:ask("metrics", 1, function()
    return "", function(answer) return answer.body:find "appsync_operations_total" and answer.body or "Prometheus' text" end
  end)
  self:ask("mutation", 5, function()
    self.n_mutations = self.n_mutations + 1
    local id = "m" .. self.n_mutations
    return "?id=" .. id, function(answer)
      if answer.status == 200 and answer.body == id then self.acknowledged[#self.acknowledged + 1] = id end
      return id
    end
  end)
  self.load:add(self.control.path .. "/http", 40, function()
    return { target = "/", sends_after = late(), on_end = function(answer)
      local is_right = answer.status == 200 and answer.body == "constant"
      self:count("control", is_right and "ok" or "failed")
      if not is_right then self.of_control[#self.of_control + 1] = answer.ended end
    end }
  end)
end

-- Listens until the worker ends, and then again. One that goes away is followed by another one.
function Soak:listen(listener)
  listener.n_known, listener.n_events, listener.is_there = #self.acknowledged, 0, false
  self.load:begin(self.ours.path .. "/http", {
    target = "/events" .. (listener.is_silent and "?silent=1" or ""),
    on_text = function(body)
      listener.is_there = true
      local _, n = body:gsub("data: m", "")
      if n > listener.n_events then listener.n_known, listener.n_events = #self.acknowledged, n end
    end,
    on_end = function(answer)
      local has_left = answer.status == 200 and answer.body:find "event: bye\n\n$"
      self.n_heard = self.n_heard + listener.n_events
      self:judge("events", answer, has_left and answer.body or "events up to the worker's end")
      listener.is_there, listener.begins_at = false, core.now() + (has_left and 0 or 0.2)
    end,
  })
  listener.begins_at = nil
end

function Soak:look_at_listeners()
  local now = core.now()
  for _, listener in ipairs(self.listeners) do
    if listener.begins_at and listener.begins_at <= now then self:listen(listener) end
    if not listener.is_there or listener.is_silent or self:is_troubled(now, now) then
      listener.n_known = #self.acknowledged
    elseif #self.acknowledged - listener.n_known > UNHEARD then
      self:fault("a listener has heard nothing of %d mutations", UNHEARD)
      listener.n_known = #self.acknowledged
    end
  end
end

local WAYS = { "refuse", "reset", "silent", "torn", "cut" }
local LONGEST_S = { refuse = 4, reset = 3, silent = 5, torn = 3, cut = 0 }

-- The service goes, and comes back.
function Soak:flap()
  local now = core.now()
  if now < self.flaps_at then return end
  if self.mode == "up" then
    self.mode = WAYS[math.random(#WAYS)]
    self.flaps_at = now + math.random() * LONGEST_S[self.mode]
    self.troubles[#self.troubles + 1] = { from = now }
    self.flapping.set(self.mode)
  else
    self.flapping.set "up"
    self.mode = "up"
    self.troubles[#self.troubles].to = core.now()
    self.flaps_at = now + GRACE_S * (0.5 + 3.5 * math.random())
  end
end

function Soak:reload()
  self.n_reloads, self.reloaded_at = self.n_reloads + 1, core.now()
  self.ours:reload()
  self.control:reload()
  local mean = SECONDS / N
  self.reloads_at = core.now() + (math.random(10) == 1 and math.random() * 0.3 or mean * (0.2 + 1.7 * math.random()))
end

-- The workers of an nginx: those that serve, and since when each other one has been told to end.
function Soak:look_at_workers(running)
  local now, serving, is_there = core.now(), {}, {}
  for _, pid in ipairs(proc.children(running.handle.pid)) do
    local command = proc.command_of(pid)
    is_there[pid] = true
    if command:find("shutting down", 1, true) then
      running.ending[pid] = running.ending[pid] or now
      if now - running.ending[pid] > EXIT_S and not running.late[pid] then
        running.late[pid] = true
        self:fault("an old worker of %s, %d, is still there after %d s", running.name, pid, EXIT_S)
      end
    elseif command:find("worker process", 1, true) then
      serving[#serving + 1] = pid
    end
  end
  for pid, since in pairs(running.ending) do
    if not is_there[pid] then
      running.longest_s, running.n_ended, running.ending[pid] = math.max(running.longest_s, now - since), running.n_ended + 1, nil
    end
  end
  return serving
end

-- While the service is away and when it has just come back, a worker has as many connections as chance gives it.
function Soak:sample()
  local now = core.now()
  for _, running in ipairs{ self.ours, self.control } do
    running.last = sizes.sample(running.handle.pid, self:look_at_workers(running))
    if not self:is_troubled(now, now) then table.insert(running.samples, running.last) end
  end
  self.samples_at = now + EVERY_S
end

function Soak:judge_sizes()
  local lines, gains = sizes.compare(self.ours.samples, self.control.samples)
  for _, line in ipairs(lines) do self:say("%s", line) end
  for _, gain in ipairs(gains) do self:fault("%s", gain) end
end

-- Those that the control hasn't had at the same time.
function Soak:judge_unanswered()
  for _, lost in ipairs(self.unanswered) do
    local is_of_both = false
    for _, at in ipairs(self.of_control) do is_of_both = is_of_both or math.abs(at - lost.at) < 1 end
    if not is_of_both then self:fault("/%s wasn't answered: %s", lost.name, tostring(lost.why)) end
  end
end

function Soak:judge_mutations()
  local effects = (self.served.effects().note or { by_id = {} }).by_id
  for id, n in pairs(effects) do
    if n ~= 1 then self:fault("mutation %s has taken effect %d times", id, n) end
  end
  for _, id in ipairs(self.acknowledged) do
    if not effects[id] then self:fault("mutation %s was answered, and has no effect", id) end
  end
end

-- Ends an nginx as `nginx -s quit` does, and looks at what it leaves.
function Soak:quit(running)
  local began, pid = core.now(), running.handle.pid
  process.signal(running.handle, "QUIT")
  while proc.command_of(pid):find "%S" do
    self.load:play(0.05)
    if core.now() - began > EXIT_S then return self:fault("%s doesn't end", running.name) end
  end
  self:say("%s has ended within %.1f s", running.name, core.now() - began)
  local log = running:log()
  for _, words in ipairs{ "exited on signal", "[alert]", "[emerg]", "[crit]", "[error]", "exited with code [^0]" } do
    local at = log:find(words, 1, words:sub(-1) == "]" and words:sub(1, 1) == "[" or nil)
    if at then self:fault("%s's log: %s", running.name, log:sub(at, at + 400):match "[^\n]+") end
  end
  local _, n_started = log:gsub("start worker process %d", "")
  local _, n_exited = log:gsub("worker process %d+ exited with code 0", "")
  self:say("%s: %d workers began, %d have ended in order", running.name, n_started, n_exited)
  if n_started ~= n_exited or n_started < 2 * N_WORKERS then self:fault("%s has lost a worker", running.name) end
  local left = process.output_of(("ls -A '%s/tmp'"):format(running.path))
  if left ~= "" then self:fault("%s leaves %s", running.name, left) end
end

function Soak:start()
  self.served = faults.start{ schema = SCHEMA, resolvers = RESOLVERS }
  self.flapping = flapping.start(self.served.endpoint)
  local values = { ENDPOINT = self.flapping.endpoint, KEY = server.API_KEY }
  for name, text in pairs{ ours = OURS:gsub("%$(%u+)", values), control = CONTROL } do
    local running = nginx.start(text, { ["tmp/kept"] = "" }, N_WORKERS, "env TMPDIR=$FOLDER/tmp;")
    os.remove(running.path .. "/tmp/kept")
    running.name, running.ending, running.late, running.longest_s, running.n_ended, running.samples = name, {}, {}, 0, 0, {}
    self[name] = running
  end
  self.load = steady_load.new()
  self:add_requests()
  for i = 1, N_LISTENERS do self.listeners[i] = { is_silent = i % 4 == 0, begins_at = 0 } end
end

-- A machine that gives this process no time gives none to the others, either: calls may miss their timeouts.
function Soak:look_for_stalls()
  local now = core.now()
  if now - self.looked_at > STALL_S and self.mode == "up" then
    self.n_stalls = self.n_stalls + 1
    self.troubles[#self.troubles + 1] = { from = self.looked_at, to = now }
  end
  self.looked_at = now
end

function Soak:play()
  self.began = core.now()
  self.reloaded_at, self.looked_at = self.began, self.began
  self.flaps_at, self.reloads_at, self.samples_at = self.began + GRACE_S, self.began + SECONDS / N / 2, self.began
  local told = self.began
  while core.now() < self.began + SECONDS or self.n_reloads < N or #self.ours.samples < sizes.N_SAMPLES do
    self.load:play(0.02)
    self:look_for_stalls()
    self:look_at_listeners()
    self:flap()
    if core.now() >= self.samples_at then self:sample() end
    if core.now() >= self.reloads_at then self:reload() end
    if core.now() > told + 60 then
      told = core.now()
      self:tell()
    end
  end
end

function Soak:tell()
  local list = {}
  for name, counts in pairs(self.counts) do
    list[#list + 1] = ("%s %d/%d/%d/%d"):format(name, counts.ok, counts.said, counts.failed, counts.gone)
  end
  table.sort(list)
  self:say("%d reloads, %d troubles, %d of the machine, %d faults; answered/said/failed/gone away: %s", self.n_reloads, #self.troubles, self.n_stalls,
    #self.faults, table.concat(list, ", "))
  for _, running in ipairs{ self.ours, self.control } do
    local last = running.last
    local worker = last.workers[1] or { descriptors = 0, threads = 0, kib = 0 }
    self:say("%-7s master %d descriptors, %d threads, %d KiB; a worker %d, %d, %d; %d old ones ended, the latest after %.1f s",
      running.name, last.master.descriptors, last.master.threads, last.master.kib, worker.descriptors, worker.threads, worker.kib,
      running.n_ended, running.longest_s)
  end
end

function Soak:finish()
  if self.mode ~= "up" then
    self.flaps_at = 0
    self:flap()
  end
  local ends = core.now() + EXIT_S
  repeat
    self.load:play(0.1)
    self:look_at_workers(self.ours)
    self:look_at_workers(self.control)
  until core.now() > ends or not next(self.ours.ending) and not next(self.control.ending)
  self:tell()
  self.load.sources = {}
  self:quit(self.ours)
  self:quit(self.control)
  self.load:play(EXIT_S, true)
  for target, age in pairs(self.load:ages()) do self:fault("%s isn't answered after %.1f s", target, age) end
  self:judge_unanswered()
  self:judge_mutations()
  self:judge_sizes()
  for _, running in ipairs{ self.ours, self.control } do
    running:stop()
  end
  for name, counts in pairs(self.counts) do
    if counts.ok == 0 then self:fault("/%s was never answered", name) end
  end
  if self.n_heard == 0 then self:fault("no listener has heard anything") end
end

print(("SEED=%d, %d reloads in %.1f minutes"):format(SEED, N, SECONDS / 60))
math.randomseed(SEED)
io.stdout:setvbuf "line"
local soak = setmetatable({
  faults = {}, troubles = {}, counts = {}, unanswered = {}, of_control = {}, acknowledged = {}, listeners = {}, n_mutations = 0,
  n_reloads = 0, n_heard = 0, n_stalls = 0, mode = "up", began = 0,
}, Soak)
local ok, err = xpcall(function()
  soak:start()
  soak:play()
  soak:finish()
  if #soak.faults > 0 then error(("%d faults, the first one %s"):format(#soak.faults, soak.faults[1]), 0) end
end, debug.traceback)
process.stop_all()
if not ok then print(("SEED=%d: %s"):format(SEED, err)) end
print(ok and "1 passed, 0 failed" or "0 passed, 1 failed")
os.exit(ok and 0 or 1)
