local fake_core = require "spec.support.fake_core"

describe("dispatch", function()
  local core, dispatch, runtime

  before_each(function()
    core = fake_core.open()
    dispatch = require "appsync.dispatch"
    runtime = dispatch.runtime()
  end)

  -- Making Lua values may run finalizers, here in the middle of a poll.
  local function finalize(fn)
    local poll = runtime.poll
    runtime.poll = function(...)
      runtime.poll = poll
      fn()
      return poll(...)
    end
  end

  it("refuses to take events in a finalizer that runs while events are taken", function()
    local ok, raised
    finalize(function() ok, raised = pcall(dispatch.poll, 10) end)
    assert.equal(0, (dispatch.poll(10)))
    assert.is_false(ok)
    assert.matches("a call that waits isn't possible in a finalizer", raised, 1, true)
    assert.equal(0, (dispatch.poll(10))) -- and takes them again
  end)

  it("takes events again after what Lua raised meanwhile", function()
    finalize(function() error("out of memory", 0) end)
    assert.error_matches(function() dispatch.poll(10) end, "^out of memory$")
    assert.equal(0, (dispatch.poll(10)))
  end)

  it("keeps a number that has passed to another one's target", function()
    local mine, theirs = {}, {}
    dispatch.listen(4, theirs) -- of the runtime before, whose numbers began with 1 too
    dispatch.expect(4, mine)
    dispatch.forget(4, theirs)
    assert.equal(mine, dispatch.targets[4])
    assert.equal(mine, dispatch.expected[4])
    dispatch.forget(4, mine)
    assert.is_nil(dispatch.targets[4])
    assert.is_nil(dispatch.expected[4])
  end)

  it("counts the clients of its own runtime only", function()
    local of = dispatch.add_client(1, {})
    dispatch.remove_client({})
    assert.equal(1, dispatch.count())
    dispatch.remove_client(of)
    dispatch.remove_client(of)
    assert.equal(0, dispatch.count())
    assert.equal(runtime, of)
    assert.is_table(core)
  end)
end)
