-- Watches that wait for the network: when one of them tries, and when all do. The clock is the test's.
local fake_core = require "spec.support.fake_core"

local drive = fake_core.drive

describe("watches that wait for the network", function()
  local core, all, asked, is_probed, draws

  before_each(function()
    core = fake_core.open()
    core.uuid = function() return draws and ("%08x"):format(draws) or "ffffffff-0000" end
    draws, asked, is_probed = nil, {}, false
    all = require("appsync.client.recovery").new(function() return is_probed end)
  end)

  -- One that never finds it.
  local function waiter(name)
    local one = {}
    function one.ask_anew()
      asked[#asked + 1] = { name = name, at = core.time }
      all:wait(one)
    end
    return one
  end

  -- Lets that much time pass, in steps of 10 ms; the seconds between the tries.
  local function gaps(seconds)
    local first, last, list = #asked + 1, core.time, {}
    for _ = 1, seconds * 100 do drive(0.01) end
    for i = first, #asked do
      list[#list + 1] = asked[i].at - last
      last = asked[i].at
    end
    return list
  end

  it("try within 200 ms, then within 5 seconds, and after a minute within 30, one after the other", function()
    all:wait(waiter "a")
    all:wait(waiter "b")
    local began = core.time
    local list, n_long = gaps(300), 0
    assert.is_true(list[1] <= 0.21)
    for i, gap in ipairs(list) do
      assert.is_true(gap <= (asked[i].at - gap - began < 60 and 5 or 30), i)
      if gap > 20 then n_long = n_long + 1 end
      assert.equal(i % 2 == 1 and "a" or "b", asked[i].name)
    end
    assert.is_true(n_long > 5)
  end)

  it("are spread by chance", function()
    draws = 0x80000000
    all:wait(waiter "a")
    local list = gaps(0.11)
    assert.equal(1, #list)
    assert.is_true(list[1] > 0.08)
  end)

  it("try soon after a hint, and at short intervals again", function()
    all:wait(waiter "a")
    gaps(90)
    all:hurry()
    local list = gaps(1)
    assert.is_true(list[1] <= 0.11)
    assert.is_true(list[2] <= 0.41, list[2])
  end)

  it("leave it to who tries already", function()
    is_probed = true
    all:wait(waiter "a")
    assert.same({}, gaps(60))
    all:hurry()
    assert.same({}, gaps(10))
    is_probed = false
    assert.is_true(gaps(30)[1] <= 30)
  end)

  it("don't try while the host says that there is none, hints or not", function()
    all:wait(waiter "a")
    all:set_online(false)
    all:hurry()
    assert.same({}, gaps(60))
    all:set_online(true)
    assert.equal(1, #asked)
  end)

  it("make nothing of a hint where nobody waits", function()
    all:hurry()
    local a = waiter "a"
    all:wait(a)
    all:leave(a)
    all:hurry()
    assert.same({}, gaps(10))
  end)

  it("begin anew when the network was there in between", function()
    local a = waiter "a"
    all:wait(a)
    gaps(90)
    all:leave(a)
    all:wait(a)
    assert.is_true(gaps(6)[1] <= 5)
    for _, gap in ipairs(gaps(30)) do assert.is_true(gap <= 5) end
  end)
end)

describe("what the core tells of the network", function()
  it("has one of a client's watches ask after a hint, and all when the service answers", function()
    local core, _, _, client = fake_core.open_client "http://localhost/graphql"
    core.uuid = function() return "ffffffff" end
    client:query("query Q { a }", nil, { on_result = function() end })
    drive()
    local asked = {}
    for _, name in ipairs{ "a", "b", "c" } do
      client.root.recovery:wait{ ask_anew = function() asked[#asked + 1] = name end }
    end
    core.push("REACH", client.root.handle.id, "hint")
    drive()
    assert.same({}, asked)
    drive(0.11)
    assert.same({ "a" }, asked)
    core.push("REACH", client.root.handle.id, "online")
    drive()
    assert.same({ "a", "b", "c" }, asked)
  end)

  it("is passed on by resumed, once a client is in use", function()
    local core, appsync, _, client = fake_core.open_client "http://localhost/graphql"
    local n = 0
    appsync.resumed()
    client:query("query Q { a }", nil, { on_result = function() end })
    require("appsync.dispatch").present().resumed = function()
      n = n + 1
      return true
    end
    appsync.resumed()
    assert.equal(1, n)
    assert.is_table(core)
  end)
end)
