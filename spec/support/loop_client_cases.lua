-- What a client does in each loop, against the local server. `loop` is that of spec/support/loop_cases.lua, and has also
--   every(seconds, fn) calls fn by the loop's own timer until it gives false, receive(socket, fn) calls it with the byte that
--   has come, by the loop's own means; no `receive`: it has none for sockets.
local appsync = require "appsync"
local assert = require "luassert"
local cases = require "spec.support.loop_cases"
local process = require "spec.support.process"
local server = require "spec.support.server"
local socket = require "socket"

local SCHEMA = [[
type Query { n(i: Int): Int fail: Int }
type Mutation { say(text: String): Said }
type Said { text: String }
type Subscription { said: Said @aws_subscribe(mutations: ["say"]) }
]]
local RESOLVERS = [[
return {
  Query = { n = function(ctx) return ctx.arguments.i end, fail = function() error "the resolver failed" end },
  Mutation = { say = function(ctx) return { text = ctx.arguments.text } end },
}
]]
local QUERY = "query($i: Int) { n(i: $i) }"
local SAY = "mutation($text: String) { say(text: $text) { text } }"
local SAID = "subscription { said { text } }"
local BOUND = 10

local function client_of(endpoint)
  return appsync.client{ endpoint = endpoint, auth = { type = "API_KEY", api_key = server.API_KEY }, retry = { attempts = 1 } }
end

-- Takes connections, and says nothing.
local function silent_listener()
  local listener = assert(socket.bind("127.0.0.1", 0))
  return listener, ("http://127.0.0.1:%d/graphql"):format(select(2, listener:getsockname()))
end

local function connected_pair()
  local listener = assert(socket.bind("127.0.0.1", 0))
  local near = assert(socket.connect("127.0.0.1", (select(2, listener:getsockname()))))
  local far = assert(listener:accept())
  listener:close()
  near:settimeout(0)
  return near, far
end

local function calls_are_answered(loop, case)
  case("a query and a mutation get their answers", function(client)
    local results = cases.run(loop, function()
      local data, err, info = client:query(QUERY, { i = 1 })
      return data.n, tostring(err), info.source, client:mutate(SAY, { text = "hello" }).say.text
    end)
    assert.same({ { 1, "nil", "network", "hello" } }, results)
  end)

  case("calls of several coroutines are on their way at once", function(client)
    local events, answers, functions = {}, {}, {}
    for i = 1, 3 do
      functions[i] = function()
        table.insert(events, "asks")
        answers[i] = client:query(QUERY, { i = i }).n
        table.insert(events, "answered")
      end
    end
    cases.run(loop, functions[1], functions[2], functions[3])
    assert.same({ 1, 2, 3 }, answers)
    assert.same({ "asks", "asks", "asks", "answered", "answered", "answered" }, events)
  end)

  case("errors are results, and a wrong argument throws where it stands", function(client)
    local listener, endpoint = silent_listener()
    listener:close()
    local lost = client_of(endpoint)
    local results = cases.run(loop, function()
      return select(2, client:query "{ fail }").kind, select(2, lost:query "{ n }").kind, select(2, pcall(client.query, client, 5))
    end)
    cases.logged(function() lost:close(5) end)
    assert.same({ "graphql", "network" }, { results[1][1], results[1][2] })
    assert.matches("must be", results[1][3])
  end)

  case("a generator's call drives the library, and answers there", function(client)
    local results
    cases.logged(function() -- of a place that blocks
      results = cases.run(loop, function()
        return coroutine.wrap(function() coroutine.yield(client:query(QUERY, { i = 7 }).n) end)()
      end)
    end)
    assert.same({ { 7 } }, results)
  end)
end

-- Answers the first request to a listener, a bit at each call.
local function answering(listener)
  local connection, request = nil, ""
  return function()
    connection = connection or listener:accept()
    if not connection then return end
    connection:settimeout(0)
    local all, _, part = connection:receive(65536)
    request = request .. (all or part or "")
    if not request:find("\r\n\r\n", 1, true) then return end
    assert(connection:send 'HTTP/1.1 200 OK\r\nContent-Length: 16\r\nConnection: close\r\n\r\n{"data":{"n":1}}')
    connection:close()
    return true
  end
end

local function nothing_blocks(loop, case)
  case("timers and sockets of the loop go on while a call waits: they answer it", function()
    local listener, endpoint = silent_listener()
    listener:settimeout(0)
    local asking, near, far = client_of(endpoint), connected_pair()
    local answer, byte, is_over = answering(listener), nil, false
    if loop.receive then
      assert(far:send "b")
      loop.receive(near, function(got) byte = got end)
    end
    loop.every(0.001, function()
      if loop.receive and not byte then return true end
      return not answer() and not is_over
    end)
    local results = cases.run(loop, function()
      local data = asking:query("{ n }", nil, { timeout = BOUND })
      is_over = true
      return data and data.n, byte
    end)
    assert.same({ { 1, loop.receive and "b" } }, results)
    cases.logged(function() asking:close(5) end)
    for _, open in ipairs{ listener, near, far } do open:close() end
  end)

  case("a call ends by its time-out", function()
    local listener, endpoint = silent_listener()
    local asking = client_of(endpoint)
    local results = cases.run(loop, function() return select(2, asking:query("{ n }", nil, { timeout = 0.01 })).kind end)
    assert.same({ { "timeout" } }, results)
    cases.logged(function() asking:close(5) end)
    listener:close()
  end)
end

local function tasks_run(loop, case)
  case("tasks are awaited, fail and are cancelled", function(client)
    local results = cases.run(loop, function()
      local task = appsync.spawn(function(i) return client:query(QUERY, { i = i }).n, "second" end, 2)
      local failed = appsync.spawn(error, "raised", 0)
      local endless = appsync.spawn(appsync.sleep, math.huge)
      local _, late = endless:await(0.005)
      local status = endless:status()
      endless:cancel()
      local n, second = task:await()
      return n, second, select(2, failed:await()).raised, late.kind, status, endless:status(), select(2, endless:await()).kind
    end)
    assert.same({ { 2, "second", "raised", "timeout", "running", "cancelled", "cancelled" } }, results)
  end)
end

local function events_come(loop, case)
  case("events are pulled and called back", function(client)
    local seen = {}
    local results = cases.run(loop, function()
      local pulled = client:subscribe(SAID):subscribe()
      local pushed = client:subscribe(SAID):subscribe(function(data) table.insert(seen, data.said.text) end)
      local is_ready = pulled:ready(BOUND) and pushed:ready(BOUND)
      for _, text in ipairs{ "one", "two" } do client:mutate(SAY, { text = text }) end
      local first, second = pulled:next(BOUND).said.text, pulled:next(BOUND).said.text
      loop.wait(function() return seen[2] end)
      local _, late = pulled:next(0.005)
      pulled:unsubscribe()
      pushed:unsubscribe()
      return is_ready, first, second, late.kind
    end)
    assert.same({ { true, "one", "two", "timeout" } }, results)
    assert.same({ "one", "two" }, seen)
  end)

  case("a callback that raises ends its subscription; the loop, others and the client go on", function(client)
    local ended
    local results = cases.run(loop, function()
      local asked = client:query(QUERY, { i = 1 }, { on_result = function() error("raised in on_result", 0) end })
      local s = client:subscribe(SAID):subscribe{
        next = function() error("raised in next", 0) end,
        error = function(err) ended = err end,
      }
      local other = client:subscribe(SAID):subscribe()
      local is_ready = s:ready(BOUND) and other:ready(BOUND)
      client:mutate(SAY, { text = "boo" })
      loop.wait(function() return ended end)
      local text = other:next(BOUND).said.text
      other:unsubscribe()
      return is_ready, text, client:query(QUERY, { i = 3 }).n, select(2, asked:await(BOUND)).raised
    end)
    assert.same({ { true, "boo", 3, "raised in on_result" } }, results)
    assert.equal("raised in next", ended.raised)
  end)
end

local function it_ends(loop, case)
  case("the loop ends while a subscription lives, and goes on with it when it runs again", function(client)
    local s
    cases.run(loop, function()
      s = client:subscribe(SAID):subscribe()
      s:ready(BOUND)
    end)
    local results = cases.run(loop, function()
      client:mutate(SAY, { text = "later" })
      return s:next(BOUND).said.text
    end)
    assert.same({ { "later" } }, results)
    s:unsubscribe()
  end)

  case("close ends what waits, and the loop", function(client)
    local results = cases.run(loop, function()
      local s = client:subscribe(SAID):subscribe()
      s:ready(BOUND)
      local waiting = appsync.spawn(s.next, s)
      local is_closed = client:close(5)
      local event, err = waiting:await(BOUND)
      return is_closed, waiting:status(), event or err or "the end", select(2, client:query(QUERY, { i = 1 })).kind
    end)
    assert.same({ { true, "done", "the end", "closed" } }, results)
  end)
end

local client_cases = {}

---Defines them, in a `describe` of the spec.
---@param loop table
---@param busted {it: function, setup: function, teardown: function} the spec's
function client_cases.define(loop, busted)
  local service
  busted.setup(function() service = server.start{ schema = SCHEMA, resolvers = RESOLVERS } end)
  busted.teardown(function() process.stop_all() end)

  local function case(name, fn)
    busted.it(name, function()
      local client = client_of(service.endpoint)
      local ok, raised = pcall(fn, client)
      local is_closed
      cases.logged(function() is_closed = client:close(5) end) -- blocks, as no loop runs
      if not ok then error(raised, 0) end
      assert.is_true(is_closed)
    end)
  end

  calls_are_answered(loop, case)
  nothing_blocks(loop, case)
  tasks_run(loop, case)
  events_come(loop, case)
  it_ends(loop, case)
end

return client_cases
