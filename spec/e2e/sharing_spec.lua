-- One client for many users: client:with shares sockets and threads, never an identity.
local appsync = require "appsync"
local peer = require "spec.support.peer"
local process = require "spec.support.process"
local server = require "spec.support.server"
local tokens = require "spec.support.tokens"

local ALL = "@aws_api_key @aws_oidc"
local SCHEMA = ([[
type Query { who: String ALL header(name: String!): String ALL }
type Mutation { say(text: String): Said ALL }
type Said ALL { text: String }
type Subscription { said: Said @aws_subscribe(mutations: ["say"]) ALL }
]]):gsub("ALL", ALL)
local RESOLVERS = [[
return {
  Query = {
    who = function(ctx) return ctx.identity and ctx.identity.sub or "API_KEY" end,
    header = function(ctx) return ctx.request.headers[ctx.arguments.name] end,
  },
  Mutation = { say = function(ctx) return { text = ctx.arguments.text } end },
}
]]
local ON_SAID = "subscription { said { text } }"
local BOUND = 10

describe("client:with", function()
  local service, client

  setup(function()
    local key_file = process.file(tokens.SECRET, ".jwt")
    service = server.start { schema = SCHEMA, resolvers = RESOLVERS, arguments = { "--jwt-key", key_file, "--trace" } }
  end)

  teardown(function() process.stop_all() end)

  before_each(function()
    client = appsync.client { endpoint = service.endpoint, auth = { type = "API_KEY", api_key = server.API_KEY }, headers = { ["x-who"] = "base" } }
  end)

  after_each(function() assert.is_true(client:close(5)) end)

  local function user(name, more)
    local options = { auth = { type = "OPENID_CONNECT", token = tokens.hs256 { sub = name } } }
    for key, value in pairs(more or {}) do options[key] = value end
    return client:with(options)
  end

  local function who(of)
    local data, err = of:query "{ who }"
    assert.is_nil(err)
    return data.who
  end

  local function ready(s)
    local ok, err = s:ready(BOUND)
    assert.is_nil(err)
    assert.is_true(ok)
    return s
  end

  it("gives a client that speaks for its user; the one that it was made from stays as it was", function()
    local ann, bob = user "ann", user "bob"
    assert.equal("ann", who(ann))
    assert.equal("bob", who(bob))
    assert.equal("API_KEY", who(client))
    assert.equal("ann", who(ann))
  end)

  it("makes 100 users that call at once, each under its own name", function()
    appsync.run(function()
      local list = {}
      for i = 1, 100 do list[i] = appsync.spawn(who, user("user" .. i)) end
      for i = 1, 100 do assert.equal("user" .. i, (list[i]:await(BOUND))) end
    end)
    assert.equal(100, client:stats().operations)
  end)

  it("takes headers and further users, which inherit", function()
    local function header(of)
      local data, err = of:query '{ header(name: "x-who") who }'
      assert.is_nil(err)
      return data.header .. "/" .. data.who
    end
    assert.equal("base/API_KEY", header(client))
    local ann = user("ann", { headers = { ["X-Who"] = "header-of-ann" } })
    assert.equal("header-of-ann/ann", header(ann))
    local again = ann:with { headers = function() return { ["x-WHO"] = "again" } end }
    assert.equal("again/ann", header(again))
    assert.equal("header-of-ann/eve", header(ann:with { auth = { type = "OPENID_CONNECT", token = tokens.hs256 { sub = "eve" } } }))
    assert.equal("base/API_KEY", header(client:with {}))
  end)

  it("takes an identity, which is a string; this version keeps nothing under it", function()
    assert.equal("ann", who(user("ann", { identity = "ann" })))
    local ok, raised = pcall(client.with, client, { identity = 5 })
    assert.is_false(ok)
    assert.matches("client:with: identity must be string, got number 5", raised)
  end)

  it("shares one socket between users, but no subscription", function()
    local ann, bob = user "ann", user "bob"
    local a1, a2 = ready(ann:subscribe(ON_SAID):subscribe()), ready(ann:subscribe(ON_SAID):subscribe())
    local b = ready(bob:subscribe(ON_SAID):subscribe())
    assert.equal(1, client:stats().connections)
    assert.equal(3, client:stats().subscriptions)
    local _, n_starts = service.log():gsub('"type":"start"', "")
    if n_starts > 0 then assert.equal(2, n_starts) end
    client:mutate 'mutation { say(text: "all") { text } }'
    for _, s in ipairs { a1, a2, b } do
      assert.equal("all", s:next(BOUND).said.text)
      s:unsubscribe()
    end
  end)

  it("keeps subscriptions apart whose headers come of different functions", function()
    local scripted = peer.start { connections = { { { "ws_accept", "graphql-ws" }, { "ws_expect", "connection_init" },
      { "ws_send", '{"type":"connection_ack","payload":{"connectionTimeoutMs":300000}}' },
      { "ws_start" }, { "ws_send", '{"type":"start_ack","id":"%ID%"}' }, { "ws_start" }, { "ws_send", '{"type":"start_ack","id":"%ID%"}' },
      { "wait" } } } }
    local other = appsync.client { endpoint = scripted.url, realtime_endpoint = scripted.realtime, auth = { type = "API_KEY", api_key = "k" } }
    local one = other:with { headers = function() return { ["x-who"] = "tenant-one" } end }
    local two = other:with { headers = function() return { ["x-who"] = "tenant-two" } end }
    local s1 = ready(one:subscribe("subscription { a }"):subscribe())
    local s2 = ready(two:subscribe("subscription { a }"):subscribe())
    assert.matches('frame 1 [^\n]*"x%-who":"tenant%-one"', scripted.log())
    assert.matches('frame 1 [^\n]*"x%-who":"tenant%-two"', scripted.log())
    s1:unsubscribe()
    s2:unsubscribe()
    assert.is_true(other:close(5))
    scripted.stop()
  end)

  it("gives clients with nothing to close: close does nothing to the others", function()
    local ann = user "ann"
    assert.equal("ann", who(ann))
    assert.is_true(ann:close())
    assert.equal("ann", who(ann))
    assert.equal("API_KEY", who(client))
  end)

  it("gives clients that say closed once theirs is", function()
    local ann = user "ann"
    assert.equal("ann", who(ann))
    client:close(5)
    local data, err = ann:query "{ who }"
    assert.is_nil(data)
    assert.equal("closed", err.kind)
  end)

  it("leaves nothing behind of users that are collected", function()
    for i = 1, 20 do assert.equal("u" .. i, who(user("u" .. i))) end
    require("spec.support.collect")()
    assert.equal("API_KEY", who(client))
    local n = 0
    for _ in pairs(require("appsync.dispatch").targets) do n = n + 1 end
    assert.is_true(n <= 3, tostring(n)) -- the client, its credential, and a user's at most
  end)
end)
