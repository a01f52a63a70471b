-- appsync.start, appsync.suspend and appsync.resumed, as a game calls them.
local appsync = require "appsync"
local core = require "appsync.core"
local peer = require "spec.support.peer"
local program = require "spec.support.program"
local realtime_peer = require "spec.support.realtime_peer"
local server = require "spec.support.server"
local todos = require "spec.support.todos"

local BOUND = todos.BOUND
local CREATE = "mutation C($name: String!) { createTodo(input: {name: $name}) { id name } }"

-- Another process, while nothing of the library runs in this one.
local function create_elsewhere(n)
  local output = program(([[
    local appsync = require "appsync"
    local client = appsync.client{ endpoint = %q, auth = { type = "API_KEY", api_key = %q } }
    for i = 1, %d do appsync.assert(client:mutate(%q, { name = "missed " .. i })) end
    client:close(5)
    print "created"
  ]]):format(todos.service.endpoint, server.API_KEY, n, CREATE))
  assert.equal("created\n", output)
end

-- Without driving the library.
local function watch(what, fn)
  local give_up = core.now() + BOUND
  repeat assert(core.now() < give_up, what) until fn()
end

describe("appsync.suspend", function()
  after_each(todos.stop)

  for _, overflow in ipairs{ "pause", "error", "drop_oldest" } do
    it("ends no subscription, and resumed tells how many events it missed, with overflow = " .. overflow, function()
      todos.serve()
      todos.connect{ timeouts = { stall = 0.05 } }
      local told, completed = {}, false
      todos.client.connection:observe():subscribe(function(_, err)
        if err and err.code == "events_dropped" then told[#told + 1] = err.dropped end
      end)
      local s = todos.ready(todos.client:subscribe(todos.ON_CREATE, nil, { buffer = 5, overflow = overflow }):subscribe())
      assert.is_true(appsync.suspend{ deadline = BOUND })
      create_elsewhere(300)
      watch("300 events", function() return todos.client:stats().dropped_events == 300 end)
      assert.equal(300, appsync.resumed())
      assert.equal(0, appsync.resumed())
      todos.wait("the news of them", function() return s.dropped == 300 end)
      assert.same({ 300 }, told)
      todos.create "after"
      assert.equal("after", todos.take(s))
      assert.equal(1, todos.client:stats().connections)
      assert.is_false(completed)
      s:unsubscribe()
    end)
  end

  it("leaves what had come before to be taken afterwards", function()
    todos.serve()
    todos.connect()
    local s = todos.ready(todos.client:subscribe(todos.ON_CREATE, nil, { buffer = 4 }):subscribe())
    create_elsewhere(20)
    watch("20 events", function() return todos.client:stats().events == 20 end)
    appsync.suspend()
    assert.equal(0, appsync.resumed())
    for i = 1, 20 do assert.equal("missed " .. i, todos.take(s)) end
  end)

  it("lets a subscription with catch_up miss nothing", function()
    todos.serve()
    todos.connect()
    local seen = {}
    local s = todos.client:subscribe("subscription { onCreateTodo { id name } }", nil, {
      catch_up = { query = "{ listTodos { items { id name } } }" },
    }):subscribe(function(event) seen[event.onCreateTodo.name] = true end)
    todos.ready(s)
    appsync.suspend()
    create_elsewhere(20)
    appsync.resumed()
    todos.wait("all of them", function()
      for i = 1, 20 do if not seen["missed " .. i] then return false end end
      return true
    end)
  end)

  it("waits for the answers of calls and for what is queued", function()
    todos.serve()
    todos.connect{ store = ":memory:" }
    local name
    todos.client:mutate(CREATE, { name = "called" }, { queue = false, on_result = function(data) name = data.createTodo.name end })
    for i = 1, 5 do
      todos.client:mutate(CREATE, { name = "queued " .. i }, {
        optimistic_response = { createTodo = { __typename = "Todo", id = appsync.uuid(), name = "queued " .. i } },
        on_result = function() end,
      })
    end
    assert.is_true(appsync.suspend{ deadline = BOUND })
    assert.equal("called", name)
    assert.equal(0, todos.client.outbox:size())
    appsync.resumed()
    assert.equal(6, #todos.client:query("{ listTodos { items { name } } }", nil, { fetch_policy = "network-only" }).listTodos.items)
  end)

  it("doesn't wait for a network", function()
    todos.serve()
    todos.connect{ store = ":memory:" }
    todos.client:set_online(false)
    local _, err, info = todos.client:mutate(CREATE, { name = "later" }, {
      optimistic_response = { createTodo = { __typename = "Todo", id = appsync.uuid(), name = "later" } },
    })
    assert.is_nil(err)
    assert.is_true(info.queued)
    local began = core.now()
    assert.is_true(appsync.suspend{ deadline = BOUND })
    assert.is_true(core.now() - began < BOUND / 2)
    assert.equal(1, todos.client.outbox:size())
    appsync.resumed()
    todos.client:set_online(true) -- now there is one
    assert.is_true(appsync.suspend{ deadline = BOUND })
    assert.equal(0, todos.client.outbox:size())
    appsync.resumed()
    assert.equal("later", todos.client:query("{ listTodos { items { name } } }", nil, {
      fetch_policy = "network-only" }).listTodos.items[1].name)
  end)
end)

describe("appsync.suspend with a service that says nothing", function()
  after_each(realtime_peer.stop)

  it("is over at its deadline", function()
    local silent = peer.start{ connections = { { { "wait" } } }, ["repeat"] = true }
    realtime_peer.client = appsync.client{ endpoint = silent.url, auth = { type = "NONE" } }
    local told
    realtime_peer.client:query("{ a }", nil, { on_result = function(_, err) told = err end })
    local began = core.now()
    assert.is_false(appsync.suspend{ deadline = 0.05 })
    assert.is_true(core.now() - began >= 0.05)
    assert.is_nil(told)
    appsync.resumed()
    realtime_peer.client:close(0)
    assert.equal("closed", told.kind)
  end)
end)

describe("appsync.start", function()
  it("starts the thread that the first call would, once, and the program ends as ever", function()
    local output, status = program [[
      local appsync = require "appsync"
      local function n_lines(command)
        local n = 0
        for _ in io.popen(command):lines() do n = n + 1 end
        return n
      end
      local function n_named() return n_lines "grep -l ^appsync- /proc/$PPID/task/*/comm" end
      local function n_threads() return n_lines "ls /proc/$PPID/task" end -- a sanitizer has threads, too
      print(n_named(), appsync.start())
      local give_up_at = os.time() + 10
      while n_named() == 0 and os.time() < give_up_at do end -- a thread names itself
      local n_before = n_threads()
      print(n_named(), appsync.start(), n_named(), n_threads() - n_before)
      local client = appsync.client{ endpoint = "http://127.0.0.1:9/graphql", auth = { type = "NONE" }, retry = { attempts = 1 } }
      print(select(2, client:query "{ a }").kind)
    ]]
    assert.equal("0\ttrue\n1\ttrue\t1\t0\nnetwork\n", output)
    assert.equal(0, status)
  end)
end)
