-- Tasks and hosts (the API's sections 1, row "Waiting", and 2), by the public names only.
-- luacheck: ignore 512 (loops that are left at once are tested here)
local appsync = require "appsync"
local process = require "spec.support.process"
local server = require "spec.support.server"

local interpreter = os.getenv "APPSYNC_LUA" or arg[-1]
local IS_PUC51 = _VERSION == "Lua 5.1" and not rawget(_G, "jit")
local HAS_CLOSE = _VERSION == "Lua 5.4"

-- Runs a program of its own: what it wrote, and its status.
local function program(text, ...)
  local path = process.temporary ".lua"
  process.write(path, 'local appsync = require "appsync"\n' .. text)
  local pipe = assert(io.popen(("timeout 20 %s %s %s 2>&1; echo status=$?"):format(interpreter, path, table.concat({ ... }, " "))))
  local out = pipe:read "*a"
  pipe:close()
  os.remove(path)
  local body, status = out:match "^(.*)status=(%d+)\n$"
  return body, tonumber(status)
end

local function has(text, part)
  assert.is_truthy(tostring(text):find(part, 1, true), ("%q isn't in %q"):format(part, tostring(text)))
end

describe("the contract of tasks:", function()
  teardown(function() process.stop_all() end)

  it("run gives the results, nils among them", function()
    local function count(...) return select("#", ...), ... end
    local n, a, b, c = count(appsync.run(function(...) return nil, select("#", ...), nil end, nil, nil))
    assert.equal(3, n)
    assert.is_nil(a)
    assert.equal(2, b)
    assert.is_nil(c)
    assert.equal(0, (count(appsync.run(function() end))))
  end)

  it("run ends when the tasks that it spawned have ended", function()
    local order = {}
    appsync.run(function()
      appsync.spawn(function()
        appsync.sleep(0.01)
        appsync.spawn(function()
          appsync.sleep(0.01)
          order[#order + 1] = "inner"
        end)
        order[#order + 1] = "outer"
      end)
      order[#order + 1] = "main"
    end)
    assert.same({ "main", "outer", "inner" }, order)
  end)

  it("run raises what the function raised, with its traceback", function()
    local function thrower() error "the reason" end
    local ok, message = pcall(appsync.run, function() thrower() end)
    assert.is_false(ok)
    has(message, "the reason")
    has(message, "traceback")
    has(message, "contract_tasks_spec.lua")
    local raised = {}
    ok, message = pcall(appsync.run, function() error(raised) end)
    assert.is_false(ok)
    assert.equal(raised, message)
  end)

  it("live subscriptions don't keep run going", function()
    local subject = appsync.subject()
    local s
    appsync.run(function() s = subject:subscribe{ next = function() end } end)
    s:unsubscribe()
  end)

  it("a task runs beside its spawner and has a status", function()
    local t = appsync.spawn(function(a, b)
      appsync.sleep(0.005)
      return a, nil, b
    end, 1, 2)
    assert.equal("running", t:status())
    local a, none, b = t:await()
    assert.equal(1, a)
    assert.is_nil(none)
    assert.equal(2, b)
    assert.equal("done", t:status())
    assert.equal(3, select("#", t:await()))
  end)

  it("await gives nil and an error of kind usage with what was raised", function()
    local raised = {}
    local t = appsync.spawn(function() error(raised) end)
    local value, err = t:await()
    assert.is_nil(value)
    assert.equal("usage", err.kind)
    assert.equal(raised, err.raised)
    assert.equal("failed", t:status())
    t = appsync.spawn(function() error "text" end)
    value, err = t:await()
    assert.is_nil(value)
    has(err.raised, "text")
    has(err.message, "text")
    t = appsync.spawn(function() appsync.assert(nil, "it") end)
    err = select(2, t:await())
    assert.equal("usage", err.kind)
  end)

  it("await's timeout ends the wait, not the task", function()
    local t = appsync.spawn(function()
      appsync.sleep(0.03)
      return 7
    end)
    local value, err = t:await(0.001)
    assert.is_nil(value)
    assert.equal("timeout", err.kind)
    assert.equal("running", t:status())
    assert.equal(7, t:await{ timeout = 5 })
  end)

  it("cancel: the status at once, nil and err in the wait, a raise in each later one, which ends it quietly", function()
    local seen, after = nil, false
    local t = appsync.spawn(function()
      local _, err = appsync.sleep(100)
      seen = err
      local ok, again = appsync.pcall(appsync.sleep, 100)
      after = { ok, again }
      appsync.sleep(100)
      after = "never"
    end)
    appsync.sleep(0.001)
    t:cancel()
    assert.equal("cancelled", t:status())
    assert.is_nil(seen)
    local value, err = t:await(1)
    assert.is_nil(value)
    assert.equal("cancelled", err.kind)
    appsync.sleep(0.005)
    assert.equal("cancelled", seen.kind)
    assert.is_false(after)
    assert.equal("cancelled", t:status())
    t:cancel()
  end)

  it("each later waiting call of a cancelled task raises, one that would not have to wait too", function()
    local subject = appsync.subject()
    local s = subject:subscribe()
    local ended = appsync.spawn(function() return 1 end)
    ended:await()
    local went_on = {}
    local function victim(name, fn)
      local t = appsync.spawn(function()
        appsync.sleep(100)
        fn()
        went_on[#went_on + 1] = name
      end)
      appsync.sleep(0.001)
      t:cancel()
    end
    subject:next(1)
    appsync.sleep(0.001)
    victim("next", function() s:next() end)
    victim("await", function() ended:await() end)
    victim("ready", function() s:ready() end)
    victim("sleep", function() appsync.sleep(0) end)
    victim("for_each", function() appsync.observable(function(o) o:complete() end):for_each(function() end) end)
    appsync.sleep(0.01)
    assert.same({}, went_on)
    assert.equal(1, s:next(0.1))
  end)

  it("a cancelled task that passes the error to assert ends quietly", function()
    local out = program [[
      local t = appsync.spawn(function() appsync.assert(appsync.sleep(100)) end)
      appsync.sleep(0.001)
      t:cancel()
      appsync.sleep(0.001)
      print(t:status())
    ]]
    assert.equal("cancelled\n", out)
  end)

  it("a task that is cancelled before it began never runs", function()
    local ran = false
    local t = appsync.spawn(function() ran = true end)
    t:cancel()
    assert.equal("cancelled", t:status())
    appsync.sleep(0.002)
    assert.is_false(ran)
  end)

  it("a failed task that nobody awaited is reported once, to stderr without a log", function()
    local out, status = program [[
      appsync.run(function() appsync.spawn(function() error "lost" end) end)
      appsync.sleep(0.01)
    ]]
    assert.equal(0, status)
    local _, n = out:gsub("lost", "")
    assert.equal(1, n, out)
    out = program [[
      appsync.spawn(function() error "lost" end)
      appsync.sleep(0.01)
    ]]
    _, n = out:gsub("lost", "")
    assert.equal(1, n, out)
  end)

  it("a failed task that nobody awaited is reported through log", function()
    local out = program [[
      local client = appsync.client{ endpoint = "http://127.0.0.1:9/graphql", auth = { type = "NONE" },
        log = function(level, message) print(level, (message:match "lost")) end }
      appsync.run(function() appsync.spawn(function() error "lost" end) end)
      client:close()
    ]]
    assert.equal("error\tlost\n", out)
  end)

  it("one that is awaited isn't reported", function()
    local out = program [[
      appsync.run(function()
        local t = appsync.spawn(function() error "lost" end)
        appsync.sleep(0.01)
        print(t:await())
      end)
    ]]
    local _, n = out:gsub("lost", "")
    assert.equal(1, n, out)
    assert.is_nil(out:find("nobody", 1, true))
  end)

  it("outside a task a waiting call drives the library until its own result is there", function()
    local order = {}
    appsync.spawn(function()
      appsync.sleep(0.002)
      order[#order + 1] = "task"
    end)
    appsync.sleep(0.02)
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
      appsync.spawn(function()
        appsync.sleep(0.005)
        order[#order + 1] = "other"
      end)
      local generator = appsync.wrap(function(first)
        appsync.sleep(0.02)
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
        appsync.spawn(function()
          appsync.sleep(0.002)
          order[#order + 1] = "other"
        end)
        assert.is_true(pcall(appsync.sleep, 0.01))
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
    local _, err = t:await(2)
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
    appsync.sleep(0.02)
    assert.equal("cancelled", seen.kind)
    assert.is_true(stopped)
    assert.equal("cancelled", (select(2, u:await(1))).kind)
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
        appsync.spawn(function()
          appsync.sleep(0.005)
          order[#order + 1] = "other"
        end)
        local o = appsync.observable(function(observer)
          appsync.spawn(function()
            appsync.sleep(0.02)
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
    for _ = 1, 4 do collectgarbage() end
    assert.equal(1, stopped)
    for _, s in o:each() do
      s:unsubscribe()
      break
    end
    assert.equal(2, stopped)
  end)
end)

describe("the contract of update and fd:", function()
  teardown(function() process.stop_all() end)

  it("update does the work, says when more is waiting", function()
    local out = program [[
      local n = 0
      appsync.spawn(function() n = n + 1 end)
      assert(appsync.update() == false)
      assert(n == 1)
      assert(appsync.update(0) == false)
      assert(appsync.update(0.004) == false)
      assert(appsync.update{ budget = 0.02 } == false)
      print "ok"
    ]]
    assert.equal("ok\n", out)
  end)

  it("a budget above 0.004 must be meant", function()
    for _, bad in ipairs{ "0.016", "-1", "'x'", "0/0", "{}", "{ budget = 'x' }", "{ budget = 0.1, budgt = 1 }" } do
      local out = program(("print(pcall(appsync.update, %s))"):format(bad))
      has(out, "false")
      has(out, "budget")
    end
    has((program "print(pcall(appsync.update, 0.016))"), "{budget")
  end)

  it("update(0) handles at most 64 events", function()
    local out = program [[
      local n = 0
      local subject = appsync.subject()
      local s = subject:subscribe{ next = function() n = n + 1 end }
      for i = 1, 200 do subject:next(i) end
      local more = appsync.update(0)
      assert(n > 0 and n <= 64, n)
      assert(more == true)
      local turns = 1
      while appsync.update(0) do
        turns = turns + 1
        assert(turns < 100)
      end
      assert(n == 200, n)
      n = 0
      for i = 1, 200 do appsync.spawn(function() n = n + 1 end) end
      assert(appsync.update(0) == true)
      assert(n > 0 and n <= 64, n)
      while appsync.update(0) do end
      assert(n == 200)
      print "ok"
    ]]
    assert.equal("ok\n", out)
  end)

  it("update keeps to its budget, roughly, and says that more is waiting", function()
    local out = program [[
      local n = 0
      for i = 1, 50 do appsync.spawn(function()
        local t = os.clock()
        while os.clock() - t < 0.001 do end
        n = n + 1
      end) end
      local t = os.clock()
      local more = appsync.update()
      assert(os.clock() - t < 0.02, os.clock() - t)
      assert(more == true and n >= 1 and n < 50, n)
      print "ok"
    ]]
    assert.equal("ok\n", out)
  end)

  it("timers run in update", function()
    local out = program [[
      local n = 0
      appsync.spawn(function() appsync.sleep(0.005) n = n + 1 end)
      appsync.update()
      assert(n == 0)
      local give_up = os.time() + 5
      while n == 0 do
        appsync.update()
        assert(os.time() < give_up)
      end
      print "ok"
    ]]
    assert.equal("ok\n", out)
  end)

  it("update in a task or a callback throws", function()
    local out = program [[
      local t = appsync.spawn(function() appsync.update() end)
      appsync.update()
      print(t:status(), select(2, t:await()).message)
    ]]
    has(out, "failed")
    has(out, "appsync.update")
  end)

  it("a waiting call outside a task that blocks a game is logged once per place", function()
    local out = program [[
      appsync.update()
      local function wait() appsync.sleep(0.02) end
      wait()
      wait()
      wait()
      appsync.run(function() end)
    ]]
    local _, n = out:gsub("blocked", "")
    assert.equal(1, n, out)
  end)

  it("fd is readable while update has work, timers included", function()
    local out = program [[
      local ok, ffi = pcall(require, "ffi")
      local fd = appsync.fd()
      assert(type(fd) == "number" and fd >= 0)
      assert(fd == appsync.fd())
      local file = io.open("/proc/self/fdinfo/" .. string.format("%d", fd))
      assert(file)
      file:close()
      print "ok"
    ]]
    assert.equal("ok\n", out)
    if pcall(require, "socket") then
      out = program [[
        local socket = require "socket"
        local fd = appsync.fd()
        local pollable = { getfd = function() return fd end }
        local function is_readable(seconds) return #socket.select({ pollable }, nil, seconds) > 0 end
        while is_readable(0) do appsync.update() end
        local n = 0
        appsync.spawn(function() n = n + 1 appsync.sleep(0.02) n = n + 1 end)
        assert(is_readable(1), "a task that is ready")
        while is_readable(0) do appsync.update() end
        assert(n == 1)
        assert(is_readable(5), "a timer")
        local turns = 0
        while n < 2 do
          turns = turns + 1
          assert(turns < 1000)
          if is_readable(1) then appsync.update() end
        end
        appsync.update()
        assert(not is_readable(0), "nothing to do")
        print "ok"
      ]]
      assert.equal("ok\n", out)
    end
  end)

  it("a host adapter is a name or a table of three functions", function()
    local host = require "appsync.host"
    assert.is_false(pcall(host.use, "nothing"))
    assert.is_false(pcall(host.use, { current = print }))
    assert.is_false(pcall(host.use, 5))
    local out = program [[
      -- a scheduler of a few lines
      local queue, running = {}, nil
      local function resume(co) queue[#queue + 1] = co end
      require "appsync.host".use{
        current = function() return running end,
        suspend = function() coroutine.yield() end,
        resume = resume,
      }
      local order = {}
      for i = 1, 2 do
        queue[#queue + 1] = coroutine.create(function()
          appsync.sleep(0.01 * i)
          order[#order + 1] = i
        end)
      end
      local give_up = os.time() + 5
      while #order < 2 do
        assert(os.time() < give_up)
        local co = table.remove(queue, 1)
        if co then
          running = co
          assert(coroutine.resume(co))
          running = nil
        end
        appsync.update(0)
      end
      print(order[1], order[2])
    ]]
    assert.equal("1\t2\n", out)
  end)
end)

describe("the contract of functions that compute:", function()
  local service, client

  setup(function()
    service = server.start{ schema = "type Query { one: Int }", resolvers = "return { Query = { one = function() return 1 end } }" }
    client = appsync.client{ endpoint = service.endpoint, auth = { type = "API_KEY", api_key = server.API_KEY } }
  end)
  teardown(function()
    client:close(5)
    process.stop_all()
  end)

  local WAITS = {
    query = function() client:query "{ one }" end,
    sleep = function() appsync.sleep(0) end,
    run = function() appsync.run(function() end) end,
    close = function() appsync.client{ endpoint = service.endpoint, auth = { type = "NONE" } }:close() end,
  }
  local OPERATORS = {
    map = function(o, fn) return o:map(fn) end,
    filter = function(o, fn) return o:filter(fn) end,
    scan = function(o, fn) return o:scan(fn, 0) end,
    distinct = function(o, fn) return o:distinct(fn) end,
  }

  for operator, apply in pairs(OPERATORS) do
    it("a waiting call in " .. operator .. " throws", function()
      for name, wait in pairs(WAITS) do
        local s = apply(appsync.observable(function(o) o:next(1) end), function()
          wait()
          return true
        end):subscribe()
        local event, err = s:next(1)
        assert.is_nil(event, name)
        assert.equal("usage", err.kind, name)
        has(err.message, operator)
        assert.equal(err, s.err)
      end
    end)
  end

  it("a pull of what is there already throws too", function()
    local inner = appsync.observable(function(o) o:next(1) end):subscribe()
    local done = appsync.spawn(function() return 1 end)
    done:await()
    appsync.sleep(0.001)
    for _, wait in ipairs{ function() inner:next() end, function() done:await() end } do
      local s = appsync.observable(function(o) o:next(1) end):map(function()
        wait()
        return true
      end):subscribe()
      local event, err = s:next(1)
      assert.is_nil(event)
      assert.equal("usage", err.kind)
    end
  end)
end)
