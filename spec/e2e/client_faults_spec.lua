-- Our client against a server that does wrong: what it makes of it, and what was really done.
local appsync = require "appsync"
local faults = require "spec.support.faults"
local process = require "spec.support.process"
local server = require "spec.support.server"
local tokens = require "spec.support.tokens"
local wait_for = require "spec.support.wait"

local SCHEMA = [[
type Note { id: ID! text: String }
type Query { one: Int }
type Mutation { note(id: ID, text: String): Note }
type Subscription { onNote: Note @aws_subscribe(mutations: ["note"]) }
]]
local RESOLVERS = [[
return {
  Query = { one = function() return 1 end },
  Mutation = { note = function(ctx) return { id = ctx.arguments.id or "1", text = ctx.arguments.text } end },
}
]]
local NOTE = "mutation Add($text: String) { note(id: \"7\", text: $text) { id text } }"
local BOUND = 10

describe("our client", function()
  local faulty, client

  setup(function()
    local key = process.file(tokens.SECRET, ".key")
    faulty = faults.start { schema = SCHEMA, resolvers = RESOLVERS, arguments = { "--jwt-key", key } }
  end)
  teardown(process.stop_all)

  before_each(function() faulty.reset() end)
  after_each(function()
    if client then assert.is_true(client:close(5)) end
    client = nil
  end)

  local function connect(options)
    options = options or {}
    options.endpoint = faulty.endpoint
    options.auth = options.auth or { type = "API_KEY", api_key = server.API_KEY }
    options.retry = options.retry or { base = 0.01, cap = 0.02, attempts = 1 }
    client = appsync.client(options)
    return client
  end

  it("tells that an answer was lost, while the mutation was done once", function()
    faulty.add { match = { field = "note" }, fault = { lose_answer = "reset" } }
    local data, err = connect():mutate(NOTE, { text = "a" })
    assert.is_nil(data)
    assert.is_true(err.retryable)
    assert.equal(1, faulty.effects().note.count)
    assert.equal("lost", faulty.log("?field=note")[1].status)
  end)

  it("retries a query that was throttled, refused, reset or broken off", function()
    for _, fault in ipairs { { throttle = true }, { refuse = { status = 503 } }, { refuse = "reset" }, { drop = true } } do
      faulty.reset()
      faulty.add { match = { on = "request", times = 1 }, fault = fault }
      local data, err = connect({ retry = { base = 0.01, cap = 0.02, attempts = 3 } }):query "{ one }"
      assert.is_nil(err)
      assert.same({ one = 1 }, data)
      assert.equal(2, #faulty.log())
      client:close(5)
      client = nil
    end
  end)

  it("gives up a call that is delayed or never answered", function()
    faulty.replace { { match = { times = 1 }, fault = { delay = 60000 } }, { match = { on = "request" }, fault = { half_open = true } } }
    connect { timeouts = { request = 0.2 } }
    for _ = 1, 2 do
      local data, err = client:query "{ one }"
      assert.is_nil(data)
      assert.equal("timeout", err.kind)
    end
  end)

  it("is told of expired credentials and of an injected error", function()
    faulty.add { match = { on = "request", times = 1 }, fault = { expire = true } }
    connect { auth = { type = "OPENID_CONNECT", token = function() return tokens.hs256 {} end } }
    faulty.add { match = { field = "note" }, fault = { error = { type = "Teapot", message = "short and stout" } } }
    local _, err = client:query "{ one }"
    assert.is_truthy(err == nil or err.kind == "auth") -- a client may ask for another token and try again
    assert.equal(401, faulty.log()[1].status)
    client:close(5)
    local data
    data, err = connect():mutate(NOTE)
    assert.is_nil(data and data.note and data.note.id)
    assert.equal("short and stout", err.message)
    assert.is_nil(faulty.effects().note)
  end)

  it("is refused with tokens that a moved clock has aged", function()
    faulty.skew(7200)
    connect { auth = { type = "OPENID_CONNECT", token = function() return tokens.hs256 {} end } }
    local data = client:query "{ one }"
    assert.is_nil(data)
    assert.equal(401, faulty.log()[1].status)
    client:close(5)
    connect { auth = { type = "OPENID_CONNECT", token = function() return tokens.hs256 {} end } }
    local s = client:subscribe("subscription { onNote { id } }"):subscribe()
    wait_for(function() return (faulty.log "?on=connect"[1] or {}).status == "connection_error" end, "a refusal")
    s:unsubscribe()
    assert.is_nil((client:query "{ one }")) -- whose answer tells the client that clock
    faulty.skew(0)
    assert.same({ one = 1 }, (client:query "{ one }"))
  end)

  it("is refused with tokens that were issued before, and served with others", function()
    faulty.add { match = { on = "request" }, fault = { expire = { issued_before = os.time() - 100 } } }
    local iat = -200
    connect { auth = { type = "OPENID_CONNECT", token = function() return tokens.hs256 { iat = iat } end } }
    client:query "{ one }"
    assert.equal(401, faulty.log()[1].status)
    client:close(5)
    iat = 0
    connect { auth = { type = "OPENID_CONNECT", token = function() return tokens.hs256 { iat = iat } end } }
    assert.same({ one = 1 }, (client:query "{ one }"))
  end)

  local function subscribe()
    local s = client:subscribe("subscription S { onNote { id text } }"):subscribe()
    assert.is_true(s:ready(BOUND))
    return s
  end

  it("subscribes again after a reset and a disconnect", function()
    faulty.replace { { match = { connection = { to = 1 } }, fault = { disconnect = { after_events = 1, how = "reset" } } },
      { match = { connection = 2 }, fault = { disconnect = { after_events = 1, code = 1012 } } } }
    connect()
    local s = subscribe()
    for i = 1, 3 do
      wait_for(function()
        local open = faulty.connections()
        return open[1] and open[1].started[1] == "onNote" and open[1].events == 0
      end, "a subscription")
      client:mutate(NOTE, { text = "n" .. i })
      local event = assert(s:next(BOUND))
      assert.equal("n" .. i, event.onNote.text)
    end
    assert.equal(3, #faulty.log "?on=connect")
    s:unsubscribe()
  end)

  it("gets events as the faults have them: twice, in another order, or not", function()
    connect()
    local s = subscribe()
    faulty.replace { { match = { on = "event", times = 1 }, fault = { duplicate = true } },
      { match = { on = "event", after = 1, times = 1 }, fault = { reorder = true } },
      { match = { on = "event", after = 3, times = 1 }, fault = { lose = true } } }
    for i = 1, 5 do client:mutate(NOTE, { text = "n" .. i }) end
    local seen = {}
    for i = 1, 5 do seen[i] = assert(s:next(BOUND)).onNote.text end
    assert.equal("n1 n1 n3 n2 n5", table.concat(seen, " "))
    s:unsubscribe()
  end)
end)
