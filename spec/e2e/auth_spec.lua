-- API keys, IAM and Lambda authorizers against the local server, which checks them as the service does.
local appsync = require "appsync"
local authorization = require "spec.support.authorization"
local peer = require "spec.support.peer"
local process = require "spec.support.process"
local server = require "spec.support.server"

local connect, who, is_secret = authorization.connect, authorization.who, authorization.is_secret
local refused, told, subscribed, say = authorization.refused, authorization.told, authorization.subscribed, authorization.say
local HOUR, STATIC, BOUND, SECRET = authorization.HOUR, authorization.STATIC, authorization.BOUND, authorization.SECRET
local LATER = authorization.LATER

describe("authorization", function()
  setup(authorization.open)
  teardown(process.stop_all)
  after_each(authorization.close_clients)

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
      local path = process.file(("[default]\naws_access_key_id = AKIDOTHER\naws_secret_access_key = other\n\n[work]\naws_access_key_id=%s\naws_secret_access_key=%s\n")
        :format(server.ACCESS_KEY_ID, server.SECRET_ACCESS_KEY), ".credentials")
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
      local client = appsync.client { endpoint = authorization.service.endpoint, auth = iam(STATIC) }
      authorization.clients[#authorization.clients + 1] = client
      local _, err = who(client)
      assert.is_true(err.kind == "auth" or err.kind == "usage", err.kind)
      assert.matches("region", err.message)
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
end)
