local engine = require("appsync.server.engine")
local shared = require("appsync.server.graphql.shared")

local SCHEMA = [[
type Query { todo: Todo todos: [Todo] thing: Thing }
type Mutation { todo: Todo }
type Todo { id: ID! name: String secret: String @aws_iam parent: Todo }
type Other { id: ID! }
union Thing = Todo | Other
]]

local reads, item, served

-- An item that counts how often it is read.
local function counted(fields)
  return setmetatable({}, { __index = function(_, name)
    reads = reads + 1
    return fields[name]
  end })
end

local function run(query, mode)
  return (served:execute({ query = query, identity = mode and { mode = mode } }))
end

describe("the text of a shared value", function()
  before_each(function()
    shared.clear()
    reads = 0
    item = shared.mark(counted({ id = "1", name = "n", secret = "s", __typename = "Todo" }))
    local function one() return item end
    served = assert(engine.new({ schema_text = SCHEMA, auth_modes = { default = "API_KEY", additional = { "AWS_IAM" } },
      resolvers = { Query = { todo = one, thing = one, todos = function() return { item, item } end },
        Mutation = { todo = one } } }))
  end)

  it("is made once for one selection", function()
    for _ = 1, 3 do
      assert.equal('{"data":{"todos":[{"i":"1","name":"n"},{"i":"1","name":"n"}]}}', run("{ todos { i: id name } }"))
    end
    assert.equal(2, reads)
    assert.equal('{"data":{"todo":{"name":"n"}}}', run("{ todo { name } }"))
    assert.equal(3, reads)
  end)

  it("isn't kept of a value that is not marked", function()
    item = counted({ id = "1" })
    run("{ todo { id } }")
    run("{ todo { id } }")
    assert.equal(2, reads)
  end)

  it("isn't shown to those who may not see all of it", function()
    local query = "{ todo { id secret } }"
    local open = '{"data":{"todo":{"id":"1","secret":"s"}}}'
    local refused = '^{"data":{"todo":{"id":"1","secret":null}},"errors":%[{"path":%["todo","secret"%]'
    assert.equal(open, run(query))
    assert.matches(refused, run(query, "API_KEY"))
    assert.equal(open, run(query))
    assert.matches(refused, run(query, "API_KEY"))
  end)

  it("belongs to the object type that was selected", function()
    assert.equal('{"data":{"thing":{"id":"1"}}}', run("{ thing { ... on Todo { id } ... on Other { __typename } } }"))
    assert.equal('{"data":{"thing":{"__typename":"Todo"}}}', run("{ thing { __typename } }"))
  end)

  it("is not kept when something is wrong with it: the errors belong to the place", function()
    item = shared.mark({ id = "1", name = {} })
    for _, key in ipairs({ "a", "b" }) do
      assert.matches('"errors":[{"path":["' .. key .. '","name"]', run(("{ %s: todo { id name } }"):format(key)), 1, true)
    end
    item = shared.mark({ name = "no id" })
    assert.matches('"data":{"todo":null},"errors"', run("{ todo { id name } }"), 1, true)
    assert.matches('"data":{"todo":null},"errors"', run("{ todo { id name } }"), 1, true)
  end)

  it("isn't what subscribers are told", function()
    local _, published = served:execute({ query = "mutation { todo { id name } }" })
    assert.same({ { field = "todo", value = { id = "1", name = "n" } } }, published)
  end)

  it("is forgotten when there is too much of it", function()
    local max_bytes, max_texts = shared.max_bytes, shared.max_texts
    shared.max_texts = 1
    run("{ todo { id } }")
    run("{ todo { name } }")
    run("{ todo { id } }")
    assert.equal(3, reads)
    shared.clear()
    shared.max_texts, shared.max_bytes = max_texts, 10
    run("{ todo { id } }")
    run("{ todo { name } }")
    run("{ todo { id } }")
    assert.equal(6, reads)
    shared.max_bytes = max_bytes
  end)
end)

describe("a value that others hold", function()
  it("is a variable's: what a resolver does to its arguments is its own", function()
    local function first(ctx)
      local n = ctx.args.list[1]
      ctx.args.list[1] = 99
      return n
    end
    local made = assert(engine.new({ schema_text = "type Query { first(list: [Int]): Int }", resolvers = { Query = { first = first } } }))
    assert.equal('{"data":{"a":1,"b":1}}', (made:execute({
      query = "query ($l: [Int]) { a: first(list: $l) b: first(list: $l) }", variables = { l = { 1, 2 } },
    })))
  end)

  local ITEMS = [[
type Todo @model { id: ID! name: String! tags: [String] meta: Meta loud: String }
type Meta { a: String b: String }
]]

  it("stays as it is, whatever a resolver does with its source", function()
    local shout = { Todo = {}, Meta = {} }
    function shout.Todo.loud(ctx)
      ctx.source.name = ctx.source.name:upper()
      ctx.source.tags[1], ctx.source.meta.a = "changed", "changed"
      return ctx.source.name
    end
    function shout.Meta.b(ctx)
      ctx.source.a = "changed"
      return "b of " .. ctx.source.a
    end
    local todos = assert(engine.new({ schema_text = ITEMS, resolvers = shout }))
    local function ask(query) return (todos:execute({ query = query })) end
    ask('mutation { createTodo(input: { id: "1", name: "milk", tags: ["a"], meta: { a: "m" } }) { id } }')
    local query = '{ getTodo(id: "1") { loud name tags meta { b a } } }'
    local answer = '{"data":{"getTodo":{"loud":"MILK","name":"milk","tags":["a"],"meta":{"b":"b of changed","a":"m"}}}}'
    assert.equal(answer, ask(query))
    assert.equal(answer, ask(query))
    assert.equal('{"data":{"updateTodo":{"name":"milk","tags":["a"],"meta":{"a":"m"}}}}',
      ask('mutation { updateTodo(input: { id: "1" }) { name tags meta { a } } }'))
    todos:close()
  end)
end)
