-- What holds in each loop for the coroutines that wait: a scheduler's own, by its adapter, or tasks of the library. `loop` is
-- a table:
--   name, start(fn) makes a coroutine of the loop's own that runs fn, run() runs the loop to its end, wait(is_done) waits in
--   such a coroutine by the loop's own means; is_library: the loop drives the library itself, and its coroutines are tasks.
local appsync = require "appsync"
local assert = require "luassert"
local log = require "appsync.log"

local IS_PUC51 = _VERSION == "Lua 5.1" and not rawget(_G, "jit")
local SOON = 0.005

local cases = {}

---Runs each function in a coroutine of the loop's own, and the loop; gives what they returned, by their places.
---@return table[] results
function cases.run(loop, ...)
  local results = {}
  for i, fn in ipairs{ ... } do
    loop.start(function() results[i] = { fn() } end)
  end
  loop.run()
  return results
end

---What was logged while `fn` ran.
function cases.logged(fn)
  local lines = {}
  log.set_default(function(_, message) table.insert(lines, message) end)
  local ok, raised = pcall(fn)
  log.set_default(nil)
  if not ok then error(raised, 0) end
  return lines
end

-- Places where PUC 5.1 can't suspend. Each waits and gives what the wait gave.
local PLACES = {
  pcall = function() return select(2, pcall(appsync.sleep, SOON)) end,
  ["pcall around a function"] = function()
    return select(2, pcall(function()
      return (appsync.sleep(SOON))
    end))
  end,
  ["a metamethod"] = function()
    local object = setmetatable({}, { __index = function()
      return (appsync.sleep(SOON))
    end })
    return select(2, pcall(function() return object.field end))
  end,
  ["a for iterator"] = function()
    return select(2, pcall(function()
      local is_over, result = false, nil
      for slept in function()
        if is_over then return nil end
        is_over = true
        return (appsync.sleep(SOON))
      end do result = slept end
      return result
    end))
  end,
  ["a C function"] = function()
    local result
    local ok, raised = pcall(string.gsub, "x", "x", function() result = appsync.sleep(SOON) end)
    return ok and result or raised
  end,
}

local function places_are_good(loop, it)
  for place, wait in pairs(PLACES) do
    it(("in %s %s"):format(place, IS_PUC51 and "throws its own message, and the loop goes on" or "waits"), function()
      local results = cases.run(loop, wait, function() return appsync.sleep(SOON) end)
      assert.is_true(results[2][1])
      if not IS_PUC51 then return assert.is_true(results[1][1]) end
      assert.matches("^%S+loop_cases.lua:%d+: this runs inside .*use appsync.pcall", results[1][1])
    end)
  end

  it("in appsync.pcall waits, inside of it too", function()
    local results = cases.run(loop, function()
      return appsync.pcall(function()
        local ok, slept = appsync.pcall(appsync.sleep, SOON)
        return ok and slept
      end)
    end, function() return appsync.pcall(error, "raised", 0) end)
    assert.same({ { true, true }, { false, "raised" } }, results)
  end)

  local has_coxpcall, coxpcall = pcall(require, "coxpcall")
  if IS_PUC51 and has_coxpcall then
    it("in coxpcall.pcall waits, and throws its own message where that stands in pcall", function()
      local results = cases.run(loop, function() return coxpcall.pcall(appsync.sleep, SOON) end,
        function() return pcall(coxpcall.pcall, appsync.sleep, SOON) end)
      assert.same({ true, true }, results[1])
      if loop.has_coxpcall then
        assert.matches("this runs inside pcall", results[2][3])
      else
        assert.same({ true, true, true }, results[2]) -- drives: coxpcall's coroutine isn't this loop's own
      end
    end)
  end
end

local function others_are_left_alone(loop, it)
  it("in a generator drives the library: its consumer gets what it yields, and nothing else", function()
    local function generate()
      coroutine.yield(appsync.sleep(SOON))
      coroutine.yield "second"
      appsync.sleep(SOON)
      return "end"
    end
    cases.logged(function() -- of a place that blocks
      local results = cases.run(loop, function()
        local generator = coroutine.wrap(generate)
        return generator(), generator(), generator()
      end, function()
        local co, got = coroutine.create(generate), {}
        for i = 1, 3 do got[i] = select(2, coroutine.resume(co)) end
        return got[1], got[2], got[3]
      end)
      assert.same({ { true, "second", "end" }, { true, "second", "end" } }, results)
    end)
  end)
end

local function the_loop_is_driven(loop, it)
  it("runs tasks and callbacks while the loop runs, also when nobody waits, and lets it end", function()
    local subject, seen = appsync.subject(), {}
    local s = subject:subscribe(function(value) table.insert(seen, value) end)
    loop.start(function()
      appsync.spawn(function()
        appsync.sleep(SOON)
        subject:next "from a task"
      end)
      loop.wait(function() return seen[1] end)
      subject:next "from the loop"
      loop.wait(function() return seen[2] end)
    end)
    loop.run() -- the subscription lives on
    assert.same({ "from a task", "from the loop" }, seen)
    s:unsubscribe()
  end)

  if loop.is_library then return end
  it("may be run by a task: nothing raises in it, and what waits goes on", function()
    local lines = cases.logged(function()
      local result = appsync.spawn(function()
        local results = cases.run(loop, function() return appsync.sleep(SOON) end)
        return results[1][1]
      end):await()
      assert.is_true(result)
    end)
    for _, line in ipairs(lines) do assert.matches("blocked the main thread", line) end
  end)
end

---Defines them, in a `describe` of the spec.
---@param loop table
---@param it fun(name: string, test: function) the spec's
function cases.define(loop, it)
  places_are_good(loop, it)
  others_are_left_alone(loop, it)
  the_loop_is_driven(loop, it)
end

return cases
