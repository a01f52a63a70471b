-- JSON values, secrets, and what loading does; by the public names only.
local appsync = require "appsync"
local misuse = require "spec.support.misuse"
local process = require "spec.support.process"
local program = require "spec.support.program"
local contains = require "spec.support.text"

local has, lacks = contains.has, contains.lacks
local raised, here = misuse.raised, misuse.here
local HAS_INTEGERS = math.type ~= nil

describe("the contract of JSON values:", function()
  it("encode writes integral floats as integers, never with an exponent", function()
    assert.equal("5", appsync.encode(5.0))
    assert.equal("-5", appsync.encode(-5.0))
    assert.equal("9007199254740992", appsync.encode(2 ^ 53))
    assert.equal("1000000000000000000000", appsync.encode(1e21))
    assert.is_nil(appsync.encode(1e300):find "[eE.]")
    assert.equal("0.5", appsync.encode(0.5))
    assert.equal("0.1", appsync.encode(0.1))
    assert.equal(1e-7, tonumber(appsync.encode(1e-7)))
  end)

  it("NaN and infinity throw", function()
    for _, number in ipairs{ 0 / 0, 1 / 0, -1 / 0 } do
      has(raised(function() appsync.encode{ a = number } end), here())
    end
  end)

  it("integers up to 2^53 survive exactly", function()
    for _, text in ipairs{ "9007199254740991", "9007199254740992", "-9007199254740992", "0", "2147483648" } do
      assert.equal(text, appsync.encode((appsync.decode(text))))
    end
  end)

  if HAS_INTEGERS then
    it("64-bit integers survive exactly on Lua 5.3 and later", function()
      for _, text in ipairs{ "9223372036854775807", "-9223372036854775808", "9007199254740993" } do
        local value = appsync.decode(text)
        assert.equal("integer", math.type(value))
        assert.equal(text, appsync.encode(value))
      end
    end)
  end

  it("array marks a list; the mark survives a round trip; an unmarked empty table is an object", function()
    assert.equal("[]", appsync.encode(appsync.array{}))
    assert.equal("[]", appsync.encode(appsync.array()))
    assert.equal("{}", appsync.encode{})
    assert.equal("[]", appsync.encode((appsync.decode "[]")))
    assert.equal("{}", appsync.encode((appsync.decode "{}")))
    assert.equal('[[],{}]', appsync.encode((appsync.decode "[[],{}]")))
    local t = { 1 }
    assert.equal(t, appsync.array(t))
    assert.equal("[1,2]", appsync.encode{ 1, 2 })
  end)

  it("holes, mixed keys, functions and cycles throw", function()
    local cycle = {}
    cycle.self = cycle
    for i, value in ipairs{ { 1, nil, 3 }, { 1, a = 2 }, { [1.5] = 1 }, { f = print }, cycle, { [true] = 1 },
      appsync.array{ 1, a = 2 }, appsync.array{ [2] = 1 }, { [2] = 1 }, { "\255" } } do
      assert.is_false(pcall(appsync.encode, value), "value " .. i)
    end
  end)

  it("decode reads what a service cut, and says what is wrong with what it can't read; encode is strict", function()
    local cut = "\239\191\189"
    assert.same({ [cut] = "cut off " .. cut }, (appsync.decode '{"\\udc00":"cut off \\ud83d"}'))
    assert.equal("a" .. cut, (appsync.decode '"a\255"'))
    assert.same({ 1 }, (appsync.decode "\239\187\191[1]"))
    assert.is_false(pcall(appsync.encode, "cut off \237\160\189"))
    for text, message in pairs{ ["<html>"] = "HTML or XML in place of a value at byte 0", [("["):rep(200)] = "nested deeper than 128 levels at byte 128",
      ['{"a":"b'] = "unfinished string at byte 7, where the text ends" } do
      local value, err = appsync.decode(text)
      assert.is_nil(value)
      assert.same({ "protocol", message }, { err.kind, err.message })
    end
  end)

  it("null is kept in tables and lists, a nil field is absent", function()
    assert.equal('{"a":null}', appsync.encode{ a = appsync.null, b = nil })
    assert.equal("[null,1]", appsync.encode{ appsync.null, 1 })
    assert.equal("null", appsync.encode(appsync.null))
    local value, err = appsync.decode "null"
    assert.equal(appsync.null, value)
    assert.is_nil(err)
    assert.is_false(appsync.decode "false")
    assert.equal(appsync.null, appsync.decode('{"a":null}').a)
  end)

  it("decode gives nil and an error object for what isn't JSON", function()
    for _, text in ipairs{ "", "{", "[1,]", "nul", "1 2", '{"a" 1}', "\"\1\"", "'a'" } do
      local value, err = appsync.decode(text)
      assert.is_nil(value)
      assert.equal("string", type(err.kind), text)
      assert.equal("string", type(err.message))
    end
  end)

  it("copy is deep and keeps marks and null", function()
    local given = { list = appsync.array{}, inner = { a = 1 }, n = appsync.null }
    local copy = appsync.copy(given)
    copy.inner.a = 2
    assert.equal(1, given.inner.a)
    assert.equal("[]", appsync.encode(copy.list))
    assert.equal(appsync.null, copy.n)
  end)

  it("uuid is a version 4 UUID, a new one each time; version is text", function()
    local a, b = appsync.uuid(), appsync.uuid()
    assert.is_truthy(a:match "^%x%x%x%x%x%x%x%x%-%x%x%x%x%-4%x%x%x%-[89ab]%x%x%x%-%x%x%x%x%x%x%x%x%x%x%x%x$", a)
    assert.not_equal(a, b)
    assert.is_truthy(appsync.version:match "^%d+%.%d+%.%d+")
  end)

  it("the constants are there", function()
    for _, name in ipairs{ "API_KEY", "AWS_IAM", "AMAZON_COGNITO_USER_POOLS", "OPENID_CONNECT", "AWS_LAMBDA", "NONE" } do
      assert.equal(name, appsync.AUTH_TYPE[name])
    end
    assert.is_truthy(appsync.DISCARD)
    assert.is_truthy(appsync.ALL)
    assert.not_equal(appsync.ALL, appsync.DISCARD)
  end)

  it("gql parses once and keeps", function()
    assert.equal(appsync.gql "{ a }", appsync.gql "{ a }")
    has(tostring(appsync.gql "query A { a }"), "query A")
  end)
end)

describe("the contract of secrets:", function()
  teardown(function() process.stop_all() end)
  local SECRET = "da2-topsecret"

  it("no misuse message shows one", function()
    local endpoint = "http://127.0.0.1:9/graphql"
    for i, options in ipairs{
      { endpoint = endpoint, auth = SECRET },
      { endpoint = endpoint, auths = { SECRET } },
      { endpoint = endpoint, auth = { SECRET } },
      { endpoint = endpoint, apiKey = SECRET },
      { endpoint = endpoint, api_key = SECRET },
      { endpoint = endpoint, auth = { type = "AWS_IAM", credentials = SECRET } },
      { endpoint = endpoint, auth = { type = "AWS_IAM", api_key = SECRET } },
      { endpoint = endpoint, auth = { type = "API_KEY", api_key = { SECRET } } },
      { endpoint = endpoint, auth = { type = "AWS_IAM", credentials = { access_key_id = "A", secret_access_key = SECRET, nothing = SECRET } } },
      { endpoint = endpoint, headers = "x-api-key: " .. SECRET },
      { endpoint = endpoint, proxy = "socks9://me:" .. SECRET .. "@host" },
    } do
      local ok, message = pcall(appsync.client, options)
      if not ok then assert.is_nil(tostring(message):find(SECRET, 1, true), i .. ": " .. tostring(message)) end
    end
    for i, credentials in ipairs{ SECRET, { access_key_id = SECRET }, { secret_access_key = SECRET }, { access_key_id = 1, secret_access_key = SECRET } } do
      local ok, message = pcall(appsync.sign, { url = "https://a.b/" }, { credentials = credentials, service = "s", region = "r" })
      assert.is_false(ok, i)
      assert.is_nil(tostring(message):find(SECRET, 1, true), i .. ": " .. tostring(message))
    end
  end)

  it("no error and no tostring shows one", function()
    local client = appsync.client{
      endpoint = "http://127.0.0.1:9/graphql?key=" .. SECRET, auth = { type = "API_KEY", api_key = SECRET }, retry = { attempts = 1 },
    }
    lacks(tostring(client), SECRET)
    local _, err = client:query "{ a }"
    lacks(err, SECRET)
    lacks(err.cause or "", SECRET)
    client:close(5)
    client = appsync.client{ endpoint = "http://me:" .. SECRET .. "@127.0.0.1:9/graphql", auth = { type = "NONE" }, retry = { attempts = 1 } }
    lacks(tostring(client), SECRET)
    _, err = client:query "{ a }"
    lacks(err, SECRET)
    client:close(5)
  end)

  it("a configuration that can't be read doesn't show what is in it", function()
    local client, err = appsync.client{ config = '{"aws_appsync_apiKey": "' .. SECRET .. '", "broken": ' }
    assert.is_nil(client)
    lacks(err, SECRET)
  end)
end)

describe("the contract of loading:", function()
  teardown(function() process.stop_all() end)

  it("require opens nothing and starts no thread; a client opens nothing before its first use", function()
    local out = program [[
      local function threads()
        local file = io.open "/proc/self/status"
        local n = file:read "*a":match "Threads:%s+(%d+)"
        file:close()
        return n
      end
      local function descriptors()
        local n = 0
        for i = 0, 255 do
          local file = io.open("/proc/self/fdinfo/" .. i)
          if file then
            n = n + 1
            file:close()
          end
        end
        return n
      end
      local before = descriptors()
      local appsync = require "appsync"
      local client = appsync.client{ endpoint = "http://127.0.0.1:9/graphql", auth = { type = "NONE" } }
      local o = client:subscribe("subscription { a }"):map(function(d) return d end)
      local d = client:with{ headers = {} }
      appsync.gql "{ a }"
      appsync.observable(function() end)
      appsync.subject()
      print(threads(), descriptors() - before, client.connection.state)
    ]]
    assert.equal("1\t0\tDisconnected\n", out)
  end)

  it("it leaves no globals behind", function()
    local out = program [[
      local before = {}
      for name in pairs(_G) do before[name] = true end
      local appsync = require "appsync"
      local _ = appsync.auth, appsync.sign
      for name in pairs(_G) do if not before[name] then print(name) end end
    ]]
    assert.equal("", out)
  end)
end)
