-- The light client, by the public names only: options, documents, headers, configuration, the connection, close.
local appsync = require "appsync"
local contract = require "spec.support.contract"
local peer = require "spec.support.peer"
local process = require "spec.support.process"
local server = require "spec.support.server"
local wait_for = require "spec.support.wait"
local contains = require "spec.support.text"

local has, lacks = contains.has, contains.lacks
local connect = contract.connect
local BOUND = 10
local ON_NOTE = "subscription { onNote { text } }"

describe("the contract of the client against the local server:", function()
  setup(contract.open)
  teardown(process.stop_all)
  after_each(contract.close_clients)

  it("every option of the light client is taken", function()
    local log_lines = 0
    local client = connect{
      realtime_endpoint = contract.service.realtime, region = "us-east-1", auths = {}, headers = {}, store = false,
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
    assert.is_true(client:close(0))
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
      local client = appsync.client{ endpoint = contract.service.endpoint, auth = { type = "API_KEY", api_key = server.API_KEY } }
      local s = client:subscribe(ON_NOTE):subscribe{ next = function(data, _) got = data.onNote.text end }
      assert.is_true(s:ready(BOUND))
    end
    require("spec.support.collect")()
    appsync.assert(connect():mutate 'mutation { note(text: "kept") { text } }')
    wait_for(function() return got end)
    assert.equal("kept", got)
  end)

  it("config: a file, its text, a table, a list merged in order; the options override", function()
    local outputs = {
      version = "1.3", data = {
        url = contract.service.endpoint, aws_region = "us-east-1", api_key = server.API_KEY,
        default_authorization_type = "API_KEY", authorization_types = appsync.array{},
      },
    }
    local path = process.file(appsync.encode(outputs), ".json")
    for _, config in ipairs{
      path, appsync.encode(outputs), outputs, { path },
      { { aws_appsync_graphqlEndpoint = "http://127.0.0.1:9/graphql", aws_appsync_region = "eu-west-1",
        aws_appsync_authenticationType = "API_KEY", aws_appsync_apiKey = "da2-other" }, path },
    } do
      local client, err = appsync.client{ config = config }
      assert.is_nil(err)
      contract.keep(client)
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
      url = contract.service.endpoint, aws_region = "us-east-1", api_key = server.API_KEY, default_authorization_type = "API_KEY",
    } }
    assert.is_true(appsync.configure(config))
    for _, options in ipairs{ {}, { auths = {} } } do
      local client = appsync.client(options)
      contract.keep(client)
      assert.equal(1, appsync.assert(client:query "{ one }").one)
    end
    local client = appsync.client()
    contract.keep(client)
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
