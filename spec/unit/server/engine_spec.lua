local core = require("appsync.core")
local engine = require("appsync.server.engine")

local NULL = core.null
local ALL = "id name description done priority createdAt updatedAt"

-- Texts and answers as an unmodified aws-amplify client exchanges them for its Todo model.
local CREATE = "mutation C($input: CreateTodoInput!) {\n  createTodo(input: $input) {\n    id\n    name\n    description\n    done\n"
  .. "    priority\n    createdAt\n    updatedAt\n  }\n}\n"
local GET = "query G($id: ID!) {\n  getTodo(id: $id) {\n    id\n    name\n    description\n    done\n    priority\n    createdAt\n"
  .. "    updatedAt\n  }\n}\n"
local LIST = "query ($filter: ModelTodoFilterInput, $limit: Int, $nextToken: String) {\n  listTodos(filter: $filter, limit: $limit, "
  .. "nextToken: $nextToken) {\n    items {\n      id\n      name\n      description\n      done\n      priority\n      createdAt\n"
  .. "      updatedAt\n    }\n    nextToken\n    __typename\n  }\n}\n"
local ON_CREATE = "subscription ($filter: ModelSubscriptionTodoFilterInput) {\n  onCreateTodo(filter: $filter) {\n    id\n    name\n"
  .. "    description\n    done\n    priority\n    createdAt\n    updatedAt\n  }\n}\n"

local clock, ids, served

local function todo(fields)
  return ('{"id":"%s","name":"%s","description":null,"done":%s,"priority":%s,"createdAt":"%s","updatedAt":"%s"}'):format(
    fields.id, fields.name, fields.done or "null", fields.priority or "null", fields.created, fields.updated or fields.created)
end

describe("an Amplify client's exchange", function()
  before_each(function()
    clock, ids = 1795158179.158, 0
    served = assert(engine.new({
      schema_text = "type Todo @model { id: ID! name: String! description: String done: Boolean priority: Int }",
      now = function() return clock end,
      uuid = function()
        ids = ids + 1
        return "00000000-0000-4000-8000-00000000000" .. ids
      end,
    }))
  end)

  local function run(query, variables)
    return (assert(served:execute({ query = query, variables = variables, identity = { mode = "API_KEY" } })))
  end

  local ID = "00000000-0000-4000-8000-00000000000"
  local CREATED = "2026-11-20T07:02:59.158Z"

  it("creates, reads, updates, lists and deletes", function()
    local v6 = todo({ id = ID .. 1, name = "v6", priority = 3, created = CREATED })
    assert.equal('{"data":{"createTodo":' .. v6 .. "}}", run(CREATE, { input = { name = "v6", priority = 3 } }))
    assert.equal('{"data":{"getTodo":' .. v6 .. "}}", run(GET, { id = ID .. 1 }))
    assert.equal('{"data":{"listTodos":{"items":[' .. v6 .. '],"nextToken":null}}}',
      run("query L {\n  listTodos {\n    items {\n      " .. ALL .. "\n    }\n    nextToken\n  }\n}\n", {}))
    clock = clock + 0.192
    assert.equal('{"data":{"updateTodo":' .. todo({ id = ID .. 1, name = "v6", done = "true", priority = 3, created = CREATED,
      updated = "2026-11-20T07:02:59.350Z" }) .. "}}",
      run("mutation U($input: UpdateTodoInput!) { updateTodo(input: $input) { " .. ALL .. " } }",
        { input = { id = ID .. 1, done = true } }))
    assert.equal('{"data":{"deleteTodo":{"id":"' .. ID .. '1","done":true}}}',
      run("mutation D($input: DeleteTodoInput!) { deleteTodo(input: $input) { id done } }", { input = { id = ID .. 1 } }))
    assert.equal('{"data":{"getTodo":null}}', run(GET, { id = ID .. 1 }))
  end)

  it("refuses an unknown field with data null", function()
    local answer = core.decode(run("query N {\n  nope\n}\n", {}))
    assert.equal(NULL, answer.data)
    assert.same({ { line = 2, column = 3, sourceName = NULL } }, answer.errors[1].locations)
  end)

  it("pages with a filter", function()
    for i = 1, 3 do run(CREATE, { input = { name = "page", priority = i } }) end
    local variables = { filter = { name = { eq = "page" }, priority = { gt = 1 } }, limit = 2 }
    local first = core.decode(run(LIST, variables)).data.listTodos
    assert.equal(1, #first.items)
    assert.equal("ModelTodoConnection", first.__typename)
    variables.nextToken = first.nextToken
    local second = core.decode(run(LIST, variables)).data.listTodos
    assert.equal(3, second.items[1].priority)
    assert.equal(NULL, second.nextToken)
  end)

  it("delivers what is created to subscribers whose filter it passes", function()
    local all = assert(served:subscribe({ query = ON_CREATE, variables = {}, identity = { mode = "API_KEY" } }))
    local high = assert(served:subscribe({ query = ON_CREATE, variables = { filter = { priority = { ge = 10 } } },
      identity = { mode = "API_KEY" } }))
    local _, published = served:execute({ query = CREATE, variables = { input = { name = "f", priority = 9 } } })
    assert.equal('{"data":{"onCreateTodo":' .. todo({ id = ID .. 1, name = "f", priority = 9, created = CREATED }) .. "}}",
      all:match(published[1]))
    assert.is_nil(high:match(published[1]))
    _, published = served:execute({ query = CREATE, variables = { input = { name = "f", priority = 10 } } })
    assert.is_string(high:match(published[1]))
  end)
end)

describe("the engine", function()
  it("prepares a text once, and forgets texts that are not asked for", function()
    local made = assert(engine.new({ schema_text = "type Query { a: Int }", resolvers = { Query = { a = function() return 1 end } } }))
    local parse, n = core.parse, 0
    core.parse = function(text)
      n = n + 1
      return parse(text)
    end
    finally(function() core.parse = parse end)
    for _ = 1, 10 do made:execute({ query = "{ a }" }) end
    assert.equal(1, n)
    for i = 1, 1200 do made:execute({ query = ("{ a%d: a }"):format(i) }) end
    assert.equal(1201, n)
    made:execute({ query = "{ a }" })
    assert.equal(1202, n)
  end)

  it("keeps a text that is asked for again and again", function()
    local made = assert(engine.new({ schema_text = "type Query { a: Int }" }))
    local parse, n = core.parse, 0
    core.parse = function(text)
      if text == "{ a }" then n = n + 1 end
      return parse(text)
    end
    finally(function() core.parse = parse end)
    for i = 1, 1200 do
      made:execute({ query = "{ a }" })
      made:execute({ query = ("{ a%d: a }"):format(i) })
    end
    assert.equal(1, n)
  end)

  it("gives an operation's variables only to that operation", function()
    local made = assert(engine.new({ schema_text = "type Query { a(x: Int): Int }",
      resolvers = { Query = { a = function(c) return c.args.x end } } }))
    local query = "query ($x: Int) { a(x: $x) }"
    assert.equal('{"data":{"a":1}}', (made:execute({ query = query, variables = { x = 1 } })))
    assert.equal('{"data":{"a":null}}', (made:execute({ query = query })))
    assert.equal('{"data":{"a":null}}', (made:execute({ query = query, variables = NULL })))
  end)

  it("keeps two schemas apart", function()
    local a = assert(engine.new({ schema_text = "type Query { a: Int }", resolvers = { Query = { a = function() return 1 end } } }))
    local b = assert(engine.new({ schema_text = "type Query { a: String }", resolvers = { Query = { a = function() return 2 end } } }))
    assert.equal('{"data":{"a":1,"__typename":"Query"}}', (a:execute({ query = "{ a __typename }" })))
    assert.equal('{"data":{"a":"2","__typename":"Query"}}', (b:execute({ query = "{ a __typename }" })))
  end)

  it("is open to every mode where the schema names none, and holds to the default mode where it names one", function()
    local resolvers = { Query = { a = function() return 1 end, b = function() return 2 end } }
    local modes = { default = "API_KEY", additional = { AWS_IAM = true } }
    local iam = { mode = "AWS_IAM" }
    local open = assert(engine.new({ schema_text = "type Query { a: Int b: Int }", resolvers = resolvers, auth_modes = modes }))
    assert.equal('{"data":{"a":1}}', (open:execute({ query = "{ a }", identity = iam })))
    local strict = assert(engine.new({ schema_text = "type Query { a: Int b: Int @aws_iam }", resolvers = resolvers, auth_modes = modes }))
    assert.equal('{"data":{"b":2}}', (strict:execute({ query = "{ b }", identity = iam })))
    assert.truthy((strict:execute({ query = "{ a }", identity = iam })):find("Not Authorized to access a on type Query", 1, true))
  end)
end)

describe("what a request asks for", function()
  local made

  setup(function() made = assert(engine.new({ schema_text = "type Query { a: Int } type Mutation { b: Int }" })) end)

  local function about(query, name) return made:operation_of({ query = query, operation_name = name }) end

  it("is told by kind, name and fields", function()
    assert.same({ operation = "query", name = "A", fields = { "a" } }, about("query A { ...F } fragment F on Query { a }"))
    assert.same({ operation = "mutation", name = "B", fields = { "b" } }, about("query A { a } mutation B { b }", "B"))
    assert.same({ operation = "query", fields = { "a" } }, about("{ a }", ""))
    assert.same({ operation = "query", fields = { "a" } }, about("{ a }", core.null))
  end)

  it("is nothing where no operation is meant", function()
    for _, row in ipairs({ { "{" }, { "{", "A" }, { "query A { a } query B { a }" }, { "query A { a }", "B" }, { ("a "):rep(20000), "A" } }) do
      assert.is_nil(about(row[1], row[2]))
    end
  end)
end)
