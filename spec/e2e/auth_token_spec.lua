-- User pools' and OpenID Connect's tokens against the local server, which checks them as the service does.
local appsync = require "appsync"
local core = require "appsync.core"
local authorization = require "spec.support.authorization"
local peer = require "spec.support.peer"
local process = require "spec.support.process"
local server = require "spec.support.server"
local tokens = require "spec.support.tokens"

local connect, who, is_secret = authorization.connect, authorization.who, authorization.is_secret
local refused, told, subscribed, say = authorization.refused, authorization.told, authorization.subscribed, authorization.say
local HOUR, SCHEMA, RESOLVERS, BOUND = authorization.HOUR, authorization.SCHEMA, authorization.RESOLVERS, authorization.BOUND
local LATER = authorization.LATER

describe("authorization", function()
  setup(authorization.open)
  teardown(process.stop_all)
  after_each(authorization.close_clients)

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

    it("gives kind auth for an expired one that can't be renewed, once the service has refused it", function()
      local token = tokens.hs256 { sub = "ann", exp = -100, iat = -200 }
      local client = connect { type = "OPENID_CONNECT", token = token }
      local _, err = who(client)
      assert.equal("auth", err.kind)
      assert.equal("token_expired", err.code)
      is_secret(token, err)
      assert.equal(401, err.status)
      assert.equal(1, client:stats().requests)
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
      local function authorization_of(number)
        local protocols = other.log():match("header " .. number .. " sec%-websocket%-protocol: ([^\n]*)")
        local connect_object = core.decode(core.unbase64(protocols:match "header%-([%w_%-]+)", "url"))
        local start = core.decode(other.log():match("frame " .. number .. ' ([^\n]*"start"[^\n]*)'))
        return connect_object.Authorization, start.payload.extensions.authorization.Authorization
      end
      assert.same({ made[1], made[1] }, { authorization_of(1) })
      assert.same({ made[2], made[2] }, { authorization_of(3) })
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
      assert.matches("the vault is shut", table.concat(authorization.printed))
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
end)
