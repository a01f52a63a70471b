---A simulation: what its schedules share, and how one of them is played. From its first to its last line it is this thread's
---clock, chance and core; whatever happens, both are given back.
local core = require "appsync.core"
local dispatch = require "appsync.dispatch"
local errors = require "appsync.errors"
local hosts = require "appsync.hosts"
local invariants = require "appsync.simulate.invariants"
local log = require "appsync.log"
local nginx = require "appsync.nginx"
local program = require "appsync.simulate.simulated_program"
local schedule = require "appsync.simulate.schedule"
local scheduler = require "appsync.scheduler"
local script = require "appsync.host.script"
local service = require "appsync.simulate.service"
local world = require "appsync.simulate.world"

local simulation = {}

---@class appsync.simulate.Simulation
---@field options table
---@field counts table<string, integer>
---@field private folder string
---@field private path string
---@field private service appsync.simulate.Service
---@field private has_store boolean? a new one is kept
---@field private log function? the default, as it was
---@field private n_played integer
---@field private world appsync.simulate.World? that is played
local Simulation = {}
Simulation.__index = Simulation

local DRAIN_S, START_S, END_S, CHECK_S = 48 * 3600, 60, 3600, 2 * 3600
local TEMPLATE_SEED = 1
local COLLECT_EVERY = 256
local RENEW_EVERY = 1000 -- schedules: the engine keeps what it has learned of documents and values

-- What is waited for outside of a task.
local function driver_of(self)
  return { drive = function(w)
    local playing = self.world
    if not playing or not playing:run(math.huge, function() return w.done end) then
      scheduler.drop(w, errors.new("usage", "nothing is left to end the wait"))
    end
  end }
end

local function make_service(self)
  local made, message = service.new(self.options, function() return self.world and self.world:service_s() or 0 end)
  if not made then errors.misuse("appsync.simulate: %s", message) end
  return made
end

-- The file is there for locks and links; it stays empty.
local function keep_in_memory(path)
  assert(io.open(path, "wb")):close()
  local ok, err = core.simulation.set_store(path)
  if not ok then errors.misuse("appsync.simulate: %s", err.message) end
end

---@param options table checked
---@return appsync.simulate.Simulation
function simulation.new(options)
  nginx.refuse("appsync.simulate", "run it in a script")
  if scheduler.current() then errors.misuse "appsync.simulate: it can't be called in a task" end
  local self = setmetatable({ options = options, counts = {}, n_played = 0 }, Simulation)
  self.service = make_service(self)
  if dispatch.count() == 0 then dispatch.close_runtime(5) end
  local err
  self.folder, err = core.simulation.folder()
  if not self.folder then errors.misuse("appsync.simulate: %s", err.message) end
  self.path = self.folder .. "/store.db"
  keep_in_memory(self.path)
  dispatch.hold_runtime(true)
  hosts.plug(driver_of(self))
  self.log = log.default()
  log.set_default(function(level, text)
    if self.world then self.world:tell("log: %s %s", level, text) end
  end)
  return self
end

local function make(self, seed, lines)
  local made = world.new{
    options = self.options, seed = seed, service = self.service, path = self.path, counts = self.counts, lines = lines,
  }
  self.world = made
  made.runtime = program.boot()
  return made
end

local function finish(self)
  local playing = self.world
  self.world = nil
  if playing then program.finish(playing) end
end

---@return true|appsync.Error
local function drain(client)
  local ok, err = client.outbox:drain(DRAIN_S - 1)
  return ok or err
end

local function status(client)
  return client.outbox:status()
end

-- Closed as a program closes it.
local function close(playing)
  local closing = playing.client
  playing.client = nil
  playing:wait_for(START_S, "client:close", program.close, playing, closing)
end

-- A store that a client has opened, and nothing else: it is made once.
local function make_empty_store(self)
  local making = make(self, TEMPLATE_SEED)
  program.open(making)
  making:wait_for(START_S, "client.outbox:status", status, making.client)
  close(making)
  finish(self)
  if making.failure then error("appsync.simulate: " .. making.failure, 0) end
  assert(core.simulation.keep_store "new")
  self.has_store = true
  self.service:empty()
end

---@return boolean drained
local function empty_outbox(playing)
  local _, drained = playing:wait_for(DRAIN_S, "client.outbox:drain", drain, playing.client)
  if drained == true or playing.failure then return drained == true end
  if drained and drained.kind == "closed" then
    playing:fail "the program has closed its client; restarts are among the faults, and no action's"
    return false
  end
  local _, of = playing:wait_for(START_S, "client.outbox:status", status, playing.client)
  of = of or { size = -1, state = "?" }
  playing:fail("the outbox isn't empty after %d hours without faults: %d queued, %s%s", DRAIN_S / 3600, of.size, of.state,
    of.reason and ": " .. of.reason or "")
  return false
end

-- What a program wants after its last step: no faults, and time. What it is told may make it do more.
local function come_to_rest(playing)
  playing:tell "from here on there are no faults"
  playing.network:settle()
  playing.kill_in, playing.n_offline = nil, nil
  playing:run(playing.mono + START_S * 1000 + playing.late_ms, function() return playing.client ~= nil end)
  if playing.failure then return end
  if not playing.client then return playing:fail "the program doesn't start again" end
  playing.client:set_online(true)
  for _ = 1, 3 do
    if not empty_outbox(playing) then return end
    playing:run(playing.mono + END_S * 1000, function() return playing:is_quiet() end)
  end
  playing:run(playing.mono + playing.syncs:quiet_s() * 1000)
end

local function play(self, playing, steps, is_kept)
  local began = playing.mono
  program.start(playing)
  for _, step in ipairs(steps) do
    if is_kept == nil or is_kept[step.number] then
      playing:run(began + step.at + playing.late_ms)
      if playing.failure then return end
      schedule.perform(playing, step)
    end
  end
  playing:run(playing.mono)
  if not playing.failure then come_to_rest(playing) end
  if not playing.failure then
    local done = playing:wait_for(CHECK_S, "the check", invariants.check, playing)
    if not done then playing:fail "the invariants can't be checked: a call doesn't end" end
  end
  if playing.failure then return end
  close(playing)
  if not playing.failure then invariants.check_store(playing) end
  self.counts.mutations = (self.counts.mutations or 0) + #playing.calls
end

---Plays a schedule.
---@param seed integer
---@param is_kept table<integer, boolean>? by step; nil: all
---@param lines string[]? gets what happens
---@return string? failure
---@return appsync.simulate.Step[] steps
function Simulation:play(seed, is_kept, lines)
  if not self.has_store then make_empty_store(self) end
  self.n_played = self.n_played + 1
  if self.n_played % COLLECT_EVERY == 0 then collectgarbage() end
  if self.n_played % RENEW_EVERY == 0 then
    self.service:close()
    self.service = make_service(self)
  end
  assert(core.simulation.put_store "new")
  self.service:empty()
  local steps = schedule.plan(seed, self.options)
  local playing = make(self, seed, lines)
  play(self, playing, steps, is_kept)
  finish(self)
  return playing.failure, steps
end

---Gives the thread its clock, chance and core back.
function Simulation:close()
  local ok, raised = pcall(finish, self)
  hosts.plug(script)
  log.set_default(self.log)
  dispatch.hold_runtime(false)
  if dispatch.count() == 0 then dispatch.close_runtime(0) end
  core.simulation.set_time(nil)
  core.simulation.set_seed(nil)
  self.service:close()
  core.simulation.set_store(nil)
  os.remove(self.path)
  os.remove(self.path .. "-leader")
  os.remove(self.folder)
  if not ok then error(raised, 0) end
end

return simulation
