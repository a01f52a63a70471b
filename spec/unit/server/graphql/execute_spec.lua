local core = require("appsync.core")
local engine = require("appsync.server.engine")

local NULL = core.null

local SCHEMA = [==[
type Query {
  hello(name: String = "you", times: Int): String
  todo: Todo
  todos: [Todo!]
  grid: [[Int]]
  must: String!
  node: Node
  things: [Thing]
  kind: Kind
  at: AWSTimestamp
  json: AWSJSON
  float: Float
  count: Int
  flag: Boolean
  boom(how: String): Todo
  args(in: In, list: [Int!], id: ID, kind: Kind): String
  slow: [String!]!
}
type Mutation { add(n: Int!): Int! list: [Todo] node: Node }
input In { a: Int = 7 b: [String] c: In }
interface Node { id: ID! }
type Todo implements Node { id: ID! name: String! parent: Todo children: [Todo!]! kind: Kind }
type User implements Node { id: ID! email: String }
union Thing = Todo | User
enum Kind { A B }
]==]

local resolvers, served

local function make(fields, mutations, todo)
  resolvers = { Query = fields or {}, Mutation = mutations or {}, Todo = todo or {} }
  served = assert(engine.new({ schema_text = SCHEMA, resolvers = resolvers }))
end

local function run(query, variables)
  return (assert(served:execute({ query = query, variables = variables })))
end

local function const(value)
  return function() return value end
end

describe("execution", function()
  it("answers fields in the order of the selection, with aliases and __typename", function()
    make({ hello = function(ctx) return "hi " .. ctx.args.name end, count = const(3) })
    assert.equal('{"data":{"z":"hi you","count":3,"__typename":"Query","hello":"hi é\\"","a":"Query"}}',
      run('{ z: hello count __typename hello(name: "é\\"") a: __typename }'))
  end)

  it("merges fields that are selected twice", function()
    make({ todo = const({ id = "1", name = "n", parent = { id = "2", name = "p" } }) })
    assert.equal('{"data":{"todo":{"id":"1","parent":{"id":"2","name":"p"},"name":"n"}}}',
      run("{ todo { id parent { id } } todo { name parent { name } } }"))
  end)

  it("follows fragments, and the types that they are for", function()
    make({ things = const({ { __typename = "User", id = 1, email = "e" }, { __typename = "Todo", id = "2", name = "n" }, NULL }) })
    assert.equal('{"data":{"things":[{"__typename":"User","id":"1","email":"e"},{"__typename":"Todo","id":"2","name":"n"},null]}}',
      run("{ things { __typename ...N ...U ... on Todo { name } } } fragment N on Node { id } fragment U on User { email }"))
  end)

  it("enters a fragment once, however often it is spread", function()
    make({ count = const(1) })
    local parts = { "{ ...F1 }" }
    for i = 1, 40 do parts[#parts + 1] = ("fragment F%d on Query { ...F%d ...F%d }"):format(i, i + 1, i + 1) end
    parts[#parts + 1] = "fragment F41 on Query { count }"
    assert.equal('{"data":{"count":1}}', run(table.concat(parts, " ")))
  end)

  -- {skip, include, is the field there}
  local CONDITIONS = { { false, true, true }, { true, true, false }, { false, false, false }, { true, false, false } }
  for _, row in ipairs(CONDITIONS) do
    it(("with @skip %s and @include %s"):format(tostring(row[1]), tostring(row[2])), function()
      make({ count = const(1) })
      local text = run("query ($s: Boolean!, $i: Boolean!) { a: __typename count @skip(if: $s) @include(if: $i) }",
        { s = row[1], i = row[2] })
      assert.equal(row[3] and '{"data":{"a":"Query","count":1}}' or '{"data":{"a":"Query"}}', text)
    end)
  end

  it("skips fragments too", function()
    make({ count = const(1) })
    assert.equal('{"data":{}}',
      run("{ ...F @skip(if: true) ... @include(if: false) { count } } fragment F on Query { count }"))
  end)

  it("hands resolvers their arguments, coerced and with defaults", function()
    local seen
    make({ args = function(ctx) seen = ctx.arguments end })
    run('query ($l: [Int!], $n: In) { args(in: {b: "x", c: $n}, list: $l, id: 5, kind: B) }', { l = 3, n = { b = NULL } })
    assert.same({ ["in"] = { a = 7, b = { "x" }, c = { a = 7, b = NULL } }, list = { 3 }, id = "5", kind = "B" }, seen)
    run("query ($i: ID, $k: Kind) { args(id: $i, kind: $k) }", { k = NULL })
    assert.same({ kind = NULL }, seen)
  end)

  it("hands resolvers the context", function()
    local seen
    make({ todo = function(ctx) seen = ctx; return { id = "1", name = "n" } end })
    served:execute({ query = "query ($x: Boolean = true) { a: todo { i: id name @include(if: $x) parent { id } } }",
      identity = { username = "me" }, headers = { ["x-a"] = "b" } })
    assert.equal("todo", seen.info.fieldName)
    assert.equal("Query", seen.info.parentTypeName)
    assert.same({ "i", "name", "parent", "parent/id" }, seen.info.selectionSetList)
    assert.same({ x = true }, seen.info.variables)
    assert.equal("me", seen.identity.username)
    assert.equal("b", seen.request.headers["x-a"])
    assert.is_nil(seen.source)
    assert.same({}, seen.stash)
  end)

  it("resolves fields of types with the object as source", function()
    make({ todo = const({ id = "1", name = "n" }) }, nil, { parent = function(ctx) return { id = ctx.source.id .. "p", name = "x" } end })
    assert.equal('{"data":{"todo":{"parent":{"id":"1p","parent":{"id":"1pp"}}}}}', run("{ todo { parent { id parent { id } } } }"))
  end)

  it("runs mutations one after the other and tells what is published, by field names", function()
    local sum = 0
    make(nil, { add = function(ctx) sum = sum + ctx.args.n; return sum end, list = const({ { id = 1, name = "n" } }),
      node = const({ __typename = "User", id = 2 }) })
    local text, published = served:execute({ query = "mutation { a: add(n: 1) b: add(n: 5) list { i: id n: name } node { id } }" })
    assert.equal('{"data":{"a":1,"b":6,"list":[{"i":"1","n":"n"}],"node":{"id":"2"}}}', text)
    assert.same({ { field = "add", value = 1 }, { field = "add", value = 6 }, { field = "list", value = { { id = "1", name = "n" } } },
      { field = "node", value = { __typename = "User", id = "2" } } }, published)
  end)

  it("publishes the mutations that were done before one that fails", function()
    make(nil, { add = function(ctx) if ctx.args.n == 2 then error("no", 0) end return ctx.args.n end })
    local text, published = served:execute({ query = "mutation { a: add(n: 1) b: add(n: 2) c: add(n: 3) }" })
    assert.matches('^{"data":null,"errors":%[{"path":%["b"%]', text)
    assert.same({ { field = "add", value = 1 } }, published)
  end)

  it("publishes nothing for queries", function()
    make({ count = const(1) })
    assert.same({}, select(2, served:execute({ query = "{ count }" })))
  end)

  it("runs the operation that is named, and refuses names that are not there", function()
    make({ count = const(1), flag = const(true) })
    local query = "query A { count } query B { flag }"
    assert.equal('{"data":{"flag":true}}', (served:execute({ query = query, operation_name = "B" })))
    assert.matches("Unknown operation named 'C'", (served:execute({ query = query, operation_name = "C" })))
    local text, why = served:execute({ query = query })
    assert.is_nil(text)
    assert.same({ code = "missing_operation_name" }, why)
    assert.is_nil((served:execute({ query = query, operation_name = NULL })))
    assert.is_string((served:execute({ query = "{ count }", operation_name = NULL })))
  end)

  it("does not run subscriptions", function()
    local made = assert(engine.new({ schema_text =
      'type Query { a: Int } type Mutation { a: Int } type Subscription { onA: Int @aws_subscribe(mutations: ["a"]) }' }))
    assert.equal("OperationNotSupported", core.decode((made:execute({ query = "subscription { onA }" }))).errors[1].errorType)
  end)
end)

describe("a null where none may be", function()
  local function plain(path, message)
    return ('{"path":%s,"locations":null,"message":"%s"}'):format(path, message)
  end

  it("goes up to the nearest field that can be null", function()
    make({ todo = const({ id = "1" }) })
    assert.equal('{"data":{"todo":null},"errors":[' .. plain('["todo","name"]',
      "Cannot return null for non-nullable type: 'String' within parent 'Todo' (/todo/name)") .. "]}", run("{ todo { id name } }"))
  end)

  it("makes the whole data null at the root", function()
    make({})
    assert.equal('{"data":null,"errors":[' .. plain('["must"]',
      "Cannot return null for non-nullable type: 'String' within parent 'Query' (/must)") .. "]}", run("{ __typename must }"))
  end)

  it("takes its list along, with the position in the path", function()
    make({ todos = const({ { id = "1", name = "n" }, { id = "2" } }) })
    assert.equal('{"data":{"todos":null},"errors":[' .. plain('["todos",1,"name"]',
      "Cannot return null for non-nullable type: 'String' within parent 'Todo' (/todos[1]/name)") .. "]}", run("{ todos { id name } }"))
  end)

  it("is named 'null' for a list", function()
    make({ todo = const({ id = "1" }) })
    assert.equal('{"data":{"todo":null},"errors":[' .. plain('["todo","children"]',
      "Cannot return null for non-nullable type: 'null' within parent 'Todo' (/todo/children)") .. "]}",
      run("{ todo { children { id } } }"))
  end)

  it("keeps its neighbours and reports each field once", function()
    make({ a = nil, todo = const({ id = "1" }), count = const(2), slow = function() error("x", 0) end })
    assert.equal('{"data":null,"errors":[{"path":["slow"],"data":null,"errorType":null,"errorInfo":null,'
      .. '"locations":[{"line":1,"column":15,"sourceName":null}],"message":"x"}]}', run("{ todo { id } slow count }"))
  end)
end)

describe("a resolver that fails", function()
  local function fail_with(thrown)
    make({ boom = function() error(thrown, 0) end })
    return run("{ boom { id n: name } count }")
  end

  it("with a text gives null and the text", function()
    assert.equal('{"data":{"boom":null,"count":null},"errors":[{"path":["boom"],"data":null,"errorType":null,"errorInfo":null,'
      .. '"locations":[{"line":1,"column":3,"sourceName":null}],"message":"no"}]}', fail_with("no"))
  end)

  it("with null says null, not an address", function()
    assert.matches('"message":"null"', fail_with(core.null), 1, true)
    assert.matches('"message":"null"', fail_with({ message = core.null }), 1, true)
  end)

  it("with a table gives type, info, and data restricted to the selection", function()
    assert.equal('{"data":{"boom":null,"count":null},"errors":[{"path":["boom"],"data":{"n":"a"},"errorType":"Mine",'
      .. '"errorInfo":{"secret":1},"locations":[{"line":1,"column":3,"sourceName":null}],"message":"no"}]}',
      fail_with({ message = "no", type = "Mine", data = { name = "a", kind = "A" }, info = { secret = 1 } }))
  end)

  it("shows tables without members as what the schema has in their place", function()
    local data = { id = "1", children = {}, parent = {} }
    make({ boom = function() error({ message = "no", data = data }, 0) end, todos = function() error({ message = "no", data = {} }, 0) end,
      things = function() error({ message = "no", data = { { __typename = "Todo" }, {} } }, 0) end })
    local function shown(query) return run(query):match('"%],"data":(.-),"errorType"') end
    assert.equal('{"children":[]}', shown("{ boom { children { id } } }"))
    assert.equal('{"parent":{}}', shown("{ boom { parent { id } } }"))
    assert.equal("[]", shown("{ todos { id } }"))
    assert.equal("[{},{}]", shown("{ things { ... on Todo { id } } }"))
  end)

  it("with error(text) loses the place in the file, but keeps it for a fault of the resolver itself", function()
    make({ boom = function() error("no such thing") end, count = function(ctx) return ctx.nothing.here end })
    local errors = core.decode(run("{ boom { id } count }")).errors
    assert.equal("no such thing", errors[1].message)
    assert.matches("execute_spec.lua:%d+: attempt to index", errors[2].message)
  end)

  it("with bytes that are no text still gives JSON", function()
    assert.matches('"message":"a%?b"', fail_with("a\255b"))
  end)
end)

describe("a resolver's value", function()
  -- {field, value, JSON or the message of the error}
  local ROWS = {
    { "count", 3, "3" }, { "count", "3", "3" }, { "count", 3.0, "3" },
    { "count", 3.5, message = "Can't serialize value (/count) : Expected type 'Int' but was 'Double'." },
    { "count", 2 ^ 31, message = "Can't serialize value (/count) : Expected value to be in the Integer range but it was '2147483648'" },
    { "float", 0.1, "0.1" }, { "float", 3, "3" }, { "float", 1e300, "1e+300" }, { "float", 1 / 3, "0.3333333333333333" },
    { "float", -0.0, "0" }, { "float", -2.5, "-2.5" },
    { "flag", false, "false" },
    { "flag", "yes", message = "Can't serialize value (/flag) : Expected type 'Boolean' but was 'String'." },
    { "hello", 5, '"5"' }, { "hello", true, '"true"' },
    { "hello", {}, message = "Can't serialize value (/hello) : Expected type 'String' but was 'LinkedHashMap'." },
    { "hello", "a\255", message = "Can't serialize value (/hello) : the text is not UTF-8" },
    { "kind", "A", '"A"' },
    { "kind", "X", message = "Can't serialize value (/kind) : Invalid input for Enum 'Kind'. Unknown value 'X'" },
    { "at", 1763622179123, "1763622179123" },
    { "json", { b = 1, a = { true } }, '"{\\"a\\":[true],\\"b\\":1}"' },
    { "json", "text", '"\\"text\\""' },
    { "grid", { { 1, NULL }, {} }, "[[1,null],[]]" }, { "grid", {}, "[]" },
    { "grid", { a = 1 }, message = "Can't resolve value (/grid) : type mismatch error, expected type LIST" },
  }
  for _, row in ipairs(ROWS) do
    it(("of %s is written as %s"):format(row[1], row[2] == nil and "" or (row[3] or row.message)), function()
      make({ [row[1]] = const(row[2]) })
      local text = run("{ " .. row[1] .. " }")
      if row[3] then
        assert.equal(('{"data":{"%s":%s}}'):format(row[1], row[3]), text)
      else
        local answer = core.decode(text)
        assert.equal(NULL, answer.data[row[1]])
        assert.equal(row.message, answer.errors[1].message)
        assert.same({ row[1] }, answer.errors[1].path)
      end
    end)
  end

  it("of an interface must tell its type", function()
    make({ node = const({ id = 1 }) })
    assert.equal([[{"data":{"node":null},"errors":[{"path":["node"],"locations":null,"message":"Can't resolve '/node'. ]]
      .. [[Abstract type 'Node' must resolve to an Object type at runtime for field 'Query.node'. ]]
      .. [[Could not determine the exact type of 'Node'"}]}]], run("{ node { id } }"))
  end)
end)

describe("a value that can't be read", function()
  local function refuses() error("not today", 0) end
  local function hostile() return setmetatable({}, { __index = refuses, __len = refuses, __pairs = refuses }) end

  it("is an error where it stands, and the other fields are answered", function()
    make({ todo = hostile, count = const(3) })
    assert.equal('{"data":{"todo":null,"count":3},"errors":[{"path":["todo","id"],"data":null,"errorType":null,"errorInfo":null,'
      .. '"locations":[{"line":1,"column":3,"sourceName":null}],"message":"not today"}]}', run("{ todo { id } count }"))
    make({ todos = function() return { { id = "1" }, hostile() } end })
    local answer = core.decode(run("{ todos { id } }"))
    assert.equal(NULL, answer.data.todos)
    assert.same({ "todos", 1, "id" }, answer.errors[1].path)
  end)

  it("makes the answer null where it must not be", function()
    make({ slow = hostile })
    local answer = core.decode(run("{ slow }"))
    assert.equal(NULL, answer.data)
    assert.equal("not today", answer.errors[1].message)
  end)

  it("takes nothing from the mutations before it", function()
    make({}, { add = function(ctx) return ctx.args.n end, list = hostile })
    local text, published = served:execute({ query = "mutation { add(n: 2) list { id } }" })
    assert.equal(2, core.decode(text).data.add)
    assert.same({ { field = "add", value = 2 } }, published)
  end)
end)

describe("field authorization", function()
  local AUTH = [[
type Query { open: Int key: Int @aws_api_key iam: Int @aws_iam both: Int @aws_api_key @aws_iam pool: Int @aws_cognito_user_pools
  admins: Int @aws_cognito_user_pools(cognito_groups: ["Admin", "Root"]) oidc: Int @aws_oidc lambda: Int @aws_lambda secret: Secret }
type Secret @aws_iam { a: Int b: Int @aws_api_key }
]]
  local function ask(identity, field, modes)
    local one = const(1)
    local made = assert(engine.new({ schema_text = AUTH, auth_modes = modes or { default = "API_KEY", additional = { "AWS_IAM" } },
      resolvers = { Query = { open = one, key = one, iam = one, both = one, pool = one, admins = one, oidc = one, lambda = one } } }))
    return core.decode((made:execute({ query = "{ " .. field .. " }", identity = identity })))
  end

  local COGNITO = "AMAZON_COGNITO_USER_POOLS"
  -- {mode, groups, field, allowed}
  local ROWS = {
    { nil, nil, "iam", true }, { "API_KEY", nil, "open", true }, { "API_KEY", nil, "key", true }, { "API_KEY", nil, "iam", false },
    { "API_KEY", nil, "both", true }, { "AWS_IAM", nil, "open", false }, { "AWS_IAM", nil, "iam", true }, { "AWS_IAM", nil, "both", true },
    { "AWS_IAM", nil, "key", false }, { COGNITO, nil, "pool", true }, { COGNITO, { "Root" }, "admins", true },
    { COGNITO, { "User" }, "admins", false }, { COGNITO, nil, "admins", false }, { "OPENID_CONNECT", nil, "oidc", true },
    { "OPENID_CONNECT", nil, "lambda", false }, { "AWS_LAMBDA", nil, "lambda", true },
  }
  for _, row in ipairs(ROWS) do
    it(("%s a caller of %s with %s to %s"):format(row[4] and "allows" or "refuses", tostring(row[1]),
      row[2] and row[2][1] or "no groups", row[3]), function()
      local answer = ask({ mode = row[1], groups = row[2] }, row[3])
      if row[4] then
        assert.equal(1, answer.data[row[3]])
      else
        assert.equal(NULL, answer.data[row[3]])
        assert.equal("Unauthorized", answer.errors[1].errorType)
        assert.equal(("Not Authorized to access %s on type Query"):format(row[3]), answer.errors[1].message)
      end
    end)
  end

  it("takes the directives of the type where the field has none", function()
    local function made(mode)
      local e = assert(engine.new({ schema_text = AUTH:gsub("secret: Secret", "secret: Secret @aws_api_key @aws_iam"),
        resolvers = { Query = { secret = const({ a = 1, b = 2 }) } } }))
      return core.decode((e:execute({ query = "{ secret { a b } }", identity = { mode = mode } })))
    end
    assert.same({ a = NULL, b = 2 }, made("API_KEY").data.secret)
    assert.same({ a = 1, b = NULL }, made("AWS_IAM").data.secret)
  end)

  it("denies what a Lambda authorizer denied, by name and by ARN", function()
    for _, denied in ipairs({ "Query.lambda", "arn:aws:appsync:us-east-1:1:apis/x/types/Query/fields/lambda" }) do
      local answer = ask({ mode = "AWS_LAMBDA", denied_fields = { denied } }, "lambda")
      assert.equal(NULL, answer.data.lambda)
      assert.equal("Unauthorized", answer.errors[1].errorType)
    end
  end)

  it("counts @aws_auth only where Cognito is the one mode", function()
    local function allowed(modes)
      local made = assert(engine.new({ schema_text = 'type Query { a: Int @aws_auth(cognito_groups: ["Admin"]) }',
        resolvers = { Query = { a = const(1) } }, auth_modes = modes }))
      return core.decode((made:execute({ query = "{ a }", identity = { mode = COGNITO, groups = {} } }))).data.a == 1
    end
    assert.is_false(allowed({ default = COGNITO }))
    assert.is_true(allowed({ default = COGNITO, additional = { API_KEY = true } }))
  end)

  it("leaves introspection open", function()
    assert.equal("Query", ask({ mode = "AWS_IAM" }, "__schema { queryType { name } }").data.__schema.queryType.name)
  end)
end)
