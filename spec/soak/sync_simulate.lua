-- N seeded schedules of each application in spec/support/simulated_posts.lua: after quiet each cache has what the service has, and no
-- base query was sent where a delta query was enough.
-- usage: N=1000 SEED=1 STEPS=12 [ONLY_APP=paged] lua spec/soak/sync_simulate.lua
local simulate = require "appsync.simulate"
local simulated_posts = require "spec.support.simulated_posts"

local N = tonumber(os.getenv "N") or 1000
local SEED = (tonumber(os.getenv "SEED") or 1) % 1000000000 + 1
local STEPS = tonumber(os.getenv "STEPS") or 12

local APPLICATIONS = { "paged", "lists", "in_bad_weather", "with_tokens", "without_deltas", "without_events" }

local function describe(counts)
  local names, words = {}, {}
  for name in pairs(counts) do names[#names + 1] = name end
  table.sort(names)
  for i, name in ipairs(names) do words[i] = ("%s %d"):format(name, counts[name]) end
  return table.concat(words, ", ")
end

local failed = false
for _, name in ipairs(APPLICATIONS) do
  if not os.getenv "ONLY_APP" or os.getenv "ONLY_APP" == name then
    local options = simulated_posts[name]()
    options.schedules, options.steps, options.seed = N, STEPS, SEED
    local began = os.clock()
    local report = simulate.run(options)
    print(("%s: %d schedules from seed %d, %.0f/s: %s"):format(name, report.schedules, SEED, report.schedules / (os.clock() - began),
      describe(report.counts)))
    io.stdout:flush()
    if report.failure then
      print(simulate.text(report.failure))
      failed = true
    end
  end
end
print(failed and "FAILED" or "ok")
os.exit(failed and 1 or 0)
