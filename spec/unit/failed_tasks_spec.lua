-- A failed task: when, and how, it is reported.
local fake_core = require "spec.support.fake_core"

describe("a failed task", function()
  local core, appsync, log

  before_each(function()
    core, appsync, log = fake_core.open()
  end)

  it("that nobody awaited is reported once, at the end of run", function()
    appsync.run(function()
      appsync.spawn(function() error("lost") end)
      appsync.sleep(0.1)
    end)
    fake_core.collect()
    appsync.sleep(5)
    assert.equal(1, #log)
    assert.matches("error: a task that nobody awaited failed: .*lost", log[1])
  end)

  it("that is awaited within a second is not reported", function()
    appsync.run(function()
      local task = appsync.spawn(function() error("known") end)
      appsync.sleep(0.5)
      task:await()
    end)
    fake_core.collect()
    assert.same({}, log)
  end)

  it("in a game is reported at the end of its frame, once", function()
    appsync.spawn(function() error("lost") end)
    appsync.update()
    assert.equal(1, #log)
    appsync.update()
    core.time = core.time + 2
    appsync.update()
    fake_core.collect()
    assert.equal(1, #log)
  end)

  it("in a game that is awaited in its frame isn't reported", function()
    local failing = appsync.spawn(function()
      appsync.sleep(0.5)
      error("known")
    end)
    local result = appsync.spawn(function() return select(2, failing:await()) end)
    appsync.update()
    core.time = core.time + 1
    appsync.update()
    assert.equal("usage", result:await().kind)
    assert.same({}, log)
  end)

  it("in a loop that watches the descriptor is reported after a second", function()
    appsync.fd()
    appsync.spawn(function() error("lost") end)
    appsync.update(0)
    assert.same({}, log)
    core.time = core.time + 2
    appsync.update(0)
    assert.equal(1, #log)
  end)

  it("is raised by an update that was asked to, with its traceback, and the others are reported", function()
    local frame = { raise = true }
    local function open_level() error("no such level") end
    appsync.spawn(open_level)
    appsync.spawn(function() error{ code = 7 } end)
    local ok, raised = pcall(appsync.update, frame)
    assert.is_false(ok)
    assert.matches("failed_tasks_spec.lua:%d+: no such level\nstack traceback:\n.*failed_tasks_spec.lua:%d+: in ", raised)
    assert.equal(1, #log)
    assert.is_false(appsync.update(frame))
    local given = { code = 8 }
    appsync.spawn(function() error(given) end)
    ok, raised = pcall(appsync.update, frame)
    assert.is_false(ok)
    assert.equal(given, raised)
    assert.is_false(appsync.update(frame))
    assert.equal(1, #log)
  end)

  it("whose handle is collected is reported", function()
    appsync.spawn(function() error("lost") end)
    appsync.sleep(0.001)
    appsync.spawn(function() end) -- clears the stack slots that LuaJIT still sees
    appsync.sleep(0.001)
    assert.same({}, log)
    fake_core.collect()
    assert.equal(1, #log)
  end)
end)
