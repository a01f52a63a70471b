local core = require("appsync.core")
local engine = require("appsync.server.engine")

local SCHEMA = [[
type Query { q: Int }
type Mutation { send(room: ID, n: Int): Message end(room: ID): Message }
type Subscription {
  onSend(room: ID, n: Int): Message @aws_subscribe(mutations: ["send"])
  onOther: Message @aws_subscribe(mutations: ["send"])
}
type Message { room: ID n: Int child: Child }
type Child { x: Int }
]]

local served, on_send, on_end

local function message(ctx) return { room = ctx.args.room, n = ctx.args.n, child = { x = 1 } } end

local function make()
  on_send, on_end = nil, nil
  served = assert(engine.new({ schema_text = SCHEMA, resolvers = {
    Query = { q = function(ctx) ctx.extensions.invalidate_subscriptions({ subscription_field = "onSend", payload = {} }) end },
    Mutation = { send = message, ["end"] = function(ctx)
      on_end(ctx)
      return message(ctx)
    end },
    Subscription = { onSend = function(ctx) return on_send and on_send(ctx) end },
    Child = { x = function(ctx)
      if ctx.request.headers.try then ctx.extensions.invalidate_subscriptions({ subscription_field = "onSend", payload = {} }) end
      return 1
    end },
  } }))
end

local function subscribe(arguments)
  return served:subscribe({ query = ("subscription { onSend%s { room n } }"):format(arguments or "") })
end

local function published(text)
  return select(2, served:execute({ query = ("mutation { %s }"):format(text) }))
end

local function gets(s, text)
  return s:match(published(text)[1]) ~= nil
end

local function one(field, operator, value)
  return { filterGroup = { { filters = { { fieldName = field, operator = operator, value = value } } } } }
end

local function messages(text)
  local body = core.decode((served:execute({ query = text })))
  return body.errors and body.errors[1].message, body
end

describe("ctx.extensions", function()
  before_each(make)

  it("filters by what a subscription's resolver sets", function()
    on_send = function(ctx) ctx.extensions.set_subscription_filter(one("n", "gt", 5)) end
    local s = assert(subscribe())
    assert.is_true(gets(s, "send(n: 6) { n }"))
    assert.is_false(gets(s, "send(n: 5) { n }"))
  end)

  it("sees only what the mutation selected", function()
    on_send = function(ctx) ctx.extensions.set_subscription_filter(one("n", "gt", 5)) end
    assert.is_false(gets(assert(subscribe()), "send(n: 6) { room }"))
  end)

  it("filters nested fields", function()
    on_send = function(ctx) ctx.extensions.set_subscription_filter(one("child.x", "eq", 1)) end
    local s = assert(subscribe())
    assert.is_true(gets(s, "send { child { x } }"))
    assert.is_false(gets(s, "send { n }"))
  end)

  it("takes the arguments' place: they filter no longer by themselves", function()
    local s = assert(subscribe('(room: "a")'))
    assert.is_false(gets(s, 'send(room: "b", n: 6) { room n }'))
    on_send = function(ctx) ctx.extensions.set_subscription_filter(one("n", "gt", 5)) end
    s = assert(subscribe('(room: "a")'))
    assert.is_true(gets(s, 'send(room: "b", n: 6) { room n }'))
    assert.is_false(gets(s, 'send(room: "a", n: 5) { room n }'))
  end)

  it("counts what was set last", function()
    on_send = function(ctx)
      ctx.extensions.set_subscription_filter(one("n", "eq", 1))
      ctx.extensions.set_subscription_filter(one("n", "eq", 2))
    end
    local s = assert(subscribe())
    assert.is_false(gets(s, "send(n: 1) { n }"))
    assert.is_true(gets(s, "send(n: 2) { n }"))
  end)

  it("refuses a subscription whose filter the service refuses", function()
    on_send = function(ctx) ctx.extensions.set_subscription_filter(one("n", "like", 1)) end
    local s, errors = subscribe()
    assert.is_nil(s)
    assert.matches("^the operator of a subscription filter on 'n' must be eq, ne,", errors[1].message)
    assert.equal("BadRequestException", errors[1].errorType)
    on_send = function(ctx) ctx.extensions.set_subscription_invalidation_filter(one("n", "in", {})) end
    s, errors = subscribe()
    assert.is_nil(s)
    assert.matches("takes a list of 1 to 5 numbers or strings", errors[1].message)
  end)

  it("delivers nothing of what a subscription's resolver returns", function()
    on_send = function() return { room = "mine" } end
    assert.is_false(gets(assert(subscribe('(room: "a")')), 'send(room: "mine") { room }'))
  end)

  it("refuses a subscription to which its resolver appended an error", function()
    served:close()
    local ctx_of
    served = assert(engine.new({ schema_text = SCHEMA,
      providers = { fail = function(_, x)
        return function(text) x.errors[#x.errors + 1] = { message = text, errorType = "Mine" } end
      end },
      resolvers = { Subscription = { onSend = function(ctx)
        ctx_of = ctx
        ctx.fail("appended")
      end } } }))
    local s, errors = subscribe()
    assert.is_nil(s)
    assert.equal("appended", errors[1].message)
    assert.equal("Mine", errors[1].errorType)
    assert.is_function(ctx_of.extensions.set_subscription_filter)
  end)

  it("hands on the notes of both filters", function()
    on_send = function(ctx)
      ctx.extensions.set_subscription_filter(one("a.b.c.d.e.f", "eq", 1))
      ctx.extensions.set_subscription_invalidation_filter(one("g.h.i.j.k.l", "eq", 1))
    end
    local notes = assert(subscribe()).notes
    assert.equal(2, #notes)
    assert.matches("a.b.c.d.e.f", notes[1], 1, true)
    assert.matches("g.h.i.j.k.l", notes[2], 1, true)
    on_send = nil
    assert.same({}, assert(subscribe()).notes)
  end)

  it("invalidates those whose invalidation filter matches the payload", function()
    on_send = function(ctx) ctx.extensions.set_subscription_invalidation_filter(one("room", "eq", ctx.args.room)) end
    local s = assert(subscribe('(room: "a")'))
    assert.is_true(s:is_invalidated({ room = "a" }))
    assert.is_false(s:is_invalidated({ room = "b" }))
    on_send = nil
    assert.is_false(assert(subscribe('(room: "a")')):is_invalidated({ room = "a" }))
  end)

  it("publishes a mutation's result first, then its invalidations", function()
    on_end = function(ctx)
      ctx.extensions.invalidate_subscriptions({ subscription_field = "onSend", payload = { room = ctx.args.room } })
      ctx.extensions.invalidate_subscriptions({ subscription_field = "onOther", payload = {} })
    end
    assert.same({
      { field = "end", value = { n = core.null } },
      { invalidates = "onSend", payload = { room = "a" } },
      { invalidates = "onOther", payload = {} },
    }, published('end(room: "a") { n }'))
  end)

  it("invalidates at most five times in a request", function()
    local n = 5
    on_end = function(ctx)
      for _ = 1, n do ctx.extensions.invalidate_subscriptions({ subscription_field = "onSend", payload = {} }) end
    end
    assert.is_nil(messages("mutation { end { n } }"))
    n = 6
    assert.equal("extensions.invalidate_subscriptions may be called at most 5 times in a request", messages("mutation { end { n } }"))
    n = 3
    local _, body = messages("mutation { a: end { n } b: end { n } }")
    assert.same({ "b" }, body.errors[1].path)
  end)

  local MISUSE = {
    { "no table", "onSend", "extensions.invalidate_subscriptions takes a table {subscription_field=, payload=}, not a string" },
    { "a misspelt member", { subscriptionField = "onSend" },
      "extensions.invalidate_subscriptions takes subscription_field and payload, not 'subscriptionField'" },
    { "an unknown field", { subscription_field = "onNothing", payload = {} },
      "subscription_field of extensions.invalidate_subscriptions must be a field of the subscription type, not 'onNothing'" },
    { "no payload", { subscription_field = "onSend" }, "payload of extensions.invalidate_subscriptions must be a table, not a nil" },
  }
  for _, row in ipairs(MISUSE) do
    it("refuses an invalidation with " .. row[1], function()
      on_end = function(ctx) ctx.extensions.invalidate_subscriptions(row[2]) end
      assert.equal(row[3], (messages("mutation { end { n } }")))
    end)
  end

  it("refuses each extension where it has no meaning", function()
    on_end = function(ctx) ctx.extensions.set_subscription_filter(one("n", "eq", 1)) end
    assert.equal("extensions.set_subscription_filter is for resolvers of subscription fields, not for 'Mutation.end'",
      (messages("mutation { end { n } }")))
    on_end = function(ctx) ctx.extensions.set_subscription_invalidation_filter(one("n", "eq", 1)) end
    assert.equal("extensions.set_subscription_invalidation_filter is for resolvers of subscription fields, not for 'Mutation.end'",
      (messages("mutation { end { n } }")))
    assert.equal("extensions.invalidate_subscriptions is for resolvers of mutation fields, not for 'Query.q'", (messages("{ q }")))
    local body = core.decode((served:execute({ query = "mutation { send { child { x } } }", headers = { try = "1" } })))
    assert.equal("extensions.invalidate_subscriptions is for resolvers of mutation fields, not for 'Child.x'", body.errors[1].message)
    on_send = function(ctx) ctx.extensions.invalidate_subscriptions({ subscription_field = "onSend", payload = {} }) end
    local _, errors = subscribe()
    assert.equal("extensions.invalidate_subscriptions is for resolvers of mutation fields, not for 'Subscription.onSend'",
      errors[1].message)
  end)
end)
