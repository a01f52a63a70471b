-- A client that closes while its outbox is sending.
local appsync = require "appsync"
local now = require("appsync.clock").now
local outbox = require "spec.support.outbox"
local wait_for = require "spec.support.wait"

local CREATE, SLOW = outbox.CREATE, outbox.SLOW

describe("close, while a mutation is being sent for nobody who waits,", function()
  local client

  setup(function() outbox.begin() end)
  teardown(outbox.finish)
  before_each(outbox.new_store)
  after_each(outbox.close_all)

  -- One is under way, and takes 0.4 s; another one is behind it.
  local function begin(name, options)
    client = outbox.connect(options)
    client:set_online(false)
    assert(client:mutate(SLOW, { n = 1 }))
    assert(client:mutate(CREATE, { id = name, name = name }))
    client:set_online(true)
    wait_for(function() return client.outbox:list()[1].state == "sending" end, "the request")
  end

  it("waits for its answer, and sends nothing more", function()
    begin "a1"
    assert.is_true(client:close(5))
    assert.equal("", outbox.names "a1")
    client = outbox.connect()
    assert(client.outbox:drain(10))
    assert.same({}, client.outbox:dead_letters())
    wait_for(function() return outbox.outcomes[2] end, "the outcomes")
    assert.same({ slow = 1 }, outbox.outcomes[1].data)
    assert.equal("a1", outbox.names "a1")
  end)

  it("leaves it in doubt when the time is over", function()
    begin "b1"
    assert.is_true(client:close(0.05))
    client = outbox.connect()
    assert(client.outbox:drain(10))
    assert.equal("unknown", client.outbox:dead_letters()[1].cause.outcome)
  end)

  it("leaves it to the next run to tell its outcome, once", function()
    local told = 0
    local offline = { callback = function() told = told + 1 end }
    begin("c1", { offline = offline })
    assert.is_true(client:close(5))
    assert.equal(0, told)
    client = outbox.connect{ offline = offline }
    assert(client.outbox:drain(10))
    wait_for(function() return told == 2 end, "the outcomes")
    assert.is_true(client.outbox:results()[1].notified)
  end)

  it("waits for a callback that runs, which is called for no other outcome and not again", function()
    local told, is_over = {}, false
    local offline = { callback = function(_, success)
      told[#told + 1] = success.id
      if is_over then return end
      appsync.sleep(0.2)
      is_over = true
    end }
    client = outbox.connect{ offline = offline }
    client:set_online(false)
    assert(client:mutate(CREATE, { id = "e1", name = "e1" }))
    assert(client:mutate(CREATE, { id = "e2", name = "e2" }))
    client:set_online(true)
    wait_for(function() return told[1] end, "the callback")
    assert.is_true(client:close(5))
    assert.is_true(is_over)
    client = outbox.connect{ offline = offline }
    assert(client.outbox:drain(10))
    wait_for(function() return told[2] end, "the other outcome")
    assert.equal(2, #told)
    assert.not_equal(told[1], told[2])
  end)

  it("doesn't wait for the callback that calls it", function()
    local seconds
    client = outbox.connect{ offline = { callback = function()
      local began = now()
      client:close(60)
      seconds = now() - began
    end } }
    client:set_online(false)
    assert(client:mutate(CREATE, { id = "f1", name = "f1" }))
    client:set_online(true)
    wait_for(function() return seconds end, "close")
    assert.is_true(seconds < 30)
  end)

  it("is at once where none is", function()
    client = outbox.connect()
    client:set_online(false)
    assert(client:mutate(CREATE, { id = "d1", name = "d1" }))
    local task = appsync.spawn(function() return client:close(60) end)
    assert.is_true(task:await(10))
  end)
end)
