-- Simulated delta syncs: what is played, that it holds, that a seed replays, and that mistakes are found.
local appsync = require "appsync"
local simulate = require "appsync.simulate"
local simulated_posts = require "spec.support.simulated_posts"
local synced_posts = require "spec.support.synced_posts"

local NONE = {}
for _, fault in ipairs{
  "refuse", "drop", "lose_answer", "delay", "unavailable", "throttle", "fail_query", "lose_event", "late_event", "duplicate_event", "kill",
  "restart", "offline", "clock_jump", "disconnect", "half_open", "service_restart", "away", "expire_pages",
} do NONE[fault] = 0 end

local function faults_of(more)
  local faults = {}
  for name, share in pairs(NONE) do faults[name] = share end
  for name, share in pairs(more or {}) do faults[name] = share end
  return faults
end

local function options_of(name, more)
  local options = simulated_posts[name]()
  for key, value in pairs(more) do options[key] = value end
  return options
end

local function holds(options)
  local report = simulate.run(options)
  assert.is_nil(report.failure, report.failure and simulate.text(report.failure))
  return report.counts
end

local function found(options)
  local report = simulate.run(options)
  assert.is_table(report.failure, "nothing was found")
  assert.is_string((simulate.replay(report.failure.seed, options)))
  return report.failure.message
end

describe("simulated syncs", function()
  for _, name in ipairs{ "paged", "lists", "with_tokens", "in_bad_weather", "without_deltas", "without_events" } do
    it("have what the service has after quiet: " .. name, function() holds(options_of(name, { schedules = 5, seed = 300, steps = 12 })) end)
  end

  it("have each fault in them", function()
    local counts = holds(options_of("in_bad_weather", { schedules = 60, seed = 40, steps = 16 }))
    for _, fault in ipairs{ "fail_query", "lose_event", "late_event", "duplicate_event", "disconnect", "half_open", "service_restart", "away",
      "expire_pages", "clock_jump", "kills", "base_queries" } do
      assert.is_true((counts[fault] or 0) > 0, fault .. " never came")
    end
  end)

  it("are the same for the same seed", function()
    local _, lines = simulate.replay(77, simulated_posts.in_bad_weather())
    local _, same = simulate.replay(77, simulated_posts.in_bad_weather())
    assert.is_true(#lines > 30)
    assert.equal(table.concat(lines, "\n"), table.concat(same, "\n"))
  end)

  -- Each was lost, or came back, in one of these schedules.
  it("lose no record, and bring none back", function()
    for _, case in ipairs{ { "lists", 278 }, { "in_bad_weather", 1232 }, { "with_tokens", 1379 }, { "in_bad_weather", 5627 }, { "with_tokens", 5012 },
      { "paged", 21703 }, { "in_bad_weather", 21999 } } do
      holds(options_of(case[1], { schedules = 1, seed = case[2], steps = 12 }))
    end
  end)

  it("keep the newer state where answers of mutations are overtaken", function()
    holds(options_of("paged", { schedules = 60, seed = 1, steps = 12, faults = faults_of{ delay = 0.5 } }))
  end)

  it("don't care what time the device thinks it is", function()
    holds(options_of("paged", { schedules = 30, seed = 1, steps = 12, faults = faults_of{ clock_jump = 0.3, restart = 0.2 } }))
  end)

  it("let a program subscribe too", function()
    local n_heard = 0
    holds(options_of("paged", {
      schedules = 5, seed = 1, steps = 12, faults = faults_of(),
      start = function(client) client:subscribe(synced_posts.LIVE):subscribe(function() n_heard = n_heard + 1 end) end,
    }))
    assert.is_true(n_heard > 0)
  end)
end)

describe("a simulation of syncs finds", function()
  it("a journal that forgets before delta_window is over", function()
    local options = options_of("paged", { schedules = 300, seed = 1, steps = 12, faults = faults_of{ away = 0.3 } })
    options.syncs = { simulated_posts.sync{ delta_window = 36000 } }
    assert.matches("the cache has", found(options))
  end)

  it("a delta query that leaves deletions out", function()
    local options = options_of("paged", { schedules = 300, seed = 1, steps = 12, faults = faults_of{ restart = 0.3 } })
    local resolve = options.resolvers.Query.listPostsDeltaPage
    options.resolvers.Query.listPostsDeltaPage = function(ctx)
      local page = resolve(ctx)
      local kept = {}
      for _, item in ipairs(page.items) do if item.aws_ds ~= "DELETE" then kept[#kept + 1] = item end end
      page.items = setmetatable(kept, require("appsync.core").array_mt)
      return page
    end
    assert.matches("the cache has", found(options))
  end)

  it("versions that begin anew when a record comes back", function()
    local options = options_of("paged", { schedules = 500, seed = 1, steps = 12, faults = faults_of{ restart = 0.2 } })
    local resolve = options.resolvers.Mutation.createPost
    options.resolvers.Mutation.createPost = function(ctx)
      local made = resolve(ctx)
      made.version, made.updatedAt = 1, "2020-01-01T00:00:00.000Z"
      ctx.tables.Post:put(made)
      return made
    end
    assert.matches("the cache has", found(options))
  end)

  it("a query that the service never answers", function()
    local options = options_of("paged", { schedules = 1, seed = 1, steps = 2 })
    options.resolvers.Query.listPostsPage = function(ctx) ctx.util.error("never", "ValidationError") end
    assert.matches("sync 1 .*: never", found(options))
  end)

  it("what a program does to the list itself", function()
    local options = options_of("paged", { schedules = 300, seed = 1, steps = 16, faults = faults_of() })
    options.actions = { spoil = function(client)
      appsync.sleep(700) -- what a delta query brings once more is put right
      client:write_query(synced_posts.PAGES, nil, { listPostsPage = { __typename = "PostPage", items = appsync.array{}, nextToken = appsync.null,
        startedAt = appsync.null } })
    end }
    assert.matches("the cache has", found(options))
  end)
end)
