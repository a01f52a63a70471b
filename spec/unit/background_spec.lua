-- A game in the background, with time that only passes by hand.
local fake_core = require "spec.support.fake_core"
local misuse = require "spec.support.misuse"

describe("appsync.suspend", function()
  local core, appsync, log, client

  before_each(function()
    core, appsync, log = fake_core.open()
    client = appsync.client{ endpoint = "http://localhost/graphql", auth = { type = "NONE" } }
  end)

  local function query()
    local result = {}
    client:query("query Q { a }", nil, { on_result = function(data, err) result.data, result.err = data, err end })
    return result, core.executed[#core.executed].id
  end

  it("does nothing where nothing is open", function()
    assert.is_true(appsync.suspend())
    assert.equal(0, appsync.resumed())
    assert.equal(0, core.n_runtimes)
  end)

  it("suspends the core once all calls have ended, as soon as they have", function()
    local result, id = query()
    local other, other_id = query()
    core.steps[1] = function() core.push("RESULT", id, { a = 1 }) end
    core.steps[2] = function()
      assert.is_nil(core.is_suspended)
      core.time = core.time + 0.2
      core.push("RESULT", other_id, { a = 2 })
    end
    assert.is_true(appsync.suspend{ deadline = 60 })
    assert.equal(1000.2, core.time)
    assert.is_true(core.is_suspended)
    appsync.update()
    assert.equal(1, result.data.a)
    assert.equal(2, other.data.a)
    assert.same({}, log)
  end)

  it("suspends it at the deadline, half a second by default, and says so; the calls go on", function()
    local result, id = query()
    appsync.update()
    for _, deadline in ipairs{ 2, 0.5, 0 } do
      local began = core.time
      local given
      if deadline ~= 0.5 then given = { deadline = deadline } end
      assert.is_false(appsync.suspend(given))
      assert.is_true(math.abs(core.time - began - deadline) < 1e-6)
      assert.is_true(core.is_suspended)
    end
    assert.same({}, log) -- it was meant to block
    core.push("RESULT", id, { a = 1 })
    appsync.update()
    assert.equal(1, result.data.a)
  end)

  it("may wait in a task, beside others", function()
    local _, id = query()
    local n = 0
    core.steps[1] = function() core.push("RESULT", id, { a = 1 }) end
    local task = appsync.spawn(function() return appsync.suspend{ deadline = 5 } end)
    appsync.spawn(function() n = n + 1 end)
    assert.is_true(task:await())
    assert.equal(1, n)
  end)

  it("refuses what isn't a deadline", function()
    assert.matches("appsync.suspend: deadline must be number of at least 0, got number %-1",
      misuse.raised(appsync.suspend, { deadline = -1 }))
    assert.matches("appsync.suspend: unknown option \"deadlin\"", misuse.raised(appsync.suspend, { deadlin = 1 }))
  end)

  it("is ended by resumed, which tells how many events were missed, also when no client is left", function()
    appsync.fd() -- it stays open
    query()
    appsync.suspend{ deadline = 0 }
    core.n_missed = 7
    assert.equal(7, appsync.resumed())
    assert.is_false(core.is_suspended)
    appsync.suspend{ deadline = 0 }
    client:close(0)
    appsync.resumed()
    assert.is_false(core.is_suspended)
  end)

  it("has each subscription tell what it missed", function()
    local states, told = {}, {}
    client.connection:observe():subscribe(function(_, err) told[#told + 1] = err end)
    local s = client:subscribe("subscription { a }"):subscribe{ state = function(state) states[#states + 1] = state end }
    local id = core.subscribed[1].id
    core.push("SUB_STATE", id, "subscribed", nil, 0)
    appsync.update()
    appsync.suspend{ deadline = 0 }
    appsync.resumed()
    core.push("SUB_STATE", id, "missed", nil, 18000)
    appsync.update()
    assert.equal(18000, s.dropped)
    assert.same({ "subscribed" }, states)
    assert.equal(1, #told)
    assert.equal("events_dropped", told[1].code)
    assert.equal(18000, told[1].dropped)
  end)
end)

describe("appsync.start", function()
  it("starts the core's thread, and says when it can't", function()
    local core, appsync = fake_core.open()
    assert.is_true(appsync.start())
    assert.equal(1, core.n_starts)
    core.start_err = { kind = "system", message = "no threads" }
    local ok, err = appsync.start()
    assert.is_nil(ok)
    assert.equal("system: no threads", tostring(err))
  end)
end)
