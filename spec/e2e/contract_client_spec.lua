-- The light client (the API's section 3), by the public names only: options, modes, calls, `with`, the connection, close.
local appsync = require "appsync"
local peer = require "spec.support.peer"
local process = require "spec.support.process"
local server = require "spec.support.server"

local BOUND = 10
local SCHEMA = [[
type Note @aws_api_key @aws_iam @aws_oidc @aws_lambda { text: String }
type Who @aws_api_key @aws_iam @aws_oidc @aws_lambda { header: String type: String }
type Query { one: Int @aws_api_key @aws_iam @aws_oidc @aws_lambda who(name: String): Who @aws_api_key @aws_iam @aws_oidc @aws_lambda }
type Mutation { note(text: String): Note @aws_api_key @aws_iam @aws_oidc @aws_lambda }
type Subscription { onNote: Note @aws_subscribe(mutations: ["note"]) @aws_api_key @aws_iam @aws_oidc @aws_lambda }
]]
local RESOLVERS = [[
return {
  Query = {
    one = function() return 1 end,
    who = function(context) return { header = context.request.headers[context.arguments.name or "x-who"] } end,
  },
  Mutation = { note = function(context) return { text = context.arguments.text } end },
  authorizer = function(token) return { isAuthorized = token:sub(1, 5) == "good-" } end,
}
]]
local ON_NOTE = "subscription { onNote { text } }"
local JSON = { ["Content-Type"] = "application/json" }
local GOOD = { "http", 200, JSON, '{"data":{"a":1}}' }

local function has(text, part)
  assert.is_truthy(tostring(text):find(part, 1, true), ("%q isn't in %q"):format(part, tostring(text)))
end

local function lacks(text, part)
  assert.is_nil(tostring(text):find(part, 1, true), ("%q is in %q"):format(part, tostring(text)))
end

local function wait_for(fn)
  for _ = 1, 2000 do
    if fn() then return true end
    appsync.sleep(0.005)
  end
  error("waited too long", 2)
end

describe("the contract of the client against the local server:", function()
  local service, clients

  setup(function() service = server.start{ schema = SCHEMA, resolvers = RESOLVERS, arguments = { "--trace" } } end)
  teardown(function() process.stop_all() end)
  before_each(function() clients = {} end)
  after_each(function()
    for _, client in ipairs(clients) do client:close(5) end
    appsync.configure(nil)
  end)

  local function connect(options)
    options = options or {}
    options.endpoint = options.endpoint or (not options.config and service.endpoint) or nil
    options.auth = options.auth or { type = "API_KEY", api_key = server.API_KEY }
    local client = assert(appsync.client(options))
    clients[#clients + 1] = client
    return client
  end

  local function count(text)
    local n, at = 0, 1
    local log = service.log()
    while true do
      at = log:find(text, at, true)
      if not at then return n end
      n, at = n + 1, at + 1
    end
  end

  it("every mode of the local server is taken: key, IAM, Lambda, none refused", function()
    local client = connect{
      region = "us-east-1",
      auths = {
        { type = "AWS_IAM", credentials = { access_key_id = server.ACCESS_KEY_ID, secret_access_key = server.SECRET_ACCESS_KEY } },
        { type = "AWS_LAMBDA", token = "good-1" },
      },
    }
    for _, mode in ipairs{ "API_KEY", "AWS_IAM", "AWS_LAMBDA" } do
      local data, err = client:query("{ one }", nil, { auth_mode = mode })
      assert.is_nil(err, mode)
      assert.equal(1, data.one)
    end
    local data = client:query("{ one }", nil, { auth_mode = appsync.AUTH_TYPE.AWS_IAM })
    assert.equal(1, data.one)
    data = client:query("{ one }", nil, { authMode = "AWS_IAM" })
    assert.equal(1, data.one)
    local _, err = client:query("{ one }", nil, { auth = { type = "AWS_LAMBDA", token = "bad" } })
    assert.equal("auth", err.kind)
    _, err = client:query("{ one }", nil, { auth = { type = "NONE" } })
    assert.equal("auth", err.kind)
  end)

  it("credentials are a table, a function, or a provider; a token a string, a function or a table with get", function()
    local keys = { access_key_id = server.ACCESS_KEY_ID, secret_access_key = server.SECRET_ACCESS_KEY }
    for _, credentials in ipairs{
      keys, function() return keys end, appsync.auth.static(keys), { get = function() return keys end },
      appsync.auth.chain{ appsync.auth.static(keys) }, function()
        appsync.sleep(0.001)
        return keys
      end,
    } do
      local data, err = connect{ region = "us-east-1", auth = { type = "AWS_IAM", credentials = credentials } }:query "{ one }"
      assert.is_nil(err)
      assert.equal(1, data.one)
    end
    local reasons = {}
    for _, token in ipairs{
      "good-1", function(reason)
        reasons[#reasons + 1] = reason
        appsync.sleep(0.001)
        return "good-2"
      end, { get = function() return "good-3" end },
    } do
      local data, err = connect{ auth = { type = "AWS_LAMBDA", token = token } }:query "{ one }"
      assert.is_nil(err)
      assert.equal(1, data.one)
    end
    assert.same({ "first" }, reasons)
  end)

  it("a token function that gives nil, err makes the call fail with kind auth", function()
    local data, err = connect{ auth = { type = "AWS_LAMBDA", token = function() return nil, "signed out" end } }:query "{ one }"
    assert.is_nil(data)
    assert.equal("auth", err.kind)
    has(err.message, "signed out")
    data, err = connect{ auth = { type = "AWS_LAMBDA", token = function() error "thrown" end }, log = function() end }:query "{ one }"
    assert.is_nil(data)
    assert.equal("auth", err.kind)
  end)

  it("one refresh at a time serves all who wait", function()
    local n = 0
    local client = connect{ auth = { type = "AWS_LAMBDA", token = function()
      n = n + 1
      appsync.sleep(0.02)
      return "good-" .. n
    end } }
    appsync.run(function()
      for _ = 1, 5 do appsync.spawn(function() appsync.assert(client:query "{ one }") end) end
    end)
    assert.equal(1, n)
  end)

  it("every option of the light client is taken", function()
    local log_lines = 0
    local client = connect{
      realtime_endpoint = service.realtime, region = "us-east-1", auths = {}, headers = {}, store = false,
      fetch_policy = { query = "network-only" }, realtime = { handshake = "subprotocol", protocol = "appsync" },
      timeouts = { connect = 10, request = 30, ack = 15, stall = 30 }, retry = { base = 0.1, cap = 300, attempts = 3 },
      tls = { verify = true }, error_policy = "all", big_integers = "string", log = function() log_lines = log_lines + 1 end,
    }
    assert.equal(1, appsync.assert(client:query("{ one }", {}, {
      fetch_policy = "no-cache", auth_mode = "API_KEY", headers = {}, timeout = 5, idempotent = true, error_policy = "all",
    })).one)
    local s = client:subscribe(ON_NOTE, {}, {
      auth_mode = "API_KEY", buffer = 10, overflow = "drop_oldest", share = true, fetch_policy = "no-cache", headers = {},
    }):subscribe()
    assert.is_true(appsync.assert(s:ready(BOUND)))
    for _, overflow in ipairs{ "pause", "error" } do client:subscribe(ON_NOTE, nil, { overflow = overflow }) end
    assert.is_false(pcall(client.subscribe, client, ON_NOTE, nil, { overflow = "never" }))
    s:unsubscribe()
  end)

  it("connection:observe() ends when the client closes", function()
    local client, ended = connect(), nil
    client.connection:observe():subscribe{ complete = function() ended = true end }
    local s = client:subscribe(ON_NOTE):subscribe()
    assert.is_true(s:ready(BOUND))
    client:close(5)
    wait_for(function() return ended end)
    local _, err = client:with{ headers = {} }:query "{ one }"
    assert.equal("closed", err.kind)
  end)

  it("variables that JSON can't hold throw at the call, with their place", function()
    local client = connect()
    for _, value in ipairs{ print, 0 / 0, { 1, nil, 3 }, { 1, a = 2 } } do
      local ok, message = pcall(function()
        return client:query("query Q($name: String) { who(name: $name) { header } }", { name = value })
      end)
      assert.is_false(ok)
      has(message, "contract_client_spec")
      has(message, "name")
    end
  end)

  it("each mode needs its own material and takes no other", function()
    for _, auth in ipairs{
      { type = "API_KEY" }, { type = "AWS_IAM" }, { type = "OPENID_CONNECT" }, { type = "AMAZON_COGNITO_USER_POOLS" }, { type = "AWS_LAMBDA" },
      { type = "API_KEY", token = "x" }, { type = "NONE", token = "x" }, { type = "nothing" }, {}, { api_key = "x" },
      { type = "AWS_IAM", credentials = {} }, { type = "API_KEY", api_key = 5 },
    } do
      local ok, message = pcall(appsync.client, { endpoint = "http://127.0.0.1:9/graphql", auth = auth })
      assert.is_false(ok)
      has(message, "contract_client_spec")
    end
  end)

  it("documents: text or gql; arguments or one table; operation_name picks one", function()
    local client = connect()
    local several = "query A { one } query B { two: one }"
    for _, document in ipairs{ several, appsync.gql(several) } do
      assert.equal(1, client:query(document, nil, { operation_name = "B" }).two)
      assert.equal(1, client:query{ query = document, operation_name = "A" }.one)
    end
    assert.equal("x", client:mutate{ mutation = "mutation($t: String) { note(text: $t) { text } }", variables = { t = "x" } }.note.text)
    for _, call in ipairs{
      function() return client:query(several) end,
      function() return client:query(several, nil, { operation_name = "C" }) end,
      function() return client:query "mutation { note { text } }" end,
      function() return client:mutate "{ one }" end,
      function() return client:subscribe "{ one }" end,
      function() return client:query{ variables = {} } end,
      function() return client:query({ query = "{ one }" }, {}) end,
      function() return client:query "fragment F on Query { one }" end,
    } do
      local ok, message = pcall(call)
      assert.is_false(ok)
      has(message, "contract_client_spec")
    end
    for given, meant in pairs{ variabels = "variables", timout = "timeout", quer = "query" } do
      local ok, message = pcall(client.query, client, { query = "{ one }", [given] = {} })
      assert.is_false(ok)
      has(message, 'did you mean "' .. meant .. '"')
    end
    local s = client:subscribe{ query = ON_NOTE }:subscribe()
    assert.is_true(s:ready(BOUND))
    s:unsubscribe()
  end)

  it("a variable that isn't declared is not sent; one with an option's name throws", function()
    local client = connect()
    local data, err = client:query("query Q { one }", { extra = 1, id = 2 })
    assert.is_nil(err)
    assert.equal(1, data.one)
    for _, name in ipairs{ "timeout", "fetch_policy", "fetchPolicy", "auth_mode", "on_result" } do
      local ok, message = pcall(client.query, client, "query Q { one }", { [name] = "x" })
      assert.is_false(ok, name)
      has(message, name)
      has(message, "option")
    end
    data, err = client:query("query Q($timeout: String) { who(name: $timeout) { header } }", { timeout = "x-none" })
    assert.is_nil(err)
    assert.equal(appsync.null, data.who.header)
  end)

  it("headers are a table or a function of the operation, which may wait, for queries and subscriptions", function()
    local seen = {}
    local client = connect{ headers = function(operation)
      appsync.sleep(0.001)
      seen[#seen + 1] = operation
      return { ["x-who"] = "me" }
    end }
    assert.equal("me", client:query("query Named { who { header } }").who.header)
    assert.equal("query", seen[1].kind)
    assert.equal("Named", seen[1].name)
    local s = client:subscribe(ON_NOTE):subscribe()
    assert.is_true(appsync.assert(s:ready(BOUND)))
    assert.equal("subscription", seen[2].kind)
    s:unsubscribe()
    assert.equal("other", client:query("{ who { header } }", nil, { headers = { ["X-Who"] = "other" } }).who.header)
    client = connect{ headers = { ["x-who"] = "table" } }
    assert.equal("table", client:query("{ who { header } }").who.header)
    local _, err = connect{ headers = function() error "thrown" end }:query "{ one }"
    assert.equal("usage", err.kind)
    has(err.message, "thrown")
  end)

  it("with: another identity and headers, the same connection, nothing to close", function()
    local client = connect()
    local user = client:with{ auth = { type = "AWS_LAMBDA", token = "good-user" }, headers = { ["x-who"] = "user" }, identity = "u1" }
    assert.equal("user", user:query("{ who { header } }").who.header)
    assert.equal("good-user", user:query('{ who(name: "authorization") { header } }').who.header)
    assert.equal(appsync.null, user:query('{ who(name: "x-api-key") { header } }').who.header)
    assert.equal(appsync.null, client:query("{ who { header } }").who.header)
    assert.equal(client.connection, user.connection)
    user:close()
    assert.equal(1, client:query("{ one }").one)
    assert.equal(1, user:query("{ one }").one)
    local third = user:with{ headers = { ["x-who"] = "third" } }
    assert.equal("good-user", third:query('{ who(name: "authorization") { header } }').who.header)
    assert.equal("third", third:query("{ who { header } }").who.header)
  end)

  it("another identity shares no server subscription", function()
    local client = connect()
    local before = count '"type":"start"'
    local list = {
      client:subscribe(ON_NOTE),
      client:subscribe(ON_NOTE, nil, { auth = { type = "AWS_LAMBDA", token = "good-1" } }),
      client:subscribe(ON_NOTE, nil, { auth = { type = "AWS_LAMBDA", token = "good-1" } }),
      client:with{ auth = { type = "AWS_LAMBDA", token = "good-2" } }:subscribe(ON_NOTE),
      client:subscribe(ON_NOTE, nil, { headers = { Authorization = "good-3" } }),
      client:subscribe(ON_NOTE, nil, { headers = { Authorization = "good-4" } }),
    }
    for i, o in ipairs(list) do
      list[i] = o:subscribe()
      assert.is_true(appsync.assert(list[i]:ready(BOUND)))
    end
    assert.equal(before + 6, count '"type":"start"')
    appsync.assert(client:mutate 'mutation { note(text: "all") { text } }')
    for _, s in ipairs(list) do assert.equal("all", s:next(BOUND).onNote.text) end
    for _, s in ipairs(list) do s:unsubscribe() end
  end)

  it("a call's own auth shares no token refresh", function()
    local asked = {}
    local function token(name)
      return function()
        asked[#asked + 1] = name
        return "good-" .. name
      end
    end
    local client = connect{ auth = { type = "AWS_LAMBDA", token = token "client" } }
    assert.equal("good-call", client:query('{ who(name: "authorization") { header } }', nil,
      { auth = { type = "AWS_LAMBDA", token = token "call" } }).who.header)
    assert.equal("good-client", client:query('{ who(name: "authorization") { header } }').who.header)
    assert.same({ "call", "client" }, asked)
  end)

  it("headers that authenticate take the place of the client's mode", function()
    local client = connect()
    local data, err = client:query('{ who(name: "authorization") { header } }', nil, { headers = { Authorization = "good-h" } })
    assert.is_nil(err)
    assert.equal("good-h", data.who.header)
    data = client:query('{ who(name: "x-api-key") { header } }', nil, { headers = { Authorization = "good-h" } })
    assert.equal(appsync.null, data.who.header)
    data, err = client:query("{ one }", nil, { headers = { ["x-api-key"] = "da2-wrong" } })
    assert.is_nil(data)
    assert.equal("auth", err.kind)
  end)

  it("connection.state and observe() follow the connection", function()
    local client = connect()
    assert.equal("Disconnected", client.connection.state)
    local states = {}
    client.connection:observe():subscribe{ next = function(state) states[#states + 1] = state end }
    client:query "{ one }"
    assert.equal("Disconnected", client.connection.state)
    local s = client:subscribe(ON_NOTE):subscribe()
    assert.is_true(s:ready(BOUND))
    assert.equal("Connected", client.connection.state)
    s:unsubscribe()
    client:close(5)
    assert.equal("Disconnected", client.connection.state)
    wait_for(function() return #states >= 2 end)
    assert.equal("Connecting", states[1])
    assert.equal("Connected", states[2])
  end)

  it("set_online(false) ends the waiting for a network that isn't there; true goes on", function()
    local client = connect()
    client:set_online(false)
    local s = client:subscribe(ON_NOTE):subscribe()
    local _, err = s:ready(0.05)
    assert.equal("timeout", err.kind)
    client:set_online(true)
    assert.is_true(appsync.assert(s:ready(BOUND)))
    client:set_online(false)
    wait_for(function() return client.connection.state ~= "Connected" end)
    client:set_online(true)
    wait_for(function() return client.connection.state == "Connected" end)
    s:unsubscribe()
  end)

  it("stats are counters", function()
    local client = connect()
    assert.equal("table", type(client:stats()))
    client:query "{ one }"
    local stats = client:stats()
    for name, value in pairs(stats) do
      assert.equal("string", type(name))
      assert.equal("number", type(value))
    end
    assert.equal(1, stats.operations)
    assert.is_number(stats.reconnects)
    assert.is_true((stats.bytes_sent or stats.sent_bytes or stats.bytes or 0) > 0, appsync.encode(stats))
  end)

  it("close is safe twice, ends what waits with kind closed, later calls say closed", function()
    local silent = peer.start{ connections = { { { "request" }, { "wait" } } } }
    local client = appsync.client{ endpoint = silent.url, auth = { type = "NONE" } }
    local t = appsync.spawn(function() return client:query "{ a }" end)
    appsync.sleep(0.05)
    assert.is_true(client:close(5))
    assert.is_true(client:close(5))
    assert.is_true(client:close())
    local data, err = t:await(5)
    assert.is_nil(data)
    assert.equal("closed", err.kind)
    data, err = client:query "{ a }"
    assert.is_nil(data)
    assert.equal("closed", err.kind)
    assert.equal("table", type(client:stats()))
    client:set_online(true)
    silent.stop()
  end)

  it("a client that nobody holds is closed by collection; a live subscription keeps it", function()
    local got
    do
      local client = appsync.client{ endpoint = service.endpoint, auth = { type = "API_KEY", api_key = server.API_KEY } }
      local s = client:subscribe(ON_NOTE):subscribe{ next = function(data, _) got = data.onNote.text end }
      assert.is_true(s:ready(BOUND))
    end
    for _ = 1, 4 do collectgarbage() end
    appsync.assert(connect():mutate 'mutation { note(text: "kept") { text } }')
    wait_for(function() return got end)
    assert.equal("kept", got)
  end)

  it("config: a file, its text, a table, a list merged in order; the options override", function()
    local outputs = {
      version = "1.3", data = {
        url = service.endpoint, aws_region = "us-east-1", api_key = server.API_KEY,
        default_authorization_type = "API_KEY", authorization_types = appsync.array{},
      },
    }
    local path = process.temporary ".json"
    process.write(path, appsync.encode(outputs))
    for _, config in ipairs{
      path, appsync.encode(outputs), outputs, { path },
      { { aws_appsync_graphqlEndpoint = "http://127.0.0.1:9/graphql", aws_appsync_region = "eu-west-1",
        aws_appsync_authenticationType = "API_KEY", aws_appsync_apiKey = "da2-other" }, path },
    } do
      local client, err = appsync.client{ config = config }
      assert.is_nil(err)
      clients[#clients + 1] = client
      local data
      data, err = client:query "{ one }"
      assert.is_nil(err)
      assert.equal(1, data.one)
    end
    local data, err = connect{ config = path, auth = { type = "API_KEY", api_key = "da2-wrong" } }:query "{ one }"
    assert.is_nil(data)
    assert.equal("auth", err.kind)
  end)

  it("a config that can't be read is nil, err", function()
    for _, config in ipairs{ "/nowhere/amplify_outputs.json", "{", "{}", { {} }, { "/nowhere" } } do
      local client, err = appsync.client{ config = config }
      assert.is_nil(client)
      assert.equal("string", type(err.kind))
      assert.equal("string", type(err.message))
      local ok
      ok, err = appsync.configure(config)
      assert.is_nil(ok)
      assert.equal("string", type(err.kind))
    end
  end)

  it("configure sets what clients inherit", function()
    local config = { version = "1", data = {
      url = service.endpoint, aws_region = "us-east-1", api_key = server.API_KEY, default_authorization_type = "API_KEY",
    } }
    assert.is_true(appsync.configure(config))
    for _, options in ipairs{ {}, { auths = {} } } do
      local client = appsync.client(options)
      clients[#clients + 1] = client
      assert.equal(1, appsync.assert(client:query "{ one }").one)
    end
    local client = appsync.client()
    clients[#clients + 1] = client
    assert.equal(1, appsync.assert(client:query "{ one }").one)
    appsync.configure(nil)
    local ok, message = pcall(appsync.client, {})
    assert.is_false(ok)
    has(message, "endpoint")
  end)

  it("a task that is cancelled in a call gets nil and kind cancelled", function()
    local client, seen = connect(), nil
    local t = appsync.spawn(function() seen = select(2, client:query "{ one }") end)
    appsync.update(0)
    t:cancel()
    appsync.sleep(0.01)
    assert.equal("cancelled", seen.kind)
    assert.equal(1, client:query("{ one }").one)
  end)

  it("a token that a log line could hold isn't in one, nor in the trace of errors", function()
    local lines = {}
    local client = connect{
      auth = { type = "AWS_LAMBDA", token = "bad-secret-token" }, log = function(level, message, fields)
        lines[#lines + 1] = level .. message .. appsync.encode(next(fields) and { n = tostring(next(fields)) } or {})
      end,
    }
    local _, err = client:query "{ one }"
    lacks(tostring(err), "bad-secret")
    local s = client:subscribe(ON_NOTE):subscribe()
    local _, sub_err = s:ready(BOUND)
    lacks(tostring(sub_err), "bad-secret")
    lacks(table.concat(lines), "bad-secret")
  end)
end)

describe("the contract of what the client sends:", function()
  local client
  after_each(function()
    if client then client:close(5) end
    client = nil
    process.stop_all()
  end)

  it("integral floats without a dot, null, lists and nothing that isn't declared", function()
    local other = peer.start{ connections = { { { "request" }, GOOD } } }
    client = appsync.client{ endpoint = other.url, auth = { type = "API_KEY", api_key = "k" } }
    client:query("query($a: Float, $b: [Int], $c: Int, $d: AWSJSON) { a }",
      { a = 5.0, b = appsync.array{}, c = appsync.null, d = {}, e = 1, big = 2 })
    local body = other.log():match "body 1 ([^\n]*)"
    local variables = appsync.decode(body).variables
    has(body, '"a":5')
    lacks(body, "5.0")
    has(body, '"b":[]')
    has(body, '"c":null')
    has(body, '"d":{}')
    assert.is_nil(variables.e)
    has(other.log(), "x-api-key: k")
  end)

  it("big_integers: strings where a number would be rounded", function()
    local big = { "http", 200, JSON, '{"data":{"a":18446744073709551616,"b":9007199254740993,"c":5},"extensions":{"x":1}}' }
    local other = peer.start{ connections = { { { "request" }, big, { "request" }, big } } }
    client = appsync.client{ endpoint = other.url, auth = { type = "NONE" }, big_integers = "string" }
    local data, err, info = client:query "{ a b c }"
    assert.is_nil(err)
    assert.equal("18446744073709551616", data.a)
    if math.type then
      assert.equal("9007199254740993", ("%d"):format(data.b))
    else
      assert.equal("9007199254740993", data.b)
    end
    assert.equal(5, data.c)
    assert.equal(1, info.extensions.x)
    client:close(5)
    other.stop()
    other = peer.start{ connections = { { { "request" }, big } } }
    client = appsync.client{ endpoint = other.url, auth = { type = "NONE" } }
    data = client:query "{ a b c }"
    assert.equal(18446744073709551616, data.a)
  end)

  it("a mutation is sent once; its failure says that it may have been sent", function()
    local other = peer.start{ connections = { { { "request" }, { "close" } }, { { "request" }, GOOD } } }
    client = appsync.client{ endpoint = other.url, auth = { type = "NONE" }, retry = { base = 0.01 } }
    local data, err = client:mutate "mutation { a }"
    assert.is_nil(data)
    assert.equal("network", err.kind)
    assert.is_true(err.sent)
    local _, n = other.log():gsub("body %d+ [^\n]*mutation", "")
    assert.equal(1, n)
    assert.equal(1, client:mutate("mutation { a }", nil, { queue = false }).a)
  end)

  it("a conflict is kind conflict, with the server's record in data", function()
    local other = peer.start{ connections = { { { "request" }, { "http", 200, JSON,
      '{"data":{"a":null},"errors":[{"message":"Conflict","errorType":"ConflictUnhandled","data":{"_version":2}}]}' } } } }
    client = appsync.client{ endpoint = other.url, auth = { type = "NONE" } }
    local data, err = client:mutate "mutation { a }"
    assert.is_nil(data)
    assert.equal("conflict", err.kind)
    assert.equal("ConflictUnhandled", err.error_type)
    assert.equal(2, err.errors[1].data._version)
  end)

  it("Unauthorized in a GraphQL answer is kind auth, beside the data", function()
    local other = peer.start{ connections = { { { "request" }, { "http", 200, JSON,
      '{"data":{"a":1,"b":null},"errors":[{"message":"Not Authorized","errorType":"Unauthorized","path":["b"]}]}' } } } }
    client = appsync.client{ endpoint = other.url, auth = { type = "NONE" } }
    local data, err = client:query "{ a b }"
    assert.equal(1, data.a)
    assert.equal("auth", err.kind)
    assert.equal("Unauthorized", err.error_type)
  end)

  it("an event with GraphQL errors has err beside it; one without data is a table of nulls", function()
    local accept, init, ack = peer.handshake()
    local other = peer.start{ connections = { {
      accept, init, ack, { "ws_start" }, { "ws_send", '{"type":"start_ack","id":"%ID%"}' },
      { "ws_send", '{"type":"data","id":"%ID%","payload":{"data":{"a":1,"b":null},"errors":[{"message":"no b","errorType":"X"}]}}' },
      { "ws_send", '{"type":"data","id":"%ID%","payload":{"data":null,"errors":[{"message":"none"}]}}' },
      { "ws_send", '{"type":"data","id":"%ID%","payload":{"data":{"a":3,"b":4}}}' },
      { "ws_send", '{"type":"complete","id":"%ID%"}' }, { "wait" },
    } } }
    client = appsync.client{ endpoint = other.url, realtime_endpoint = other.realtime, auth = { type = "API_KEY", api_key = "k" } }
    local s = client:subscribe("subscription { a b }"):subscribe()
    local event, err = s:next(BOUND)
    assert.equal(1, event.a)
    assert.equal("graphql", err.kind)
    assert.equal("X", err.error_type)
    event, err = s:next(BOUND)
    assert.equal(appsync.null, event.a)
    assert.equal("graphql", err.kind)
    event, err = s:next(BOUND)
    assert.equal(3, event.a)
    assert.is_nil(err)
    event, err = s:next(BOUND)
    assert.is_nil(event)
    assert.is_nil(err)
    assert.is_nil(s.err)
  end)

  it("no message shows the secret that a service quotes", function()
    local KEY, TOKEN = "da2-topsecretkey", "topsecret/session+token/" .. ("x"):rep(300)
    local refusal = { "http", 403, JSON, appsync.encode{
      message = "The signature doesn't match.\n\nThe Canonical String for this request should have been\n'POST\n/graphql\n\nx-amz-security-token:" .. TOKEN .. "'",
    } }
    local key_refusal = { "http", 401, JSON, '{"errors":[{"errorType":"UnauthorizedException","message":"' .. KEY .. ' is unknown"}]}' }
    local accept, init, ack = peer.handshake()
    local realtime_refusal = { "ws_send", '{"type":"connection_error","payload":{"errors":[{"errorType":"UnauthorizedException","message":"'
      .. KEY .. ' is unknown"}]}}' }
    local notice = { "ws_send", '{"type":"error","payload":{"errors":[{"errorType":"Odd","message":"' .. KEY .. ' is unknown"}]}}' }
    local sub_refusal = { "ws_send", '{"type":"error","id":"%ID%","payload":{"errors":[{"errorType":"Odd","message":"no"}]}}' }
    local other = peer.start{ connections = { { { "request" }, refusal, { "request" }, refusal } } }
    local for_key = peer.start{ connections = { { { "request" }, key_refusal } } }
    local live = peer.start{ connections = { { accept, init, realtime_refusal, { "wait" } }, { accept, init, ack, notice, { "ws_start" }, sub_refusal, { "wait" } } } }
    local lines = {}
    local function log(_, message, fields)
      lines[#lines + 1] = message
      for _, value in pairs(fields) do lines[#lines + 1] = tostring(value) end
    end
    client = appsync.client{ endpoint = other.url, region = "us-east-1", log = log, auth = { type = "AWS_IAM", credentials = {
      access_key_id = "AKID", secret_access_key = "secret/access+key", session_token = TOKEN,
    } } }
    local _, err = client:query "{ a }"
    assert.equal("auth", err.kind)
    has(err.message, "The signature doesn't match")
    lacks(err.message, "topsecret")
    client:close(5)
    client = appsync.client{ endpoint = for_key.url, realtime_endpoint = live.realtime, log = log, auth = { type = "API_KEY", api_key = KEY },
      retry = { base = 0.01, attempts = 1 } }
    _, err = client:query "{ a }"
    assert.equal("auth", err.kind)
    has(err.message, "is unknown")
    lacks(err.message, "topsecret")
    local states = client.connection:observe():subscribe()
    local s = client:subscribe("subscription { a }"):subscribe()
    local ok, ready_err = s:ready(BOUND)
    assert.is_nil(ok)
    has(ready_err.message, "is unknown")
    lacks(ready_err.message, "topsecret")
    local told
    repeat
      local state, state_err = states:next(1)
      told = told or state_err
    until told or state == nil
    has(told.message, "is unknown")
    lacks(told.message, "topsecret")
    assert.is_nil((client:subscribe("subscription { a }"):subscribe():next(BOUND)))
    has(table.concat(lines, "\n"), "is unknown")
    lacks(table.concat(lines, "\n"), "topsecret")
  end)

  it("handshake = query is the only way a secret gets into a URL", function()
    local function first_line(options)
      local accept, init, ack = peer.handshake()
      local other = peer.start{ connections = { { accept, init, ack, { "ws_start" }, { "ws_send", '{"type":"start_ack","id":"%ID%"}' }, { "wait" } } } }
      client = appsync.client{
        endpoint = other.url, realtime_endpoint = other.realtime, auth = { type = "API_KEY", api_key = "k" }, realtime = options,
      }
      local s = client:subscribe("subscription { a }"):subscribe()
      assert.is_true(appsync.assert(s:ready(BOUND)))
      client:close(5)
      local log = other.log()
      other.stop()
      return log:match "request 1 ([^\n]*)"
    end
    lacks(first_line(), "header=")
    lacks(first_line{ handshake = "subprotocol" }, "header=")
    has(first_line{ handshake = "query" }, "header=")
  end)
end)
