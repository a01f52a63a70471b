local core = require("appsync.core")
local engine = require("appsync.server.engine")
local model_names = require("appsync.schema.names")

local NULL = core.null

local SCHEMA = [[
enum Status { DRAFT LIVE }
type Meta { author: String! score: Float inner: Inner }
type Inner { at: AWSDate }
type Todo @model {
  id: ID! name: String! description: String done: Boolean priority: Int status: Status tags: [String!]! meta: Meta json: AWSJSON
}
]]

local clock, ids, served

local function make(text, options)
  clock, ids = 1763622179.158, 0
  options = options or {}
  options.schema_text = text or SCHEMA
  options.now = function() return clock end
  options.uuid = function()
    ids = ids + 1
    return ("id-%d"):format(ids)
  end
  local err
  served, err = engine.new(options)
  return served, err
end

local function run(query, variables)
  return (assert(served:execute({ query = query, variables = variables, request_id = "REQ" })))
end

local function data(query, variables)
  local answer = core.decode(run(query, variables))
  assert.is_nil(answer.errors)
  return answer.data
end

local function first_error(query, variables)
  local answer = core.decode(run(query, variables))
  return answer.errors[1], answer.data
end

local CREATE = "mutation ($i: CreateTodoInput!, $c: ModelTodoConditionInput) { createTodo(input: $i, condition: $c) "
  .. "{ id name description done priority status tags meta { author score inner { at } } json createdAt updatedAt } }"
local UPDATE = "mutation ($i: UpdateTodoInput!, $c: ModelTodoConditionInput) { updateTodo(input: $i, condition: $c) "
  .. "{ id name description done createdAt updatedAt } }"
local DELETE = "mutation ($i: DeleteTodoInput!, $c: ModelTodoConditionInput) { deleteTodo(input: $i, condition: $c) { id name } }"
local LIST = "query ($f: ModelTodoFilterInput, $l: Int, $n: String) { listTodos(filter: $f, limit: $l, nextToken: $n) "
  .. "{ items { name } nextToken } }"

local function tags(...)
  return setmetatable({ ... }, core.array_mt)
end

local function create(fields)
  fields.tags = fields.tags or tags()
  return data(CREATE, { i = fields }).createTodo
end

describe("a model's operations", function()
  before_each(function() make() end)

  it("create with an id, both times and every kind of field", function()
    assert.equal('{"data":{"createTodo":{"id":"id-1","name":"n","description":null,"done":true,"priority":3,"status":"LIVE",'
      .. '"tags":["a"],"meta":{"author":"x","score":1.5,"inner":{"at":"2024-01-01"}},"json":"{\\"a\\":1,\\"b\\":[]}",'
      .. '"createdAt":"2025-11-20T07:02:59.158Z","updatedAt":"2025-11-20T07:02:59.158Z"}}}',
      run(CREATE, { i = { name = "n", done = true, priority = 3, status = "LIVE", tags = tags("a"), json = '{"b":[], "a":1}',
        meta = { author = "x", score = 1.5, inner = { at = "2024-01-01" } } } }))
  end)

  it("create with the id that is given, and find it again", function()
    assert.equal("mine", create({ id = "mine", name = "n" }).id)
    assert.equal("n", data('{ getTodo(id: "mine") { name } }').getTodo.name)
    assert.equal(NULL, data('{ getTodo(id: "other") { name } }').getTodo)
  end)

  it("refuse an id that exists, with DynamoDB's words", function()
    create({ id = "mine", name = "n" })
    assert.equal('{"data":{"createTodo":null},"errors":[{"path":["createTodo"],"data":null,'
      .. '"errorType":"DynamoDB:ConditionalCheckFailedException","errorInfo":null,"locations":[{"line":1,"column":12,"sourceName":null}],'
      .. '"message":"The conditional request failed (Service: DynamoDb, Status Code: 400, Request ID: REQ)"}]}',
      run('mutation { createTodo(input: {id: "mine", name: "m", tags: []}) { id } }'))
    assert.equal("n", data('{ getTodo(id: "mine") { name } }').getTodo.name)
  end)

  it("update what is given, remove what is null, keep the rest", function()
    create({ name = "n", description = "d", done = true })
    clock = clock + 1
    assert.same({ id = "id-1", name = "n2", description = NULL, done = true, createdAt = "2025-11-20T07:02:59.158Z",
      updatedAt = "2025-11-20T07:03:00.158Z" }, data(UPDATE, { i = { id = "id-1", name = "n2", description = NULL } }).updateTodo)
    assert.equal(1, #data(LIST, { f = { description = { attributeExists = false } } }).listTodos.items)
  end)

  it("keep a null that an item was created with", function()
    create({ name = "n", description = NULL })
    assert.equal(1, #data(LIST, { f = { description = { attributeExists = true } } }).listTodos.items)
    assert.equal(1, #data(LIST, { f = { description = { eq = NULL } } }).listTodos.items)
  end)

  it("delete and return what was there", function()
    create({ name = "n" })
    assert.same({ id = "id-1", name = "n" }, data(DELETE, { i = { id = "id-1" } }).deleteTodo)
    assert.equal(NULL, data('{ getTodo(id: "id-1") { name } }').getTodo)
  end)

  for _, row in ipairs({
    { "update what is not there", UPDATE, { i = { id = "x" } } },
    { "delete what is not there", DELETE, { i = { id = "x" } } },
    { "update when the condition fails", UPDATE, { i = { id = "id-1", name = "z" }, c = { name = { eq = "other" } } }, "n" },
    { "delete when the condition fails", DELETE, { i = { id = "id-1" }, c = { ["not"] = { name = { eq = "n" } } } }, "n" },
    { "create when the condition fails", CREATE, { i = { name = "z", tags = tags() }, c = { name = { eq = "n" } } } },
  }) do
    it("do not " .. row[1], function()
      create({ name = "n" })
      local err, rest = first_error(row[2], row[3])
      assert.equal("DynamoDB:ConditionalCheckFailedException", err.errorType)
      -- What is there now, as far as it was selected; nothing of what is not there, and nothing for who wanted to create.
      assert.equal(row[4] or NULL, err.data ~= NULL and err.data.name or err.data)
      assert.equal(NULL, select(2, next(rest)))
      assert.equal("n", data('{ getTodo(id: "id-1") { name } }').getTodo.name)
      assert.equal(1, #data("{ listTodos { items { id } } }").listTodos.items)
    end)
  end

  it("obey a condition that holds", function()
    create({ name = "n" })
    assert.equal("z", data(UPDATE, { i = { id = "id-1", name = "z" }, c = { name = { eq = "n" }, createdAt = { beginsWith = "2025" } } })
      .updateTodo.name)
    assert.equal("z", data(DELETE, { i = { id = "id-1" }, c = { name = { ne = "n" } } }).deleteTodo.name)
  end)

  it("list in the order of creation, 100 at a time", function()
    for i = 1, 101 do create({ name = "n" .. i }) end
    local page = data(LIST).listTodos
    assert.equal(100, #page.items)
    assert.equal("n1", page.items[1].name)
    local rest = data(LIST, { n = page.nextToken }).listTodos
    assert.same({ { name = "n101" } }, rest.items)
    assert.equal(NULL, rest.nextToken)
  end)

  it("count a page's limit before the filter", function()
    for i = 1, 5 do create({ name = i % 2 == 0 and "even" or "odd" }) end
    local pages, token = {}, nil
    repeat
      local page = data(LIST, { l = 2, n = token, f = { name = { eq = "even" } } }).listTodos
      pages[#pages + 1] = #page.items
      token = page.nextToken
    until token == NULL
    assert.same({ 1, 1, 0 }, pages)
  end)

  it("filter by enum, list, nested logic and size", function()
    create({ name = "a", status = "LIVE", tags = tags("x") })
    create({ name = "bb", status = "DRAFT", priority = 4 })
    for _, row in ipairs({
      { { status = { eq = "LIVE" } }, "a" }, { { tags = { contains = "x" } }, "a" }, { { priority = { between = { 4, 5 } } }, "bb" },
      { { ["or"] = { { name = { eq = "bb" } }, { name = { eq = "z" } } } }, "bb" }, { { name = { size = { gt = 1 } } }, "bb" },
      { { ["not"] = { priority = { attributeExists = true } } }, "a" },
    }) do
      assert.same({ { name = row[2] } }, data(LIST, { f = row[1] }).listTodos.items)
    end
  end)

  it("refuse a token and a limit that mean nothing", function()
    assert.matches("Invalid pagination token given%.$", first_error(LIST, { n = "x" }).message)
    assert.matches("Invalid pagination token given%.$", first_error(LIST, { n = core.base64("[]") }).message)
    assert.equal("BadRequestException", first_error(LIST, { l = 0 }).errorType)
  end)

  it("keep the nullability of the type in inputs", function()
    assert.matches("is missing required fields '%[name, tags%]'", first_error("mutation { createTodo(input: {}) { id } }").message)
    assert.matches("is missing required fields '%[author%]'", first_error(
      'mutation { createTodo(input: {name: "a", tags: [], meta: {}}) { id } }').message)
    assert.matches("is missing required fields '%[id%]'", first_error("mutation { updateTodo(input: {}) { id } }").message)
    assert.matches("contains a field not in 'CreateTodoInput': 'createdAt'", first_error(
      'mutation { createTodo(input: {name: "a", tags: [], createdAt: "2024-01-01T00:00:00Z"}) { id } }').message)
  end)

  it("can be replaced by a resolver of the user's", function()
    make(nil, { resolvers = { Query = { getTodo = function(ctx) return { id = ctx.args.id, name = "own" } end } } })
    assert.equal("own", data('{ getTodo(id: "5") { name } }').getTodo.name)
  end)
end)

describe("@model", function()
  local function fields(type_name)
    local found = served.schema.types[type_name]
    local out = {}
    for _, field in ipairs(found and found.field_list or {}) do out[#out + 1] = field.name end
    return table.concat(out, " ")
  end

  it("makes the types and fields of the documented names", function()
    make()
    local sdl = served:print_schema()
    for _, line in ipairs({
      "getTodo(id: ID!): Todo", "listTodos(filter: ModelTodoFilterInput, limit: Int, nextToken: String): ModelTodoConnection",
      "createTodo(input: CreateTodoInput!, condition: ModelTodoConditionInput): Todo",
      "updateTodo(input: UpdateTodoInput!, condition: ModelTodoConditionInput): Todo",
      "deleteTodo(input: DeleteTodoInput!, condition: ModelTodoConditionInput): Todo",
      'onCreateTodo(filter: ModelSubscriptionTodoFilterInput): Todo @aws_subscribe(mutations: ["createTodo"])',
      'onUpdateTodo(filter: ModelSubscriptionTodoFilterInput): Todo @aws_subscribe(mutations: ["updateTodo"])',
      'onDeleteTodo(filter: ModelSubscriptionTodoFilterInput): Todo @aws_subscribe(mutations: ["deleteTodo"])',
      "input ModelStatusInput {\n  eq: Status\n  ne: Status\n}", "input DeleteTodoInput {\n  id: ID!\n}",
      "type ModelTodoConnection {\n  items: [Todo]!\n  nextToken: String\n}", "createdAt: AWSDateTime!", "  status: ModelStatusInput",
      "  tags: ModelStringInput", "input MetaInput {\n  author: String!\n  score: Float\n  inner: InnerInput\n}",
      "  status: ModelSubscriptionStringInput",
    }) do
      assert.truthy(sdl:find(line, 1, true), line)
    end
    assert.falsy(sdl:find("@model", 1, true))
    assert.equal("id name description done priority status tags meta json", fields("CreateTodoInput"))
    assert.equal("id name description done priority status tags json createdAt updatedAt and or not", fields("ModelTodoFilterInput"))
    assert.equal("name description done priority status tags json and or not createdAt updatedAt", fields("ModelTodoConditionInput"))
    assert.equal("id name description done priority status tags json createdAt updatedAt and or",
      fields("ModelSubscriptionTodoFilterInput"))
    assert.equal("ne eq le lt ge gt contains notContains between beginsWith attributeExists attributeType size", fields("ModelStringInput"))
    assert.equal("ne eq le lt ge gt contains notContains between beginsWith in notIn", fields("ModelSubscriptionIDInput"))
    assert.equal("ne eq le lt ge gt between attributeExists attributeType", fields("ModelFloatInput"))
    assert.equal("ne eq le lt ge gt between in notIn", fields("ModelSubscriptionIntInput"))
    assert.equal("ne eq attributeExists attributeType", fields("ModelBooleanInput"))
    assert.equal("ne eq", fields("ModelSubscriptionBooleanInput"))
    assert.equal("ne eq le lt ge gt between", fields("ModelSizeInput"))
  end)

  it("prints a schema that is valid by itself", function()
    make()
    local sdl = served:print_schema()
    assert.equal(sdl, assert(engine.new({ schema_text = sdl })):print_schema())
  end)

  it("adds an id and timestamps that are missing, and keeps those that are there", function()
    make("type A @model { name: String } type B @model { id: ID! createdAt: AWSDateTime! name: String }")
    assert.equal("name id createdAt updatedAt", fields("A"))
    assert.equal("name id", fields("CreateAInput"))
    assert.equal("id createdAt name updatedAt", fields("B"))
    assert.equal("id createdAt name", fields("CreateBInput"))
    assert.equal("2024-01-01T00:00:00Z",
      data('mutation { createB(input: {createdAt: "2024-01-01T00:00:00Z"}) { createdAt } }').createB.createdAt)
    assert.equal("2025-11-20T07:02:59.158Z", data("mutation { createB(input: {}) { createdAt } }").createB.createdAt)
  end)

  it("renames and leaves out queries, mutations and subscriptions", function()
    make([[type A @model(queries: {get: "oneA", list: null}, mutations: {delete: null, create: "addA"},
      subscriptions: {onCreate: ["onA", "onAnA"], onUpdate: null}) { name: String }]])
    assert.equal("oneA", fields("Query"))
    assert.equal("addA updateA", fields("Mutation"))
    assert.equal("onA onAnA", fields("Subscription"))
    assert.equal("id-1", data("mutation { addA(input: {}) { id } }").addA.id)
  end)

  it("can go without any of them", function()
    make("type Query { a: Int } type A @model(queries: null, mutations: null, subscriptions: null) { name: String }")
    assert.equal("a", fields("Query"))
    assert.is_nil(served.schema.mutation)
    make('type A @model(subscriptions: {level: off}) { name: String }')
    assert.is_nil(served.schema.subscription)
    make('type A @model(subscriptions: {level: public}) { name: String }')
    assert.equal("onCreateA onUpdateA onDeleteA", fields("Subscription"))
  end)

  it("renames and leaves out timestamps", function()
    make('type A @model(timestamps: {createdAt: "born", updatedAt: null}) { name: String }')
    assert.equal("name id born", fields("A"))
    assert.equal("2025-11-20T07:02:59.158Z", data("mutation { createA(input: {}) { born } }").createA.born)
    make("type A @model(timestamps: null) { name: String }")
    assert.equal("name id", fields("A"))
  end)

  it("leaves a field of a timestamp's name alone that can't hold one", function()
    make("type A @model { createdAt: Int updatedAt: AWSDate }")
    assert.same({ createdAt = NULL, updatedAt = NULL }, data("mutation { createA(input: {}) { createdAt updatedAt } }").createA)
    assert.same({ createdAt = 5 }, data("mutation { createA(input: {createdAt: 5}) { createdAt } }").createA)
    make("type A @model { createdAt: Int! }")
    assert.matches("missing required fields '%[createdAt%]'", first_error("mutation { createA(input: {}) { id } }").message)
  end)

  it("joins the fields to root types that exist, and leaves declared ones alone", function()
    make('type Query { b: Int getA(id: ID!): String } type A @model { name: String }',
      { resolvers = { Query = { getA = function() return "own" end } } })
    assert.equal("b getA listAS", fields("Query"))
    assert.equal("own", data('{ getA(id: "1") }').getA)
  end)

  it("knows what extensions add to it, to the objects inside it and to its enums", function()
    assert(make([[
      interface Noted { note: String }
      type Todo @model { id: ID! meta: Meta status: Status @default(value: "LATE") }
      type Meta { author: String }
      enum Status { DRAFT LIVE }
      extend type Todo implements Noted { note: String }
      extend type Meta { score: Float }
      extend enum Status { LATE }
    ]]))
    local made = data('mutation { createTodo(input: {note: "n", meta: {score: 2}}) { note status meta { score } } }').createTodo
    assert.same({ note = "n", status = "LATE", meta = { score = 2 } }, made)
    assert.equal(1, #data('{ listTodos(filter: {note: {eq: "n"}, status: {eq: LATE}}) { items { id } } }').listTodos.items)
  end)

  it("passes a model's @aws_* directives on", function()
    make("type Admin @model @aws_iam @aws_cognito_user_pools(cognito_groups: [\"G\"]) { name: String }")
    local sdl = served:print_schema()
    assert.truthy(sdl:find('getAdmin(id: ID!): Admin @aws_iam @aws_cognito_user_pools(cognito_groups: ["G"])', 1, true))
    assert.truthy(sdl:find('type ModelAdminConnection @aws_iam @aws_cognito_user_pools(cognito_groups: ["G"]) {', 1, true))
  end)

  it("accepts Amplify's sandbox switch and no other rule in its place", function()
    assert.is_table(make("input AMPLIFY { globalAuthRule: AuthRule = { allow: public } } type A @model { a: Int }"))
    local made, err = make("input AMPLIFY { globalAuthRule: AuthRule = { allow: owner } } type A @model { a: Int }")
    assert.is_nil(made)
    assert.matches("^input AMPLIFY", err.message)
  end)

  for _, row in ipairs({
    { "type Query @model { a: Int }", "@model is not allowed on the root type 'Query' (line 1, column 12)" },
    { "type A @model(queries: {sync: \"x\"}) { a: Int }", "@model's 'queries' has no 'sync' (line 1, column 25)" },
    { "type A @model(queries: 5) { a: Int }", "@model's 'queries' must be an object or null (line 1, column 24)" },
    { "type A @model(queries: {get: 5}) { a: Int }", "@model's 'queries.get' must be a string (line 1, column 30)" },
    { 'type A @model(queries: {get: "a b"}) { a: Int }', "@model's 'queries.get' must be a name or null (line 1, column 24)" },
    { "type A @model(subscriptions: {level: some}) { a: Int }",
      "@model's 'subscriptions.level' must be one of off, public, on (line 1, column 38)" },
    { "type A @model(foo: 1) { a: Int }", "directive @model has no argument 'foo' (line 1, column 15)" },
    { "type A @model { id: [Int] }",
      "the id of model 'A' must be 'ID!', or another scalar or an enum (line 1, column 17)" },
  }) do
    it("is refused: " .. row[1], function()
      local made, err = make(row[1])
      assert.is_nil(made)
      assert.equal(row[2], err.message)
    end)
  end

  it("keeps its items in a file", function()
    local path = os.tmpname()
    make(nil, { store = path })
    create({ name = "kept" })
    served:close()
    make(nil, { store = path })
    assert.equal("kept", data('{ getTodo(id: "id-1") { name } }').getTodo.name)
    served:close()
    for _, suffix in ipairs({ "", "-wal", "-shm" }) do os.remove(path .. suffix) end
  end)

  it("tells why its file cannot be opened", function()
    local made, err = make(nil, { store = "/nonexistent/folder/x.db" })
    assert.is_nil(made)
    assert.matches("^store '/nonexistent/folder/x.db': ", err.message)
  end)
end)

describe("operation names", function()
  it("begin with the operation and the name in upper case", function()
    assert.equal("listCategorys", model_names.operations("Category", true).list)
    local names = model_names.operations("blogPost")
    assert.equal("getBlogPost", names.get)
    assert.equal("listBlogPosts", names.list)
    assert.equal("onDeleteBlogPost", names.onDelete)
  end)

  it("of subscriptions above 50 letters end in the digest of the whole", function()
    local name = ("A"):rep(43)
    assert.equal("onCreate" .. ("A"):rep(37) .. require("appsync.schema.md5").hex("onCreate" .. name):sub(1, 5),
      model_names.operations(name).onCreate)
    assert.equal("onCreate" .. ("A"):rep(42), model_names.operations(("A"):rep(42)).onCreate)
    assert.equal("900150983cd24fb0d6963f7d28e17f72", require("appsync.schema.md5").hex("abc"))
    assert.equal("57edf4a22be3c955ac49da2e2107b67a", require("appsync.schema.md5").hex(("1234567890"):rep(8)))
  end)
end)
