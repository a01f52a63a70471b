-- `update`, `fd`, host adapters, and functions that may not wait; by the public names only.
-- luacheck: ignore 512 (loops that are left at once are tested here)
local appsync = require "appsync"
local process = require "spec.support.process"
local program = require "spec.support.program"
local server = require "spec.support.server"
local has = require("spec.support.text").has

local function run(body) return program('local appsync = require "appsync"\n' .. body) end

describe("the contract of update and fd:", function()
  teardown(function() process.stop_all() end)

  it("update does the work, says when more is waiting", function()
    local out = run [[
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
      local out = run(("print(pcall(appsync.update, %s))"):format(bad))
      has(out, "false")
      has(out, "budget")
    end
    has((run "print(pcall(appsync.update, 0.016))"), "{budget")
  end)

  it("update(0) handles at most 64 events", function()
    local out = run [[
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
    local out = run [[
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
    local out = run [[
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
    local out = run [[
      local t = appsync.spawn(function() appsync.update() end)
      appsync.update()
      print(t:status(), select(2, t:await()).message)
    ]]
    has(out, "failed")
    has(out, "appsync.update")
  end)

  it("a waiting call outside a task that blocks a game is logged once per place", function()
    local out = run [[
      appsync.update()
      local function wait() appsync.sleep(0.02) end
      wait()
      wait()
      wait()
      appsync.run(function() end)
    ]]
    local _, n = out:gsub("appsync.sleep blocked", "")
    assert.equal(1, n, out)
  end)

  it("fd is readable while update has work, timers included", function()
    local out = run [[
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
      out = run [[
        local socket = require "socket"
        local fd = appsync.fd()
        local pollable = { getfd = function() return fd end }
        local function is_readable(seconds) return #socket.select({ pollable }, nil, seconds) > 0 end
        while is_readable(0) do appsync.update() end
        local n, gate = 0, appsync.subject()
        local s = gate:subscribe()
        local function passed() assert(s:next()) n = n + 1 end
        appsync.spawn(function() n = n + 1 passed() appsync.sleep(0.02) n = n + 1 end)
        assert(is_readable(10), "a task that is ready")
        while is_readable(0) do appsync.update() end
        assert(n == 1)
        gate:next(1)
        assert(is_readable(10), "an event for it")
        local turns = 0
        while n < 3 do
          turns = turns + 1
          assert(turns < 10, "woken for nothing")
          assert(is_readable(10), "a timer")
          appsync.update()
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
    local out = run [[
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
