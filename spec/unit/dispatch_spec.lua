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

  describe("with a log function that waits", function()
    local client, log_fn, seen

    before_each(function()
      seen, log_fn = {}, nil
      client = require("appsync").client{
        endpoint = "http://localhost/graphql", auth = { type = "NONE" },
        log = function(_, message) if log_fn then log_fn(message) end end,
      }
      for i = 1, 3 do
        client:query("query Q { a }", nil, { on_result = function(data) table.insert(seen, data.a .. i) end })
      end
    end)

    local function reply(i)
      core.push("RESULT", core.executed[i].id, { a = "call" }, nil, { source = "network" })
    end

    it("loses nothing that came together with its line, and keeps the order", function()
      log_fn = function()
        log_fn = nil
        reply(3)
        require("appsync").sleep(1)
        table.insert(seen, "waited")
      end
      reply(1)
      core.push("LOG", 1, "warn", "text")
      reply(2)
      dispatch.poll(10)
      assert.same({ "call1", "call2", "call3", "waited" }, seen)
      assert.is_nil(next(dispatch.expected))
      assert.equal(0, (dispatch.poll(10)))
    end)

    it("or raises out of a poll, loses nothing that came behind it", function()
      core.push("CONNECTION", 1, "Connected")
      client.connection.set = function() error("no memory", 0) end
      reply(2)
      assert.error_matches(function() dispatch.poll(10) end, "^no memory$")
      client.connection.set = nil
      assert.equal(0, (dispatch.poll(10)))
      fake_core.drive()
      assert.same({ "call2" }, seen)
    end)
  end)

  it("flushes each source once, though a finalizer flushes meanwhile", function()
    local flushed = {}
    for i = 1, 3 do
      dispatch.flush_later{ flush = function()
        table.insert(flushed, i)
        dispatch.flush()
      end }
    end
    dispatch.flush()
    assert.same({ 3, 2, 1 }, flushed)
  end)

  -- As want of memory, an overflow of the stack may come up at any call.
  it("takes events again after the stack overflowed anywhere in a poll", function()
    local function descend()
      dispatch.poll(10)
      return 1 + descend()
    end
    local ok, raised = pcall(descend)
    assert.is_false(ok)
    assert.matches("stack overflow", raised)
    assert.equal(0, (dispatch.poll(10)))
  end)

  it("tells again what was consumed when Lua had no memory to tell it", function()
    local client = require("appsync").client{ endpoint = "http://localhost/graphql", auth = { type = "NONE" } }
    client:subscribe("subscription S { a }", nil, { buffer = 8 }):subscribe{}
    local id, of_core = core.subscribed[1].id, core.clients[1]
    local consumed = of_core.consumed
    of_core.consumed = function() error("not enough memory", 0) end
    core.push("SUB_DATA", id, { a = 1 }, nil, 0)
    assert.error_matches(function() fake_core.drive() end, "not enough memory")
    of_core.consumed = consumed
    fake_core.drive()
    assert.equal(1, of_core.consumed_total[id])
  end)

  it("tells the core when a poll threw for want of memory", function()
    local told = {}
    local poll = runtime.poll
    runtime.poll = function(_, _, _, is_short)
      table.insert(told, is_short)
      if #told == 1 then error("not enough memory", 0) end
      if #told == 2 then error("error in __gc metamethod (x)", 0) end
      runtime.poll = poll
      return 0, false
    end
    for _ = 1, 3 do pcall(dispatch.poll, 10) end
    assert.same({ false, true, false }, told)
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
