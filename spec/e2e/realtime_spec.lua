-- Subscriptions against the local server: from subscribe to close.
local compat = require "appsync.compat"
local server = require "spec.support.server"
local todos = require "spec.support.todos"

local wait, serve, connect, create, name_of = todos.wait, todos.serve, todos.connect, todos.create, todos.name_of
local take, ready, count, ON_CREATE, BOUND = todos.take, todos.ready, todos.count, todos.ON_CREATE, todos.BOUND

describe("a subscription to the local server", function()
  after_each(todos.stop)

  it("is acknowledged and then gets every event in order", function()
    serve()
    connect()
    local s = ready(todos.client:subscribe(ON_CREATE):subscribe())
    for i = 1, 20 do create("n" .. i) end
    for i = 1, 20 do assert.equal("n" .. i, take(s)) end
    local event, err = s:next(0.01)
    assert.is_nil(event)
    assert.equal("timeout", err.kind)
    create "later"
    assert.equal("later", take(s))
    s:unsubscribe()
    event, err = s:next(1)
    assert.is_nil(event)
    assert.is_nil(err)
  end)

  it("gives its events to callbacks, which may wait, one after the other", function()
    serve()
    connect()
    local seen, states, completed = {}, {}, 0
    local s = todos.client:subscribe(ON_CREATE):subscribe{
      next = function(event)
        local name = name_of(event)
        seen[#seen + 1] = "<" .. name
        todos.client:query "{ a }"
        seen[#seen + 1] = name .. ">"
      end,
      state = function(state) states[#states + 1] = state end,
      complete = function() completed = completed + 1 end,
    }
    ready(s)
    create "a"
    create "b"
    wait("both", function() return #seen == 4 end)
    assert.same({ "<a", "a>", "<b", "b>" }, seen)
    assert.same({ "subscribed" }, states)
    todos.client:close(5)
    wait("complete", function() return completed == 1 end)
  end)

  it("can be looped over with each, and take(n) ends it at the server", function()
    serve()
    connect()
    local names = {}
    local first = todos.client:subscribe(ON_CREATE):take(2)
    local s = ready(first:subscribe())
    for i = 1, 3 do create("n" .. i) end
    for event in s:each() do names[#names + 1] = name_of(event) end
    assert.is_nil(s.err)
    assert.same({ "n1", "n2" }, names)
    wait("stop", function() return count '"type":"stop"' == 1 end)
  end)

  it("ends at the server when a loop is left after unsubscribe", function()
    serve()
    connect()
    local s = ready(todos.client:subscribe(ON_CREATE):subscribe())
    create "a"
    create "b"
    local names = {}
    for event in s:each() do
      names[#names + 1] = name_of(event)
      s:unsubscribe()
      if #names == 1 then break end
    end
    assert.same({ "a" }, names)
    wait("stop", function() return count '"type":"stop"' == 1 end)
  end)

  it("ends when the loop over it is left early, at once where the VM can tell", function()
    if not compat.has_close then return end
    serve()
    connect()
    local observable = todos.client:subscribe(ON_CREATE)
    local s = ready(observable:subscribe())
    create "a"
    -- Lua 5.4 closes the loop's fourth value.
    assert(load([[local s, name_of = ... for event in s:each() do assert(name_of(event) == "a") break end]]))(s, name_of)
    wait("stop", function() return count '"type":"stop"' == 1 end)
  end)

  it("ends when nobody holds it any more", function()
    serve()
    connect()
    ready(todos.client:subscribe(ON_CREATE):subscribe())
    wait("stop", function()
      require("spec.support.collect")()
      return count '"type":"stop"' == 1
    end)
  end)

  it("shares one server subscription with equal ones; the last one out stops it", function()
    serve()
    connect()
    local a = ready(todos.client:subscribe(ON_CREATE):subscribe())
    local b = ready(todos.client:subscribe("subscription   {onCreateTodo{name,priority}}"):subscribe())
    assert.equal(1, count '"type":"start"')
    create "x"
    assert.equal("x", take(a))
    assert.equal("x", take(b))
    a:unsubscribe()
    create "y"
    assert.equal("y", take(b))
    assert.equal(0, count '"type":"stop"')
    b:unsubscribe()
    wait("stop", function() return count '"type":"stop"' == 1 end)
  end)

  it("has a server subscription of its own with share = false", function()
    serve()
    connect()
    local a = ready(todos.client:subscribe(ON_CREATE):subscribe())
    local b = ready(todos.client:subscribe(ON_CREATE, nil, { share = false }):subscribe())
    assert.equal(2, count '"type":"start"')
    create "x"
    assert.equal("x", take(a))
    assert.equal("x", take(b))
    assert.equal(1, todos.client:stats().connections)
  end)

  it("is filtered by its arguments", function()
    serve()
    connect()
    local document = "subscription($f: ModelSubscriptionTodoFilterInput) { onCreateTodo(filter: $f) { name priority } }"
    local high = ready(todos.client:subscribe(document, { f = { priority = { gt = 5 } } }):subscribe())
    local all = ready(todos.client:subscribe(document):subscribe())
    assert.equal(2, count '"type":"start"')
    create("low", 1)
    create("high", 9)
    assert.equal("high", take(high))
    assert.equal("low", take(all))
    assert.equal("high", take(all))
  end)

  it("fails with the service's message when the document is wrong, and leaves the others alone", function()
    serve()
    connect()
    local good = ready(todos.client:subscribe(ON_CREATE):subscribe())
    local bad = todos.client:subscribe("subscription { onCreateTodo { nothing } }"):subscribe()
    local ok, err = bad:ready(BOUND)
    assert.is_nil(ok)
    assert.equal("graphql", err.kind)
    assert.truthy(err.message:find("nothing", 1, true), err.message)
    assert.equal(err, bad.err)
    create "a"
    assert.equal("a", take(good))
  end)

  it("is ready when what stands in for it after a failure is", function()
    serve()
    connect()
    local bad = todos.client:subscribe "subscription { onCreateTodo { nothing } }"
    local s = ready(bad:catch(function() return todos.client:subscribe(ON_CREATE) end):subscribe())
    create "a"
    assert.equal("a", take(s))
    local not_configured = todos.client:subscribe(ON_CREATE, nil, { auth_mode = "AWS_LAMBDA" })
    s = ready(not_configured:catch(function() return todos.client:subscribe(ON_CREATE) end):subscribe())
    create "b"
    assert.equal("b", take(s))
  end)

  it("runs beside others with another identity on one socket", function()
    serve()
    connect{
      auths = { { type = "AWS_IAM", credentials = {
        access_key_id = server.ACCESS_KEY_ID, secret_access_key = server.SECRET_ACCESS_KEY,
      } } },
    }
    local by_key = ready(todos.client:subscribe("subscription { byKey { text } }"):subscribe())
    local by_iam = ready(todos.client:subscribe("subscription { byIam { text } }", nil, { auth_mode = "AWS_IAM" }):subscribe())
    local wrong = todos.client:subscribe("subscription { byIam { text } }", nil, { auth_mode = "API_KEY" }):subscribe()
    local _, refused = wrong:ready(BOUND)
    assert.equal("auth", refused and refused.kind)
    local _, err = todos.client:mutate "mutation { note(text: \"hello\") { text } }"
    assert.is_nil(err)
    assert.equal("hello", by_key:next(BOUND).byKey.text)
    assert.equal("hello", by_iam:next(BOUND).byIam.text)
    assert.equal(1, todos.client:stats().connections)
  end)

  it("is refused with a wrong key, and the key stands in no message", function()
    serve()
    connect{ auth = { type = "API_KEY", api_key = "da2-top-secret" } }
    local s = todos.client:subscribe(ON_CREATE):subscribe()
    local ok, err = s:ready(BOUND)
    assert.is_nil(ok)
    assert.equal("auth", err.kind)
    assert.is_nil((tostring(err) .. table.concat(todos.log, "\n")):find("top-secret", 1, true))
  end)

  it("drops its oldest events when told so, counts them, and tells the connection's observers", function()
    serve()
    connect()
    local states = todos.client.connection:observe():subscribe()
    local s = ready(todos.client:subscribe(ON_CREATE, nil, { buffer = 4, overflow = "drop_oldest" }):subscribe())
    local other = ready(todos.client:subscribe(ON_CREATE, nil, { share = false }):subscribe())
    for i = 1, 30 do create(i .. "") end
    for i = 1, 30 do assert.equal(i .. "", take(other)) end
    local names = {}
    repeat
      local name = take(s)
      names[#names + 1] = name
    until name == "30"
    assert.is_true(#names < 30)
    assert.equal(30, #names + s.dropped)
    for i = 2, #names do assert.is_true(tonumber(names[i]) > tonumber(names[i - 1])) end
    local told
    repeat
      local state, err = states:next(1)
      told = err and err.code == "events_dropped"
    until told or not state
    assert.is_true(told)
  end)

  it("ends with an error when its buffer is full and it was told so", function()
    serve()
    connect()
    local s = ready(todos.client:subscribe(ON_CREATE, nil, { buffer = 3, overflow = "error" }):subscribe())
    local other = ready(todos.client:subscribe(ON_CREATE, nil, { share = false }):subscribe())
    for i = 1, 10 do create(i .. "") end
    for i = 1, 10 do assert.equal(i .. "", take(other)) end
    local n = -1
    local event, err
    repeat
      n = n + 1
      event, err = s:next(BOUND)
    until not event
    assert.equal("overflow", err.code)
    assert.is_true(n >= 3 and n <= 4, n .. " events") -- three buffered, and one that s:next may have in hand
    create "still"
    assert.equal("still", take(other))
  end)

  it("ends with a timeout that tells the count when it stays behind for too long", function()
    serve()
    connect{ timeouts = { stall = 0.1 } }
    local s = ready(todos.client:subscribe(ON_CREATE, nil, { buffer = 5 }):subscribe())
    for i = 1, 10 do create(i .. "") end
    local failure
    wait("the stall", function()
      failure = s.err
      return failure or todos.client:stats().subscriptions == 0
    end)
    local err
    repeat
      local event
      event, err = s:next(BOUND)
    until not event
    assert.equal("stalled", err.code)
    assert.equal("timeout", err.kind)
    -- Five fill the buffer; what the same read of the socket brought besides is there too.
    local n = tonumber(err.message:match("catch up: (%d+) events"))
    assert.is_true(n ~= nil and n >= 5 and n <= 10, err.message)
    assert.is_false(err.retryable)
  end)

  it("loses nothing when it is slow: the socket waits for it", function()
    serve()
    connect()
    local s = ready(todos.client:subscribe(ON_CREATE, nil, { buffer = 4 }):subscribe())
    for i = 1, 60 do create(i .. "") end
    for i = 1, 60 do assert.equal(i .. "", take(s)) end
    assert.equal(0, s.dropped)
  end)

  it("completes when its client closes", function()
    serve()
    connect()
    local completed = 0
    local pulled = ready(todos.client:subscribe(ON_CREATE):subscribe())
    todos.client:subscribe(ON_CREATE):subscribe{ complete = function() completed = completed + 1 end }
    assert.is_true(todos.client:close(5))
    wait("complete", function() return completed == 1 end)
    local event, err = pulled:next(1)
    assert.is_nil(event)
    assert.is_nil(err)
    assert.equal("Disconnected", todos.client.connection.state)
    local late = todos.client:subscribe(ON_CREATE):subscribe()
    local ok, late_err = late:ready(1)
    assert.is_nil(ok)
    assert.equal("closed", late_err.kind)
  end)

  it("may be unsubscribed while its client closes", function()
    serve()
    connect()
    local s = ready(todos.client:subscribe(ON_CREATE):subscribe())
    local closed
    todos.client:close{ on_result = function(ok) closed = ok end }
    s:unsubscribe()
    todos.client:set_online(false)
    wait("the end", function() return closed end)
    assert.same({}, todos.log)
  end)

  it("authenticates in the URL with handshake = \"query\"", function()
    serve()
    connect{ realtime = { handshake = "query" } }
    local s = ready(todos.client:subscribe(ON_CREATE):subscribe())
    create "x"
    assert.equal("x", take(s))
  end)

  it("speaks graphql-transport-ws when told so", function()
    serve()
    connect{ realtime = { protocol = "graphql-transport-ws" } }
    local s = ready(todos.client:subscribe(ON_CREATE):subscribe())
    wait("the event", function()
      create "x"
      return s:next(0.05)
    end)
    assert.truthy(todos.service.log():find('"type":"subscribe"', 1, true), todos.service.log())
  end)
end)
