-- Functions for headers of mutations that are queued: whom they are asked for, and when.
local queueing = require "spec.support.queueing"

local drive, mutate, todo = queueing.drive, queueing.mutate, queueing.todo
local CREATE = queueing.CREATE

describe("a headers function of queued mutations", function()
  local core, appsync, client, queue

  local function open(options)
    client = queueing.open(options)
    core, appsync, queue = queueing.core, queueing.appsync, queueing.queue
  end

  before_each(function() open() end)

  local function newest() return queue.enqueued[#queue.enqueued].call end

  it("is asked when the core has a request to send, and not before", function()
    local asked = {}
    open{ headers = function(what)
      asked[#asked + 1] = what.kind .. " " .. what.name .. " " .. tostring(what.variables.name)
      return { ["x-n"] = #asked }
    end }
    mutate(CREATE, { name = "a" }, { timeout = 3 })
    assert.same({}, asked)
    assert.is_nil(newest().headers)
    assert.equal(3, newest().timeout)
    assert.is_true(queue.opened[1].asks_headers)
    assert.is_nil(queue.opened[1].headers)
    queue.event{ what = "headers", entry = 1, document = CREATE, operation = "C", variables = { name = "b" }, mode = "API_KEY" }
    drive()
    assert.same({ { entry = 1, headers = { ["x-n"] = "1" } } }, queue.headers)
    assert.same({ "mutation C b" }, asked)
  end)

  it("of the client that has made the call is asked while that waits, and the queue's afterwards", function()
    local function named(name) return function() return { ["x-who"] = name } end end
    local first = client:with{ identity = "ann", headers = named "first" }
    mutate(CREATE, nil, nil, first)
    local second = client:with{ identity = "ann", headers = named "second" }
    mutate(CREATE, nil, nil, second)
    local anns = core.queue "ann"
    local function ask(call)
      anns.event{ what = "headers", entry = 1, document = CREATE, operation = "C", variables = {}, call = call, mode = "API_KEY" }
      drive()
      return table.remove(anns.headers).headers["x-who"]
    end
    assert.equal("first", ask(anns.enqueued[1].id))
    assert.equal("second", ask(anns.enqueued[2].id))
    anns.reply(todo("1", "a"), nil, nil, anns.enqueued[1])
    drive()
    assert.equal("second", ask(anns.enqueued[1].id))
  end)

  it("that fails for a request tells the core why", function()
    local how
    open{ headers = function() return how() end }
    appsync.run(function() client:hydrated() end)
    local function ask()
      queue.event{ what = "headers", entry = 3, document = CREATE, operation = "C", variables = {}, mode = "API_KEY" }
      drive()
      return table.remove(queue.headers)
    end
    how = function() error("no token", 0) end
    assert.same({ entry = 3, message = "the headers function raised: no token" }, ask())
    how = function() return nil, "later" end
    assert.same({ entry = 3, message = "later" }, ask())
    how = function() return nil end
    assert.same({ entry = 3, headers = {} }, ask())
  end)

  it("that takes its time isn't waited for: the mutation is stored and shown", function()
    local n = 0
    open{ headers = function()
      n = n + 1
      appsync.sleep(1)
      return { ["x-n"] = n }
    end }
    local call = mutate(CREATE, nil, { optimistic_response = todo("x", "a") })
    assert.same({ "begin true", "write", "enqueue" }, queue.trace)
    queue.event{ what = "headers", entry = 1, document = CREATE, operation = "C", variables = {}, mode = "API_KEY" }
    drive()
    assert.same({}, queue.headers)
    drive(2)
    assert.same({ { entry = 1, headers = { ["x-n"] = "1" } } }, queue.headers)
    queue.reply(todo("1", "a"), nil, { has_layer = true })
    drive()
    assert.equal("1", call.data.createTodo.id)
    assert.equal(1, n)
  end)

  it("that raises, later also, is logged, and ends the wait of the call, whose mutation stays queued", function()
    open{ headers = function()
      appsync.sleep(1)
      error("no token", 0)
    end }
    local call = mutate(CREATE)
    drive(9)
    assert.same({}, queueing.log)
    queue.event{
      what = "headers", entry = 1, id = "aa-1", document = CREATE, operation = "C", variables = {}, mode = "API_KEY",
      call = queue.enqueued[1].id,
    }
    drive()
    drive(2)
    assert.matches("client.outbox: aa%-1 can't be sent now: the headers function raised: no token", queueing.log[1])
    assert.same({ { entry = 1, message = "the headers function raised: no token" } }, queue.headers)
    assert.same({ "usage", true, "aa-1" }, { call.err.kind, call.err.queued, call.err.id })
    assert.matches("the headers function raised: no token", call.err.message)
  end)

  it("that has no network itself is waited for", function()
    open{ headers = function() return nil, require("appsync.errors").new("network", "no token: no network") end }
    local call = mutate(CREATE)
    queue.event{
      what = "headers", entry = 1, document = CREATE, operation = "C", variables = {}, mode = "API_KEY", call = queue.enqueued[1].id,
    }
    drive()
    assert.same({ { entry = 1, message = "no token: no network" } }, queue.headers)
    assert.is_nil(call.is_over)
  end)
end)
