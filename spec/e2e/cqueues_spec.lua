-- cqueues' controllers, by their adapter.
local appsync = require "appsync"
local cases = require "spec.support.loop_cases"
local client_cases = require "spec.support.loop_client_cases"
local condition = require "cqueues.condition"
local cqueues = require "cqueues"
local host = require "appsync.host"

local BOUND = 10

local controller = cqueues.new()
local loop = { name = "cqueues" }

function loop.start(fn) controller:wrap(fn) end

function loop.run()
  assert(controller:loop(BOUND))
  assert.is_true(controller:empty())
end

function loop.wait(is_done)
  repeat cqueues.sleep(0.001) until is_done()
end

function loop.every(seconds, fn)
  loop.start(function()
    repeat cqueues.sleep(seconds) until not fn()
  end)
end

function loop.receive(client, fn)
  loop.start(function()
    cqueues.poll{ pollfd = client:getfd(), events = "r" }
    fn(client:receive(1))
  end)
end

describe("a wait in a coroutine of cqueues", function()
  before_each(function() host.use "cqueues" end)
  after_each(function() host.use(nil) end)
  cases.define(loop, it)
end)

describe("a client in a cqueues loop", function()
  before_each(function() host.use "cqueues" end)
  after_each(function() host.use(nil) end)
  client_cases.define(loop, { it = it, setup = setup, teardown = teardown })
end)

-- Signals until the task has gone on, which may not be waiting yet.
local function signal_until_done(signal, task)
  repeat
    signal:signal()
    cqueues.sleep(0.001)
  until task:status() ~= "running"
end

describe("cqueues' adapter", function()
  before_each(function() host.use "cqueues" end)
  after_each(function() host.use(nil) end)

  it("has a task wait for what cqueues waits for, beside the library's own waits", function()
    local signal = condition.new()
    local results = cases.run(loop, function()
      local began = cqueues.monotime()
      local slept = appsync.spawn(function()
        cqueues.sleep(0.01)
        appsync.sleep(0.01)
        cqueues.sleep(0.01)
        return cqueues.monotime() - began
      end)
      local signalled = appsync.spawn(function() return signal:wait(BOUND) end)
      local pcalled = appsync.spawn(function() return appsync.pcall(cqueues.poll, 0.001) end)
      signal_until_done(signal, signalled)
      return slept:await(), (signalled:await()), (pcalled:await())
    end)
    assert.is_true(results[1][1] >= 0.03)
    assert.same({ true, true }, { results[1][2], results[1][3] })
  end)

  it("has callbacks wait in the same way, the next event after them", function()
    local subject, seen = appsync.subject(), {}
    local s = subject:subscribe(function(value)
      cqueues.sleep(0.002)
      table.insert(seen, value)
    end)
    loop.start(function()
      subject:next(1)
      subject:next(2)
      loop.wait(function() return seen[2] end)
    end)
    loop.run()
    assert.same({ 1, 2 }, seen)
    s:unsubscribe()
  end)

  it("keeps the loop going for tasks that wait in it, and for those that can run at once", function()
    local ends = {}
    loop.start(function()
      appsync.spawn(function()
        cqueues.sleep(0.01)
        appsync.spawn(function() table.insert(ends, "child") end)
        table.insert(ends, "task")
      end)
    end)
    loop.run()
    assert.same({ "task", "child" }, ends)
  end)

  it("cancels a task that waits in cqueues at its next wait", function()
    local signal, steps = condition.new(), {}
    local results = cases.run(loop, function()
      local task = appsync.spawn(function()
        table.insert(steps, "waits")
        signal:wait()
        table.insert(steps, "goes on")
        appsync.sleep(0)
        table.insert(steps, "waits no more")
      end)
      loop.wait(function() return steps[1] end)
      task:cancel()
      repeat
        signal:signal()
        cqueues.sleep(0.001)
      until steps[2]
      return select(2, task:await()).kind
    end)
    assert.equal("cancelled", results[1][1])
    assert.same({ "waits", "goes on" }, steps)
  end)

  it("refuses what would wait for ever, because it blocks the loop that a task waits in", function()
    local results
    local signal, has_begun = condition.new(), false
    cases.logged(function()
      results = cases.run(loop, function()
        local task = appsync.spawn(function()
          has_begun = true
          signal:wait()
          return "result"
        end)
        loop.wait(function() return has_begun end)
        local raised
        coroutine.wrap(function() raised = select(2, pcall(task.await, task)) end)()
        signal_until_done(signal, task)
        return raised, task:await()
      end, function()
        local err
        coroutine.wrap(function() err = select(2, appsync.spawn(cqueues.sleep, 0.01):await()) end)()
        return err.message
      end)
    end)
    assert.matches('its task waits in the loop of "cqueues", which this call blocks', results[1][1])
    assert.equal("result", results[1][2])
    assert.matches('with its adapter: require%("appsync.host"%).use "cqueues"$', results[2][1])
  end)

  it("fails a task whose yield isn't cqueues'", function()
    local results = cases.run(loop, function() return select(2, appsync.spawn(coroutine.yield, 5):await()).message end)
    assert.matches('use "cqueues"$', results[1][1])
  end)

  it("isn't needed to be named: where none is in use, the yield tells which it was meant for", function()
    host.use(nil)
    local message
    loop.start(function()
      local task = appsync.spawn(cqueues.sleep, 0)
      local pollable = { pollfd = appsync.fd(), events = "r" }
      while task:status() == "running" do
        appsync.update(0)
        if task:status() == "running" then cqueues.poll(pollable) end
      end
      message = select(2, task:await()).message
    end)
    loop.run()
    assert.matches('with its adapter: require%("appsync.host"%).use "cqueues"$', message)
  end)

  it("lets a controller raise what one of its coroutines raises, and go on", function()
    local slept
    loop.start(function()
      appsync.sleep(0.001)
      error "raised"
    end)
    loop.start(function() slept = appsync.sleep(0.005) end)
    local ok, raised = controller:loop(BOUND)
    assert.falsy(ok)
    assert.matches("cqueues_spec.lua:%d+: raised", raised)
    loop.run()
    assert.is_true(slept)
  end)

  it("drives in controllers inside of one another, and in one that is stepped", function()
    local inner, order = cqueues.new(), {}
    loop.start(function()
      inner:wrap(function()
        appsync.sleep(0.002)
        table.insert(order, "inner")
      end)
      assert(inner:loop(BOUND))
      appsync.sleep(0.002)
      table.insert(order, "outer")
    end)
    loop.run()
    inner:wrap(function()
      appsync.sleep(0.002)
      table.insert(order, "stepped")
    end)
    while not inner:empty() do assert(inner:step(BOUND)) end
    assert.same({ "inner", "outer", "stepped" }, order)
  end)

  it("runs callbacks in a controller that is stepped, where nobody waits", function()
    local stepped, subject, seen = cqueues.new(), appsync.subject(), {}
    local s = subject:subscribe(function(value) table.insert(seen, value) end)
    stepped:wrap(function()
      subject:next "event"
      loop.wait(function() return seen[1] end)
    end)
    while not stepped:empty() do assert(stepped:step(BOUND)) end
    assert.same({ "event" }, seen)
    s:unsubscribe()
  end)

  it("leaves alone what cqueues does outside of a loop", function()
    local began = cqueues.monotime()
    cqueues.sleep(0.01)
    assert.is_true(cqueues.monotime() - began >= 0.01)
  end)
end)
