-- Closing a client with calls in flight: they have their time, then they are ended.
local appsync = require "appsync"
local core = require "appsync.core"
local faults = require "spec.support.faults"
local peer = require "spec.support.peer"
local process = require "spec.support.process"
local program = require "spec.support.program"
local server = require "spec.support.server"
local wait_for = require "spec.support.wait"

local SCHEMA = [[
type Note { id: ID! text: String }
type Query { one: Int }
type Mutation { note(text: String): Note }
type Subscription { onNote: Note @aws_subscribe(mutations: ["note"]) }
]]
local RESOLVERS = [[
return {
  Query = { one = function() return 1 end },
  Mutation = { note = function(ctx) return { id = "1", text = ctx.arguments.text } end },
}
]]
local NOTE = "mutation { note(text: \"hi\") { id text } }"
local GOOD = { note = { id = "1", text = "hi" } }
local BOUND = 10
local SLOW_MS = 150

describe("close", function()
  local faulty, client

  setup(function() faulty = faults.start { schema = SCHEMA, resolvers = RESOLVERS } end)
  teardown(process.stop_all)
  before_each(function() faulty.reset() end)
  after_each(function()
    if client then assert.is_true(client:close(0)) end
    client = nil
  end)

  local function connect(options)
    options = options or {}
    options.endpoint = options.endpoint or faulty.endpoint
    options.auth = options.auth or { type = "API_KEY", api_key = server.API_KEY }
    options.retry = options.retry or { base = 0.01, cap = 0.02, attempts = 3 }
    client = appsync.client(options)
    return client
  end

  local function is_sent(n)
    wait_for(function() return #faulty.log "?on=request" >= (n or 1) end, "the request")
  end

  local function slow() faulty.add { match = { on = "request" }, fault = { delay = SLOW_MS } } end

  it("waits for a mutation whose task waits for it", function()
    slow()
    connect()
    local task = appsync.spawn(client.mutate, client, NOTE)
    appsync.sleep(0) -- it begins
    assert.is_true(client:close(BOUND))
    local data, err = task:await(BOUND)
    assert.is_nil(err)
    assert.same(GOOD, data)
    assert.equal(1, faulty.effects().note.count)
  end)

  it("waits in a task, and for calls of users and with on_result, and completes subscriptions meanwhile", function()
    connect()
    local got, events = {}, {}
    local s = client:subscribe("subscription { onNote { text } }"):subscribe{
      next = function() end, complete = function() events[#events + 1] = "complete" end,
    }
    assert.is_true(s:ready(BOUND))
    slow()
    local function keep(name)
      return function(data, err)
        events[#events + 1] = name
        got[name] = data or err
      end
    end
    appsync.run(function()
      client:mutate(NOTE, nil, { on_result = keep "mutation" })
      client:query("{ one }", nil, { on_result = keep "query" })
      client:with{ headers = { ["x-user"] = "ann" } }:query("{ one }", nil, { on_result = keep "user" })
      assert.is_true(client:close(BOUND))
      local _, err = client:query "{ one }"
      assert.equal("closed", err.kind)
    end)
    assert.same({ mutation = GOOD, query = { one = 1 }, user = { one = 1 } }, got)
    assert.equal("complete", events[1])
    assert.equal("Disconnected", client.connection.state)
  end)

  it("lets a call be renewed and retried", function()
    local n = 0
    local busy = { "http", 503, {}, "" }
    local refused = { "http", 401, {}, '{"errors":[{"errorType":"UnauthorizedException","message":"no"}]}' }
    local other = peer.start { connections = { { { "request" }, busy, { "request" }, refused, { "request" },
      { "http", 200, {}, '{"data":{"a":1}}' }, { "wait" } } } }
    connect { endpoint = other.url, auth = { type = "AWS_LAMBDA", token = function()
      n = n + 1
      appsync.sleep(0.01)
      return "token-" .. n
    end } }
    local task = appsync.spawn(client.query, client, "{ a }", nil, { headers = function()
      appsync.sleep(0.01)
      return { ["x-late"] = "1" }
    end })
    appsync.sleep(0)
    assert.is_true(client:close(BOUND))
    assert.same({ a = 1 }, (task:await(BOUND)))
    assert.equal(2, n)
    other.stop()
  end)

  for name, seconds in pairs{ ["at once with 0"] = 0, ["after its timeout"] = 0.1 } do
    it("ends what isn't answered " .. name .. ", and tells that it may have been done", function()
      faulty.add { match = { on = "request" }, fault = { lose_answer = "hang" } }
      connect()
      local task = appsync.spawn(client.mutate, client, NOTE)
      appsync.sleep(0)
      is_sent()
      local began = core.now()
      assert.is_true(client:close(seconds))
      assert.is_true(core.now() - began >= seconds)
      local data, err = task:await(BOUND)
      assert.is_nil(data)
      assert.same({ "closed", true }, { err.kind, err.sent })
      assert.equal(1, faulty.effects().note.count)
    end)
  end

  it("ends what was never sent without saying that it was", function()
    connect { auth = { type = "AWS_LAMBDA", token = function() appsync.sleep(math.huge) end } }
    local task = appsync.spawn(client.mutate, client, NOTE)
    appsync.sleep(0)
    assert.is_true(client:close(0.05))
    local data, err = task:await(BOUND)
    assert.is_nil(data)
    assert.equal("closed", err.kind)
    assert.is_falsy(err.sent)
  end)

  it("isn't held up by what is in flight at collection and at the end of the state", function()
    local silent = peer.start { connections = { { { "request" }, { "wait" } } }, ["repeat"] = true }
    local output, status = program(([[
      local appsync = require "appsync"
      local client = appsync.client{ endpoint = %q, auth = { type = "NONE" } }
      client:mutate("mutation { a }", nil, { on_result = function() end, timeout = 3600 })
      appsync.sleep(0.05)
      client = nil
      collectgarbage()
      print "end"
    ]]):format(silent.url))
    assert.same({ "end\n", 0 }, { output, status })
    silent.stop()
  end)
end)
