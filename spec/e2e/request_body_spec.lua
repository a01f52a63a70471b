-- The body of a request, byte for byte: what it holds, and that each attempt and each start has the same.
local appsync = require "appsync"
local core = require "appsync.core"
local peer = require "spec.support.peer"
local process = require "spec.support.process"
local wait_for = require "spec.support.wait"

local LISTEN = { "ws_pong" } -- until the client closes
local CREDENTIALS = { access_key_id = "AKID", secret_access_key = "secret" }
local GOOD = { "http", 200, {}, '{"data":{"a":1}}' }
local DOCUMENT = "query A($b: Int, $a: [Int!], $c: String) { a(s: \"\195\164\\n\", b: $b, a: $a, c: $c) { n } } query B { a }"
local VARIABLES = { c = 'x"', a = { 1, 2 }, undeclared = true, b = 5 }
local BODY = [[{"query":"query A($b: Int, $a: [Int!], $c: String) {\n  a(s: \"ä\\n\", b: $b, a: $a, c: $c) {\n    n\n  }\n}\n\nquery B {\n  a\n}\n",]] ..
  [["variables":{"b":5,"a":[1,2],"c":"x\""},"operationName":"A"}]]

describe("the body of a request", function()
  local client, other

  after_each(function()
    if client then assert.is_true(client:close(5)) end
    client = nil
    process.stop_all()
  end)

  local function connect(script, options)
    options = options or {}
    other = peer.start(script)
    options.endpoint, options.realtime_endpoint = other.url, other.realtime
    options.auth = options.auth or { type = "API_KEY", api_key = "da2-x" }
    options.retry = { base = 0.01, cap = 0.05, attempts = 9 }
    options.timeouts = { connect = 5, request = 5, ack = 5 }
    client = appsync.client(options)
  end

  -- What the peer has logged of this kind, as bytes: it logs UTF-8 as Latin-1.
  local function logged(kind)
    local found = {}
    for text in other.log():gmatch(kind .. " %d+ ([^\n]*)") do found[#found + 1] = (text:gsub("\195(.)", function(c)
      return string.char(c:byte() + 64)
    end):gsub("\194(.)", "%1")) end
    return found
  end

  it("holds the canonical print, the declared variables in their order, and the name", function()
    connect{ connections = { { { "request" }, GOOD, LISTEN } } }
    appsync.assert(client:query(DOCUMENT, VARIABLES, { operation_name = "A" }))
    assert.same({ BODY }, logged "body")
  end)

  it("is the same in each attempt", function()
    local function busy(status) return { "http", status, {}, "" } end
    connect({ connections = { { { "request" }, busy(503), { "request" }, busy(401), { "request" }, busy(500), { "request" }, GOOD, LISTEN } } },
      { auth = { type = "AWS_LAMBDA", token = function() return "t" end } })
    local _, err, info = client:query(DOCUMENT, VARIABLES, { operation_name = "A" })
    assert.is_nil(err, tostring(err))
    assert.equal("network", info.source)
    assert.same({ BODY, BODY, BODY, BODY }, logged "body")
  end)

  it("is signed as it is sent, in each attempt", function()
    connect({ connections = { { { "request" }, { "http", 503, {}, "" }, { "request" }, GOOD, LISTEN } } },
      { region = "us-east-1", auth = { type = "AWS_IAM", credentials = CREDENTIALS } })
    appsync.assert(client:query(DOCUMENT, VARIABLES, { operation_name = "A" }))
    assert.same({ BODY, BODY }, logged "body")
    local n_signed = 0
    for head in other.log():gmatch "request 1 (.-)\nbody" do
      local headers, sent = {}, {}
      for name, value in head:gmatch "header 1 ([^:]+): ([^\n]*)" do sent[name] = value end
      for name in sent.authorization:match("SignedHeaders=([^,]*)"):gmatch "[^;]+" do headers[name] = sent[name] end
      local expected = appsync.sign({ method = "POST", url = other.url, headers = headers, body = BODY },
        { service = "appsync", region = "us-east-1", credentials = CREDENTIALS })
      assert.equal(expected.headers.authorization, sent.authorization)
      n_signed = n_signed + 1
    end
    assert.equal(2, n_signed)
  end)

  for _, protocol in ipairs{ "appsync", "graphql-transport-ws" } do
    it("starts a subscription, and the same one again, with " .. protocol, function()
      local is_appsync = protocol == "appsync"
      local function opened(...)
        return { { "ws_accept", is_appsync and "graphql-ws" or protocol }, { "ws_expect", "connection_init" },
          { "ws_send", '{"type":"connection_ack","payload":{"connectionTimeoutMs":300000}}' }, { "ws_start" }, ... }
      end
      connect({ connections = { opened({ "close" }), opened({ "wait" }) } }, { realtime = { protocol = protocol } })
      local s = client:subscribe((DOCUMENT:gsub("query A", "subscription A")), VARIABLES, { operation_name = "A" }):subscribe()
      wait_for(function() return #logged "frame" >= 4 end, "two starts", other.log)
      local starts = {}
      for text in other.log():gmatch 'frame %d+ ([^\n]*"type":"su?[tb][^\n]*)' do starts[#starts + 1] = core.decode(text) end
      assert.equal(2, #starts)
      local expected = BODY:gsub("query A", "subscription A")
      for _, start in ipairs(starts) do
        if is_appsync then
          assert.equal(expected, start.payload.data)
        else
          assert.same(core.decode(expected), start.payload)
        end
      end
      s:unsubscribe()
    end)
  end
end)
