---Plays an application's mutations, updates and conflict resolver against seeded schedules of faults: lost requests and answers,
---delays, throttles, expiring tokens, clock jumps and kills. The client is the real one, with its store, outbox and cache; time,
---network and chance are simulated, and the service is the local server's engine, in this process.
local core = require "appsync.core"
local errors = require "appsync.errors"
local simulate_options = require "appsync.simulate.simulate_options"
local simulation = require "appsync.simulate.simulation"

local simulate = {}

local MAX_SEED = 2000000000
local PROGRESS_EVERY = 50

---What a simulation has found.
---@class appsync.simulate.Report
---@field schedules integer that were played
---@field seed integer of the first one
---@field counts table<string, integer> of mutations, requests, kills and each fault that came
---@field failure appsync.simulate.Failure? the first schedule that failed; the simulation ended with it

---@class appsync.simulate.Failure
---@field seed integer
---@field message string what doesn't hold
---@field n_steps integer of the schedule
---@field steps integer[] the least number of the schedule's steps that was found to fail
---@field lines string[] what happens in it

local function with_simulation(options, fn)
  local made = simulation.new(options)
  local ok, value = pcall(fn, made)
  local is_closed, raised = pcall(made.close, made)
  if not ok then error(value, 0) end
  if not is_closed then error(raised, 0) end
  return value
end

local function numbers_of(steps)
  local kept = {}
  for _, step in ipairs(steps) do kept[step.number] = true end
  return kept
end

-- The first so many steps that fail, and then without each that it fails without.
local function shorten(made, seed, steps)
  local kept = numbers_of(steps)
  for n = 0, #steps - 1 do
    local first = {}
    for i = 1, n do first[steps[i].number] = true end
    if made:play(seed, first) then
      kept = first
      break
    end
  end
  for _, step in ipairs(steps) do
    if kept[step.number] then
      kept[step.number] = nil
      if not made:play(seed, kept) then kept[step.number] = true end
    end
  end
  return kept
end

local function explain(made, seed, steps)
  local counts = made.counts
  made.counts = {}
  local kept, lines = shorten(made, seed, steps), {}
  local message = made:play(seed, kept, lines)
  made.counts = counts
  local numbers = {}
  for number in pairs(kept) do numbers[#numbers + 1] = number end
  table.sort(numbers)
  return { seed = seed, message = message, steps = numbers, lines = lines, n_steps = #steps }
end

---The report of a failure, for people.
---@param failure appsync.simulate.Failure
---@return string text lines
function simulate.text(failure)
  local lines = { ("seed %d: %s"):format(failure.seed, failure.message), "" }
  for i, line in ipairs(failure.lines) do lines[#lines + 1] = ("%4d %s"):format(i, line) end
  lines[#lines + 1] = ""
  lines[#lines + 1] = ("%d of the schedule's %d steps fail alike; simulate.replay(%d, options) plays all of them"):format(
    #failure.steps, failure.n_steps, failure.seed)
  return table.concat(lines, "\n") .. "\n"
end

local function new_seed()
  return math.floor(tonumber(core.uuid():sub(1, 7), 16) * MAX_SEED / 0xfffffff) + 1
end

---Plays schedules until one of them fails.
---@param given appsync.simulate.Options
---@return appsync.simulate.Report
function simulate.run(given)
  local options = simulate_options.check(given)
  local first = options.seed or new_seed()
  return with_simulation(options, function(made)
    for i = 1, options.schedules do
      local seed = first + i - 1
      local failure, steps = made:play(seed)
      if failure then return { schedules = i, seed = first, counts = made.counts, failure = explain(made, seed, steps) } end
      if options.progress and i % PROGRESS_EVERY == 0 then options.progress(i, options.schedules) end
    end
    return { schedules = options.schedules, counts = made.counts, seed = first }
  end)
end

---Plays one schedule.
---@param seed integer
---@param given appsync.simulate.Options
---@return string? failure nil: all that must hold does
---@return string[] lines what happens in it
function simulate.replay(seed, given)
  if type(seed) ~= "number" then errors.expect(seed, "seed", "number", "appsync.simulate.replay") end
  local options, lines = simulate_options.check(given), {}
  local failure = with_simulation(options, function(made) return { (made:play(seed, nil, lines)) } end)[1]
  return failure, lines
end

---`simulate{…}` is `simulate.run`, and raises the report of the schedule that fails.
return setmetatable(simulate, { __call = function(_, given)
  local report = simulate.run(given)
  if report.failure then error("appsync.simulate: " .. simulate.text(report.failure), 0) end
  return report
end })
