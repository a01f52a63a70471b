-- A device whose clock is wrong, against services whose clock is right. The local server's clock is moved instead of the
-- device's: what counts is how far they are apart.
local appsync = require "appsync"
local core = require "appsync.core"
local faults = require "spec.support.faults"
local peer = require "spec.support.peer"
local process = require "spec.support.process"
local server = require "spec.support.server"
local tokens = require "spec.support.tokens"
local wait_for = require "spec.support.wait"

local ALL = "@aws_oidc @aws_iam @aws_api_key"
local SCHEMA = ([[
type Note ALL { id: ID! text: String }
type Query { one: Int ALL }
type Mutation { note(id: ID, text: String): Note ALL }
type Subscription { onNote: Note @aws_subscribe(mutations: ["note"]) ALL }
]]):gsub("ALL", ALL)
local RESOLVERS = [[
return {
  Query = { one = function() return 1 end },
  Mutation = { note = function(ctx) return { id = ctx.arguments.id or "1", text = ctx.arguments.text } end },
}
]]
local NOTE = "mutation { note(id: \"7\", text: \"hi\") { id text } }"
local ON_NOTE = "subscription { onNote { id text } }"
local HOUR = 3600
local BOUND = 10
local PROTOCOLS = { "appsync", "graphql-transport-ws" }

describe("a wrong clock:", function()
  local service, client, reasons, log

  setup(function()
    local key = process.file(tokens.SECRET, ".key")
    service = faults.start { schema = SCHEMA, resolvers = RESOLVERS, arguments = { "--jwt-key", key } }
  end)
  teardown(process.stop_all)

  before_each(function()
    service.reset()
    reasons, log = {}, {}
  end)
  after_each(function()
    if client then assert.is_true(client:close(5)) end
    client = nil
  end)

  -- The device's clock is ahead of the service's by so much; negative: behind.
  local function ahead(seconds) service.skew(-seconds) end

  local function connect(auth, options)
    options = options or {}
    options.endpoint = options.endpoint or service.endpoint
    options.region = "us-east-1"
    options.auth = auth
    options.retry = { base = 0.01, cap = 0.05, attempts = 3 }
    options.log = function(level, message) log[#log + 1] = level .. ": " .. message end
    client = appsync.client(options)
    return client
  end

  -- `give(n)` is what the function gives at its nth call.
  local function asked(give)
    return { type = "OPENID_CONNECT", token = function(reason)
      reasons[#reasons + 1] = reason
      return give(#reasons)
    end }
  end

  -- A token that is issued now, and good for an hour, by a clock that the device's is ahead of by so much.
  local function issued(seconds, claims)
    claims = claims or {}
    claims.iat, claims.exp = -seconds, HOUR - seconds
    return tokens.hs256(claims)
  end

  local function one(options)
    local data, err = client:query("{ one }", nil, options)
    assert.is_nil(err)
    assert.same({ one = 1 }, data)
  end

  local function statuses(query)
    local list = {}
    for i, entry in ipairs(service.log(query or "?on=request")) do list[i] = entry.status end
    return list
  end

  -- graphql-transport-ws acknowledges no subscription: the server tells that it has begun its nth.
  local function noted(s, n)
    assert.is_true(s:ready(BOUND))
    wait_for(function() return #service.log "?on=start" == n end, "a start")
    local data, err = client:mutate(NOTE)
    assert.is_nil(err)
    assert.same({ note = { id = "7", text = "hi" } }, data)
    local event = assert(s:next(BOUND))
    assert.equal("hi", event.onNote.text)
  end

  for _, hours in ipairs { 2, -2, 400, -400 } do
    describe(hours .. " hours ahead,", function()
      local seconds = hours * HOUR
      before_each(function() ahead(seconds) end)

      it("a token that was just given is used, and asked for once", function()
        connect(asked(function() return issued(seconds) end))
        for _ = 1, 3 do one() end
        assert.same({ "first" }, reasons)
        assert.same({ 200, 200, 200 }, statuses())
      end)

      it("many calls at once use it", function()
        connect(asked(function() return issued(seconds) end))
        appsync.run(function()
          local list = {}
          for i = 1, 20 do list[i] = appsync.spawn(one) end
          for i = 1, 20 do assert(list[i]:await(BOUND) == nil) end
        end)
        assert.same({ "first" }, reasons)
      end)

      it("a static token is sent: the service decides", function()
        connect { type = "OPENID_CONNECT", token = issued(seconds) }
        for _ = 1, 3 do one() end
        one { auth = { type = "OPENID_CONNECT", token = issued(seconds) } }
        client = client:with { auth = { type = "OPENID_CONNECT", token = issued(seconds) } }
        one()
      end)

      it("so is one of a call, and of a client of one user", function()
        connect { type = "API_KEY", api_key = server.API_KEY }
        local auth = asked(function() return issued(seconds) end)
        one { auth = auth }
        local user = client:with { auth = auth }
        for _ = 1, 3 do assert.same({ one = 1 }, (user:query "{ one }")) end
        assert.same({ "first", "first" }, reasons)
      end)

      for _, protocol in ipairs(PROTOCOLS) do
        it("a subscription works, and again after a reconnect: " .. protocol, function()
          connect(asked(function() return issued(seconds) end), { realtime = { protocol = protocol } })
          local s = client:subscribe(ON_NOTE):subscribe()
          noted(s, 1)
          service.disconnect()
          noted(s, 2)
          s:unsubscribe()
          assert.same({ "first" }, reasons)
        end)
      end

      it("a subscription alone works, with a static token too", function()
        connect { type = "OPENID_CONNECT", token = issued(seconds) }
        local s = client:subscribe(ON_NOTE):subscribe()
        assert.is_true(s:ready(BOUND))
        s:unsubscribe()
      end)

      it("IAM keys that were just given are used, and asked for once", function()
        connect { type = "AWS_IAM", credentials = function(reason)
          reasons[#reasons + 1] = reason
          return { access_key_id = server.ACCESS_KEY_ID, secret_access_key = server.SECRET_ACCESS_KEY,
            expires_at = os.time() + HOUR - seconds }
        end }
        for _ = 1, 3 do one() end
        assert.same({ "first" }, reasons)
        assert.same({ 403, 200, 200, 200 }, statuses()) -- signed for the wrong time first
      end)

      it("static IAM keys and providers of them are used", function()
        local keys = { access_key_id = server.ACCESS_KEY_ID, secret_access_key = server.SECRET_ACCESS_KEY,
          expires_at = os.time() + HOUR - seconds }
        connect { type = "AWS_IAM", credentials = keys }
        one()
        one { auth = { type = "AWS_IAM", credentials = appsync.auth.static(keys) } }
        one { auth = { type = "AWS_IAM", credentials = appsync.auth.chain { appsync.auth.static(keys) } } }
      end)

      it("a subscription alone that is signed asks the service for the time, once", function()
        for _, is_function in ipairs { false, true } do
          service.reset()
          ahead(seconds)
          reasons = {}
          local keys = { access_key_id = server.ACCESS_KEY_ID, secret_access_key = server.SECRET_ACCESS_KEY }
          local function give(reason)
            reasons[#reasons + 1] = reason
            return keys
          end
          connect { type = "AWS_IAM", credentials = is_function and give or keys }
          local s = client:subscribe(ON_NOTE):subscribe()
          noted(s, 1)
          service.disconnect()
          noted(s, 2)
          s:unsubscribe()
          assert.same({ is_function and "first" or nil }, reasons)
          assert.same({ "connection_error", "connection_ack", "connection_ack" }, statuses "?on=connect")
          assert.same({ 401, 200, 200 }, statuses()) -- the question, two notes
          assert.is_true(client:close(0))
        end
      end)

      it("is learned by one mode for the other", function()
        connect(asked(function() return issued(seconds) end), { auths = {
          { type = "AWS_IAM", credentials = { access_key_id = server.ACCESS_KEY_ID, secret_access_key = server.SECRET_ACCESS_KEY } },
        } })
        one()
        one { auth_mode = "AWS_IAM" }
        assert.same({ 200, 200 }, statuses())
      end)
    end)
  end

  it("a token of the future tells of a clock that is behind, and IAM signs by it at once", function()
    ahead(-2 * HOUR)
    local signed = { type = "AWS_IAM", credentials = { access_key_id = server.ACCESS_KEY_ID, secret_access_key = server.SECRET_ACCESS_KEY } }
    connect(asked(function()
      client:query("{ one }", nil, { auth_mode = "AWS_IAM" }) -- by the local clock: signed twice
      return issued(-2 * HOUR)
    end), { auths = { signed } })
    one()
    one { auth_mode = "AWS_IAM" }
    assert.same({ 403, 200, 200, 200 }, statuses())
    service.reset()
    ahead(-2 * HOUR)
    client:close(5)
    local silent = peer.start { connections = { { { "request" }, { "http", 200, {}, '{"data":{"a":1}}' }, { "request" },
      { "http", 200, {}, '{"data":{"a":1}}' }, { "wait" } } } }
    connect({ type = "OPENID_CONNECT", token = issued(-2 * HOUR) }, { endpoint = silent.url, auths = { signed } })
    assert.same({ a = 1 }, (client:query "{ a }"))
    assert.same({ a = 1 }, (client:query("{ a }", nil, { auth_mode = "AWS_IAM" })))
    local stamp = silent.log():match "x%-amz%-date: (%d+T%d%d)"
    local now = os.time() + 2 * HOUR
    assert.is_true(stamp == os.date("!%Y%m%dT%H", now) or stamp == os.date("!%Y%m%dT%H", now - 60), stamp)
    silent.stop()
  end)

  it("a token that isn't valid yet by the device is sent", function()
    ahead(-2 * HOUR)
    connect(asked(function() return issued(-2 * HOUR, { nbf = os.time() + 2 * HOUR }) end))
    for _ = 1, 2 do one() end
    assert.same({ "first" }, reasons)
  end)

  it("a clock that jumps costs one refusal", function()
    local off = 0
    connect(asked(function() return issued(off) end))
    one()
    for _, seconds in ipairs { 2 * HOUR, 0, -2 * HOUR, 2 * HOUR } do
      off = seconds
      ahead(seconds)
      for _ = 1, 3 do one() end
      assert.is_true(#reasons <= 6, table.concat(reasons, " "))
    end
  end)

  describe("a service that tells no time", function()
    local GOOD = { "http", 200, {}, '{"data":{"a":1}}' }
    local function accepting(answer, n)
      local steps = {}
      for _ = 1, n do
        steps[#steps + 1] = { "request" }
        steps[#steps + 1] = answer
      end
      steps[#steps + 1] = { "wait" }
      return peer.start { connections = { steps } }
    end

    -- Claims as they stand in the token: its signature isn't looked at.
    local function raw(claims)
      local function part(text) return core.base64(text, "url") end
      return part '{"alg":"HS256"}' .. "." .. part(claims) .. ".c2ln"
    end

    local function three(token, answer)
      local other = accepting(answer or GOOD, 3)
      connect(asked(function() return token end), { endpoint = other.url })
      for _ = 1, 3 do assert.same({ a = 1 }, (client:query "{ a }")) end
      local _, n = other.log():gsub("authorization: " .. token:gsub("%p", "%%%0"), "")
      assert.equal(3, n)
      client:close(5)
      other.stop()
    end

    it("and takes what seems expired is believed: the function is asked once", function()
      three(issued(2 * HOUR))
      assert.same({ "first" }, reasons)
    end)

    it("and one whose Date says the contrary is believed as well", function()
      local date = os.date("!%a, %d %b %Y %H:%M:%S GMT")
      three(issued(2 * HOUR), { "http", 200, { Date = date }, '{"data":{"a":1}}' })
      assert.same({ "first" }, reasons)
    end)

    it("takes claims of all kinds", function()
      local past = os.time() - HOUR
      for i, claims in ipairs {
        ('{"exp":%d}'):format(past), ('{"exp":%d.5}'):format(past), ('{"exp":%d.25e0,"iat":%d.5}'):format(past, past - HOUR),
        ('{"exp":"%d"}'):format(past), '{"exp":1}', '{"exp":-1}', '{"exp":0}', '{"exp":null}', '{"exp":1e300}', '{"exp":[1]}', "{}",
        ('{"iat":%d,"exp":%d}'):format(past, past - HOUR), ('{"iat":"%d","exp":%d}'):format(past, past),
        ('{"nbf":%d,"exp":%d}'):format(past + 3 * HOUR, past),
      } do
        three(raw(claims))
        assert.equal(i, #reasons, claims)
      end
    end)

    it("and refuses is believed: the function is asked once more, and its answer is tried", function()
      local no = { "http", 401, {}, '{"errors":[{"errorType":"UnauthorizedException","message":"Token has expired."}]}' }
      local other = accepting(no, 4)
      connect(asked(function() return issued(2 * HOUR) end), { endpoint = other.url })
      for calls = 1, 2 do
        local data, err = client:query "{ a }"
        assert.is_nil(data)
        assert.same({ "auth", "token_expired", 401 }, { err.kind, err.code, err.status })
        assert.equal(1 + calls, #reasons)
      end
      assert.same({ "first", "refused", "refused" }, reasons)
      other.stop()
    end)
  end)

  describe("a signed subscription that is refused", function()
    local STATIC = { type = "AWS_IAM", credentials = { access_key_id = "AKIDNOBODY", secret_access_key = "never" } }
    local function refused()
      local ok, err = client:subscribe(ON_NOTE):subscribe():ready(BOUND)
      assert.is_nil(ok)
      assert.equal("auth", err.kind)
    end

    it("by a service whose time is the device's is refused for good", function()
      connect(STATIC)
      refused()
      assert.same({ "connection_error" }, statuses "?on=connect")
      assert.same({ 401 }, statuses())
      refused() -- the time is known now
      assert.same({ 401 }, statuses())
    end)

    it("is refused for good where the question for the time has no answer, or one without a time", function()
      local NO = { { "ws_accept", "graphql-ws" }, { "ws_expect", "connection_init" },
        { "ws_send", '{"type":"connection_error","payload":{"errors":[{"errorType":"UnauthorizedException","message":"no"}]}}' }, { "wait" } }
      for _, answer in ipairs { { "http", 401, {}, "{}" }, { "close" }, { "http", 200, { Date = "yesterday" }, "" } } do
        local other = peer.start { connections = { NO, { { "request" }, answer, { "wait" } } } }
        connect(STATIC, { endpoint = other.url, realtime_endpoint = other.realtime })
        refused()
        client:close(0)
        other.stop()
      end
    end)

    it("may be left while the time is asked for", function()
      local NO = { { "ws_accept", "graphql-ws" }, { "ws_expect", "connection_init" },
        { "ws_send", '{"type":"connection_error","payload":{"errors":[{"errorType":"UnauthorizedException","message":"no"}]}}' }, { "wait" } }
      local other = peer.start { connections = { NO, { { "request" }, { "wait" } } } }
      connect(STATIC, { endpoint = other.url, realtime_endpoint = other.realtime })
      local s = client:subscribe(ON_NOTE):subscribe()
      wait_for(function() return other.log():find("GET /graphql", 1, true) and other.log():find("connection_init", 1, true) end, "the question", other.log)
      s:unsubscribe()
      assert.is_true(client:close())
      other.stop()
    end)
  end)

  describe("a token that has really expired", function()
    local function refused(message)
      local data, err = client:query "{ one }"
      assert.is_nil(data)
      assert.same({ "auth", "token_expired", 401 }, { err.kind, err.code, err.status })
      assert.equal(message, tostring(err))
      assert.is_false(err.retryable)
      assert.equal("UnauthorizedException", err.error_type)
    end

    it("is sent once, asked for once more, and then its error tells by which clock", function()
      connect(asked(function() return issued(2 * HOUR) end))
      refused "auth: the token has expired, 60 min ago by the service's clock"
      assert.same({ "first", "refused" }, reasons)
      assert.same({ 401 }, statuses())
      refused "auth: the token has expired, 60 min ago by the service's clock"
      assert.same({ "first", "refused", "refused" }, reasons)
      assert.same({ 401, 401 }, statuses())
    end)

    it("tells how wrong the device's clock is", function()
      ahead(-3 * HOUR)
      connect(asked(function() return issued(0) end))
      refused "auth: the token has expired, 2 h ago by the service's clock; this device's clock is 3 h behind"
    end)

    it("gives way to a better one", function()
      connect(asked(function(n) return issued(n == 1 and 2 * HOUR or 0) end))
      for _ = 1, 3 do one() end
      assert.same({ "first", "refused" }, reasons)
    end)

    it("that is static is refused by the service in its own words", function()
      connect { type = "OPENID_CONNECT", token = issued(2 * HOUR) }
      refused "auth: Token has expired."
      assert.same({ 401 }, statuses())
    end)

    for _, protocol in ipairs(PROTOCOLS) do
      it("ends a subscription, and the function is asked no more: " .. protocol, function()
        connect(asked(function() return issued(2 * HOUR) end), { realtime = { protocol = protocol } })
        client:query "{ one }" -- whose answer tells the time
        local before = #reasons
        local s = client:subscribe(ON_NOTE):subscribe()
        local ok, err = s:ready(BOUND)
        assert.is_nil(ok)
        assert.same({ "auth", "token_expired" }, { err.kind, err.code })
        assert.equal("auth: the token has expired, 60 min ago by the service's clock", tostring(err))
        assert.equal(before + 1, #reasons)
      end)

      it("ends a subscription that knows no time after the service has refused two: " .. protocol, function()
        connect(asked(function() return issued(2 * HOUR) end), { realtime = { protocol = protocol } })
        local ok, err = client:subscribe(ON_NOTE):subscribe():ready(BOUND)
        assert.is_nil(ok)
        assert.same({ "auth", protocol == "appsync" and "token_expired" or "closed_by_peer" }, { err.kind, err.code })
        assert.same({ "first", "refused" }, reasons)
      end)
    end
  end)
end)
