local fake_core = require "spec.support.fake_core"

local is_puc51 = _VERSION == "Lua 5.1" and not rawget(_G, "jit")

describe("tasks", function()
  local core, appsync, log

  before_each(function()
    core, appsync, log = fake_core.open()
  end)

  it("loading the library opens no runtime", function()
    assert.equal(0, core.n_runtimes)
  end)

  it("run returns the function's results, nils included", function()
    local function count(...) return select("#", ...), ... end
    local n, a, b, c = count(appsync.run(function(x) return x, nil, nil end, 7))
    assert.same({ 3, 7 }, { n, a })
    assert.is_nil(b)
    assert.is_nil(c)
  end)

  it("run waits for the tasks that were spawned in it, and for those that these spawned", function()
    local ended = {}
    appsync.run(function()
      appsync.spawn(function()
        appsync.sleep(1)
        appsync.spawn(function()
          appsync.sleep(5)
          ended[#ended + 1] = "inner"
        end)
      end)
      ended[#ended + 1] = "main"
    end)
    assert.same({ "main", "inner" }, ended)
    assert.equal(1006, core.time)
  end)

  it("run raises what the function raised, with its traceback", function()
    local ok, raised = pcall(appsync.run, function() error("boom") end)
    assert.is_false(ok)
    assert.matches("scheduler_spec.lua:%d+: boom", raised)
    assert.matches("stack traceback", raised)
  end)

  it("run raises at once, though tasks that were spawned are still waiting", function()
    assert.is_false((pcall(appsync.run, function()
      appsync.spawn(function() appsync.sleep(100) end)
      appsync.sleep(1)
      error("boom")
    end)))
    assert.equal(1001, core.time)
  end)

  it("run raises an error object as it is", function()
    local object = { "mine" }
    local ok, raised = pcall(appsync.run, function() error(object) end)
    assert.is_false(ok)
    assert.equal(object, raised)
  end)

  it("run inside a task suspends only that task", function()
    local order = {}
    appsync.run(function()
      appsync.spawn(function()
        appsync.sleep(1)
        table.insert(order, "other")
      end)
      table.insert(order, appsync.run(function()
        appsync.sleep(2)
        return "inner"
      end))
    end)
    assert.same({ "other", "inner" }, order)
  end)

  it("spawn begins the function when the library is driven, not inside the call", function()
    local began = false
    local task = appsync.spawn(function() began = true end)
    assert.is_false(began)
    assert.equal("running", task:status())
    task:await()
    assert.is_true(began)
    assert.equal("done", task:status())
  end)

  it("spawn names what it was given instead of a function", function()
    local ok, raised = pcall(function() appsync.spawn(5) end)
    assert.is_false(ok)
    assert.matches("^%S*scheduler_spec.lua:%d+: appsync.spawn: fn must be a function, got number 5$", raised)
  end)

  it("await gives the results", function()
    assert.same({ 1, 2 }, { appsync.spawn(function() return 1, 2 end):await() })
  end)

  it("await of a task that raised gives nil and an error of kind usage with what it raised", function()
    local object = { "mine" }
    local value, err = appsync.spawn(function() error(object) end):await()
    assert.is_nil(value)
    assert.equal("usage", err.kind)
    assert.equal(object, err.raised)
    value, err = appsync.spawn(function() error("text") end):await()
    assert.is_nil(value)
    assert.matches("text", err.message)
    assert.same({}, log)
  end)

  it("the timeout of await ends the wait, not the task", function()
    appsync.run(function()
      local task = appsync.spawn(function()
        appsync.sleep(10)
        return "late"
      end)
      local value, err = task:await(1)
      assert.is_nil(value)
      assert.equal("timeout", err.kind)
      assert.is_true(err.retryable)
      assert.equal("running", task:status())
      assert.equal("late", task:await{ timeout = 20 })
    end)
  end)

  it("several tasks may await one", function()
    local got = {}
    appsync.run(function()
      local slow = appsync.spawn(function()
        appsync.sleep(1)
        return "x"
      end)
      for i = 1, 3 do
        appsync.spawn(function() got[i] = slow:await() end)
      end
    end)
    assert.same({ "x", "x", "x" }, got)
  end)

  it("a task that awaits itself is refused", function()
    local task
    task = appsync.spawn(function() return task:await() end)
    local _, err = task:await()
    assert.matches("can't wait for itself", err.message)
  end)

  it("cancel ends the wait in progress with kind cancelled and raises at the next one", function()
    local seen, went_on = nil, false
    local task = appsync.spawn(function()
      local _, err = appsync.sleep(100)
      seen = err
      appsync.sleep(1)
      went_on = true
    end)
    appsync.spawn(function()
      assert.is_true(task:cancel())
      assert.equal("cancelled", task:status())
    end)
    local value, err = task:await()
    assert.is_nil(value)
    assert.equal("cancelled", err.kind)
    appsync.sleep(1)
    assert.equal("cancelled", seen.kind)
    assert.is_false(went_on)
    assert.is_false(task:cancel())
    assert.same({}, log)
  end)

  it("a task that is cancelled before it began never runs", function()
    local began = false
    appsync.run(function()
      appsync.spawn(function() began = true end):cancel()
    end)
    assert.is_false(began)
  end)

  it("cancel of a task that ended changes nothing", function()
    local task = appsync.spawn(function() return 1 end)
    task:await()
    assert.is_false(task:cancel())
    assert.equal("done", task:status())
  end)

  if _VERSION == "Lua 5.4" then
    it("a task that raises closes its loops first", function()
      local is_left = false
      local source = appsync.observable(function(observer)
        observer:next(1)
        return function() is_left = true end
      end)
      local function leave()
        for _ in source:each() do error("enough") end
      end
      appsync.spawn(leave):await()
      assert.is_true(is_left)
      is_left = false
      assert.is_false((pcall(appsync.wrap(leave))))
      assert.is_true(is_left)
    end)
  end

  it("sleeping outside a task runs other tasks meanwhile", function()
    local ran = false
    appsync.spawn(function()
      appsync.sleep(1)
      ran = true
    end)
    appsync.sleep(2)
    assert.is_true(ran)
  end)

  it("sleep refuses what isn't a number", function()
    assert.error_matches(function() appsync.sleep("1") end, 'seconds must be a number, got "1"')
    assert.error_matches(function() appsync.sleep(0 / 0) end, "seconds must be a number")
  end)

  it("sleep(math.huge) is legal and blocks without a timer", function()
    local ok, raised = pcall(appsync.sleep, math.huge)
    assert.is_false(ok)
    assert.equal("the test would wait for ever", raised)
    assert.same({ "for ever" }, core.waited)
  end)

  it("a wait that nothing could end throws instead of hanging", function()
    local task = appsync.spawn(function() require("appsync.subject").new():subscribe():next() end)
    assert.error_matches(function() task:await() end, "task:await would wait for ever")
  end)

  it("such a wait in a foreign generator inside a task throws too", function()
    local _, err = appsync.spawn(function()
      coroutine.wrap(function() appsync.subject():subscribe():next() end)()
    end):await()
    assert.matches("s:next would wait for ever", err.message)
  end)

  it("sleep(0) in a task gives way to the others", function()
    local order = {}
    appsync.run(function()
      appsync.spawn(function() table.insert(order, "b") end)
      assert.is_true(appsync.sleep(0))
      table.insert(order, "a")
    end)
    assert.same({ "b", "a" }, order)
  end)

  it("a waiting call in a foreign generator inside a task doesn't leak a token to its consumer", function()
    local got = {}
    appsync.run(function()
      local generator = coroutine.wrap(function()
        appsync.sleep(1)
        coroutine.yield("value")
      end)
      got[1] = generator()
    end)
    assert.same({ "value" }, got)
  end)

  it("a generator of appsync.wrap may wait inside and outside a task", function()
    local function make()
      return appsync.wrap(function(a)
        appsync.sleep(1)
        local b = coroutine.yield(a + 1)
        appsync.sleep(1)
        return b + 1, nil
      end)
    end
    local outside = make()
    assert.equal(2, outside(1))
    assert.equal(11, (outside(10)))
    appsync.run(function()
      local inside, other = make(), false
      appsync.spawn(function()
        appsync.sleep(0.5)
        other = true
      end)
      assert.equal(2, inside(1))
      assert.is_true(other)
      assert.equal(11, (inside(10)))
    end)
  end)

  it("a generator of appsync.wrap that calls itself raises what the VM says", function()
    local generator
    generator = appsync.wrap(function() return generator() end)
    assert.error_matches(generator, "cannot resume")
  end)

  it("a generator of appsync.wrap raises what its function raises", function()
    local generator = appsync.wrap(function() error("broken") end)
    assert.error_matches(generator, "broken")
  end)

  it("appsync.pcall may wait, and gives results and errors unchanged", function()
    appsync.run(function()
      local function count(...) return select("#", ...), ... end
      local n, ok, a, b = count(appsync.pcall(function(x)
        appsync.sleep(1)
        return x, nil
      end, 5))
      assert.same({ 3, true, 5 }, { n, ok, a })
      assert.is_nil(b)
      local object = {}
      local failed, raised = appsync.pcall(function()
        appsync.sleep(1)
        error(object)
      end)
      assert.is_false(failed)
      assert.equal(object, raised)
    end)
  end)

  it("appsync.pcall may be nested and used outside a task", function()
    appsync.run(function()
      assert.same({ true, true, 1 }, { appsync.pcall(appsync.pcall, function()
        appsync.sleep(1)
        return 1
      end) })
    end)
    assert.same({ true, 2 }, { appsync.pcall(function()
      appsync.sleep(1)
      return 2
    end) })
  end)

  it("a cancel passes through appsync.pcall", function()
    local caught = false
    local task = appsync.spawn(function()
      appsync.pcall(function()
        appsync.sleep(10)
        appsync.sleep(10)
      end)
      caught = true
    end)
    appsync.spawn(function() task:cancel() end)
    appsync.sleep(1)
    assert.is_false(caught)
    assert.same({}, log)
  end)

  if is_puc51 then
    it("on PUC 5.1 a waiting call in pcall inside a task throws and names appsync.pcall", function()
      appsync.run(function()
        local ok, raised = pcall(function() appsync.sleep(1) end)
        assert.is_false(ok)
        assert.matches("scheduler_spec.lua:%d+: this runs inside pcall", raised)
        assert.matches("appsync.pcall", raised)
        assert.is_true(appsync.sleep(1)) -- the task goes on, no waiter is left
      end)
    end)

    it("on PUC 5.1 a waiting call in a metamethod, an iterator, sort and gsub throws", function()
      local function fails(fn, inside)
        local _, err = appsync.spawn(fn):await()
        assert.matches("inside " .. inside, err.message)
        assert.matches("appsync.pcall", err.message)
      end
      local object = setmetatable({}, { __index = function() return appsync.sleep(1) end })
      fails(function() return object.field end, "a metamethod")
      fails(function() for _ in function() appsync.sleep(1) end do end end, "a for iterator")
      fails(function() table.sort({ 2, 1 }, function() appsync.sleep(1) end) end, "sort")
      fails(function() return (("x"):gsub("x", function() appsync.sleep(1) end)) end, "gsub")
    end)

    it("on PUC 5.1 a waiting call in a metamethod below appsync.pcall tells it too", function()
      local object = setmetatable({}, { __index = function() return appsync.sleep(1) end })
      appsync.run(function()
        local ok, raised = appsync.pcall(function() return object.field end)
        assert.is_false(ok)
        assert.matches("inside a metamethod", raised)
      end)
    end)

    it("on PUC 5.1 nothing is sent by a call that can't wait", function()
      local client = appsync.client{ endpoint = "http://localhost/graphql", auth = { type = "NONE" } }
      appsync.run(function()
        assert.is_false((pcall(client.mutate, client, "mutation M { a }")))
      end)
      assert.equal(0, #core.executed)
    end)

    it("on PUC 5.1 each in a task throws and names next", function()
      local _, err = appsync.spawn(function()
        for _ in appsync.subject():each() do end
      end):await()
      assert.matches("s:next", err.message)
    end)
  else
    it("a waiting call suspends inside pcall, metamethods and iterators", function()
      appsync.run(function()
        local other = false
        appsync.spawn(function() other = true end)
        local object = setmetatable({}, { __index = function() return appsync.sleep(1) end })
        assert.same({ true, true }, { pcall(function() return object.field end) })
        assert.is_true(other)
      end)
    end)

    it("a waiting call where the VM can't yield drives the library in place", function()
      appsync.run(function()
        local list = { 2, 1, 3 }
        table.sort(list, function(a, b)
          appsync.sleep(1)
          return a < b
        end)
        assert.same({ 1, 2, 3 }, list)
      end)
    end)
  end
end)
