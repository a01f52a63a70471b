-- A server that quotes what it was sent: nothing secret of it reaches the program's errors and logs.
local appsync = require "appsync"
local core = require "appsync.core"
local peer = require "spec.support.peer"
local process = require "spec.support.process"

local BOUND = 10
local unpack = table.unpack or unpack -- luacheck: ignore 113
local TOKEN, KEY, COOKIE = "eyJhbGciOiJub25lIn0.eyJzdWIiOiJhbm4ifQ.c2ln", "da2-abcdefghijklmnop/+", "sid=0123456789abcdef"
local SECRET_KEY, SESSION, PASSWORD = "wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY", "IQoJb3JpZ2luX2VjEAAaCXVz==", "hunter2/hunter2"
local SHORT = "s3-cr3"
local SECRETS = { TOKEN, KEY, COOKIE:sub(5), SECRET_KEY, SESSION, PASSWORD, SHORT }
local IAM = { type = "AWS_IAM", credentials = { access_key_id = "AKIDEXAMPLE", secret_access_key = SECRET_KEY, session_token = SESSION } }

-- Ways to give a secret: options of a client, those of a call.
local WAYS = {
  { "an API key", { auth = { type = "API_KEY", api_key = KEY } } },
  { "a token", { auth = { type = "OPENID_CONNECT", token = TOKEN } } },
  { "a token of a function, with Bearer", { auth = { type = "AWS_LAMBDA", token = function() return "Bearer " .. TOKEN end } } },
  { "credentials", { auth = IAM } },
  { "an Authorization header", { auth = { type = "NONE" }, headers = { Authorization = "Bearer " .. TOKEN } } },
  { "a header of a function", { auth = { type = "NONE" }, headers = function() return { ["x-api-key"] = KEY } end } },
  { "a header of the call", { auth = { type = "NONE" } }, { headers = { cookie = COOKIE, ["X-My-Token"] = TOKEN } } },
  { "a header of the call's function", { auth = { type = "NONE" } },
    { headers = function() return { ["proxy-authorization"] = "Basic " .. TOKEN, ["X-Amz-Security-Token"] = SESSION } end } },
  { "a header beside the configured mode", { auth = { type = "API_KEY", api_key = KEY }, headers = { authorization = TOKEN } } },
  { "a short Authorization header", { auth = { type = "NONE" }, headers = { Authorization = "Bearer " .. SHORT } } },
  { "a short API key", { auth = { type = "API_KEY", api_key = SHORT } } },
}

local function json_text(text) return core.encode(text):sub(2, -2) end
local function percent(text) return (text:gsub("[^%w]", function(c) return ("%%%02x"):format(c:byte()) end)) end

-- The parts of base64 that a text decides, wherever it begins.
local function base64_forms(text)
  local forms = {}
  for shift = 0, 2 do
    local encoded = core.base64(("\0"):rep(shift) .. text)
    forms[#forms + 1] = encoded:sub(math.floor((shift * 4 + 2) / 3) + 1, math.floor((shift + #text) * 4 / 3))
  end
  return forms
end

local function forms_of(secret)
  local forms = { secret, json_text(secret), (secret:gsub("/", "\\/")), percent(secret), percent(secret):upper() }
  if #secret < 8 then return forms end -- not looked for within base64
  for _, form in ipairs(base64_forms(secret)) do
    forms[#forms + 1] = form
    forms[#forms + 1] = form:gsub("+", "-"):gsub("/", "_")
  end
  return forms
end

local function each_text(value, fn, seen)
  seen = seen or {}
  if type(value) == "string" then return fn(value) end
  if type(value) ~= "table" or seen[value] then return end
  seen[value] = true
  for key, item in pairs(value) do
    each_text(key, fn, seen)
    each_text(item, fn, seen)
  end
end

describe("what a server quotes of a request", function()
  local client, log

  before_each(function() log = {} end)

  after_each(function()
    if client then assert.is_true(client:close(5)) end
    client = nil
  end)

  teardown(process.stop_all)

  local function is_hidden(...)
    local values = { ... }
    for i = 1, select("#", ...) do values[#values + 1] = tostring(values[i]) end
    values[#values + 1] = log
    each_text(values, function(text)
      for _, secret in ipairs(SECRETS) do
        for _, form in ipairs(forms_of(secret)) do
          assert.is_nil(text:find(form, 1, true), form .. " stands in " .. text)
        end
      end
      local signature = text:match "Signature=(%x+)" or text:match "signature (%x+)"
      assert.is_nil(signature, signature)
    end)
  end

  -- Each connection has its own steps.
  local function start(...)
    return peer.start{ connections = { ... }, ["repeat"] = true }
  end

  local function connect(given, http, realtime, transport)
    local options = { region = "us-east-1", retry = { base = 0.01, cap = 0.02, attempts = 2 }, timeouts = { connect = 5, request = 5, ack = 5 } }
    for name, value in pairs(given) do options[name] = value end
    options.endpoint = http and http.url or "http://127.0.0.1:1/graphql"
    options.realtime = transport
    options.realtime_endpoint = realtime and realtime.realtime
    options.log = function(level, message, fields) log[#log + 1] = { level, message, fields } end
    client = appsync.client(options)
    return client
  end

  -- A hundred of the same, so that a second attempt meets it too.
  local function answering(...)
    local steps = {}
    for i = 1, 20, 2 do steps[i], steps[i + 1] = { "request" }, { "http", ... } end
    return steps
  end

  local ANSWERS = {
    { "in a GraphQL error", 200, {}, '{"errors":[{"message":"got %HEADERS%","errorInfo":{"head":"%HEADERS%"}}],"extensions":{"x":"%HEADERS%"}}', "graphql" },
    { "in a refusal and its headers", 401, { ["x-echo"] = "%HEADERS%", ["x-amzn-errortype"] = "Unauthorized:%HEADERS%" },
      '{"errors":[{"errorType":"UnauthorizedException","message":"%HEADERS%"}]}', "auth" },
    { "in the message of another AWS service", 403, {}, '{"message":"The canonical request is %HEADERS%","__type":"InvalidSignatureException"}', "auth" },
    { "in a page of HTML", 500, { ["content-type"] = "text/html" }, "<html>%HEADERS%</html>", "http" },
    { "in what is no JSON", 200, {}, "{broken %HEADERS%", "protocol" },
  }

  local ANSWERING = {}
  for _ = 1, #WAYS do
    for _, answer in ipairs(ANSWERS) do ANSWERING[#ANSWERING + 1] = answering(answer[2], answer[3], answer[4]) end
  end
  local http

  setup(function() http = start(unpack(ANSWERING)) end)

  for _, way in ipairs(WAYS) do
    it(("hides %s"):format(way[1]), function()
      for _, answer in ipairs(ANSWERS) do
        connect(way[2], http)
        local data, err, info = client:query("{ a }", nil, way[3])
        assert.is_nil(data)
        assert.equal(answer[5], err.kind, answer[1] .. ": " .. tostring(err))
        assert.equal(answer[2], err.status)
        assert.matches("%*%*%*%*%*%*", err.response.body)
        is_hidden(err, info)
        assert.is_true(client:close(5))
      end
    end)
  end

  it("hides it in each encoding, and what was JSON is JSON still", function()
    local token = TOKEN
    local echoes = { token, token:gsub("e", "\\u0065"), percent(token), token:upper(), core.base64(token), core.base64("x" .. token), core.base64("xx" .. token, "url"), "&#101;" .. token:sub(2) }
    local scripts = {}
    for i, echo in ipairs(echoes) do
      scripts[i] = answering(200, {}, ('{"errors":[{"message":"<%s>","k":["%s",1]}]}'):format(echo, echo))
    end
    local echoing = start(unpack(scripts))
    for _ = 1, #echoes do
      connect({ auth = { type = "OPENID_CONNECT", token = token } }, echoing)
      local _, err = client:query "{ a }"
      assert.equal("graphql", err.kind)
      assert.matches("^<.*%*%*%*%*%*%*%*%*.*>$", err.message)
      assert.equal(1, err.errors[1].k[2])
      is_hidden(err)
      assert.is_true(client:close(5))
    end
  end)

  it("hides the token of an earlier attempt of the call", function()
    local refused = '{"errors":[{"errorType":"UnauthorizedException","message":"no"}]}'
    local echoing = start{ { "request" }, { "http", 401, {}, refused }, { "request" }, { "http", 401, {}, (refused:gsub("no", "not " .. TOKEN)) } }
    local n = 0
    connect({ auth = { type = "OPENID_CONNECT", token = function()
      n = n + 1
      return n == 1 and TOKEN or "another.token.altogether"
    end } }, echoing)
    local _, err, info = client:query "{ a }"
    assert.equal(2, n)
    assert.equal("auth", err.kind)
    assert.matches("not %*+$", err.errors[1].message)
    is_hidden(err, info)
  end)

  it("leaves data as it is, beside errors too", function()
    local body = ('{"data":{"a":%s},"errors":[{"message":%s}]}'):format(core.encode(TOKEN), core.encode(TOKEN))
    connect({ auth = { type = "OPENID_CONNECT", token = TOKEN } }, start(answering(200, {}, body)))
    local data, err = client:query "{ a }"
    assert.equal(TOKEN, data.a)
    assert.equal(("*"):rep(#TOKEN), err.message)
    is_hidden(err.errors, err.message)
    assert.is_true(client:close(5))
    connect({ auth = { type = "OPENID_CONNECT", token = TOKEN } }, start(answering(200, {}, ('{"data":{"a":%s}}'):format(core.encode(TOKEN)))))
    assert.equal(TOKEN, client:query("{ a }").a)
  end)

  local LISTEN = { "ws_pong" } -- until the client closes
  local ACK = { "ws_send", '{"type":"connection_ack","payload":{"connectionTimeoutMs":300000}}' }
  local START_ACK = { "ws_send", '{"type":"start_ack","id":"%ID%"}' }
  local BOTH = "%HEADERS% %FRAME%"
  local function talking(protocol, ...) return { { "ws_accept", protocol }, { "ws_expect", "connection_init" }, ... } end

  local function refusing(protocol)
    return talking(protocol, ACK, { "ws_start" }, { "ws_send", '{"type":"' .. BOTH .. '"}' },
      { "ws_send", '{"type":"error","payload":{"errors":[{"message":"%FRAME% %HEADERS%"}]}}' },
      { "ws_send", '{"type":"error","id":"%ID%","payload":{"errors":[{"errorType":"X","message":"%FRAME%","head":"%HEADERS%"}]}}' }, LISTEN)
  end

  local REFUSING = {}
  for _ = 1, #WAYS do
    for _, protocol in ipairs{ "graphql-ws", "graphql-ws", "graphql-transport-ws" } do REFUSING[#REFUSING + 1] = refusing(protocol) end
  end
  local realtime

  setup(function() realtime = start(unpack(REFUSING)) end)

  local TRANSPORTS = { { handshake = "subprotocol" }, { handshake = "query" }, { protocol = "graphql-transport-ws" } }

  for _, way in ipairs(WAYS) do
    it(("hides %s on a realtime connection"):format(way[1]), function()
      for _, transport in ipairs(TRANSPORTS) do
        connect(way[2], nil, realtime, transport)
        local _, err = client:subscribe("subscription { a }", nil, way[3]):next(BOUND)
        assert.equal("graphql", err.kind, tostring(err))
        assert.matches("%*%*%*%*%*%*", err.errors[1].head)
        assert.is_true(#log > 0)
        is_hidden(err)
        assert.is_true(client:close(5))
      end
    end)
  end

  it("hides it in a close reason", function()
    connect({ auth = { type = "API_KEY", api_key = KEY } }, nil,
      start(talking("graphql-transport-ws", ACK, { "ws_start" }, { "ws_close", 4400, "no " .. KEY }, LISTEN)), TRANSPORTS[3])
    local _, err = client:subscribe("subscription { a }"):next(BOUND)
    assert.matches("no %*+$", err.message)
    is_hidden(err)
  end)

  it("hides a refused connection's and an event's errors", function()
    connect({ auth = IAM }, nil, start(talking("graphql-ws",
      { "ws_send", '{"type":"connection_error","payload":{"errors":[{"errorType":"UnauthorizedException","message":"%HEADERS%"}]}}' }, LISTEN)))
    local _, err = client:subscribe("subscription { a }"):next(BOUND)
    assert.equal("auth", err.kind)
    is_hidden(err)
    assert.is_true(client:close(5))
    connect({ auth = IAM }, nil, start(talking("graphql-ws", ACK, { "ws_start" }, START_ACK,
      { "ws_send", '{"type":"data","id":"%ID%","payload":{"data":{"a":"%FRAME%","b":null},"errors":[{"message":"%FRAME%"}]}}' }, LISTEN)))
    local data, event_err = client:subscribe("subscription { a }"):next(BOUND)
    assert.matches("Signature=%x+", data.a)
    assert.matches('"Authorization":"%*+"', event_err.errors[1].message)
    is_hidden(event_err.message, event_err.errors)
  end)

  it("hides a proxy's password", function()
    local quoted = core.base64("me:" .. PASSWORD) .. " " .. PASSWORD .. " " .. percent(PASSWORD)
    local first, handle = process.start{ process.PYTHON, "spec/support/proxy.py", process.file("", ".proxy") }
    local port, pid = first:match "^PORT (%d+) PID (%d+)"
    handle.pid = tonumber(pid)
    connect({ auth = { type = "API_KEY", api_key = KEY }, proxy = ("http://me:%s@127.0.0.1:%s"):format(percent(PASSWORD), port) },
      start(answering(502, {}, quoted)), start(talking("graphql-ws", ACK, { "ws_start" },
        { "ws_send", '{"type":"error","id":"%ID%","payload":{"errors":[{"errorType":"X","message":"' .. quoted .. '"}]}}' }, LISTEN)))
    local _, err = client:query "{ a }"
    assert.equal("http", err.kind, tostring(err))
    is_hidden(err)
    local _, ended = client:subscribe("subscription { a }"):next(BOUND)
    assert.equal("graphql", ended.kind, tostring(ended))
    is_hidden(ended)
  end)
end)
