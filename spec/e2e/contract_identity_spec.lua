-- Who calls: modes, credentials, tokens, `with`, a call's own identity; by the public names only.
local appsync = require "appsync"
local contract = require "spec.support.contract"
local process = require "spec.support.process"
local server = require "spec.support.server"
local has = require("spec.support.text").has

local connect = contract.connect
local BOUND = 10
local ON_NOTE = "subscription { onNote { text } }"

describe("the contract of identities against the local server:", function()
  setup(contract.open)
  teardown(process.stop_all)
  after_each(contract.close_clients)

  local function count(text)
    local n, at = 0, 1
    local log = contract.service.log()
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

  it("each mode needs its own material and takes no other", function()
    for _, auth in ipairs{
      { type = "API_KEY" }, { type = "AWS_IAM" }, { type = "OPENID_CONNECT" }, { type = "AMAZON_COGNITO_USER_POOLS" }, { type = "AWS_LAMBDA" },
      { type = "API_KEY", token = "x" }, { type = "NONE", token = "x" }, { type = "nothing" }, {}, { api_key = "x" },
      { type = "AWS_IAM", credentials = {} }, { type = "API_KEY", api_key = 5 },
    } do
      local ok, message = pcall(appsync.client, { endpoint = "http://127.0.0.1:9/graphql", auth = auth })
      assert.is_false(ok)
      has(message, "contract_identity_spec")
    end
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
end)
