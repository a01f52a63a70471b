local core = require("appsync.core")
local engine = require("appsync.server.engine")

local NULL = core.null

local SCHEMA = [[
type Query { a: Int }
type Mutation {
  send(room: ID, text: String, level: Int, flag: Boolean, author: String): Message
  other: Message
  node: Node
  count: Int
}
type Subscription {
  onSend(room: ID, level: Int, flag: Boolean, text: String = "hi"): Message @aws_subscribe(mutations: ["send"])
  onAny(room: ID): Message @aws_subscribe(mutations: ["send", "other"])
  onNode: Node @aws_subscribe(mutations: ["node"])
  onCount: Int @aws_subscribe(mutations: ["count"])
  onSecret: Message @aws_subscribe(mutations: ["send"]) @aws_iam
  onNothing: Message
}
interface Node { id: ID! }
type Message implements Node { id: ID! room: ID text: String level: Int flag: Boolean author: String! at: AWSTimestamp json: AWSJSON }
]]

local served, subscription_resolvers

local function make()
  subscription_resolvers = {}
  local function message(ctx)
    local a = ctx.arguments
    return { id = "1", room = a.room, text = a.text, level = a.level, flag = a.flag, author = a.author or "me",
      at = 1763622179123, json = { x = 1 } }
  end
  served = assert(engine.new({ schema_text = SCHEMA, auth_modes = { default = "API_KEY" },
    resolvers = { Subscription = subscription_resolvers, Mutation = { send = message, other = message, count = function() return 7 end,
      node = function() return { __typename = "Message", id = "9", author = "n" } end } } }))
end

local function resolve_with(name, fn)
  -- The resolvers' table is read at each call, as it is when a resolvers file is written.
  subscription_resolvers[name] = fn
end

local function subscribe(query, variables, identity)
  return served:subscribe({ query = query, variables = variables, identity = identity })
end

local function publish(mutation)
  local _, published = served:execute({ query = mutation })
  assert.equal(1, #published)
  return published[1]
end

local SEND = "mutation { send(%s) { id room text level flag author } }"

describe("a subscription", function()
  before_each(make)

  it("gives its resolver a request id", function()
    local ids = {}
    resolve_with("onNothing", function(ctx) ids[#ids + 1] = ctx.request_id end)
    for _ = 1, 2 do assert(subscribe("subscription { onNothing { id } }")) end
    assert.matches("^%x+%-%x+%-%x+%-%x+%-%x+$", ids[1])
    assert.are_not.equal(ids[1], ids[2])
  end)

  it("gets what its mutations return, in its own selection and order", function()
    local s = assert(subscribe("subscription { m: onAny { text i: id __typename } }"))
    assert.equal('{"data":{"m":{"text":"x","i":"1","__typename":"Message"}}}', s:match(publish(SEND:format('text: "x"'))))
    assert.equal('{"data":{"m":{"text":null,"i":"1","__typename":"Message"}}}', s:match(publish("mutation { other { id } }")))
  end)

  it("gets nothing of other mutations", function()
    local s = assert(subscribe("subscription { onSend(text: null) { id } }"))
    assert.is_nil(s:match(publish("mutation { other { id } }")))
    assert.is_nil(s:match(publish("mutation { count }")))
  end)

  it("gets nothing without @aws_subscribe", function()
    assert.is_nil(assert(subscribe("subscription { onNothing { id } }")):match(publish("mutation { send { id } }")))
  end)

  it("sees the mutation's aliases as fields", function()
    local s = assert(subscribe("subscription { onAny(room: 5) { room id } }"))
    assert.equal('{"data":{"onAny":{"room":"5","id":"1"}}}', s:match(publish("mutation { x: send(room: 5) { r: room y: id } }")))
  end)

  it("gets null for what the mutation did not select, and an error where null may not be", function()
    local bare = publish("mutation { send(text: \"x\") { id } }")
    assert.equal('{"data":{"onAny":{"id":"1","text":null}}}', assert(subscribe("subscription { onAny { id text } }")):match(bare))
    assert.equal('{"data":{"onAny":null},"errors":[{"path":["onAny","author"],"locations":null,"message":'
      .. [["Cannot return null for non-nullable type: 'String' within parent 'Message' (/onAny/author)"}]}]],
      assert(subscribe("subscription { onAny { author } }")):match(bare))
  end)

  it("knows which field a mutation should have selected for its filters", function()
    local s = assert(subscribe('subscription { onSend(text: "x", room: null) { id } }'))
    assert.equal("room", s:lacks(publish('mutation { send(text: "x") { text } }').value))
    assert.is_nil(s:lacks(publish('mutation { send(text: "y") { text room } }').value))
    assert.is_nil(assert(subscribe("subscription { onAny { id } }")):lacks(publish("mutation { send { id } }").value))
    assert.is_nil(assert(subscribe("subscription { onCount }")):lacks(publish("mutation { count }").value))
  end)

  it("notes that an argument is no field of what it gets", function()
    local own = assert(engine.new({ schema_text = [[type Query { q: Int } type M { a: Int } type Mutation { m: M }
      type Subscription { onM(a: Int, b: Int): M @aws_subscribe(mutations: ["m"]) }]] }))
    assert.same({}, assert(own:subscribe({ query = "subscription { onM(a: 1) { a } }" })).notes)
    assert.same({ "it is filtered by 'b', which isn't a field of type 'M' and so is null in every event" },
      assert(own:subscribe({ query = "subscription { onM(b: 1) { a } }" })).notes)
  end)

  it("does not serialize a second time", function()
    local published = publish("mutation { send { id at json } }")
    assert.equal('{"data":{"onAny":{"at":1763622179123,"json":"{\\"x\\":1}"}}}',
      assert(subscribe("subscription { onAny { at json } }")):match(published))
  end)

  it("carries interfaces and scalars", function()
    local s = assert(subscribe("subscription { onNode { __typename id ... on Message { author } } }"))
    assert.equal('{"data":{"onNode":{"__typename":"Message","id":"9","author":"n"}}}',
      s:match(publish("mutation { node { id ... on Message { author } } }")))
    assert.equal('{"data":{"onCount":7}}', assert(subscribe("subscription { onCount }")):match(publish("mutation { count }")))
  end)

  -- {arguments of the subscription, arguments of the mutation, matches}
  local ROWS = {
    { "text: null", 'room: "a"', true }, { "text: null", 'text: "x"', false },
    { "", 'text: "hi"', true }, { "", 'text: "x"', false }, -- its default counts
    { 'text: null, room: "a"', 'room: "a"', true }, { 'text: null, room: "a"', 'room: "b"', false },
    { 'text: null, room: "a"', "", false },
    { "text: null, room: 5", 'room: "5"', true }, { "text: null, level: 3", "level: 3", true },
    { "text: null, level: 3", "level: 4", false },
    { "text: null, flag: false", "flag: false", true }, { "text: null, flag: false", "flag: true", false },
    { "text: null, flag: false", "", false }, { "text: null, level: null", "", true }, { "text: null, level: null", "level: 1", false },
    { 'text: "x", room: "a"', 'text: "x", room: "a"', true }, { 'text: "x", room: "a"', 'text: "y", room: "a"', false },
  }
  for _, row in ipairs(ROWS) do
    it(("with (%s) %s (%s)"):format(row[1], row[3] and "gets" or "does not get", row[2]), function()
      local args = row[1] == "" and "" or "(" .. row[1] .. ")"
      local s = assert(subscribe("subscription { onSend" .. args .. " { id } }"))
      local send = row[2] == "" and "send" or "send(" .. row[2] .. ")"
      assert.equal(row[3], s:match(publish("mutation { " .. send .. " { id room text level flag author } }")) ~= nil)
    end)
  end

  it("filters by a variable, and not by one that is missing", function()
    local query = "subscription ($r: ID) { onAny(room: $r) { id } }"
    local published = publish(SEND:format('room: "a"'))
    assert.is_string(assert(subscribe(query, { r = "a" })):match(published))
    assert.is_nil(assert(subscribe(query, { r = "b" })):match(published))
    assert.is_nil(assert(subscribe(query, { r = NULL })):match(published))
    assert.is_string(assert(subscribe(query, {})):match(published))
  end)

  it("does not match on a field that the mutation left out", function()
    assert.is_nil(assert(subscribe("subscription { onAny(room: 1) { id } }")):match(publish("mutation { send(room: 1) { id } }")))
  end)
end)

describe("a subscription is refused", function()
  before_each(make)

  it("when it is not valid", function()
    local s, errors = subscribe("subscription { nope { id } }")
    assert.is_nil(s)
    assert.equal("Validation error of type FieldUndefined: Field 'nope' in type 'Subscription' is undefined @ 'nope'", errors[1].message)
    assert.same({ { line = 1, column = 16 } }, errors[1].locations)
  end)

  it("when it does not parse", function()
    assert.matches("^Invalid Syntax", select(2, subscribe("subscription {"))[1].message)
  end)

  it("when its variables do not fit", function()
    local _, errors = subscribe("subscription ($r: ID!) { onAny(room: $r) { id } }", {})
    assert.equal("Variable 'r' has coerced Null value for NonNull type 'ID!'", errors[1].message)
  end)

  it("when it is a query, or has no name among several", function()
    assert.equal("OperationNotSupported", select(2, subscribe("{ a }"))[1].errorType)
    local _, errors = subscribe("subscription A { onCount } subscription B { onCount }")
    assert.equal("Missing operation name.", errors[1].message)
    assert.is_table(served:subscribe({ query = "subscription A { onCount } subscription B { onCount }", operation_name = "B" }))
  end)

  it("when the caller may not", function()
    local s, errors = subscribe("subscription { onSecret { id } }", nil, { mode = "API_KEY" })
    assert.is_nil(s)
    assert.equal("Unauthorized", errors[1].errorType)
    assert.equal("Not Authorized to access onSecret on type Subscription", errors[1].message)
    assert.is_table(subscribe("subscription { onSecret { id } }", nil, { mode = "AWS_IAM" }))
  end)

  it("when its resolver throws; the resolver sees arguments and identity", function()
    local seen
    resolve_with("onAny", function(ctx)
      seen = ctx
      if ctx.args.room == "no" then error({ message = "not here", type = "Mine" }, 0) end
    end)
    assert.is_table(subscribe('subscription { onAny(room: "yes") { id } }', nil, { username = "u" }))
    assert.equal("u", seen.identity.username)
    assert.same({ "id" }, seen.info.selectionSetList)
    local s, errors = subscribe('subscription { onAny(room: "no") { id } }')
    assert.is_nil(s)
    assert.equal("not here", errors[1].message)
    assert.equal("Mine", errors[1].errorType)
    assert.same({ "onAny" }, errors[1].path)
  end)
end)

describe("a model's subscription", function()
  local todo
  before_each(function()
    todo = assert(engine.new({ schema_text = "enum S { A B } type Todo @model { name: String! n: Int s: S tags: [String] }" }))
  end)

  local ITEM = '{name: "apple", n: 5, s: A, tags: ["x"]}'
  local ROWS = {
    { nil, true }, { NULL, true }, { {}, true }, { { name = { eq = "apple" } }, true }, { { name = { eq = "pear" } }, false },
    { { n = { ge = 5 } }, true }, { { n = { gt = 5 } }, false }, { { n = { between = { 4, 6 } } }, true },
    { { n = { ["in"] = { 1, 5 } } }, true },
    { { n = { notIn = { 1, 5 } } }, false }, { { name = { beginsWith = "app" } }, true }, { { name = { notContains = "pp" } }, false },
    { { tags = { contains = "x" } }, true }, { { s = { eq = "A" } }, true }, { { s = { ne = "A" } }, false },
    { { ["or"] = { { n = { eq = 1 } }, { name = { eq = "apple" } } } }, true },
    { { ["and"] = { { n = { eq = 1 } }, { name = { eq = "apple" } } } }, false },
  }
  for _, row in ipairs(ROWS) do
    local shown = row[1] == nil and "left out" or core.encode(row[1])
    it((row[2] and "gets" or "does not get") .. " an item with the filter " .. shown, function()
      local s = assert(todo:subscribe({ variables = { f = row[1] },
        query = "subscription ($f: ModelSubscriptionTodoFilterInput) { onCreateTodo(filter: $f) { name } }" }))
      local _, published = todo:execute({ query = "mutation { createTodo(input: " .. ITEM .. ") { id name n s tags } }" })
      assert.equal(row[2] and '{"data":{"onCreateTodo":{"name":"apple"}}}' or nil, s:match(published[1]))
    end)
  end

  it("refuses a filter that it has not", function()
    local s, errors = todo:subscribe({ variables = { f = { ["not"] = {} } },
      query = "subscription ($f: ModelSubscriptionTodoFilterInput) { onCreateTodo(filter: $f) { name } }" })
    assert.is_nil(s)
    assert.matches("field name 'not' that is not defined", errors[1].message)
  end)

  it("refuses between without a pair, however deep", function()
    local s, errors = todo:subscribe({ query =
      "subscription { onCreateTodo(filter: {or: [{n: {eq: 1}}, {n: {between: [1]}}]}) { name } }" })
    assert.is_nil(s)
    assert.equal("Invalid value for 'between': it must have exactly two elements", errors[1].message)
    assert.equal("InvalidArgumentsError", errors[1].errorType)
  end)

  it("gets updates and deletions by their own fields", function()
    local updated = assert(todo:subscribe({ query = "subscription { onUpdateTodo { name } }" }))
    local deleted = assert(todo:subscribe({ query = "subscription { onDeleteTodo { name } }" }))
    local _, published = todo:execute({ query = 'mutation { createTodo(input: {id: 1, name: "a"}) { name } '
      .. 'updateTodo(input: {id: 1, name: "b"}) { name } deleteTodo(input: {id: 1}) { name } }' })
    assert.equal(3, #published)
    assert.is_nil(updated:match(published[1]))
    assert.equal('{"data":{"onUpdateTodo":{"name":"b"}}}', updated:match(published[2]))
    assert.equal('{"data":{"onDeleteTodo":{"name":"b"}}}', deleted:match(published[3]))
  end)

  it("is not triggered by a mutation that failed", function()
    local _, published = todo:execute({ query = 'mutation { updateTodo(input: {id: 1, name: "b"}) { name } }' })
    assert.same({}, published)
  end)

  it("compares an argument of the user's own filter type by equality, not as a filter", function()
    local own = assert(engine.new({ schema_text = [[
type Query { a: Int } input Filter { x: Int } type M { filter: AWSJSON a: Int } type Mutation { m: M }
type Subscription { onM(filter: Filter): M @aws_subscribe(mutations: ["m"]) }]],
      resolvers = { Mutation = { m = function() return { a = 1 } end } } }))
    local s = assert(own:subscribe({ query = "subscription { onM(filter: {x: 1}) { a } }" }))
    local _, published = own:execute({ query = "mutation { m { a } }" })
    assert.is_nil(s:match(published[1]))
  end)
end)
