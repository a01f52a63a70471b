local fake_core = require "spec.support.fake_core"

describe("a host", function()
  -- A scheduler of a few lines. Its host suspends the coroutines that it has started, and no others.
  local function new_scheduler(name)
    local self, own = { ready = {}, name = name }, {}

    local function run(co)
      local ok, yielded = coroutine.resume(co)
      assert(ok, yielded)
      if coroutine.status(co) ~= "dead" then assert.equal("of " .. name, yielded) end
    end

    function self.start(fn)
      local co = coroutine.create(fn)
      own[co] = true
      run(co)
      return co
    end

    function self.turn()
      local list = self.ready
      self.ready = {}
      for _, co in ipairs(list) do run(co) end
    end

    self.host = {
      current = function()
        local co = coroutine.running()
        return co and own[co] and co or nil
      end,
      suspend = function(co)
        assert.equal(co, coroutine.running())
        coroutine.yield("of " .. name)
      end,
      resume = function(co)
        assert.is_true(own[co], "woken by " .. name)
        table.insert(self.ready, co)
      end,
    }
    return self
  end

  describe("is plugged in:", function()
    it("the client loads none", function()
      fake_core.install()
      require "appsync.client"
      require "appsync.subject"
      require "appsync.observable.timed"
      for module in pairs(package.loaded) do assert.is_nil(module:match("^appsync%.host%f[.%z].*"), module) end
    end)

    it("the library loads the script's, and no other scheduler", function()
      fake_core.open()
      local loaded = {}
      for module in pairs(package.loaded) do table.insert(loaded, module:match("^appsync%.host%.(.*)$")) end
      assert.same({ "script" }, loaded)
    end)

    it("an adapter may be chosen before the library is loaded", function()
      fake_core.install()
      local scheduler = new_scheduler "early"
      require("appsync.host").use(scheduler.host)
      local slept
      scheduler.start(function() slept = require("appsync").sleep(1) end)
      fake_core.drive(1)
      scheduler.turn()
      assert.is_true(slept)
    end)
  end)

  describe("that is the driver", function()
    local appsync, hosts, scheduler

    before_each(function()
      appsync = select(2, fake_core.open())
      hosts, scheduler = require "appsync.hosts", require "appsync.scheduler"
    end)

    it("works until the wait is done, where nobody is suspended", function()
      local asked
      hosts.plug{ drive = function(w)
        asked = w.what
        scheduler.wake(w, nil, "timeout")
      end }
      local value, err = scheduler.suspend(scheduler.new_wait(), nil, "a call")
      assert.same({ "a call", "nil", "timeout" }, { asked, tostring(value), err })
    end)

    it("may refuse to wait", function()
      hosts.plug{ drive = function(w) error("nothing waits here: " .. w.what, 0) end }
      assert.error_matches(function() appsync.sleep(1) end, "^nothing waits here: appsync.sleep$")
    end)

    it("hears of what there is to do: the first routine that gets ready, a timer that is due before the others", function()
      local heard = 0
      hosts.plug{ drive = function() end, notice = function() heard = heard + 1 end }
      appsync.spawn(function() end)
      appsync.spawn(function() end)
      assert.equal(1, heard)
      local timer = require "appsync.timer"
      timer.after(5, function() end)
      timer.after(6, function() end)
      assert.equal(2, heard)
      timer.after(4, function() end)
      assert.equal(3, heard)
    end)

    it("may suspend coroutines itself, and is asked after the adapter", function()
      local driver, adapter, order = new_scheduler "driver", new_scheduler "adapter", {}
      local current = driver.host.current
      driver.host.current = function() return current() or adapter.host.current() end
      driver.host.drive = function() error "it would block" end
      hosts.plug(driver.host)
      require("appsync.host").use(adapter.host)
      driver.start(function()
        assert.is_true(appsync.sleep(1))
        table.insert(order, "driver's")
      end)
      adapter.start(function()
        assert.is_true(appsync.sleep(1))
        table.insert(order, "adapter's")
      end)
      fake_core.drive(1)
      assert.same({ 1, 1 }, { #driver.ready, #adapter.ready })
      adapter.turn()
      driver.turn()
      assert.same({ "adapter's", "driver's" }, order)
      assert.error_matches(function() appsync.sleep(1) end, "it would block")
    end)
  end)

  describe("wakes its own coroutines", function()
    local core, appsync, use

    before_each(function()
      core, appsync = fake_core.open()
      use = require("appsync.host").use
    end)

    it("while another one's wait, tasks run and the main thread drives", function()
      local a, b, order = new_scheduler "a", new_scheduler "b", {}
      local function sleeper(name, seconds)
        return function()
          assert.is_true(appsync.sleep(seconds))
          table.insert(order, name)
        end
      end
      use(a.host)
      a.start(sleeper("a1", 2))
      a.start(sleeper("a2", 4))
      use(b.host)
      b.start(sleeper("b1", 1))
      appsync.spawn(sleeper("task", 1.5))
      b.start(sleeper("b2", 3))
      for _ = 1, 4 do
        appsync.sleep(1)
        a.turn()
        b.turn()
      end
      assert.same({ "b1", "task", "a1", "b2", "a2" }, order)
    end)

    it("also when none is chosen any more", function()
      local a, slept = new_scheduler "a", nil
      use(a.host)
      a.start(function() slept = appsync.sleep(1) end)
      use(nil)
      fake_core.drive(1)
      a.turn()
      assert.is_true(slept)
    end)

    it("and no coroutine that isn't its own: there a call drives the library", function()
      local a, b = new_scheduler "a", new_scheduler "b"
      use(a.host)
      local co = b.start(function() assert.is_true(appsync.sleep(1)) end)
      assert.equal("dead", coroutine.status(co))
      assert.equal(1001, core.time)
      local generator = coroutine.wrap(function() coroutine.yield(appsync.sleep(1)) end)
      co = a.start(function() assert.is_true(generator()) end)
      assert.equal("dead", coroutine.status(co))
      assert.equal(1002, core.time)
    end)

    it("not before the wait is over, whoever resumes them", function()
      local a, slept = new_scheduler "a", nil
      use(a.host)
      local co = a.start(function() slept = appsync.sleep(1) end)
      for _ = 1, 3 do assert.same({ true, "of a" }, { coroutine.resume(co) }) end
      assert.is_nil(slept)
      fake_core.drive(1)
      a.turn()
      assert.is_true(slept)
    end)

    it("where a generator of appsync.wrap waits for them", function()
      local a, got = new_scheduler "a", {}
      use(a.host)
      a.start(function()
        local generator = appsync.wrap(function()
          appsync.sleep(1)
          coroutine.yield(1)
          appsync.sleep(1)
          return 2
        end)
        table.insert(got, generator())
        table.insert(got, generator())
      end)
      for n = 0, 2 do
        assert.equal(n, #got)
        fake_core.drive(1)
        a.turn()
      end
      assert.same({ 1, 2 }, got)
    end)

    it("after a number of calls with a timeout of 0, so that the others run; nobody waits in those before", function()
      local a, n_done = new_scheduler "a", 0
      use(a.host)
      local s = appsync.subject():subscribe()
      a.start(function()
        for i = 1, 100 do
          assert.equal("timeout", select(2, s:next(0)).kind)
          n_done = i
        end
      end)
      assert.is_true(n_done > 10 and n_done < 100, tostring(n_done))
      fake_core.drive()
      a.turn()
      assert.equal(100, n_done)
    end)

    it("with what their scheduler answers to a task's yield, if it takes that over", function()
      local go_on, yielded
      use{
        current = function() end, suspend = function() end, resume = function() end,
        carry = function(answer, ...)
          if ... ~= "request" then return false end
          go_on, yielded = answer, { ... }
          return true
        end,
      }
      local task = appsync.spawn(function() return coroutine.yield("request", nil, 3) end)
      appsync.update(0)
      assert.same({ "request", nil, 3 }, yielded)
      assert.equal("running", task:status())
      go_on(nil, "answer")
      go_on "once only"
      appsync.update(0)
      local first, second = task:await()
      assert.is_nil(first)
      assert.equal("answer", second)
      assert.matches("a yield that isn't this library's", select(2, appsync.spawn(coroutine.yield, 1):await()).message)
      local function f() end
      assert.error_matches(function() use{ current = f, suspend = f, resume = f, carry = 5 } end,
        "host.use: adapter.carry must be a function, got number 5")
    end)

    it("with what their tasks return", function()
      local a, result = new_scheduler "a", nil
      use(a.host)
      a.start(function()
        result = appsync.run(function()
          assert.is_true(appsync.sleep(1)) -- suspends the task, not its caller
          return "result"
        end)
      end)
      fake_core.drive()
      assert.is_nil(result)
      fake_core.drive(1)
      a.turn()
      assert.equal("result", result)
    end)
  end)
end)
