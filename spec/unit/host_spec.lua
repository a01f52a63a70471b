local fake_core = require "spec.support.fake_core"

local unpack = table.unpack or unpack -- luacheck: ignore 113

describe("the host", function()
  local core, appsync, log

  before_each(function()
    core, appsync, log = fake_core.open()
  end)

  local function open_client()
    local client = appsync.client{ endpoint = "http://localhost/graphql", auth = { type = "NONE" } }
    client:query("query Q { a }", nil, { on_result = function() end })
    return client
  end

  -- As want of memory, an overflow of the stack may come up at any call.
  for _, how in ipairs{ "update", "sleep" } do
    it("goes on after the stack overflowed anywhere in " .. how, function()
      local n_spawned, n_run, is_descending = 0, 0, true
      local function run() n_run = n_run + 1 end
      local function descend(...)
        if is_descending and pcall(appsync.spawn, run) then n_spawned = n_spawned + 1 end
        if how == "update" then appsync.update(0) else appsync.sleep(0) end
        return 1 + descend(...)
      end
      local wide = {} -- frames, so that there are few of them
      for i = 1, 200 do wide[i] = i end
      assert.is_false((pcall(descend, unpack(wide))))
      is_descending = false
      appsync.update(0)
      while appsync.update(0) do end
      assert.is_nil(require("appsync.scheduler").current())
      assert.is_true(n_spawned > 50)
      assert.is_true(n_spawned - n_run <= 1, n_spawned .. " " .. n_run) -- the one that overflowed itself
    end)
  end

  describe("update", function()
    it("refuses a budget above 0.004 unless it is meant, and says why", function()
      assert.error_matches(function() appsync.update(1 / 60) end, "not dt. Write {budget = 0.0166667}")
      appsync.update{ budget = 0.1 }
      appsync.update(0.004)
    end)

    it("refuses what isn't a number of seconds", function()
      assert.error_matches(function() appsync.update("x") end, 'budget must be a number of seconds, 0 or more, got "x"')
      assert.error_matches(function() appsync.update(-1) end, "budget must be a number of seconds")
      assert.error_matches(function() appsync.update(0 / 0) end, "budget must be a number of seconds")
      assert.error_matches(function() appsync.update{} end, "{budget = n} must have a number of seconds, 0 or more, got nothing")
      assert.error_matches(function() appsync.update{ raise = 1 } end, "raise must be a boolean, got number 1")
      assert.error_matches(function() appsync.update{ raises = true } end, 'unknown option "raises"; there are budget and raise')
    end)

    it("is refused inside a task", function()
      local _, err = appsync.spawn(function() appsync.update() end):await()
      assert.matches("it can't be called from a task or a callback", err.message)
      assert.is_false(appsync.update())
    end)

    it("with a budget of 0 handles at most 64 events and tells that more wait", function()
      open_client()
      local seen = 0
      local client = appsync.client{ endpoint = "http://localhost/graphql", auth = { type = "NONE" } }
      client:subscribe("subscription S { a }"):subscribe(function() seen = seen + 1 end)
      local sub = core.subscribed[1].id
      for i = 1, 200 do core.push("SUB_DATA", sub, { a = i }, nil, 0) end
      local before = 0
      local rounds = 0
      repeat
        local more = appsync.update(0)
        assert.is_true(seen - before <= 64)
        before = seen
        rounds = rounds + 1
      until not more
      assert.equal(200, seen)
      assert.is_true(rounds >= 4)
    end)

    it("stops when its budget is over", function()
      local seen = 0
      local subject = appsync.subject()
      subject:subscribe(function()
        seen = seen + 1
        core.time = core.time + 0.0004
      end)
      for i = 1, 100 do subject:next(i) end
      assert.is_true(appsync.update(0.001))
      assert.is_true(seen >= 1 and seen <= 16)
      while appsync.update(0.001) do end
      assert.equal(100, seen)
    end)

    it("returns false when nothing waits", function()
      assert.is_false(appsync.update())
      open_client()
      assert.is_false(appsync.update())
    end)

    it("allocates nothing when idle", function()
      open_client()
      appsync.spawn(function() appsync.sleep(1000) end)
      for _ = 1, 10 do appsync.update() end
      fake_core.collect()
      collectgarbage("stop")
      local before = collectgarbage("count")
      for _ = 1, 1000 do appsync.update() end
      local after = collectgarbage("count")
      for _ = 1, 1000 do appsync.update(0) end
      local last = collectgarbage("count")
      collectgarbage("restart")
      -- LuaJIT compiles the loop while it runs; that isn't garbage of the library.
      local allowed = rawget(_G, "jit") and 64 or 0.2
      assert.is_true(after - before <= allowed, "kB: " .. after - before)
      assert.is_true(last - after <= allowed, "kB: " .. last - after)
    end)

    it("blames a waiting call outside a task that blocks a frame, once per place", function()
      appsync.update()
      for _ = 1, 3 do appsync.sleep(0.1) end
      assert.equal(1, #log)
      assert.matches("^warn: .*host_spec.lua:%d+: appsync.sleep blocked the main thread for 100 ms", log[1])
      appsync.sleep(0.1)
      assert.equal(2, #log)
      appsync.sleep(0.001)
      assert.equal(2, #log)
    end)

    it("doesn't blame client:close, whose caller says how long it may take", function()
      local client = open_client()
      appsync.update()
      local began = core.time
      assert.is_true(client:close(0.5)) -- a call is in flight
      assert.is_true(core.time - began >= 0.5)
      assert.same({}, log)
    end)

    it("without an update, a script may block without blame", function()
      appsync.sleep(1)
      assert.same({}, log)
    end)
  end)

  describe("fd", function()
    it("is the runtime's, armed for the next timer", function()
      assert.equal(42, appsync.fd())
      assert.same({}, { core.armed[2] })
      appsync.spawn(function() appsync.sleep(5) end)
      appsync.update(0)
      assert.equal(5, core.armed[#core.armed])
      local n_armed = #core.armed
      appsync.update(0)
      assert.equal(n_armed, #core.armed) -- the same timer needs no call
      core.time = core.time + 5
      appsync.update(0)
      assert.equal("none", core.armed[#core.armed])
    end)

    it("is armed again for a timer that it told of a moment too early", function()
      appsync.fd()
      appsync.spawn(function() appsync.sleep(5) end)
      appsync.update(0)
      core.time = core.time + 4.9995
      appsync.update(0)
      assert.is_true(math.abs(core.armed[#core.armed] - 0.0005) < 1e-6, tostring(core.armed[#core.armed]))
    end)

    it("is armed again after a call that was waited for outside a task", function()
      appsync.fd()
      appsync.spawn(function() appsync.sleep(5) end)
      appsync.update(0)
      local n_armed = #core.armed
      core.step(function() core.time = core.time + 1 end)
      appsync.sleep(1)
      assert.is_true(#core.armed > n_armed)
      assert.equal(4, core.armed[#core.armed])
    end)

    it("is armed at once while routines are ready", function()
      appsync.spawn(function() end)
      appsync.fd()
      assert.equal(0, core.armed[#core.armed])
    end)

    it("is armed when a timer is made between two updates", function()
      appsync.fd()
      local s = appsync.subject():subscribe()
      s:next{ timeout = 3, on_result = function() end }
      assert.equal(3, core.armed[#core.armed])
    end)

    it("is armed when a task is spawned between two updates", function()
      appsync.fd()
      appsync.spawn(function() end)
      assert.equal(0, core.armed[#core.armed])
    end)
  end)

  describe("an adapter", function()
    local resumed, adapter

    before_each(function()
      resumed = {}
      adapter = {
        current = function() return (coroutine.running() and select(2, coroutine.running()) ~= true)
          and coroutine.running() or nil end,
        suspend = function() coroutine.yield("suspended") end,
        resume = function(token) table.insert(resumed, token) end,
      }
    end)

    it("suspends the coroutines of its scheduler and schedules them", function()
      require("appsync.host").use(adapter)
      local result
      local co = coroutine.create(function() result = appsync.sleep(2) end)
      assert.same({ true, "suspended" }, { coroutine.resume(co) })
      core.time = core.time + 2
      appsync.update(0)
      assert.same({ co }, resumed)
      assert.is_nil(result) -- resume schedules, it doesn't run
      coroutine.resume(co)
      assert.is_true(result)
    end)

    it("leaves the main thread to drive the library", function()
      require("appsync.host").use(adapter)
      assert.is_true(appsync.sleep(1))
    end)

    it("isn't asked inside a task's generator", function()
      require("appsync.host").use(adapter)
      local got
      appsync.run(function()
        local generator = coroutine.wrap(function()
          appsync.sleep(1)
          coroutine.yield("value")
        end)
        got = generator()
      end)
      assert.equal("value", got)
    end)

    it("must have its three functions, or a known name", function()
      local host = require "appsync.host"
      assert.error_matches(function() host.use{ current = print } end, "adapter.suspend must be a function")
      assert.error_matches(function() host.use("qt") end, '"cqueues", "copas", "luv" or a table, got "qt"')
      assert.error_matches(function() host.use(5) end, "adapter must be a table")
      host.use(nil)
    end)
  end)

  describe("timers", function()
    local timer

    before_each(function() timer = require "appsync.timer" end)

    it("fire in the order of their times, equal times in the order they were made", function()
      local order = {}
      local function fire(name) table.insert(order, name) end
      timer.after(3, fire, "c")
      timer.after(1, fire, "a1")
      timer.after(2, fire, "b")
      timer.after(1, fire, "a2")
      core.time = core.time + 5
      assert.equal(4, timer.run_due(10))
      assert.same({ "a1", "a2", "b", "c" }, order)
    end)

    it("that were cancelled don't fire and leave nothing behind", function()
      local seed = os.time()
      math.randomseed(seed)
      local entries, fired = {}, {}
      for i = 1, 200 do
        entries[i] = timer.after(math.random(50), function(n) table.insert(fired, n) end, i)
      end
      local kept = {}
      for i = 1, 200 do
        if math.random() < 0.5 then
          timer.cancel(entries[i])
          timer.cancel(entries[i])
        else
          table.insert(kept, i)
        end
      end
      core.time = core.time + 100
      timer.run_due(1000)
      local last_at = 0
      for _, i in ipairs(fired) do
        assert.is_true(entries[i].at >= last_at, "seed " .. seed)
        last_at = entries[i].at
      end
      table.sort(fired)
      assert.same(kept, fired, "seed " .. seed)
      assert.is_nil(timer.next_at())
    end)
  end)
end)
