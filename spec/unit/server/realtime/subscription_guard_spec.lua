-- Rules of @auth at a model's subscription: the guard refuses, or gives a filter that is joined with the client's.
local engine = require("appsync.server.engine")

local served, guard, asked

local function make(resolvers)
  guard, asked = {}, nil
  served = assert(engine.new({
    schema_text = "type Post @model { title: String! n: Int owner: String }", guard = guard, resolvers = resolvers,
  }))
  function guard.subscribe(_, m, event, ctx, args)
    asked = { model = m.name, event = event.name, username = ctx.identity and ctx.identity.username, filter = args.filter }
    return guard.answer and guard.answer()
  end
end

local function subscribe(arguments, field)
  return served:subscribe({ query = ("subscription { %s%s { id } }"):format(field or "onCreatePost", arguments or ""),
    identity = { mode = "AMAZON_COGNITO_USER_POOLS", username = "bob" } })
end

local function gets(s, value)
  return s:match({ field = "createPost", value = value }) ~= nil
end

local MINE = { id = "1", title = "a", n = 5, owner = "bob" }
local THEIRS = { id = "2", title = "a", n = 5, owner = "eve" }

describe("a model's subscription with rules", function()
  before_each(function() make() end)

  it("asks them once, with the model, the event, the caller and the arguments", function()
    assert(subscribe("(filter: {n: {eq: 5}})"))
    assert.same({ model = "Post", event = "onCreatePost", username = "bob", filter = { n = { eq = 5 } } }, asked)
    assert(subscribe(nil, "onDeletePost"))
    assert.equal("onDeletePost", asked.event)
  end)

  it("gets everything when they have nothing to add", function()
    local s = assert(subscribe())
    assert.is_true(gets(s, MINE) and gets(s, THEIRS))
  end)

  it("is refused with their error", function()
    guard.answer = function() error({ message = "Not Authorized to access onCreatePost on type Subscription", type = "Unauthorized" }, 0) end
    local s, errors = subscribe()
    assert.is_nil(s)
    assert.equal("Not Authorized to access onCreatePost on type Subscription", errors[1].message)
    assert.equal("Unauthorized", errors[1].errorType)
  end)

  it("gets what their filter lets pass", function()
    guard.answer = function() return { ["or"] = { { owner = { eq = "bob" } } } } end
    local s = assert(subscribe())
    assert.is_true(gets(s, MINE))
    assert.is_false(gets(s, THEIRS))
    assert.is_false(gets(s, { id = "3" })) -- the mutation did not select the owner
  end)

  it("needs both their filter and the client's", function()
    guard.answer = function() return { ["or"] = { { owner = { eq = "bob" } } } } end
    local s = assert(subscribe("(filter: {or: [{n: {eq: 5}}, {title: {eq: \"b\"}}]})"))
    assert.is_true(gets(s, MINE))
    assert.is_false(gets(s, THEIRS))
    assert.is_false(gets(s, { id = "1", n = 6, title = "a", owner = "bob" }))
  end)

  it("keeps their filter when a resolver sets one of its own", function()
    make({ Subscription = { onCreatePost = function(ctx)
      ctx.extensions.set_subscription_filter({ filterGroup = { { filters = { { fieldName = "n", operator = "ge", value = 5 } } } } })
    end } })
    guard.answer = function() return { owner = { eq = "bob" } } end
    local s = assert(subscribe("(filter: {n: {eq: 99}})"))
    assert.is_true(gets(s, MINE))
    assert.is_false(gets(s, THEIRS))
    assert.is_false(gets(s, { id = "1", n = 4, owner = "bob" }))
  end)

  it("keeps the owner that it asked for when a resolver sets a filter", function()
    local schema = "type Note @model @auth(rules: [{allow: owner}]) { title: String n: Int }"
    served = assert(engine.new({
      schema_text = schema, auth_modes = { default = "AMAZON_COGNITO_USER_POOLS" },
      resolvers = { Subscription = { onCreateNote = function(ctx)
        ctx.extensions.set_subscription_filter({ filterGroup = { { filters = { { fieldName = "n", operator = "ge", value = 5 } } } } })
      end } },
    }))
    local s = assert(served:subscribe({ query = 'subscription { onCreateNote(owner: "bob") { id } }',
      identity = { mode = "AMAZON_COGNITO_USER_POOLS", username = "bob", claims = { sub = "s", username = "bob" } } }))
    local function hears(value) return s:match({ field = "createNote", value = value }) ~= nil end
    assert.is_true(hears(MINE))
    assert.is_false(hears(THEIRS))
    assert.is_false(hears({ id = "1", n = 4, owner = "bob" }))
  end)

  it("is refused when both filters ask for the same field, as on the service", function()
    guard.answer = function() return { owner = { eq = "bob" } } end
    local s, errors = subscribe('(filter: {owner: {ne: "eve"}})')
    assert.is_nil(s)
    assert.equal("subscription filter uses same fieldName multiple time: owner", errors[1].message)
  end)

  -- amplify-js asks again without a filter when an error's text has one of these.
  local function alternatives(n)
    local list = {}
    for i = 1, n do list[i] = ("{n: {eq: %d}}"):format(i) end
    return table.concat(list, ", ")
  end
  local REFUSALS = {
    { "more than ten alternatives", "{or: [" .. alternatives(11) .. "]}", "Filters combination exceed maximum limit" },
    { "more than five fields", "{title: {eq: \"\"}, n: {eq: 1}, owner: {eq: \"\"}, id: {eq: 1}, createdAt: {eq: \"\"}, updatedAt: {eq: \"\"}}",
      "Filters exceed maximum attributes limit" },
    { "one field twice", "{and: [{n: {ge: 1}}, {n: {le: 9}}]}", "filter uses same fieldName multiple time" },
  }
  for _, row in ipairs(REFUSALS) do
    it("is refused with " .. row[1], function()
      local s, errors = subscribe(("(filter: %s)"):format(row[2]))
      assert.is_nil(s)
      assert.matches(row[3], errors[1].message, 1, true)
    end)
  end

  it("takes ten alternatives", function()
    assert.is_true(gets(assert(subscribe(("(filter: {or: [%s]})"):format(alternatives(10)))), MINE))
  end)

  it("takes several operators on one field of its filter for alternatives, as the service does", function()
    local s = assert(subscribe("(filter: {n: {lt: 1, gt: 4}})"))
    assert.is_true(gets(s, MINE))
    assert.is_true(gets(s, { id = "1", n = 0 }))
    assert.is_false(gets(s, { id = "1", n = 2 }))
  end)
end)
