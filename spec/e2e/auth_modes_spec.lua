-- Several authorization modes on one API, in the environment of a program, and beside headers.
local appsync = require "appsync"
local core = require "appsync.core"
local authorization = require "spec.support.authorization"
local peer = require "spec.support.peer"
local process = require "spec.support.process"
local server = require "spec.support.server"
local tokens = require "spec.support.tokens"

local connect, who, told, subscribed = authorization.connect, authorization.who, authorization.told, authorization.subscribed
local say, STATIC, BOUND, SECRET = authorization.say, authorization.STATIC, authorization.BOUND, authorization.SECRET

describe("authorization", function()
  setup(authorization.open)
  teardown(process.stop_all)
  after_each(authorization.close_clients)

  describe("with several modes", function()
    local function several()
      return connect({ type = "API_KEY", api_key = server.API_KEY }, { auths = {
        { type = "AWS_IAM", credentials = STATIC }, { type = "OPENID_CONNECT", token = tokens.hs256 { sub = "bob" } },
        { type = "AWS_LAMBDA", token = function() return "custom-good" end },
      } })
    end

    it("uses the first one, or the one that auth_mode names", function()
      local client = several()
      assert.equal("API_KEY:", (who(client)))
      assert.equal("AWS_IAM:AKIDTEST", (who(client, { auth_mode = "AWS_IAM" })))
      assert.equal("AWS_IAM:AKIDTEST", (who(client, { authMode = "iam" })))
      assert.equal("OPENID_CONNECT:bob", (who(client, { auth_mode = appsync.AUTH_TYPE.OPENID_CONNECT })))
      assert.equal("AWS_LAMBDA:lambda-user", (who(client, { auth_mode = "lambda" })))
    end)

    it("subscribes with each of them on one client", function()
      local client = several()
      local subscriptions = {}
      for i, mode in ipairs { "API_KEY", "AWS_IAM", "OPENID_CONNECT", "AWS_LAMBDA" } do
        subscriptions[i] = subscribed(client, { auth_mode = mode })
      end
      say(client, "all", { auth_mode = "AWS_IAM" })
      for _, s in ipairs(subscriptions) do
        assert.equal("all/AWS_IAM:AKIDTEST", told(s))
        s:unsubscribe()
      end
    end)

    it("gives kind auth that names a mode that isn't configured", function()
      local client = connect { type = "API_KEY", api_key = server.API_KEY }
      local _, err = who(client, { auth_mode = "AWS_LAMBDA" })
      assert.equal("auth", err.kind)
      assert.equal("not_configured", err.code)
      assert.matches("AWS_LAMBDA isn't configured", err.message)
      local s = client:subscribe("subscription { said { text } }", nil, { auth_mode = "AWS_IAM" }):subscribe()
      local ok, ready_err = s:ready(BOUND)
      assert.is_nil(ok)
      assert.matches("AWS_IAM isn't configured", ready_err.message)
    end)

    it("gives kind auth for a field of another mode", function()
      local client = several()
      local data, err = client:query("{ tokenOnly }")
      assert.is_nil(data)
      assert.equal("auth", err.kind)
      assert.equal("Unauthorized", err.error_type)
      assert.equal("t", (client:query("{ tokenOnly }", nil, { auth_mode = "OPENID_CONNECT" })).tokenOnly)
      data, err = client:query "{ keyOnly tokenOnly }"
      assert.equal("k", data.keyOnly)
      assert.equal("auth", err.kind)
    end)

    it("takes an identity of the call's own, once per call", function()
      local client = several()
      for i = 1, 3 do
        local auth = { type = "OPENID_CONNECT", token = tokens.hs256 { sub = "own" .. i } }
        assert.equal("OPENID_CONNECT:own" .. i, (who(client, { auth = auth })))
      end
      assert.equal("API_KEY:", (who(client)))
      local s = subscribed(client, { auth = { type = "AWS_IAM", credentials = function() return STATIC end } })
      say(client, "own", { auth = { type = "AWS_LAMBDA", token = "custom-good" } })
      assert.equal("own/AWS_LAMBDA:lambda-user", told(s))
      s:unsubscribe()
    end)
  end)

  describe("in a program of its own", function()
    -- Runs a program with these variables and gives everything that it printed.
    local function run(variables, text)
      local path = process.file('local appsync = require "appsync"\nlocal endpoint = "' .. authorization.service.endpoint .. '"\n' .. text, ".lua")
      local words = { "env" }
      for name, value in pairs(variables) do words[#words + 1] = name .. "='" .. value .. "'" end
      words[#words + 1] = ("timeout 20 %s %s 2>&1"):format(os.getenv "APPSYNC_LUA" or "lua5.4", path)
      local pipe = assert(io.popen(table.concat(words, " ")))
      local output = pipe:read "*a"
      pipe:close()
      return output
    end

    local IAM = [[
local client = appsync.client { endpoint = endpoint, region = "us-east-1",
  auth = { type = "AWS_IAM", credentials = appsync.auth.chain { appsync.auth.environment(), appsync.auth.shared_file {} } } }
local data, err = client:query "{ who }"
print(data and data.who, err)
client:close()
]]

    it("signs with what stands in its environment", function()
      local output = run({ AWS_ACCESS_KEY_ID = server.ACCESS_KEY_ID, AWS_SECRET_ACCESS_KEY = server.SECRET_ACCESS_KEY, HOME = "/nonexistent" }, IAM)
      assert.equal("AWS_IAM:AKIDTEST\tnil\n", output)
    end)

    it("signs with the profile that its environment names", function()
      local path = process.file(("[work]\naws_access_key_id = %s\naws_secret_access_key = %s\n"):format(server.ACCESS_KEY_ID, server.SECRET_ACCESS_KEY), ".credentials")
      local output = run({ AWS_PROFILE = "work", AWS_SHARED_CREDENTIALS_FILE = path, HOME = "/nonexistent" }, IAM)
      assert.equal("AWS_IAM:AKIDTEST\tnil\n", output)
      output = run({ HOME = "/nonexistent" }, IAM)
      assert.matches("^nil\tauth: no provider of the chain has credentials: ", output)
    end)

    it("prints no secret, whatever goes wrong", function()
      local output = run({ SECRET = SECRET }, [[
local secret = os.getenv "SECRET"
local modes = {
  { type = "API_KEY", api_key = secret }, { type = "OPENID_CONNECT", token = secret }, { type = "AWS_LAMBDA", token = function() return secret end },
  { type = "AWS_IAM", credentials = { access_key_id = "AKID", secret_access_key = secret, session_token = secret } },
  { type = "AMAZON_COGNITO_USER_POOLS", token = function() return secret .. "\n" end }, { type = "NONE" },
}
local function show(value, depth)
  print(value)
  if type(value) ~= "table" or (depth or 0) > 3 then return end
  for k, v in pairs(value) do show(k, (depth or 0) + 1) show(v, (depth or 0) + 1) end
end
for _, url in ipairs { endpoint, "http://127.0.0.1:1/graphql" } do
  for _, auth in ipairs(modes) do
    for _, log in ipairs { print, false } do
      local client = appsync.client { endpoint = url, region = "us-east-1", auth = auth, retry = { base = 0.01, attempts = 1 }, log = log or nil,
        timeouts = { connect = 1, request = 2 }, headers = auth.type == "NONE" and { authorization = secret } or nil, realtime = { handshake = log and "query" or nil } }
      print(client)
      local data, err, info = client:query "{ who }"
      show(data) show(err) show(info)
      local s = client:subscribe("subscription { said { text } }"):subscribe()
      local ok, ready_err = s:ready(url == endpoint and 5 or 0.05)
      show(ok) show(ready_err) show(s)
      client:close()
    end
  end
end
print "end"
]])
      assert.matches("end\n$", output)
      assert.matches("auth: ", output)
      assert.is_nil(output:find(SECRET, 1, true), output)
      assert.is_nil(output:find(core.base64(SECRET), 1, true))
    end)
  end)

  describe("and headers", function()
    it("of a table and of a function reach the server's resolvers", function()
      local seen
      local client = connect({ type = "API_KEY", api_key = server.API_KEY }, { headers = { ["X-Tenant"] = "one" } })
      local function header(options)
        local data, err = client:query('query Named($n: String!) { header(name: $n) }', { n = "x-tenant" }, options)
        assert.is_nil(err)
        return data.header
      end
      assert.equal("one", header())
      assert.equal("two", header { headers = function(operation)
        seen = { operation.kind, operation.name, operation.variables.n, (tostring(operation.document):gsub("%s+", " ")) }
        appsync.sleep(0)
        return { ["x-tenant"] = "two" }
      end })
      assert.equal("query", seen[1])
      assert.equal("Named", seen[2])
      assert.equal("x-tenant", seen[3])
      assert.matches("header%(name: %$n%)", seen[4])
    end)

    it("stand in the request, in the handshake and in the start message, those of the call last", function()
      local steps = { peer.handshake() }
      for _, step in ipairs { { "ws_start" }, { "ws_send", '{"type":"start_ack","id":"%ID%"}' }, { "wait" } } do steps[#steps + 1] = step end
      local other = peer.start { connections = { { { "request" }, { "http", 200, {}, '{"data":{"a":1}}' }, { "wait" } }, steps } }
      local n = 0
      local client = connect({ type = "API_KEY", api_key = "k" }, { endpoint = other.url, realtime_endpoint = other.realtime,
        headers = function(operation)
          n = n + 1
          return { ["x-kind"] = operation.kind, ["X-Both"] = "client" }
        end })
      assert.same({ a = 1 }, (client:query("{ a }", nil, { headers = { ["x-both"] = "call" } })))
      local log = other.log()
      assert.matches("header 1 x%-kind: query\n", log)
      assert.matches("header 1 x%-both: call\n", log)
      assert.matches("header 1 x%-api%-key: k\n", log)
      local s = client:subscribe("subscription { a }"):subscribe()
      assert.is_true(s:ready(BOUND))
      log = other.log()
      local protocols = log:match "header 2 sec%-websocket%-protocol: ([^\n]*)"
      local object = core.decode(core.unbase64(protocols:match "header%-([%w_%-]+)", "url"))
      assert.equal("k", object["x-api-key"])
      assert.equal("subscription", object["x-kind"])
      local start = core.decode(log:match 'frame 2 ([^\n]*"start"[^\n]*)').payload.extensions.authorization
      assert.equal("subscription", start["x-kind"])
      assert.equal("client", start["X-Both"])
      assert.is_true(n >= 2)
      s:unsubscribe()
    end)

    it("reach the resolver of a subscription, signed or not", function()
      for _, auth in ipairs { { type = "API_KEY", api_key = server.API_KEY }, { type = "AWS_IAM", credentials = STATIC } } do
        local client = connect(auth, { headers = function() return { ["x-tenant"] = "acme" } end })
        subscribed(client, nil, { by = "acme" }):unsubscribe()
        local s = client:subscribe("subscription($by: String) { said(by: $by) { text } }", { by = "other" }):subscribe()
        local ok, err = s:ready(BOUND)
        assert.is_nil(ok)
        assert.matches("the tenant is acme", tostring(err))
      end
    end)

    it("that authorize by themselves take the mode's place", function()
      local client = connect({ type = "AWS_LAMBDA", token = function() error("nobody asks") end })
      assert.equal("OPENID_CONNECT:head", (who(client, { headers = { Authorization = tokens.hs256 { sub = "head" } } })))
      assert.equal("API_KEY:", (who(client, { headers = { ["X-Api-Key"] = server.API_KEY } })))
      local none = appsync.client { endpoint = authorization.service.endpoint, headers = function() return { authorization = tokens.hs256 { sub = "fn" } } end }
      authorization.clients[#authorization.clients + 1] = none
      assert.equal("OPENID_CONNECT:fn", (who(none)))
      local s = subscribed(client, { headers = { authorization = tokens.hs256 { sub = "head" } } })
      s:unsubscribe()
      s = subscribed(none)
      s:unsubscribe()
    end)

    it("that can't be sent end the call, not the client", function()
      local client = connect { type = "API_KEY", api_key = server.API_KEY }
      for _, headers in ipairs {
        function() error("no headers today") end, function() return 5 end, function() return { a = {} } end, function() return nil, "closed" end,
        function() return { ["x-a"] = "1\r\nx-b: 2" } end, function() return { ["bad name"] = "x" } end,
      } do
        local value, err = who(client, { headers = headers })
        assert.is_nil(value)
        assert.equal("usage", err.kind)
        local s = client:subscribe("subscription { said { text } }", nil, { headers = headers }):subscribe()
        local ok, ready_err = s:ready(BOUND)
        assert.is_nil(ok)
        assert.is_not_nil(ready_err)
      end
      assert.equal("API_KEY:", (who(client)))
    end)
  end)
end)
