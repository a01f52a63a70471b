local fake_core = require "spec.support.fake_core"
local record = require "spec.support.record"

local IS_PUC51 = _VERSION == "Lua 5.1" and not rawget(_G, "jit")
local HAS_CLOSE = _VERSION == "Lua 5.4"

describe("in a task, a yield that isn't the library's", function()
  local appsync, log

  before_each(function()
    appsync, log = select(2, fake_core.open())
  end)

  -- Says where, and what to do instead.
  local function is_told(text)
    assert.matches("foreign_yield_spec.lua:%d+: a yield that isn't this library's", text)
    assert.truthy(text:find("use appsync.sleep(0) to give way", 1, true), text)
    assert.truthy(text:find('its adapter: require("appsync.host").use', 1, true), text)
  end

  for name, values in pairs{ ["without values"] = {}, ["of another scheduler's request"] = { "poll", 5 } } do
    it(name .. " fails the task, and it alone", function()
      local order = {}
      appsync.run(function()
        local other = appsync.spawn(function()
          appsync.sleep(1)
          table.insert(order, "other")
        end)
        local yielding = appsync.spawn(function()
          coroutine.yield((table.unpack or unpack)(values)) -- luacheck: compat
          table.insert(order, "went on")
        end)
        local value, err = yielding:await()
        assert.is_nil(value)
        assert.equal("usage", err.kind)
        is_told(err.message)
        assert.equal("failed", yielding:status())
        other:await()
      end)
      assert.same({ "other" }, order)
      assert.same({}, log)
    end)
  end

  it("is raised by run, with the traceback of the yield", function()
    local function borrowed() coroutine.yield() end
    local ok, raised = pcall(appsync.run, function()
      borrowed()
      return 1
    end)
    assert.is_false(ok)
    is_told(raised)
    assert.matches("stack traceback:", raised)
    assert.matches("borrowed", raised)
  end)

  it("is reported where nobody awaits the task", function()
    appsync.run(function()
      appsync.spawn(function() coroutine.yield() end)
      appsync.sleep(1)
    end)
    assert.equal(1, #log)
    is_told(log[1])
  end)

  it("is no error that a pcall around it could hide", function()
    local _, err = appsync.spawn(function()
      appsync.pcall(function()
        appsync.sleep(1)
        coroutine.yield()
      end)
      return "went on"
    end):await()
    is_told(err.message)
    if IS_PUC51 then return end -- its pcall can't be suspended: it raises itself
    _, err = appsync.spawn(function()
      pcall(coroutine.yield)
      return "went on"
    end):await()
    is_told(err.message)
  end)

  it("in a callback ends its subscription with an error", function()
    local subject = appsync.subject()
    local seen
    subject:subscribe{ next = function() coroutine.yield() end, error = function(err) seen = err.message end }
    local others = record(subject)
    subject:next(1)
    fake_core.drive()
    is_told(seen)
    subject:next(2)
    fake_core.drive()
    assert.same({ 1, 2 }, others)
  end)

  it("in an on_result function fails the call's task", function()
    local sleeper = appsync.sleep(1, { on_result = function() coroutine.yield() end })
    local _, err = sleeper:await()
    is_told(err.message)
  end)

  if HAS_CLOSE then
    it("closes the task's loops", function()
      local is_left = false
      local source = appsync.observable(function(observer)
        observer:next(1)
        return function() is_left = true end
      end)
      appsync.spawn(function()
        for _ in source:each() do coroutine.yield() end
      end):await()
      assert.is_true(is_left)
    end)
  end

  it("isn't one that a coroutine of the task's own yields to it", function()
    local got = {}
    appsync.run(function()
      local inner = coroutine.wrap(function()
        for i = 1, 2 do coroutine.yield(i) end
      end)
      local outer = coroutine.wrap(function()
        coroutine.yield(inner())
        appsync.sleep(1)
        coroutine.yield(inner())
      end)
      table.insert(got, outer())
      appsync.sleep(1)
      table.insert(got, outer())
      outer() -- ends
      local co = coroutine.create(function(a) return coroutine.yield(a) end)
      table.insert(got, (select(2, coroutine.resume(co, "in"))))
      table.insert(got, (select(2, coroutine.resume(co, "out"))))
    end)
    assert.same({ 1, 2, "in", "out" }, got)
  end)

  it("reaches the caller of appsync.wrap, also through appsync.pcall", function()
    local got = {}
    local function generate()
      return appsync.wrap(function(first)
        local ok, second = appsync.pcall(function()
          appsync.sleep(1)
          return coroutine.yield(first .. "!")
        end)
        coroutine.yield(tostring(ok) .. " " .. second)
        return "end"
      end)
    end
    appsync.run(function()
      local inside = generate()
      for _, given in ipairs{ "a", "b", "c" } do table.insert(got, inside(given)) end
    end)
    local outside = generate()
    for _, given in ipairs{ "a", "b", "c" } do table.insert(got, outside(given)) end
    assert.same({ "a!", "true b", "end", "a!", "true b", "end" }, got)
  end)

  it("isn't the library's own: a subscription with much to do gives way between its events", function()
    local subject, order = appsync.subject(), {}
    subject:subscribe(function(n)
      if n == 1 then appsync.spawn(function() table.insert(order, "task") end) end
      if n == 200 then table.insert(order, "last event") end
    end)
    for i = 1, 200 do subject:next(i) end
    fake_core.drive()
    assert.same({ "task", "last event" }, order)
  end)
end)
