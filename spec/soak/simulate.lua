-- N seeded schedules of each application in spec/support/simulated.lua: what must hold does, in all of them. One in five is as
-- long as an application's are by default; the others are of half the steps, and find most faults at half the price.
-- usage: N=1000 SEED=1 [ONLY_APP=with_tokens] lua spec/soak/simulate.lua
local simulate = require "appsync.simulate"
local simulated = require "spec.support.simulated"

local N = tonumber(os.getenv "N") or 1000
local SEED = (tonumber(os.getenv "SEED") or 1) % 1000000000 + 1

local APPLICATIONS = { "todos", "by_entity", "with_tokens", "in_bad_weather", "with_conflicts", "watched", "built",
  "tended", "with_merges" }

local function describe(counts)
  local names, words = {}, {}
  for name in pairs(counts) do names[#names + 1] = name end
  table.sort(names)
  for i, name in ipairs(names) do words[i] = ("%s %d"):format(name, counts[name]) end
  return table.concat(words, ", ")
end

-- How many, of how many steps at most.
local LENGTHS = { { math.ceil(N / 5), 16 }, { N - math.ceil(N / 5), 8 } }

-- False: something doesn't hold.
local function play(name, n, steps)
  local options = simulated[name]()
  options.schedules, options.steps, options.seed = n, steps, SEED
  local began = os.clock()
  local report = simulate.run(options)
  print(("%s, %d steps: %d schedules from seed %d, %.0f/s: %s"):format(name, steps, report.schedules, SEED,
    report.schedules / (os.clock() - began), describe(report.counts)))
  io.stdout:flush()
  if report.failure then print(simulate.text(report.failure)) end
  return report.failure == nil
end

local failed = false
for _, name in ipairs(APPLICATIONS) do
  if not os.getenv "ONLY_APP" or os.getenv "ONLY_APP" == name then
    for _, length in ipairs(LENGTHS) do
      if length[1] > 0 and not play(name, length[1], length[2]) then failed = true end
    end
  end
end
print(failed and "FAILED" or "ok")
os.exit(failed and 1 or 0)
