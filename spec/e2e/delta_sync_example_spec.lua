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

  -- What a phase has cost: queries, pages, records.
  local function cost(text, phase)
    local n_queries, n_pages, n_records = text:match("\n" .. phase .. "[^\n]- (%d+) +(%d+) +(%d+) +%d+ +%d+ +[%d.]+\n")
    assert.is_truthy(n_queries, phase .. "\n" .. text)
    return { tonumber(n_queries), tonumber(n_pages), tonumber(n_records) }
  end

  it("is a device that asks for all posts once, and then for what has changed", function()
    local text = run "60"
    assert.same({ 0, 0, 0 }, cost(text, "live"))
    local online = cost(text, "back online")
    assert.same({ 1, 1 }, { online[1], online[2] })
    assert.is_true(online[3] >= 22 and online[3] <= 25, text) -- what was changed shortly before comes again
    assert.equal(1, cost(text, "started again")[1])
    assert.truthy(text:find("delta_sync: one base query, and only what has changed since", 1, true))
  end)

  it("does so in pages, too", function()
    local text = run "90 40"
    assert.is_true(cost(text, "first start")[1] >= 3, text)
    local online = cost(text, "back online")
    assert.same({ 1, 1 }, { online[1], online[2] })
  end)
end)
