-- Other schedulers beside each other and beside the library's tasks. Against a real server.
local appsync = require "appsync"
local cqueues = require "cqueues"
local host = require "appsync.host"
local process = require "spec.support.process"
local server = require "spec.support.server"
local uv = require "luv"

local BOUND = 10

describe("host adapters", function()
  local service, client

  setup(function()
    service = server.start{ schema = "type Query { n(i: Int): Int }",
      resolvers = "return { Query = { n = function(ctx) return ctx.arguments.i end } }" }
    client = appsync.client{ endpoint = service.endpoint, auth = { type = "API_KEY", api_key = server.API_KEY } }
  end)

  teardown(function()
    client:close(5)
    process.stop_all()
  end)

  after_each(function() host.use(nil) end)

  local function n(i)
    local data, err = client:query("query($i: Int) { n(i: $i) }", { i = i })
    assert.is_nil(err)
    return data.n
  end

  it("for cqueues and luv in one state wake their own coroutines, each from its loop", function()
    local controller, order, is_in_loop = cqueues.new(), {}, false
    local function ask(name, seconds)
      appsync.sleep(seconds)
      assert.equal(1, n(1))
      order[#order + 1] = name .. (is_in_loop and " in luv's loop" or "")
    end
    host.use "cqueues"
    controller:wrap(ask, "cqueues", 0.02)
    assert(controller:step(0))
    host.use "luv"
    assert(coroutine.resume(coroutine.create(ask), "luv", 0.01))
    local task = appsync.spawn(ask, "task", 0.03)
    is_in_loop = true
    uv.run() -- ends with the last wait of its own
    is_in_loop = false
    host.use(nil)
    assert(controller:loop(BOUND))
    assert.is_nil(select(2, task:await(BOUND)))
    -- The task goes on wherever the library is driven.
    for i, name in ipairs(order) do order[i] = name:gsub("^(task).*", "%1") end
    table.sort(order)
    assert.same({ "cqueues", "luv in luv's loop", "task" }, order)
  end)

  it("may be chosen again", function()
    host.use "luv"
    host.use "cqueues"
    host.use "luv"
    local got
    assert(coroutine.resume(coroutine.create(function() got = n(2) end)))
    assert.is_nil(got)
    uv.run()
    assert.equal(2, got)
  end)

  it("for cqueues tell a generator from the coroutine that resumes it", function()
    host.use "cqueues"
    local controller, got = cqueues.new(), nil
    controller:wrap(function()
      got = coroutine.wrap(function() coroutine.yield(n(3)) end)()
    end)
    assert(controller:loop(BOUND))
    assert.equal(3, got)
  end)

  it("for cqueues end with the waits of their controller, whatever waits in another one", function()
    host.use "cqueues"
    local short, long, order = cqueues.new(), cqueues.new(), {}
    local task = appsync.spawn(appsync.sleep, math.huge)
    long:wrap(function()
      task:await()
      order[#order + 1] = "long"
    end)
    assert(long:step(0))
    short:wrap(function() order[#order + 1] = n(4) end)
    assert(short:loop(BOUND))
    assert.is_true(short:empty())
    assert.same({ 4 }, order)
    task:cancel()
    assert(long:loop(BOUND))
    assert.same({ 4, "long" }, order)
  end)

  it("hand a task's call of their scheduler to its loop, between calls of the library", function()
    host.use "cqueues"
    local controller, got, err = cqueues.new(), {}, nil
    controller:wrap(function()
      err = select(2, appsync.spawn(function()
        got[1] = n(5)
        cqueues.sleep(0.01)
        got[2] = n(6)
      end):await(BOUND))
    end)
    assert(controller:loop(BOUND))
    assert.is_nil(err)
    assert.same({ 5, 6 }, got)
  end)
end)
