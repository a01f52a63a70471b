-- luv's loop, by its adapter.
local appsync = require "appsync"
local cases = require "spec.support.loop_cases"
local client_cases = require "spec.support.loop_client_cases"
local host = require "appsync.host"
local run_program = require "spec.support.program"
local uv = require "luv"

local loop = { name = "luv", has_coxpcall = true }

function loop.start(fn)
  local timer, co = uv.new_timer(), coroutine.create(fn)
  timer:start(0, 0, function()
    timer:close()
    assert(coroutine.resume(co))
  end)
end

function loop.run() uv.run() end

-- As it is done in luv: a coroutine that a callback resumes.
function loop.wait(is_done)
  local timer, co = uv.new_timer(), coroutine.running()
  timer:start(1, 1, function()
    if not is_done() then return end
    timer:close()
    assert(coroutine.resume(co))
  end)
  coroutine.yield()
end

function loop.every(seconds, fn)
  local timer = uv.new_timer()
  timer:start(seconds * 1000, seconds * 1000, function()
    if not fn() then timer:close() end
  end)
end

function loop.receive(client, fn)
  local poll = uv.new_poll(client:getfd())
  poll:start("r", function()
    poll:close()
    fn(client:receive(1))
  end)
end

describe("a wait in a coroutine of luv", function()
  before_each(function() host.use "luv" end)
  after_each(function() host.use(nil) end)
  cases.define(loop, it)
end)

describe("a client in luv's loop", function()
  before_each(function() host.use "luv" end)
  after_each(function() host.use(nil) end)
  client_cases.define(loop, { it = it, setup = setup, teardown = teardown })
end)

describe("luv's adapter", function()
  before_each(function() host.use "luv" end)
  after_each(function() host.use(nil) end)

  it("tells what a coroutine raises, and resumes the others", function()
    local ends = {}
    local lines = cases.logged(function()
      for i = 1, 3 do
        assert(coroutine.resume(coroutine.create(function()
          appsync.sleep(0)
          if i == 3 then error(appsync.null, 0) end
          if i == 1 then error("raised by " .. i) end
          ends[i] = true
        end)))
      end
      uv.run()
    end)
    assert.same({ nil, true }, ends)
    assert.equal(2, #lines)
    assert.matches("^a coroutine of luv's loop raised: .*luv_spec.lua:%d+: raised by 1$", lines[1])
    assert.equal("a coroutine of luv's loop raised: null", lines[2])
  end)

  if coroutine.close then
    it("lets the loop end when a coroutine that waits was closed", function()
      local co = coroutine.create(function() appsync.sleep(0.01) end)
      assert(coroutine.resume(co))
      assert(coroutine.close(co))
      uv.run()
    end)
  end

  it("suspends coroutines of a loop that itself runs in one", function()
    local order = {}
    local outer = coroutine.wrap(function()
      for _ = 1, 2 do
        loop.start(function()
          table.insert(order, "begins")
          appsync.sleep(0.001)
          table.insert(order, "ends")
        end)
      end
      uv.run()
    end)
    outer()
    assert.same({ "begins", "begins", "ends", "ends" }, order)
  end)

  it("suspends them where luv was loaded in a coroutine, in which its callbacks run then (Lua 5.1, LuaJIT)", function()
    assert.equal("begins begins ends ends\n", (run_program [[
      local appsync, order = require "appsync", {}
      coroutine.wrap(function()
        local uv = require "luv"
        require("appsync.host").use "luv"
        for _ = 1, 2 do
          local timer = uv.new_timer()
          timer:start(0, 0, function()
            timer:close()
            coroutine.wrap(function()
              table.insert(order, "begins")
              appsync.sleep(0.001)
              table.insert(order, "ends")
            end)()
          end)
        end
        uv.run()
      end)()
      print(table.concat(order, " "))
    ]]))
  end)

  it("is named where a task waits as a coroutine of the loop would", function()
    local err
    loop.start(function() err = select(2, appsync.spawn(coroutine.yield):await()) end)
    uv.run()
    assert.matches('from that scheduler\'s own coroutines, with its adapter: require%("appsync.host"%).use "luv"$', err.message)
  end)
end)
