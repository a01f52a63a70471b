---What a seed stands for: steps of the program, of other users and of the world around it, and when each comes. Each has chance
---of its own, so a schedule without some of its steps has the others unchanged.
local chance = require "appsync.simulate.chance"
local printable = require "appsync.printable"
local program = require "appsync.simulate.simulated_program"

local schedule = {}

---@class appsync.simulate.Step
---@field number integer
---@field at number milliseconds after the first one
---@field kind "action"|"other"|"kill"|"restart"|"offline"|"clock_jump"|"expire_token"|"disconnect"|"half_open"|"service_restart"|
---"away"|"expire_pages"
---@field name string? of an action, or of what another user does

-- The order of the draw.
schedule.FAULTS = {
  "kill", "restart", "offline", "clock_jump", "expire_token", "disconnect", "half_open", "service_restart", "away", "expire_pages",
}

local OTHERS_SHARE = 0.2
local HOUR_MS = 3600000

local function gap(random)
  local share = random:fraction()
  if share < 0.5 then return random(0, 100) end
  if share < 0.85 then return random(100, 3000) end
  return random(3000, 60000)
end

local function draw(random, options)
  local at = random:fraction()
  for _, name in ipairs(schedule.FAULTS) do
    at = at - options.faults[name]
    if at < 0 then return name end
  end
  if #options.other_names > 0 and random:chance(OTHERS_SHARE) then return "other", random:pick(options.other_names) end
  return "action", random:pick(options.action_names)
end

---@param seed integer
---@param options table checked options
---@return appsync.simulate.Step[]
function schedule.plan(seed, options)
  local random, steps, at = chance.new(seed, 1), {}, 0
  for number = 1, random(math.ceil(options.steps / 2), options.steps) do
    at = at + gap(random)
    local kind, name = draw(random, options)
    steps[number] = { number = number, at = at, kind = kind, name = name }
  end
  return steps
end

local perform = {}

function perform.action(world, step, random)
  if not world.client then return world:tell("step %d: %s, but the program isn't running", step.number, step.name) end
  world:tell("step %d: %s", step.number, step.name)
  world:count("actions")
  world:spawn("action " .. step.name, world.options.actions[step.name], world.client, random, world.state)
end

local function write_as_other(world, name, random)
  local ok, raised = pcall(world.options.others[name], world.service, random, world.state)
  if not ok then world:fail("%s of others raised: %s", name, printable.text(raised)) end
end

function perform.other(world, step, random)
  world:tell("step %d: somebody else: %s", step.number, step.name)
  world:count("others")
  write_as_other(world, step.name, random)
end

-- Some turns later: between any two things that the program does.
function perform.kill(world, step, random)
  world:tell("step %d: a kill comes", step.number)
  world.kill_in = random(1, 16)
end

-- The program closes its client, and starts again after some time.
local function restart(world, down_ms)
  local closing = world.client
  world.client = nil
  world:spawn("client:close", function()
    program.close(world, closing)
    world.agenda:put(world.mono + down_ms, function() program.start(world) end)
  end)
end

function perform.restart(world, step, random)
  if not world.client then return end
  world:tell("step %d: the program closes its client", step.number)
  world:count("restarts")
  restart(world, random(program.MIN_DOWN_MS, 5000))
end

local function lose_network(world, step, ms, knows, random)
  world:tell("step %d: no network for %.1f s%s", step.number, ms / 1000, knows and ", which the program is told" or "")
  world.network.is_offline = true
  if random:chance(0.5) then world.sockets:silence() else world.sockets:disconnect(random) end
  world.n_offline = (world.n_offline or 0) + 1
  local number = world.n_offline
  if knows and world.client then world.client:set_online(false) end
  world.agenda:put(world.mono + ms, function()
    if world.n_offline ~= number then return end
    world:tell "there is a network again"
    world.network.is_offline = false
    if world.client then world.client:set_online(true) end
  end)
end

function perform.offline(world, step, random)
  world:count("offline")
  lose_network(world, step, random(100, 120000), random:chance(0.3), random)
end

function perform.disconnect(world, step, random)
  local n = world.sockets:disconnect(random)
  world:tell("step %d: connections are lost: %d", step.number, n)
  for _ = 1, n do world:count("disconnect") end
end

function perform.half_open(world, step)
  local n = world.sockets:silence()
  world:tell("step %d: connections become silent: %d", step.number, n)
  for _ = 1, n do world:count("half_open") end
end

function perform.service_restart(world, step, random)
  local ms, network = random(100, 10000), world.network
  world:tell("step %d: the service restarts, and isn't there for %.1f s", step.number, ms / 1000)
  world:count("service_restart")
  world.sockets:disconnect(random)
  network.is_down, network.n_restarts = true, network.n_restarts + 1
  local number = network.n_restarts
  world.agenda:put(world.mono + ms, function()
    if network.n_restarts == number then network.is_down = false end
  end)
end

function perform.expire_pages(world, step)
  world:tell("step %d: tokens of pages aren't taken any more: %d", step.number, world.syncs:expire_pages())
  world:count("expire_pages")
end

-- Of what the service remembers.
local AWAY = { 0.3, 0.9, 1.1, 3, 60 }

-- For long: others go on, and what is planned comes when it is over.
function perform.away(world, step, random)
  if not world.client then return end
  local ms = math.floor(random:pick(AWAY) * world.syncs:window_s() * 1000)
  world:count("away")
  if random:chance(0.3) then
    lose_network(world, step, ms, false, random)
  else
    world:tell("step %d: the program is closed for %.0f s", step.number, ms / 1000)
    restart(world, ms)
  end
  for _ = 1, #world.options.other_names > 0 and random(0, 4) or 0 do
    local name, chances = random:pick(world.options.other_names), chance.new(world.seed, 7, step.number, random(1000000))
    world.agenda:put(world.mono + random(1, ms), function()
      if world.network.is_quiet then return end
      world:tell("meanwhile somebody else: %s", name)
      write_as_other(world, name, chances)
    end)
  end
  world.late_ms = world.late_ms + ms
end

function perform.clock_jump(world, step, random)
  local most = #world.options.syncs > 0 and 24 or 12
  local ms = random(-most, most) * HOUR_MS + random(0, HOUR_MS)
  world:tell("step %d: the device's clock goes %s by %.0f s", step.number, ms < 0 and "back" or "forward", math.abs(ms) / 1000)
  world:count("clock_jump")
  world:jump(ms)
end

function perform.expire_token(world, step)
  if not world.tokens then return end
  world:tell("step %d: the token expires", step.number)
  world:count("expire_token")
  world.tokens:expire()
end

---@param world appsync.simulate.World
---@param step appsync.simulate.Step
function schedule.perform(world, step)
  perform[step.kind](world, step, chance.new(world.seed, 5, step.number))
end

return schedule
