-- What stands in the heads and authorization objects that lead to an API: its host, told and derived, its proxy.
local appsync = require "appsync"
local core = require "appsync.core"
local peer = require "spec.support.peer"
local process = require "spec.support.process"
local server = require "spec.support.server"

local BOUND = 10
local LISTEN = { "ws_pong" } -- until the client closes
local API = "abc.appsync-api.eu-west-1.amazonaws.com"
local REALTIME = "abc.appsync-realtime-api.eu-west-1.amazonaws.com"
local KEY = { type = "API_KEY", api_key = "k" }
local IAM = { type = "AWS_IAM", credentials = { access_key_id = "AKID", secret_access_key = "secret" } }
local DOCUMENT = "subscription { head }"

describe("on the way to an API", function()
  local client, service

  after_each(function()
    if client then assert.is_true(client:close(5)) end
    client = nil
    process.stop_all()
  end)

  local function connect(options)
    options.timeouts = { connect = 5, request = 5, ack = 5 }
    options.retry = { base = 0.01, cap = 0.05, attempts = 2 }
    client = assert(appsync.client(options))
    return client
  end

  -- A service that answers queries and subscriptions with the head of the request, subscriptions also with their start.
  local function listen(options)
    local connections = {
      { { "request" }, { "http", 200, {}, '{"data":{"head":"%HEADERS%"}}' }, LISTEN },
      { { "ws_accept", "graphql-ws" }, { "ws_expect", "connection_init" }, { "ws_send", '{"type":"connection_ack"}' }, { "ws_start" },
        { "ws_send", '{"type":"start_ack","id":"%ID%"}' },
        { "ws_send", '{"type":"data","id":"%ID%","payload":{"data":{"head":"%HEADERS%"},"extensions":{"start":"%FRAME%"}}}' }, LISTEN },
    }
    if options and options.only == "realtime" then table.remove(connections, 1) end
    if options and options.protocol then
      connections = { { { "ws_accept", options.protocol }, { "ws_expect", "connection_init" },
        { "ws_send", '{"type":"connection_ack"}' }, { "ws_start" },
        { "ws_send", '{"type":"next","id":"%ID%","payload":{"data":{"head":"%HEADERS%"}}}' }, LISTEN } }
    end
    service = peer.start{ connections = connections, host = options and options.host }
    return service
  end

  local function values_of(head, name)
    local values = {}
    for line in head:gmatch "\r\n([^\r\n]+)" do
      local found, value = line:match "^([%w-]+): ?(.*)$"
      if found and found:lower() == name then values[#values + 1] = value end
    end
    return values
  end

  local function queried(options)
    local data, err = client:query("{ head }", nil, options)
    assert.is_nil(err, tostring(err))
    return data.head
  end

  -- The upgrade's head, the authorization of the connection, the one of the start.
  local function subscribed(options)
    local event, err = client:subscribe(DOCUMENT, nil, options):next(BOUND)
    assert.is_nil(err, tostring(err) .. service.log())
    local head = event.head
    local encoded = head:match "header%-([%w_%-]+)"
    local start = service.log():match('"authorization":({[^}]*})')
    return head, encoded and core.decode((core.unbase64(encoded, "url"))), start and core.decode(start)
  end

  local function signature_of(object, url, body, region)
    local signed = appsync.sign({ method = "POST", url = url, body = body, headers = {
      accept = object.accept, ["content-encoding"] = object["content-encoding"], ["content-type"] = object["content-type"],
      host = object.host, ["x-amz-date"] = object["x-amz-date"],
    } }, { service = "appsync", region = region, credentials = IAM.credentials })
    return signed.headers.authorization
  end

  describe("the host that headers name", function()
    for name, given in pairs{ ["a table"] = { host = "api.example" }, ["another case"] = { HOST = " api.example " },
      ["a function"] = function() return { Host = "api.example" } end } do
      it("is a request's and the authorization's: " .. name, function()
        listen()
        connect{ endpoint = service.url, auth = KEY, headers = given }
        assert.same({ "api.example" }, values_of(queried(), "host"))
        local head, connection, start = subscribed()
        assert.equal("api.example", connection.host)
        assert.equal("api.example", start.host)
        assert.is_nil(start.Host or start.HOST)
        assert.same({ "127.0.0.1:" .. service.port }, values_of(head, "host"))
      end)
    end

    it("is what a call says, over what the client says", function()
      listen()
      connect{ endpoint = service.url, auth = KEY, headers = { host = "client.example" } }
      assert.same({ "call.example" }, values_of(queried{ headers = { Host = "call.example" } }, "host"))
      local _, connection, start = subscribed{ headers = { Host = "call.example" } }
      assert.equal("call.example", connection.host)
      assert.equal("call.example", start.host)
    end)

    it("is signed", function()
      listen()
      connect{ endpoint = service.url, auth = IAM, headers = { Host = API } }
      local posted = queried()
      assert.same({ API }, values_of(posted, "host"))
      assert.matches("SignedHeaders=[%w;-]*host", posted)
      assert.matches("/eu%-west%-1/appsync/", posted)
      local _, connection, start = subscribed()
      assert.equal(API, connection.host)
      assert.equal(signature_of(connection, service.url .. "/connect", "{}", "eu-west-1"), connection.Authorization)
      local body = core.decode(service.log():match '({"id".-"type":"start".-})\n' or service.log():match '({"id".-})\n').payload.data
      assert.equal(API, start.host)
      assert.equal(signature_of(start, service.url, body, "eu-west-1"), start.Authorization)
    end)

    it("is the upgrade's where that carries the headers", function()
      listen{ protocol = "graphql-transport-ws" }
      connect{ endpoint = service.url, auth = KEY, headers = { host = "api.example" }, realtime = { protocol = "graphql-transport-ws" } }
      assert.same({ "api.example" }, values_of(subscribed(), "host"))
    end)
  end)

  describe("a realtime endpoint of AppSync's own", function()
    local function through_proxy(options)
      listen{ only = "realtime" }
      local path = process.file("", ".proxy")
      local first = process.start{ process.PYTHON, "spec/support/proxy.py", path, "--to", tostring(service.port) }
      options.proxy = "127.0.0.1:" .. first:match "^PORT (%d+)"
      connect(options)
      return function() return process.read(path) end
    end

    it("belongs to the API of that name, behind whatever else queries go", function()
      local asked = through_proxy{ endpoint = "http://cdn.example/api", realtime_endpoint = "ws://" .. REALTIME .. "/graphql", auth = IAM }
      local head, connection, start = subscribed()
      assert.matches("^GET /graphql HTTP/1.1\r\n", head)
      assert.same({ REALTIME }, values_of(head, "host"))
      assert.equal(API, connection.host)
      assert.equal(API, start.host)
      assert.equal(signature_of(connection, "http://" .. API .. "/graphql/connect", "{}", "eu-west-1"), connection.Authorization)
      assert.equal("connect " .. REALTIME .. ":80\n", asked())
    end)

    it("doesn't change what an API of AppSync's own says", function()
      through_proxy{ endpoint = "http://other.appsync-api.eu-west-1.amazonaws.com/graphql",
        realtime_endpoint = "ws://" .. REALTIME .. "/graphql", auth = KEY }
      local _, connection = subscribed()
      assert.equal("other.appsync-api.eu-west-1.amazonaws.com", connection.host)
    end)

    it("gives way to the host that headers name", function()
      through_proxy{ endpoint = "http://cdn.example/api", realtime_endpoint = "ws://" .. REALTIME .. "/graphql", auth = KEY,
        headers = { host = "told.example" } }
      local _, connection = subscribed()
      assert.equal("told.example", connection.host)
    end)

    it("is told by an interface endpoint's upgrade", function()
      local private = "vpce-0a1b-2c3d.appsync-api.eu-west-1.vpce.amazonaws.com"
      local asked = through_proxy{ endpoint = "http://" .. private .. "/graphql", auth = IAM, headers = { host = API } }
      local head, connection = subscribed()
      assert.matches("^GET /graphql HTTP/1.1\r\n", head)
      assert.same({ REALTIME }, values_of(head, "host"))
      assert.equal(API, connection.host)
      assert.matches("/eu%-west%-1/appsync/", connection.Authorization)
      assert.equal("connect " .. private .. ":80\n", asked())
    end)
  end)

  describe("headers of the upgrade", function()
    it("go with it alone, and name its host", function()
      listen()
      connect{ endpoint = service.url, auth = KEY, realtime = { headers = { Host = "up.example", ["X-AppSync-Domain"] = REALTIME, ["x-n"] = 5 } } }
      assert.same({}, values_of(queried(), "x-appsync-domain"))
      local head, connection, start = subscribed()
      assert.same({ "up.example" }, values_of(head, "host"))
      assert.same({ REALTIME }, values_of(head, "x-appsync-domain"))
      assert.same({ "5" }, values_of(head, "x-n"))
      assert.equal("127.0.0.1:" .. service.port, connection.host)
      assert.is_nil(connection["X-AppSync-Domain"])
      assert.is_nil(start["X-AppSync-Domain"])
    end)

    it("count more than the client's", function()
      listen{ protocol = "graphql-transport-ws" }
      connect{ endpoint = service.url, auth = KEY, headers = { ["x-a"] = "client", Host = "client.example", ["x-b"] = "client" },
        realtime = { protocol = "graphql-transport-ws", headers = { ["X-A"] = "upgrade", host = "upgrade.example" } } }
      local head = subscribed()
      assert.same({ "upgrade" }, values_of(head, "x-a"))
      assert.same({ "client" }, values_of(head, "x-b"))
      assert.same({ "upgrade.example" }, values_of(head, "host"))
    end)
  end)

  describe("an IPv6 address", function()
    it("keeps its brackets over each transport", function()
      listen{ host = "::1" }
      connect{ endpoint = ("http://[::1]:%d/graphql"):format(service.port), auth = KEY }
      local authority = "[::1]:" .. service.port
      assert.same({ authority }, values_of(queried(), "host"))
      local head, connection = subscribed()
      assert.same({ authority }, values_of(head, "host"))
      assert.equal(authority, connection.host)
    end)

    it("keeps its zone to itself, over each transport and signed", function()
      for _, auth in ipairs{ KEY, IAM } do
        listen{ host = "::1" }
        connect{ endpoint = ("http://[::1%%25lo]:%d/graphql"):format(service.port), auth = auth, region = "us-east-1" }
        local authority = "[::1]:" .. service.port
        assert.same({ authority }, values_of(queried(), "host"))
        local head, connection = subscribed()
        assert.same({ authority }, values_of(head, "host"))
        assert.equal(authority, connection.host)
        if auth == IAM then
          assert.equal(signature_of(connection, ("http://%s/graphql/connect"):format(authority), "{}", "us-east-1"), connection.Authorization)
        end
        assert.is_true(client:close(5))
      end
    end)

    it("is one that a local server has, and whose callers it knows", function()
      local own = server.start{
        schema = "type Todo @model { id: ID! name: String } type Query { ip: [String] @aws_iam }",
        resolvers = "return { Query = { ip = function(ctx) return ctx.identity.sourceIp end } }", arguments = { "--host", "[::1]" },
      }
      assert.matches("^http://%[::1%]:%d+/graphql$", own.endpoint)
      assert.matches("^ws://%[::1%]:%d+/graphql/realtime$", own.realtime)
      connect{ endpoint = own.endpoint, realtime_endpoint = own.realtime, region = "us-east-1", auths = { { type = "API_KEY", api_key = server.API_KEY } },
        auth = { type = "AWS_IAM", credentials = { access_key_id = server.ACCESS_KEY_ID, secret_access_key = server.SECRET_ACCESS_KEY } } }
      assert.same({ ip = { "::1" } }, (client:query "{ ip }"))
      local s = client:subscribe("subscription { onCreateTodo { name } }", nil, { auth_mode = "API_KEY" }):subscribe()
      local ok, err = s:ready(BOUND)
      assert.is_true(ok, tostring(err))
      assert.is_nil(select(2, client:mutate('mutation { createTodo(input: {name: "x"}) { name } }', nil, { auth_mode = "API_KEY" })))
      assert.equal("x", s:next(BOUND).onCreateTodo.name)
      assert.is_true(client:close(5))
      connect{ endpoint = own.endpoint:gsub("::1", "::1%%25lo"), region = "us-east-1",
        auth = { type = "AWS_IAM", credentials = { access_key_id = server.ACCESS_KEY_ID, secret_access_key = server.SECRET_ACCESS_KEY } } }
      assert.same({ ip = { "::1" } }, (client:query "{ ip }"))
    end)

    it("is a proxy's, and what a proxy is asked for", function()
      listen{ host = "::1", only = "realtime" }
      local path = process.file("", ".proxy")
      local first = process.start{ process.PYTHON, "spec/support/proxy.py", path, "--host", "::1" }
      connect{ endpoint = ("http://[::1]:%d/graphql"):format(service.port), auth = KEY, proxy = "[::1]:" .. first:match "^PORT (%d+)" }
      local head = subscribed()
      assert.same({ "[::1]:" .. service.port }, values_of(head, "host"))
      assert.equal(("connect [::1]:%d\n"):format(service.port), process.read(path))
    end)
  end)

  describe("authorization in the URL", function()
    local function token_of(n) return "e." .. ("x"):rep(n) end

    it("may have 8 KB and more", function()
      for _, n in ipairs{ 500, 1500, 8000, 11000 } do
        listen{ only = "realtime" }
        connect{ endpoint = service.url .. "?a=b", auth = { type = "AWS_LAMBDA", token = token_of(n) }, realtime = { handshake = "query" } }
        local head = subscribed()
        local path, encoded = head:match "^GET (/graphql/realtime%?a=b&header=([%w%%]+)&payload=e30%%3D) HTTP/1.1\r\n"
        assert.is_string(path)
        local object = core.decode((core.unbase64((encoded:gsub("%%(%x%x)", function(hex) return string.char(tonumber(hex, 16)) end)))))
        assert.equal(token_of(n), object.Authorization)
        assert.same({ "graphql-ws" }, values_of(head, "sec-websocket-protocol"))
        assert.same({ "127.0.0.1:" .. service.port }, values_of(head, "host"))
        assert.is_true(client:close(5))
      end
    end)

    it("that is too long is an error that says what takes it", function()
      listen{ only = "realtime" }
      connect{ endpoint = service.url, auth = { type = "AWS_LAMBDA", token = token_of(13000) }, realtime = { handshake = "query" } }
      local _, err = client:subscribe(DOCUMENT):next(BOUND)
      assert.equal("usage", err.kind)
      assert.equal("too_long", err.code)
      assert.matches('realtime.handshake = "subprotocol" takes a longer one', err.message)
      assert.is_true(client:close(5))
      connect{ endpoint = service.url, auth = { type = "AWS_LAMBDA", token = token_of(13000) } }
      local _, connection = subscribed()
      assert.equal(token_of(13000), connection.Authorization)
    end)
  end)

  it("what is pasted loses the white space around it", function()
    listen()
    connect{ endpoint = "\t" .. service.url .. " \r\n", region = "\194\160eu-west-1\n", auths = { IAM },
      auth = { type = "API_KEY", api_key = " k\n" } }
    assert.same({ "k" }, values_of(queried(), "x-api-key"))
    local _, connection = subscribed()
    assert.equal("k", connection["x-api-key"])
    assert.equal("127.0.0.1:" .. service.port, connection.host)
  end)

  it("a token function's answer loses it, too", function()
    listen()
    connect{ endpoint = service.url, auth = { type = "AWS_LAMBDA", token = function() return "token\n" end } }
    assert.same({ "token" }, values_of(queried(), "authorization"))
  end)

  it("a region that no host names is asked for", function()
    listen()
    connect{ endpoint = service.url, auth = IAM }
    local _, err = client:query "{ head }"
    assert.equal("usage", err.kind)
    assert.equal("no_region", err.code)
    assert.matches('give region = "us%-east%-1" or the like', err.message)
    _, err = client:subscribe(DOCUMENT):next(BOUND)
    assert.equal("no_region", err.code)
  end)
end)
