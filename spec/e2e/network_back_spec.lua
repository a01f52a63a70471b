-- The server goes away and comes back on the same port: what waits for it is live again soon after a sign, and without one
-- within the limits of docs/offline.md.
local appsync = require "appsync"
local core = require "appsync.core"
local process = require "spec.support.process"
local todos = require "spec.support.todos"

local PATIENCE = require "spec.support.patience"
local CREATE = "mutation C($name: String!) { createTodo(input: {name: $name}) { id name priority } }"

local wait, ready, ON_CREATE = todos.wait, todos.ready, todos.ON_CREATE

describe("a server that was away", function()
  local port, told, s, names

  local function count(list, what)
    local n = 0
    for _, item in ipairs(list) do n = n + (item == what and 1 or 0) end
    return n
  end

  local function begin(retry)
    todos.serve()
    port = todos.service.endpoint:match ":(%d+)/"
    todos.connect{ store = ":memory:", retry = retry }
    told, names = {}, {}
    s = todos.client:subscribe(ON_CREATE):subscribe{
      next = function(event) names[#names + 1] = todos.name_of(event) end,
      state = function(state) told[#told + 1] = state end,
    }
    ready(s)
  end

  local function kill()
    process.signal(todos.service.handle, "KILL")
    wait("the connection's end", function() return told[#told] == "reconnecting" end)
  end

  local function queue(name)
    local data, err, info = todos.client:mutate(CREATE, { name = name }, { idempotent = true })
    assert.is_nil(err)
    assert.is_true(info.queued)
    assert.is_truthy(data)
  end

  local function is_live() return count(told, "subscribed") == 2 end
  local function is_sent() return todos.client.outbox:size() == 0 end

  -- Seconds until it is so.
  local function seconds_until(what, fn)
    local began = core.now()
    wait(what, fn)
    return core.now() - began
  end

  after_each(todos.stop)

  -- By itself the connection would wait for days. It has one attempt: a draw of 30 seconds is short enough now and then for one
  -- while the server is away, and its subscription has ended then.
  local PATIENT = { base = 1e6, cap = 1e6, attempts = 1 }
  local SIGNS = {
    ["appsync.resumed()"] = function() appsync.resumed() end,
    ["set_online(true)"] = function() todos.client:set_online(true) end,
    ["any answer"] = function() assert(todos.client:query("{ a }", nil, { fetch_policy = "no-cache" })) end,
  }

  for name, give in pairs(SIGNS) do
    it("is used within a second after " .. name, function()
      begin(PATIENT)
      kill()
      queue "queued"
      local state
      local watch = todos.client:watch("{ a }"):subscribe(function(new) state = new end)
      wait("the watch's error", function() return state and state.err and not state.loading end)
      todos.serve(nil, port)
      give()
      local seconds = seconds_until("all of it", function()
        return is_live() and is_sent() and state.data and not state.err
      end)
      assert.is_true(seconds <= 1 * PATIENCE, seconds)
      assert.equal(1, state.data.a)
      watch:unsubscribe()
    end)
  end

  it("is used within five seconds without a sign", function()
    begin{}
    kill()
    queue "queued"
    local before = todos.client:stats().connections
    wait("several tries", function() return todos.client:stats().connections >= before + 4 end)
    todos.serve(nil, port)
    local seconds = seconds_until("both", function() return is_live() and is_sent() end)
    assert.is_true(seconds <= 5 * PATIENCE, seconds)
  end)

  it("is found out by the connection for the queue", function()
    begin{}
    kill()
    queue "queued"
    todos.serve(nil, port)
    wait("the connection", is_live)
    local seconds = seconds_until("the mutation", is_sent)
    assert.is_true(seconds <= 1 * PATIENCE, seconds)
  end)

  it("isn't asked anything while the program says that there is no network", function()
    begin{}
    kill()
    queue "queued"
    todos.client:set_online(false)
    -- What was under way is over.
    wait("quiet", function() return todos.client.outbox:status().state == "waiting_network" end)
    todos.serve(nil, port)
    local before = todos.client:stats()
    appsync.resumed()
    queue "another"
    local state
    local watch = todos.client:watch("{ a }"):subscribe(function(new) state = new end)
    wait("the watch's error", function() return state and state.err end)
    assert.equal("offline", state.err.code)
    appsync.resumed()
    -- The core has its turns; spec/csrc/client/reach_test.c lets minutes pass.
    local other = appsync.client{ endpoint = todos.service.endpoint, auth = { type = "API_KEY", api_key = "da2-test" } }
    for _ = 1, 20 do assert(other:query "{ a }") end
    local after = todos.client:stats()
    assert.same({ before.requests, before.connections }, { after.requests, after.connections })
    assert.equal(2, todos.client.outbox:size())
    todos.client:set_online(true)
    local seconds = seconds_until("all of it", function() return is_live() and is_sent() and state.data end)
    assert.is_true(seconds <= 1 * PATIENCE, seconds)
    watch:unsubscribe()
    assert.is_true(other:close(5))
  end)

  it("needs no client for a program to say that it is back", function()
    assert.has_no.errors(function() appsync.resumed() end)
    begin{}
    appsync.resumed()
    appsync.resumed()
    todos.create "x"
    wait("the event", function() return names[1] == "x" end)
    assert.equal(1, count(told, "subscribed"))
  end)
end)
