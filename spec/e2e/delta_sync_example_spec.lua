-- examples/delta-sync: its client against its server. The resolvers: delta_sync_recipes_spec.lua.
local process = require "spec.support.process"

describe("examples/delta-sync", function()
  after_each(process.stop_all)

  local function run(arguments)
    local log = process.temporary(".log")
    local ok = os.execute(("examples/delta-sync/demo %s >%s 2>&1"):format(arguments, log))
    local text = process.read(log)
    assert.is_true(ok == true or ok == 0, text)
    return text
  end

  -- What a phase has cost: queries, and records that came.
  local function cost(text, phase)
    local n_queries, n_records = text:match("\n" .. phase .. "[^\n]- (%d+) +(%d+) +%d+ +%d+ +[%d.]+\n")
    assert.is_truthy(n_queries, phase .. "\n" .. text)
    return tonumber(n_queries), tonumber(n_records)
  end

  local function check(text, n_posts)
    assert.equal(n_posts, select(2, cost(text, "first start")))
    assert.same({ 0, 3 }, { cost(text, "live") })
    for phase, n_changes in pairs{ ["back online"] = 22, ["started again"] = 2 } do
      local n_queries, n_records = cost(text, phase)
      -- what was changed shortly before comes again
      assert.is_true(n_queries >= 1 and n_queries <= 3, text)
      assert.is_true(n_records >= n_changes and n_records <= n_posts, text)
    end
    assert.truthy(text:find("delta_sync: one base query, and only what has changed since", 1, true))
  end

  it("is a device that asks for all posts once, and then for what has changed", function()
    local text = run "60"
    assert.equal(1, (cost(text, "first start")))
    check(text, 60)
  end)

  it("does so in pages, too", function()
    local text = run "90 40"
    assert.equal(3, (cost(text, "first start")))
    check(text, 90)
  end)
end)
