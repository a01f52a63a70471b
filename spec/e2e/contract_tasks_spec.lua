-- Tasks, by the public names only.
-- luacheck: ignore 512 (loops that are left at once are tested here)
local appsync = require "appsync"
local process = require "spec.support.process"
local program = require "spec.support.program"
local has = require("spec.support.text").has

local function run(body) return program('local appsync = require "appsync"\n' .. body) end

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
    local out = run [[
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
    local out, status = run [[
      appsync.run(function() appsync.spawn(function() error "lost" end) end)
      appsync.sleep(0.01)
    ]]
    assert.equal(0, status)
    local _, n = out:gsub("lost", "")
    assert.equal(1, n, out)
    out = run [[
      appsync.spawn(function() error "lost" end)
      appsync.sleep(0.01)
    ]]
    _, n = out:gsub("lost", "")
    assert.equal(1, n, out)
  end)

  it("a failed task that nobody awaited is reported through log", function()
    local out = run [[
      local client = appsync.client{ endpoint = "http://127.0.0.1:9/graphql", auth = { type = "NONE" },
        log = function(level, message) print(level, (message:match "lost")) end }
      appsync.run(function() appsync.spawn(function() error "lost" end) end)
      client:close()
    ]]
    assert.equal("error\tlost\n", out)
  end)

  it("one that is awaited isn't reported", function()
    local out = run [[
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
end)
