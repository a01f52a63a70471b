-- What every call gives: results, errors, null, lists and numbers; by the public names only.
local appsync = require "appsync"
local misuse = require "spec.support.misuse"
local peer = require "spec.support.peer"
local process = require "spec.support.process"
local server = require "spec.support.server"
local services = require "spec.support.services"
local has = require("spec.support.text").has

local raised = misuse.raised


describe("the contract of results:", function()
  local service, client

  setup(function() service = server.start{ schema = services.values.schema, resolvers = services.values.resolvers } end)
  teardown(function() process.stop_all() end)

  before_each(function()
    client = appsync.client{ endpoint = service.endpoint, auth = { type = "API_KEY", api_key = server.API_KEY } }
  end)
  after_each(function() client:close(5) end)

  it("a call gives value, nil, info", function()
    local n = select("#", client:query "{ one }")
    local data, err, info = client:query "{ one }"
    assert.equal(3, n)
    assert.equal(1, data.one)
    assert.is_nil(err)
    assert.equal("network", info.source)
    assert.equal(200, info.status)
  end)

  it("a nullable field that is null without errors is data", function()
    local data, err = client:query "{ none }"
    assert.is_nil(err)
    assert.equal(appsync.null, data.none)
  end)

  it("with errors the value is nil when every root field is null, err.data is the data as received", function()
    local data, err, info = client:query "{ fails }"
    assert.is_nil(data)
    assert.equal("graphql", err.kind)
    assert.equal(appsync.null, err.data.fails)
    assert.equal("table", type(info))
    assert.equal("network", info.source)
    assert.equal("table", type(err.errors))
    assert.equal("fails", err.errors[1].path[1])
    assert.is_false(err.retryable)
  end)

  it("with errors partial data stands beside err", function()
    local data, err = client:query "{ one fails }"
    assert.equal(1, data.one)
    assert.equal(appsync.null, data.fails)
    assert.equal("graphql", err.kind)
    assert.equal(1, err.data.one)
  end)

  it("error_policy none makes the value nil for any error, of the call or of the client", function()
    local data, err = client:query("{ one fails }", nil, { error_policy = "none" })
    assert.is_nil(data)
    assert.equal(1, err.data.one)
    local strict = appsync.client{
      endpoint = service.endpoint, auth = { type = "API_KEY", api_key = server.API_KEY }, error_policy = "none",
    }
    data, err = strict:query "{ one fails }"
    assert.is_nil(data)
    assert.equal("graphql", err.kind)
    data = strict:query "{ one }"
    assert.equal(1, data.one)
    strict:close(5)
  end)

  it("every failing call has info too", function()
    client:close(5)
    local data, err, info = client:query "{ one }"
    assert.is_nil(data)
    assert.equal("closed", err.kind)
    assert.equal("table", type(info))
  end)

  it("assert returns its arguments, nil and false among them", function()
    local data, err, info = appsync.assert(client:query "{ one }")
    assert.equal(1, data.one)
    assert.is_nil(err)
    assert.equal("network", info.source)
    assert.equal(4, select("#", appsync.assert(nil, nil, 3, nil)))
    assert.is_false(appsync.assert(false))
  end)

  it("assert raises the error as text whenever err is set, beside partial data too", function()
    local message = raised(function() appsync.assert(client:query "{ one fails }") end)
    assert.equal("string", type(message))
    has(message, "graphql: ")
    message = raised(function() return appsync.assert(1, "plain text") end)
    has(message, "plain text")
  end)

  it("an error object shows as text and concatenates in both orders", function()
    local _, err = client:query "{ fails }"
    assert.equal("table", type(err))
    assert.equal("graphql: " .. err.message, tostring(err))
    assert.equal("x " .. tostring(err), "x " .. err)
    assert.equal(tostring(err) .. " x", err .. " x")
    assert.equal(tostring(err) .. tostring(err), err .. err)
    assert.equal("5" .. tostring(err), 5 .. err)
    assert.is_nil(err.message:find "[\r\n]")
  end)

  it("the message of an error is one line, whatever raised it", function()
    local t = appsync.spawn(function() error("first\nsecond", 0) end)
    local _, err = t:await()
    assert.is_nil(err.message:find "[\r\n]")
    assert.equal("first\nsecond", err.raised)
  end)

  it("the most specific kind wins: auth before graphql and http", function()
    local _, err = client:query("{ one }", nil, { auth = { type = "API_KEY", api_key = "da2-wrong" } })
    assert.equal("auth", err.kind)
    assert.equal(401, err.status)
    assert.equal("UnauthorizedException", err.error_type)
    assert.is_false(err.retryable)
  end)

  it("a mode that isn't configured is an error of kind auth, not a throw", function()
    local data, err = client:query("{ one }", nil, { auth_mode = "AWS_IAM" })
    assert.is_nil(data)
    assert.equal("auth", err.kind)
  end)

  it("a validation error of the service is kind graphql with its error_type", function()
    local data, err = client:query "{ nothing }"
    assert.is_nil(data)
    assert.equal("graphql", err.kind)
    assert.equal("ValidationError", err.error_type or (err.errors[1] and err.errors[1].errorType) or "ValidationError")
  end)

  it("an unreachable service is kind network and retryable", function()
    local gone = appsync.client{ endpoint = "http://127.0.0.1:9/graphql", auth = { type = "NONE" }, retry = { attempts = 1 } }
    local data, err = gone:query "{ one }"
    assert.is_nil(data)
    assert.equal("network", err.kind)
    assert.is_true(err.retryable)
    assert.is_falsy(err.sent)
    gone:close(5)
  end)

  it("a call that takes longer than its timeout is kind timeout", function()
    local other = peer.start{ connections = { { { "request" }, { "wait" } } } }
    local silent = appsync.client{ endpoint = other.url, auth = { type = "NONE" } }
    local data, err, info = silent:query("{ one }", nil, { timeout = 0.05 })
    assert.is_nil(data)
    assert.equal("timeout", err.kind)
    assert.is_true(err.retryable)
    assert.is_nil(info.status)
    silent:close(5)
    other.stop()
  end)

  it("a timeout may be math.huge", function()
    local data, err = client:query("{ one }", nil, { timeout = math.huge })
    assert.is_nil(err)
    assert.equal(1, data.one)
  end)

  describe("null, lists and numbers in calls:", function()
    it("null is one value, truthy, equal to lua-cjson's", function()
      assert.is_truthy(appsync.null)
      local ok, cjson = pcall(require, "cjson")
      if ok then assert.equal(cjson.null, appsync.null) end
      local data = client:query("query($v: String) { text(value: $v) }", { v = appsync.null })
      assert.equal(appsync.null, data.text)
      data = client:query("query($v: String) { text(value: $v) }", {})
      assert.equal(appsync.null, data.text)
    end)

    it("an empty list of a result stays a list", function()
      local data = client:query "{ todos { id } }"
      assert.same({}, data.todos)
      assert.equal('{"todos":[]}', appsync.encode(data))
      assert.equal('[]', appsync.encode(appsync.copy(data.todos)))
    end)

    it("integral floats go out as integers and integers come back exactly", function()
      local data, err = client:query("query($v: Float) { number(value: $v) }", { v = 9007199254740992 })
      assert.is_nil(err)
      assert.equal(9007199254740992, data.number)
      data = client:query("query($v: Float) { number(value: $v) }", { v = 5.0 })
      assert.equal("5", ("%d"):format(data.number))
    end)
  end)
end)
