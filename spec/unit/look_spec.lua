local fake_core = require "spec.support.fake_core"

local IS_JIT = rawget(_G, "jit") ~= nil
local IS_PUC51 = _VERSION == "Lua 5.1" and not IS_JIT

describe("a call with a timeout of 0", function()
  local core, appsync, log

  before_each(function()
    core, appsync, log = fake_core.open()
  end)

  local function open_subscription(make)
    local client = appsync.client{ endpoint = "http://localhost/graphql", auth = { type = "NONE" } }
    local source = client:subscribe("subscription S { a }")
    if make then source = make(source) end
    local s = source:subscribe()
    return s, core.subscribed[#core.subscribed].id, client
  end

  local function looks()
    local s, _, client = open_subscription()
    local mapped = open_subscription(function(source) return source:map(function(data) return data end) end)
    local delayed, id = open_subscription()
    core.push("SUB_STATE", id, "delayed", { kind = "network", message = "no such host" }, 0)
    local sleeper = appsync.spawn(appsync.sleep, math.huge)
    local observable, connection = appsync.subject(), client.connection:observe()
    local pulled = observable:subscribe()
    return {
      ["s:next"] = function() return s:next(0) end,
      ["s:next behind an operator"] = function() return mapped:next(0) end,
      ["s:next of a subject"] = function() return pulled:next(0) end,
      ["observable:next"] = function() return connection:next(0) end,
      ["s:ready"] = function() return s:ready(0) end,
      ["s:ready with a cause"] = function() return delayed:ready(0) end,
      ["task:await"] = function() return sleeper:await(0) end,
    }
  end

  -- kB that so many calls leave behind.
  local function garbage_of(call)
    for _ = 1, 200 do call() end
    fake_core.collect()
    collectgarbage("stop")
    for _ = 1, 10 do call() end -- the stack grows again
    local before = collectgarbage("count")
    for _ = 1, 1000 do call() end
    local after = collectgarbage("count")
    collectgarbage("restart")
    return after - before
  end

  local function leaves_nothing()
    for name, call in pairs(looks()) do
      local _, err = call()
      assert.equal("timeout", err.kind, name)
      local kilobytes = garbage_of(call)
      -- LuaJIT compiles the loop while it runs; that isn't garbage of the library.
      assert.is_true(kilobytes <= (IS_JIT and 64 or 0.2), name .. " left " .. kilobytes .. " kB")
    end
    return "end"
  end

  it("leaves no garbage when nothing is there", function()
    assert.equal("end", leaves_nothing())
    assert.same({}, log)
  end)

  if not IS_PUC51 then -- which looks at the stack before each 64th of them gives way
    it("leaves no garbage in a task either", function()
      assert.equal("end", (appsync.spawn(leaves_nothing):await()))
    end)
  end

  it("never waits", function()
    for _, call in pairs(looks()) do call() end
    assert.same({}, core.waited)
    assert.equal(1000, core.time)
  end)

  it("has one error, which is the same each time", function()
    local s = open_subscription()
    local _, first = s:next(0)
    local _, second = s:next(0)
    assert.equal(first, second)
    assert.equal("s:next took longer than its timeout", first.message)
    assert.is_true(first.retryable)
  end)

  it("tells why the subscription isn't served, by one error for each cause", function()
    local s, id = open_subscription()
    local _, unknown = s:ready(0)
    assert.equal("s:ready took longer than its timeout", unknown.message)
    core.push("SUB_STATE", id, "delayed", { kind = "network", code = "dns", message = "no such host" }, 0)
    for _, name in ipairs{ "ready", "next" } do
      local _, first = s[name](s, 0)
      assert.equal("timeout: s:" .. name .. " took longer than its timeout: no such host", tostring(first))
      assert.equal("dns", first.cause.code)
      assert.is_true(first.retryable)
      assert.equal(first, (select(2, s[name](s, 0))))
    end
    core.push("SUB_STATE", id, "delayed", { kind = "network", message = "refused" }, 0)
    assert.equal("refused", select(2, s:ready(0)).cause.message)
    core.push("SUB_STATE", id, "subscribed", nil, 0)
    assert.is_true(s:ready(0))
    local _, idle = s:next(0)
    assert.is_nil(idle.cause)
    assert.equal("s:next took longer than its timeout", idle.message)
    assert.is_nil(unknown.cause)
  end)

  -- What each look of several gives, in the main thread and in a task.
  for _, place in ipairs{ "outside of a task", "in a task" } do
    local function run(fn)
      if place == "in a task" then assert.is_nil(select(2, appsync.spawn(fn):await())) else fn() end
    end

    it("takes what has come " .. place .. ", one event each", function()
      run(function()
        local s, id = open_subscription()
        core.push("SUB_STATE", id, "subscribed")
        core.push("SUB_DATA", id, { a = 1 }, nil, 0)
        core.push("SUB_DATA", id, { a = 2 }, nil, 0)
        assert.same({ a = 1 }, (s:next(0)))
        assert.is_true(s:ready(0))
        assert.same({ a = 2 }, (s:next(0)))
        assert.equal("timeout", select(2, s:next(0)).kind)
        core.push("SUB_DATA", id, { a = 3 }, nil, 0)
        assert.same({ a = 3 }, (s:next(0)))
        core.push("SUB_END", id, nil, nil, 0)
        local event, err = s:next(0)
        assert.is_nil(event)
        assert.is_nil(err)
      end)
    end)

    it("takes what operators make of what has come " .. place, function()
      run(function()
        local s, id = open_subscription(function(source)
          return source:map(function(data) return data.a end):filter(function(a) return a ~= 2 end)
        end)
        for a = 1, 3 do core.push("SUB_DATA", id, { a = a }, nil, 0) end
        assert.equal(1, (s:next(0)))
        assert.equal(3, (s:next(0)))
        assert.equal("timeout", select(2, s:next(0)).kind)
      end)
    end)

    it("tells the failure of what has failed " .. place, function()
      run(function()
        local s, id = open_subscription()
        core.push("SUB_END", id, { kind = "auth", message = "refused" }, nil, 0)
        local _, err = s:next(0)
        assert.equal("auth", err.kind)
        assert.equal(err, select(2, s:ready(0)))
      end)
    end)

    it("sees that a task has ended " .. place, function()
      run(function()
        assert.equal("result", (appsync.spawn(function() return "result" end):await(0)))
        local failed = appsync.spawn(error, "raised", 0)
        assert.equal("raised", select(2, failed:await(0)).raised)
        local cancelled = appsync.spawn(appsync.sleep, 5)
        assert.equal("timeout", select(2, cancelled:await(0)).kind)
        cancelled:cancel()
        assert.equal("cancelled", select(2, cancelled:await(0)).kind)
      end)
    end)

    it("lets the others run " .. place .. ", and timers fire", function()
      run(function()
        local s, is_run, is_late = open_subscription(), false, false
        appsync.spawn(function()
          is_run = true
          appsync.sleep(1)
          is_late = true
        end)
        for _ = 1, 200 do s:next(0) end
        assert.is_true(is_run)
        core.time = core.time + 1
        for _ = 1, 200 do s:next(0) end
        assert.is_true(is_late)
      end)
    end)
  end

  it("lets a frame end that has nothing else to do", function()
    local s, id = open_subscription()
    local got
    appsync.spawn(function()
      repeat
        core.time = core.time + 0.0001
        got = s:next(0)
      until got
    end)
    for _ = 1, 3 do assert.is_true(appsync.update(0.001)) end
    assert.is_nil(got)
    core.push("SUB_DATA", id, { a = 1 }, nil, 0)
    appsync.update(0.001)
    assert.same({ a = 1 }, got)
  end)

  it("works in a generator of appsync.wrap, which a task calls", function()
    local s, id = open_subscription()
    local generator = appsync.wrap(function()
      for _ = 1, 200 do coroutine.yield((s:next(0))) end
      core.push("SUB_DATA", id, { a = 1 }, nil, 0)
      return (s:next(0))
    end)
    local results = appsync.spawn(function()
      for _ = 1, 200 do assert.is_nil((generator())) end
      return generator()
    end)
    assert.same({ a = 1 }, (results:await()))
  end)

  it("is cancelled with its task", function()
    local s = open_subscription()
    local looker
    looker = appsync.spawn(function()
      s:next(0)
      looker:cancel()
      s:next(0)
      error "it went on"
    end)
    assert.equal("cancelled", select(2, looker:await()).kind)
    assert.same({}, log)
  end)

  it("is refused in a function that computes", function()
    local s = open_subscription()
    local subject = appsync.subject()
    local failed = subject:map(function() return s:next(0) end):subscribe()
    subject:next(1)
    assert.matches("s:next: a call that waits isn't possible in a function that computes", select(2, failed:next()).message)
  end)

  it("still refuses what is no number of seconds", function()
    local s = open_subscription()
    assert.error_matches(function() s:next(-1) end, "timeout must be number of at least 0, got number %-1")
    assert.error_matches(function() s:next(0 / 0) end, "timeout must be number of at least 0")
    assert.error_matches(function() s:ready "0" end, "timeout must be a number of seconds or a table of options")
  end)
end)
