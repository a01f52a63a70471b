-- Every authorization mode against the local server, which checks keys, signatures and tokens as the service does.
local appsync = require "appsync"
local core = require "appsync.core"
local peer = require "spec.support.peer"
local process = require "spec.support.process"
local server = require "spec.support.server"
local tokens = require "spec.support.tokens"

local ALL = "@aws_api_key @aws_iam @aws_oidc @aws_cognito_user_pools @aws_lambda"
local SCHEMA = ([[
type Query {
  who: String ALL
  header(name: String!): String ALL
  keyOnly: String @aws_api_key
  tokenOnly: String @aws_oidc
}
type Mutation { say(text: String): Said ALL }
type Said ALL { text: String by: String }
type Subscription { said(by: String): Said @aws_subscribe(mutations: ["say"]) ALL }
]]):gsub("ALL", ALL)
local RESOLVERS = [[
local function who(ctx)
  local identity = ctx.identity or {}
  local context = identity.resolver_context
  return identity.mode .. ":" .. tostring(identity.username or (context and context.user) or "")
end
return {
  Query = {
    who = who,
    header = function(ctx) return ctx.request.headers[ctx.arguments.name] end,
    keyOnly = function() return "k" end,
    tokenOnly = function() return "t" end,
  },
  Mutation = { say = function(ctx) return { text = ctx.arguments.text, by = who(ctx) } end },
  Subscription = { said = function(ctx)
    if ctx.arguments.by and ctx.arguments.by ~= ctx.request.headers["x-tenant"] then error("the tenant is " .. tostring(ctx.request.headers["x-tenant"])) end
  end },
  authorizer = function(token, request)
    if token == "custom-good" then return { isAuthorized = true, resolverContext = { user = "lambda-user" } } end
    if token == "custom-denied-field" then return { isAuthorized = true, deniedFields = { "Query.keyOnly", "Query.who" } } end
    return { isAuthorized = false }
  end,
}
]]
local STATIC = { access_key_id = server.ACCESS_KEY_ID, secret_access_key = server.SECRET_ACCESS_KEY }
local BOUND = 10
local SECRET = "never-to-be-seen"
local HOUR = 3600
-- A server whose clock is two hours ahead: the client believes it, so that what lives for an hour has expired.
local LATER = { "http", 200, { Date = os.date("!%a, %d %b %Y %H:%M:%S GMT", os.time() + 2 * HOUR) }, '{"data":{"a":1}}' }

describe("authorization", function()
  local service, clients, printed, key_file

  setup(function()
    key_file = process.temporary(".jwt")
    process.write(key_file, tokens.SECRET)
    service = server.start { schema = SCHEMA, resolvers = RESOLVERS, arguments = { "--jwt-key", key_file } }
  end)

  teardown(function() process.stop_all() end)

  before_each(function() clients, printed = {}, {} end)

  after_each(function()
    for _, client in ipairs(clients) do assert.is_true(client:close(5)) end
  end)

  local function connect(auth, options)
    options = options or {}
    options.endpoint = options.endpoint or service.endpoint
    options.region = options.region or "us-east-1"
    options.auth = auth
    options.retry = { base = 0.01, cap = 0.05, attempts = 3 }
    options.log = function(level, message, fields)
      printed[#printed + 1] = level .. " " .. message .. " " .. appsync.encode(fields or {})
    end
    local client = assert(appsync.client(options))
    clients[#clients + 1] = client
    return client
  end

  local function who(client, options)
    local data, err = client:query("{ who }", nil, options)
    return data and data.who, err
  end

  -- Nothing that a user sees has the secret in it.
  local function is_secret(secret, err)
    for _, text in ipairs { tostring(err), err and err.message or "", table.concat(printed, "\n") } do
      assert.is_nil(text:find(secret, 1, true), text)
    end
  end

  local function refused(client, secret, options)
    local value, err = who(client, options)
    assert.is_nil(value)
    assert.equal("auth", err.kind)
    assert.is_true(err.status == 401 or err.status == 403, tostring(err.status))
    assert.is_false(err.retryable)
    if secret then is_secret(secret, err) end
    return err
  end

  local function told(s)
    local event, err = s:next(BOUND)
    assert.is_nil(err)
    return event.said.text .. "/" .. event.said.by
  end

  local function subscribed(client, options, variables)
    local document = variables and "subscription($by: String) { said(by: $by) { text by } }" or "subscription { said { text by } }"
    local s = client:subscribe(document, variables, options):subscribe()
    local ok, err = s:ready(BOUND)
    assert.is_nil(err)
    assert.is_true(ok)
    return s
  end

  local function say(client, text, options)
    local _, err = client:mutate("mutation($t: String) { say(text: $t) { text by } }", { t = text }, options)
    assert.is_nil(err)
  end

  describe("by API key", function()
    it("lets the right key in, on HTTP and on the socket", function()
      local client = connect { type = "API_KEY", api_key = server.API_KEY }
      assert.equal("API_KEY:", (who(client)))
      local s = subscribed(client)
      say(client, "hello")
      assert.equal("hello/API_KEY:", told(s))
      s:unsubscribe()
    end)

    it("gives kind auth for a wrong one, and tells nobody what it was", function()
      local client = connect { type = "API_KEY", api_key = "da2-wrong-key" }
      refused(client, "da2-wrong-key")
      local s = client:subscribe("subscription { said { text } }"):subscribe()
      local ok, err = s:ready(BOUND)
      assert.is_nil(ok)
      assert.equal("auth", err.kind)
      is_secret("da2-wrong-key", err)
    end)

    it("gives kind auth for none at all", function()
      local err = refused(connect { type = "NONE" })
      assert.equal("auth", err.kind)
    end)
  end)

  describe("by IAM", function()
    local function iam(credentials, more)
      local auth = { type = "AWS_IAM", credentials = credentials }
      for name, value in pairs(more or {}) do auth[name] = value end
      return auth
    end

    it("signs with keys of a table, on HTTP and on the socket", function()
      local client = connect(iam(STATIC))
      assert.equal("AWS_IAM:AKIDTEST", (who(client)))
      local s = subscribed(client)
      say(client, "signed ünïcode")
      assert.equal("signed ünïcode/AWS_IAM:AKIDTEST", told(s))
      s:unsubscribe()
    end)

    it("signs with auth.static", function()
      assert.equal("AWS_IAM:AKIDTEST", (who(connect(iam(appsync.auth.static(STATIC))))))
    end)

    it("signs with the environment's keys", function()
      local environment = { AWS_ACCESS_KEY_ID = server.ACCESS_KEY_ID, AWS_SECRET_ACCESS_KEY = server.SECRET_ACCESS_KEY }
      local provider = appsync.auth.environment { getenv = function(name) return environment[name] end }
      assert.equal("AWS_IAM:AKIDTEST", (who(connect(iam(provider)))))
    end)

    it("gives kind auth that names the variable when the environment has none", function()
      local provider = appsync.auth.environment { getenv = function() end }
      local value, err = who(connect(iam(provider)))
      assert.is_nil(value)
      assert.equal("auth", err.kind)
      assert.equal("no_credentials", err.code)
      assert.matches("AWS_ACCESS_KEY_ID", err.message)
    end)

    it("signs with a profile of the shared file", function()
      local path = process.temporary(".credentials")
      process.write(path, ("[default]\naws_access_key_id = AKIDOTHER\naws_secret_access_key = other\n\n[work]\naws_access_key_id=%s\naws_secret_access_key=%s\n")
        :format(server.ACCESS_KEY_ID, server.SECRET_ACCESS_KEY))
      local function provider(profile)
        return appsync.auth.shared_file { profile = profile, credentials_file = path, config_file = path .. ".none", getenv = function() end }
      end
      assert.equal("AWS_IAM:AKIDTEST", (who(connect(iam(provider "work")))))
      refused(connect(iam(provider "default")), "AKIDOTHER")
      local _, err = who(connect(iam(provider "absent")))
      assert.equal("auth", err.kind)
      assert.matches('profile "absent"', err.message)
    end)

    it("takes the first provider of a chain that has keys", function()
      local empty = appsync.auth.environment { getenv = function() end }
      assert.equal("AWS_IAM:AKIDTEST", (who(connect(iam(appsync.auth.chain { empty, appsync.auth.static(STATIC) })))))
    end)

    it("gives kind auth for a wrong secret", function()
      refused(connect(iam { access_key_id = server.ACCESS_KEY_ID, secret_access_key = "not-the-secret" }), "not-the-secret")
      refused(connect(iam { access_key_id = "AKIDNOBODY", secret_access_key = server.SECRET_ACCESS_KEY }), server.SECRET_ACCESS_KEY)
    end)

    it("sends the session token as a signed header", function()
      local client = connect(iam { access_key_id = server.ACCESS_KEY_ID, secret_access_key = server.SECRET_ACCESS_KEY, session_token = "session-token-1" })
      local data, err = client:query '{ header(name: "x-amz-security-token") who }'
      assert.is_nil(err)
      assert.same({ header = "session-token-1", who = "AWS_IAM:AKIDTEST" }, data)
    end)

    it("signs for another service and region", function()
      local gateway = peer.start { connections = { { { "request" }, { "http", 200, {}, '{"data":{"a":1}}' } } } }
      local client = connect(iam(STATIC, { service = "execute-api", region = "eu-west-3" }), { endpoint = gateway.url })
      assert.same({ a = 1 }, (client:query "{ a }"))
      assert.matches("/eu%-west%-3/execute%-api/aws4_request", gateway.log())
      assert.is_nil(gateway.log():find(server.SECRET_ACCESS_KEY, 1, true))
    end)

    it("asks a function again once its keys have expired, and signs with the new ones", function()
      local reasons = {}
      local later = peer.start { connections = { { { "request" }, LATER, { "request" }, LATER, { "wait" } } } }
      local client = connect(iam(function(reason)
        reasons[#reasons + 1] = reason
        return { accessKeyId = "AKID" .. #reasons, secretAccessKey = SECRET, expires_at = os.time() + (#reasons * 4 - 3) * HOUR }
      end), { endpoint = later.url })
      for _ = 1, 2 do
        local data, err = client:query "{ a }"
        assert.is_nil(err)
        assert.same({ a = 1 }, data)
      end
      assert.same({ "first", "expired" }, reasons)
      assert.matches("Credential=AKID1/.*Credential=AKID2/", later.log())
    end)

    it("gives kind auth when the keys that a function gives have expired already", function()
      local client = connect(iam(function()
        return { access_key_id = "AKID", secret_access_key = SECRET, expires_at = os.time() - 10 }
      end))
      local value, err = who(client)
      assert.is_nil(value)
      assert.equal("auth", err.kind)
      assert.equal("credentials_expired", err.code)
      is_secret(SECRET, err)
    end)

    it("asks a function once for keys that are good for long", function()
      local n = 0
      local client = connect(iam(function()
        n = n + 1
        return { access_key_id = server.ACCESS_KEY_ID, secret_access_key = server.SECRET_ACCESS_KEY, expires_at = os.time() + 3600 }
      end))
      for _ = 1, 3 do assert.equal("AWS_IAM:AKIDTEST", (who(client))) end
      assert.equal(1, n)
    end)

    it("says what is wrong with what a function gave", function()
      for expected, given in pairs { secret_access_key = { access_key_id = "AKID" }, credentials = "text", access_key_id = {} } do
        local _, err = who(connect(iam(function() return given end)))
        assert.equal("auth", err.kind)
        assert.matches(expected, err.message)
      end
    end)

    it("says so when there is no region to sign for", function()
      local client = appsync.client { endpoint = service.endpoint, auth = iam(STATIC) }
      clients[#clients + 1] = client
      local _, err = who(client)
      assert.is_true(err.kind == "auth" or err.kind == "usage", err.kind)
      assert.matches("region", err.message)
    end)
  end)

  describe("by token", function()
    it("lets in tokens of a user pool and of an OIDC issuer, with or without Bearer", function()
      local cognito = connect { type = "AMAZON_COGNITO_USER_POOLS", token = tokens.hs256(tokens.cognito "ann") }
      assert.equal("AMAZON_COGNITO_USER_POOLS:ann", (who(cognito)))
      local oidc = connect { type = "OPENID_CONNECT", token = tokens.hs256 { sub = "bob" } }
      assert.equal("OPENID_CONNECT:bob", (who(oidc)))
      assert.equal("t", (oidc:query "{ tokenOnly }").tokenOnly)
      assert.equal("OPENID_CONNECT:bob", (who(connect { type = "OPENID_CONNECT", token = "Bearer " .. tokens.hs256 { sub = "bob" } })))
      local s = subscribed(cognito)
      say(oidc, "hi")
      assert.equal("hi/OPENID_CONNECT:bob", told(s))
      s:unsubscribe()
    end)

    it("lets in RS256 tokens of a key pair", function()
      local private, public = tokens.rsa()
      local other = server.start { schema = SCHEMA, resolvers = RESOLVERS, arguments = { "--jwt-key", public } }
      assert.equal("OPENID_CONNECT:rsa", (who(connect({ type = "OPENID_CONNECT", token = tokens.rs256({ sub = "rsa" }, private) },
        { endpoint = other.endpoint }))))
      local stranger = tokens.hs256 { sub = "rsa" }
      refused(connect({ type = "OPENID_CONNECT", token = stranger }, { endpoint = other.endpoint }), stranger)
      other.stop()
    end)

    it("gives kind auth for one that is signed by another key", function()
      local token = tokens.hs256({ sub = "eve" }, "another secret")
      refused(connect { type = "OPENID_CONNECT", token = token }, token)
    end)

    it("gives kind auth for an expired one that can't be renewed, without asking the service", function()
      local token = tokens.hs256 { sub = "ann", exp = -100, iat = -200 }
      local client = connect { type = "OPENID_CONNECT", token = token }
      local _, err = who(client)
      assert.equal("auth", err.kind)
      assert.equal("token_expired", err.code)
      is_secret(token, err)
      assert.equal(0, client:stats().requests)
    end)

    it("asks the function with the reason: first, then refused by the service", function()
      local reasons = {}
      local client = connect { type = "OPENID_CONNECT", token = function(reason)
        reasons[#reasons + 1] = reason
        return tokens.hs256({ sub = "n" .. #reasons }, #reasons == 1 and "another secret" or nil)
      end }
      assert.equal("OPENID_CONNECT:n2", (who(client)))
      assert.same({ "first", "refused" }, reasons)
    end)

    it("asks the function with the reason expired once the token is over", function()
      local reasons, made = {}, {}
      local later = peer.start { connections = { { { "request" }, LATER, { "request" }, LATER, { "wait" } } } }
      local client = connect({ type = "OPENID_CONNECT", token = function(reason)
        reasons[#reasons + 1] = reason
        made[#made + 1] = tokens.hs256 { sub = "n" .. #reasons, exp = (#reasons * 4 - 3) * HOUR }
        return made[#made]
      end }, { endpoint = later.url })
      for _ = 1, 2 do
        local data, err = client:query "{ a }"
        assert.is_nil(err)
        assert.same({ a = 1 }, data)
      end
      assert.same({ "first", "expired" }, reasons)
      assert.truthy(later.log():find("authorization: " .. made[1], 1, true))
      assert.truthy(later.log():find("authorization: " .. made[2], 1, true))
    end)

    it("isn't asked for again by each call though its last tenth has begun: the function was only just asked", function()
      local n = 0
      local client = connect { type = "OPENID_CONNECT", token = function()
        n = n + 1
        return tokens.hs256 { sub = "old", exp = 60, iat = -3600 }
      end }
      for _ = 1, 3 do assert.equal("OPENID_CONNECT:old", (who(client))) end
      assert.equal(1, n)
    end)

    it("is asked for once by 50 calls and a subscription", function()
      local n = 0
      local client = connect { type = "OPENID_CONNECT", token = function()
        n = n + 1
        appsync.sleep(0.02)
        return tokens.hs256 { sub = "n" .. n }
      end }
      appsync.run(function()
        local list = {}
        local s = client:subscribe("subscription { said { text by } }"):subscribe()
        for i = 1, 50 do list[i] = appsync.spawn(who, client) end
        for i = 1, 50 do assert.equal("OPENID_CONNECT:n1", (list[i]:await(BOUND))) end
        assert.is_true(s:ready(BOUND))
        s:unsubscribe()
      end)
      assert.equal(1, n)
      assert.equal(1, client:stats().token_refreshes)
    end)

    it("is renewed once for 50 calls and a subscription that were refused", function()
      local n = 0
      local client = connect { type = "OPENID_CONNECT", token = function()
        n = n + 1
        appsync.sleep(0.02)
        return tokens.hs256({ sub = "n" .. n }, n == 1 and "another secret" or nil)
      end }
      appsync.run(function()
        local list = {}
        local s = client:subscribe("subscription { said { text by } }"):subscribe()
        for i = 1, 50 do list[i] = appsync.spawn(who, client) end
        for i = 1, 50 do assert.equal("OPENID_CONNECT:n2", (list[i]:await(BOUND))) end
        assert.is_true(s:ready(BOUND))
        s:unsubscribe()
      end)
      assert.equal(2, n)
    end)

    it("is a fresh one for connect and start after a reconnect, once the one before is over", function()
      local reasons = {}
      local handshake = { { "ws_accept", "graphql-ws" }, { "ws_expect", "connection_init" },
        { "ws_send", '{"type":"connection_ack","payload":{"connectionTimeoutMs":300000}}' }, { "ws_start" }, { "ws_send", '{"type":"start_ack","id":"%ID%"}' } }
      local function steps(...)
        local list = { ... }
        for i = #handshake, 1, -1 do table.insert(list, 1, handshake[i]) end
        return list
      end
      local other = peer.start { connections = {
        steps({ "ws_send", '{"type":"data","id":"%ID%","payload":{"data":{"said":{"text":"one"}}}}' }, { "ws_start" },
          { "ws_send", '{"type":"start_ack","id":"%ID%"}' }, { "ws_expect", '"stop"' }, { "close" }),
        { { "request" }, LATER, { "wait" } },
        steps({ "ws_send", '{"type":"data","id":"%ID%","payload":{"data":{"said":{"text":"two"}}}}' }, { "wait" }),
      } }
      local made = {}
      local client = connect({ type = "OPENID_CONNECT", token = function(reason)
        reasons[#reasons + 1] = reason
        made[#made + 1] = tokens.hs256 { sub = "n" .. #reasons, exp = (#reasons * 4 - 3) * HOUR }
        return made[#made]
      end }, { endpoint = other.url, realtime_endpoint = other.realtime })
      local s = client:subscribe("subscription { said { text } }"):subscribe()
      assert.equal("one", s:next(BOUND).said.text)
      local farewell = client:subscribe("subscription { said { by } }"):subscribe()
      assert.is_true(farewell:ready(BOUND))
      assert.same({ a = 1 }, (client:query "{ a }"))
      farewell:unsubscribe() -- then the peer hangs up
      assert.equal("two", s:next(BOUND).said.text)
      assert.same({ "first", "expired" }, reasons)
      local function authorization(number)
        local protocols = other.log():match("header " .. number .. " sec%-websocket%-protocol: ([^\n]*)")
        local connect_object = core.decode(core.unbase64(protocols:match "header%-([%w_%-]+)", "url"))
        local start = core.decode(other.log():match("frame " .. number .. ' ([^\n]*"start"[^\n]*)'))
        return connect_object.Authorization, start.payload.extensions.authorization.Authorization
      end
      assert.same({ made[1], made[1] }, { authorization(1) })
      assert.same({ made[2], made[2] }, { authorization(3) })
      s:unsubscribe()
    end)

    it("that the function doesn't give is an auth error with the function's reason", function()
      local client = connect { type = "OPENID_CONNECT", token = function() return nil, "signed out" end }
      local _, err = who(client)
      assert.equal("auth", err.kind)
      assert.matches("signed out", err.message)
      local s = client:subscribe("subscription { said { text } }"):subscribe()
      local ok, ready_err = s:ready(BOUND)
      assert.is_nil(ok)
      assert.equal("auth", ready_err.kind)
    end)

    it("is an auth error when the function raises, and the raise is logged", function()
      local _, err = who(connect { type = "OPENID_CONNECT", token = function() error("the vault is shut") end })
      assert.equal("auth", err.kind)
      assert.equal("token_failed", err.code)
      assert.matches("the vault is shut", err.message)
      assert.matches("the vault is shut", table.concat(printed))
    end)

    it("is an auth error when the function gives something else", function()
      for _, given in ipairs { 5, true, "", {} } do
        local _, err = who(connect { type = "OPENID_CONNECT", token = function() return given end })
        assert.equal("auth", err.kind, tostring(given))
        assert.is_nil(err.message:find("\n", 1, true))
      end
    end)

    it("that can't be a header's value is an auth or usage error, not a header of its own", function()
      local client = connect { type = "OPENID_CONNECT", token = function() return "abc\r\nX-Evil: 1" end }
      local _, err = who(client)
      assert.is_true(err.kind == "auth" or err.kind == "usage", err.kind)
      is_secret("X-Evil", err)
    end)

    it("with an error of several lines gives a message of one line", function()
      local _, err = who(connect { type = "OPENID_CONNECT", token = function() return nil, "one\ntwo\r\nthree" end })
      assert.equal("auth", err.kind)
      assert.is_nil(err.message:find("[\r\n]"))
    end)

    it("that never comes ends the call by its timeout; later calls work", function()
      local is_silent = true
      local client = connect({ type = "OPENID_CONNECT", token = function()
        while is_silent do appsync.sleep(0.01) end
        return tokens.hs256 { sub = "late" }
      end }, { timeouts = { request = 0.1 } })
      local began = core.now()
      local _, err = who(client)
      assert.equal("auth", err.kind)
      assert.equal("token_timeout", err.code)
      assert.is_true(err.retryable)
      assert.is_falsy(err.sent)
      assert.is_true(core.now() - began < 5)
      is_silent = false
      assert.equal("OPENID_CONNECT:late", (who(client, { timeout = BOUND })))
    end)

    it("may be got by a query of the same client with another mode", function()
      local client
      client = connect({ type = "OPENID_CONNECT", token = function()
        local data = assert(client:query("{ who }", nil, { auth_mode = "API_KEY" }))
        return tokens.hs256 { sub = "via-" .. data.who:gsub(":", "") }
      end }, { auths = { { type = "API_KEY", api_key = server.API_KEY } } })
      assert.equal("OPENID_CONNECT:via-API_KEY", (who(client)))
    end)

    it("comes from any table with get or current_session", function()
      local provider = { get = function() return tokens.hs256 { sub = "got" } end }
      assert.equal("OPENID_CONNECT:got", (who(connect { type = "OPENID_CONNECT", token = provider })))
      local pool = { current_session = function() return { id_token = tokens.hs256(tokens.cognito "pool") } end }
      assert.equal("AMAZON_COGNITO_USER_POOLS:pool", (who(connect { type = "AMAZON_COGNITO_USER_POOLS", token = pool })))
    end)
  end)

  describe("by a Lambda authorizer", function()
    it("hands over the token as it is", function()
      local client = connect { type = "AWS_LAMBDA", token = "custom-good" }
      assert.equal("AWS_LAMBDA:lambda-user", (who(client)))
      local s = subscribed(client)
      say(client, "x")
      assert.equal("x/AWS_LAMBDA:lambda-user", told(s))
      s:unsubscribe()
    end)

    it("gives kind auth when it says no, and when a field is denied", function()
      refused(connect { type = "AWS_LAMBDA", token = "custom-bad-token" }, "custom-bad-token")
      local data, err = connect({ type = "AWS_LAMBDA", token = "custom-denied-field" }):query "{ who }"
      assert.is_nil(data)
      assert.equal("auth", err.kind)
      assert.equal(appsync.null, err.data.who)
    end)
  end)

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
      local path = process.temporary(".lua")
      process.write(path, 'local appsync = require "appsync"\nlocal endpoint = "' .. service.endpoint .. '"\n' .. text)
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
      local path = process.temporary(".credentials")
      process.write(path, ("[work]\naws_access_key_id = %s\naws_secret_access_key = %s\n"):format(server.ACCESS_KEY_ID, server.SECRET_ACCESS_KEY))
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
      local none = appsync.client { endpoint = service.endpoint, headers = function() return { authorization = tokens.hs256 { sub = "fn" } } end }
      clients[#clients + 1] = none
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
