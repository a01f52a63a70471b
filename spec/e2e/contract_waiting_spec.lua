-- Where a call may wait, and who may wait together; by the public names only.
-- luacheck: ignore 512 (loops that are left at once are tested here)
local appsync = require "appsync"
local process = require "spec.support.process"
local wait_for = require "spec.support.wait"
local has = require("spec.support.text").has

local IS_PUC51 = _VERSION == "Lua 5.1" and not rawget(_G, "jit")
local HAS_CLOSE = _VERSION == "Lua 5.4"
local BOUND = 10 -- seconds; nothing here is expected to take so long

describe("the contract of waiting:", function()
  teardown(function() process.stop_all() end)

  it("outside a task a waiting call drives the library until its own result is there", function()
    local order, subject = {}, appsync.subject()
    local s = subject:subscribe()
    appsync.spawn(function()
      appsync.sleep(0.002)
      order[#order + 1] = "task"
      subject:next(1)
    end)
    assert.equal(1, s:next(BOUND))
    order[#order + 1] = "main"
    assert.same({ "task", "main" }, order)
  end)

  it("sleep takes math.huge", function()
    local t = appsync.spawn(appsync.sleep, math.huge)
    appsync.sleep(0.002)
    assert.equal("running", t:status())
    t:cancel()
  end)

  it("a waiting call in a foreign coroutine acts as outside a task; its yields stay its own", function()
    local generator = coroutine.wrap(function()
      for i = 1, 3 do
        appsync.sleep(0.001)
        coroutine.yield(i)
      end
    end)
    assert.equal(1, generator())
    appsync.run(function()
      assert.equal(2, generator())
      appsync.sleep(0.001)
      assert.equal(3, generator())
    end)
  end)

  it("a coroutine of wrap suspends its task in a waiting call", function()
    local order = {}
    appsync.run(function()
      local other = appsync.spawn(function()
        appsync.sleep(0.005)
        order[#order + 1] = "other"
      end)
      local generator = appsync.wrap(function(first)
        other:await(BOUND)
        local second = coroutine.yield(first .. "!")
        return second .. "?", nil
      end)
      local first = generator "a"
      order[#order + 1] = first
      order[#order + 1] = generator "b"
      assert.is_false(pcall(generator))
    end)
    assert.same({ "other", "a!", "b?" }, order)
  end)

  it("pcall may wait, gives results, and what was raised", function()
    appsync.run(function()
      local function both(...) return select("#", ...), ... end
      local n, ok, a, b = both(appsync.pcall(function(x)
        appsync.sleep(0.001)
        return x, nil
      end, 5))
      assert.equal(3, n)
      assert.is_true(ok)
      assert.equal(5, a)
      assert.is_nil(b)
      local raised = {}
      local fine, what = appsync.pcall(function()
        appsync.sleep(0.001)
        error(raised)
      end)
      assert.is_false(fine)
      assert.equal(raised, what)
    end)
    assert.is_true(appsync.pcall(appsync.sleep, 0))
  end)

  if IS_PUC51 then
    it("on PUC 5.1 a waiting call inside pcall, a metamethod, an iterator, sort or gsub throws and says so", function()
      appsync.run(function()
        local tries = {
          function() appsync.sleep(0.001) end,
        }
        local ok, message = pcall(tries[1])
        assert.is_false(ok)
        has(message, "5.1")
        has(message, "appsync.pcall")
        for _, attempt in ipairs{
          function() for _ in function() appsync.sleep(0.001) end do break end end,
          function() table.sort({ 2, 1 }, function() appsync.sleep(0.001) end) end,
          function() return ("x"):gsub("x", function() appsync.sleep(0.001) end) end,
          function() return setmetatable({}, { __index = function() appsync.sleep(0.001) end }).x end,
        } do
          local fine, err = appsync.pcall(attempt)
          assert.is_false(fine)
          has(err, "5.1")
        end
      end)
    end)

    it("on PUC 5.1 each in a task throws, names next, and starts nothing", function()
      local n = 0
      local o = appsync.observable(function() n = n + 1 end)
      local s = appsync.subject():subscribe()
      appsync.run(function()
        for _, of in ipairs{ o, s } do
          local ok, message = appsync.pcall(function() for _ in of:each() do break end end)
          assert.is_false(ok)
          has(message, "next")
        end
      end)
      assert.equal(0, n)
    end)
  else
    it("a waiting call suspends inside pcall, a metamethod and an iterator", function()
      local order = {}
      appsync.run(function()
        local other = appsync.spawn(function()
          appsync.sleep(0.002)
          order[#order + 1] = "other"
        end)
        assert.is_true(pcall(other.await, other, BOUND))
        order[#order + 1] = "pcall"
        local _ = setmetatable({}, { __index = function() return appsync.sleep(0.001) end }).x
        for _ in function() appsync.sleep(0.001) end do error "never" end
      end)
      assert.same({ "other", "pcall" }, order)
    end)
  end

  it("several tasks may await one, and pull from one subscription: each event goes to one of them", function()
    local subject = appsync.subject()
    local s = subject:subscribe()
    local got = {}
    local tasks = {}
    for i = 1, 3 do
      tasks[i] = appsync.spawn(function()
        local event = s:next(5)
        got[#got + 1] = event
        return event
      end)
    end
    local waiters = {}
    for i = 1, 2 do waiters[i] = appsync.spawn(function() return tasks[1]:await(5) end) end
    appsync.sleep(0.002)
    for i = 1, 3 do
      subject:next(i)
      appsync.sleep(0.001)
    end
    for _, t in ipairs(tasks) do t:await(5) end
    assert.same({ 1, 2, 3 }, got)
    assert.equal(waiters[1]:await(5), waiters[2]:await(5))
  end)

  it("a time-out of next holds though other waiters are served", function()
    local subject = appsync.subject()
    local s = subject:subscribe()
    local n = 0
    local faster = appsync.spawn(function()
      while true do n = n + (s:next() or 0) end
    end)
    local feeder = appsync.spawn(function()
      while true do
        appsync.sleep(0.01)
        subject:next(1)
      end
    end)
    local t = appsync.spawn(function() return s:next(0.05) end)
    local _, err = t:await(BOUND)
    assert.equal("done", t:status())
    assert.equal("timeout", err.kind)
    assert.is_true(n > 0)
    faster:cancel()
    feeder:cancel()
  end)

  it("cancel ends the wait of a foreign coroutine inside the task, and a for_each releases its source", function()
    local seen, stopped
    local t = appsync.spawn(function()
      local generator = coroutine.wrap(function()
        seen = select(2, appsync.sleep(100))
        coroutine.yield()
      end)
      generator()
    end)
    local u = appsync.spawn(function()
      return appsync.observable(function() return function() stopped = true end end):for_each(function() end)
    end)
    appsync.spawn(function()
      appsync.sleep(0.005)
      u:cancel()
      t:cancel()
    end)
    wait_for(function() return seen and stopped end)
    assert.equal("cancelled", seen.kind)
    assert.equal("cancelled", (select(2, u:await(BOUND))).kind)
  end)

  it("a task may cancel itself", function()
    local t, went_on
    t = appsync.spawn(function()
      t:cancel()
      appsync.sleep(0.001)
      went_on = true
    end)
    local _, err = t:await(1)
    assert.equal("cancelled", err.kind)
    assert.is_nil(went_on)
    assert.equal("cancelled", t:status())
  end)

  it("on_result and timeout stand in one table", function()
    local got
    local t = appsync.subject():subscribe():next{ timeout = 0.001, on_result = function(_, err) got = err end }
    t:await(1)
    assert.equal("timeout", got.kind)
  end)

  if not IS_PUC51 then
    it("each in a task suspends that task only", function()
      local order = {}
      appsync.run(function()
        local other = appsync.spawn(function()
          appsync.sleep(0.005)
          order[#order + 1] = "other"
        end)
        local o = appsync.observable(function(observer)
          appsync.spawn(function()
            other:await(BOUND)
            observer:next(1)
            observer:complete()
          end)
        end)
        for event in o:each() do order[#order + 1] = event end
      end)
      assert.same({ "other", 1 }, order)
    end)
  end

  it("each works outside a task on every Lua", function()
    local got = {}
    for event, s in appsync.observable(function(o)
      o:next(1)
      o:next(2)
      o:complete()
    end):each() do
      got[#got + 1] = event
      assert.is_nil(s.err)
    end
    assert.same({ 1, 2 }, got)
  end)

  it("leaving a loop unsubscribes: at once on Lua 5.4, elsewhere when it is collected", function()
    local stopped = 0
    local o = appsync.observable(function(observer)
      observer:next(1)
      return function() stopped = stopped + 1 end
    end)
    local function leave()
      for _ in o:each() do break end
    end
    leave()
    if HAS_CLOSE then assert.equal(1, stopped) end
    require("spec.support.collect")()
    assert.equal(1, stopped)
    for _, s in o:each() do
      s:unsubscribe()
      break
    end
    assert.equal(2, stopped)
  end)
end)
