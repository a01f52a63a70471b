---One schedule's world: its time, what is due when, the program and the service, and the loop that leads from one thing to the
---next. Nothing waits: where nothing is to be done, the time goes on to what is due next.
local agenda = require "appsync.simulate.agenda"
local chance = require "appsync.simulate.chance"
local core = require "appsync.core"
local dispatch = require "appsync.dispatch"
local errors = require "appsync.errors"
local network = require "appsync.simulate.network"
local printable = require "appsync.printable"
local program = require "appsync.simulate.simulated_program"
local scheduler = require "appsync.scheduler"
local simulated_sockets = require "appsync.simulate.simulated_sockets"
local simulated_syncs = require "appsync.simulate.simulated_syncs"
local task = require "appsync.task"
local timer = require "appsync.timer"
local tokens = require "appsync.simulate.simulated_tokens"

local world = {}

local EVENTS = 64
local BEGIN_MONO_MS, BEGIN_WALL_MS = 1000000, 1767225600000 -- 2026-01-01T00:00:00Z
local MAX_SKEW_MS = 120000
local MAX_STILL = 20000 -- turns in which the time doesn't go on: something turns in circles

---@class appsync.simulate.World
---@field options table checked options
---@field seed integer
---@field faults table<string, number>
---@field mono number milliseconds of a clock that never goes back
---@field wall number milliseconds since 1970, by the device's clock
---@field path string of the store
---@field agenda appsync.simulate.Agenda
---@field network appsync.simulate.Network
---@field sockets appsync.simulate.Sockets
---@field syncs appsync.simulate.Syncs
---@field service appsync.simulate.Service
---@field tokens appsync.simulate.Tokens? in a mode with tokens
---@field runtime appsync.core.Runtime
---@field client appsync.Client? of the program, while it runs
---@field state table the user's own, of this schedule
---@field calls appsync.simulate.Call[]
---@field told table<integer, boolean> by number: `offline.callback` has returned for it
---@field given_up table<integer, boolean> by number: discarded or retried by the program
---@field effects table<integer, integer> by number: requests that took effect
---@field n_starts integer of the program
---@field n_writes integer mutations that took effect
---@field tasks appsync.Task[] of this run of the program, which may have ended
---@field n_flying integer requests that aren't over
---@field is_overtaken boolean? an answer came that was older than what the service had taken by then
---@field n_repeated integer requests that the network has repeated
---@field is_wiped boolean? the program has signed out with its outbox
---@field failure string? the first one
---@field lines string[]? what happened, where it is asked for
---@field counts table<string, integer>
---@field kill_in integer? turns until the program is killed
---@field late_ms number by which steps are later than planned
---@field private service_ms number the service's clock less the monotonic one
---@field private core_at number?
---@field private n_drawn integer
---@field private n_still integer
local World = {}
World.__index = World

---@param given {options: table, seed: integer, service: appsync.simulate.Service, path: string, counts: table, lines: string[]?}
---@return appsync.simulate.World
function world.new(given)
  local self = setmetatable({
    options = given.options, seed = given.seed, faults = given.options.faults, path = given.path, service = given.service,
    counts = given.counts, lines = given.lines, mono = BEGIN_MONO_MS, wall = BEGIN_WALL_MS, agenda = agenda.new(), state = {},
    calls = {}, tasks = {}, told = {}, given_up = {}, effects = {}, n_repeated = 0, n_starts = 0, n_writes = 0, n_flying = 0,
    n_drawn = 0, n_still = 0, late_ms = 0,
  }, World)
  local skew = chance.new(given.seed, 3)(-MAX_SKEW_MS, MAX_SKEW_MS)
  self.service_ms = BEGIN_WALL_MS - BEGIN_MONO_MS + skew
  self.network, self.sockets, self.syncs = network.new(self), simulated_sockets.new(self), simulated_syncs.new(self)
  if given.options.auth ~= "API_KEY" then
    self.tokens = tokens.new(function() return self:service_s() end)
  end
  core.simulation.set_time(self.mono, self.wall)
  core.simulation.set_seed(given.seed)
  return self
end

---@return number seconds since 1970, by the service's clock
function World:service_s()
  return (self.service_ms + self.mono) / 1000
end

---What happens, for whoever reads the schedule.
function World:tell(format, ...)
  local lines = self.lines
  if not lines then return end
  local text = select("#", ...) > 0 and format:format(...) or format
  lines[#lines + 1] = ("%10.3f s  %s"):format((self.mono - BEGIN_MONO_MS) / 1000, printable.line(text))
end

function World:count(name)
  self.counts[name] = (self.counts[name] or 0) + 1
end

---Chance of its own for whatever is drawn next.
---@return appsync.simulate.Random
function World:random()
  self.n_drawn = self.n_drawn + 1
  return chance.new(self.seed, 4, self.n_drawn)
end

---The schedule has failed; the first failure counts.
function World:fail(format, ...)
  if self.failure then return end
  self.failure = select("#", ...) > 0 and format:format(...) or format
  self:tell("FAILED: %s", self.failure)
end

---The service has executed a request.
---@param request appsync.simulate.Request
---@param has_effect boolean
function World:add_effect(request, has_effect)
  local entry = request.entry
  if has_effect then self.n_writes = self.n_writes + 1 end
  request.n_writes = self.n_writes
  if entry then self.effects[entry] = (self.effects[entry] or 0) + (has_effect and 1 or 0) end
end

---Runs a function of the user's as a task of the program.
---@param name string
---@return appsync.Task
function World:spawn(name, fn, ...)
  local spawned = task.spawn_asked(function(raised)
    if errors.is(raised) and raised.kind == "closed" then return end
    self:fail("%s raised: %s", name, printable.text(raised))
  end, fn, ...)
  self.tasks[#self.tasks + 1] = spawned
  return spawned
end

---Whether nothing of the program is under way but what its own tasks wait for.
---@return boolean
function World:is_quiet()
  for i = #self.tasks, 1, -1 do
    if self.tasks[i]:status() ~= "running" then table.remove(self.tasks, i) end
  end
  if self.n_flying > 0 or #self.tasks > 0 then return false end
  for _, call in ipairs(self.calls) do
    if call.state == "running" then return false end
  end
  return true
end

local function set_mono(self, at)
  if at > self.mono then
    self.wall, self.mono = self.wall + at - self.mono, at
    self.n_still = 0
    core.simulation.set_time(self.mono, self.wall)
  end
end

---The device's clock is set.
---@param ms number
function World:jump(ms)
  self.wall = self.wall + ms
  core.simulation.set_time(self.mono, self.wall)
end

-- A turn of everything; true when something was done.
local function turn(self)
  local left_ms = self.runtime:drive()
  local has_taken = self.network:take()
  has_taken = self.sockets:take() or has_taken
  scheduler.refill(EVENTS, nil)
  local handled = dispatch.poll(EVENTS)
  local n = scheduler.run_ready(EVENTS) + timer.run_due(EVENTS) + handled
  self.core_at = left_ms and self.mono + left_ms
  if has_taken or n > 0 or left_ms == 0 or scheduler.has_ready() then return true end
  local at = self.agenda:next_at()
  if not at or at > self.mono then return false end
  self.agenda:take()()
  return true
end

local function next_at(self)
  local at = self.agenda:next_at() or math.huge
  local timer_at = timer.next_at()
  if timer_at then at = math.min(at, math.ceil(timer_at * 1000)) end
  if self.core_at then at = math.min(at, self.core_at) end
  return at
end

local function count_down(self)
  if not self.kill_in then return end
  self.kill_in = self.kill_in - 1
  if self.kill_in > 0 then return end
  self.kill_in = nil
  if self.client then
    self:count("kills")
    program.kill(self)
    self.agenda:put(self.mono + self:random()(program.MIN_DOWN_MS, 5000), function() program.start(self) end)
  end
end

---Goes on until that time, or until it is done, or the schedule has failed.
---@param at number
---@param is_done (fun(): boolean)?
---@return boolean done
function World:run(at, is_done)
  while not self.failure do
    if is_done and is_done() then return true end
    if turn(self) then
      self.n_still = self.n_still + 1
      if self.n_still > MAX_STILL then self:fail("the program turns in circles: %d turns at one moment", MAX_STILL) end
      count_down(self)
    elseif self.kill_in then
      self.kill_in = 1 -- nothing more comes now
      count_down(self)
    else
      -- Seconds are fractions: a timer may come out a moment after its millisecond.
      local next_ms = math.max(next_at(self), self.mono + 1)
      if next_ms > at then
        if at < math.huge then set_mono(self, at) end
        return false
      end
      set_mono(self, next_ms)
    end
  end
  return false
end

---Runs a function in a task, and the world until it has ended.
---@param seconds number of the simulation's time, at most
---@return boolean done, any result
function World:wait_for(seconds, name, fn, ...)
  local args, result = { ... }, nil
  local running = self:spawn(name, function() result = fn(args[1], args[2], args[3]) end)
  local done = self:run(self.mono + seconds * 1000, function() return running:status() ~= "running" end)
  return done, result
end

return world
