-- Subscriptions against the local server: from subscribe to close, and through its going away and coming back.
local appsync = require "appsync"
local compat = require "appsync.compat"
local core = require "appsync.core"
local process = require "spec.support.process"
local server = require "spec.support.server"

local SCHEMA = [[
type Todo @model { id: ID! name: String! priority: Int }
type Note @aws_api_key @aws_iam { text: String }
type Query { a: Int }
type Mutation { note(text: String): Note @aws_api_key @aws_iam }
type Subscription {
  byKey: Note @aws_subscribe(mutations: ["note"]) @aws_api_key
  byIam: Note @aws_subscribe(mutations: ["note"]) @aws_iam
}
]]
local RESOLVERS = [[
return { Query = { a = function() return 1 end }, Mutation = { note = function(context) return { text = context.arguments.text } end } }
]]
local CREATE = "mutation($name: String!, $priority: Int) { createTodo(input: {name: $name, priority: $priority}) { id name priority } }"
local ON_CREATE = "subscription { onCreateTodo { name priority } }"
local BOUND = 10

describe("a subscription to the local server", function()
  local service, client, log

  local function serve(arguments, port)
    arguments = arguments or {}
    arguments[#arguments + 1] = "--trace"
    service = server.start{ schema = SCHEMA, resolvers = RESOLVERS, arguments = arguments, port = port }
  end

  local function connect(options)
    options = options or {}
    options.endpoint = service.endpoint
    options.auth = options.auth or { type = "API_KEY", api_key = server.API_KEY }
    options.region = "us-east-1"
    options.retry = options.retry or { base = 0.02, cap = 0.1 }
    options.log = function(level, message) log[#log + 1] = level .. " " .. message end
    client = appsync.client(options)
    return client
  end

  before_each(function() log = {} end)

  after_each(function()
    if client then assert.is_true(client:close(5)) end
    client, service = nil, nil
    process.stop_all()
  end)

  local function create(name, priority)
    local data, err = client:mutate(CREATE, { name = name, priority = priority })
    assert.is_nil(err)
    return data.createTodo
  end

  local function name_of(event) return event and event.onCreateTodo and event.onCreateTodo.name end

  local function take(s)
    local event, err = s:next(BOUND)
    assert.is_nil(err)
    return name_of(event)
  end

  local function ready(s)
    local ok, err = s:ready(BOUND)
    assert.is_nil(err)
    assert.is_true(ok)
    return s
  end

  -- Drives the library until the function gives something.
  local function until_(what, fn)
    local give_up = core.now() + BOUND
    while true do
      local result = fn()
      if result then return result end
      assert.is_true(core.now() < give_up, "waited too long for " .. what .. "\n" .. service.log())
      appsync.sleep(0.005)
    end
  end

  local function count(pattern)
    local _, n = service.log():gsub(pattern, "")
    return n
  end

  local function state_is(states, wanted)
    until_("state " .. wanted, function()
      local state = states:next(BOUND)
      return state == wanted
    end)
  end

  it("is acknowledged and then gets every event in order", function()
    serve()
    connect()
    local s = ready(client:subscribe(ON_CREATE):subscribe())
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
    local s = client:subscribe(ON_CREATE):subscribe{
      next = function(event)
        local name = name_of(event)
        seen[#seen + 1] = "<" .. name
        client:query "{ a }"
        seen[#seen + 1] = name .. ">"
      end,
      state = function(state) states[#states + 1] = state end,
      complete = function() completed = completed + 1 end,
    }
    ready(s)
    create "a"
    create "b"
    until_("both", function() return #seen == 4 end)
    assert.same({ "<a", "a>", "<b", "b>" }, seen)
    assert.same({ "subscribed" }, states)
    client:close(5)
    until_("complete", function() return completed == 1 end)
  end)

  it("can be looped over with each, and take(n) ends it at the server", function()
    serve()
    connect()
    local names = {}
    local first = client:subscribe(ON_CREATE):take(2)
    local s = ready(first:subscribe())
    for i = 1, 3 do create("n" .. i) end
    for event in s:each() do names[#names + 1] = name_of(event) end
    assert.is_nil(s.err)
    assert.same({ "n1", "n2" }, names)
    until_("stop", function() return count '"type":"stop"' == 1 end)
  end)

  it("ends at the server when a loop is left after unsubscribe", function()
    serve()
    connect()
    local s = ready(client:subscribe(ON_CREATE):subscribe())
    create "a"
    create "b"
    local names = {}
    for event in s:each() do
      names[#names + 1] = name_of(event)
      s:unsubscribe()
      if #names == 1 then break end
    end
    assert.same({ "a" }, names)
    until_("stop", function() return count '"type":"stop"' == 1 end)
  end)

  it("ends when the loop over it is left early, at once where the VM can tell", function()
    if not compat.has_close then return end
    serve()
    connect()
    local observable = client:subscribe(ON_CREATE)
    local s = ready(observable:subscribe())
    create "a"
    -- Lua 5.4 closes the loop's fourth value.
    assert(load([[local s, name_of = ... for event in s:each() do assert(name_of(event) == "a") break end]]))(s, name_of)
    until_("stop", function() return count '"type":"stop"' == 1 end)
  end)

  it("ends when nobody holds it any more", function()
    serve()
    connect()
    ready(client:subscribe(ON_CREATE):subscribe())
    until_("stop", function()
      collectgarbage()
      return count '"type":"stop"' == 1
    end)
  end)

  it("shares one server subscription with equal ones; the last one out stops it", function()
    serve()
    connect()
    local a = ready(client:subscribe(ON_CREATE):subscribe())
    local b = ready(client:subscribe("subscription   {onCreateTodo{name,priority}}"):subscribe())
    assert.equal(1, count '"type":"start"')
    create "x"
    assert.equal("x", take(a))
    assert.equal("x", take(b))
    a:unsubscribe()
    create "y"
    assert.equal("y", take(b))
    assert.equal(0, count '"type":"stop"')
    b:unsubscribe()
    until_("stop", function() return count '"type":"stop"' == 1 end)
  end)

  it("has a server subscription of its own with share = false", function()
    serve()
    connect()
    local a = ready(client:subscribe(ON_CREATE):subscribe())
    local b = ready(client:subscribe(ON_CREATE, nil, { share = false }):subscribe())
    assert.equal(2, count '"type":"start"')
    create "x"
    assert.equal("x", take(a))
    assert.equal("x", take(b))
    assert.equal(1, client:stats().connections)
  end)

  it("is filtered by its arguments", function()
    serve()
    connect()
    local document = "subscription($f: ModelSubscriptionTodoFilterInput) { onCreateTodo(filter: $f) { name priority } }"
    local high = ready(client:subscribe(document, { f = { priority = { gt = 5 } } }):subscribe())
    local all = ready(client:subscribe(document):subscribe())
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
    local good = ready(client:subscribe(ON_CREATE):subscribe())
    local bad = client:subscribe("subscription { onCreateTodo { nothing } }"):subscribe()
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
    local bad = client:subscribe "subscription { onCreateTodo { nothing } }"
    local s = ready(bad:catch(function() return client:subscribe(ON_CREATE) end):subscribe())
    create "a"
    assert.equal("a", take(s))
    local not_configured = client:subscribe(ON_CREATE, nil, { auth_mode = "AWS_LAMBDA" })
    s = ready(not_configured:catch(function() return client:subscribe(ON_CREATE) end):subscribe())
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
    local by_key = ready(client:subscribe("subscription { byKey { text } }"):subscribe())
    local by_iam = ready(client:subscribe("subscription { byIam { text } }", nil, { auth_mode = "AWS_IAM" }):subscribe())
    local wrong = client:subscribe("subscription { byIam { text } }", nil, { auth_mode = "API_KEY" }):subscribe()
    local _, refused = wrong:ready(BOUND)
    assert.equal("auth", refused and refused.kind)
    local _, err = client:mutate "mutation { note(text: \"hello\") { text } }"
    assert.is_nil(err)
    assert.equal("hello", by_key:next(BOUND).byKey.text)
    assert.equal("hello", by_iam:next(BOUND).byIam.text)
    assert.equal(1, client:stats().connections)
  end)

  it("is refused with a wrong key, and the key stands in no message", function()
    serve()
    connect{ auth = { type = "API_KEY", api_key = "da2-top-secret" } }
    local s = client:subscribe(ON_CREATE):subscribe()
    local ok, err = s:ready(BOUND)
    assert.is_nil(ok)
    assert.equal("auth", err.kind)
    assert.is_nil((tostring(err) .. table.concat(log, "\n")):find("top-secret", 1, true))
  end)

  it("spreads over further sockets above the limit of one", function()
    serve{ "--max-subscriptions", "5" }
    connect{ realtime = { max_subscriptions = 5 } }
    local all = {}
    for i = 1, 12 do all[i] = client:subscribe(ON_CREATE, nil, { share = false }):subscribe() end
    for _, s in ipairs(all) do ready(s) end
    assert.equal(3, client:stats().sockets)
    create "x"
    for _, s in ipairs(all) do assert.equal("x", take(s)) end
  end)

  it("moves to a further socket when the service's limit is lower than was thought", function()
    serve{ "--max-subscriptions", "5" }
    connect()
    local all = {}
    for i = 1, 12 do all[i] = client:subscribe(ON_CREATE, nil, { share = false }):subscribe() end
    for _, s in ipairs(all) do ready(s) end
    create "x"
    for _, s in ipairs(all) do assert.equal("x", take(s)) end
    assert.equal(3, client:stats().sockets)
  end)

  it("leaves an idle socket, which is closed, and a later one opens the next", function()
    serve()
    connect{ realtime = { idle_close = 0.05 } }
    local states = client.connection:observe():subscribe()
    ready(client:subscribe(ON_CREATE):subscribe()):unsubscribe()
    state_is(states, "Disconnected")
    until_("the socket's end", function() return client:stats().sockets == 0 end)
    local s = ready(client:subscribe(ON_CREATE):subscribe())
    create "x"
    assert.equal("x", take(s))
    assert.equal(2, client:stats().connections)
  end)

  it("goes on when the server was killed and came back on the same port", function()
    serve()
    connect()
    local told = {}
    local states = client.connection:observe():subscribe()
    local names = {}
    local s = client:subscribe(ON_CREATE):subscribe{
      next = function(event) names[#names + 1] = name_of(event) end,
      state = function(state) told[#told + 1] = state end,
    }
    ready(s)
    create "before"
    until_("the first", function() return names[1] end)
    local port = service.endpoint:match(":(%d+)/")
    process.signal(service.handle, "KILL")
    until_("reconnecting", function() return told[2] end)
    serve(nil, port)
    until_("subscribed", function() return told[3] end)
    create "after"
    until_("the second", function() return names[2] end)
    assert.same({ "before", "after" }, names)
    assert.same({ "subscribed", "reconnecting", "subscribed" }, told)
    local seen = {}
    repeat
      local state = states:next(0.01)
      seen[#seen + 1] = state
    until not state
    assert.equal("Connecting", seen[1])
    assert.equal("Connected", seen[2])
    assert.equal("ConnectionDisrupted", seen[3])
    assert.equal("Connected", seen[#seen])
    assert.equal("Connected", client.connection.state)
  end)

  it("waits while the host says that there is no network, and goes on at once when there is", function()
    serve()
    connect{ retry = { base = 60 } }
    local states = client.connection:observe():subscribe()
    client:set_online(false)
    local s = client:subscribe(ON_CREATE):subscribe()
    state_is(states, "ConnectionDisruptedPendingNetwork")
    local ok, err = s:ready(0.05)
    assert.is_nil(ok)
    assert.equal("timeout", err.kind)
    assert.equal(0, client:stats().connections)
    client:set_online(true)
    ready(s)
    client:set_online(false)
    state_is(states, "ConnectedPendingNetwork")
    client:set_online(true)
    state_is(states, "Connected")
    create "x"
    assert.equal("x", take(s))
  end)

  it("drops its oldest events when told so, counts them, and tells the connection's observers", function()
    serve()
    connect()
    local states = client.connection:observe():subscribe()
    local s = ready(client:subscribe(ON_CREATE, nil, { buffer = 4, overflow = "drop_oldest" }):subscribe())
    local other = ready(client:subscribe(ON_CREATE, nil, { share = false }):subscribe())
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
    local s = ready(client:subscribe(ON_CREATE, nil, { buffer = 3, overflow = "error" }):subscribe())
    local other = ready(client:subscribe(ON_CREATE, nil, { share = false }):subscribe())
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
    local s = ready(client:subscribe(ON_CREATE, nil, { buffer = 5 }):subscribe())
    for i = 1, 10 do create(i .. "") end
    local failure
    until_("the stall", function()
      failure = s.err
      return failure or client:stats().subscriptions == 0
    end)
    local err
    repeat
      local event
      event, err = s:next(BOUND)
    until not event
    assert.equal("stalled", err.code)
    assert.equal("timeout", err.kind)
    assert.truthy(err.message:find("5", 1, true), err.message)
    assert.is_false(err.retryable)
  end)

  it("loses nothing when it is slow: the socket waits for it", function()
    serve()
    connect()
    local s = ready(client:subscribe(ON_CREATE, nil, { buffer = 4 }):subscribe())
    for i = 1, 60 do create(i .. "") end
    for i = 1, 60 do assert.equal(i .. "", take(s)) end
    assert.equal(0, s.dropped)
  end)

  it("completes when its client closes", function()
    serve()
    connect()
    local completed = 0
    local pulled = ready(client:subscribe(ON_CREATE):subscribe())
    client:subscribe(ON_CREATE):subscribe{ complete = function() completed = completed + 1 end }
    assert.is_true(client:close(5))
    until_("complete", function() return completed == 1 end)
    local event, err = pulled:next(1)
    assert.is_nil(event)
    assert.is_nil(err)
    assert.equal("Disconnected", client.connection.state)
    local late = client:subscribe(ON_CREATE):subscribe()
    local ok, late_err = late:ready(1)
    assert.is_nil(ok)
    assert.equal("closed", late_err.kind)
  end)

  it("may be unsubscribed while its client closes", function()
    serve()
    connect()
    local s = ready(client:subscribe(ON_CREATE):subscribe())
    local closed
    client:close{ on_result = function(ok) closed = ok end }
    s:unsubscribe()
    client:set_online(false)
    until_("the end", function() return closed end)
    assert.same({}, log)
  end)

  it("authenticates in the URL with handshake = \"query\"", function()
    serve()
    connect{ realtime = { handshake = "query" } }
    local s = ready(client:subscribe(ON_CREATE):subscribe())
    create "x"
    assert.equal("x", take(s))
  end)

  it("speaks graphql-transport-ws when told so", function()
    serve()
    connect{ realtime = { protocol = "graphql-transport-ws" } }
    local s = ready(client:subscribe(ON_CREATE):subscribe())
    until_("the event", function()
      create "x"
      return s:next(0.05)
    end)
    assert.truthy(service.log():find('"type":"subscribe"', 1, true), service.log())
  end)
end)
