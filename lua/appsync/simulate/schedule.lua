---What a seed stands for: steps of the program, of other users and of the world around it, and when each comes. Each has chance
---of its own, so a schedule without some of its steps has the others unchanged.
local chance = require "appsync.simulate.chance"
local printable = require "appsync.printable"
local program = require "appsync.simulate.simulated_program"

local schedule = {}

---@class appsync.simulate.Step
---@field number integer
---@field at number milliseconds after the first one
---@field kind "action"|"other"|"kill"|"restart"|"offline"|"clock_jump"|"expire_token"
---@field name string? of an action, or of what another user does

-- The order of the draw.
schedule.FAULTS = { "kill", "restart", "offline", "clock_jump", "expire_token" }

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

function perform.other(world, step, random)
  world:tell("step %d: somebody else: %s", step.number, step.name)
  world:count("others")
  local ok, raised = pcall(world.options.others[step.name], world.service, random, world.state)
  if not ok then world:fail("%s of others raised: %s", step.name, printable.text(raised)) end
end

-- Some turns later: between any two things that the program does.
function perform.kill(world, step, random)
  world:tell("step %d: a kill comes", step.number)
  world.kill_in = random(1, 16)
end

function perform.restart(world, step, random)
  local closing = world.client
  if not closing then return end
  world:tell("step %d: the program closes its client", step.number)
  world:count("restarts")
  world.client = nil
  world:spawn("client:close", function()
    program.close(world, closing)
    world.agenda:put(world.mono + random(program.MIN_DOWN_MS, 5000), function() program.start(world) end)
  end)
end

function perform.offline(world, step, random)
  local ms, knows = random(100, 120000), random:chance(0.3)
  world:tell("step %d: no network for %.1f s%s", step.number, ms / 1000, knows and ", which the program is told" or "")
  world:count("offline")
  world.network.is_offline = true
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

function perform.clock_jump(world, step, random)
  local ms = random(-12, 12) * HOUR_MS + random(0, HOUR_MS)
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
