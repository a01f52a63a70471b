-- What else stands in an engine than a schema and resolvers: rules, members of a resolver's context, tracing, the count of
-- effects, and the change of a schema under a store that stays.
local engine = require("appsync.server.engine")
local execute = require("appsync.server.graphql.execute")

local SCHEMA = [[
type Query { todo: Todo count: Int }
type Mutation { add(n: Int!): Int! todo: Todo }
type Todo { id: ID! name: String secret: String done: Boolean }
]]

local function make(options)
  options.schema_text = options.schema_text or SCHEMA
  return assert(engine.new(options))
end

local function run(served, query)
  return (assert(served:execute({ query = query })))
end

describe("a provider", function()
  it("makes its member of the context when it is read, once for each call", function()
    local n_made, seen = 0, nil
    local served = make({
      providers = { util = function(ctx, x)
        n_made = n_made + 1
        return { field = function() return ctx.info.fieldName, x.schema.query.name end }
      end },
      resolvers = { Query = { count = function(ctx)
        seen = { ctx.util.field() }
        assert(ctx.util == ctx.util and ctx.nothing == nil)
        return 1
      end, todo = function() return { id = 1 } end } },
    })
    assert.equal('{"data":{"todo":{"id":"1"}}}', run(served, "{ todo { id } }"))
    assert.equal(0, n_made)
    assert.equal('{"data":{"count":1}}', run(served, "{ count }"))
    assert.same({ "count", "Query" }, seen)
    assert.equal(1, n_made)
  end)

  it("can add errors at the field, whose value stands", function()
    local served = make({
      providers = { util = function(_, x)
        return { append_error = function(message) execute.append_error(x, { message = message, type = "Odd" }) end }
      end },
      resolvers = { Query = { count = function(ctx) ctx.util.append_error("one"); ctx.util.append_error("two"); return 5 end } },
    })
    assert.equal('{"data":{"c":5},"errors":[{"path":["c"],"data":null,"errorType":"Odd","errorInfo":null,"locations":[{"line":1,'
      .. '"column":3,"sourceName":null}],"message":"one"},{"path":["c"],"data":null,"errorType":"Odd","errorInfo":null,'
      .. '"locations":[{"line":1,"column":3,"sourceName":null}],"message":"two"}]}', run(served, "{ c: count }"))
  end)
end)

describe("a guard", function()
  local function guarded(resolvers)
    local asked = {}
    local served = make({ resolvers = resolvers, guard = {
      has_field = function(_, type_name, field_name) return type_name == "Todo" and field_name ~= "id" end,
      field = function(_, type_name, field_name, ctx)
        asked[#asked + 1] = { type_name, field_name, ctx.source.id }
        if field_name == "secret" then error({ message = "no", type = "Unauthorized" }, 0) end
      end,
    } })
    return served, asked
  end

  it("is asked for the fields that it names, resolver or not", function()
    local served, asked = guarded({ Query = { todo = function() return { id = 3, name = "n", done = false } end },
      Todo = { name = function(ctx) return ctx.source.name .. "!" end } })
    assert.equal('{"data":{"todo":{"id":"3","name":"n!","done":false}}}', run(served, "{ todo { id name done } }"))
    assert.same({ { "Todo", "name", 3 }, { "Todo", "done", 3 } }, asked)
  end)

  it("refuses a field, and its resolver isn't called", function()
    local called = false
    local served = guarded({ Query = { todo = function() return { id = 3 } end }, Todo = { secret = function() called = true end } })
    local text = run(served, "{ todo { id secret } }")
    assert.matches('{"data":{"todo":{"id":"3","secret":null}},"errors":[{"path":["todo","secret"],"data":null,'
      .. '"errorType":"Unauthorized"', text, 1, true)
    assert.is_false(called)
  end)
end)

describe("a trace", function()
  it("is told of each resolver and what came of it", function()
    local told = {}
    local function fail() error("no", 0) end
    local served = make({
      resolvers = { Query = { todo = function() return { id = 1, name = "n" } end }, Todo = { secret = fail } },
      trace = {
        enter = function(_, type_, field, resolver, ctx)
          told[#told + 1] = { type_.name, field.name, resolver == fail, ctx.source and ctx.source.id }
        end,
        leave = function(_, type_, field, ok, value)
          told[#told + 1] = { type_.name, field.name, ok, type(value) == "table" and value.name or value }
        end,
      },
    })
    run(served, "{ todo { id secret } }")
    assert.same({ { "Query", "todo", false }, { "Query", "todo", true, "n" }, { "Todo", "secret", true, 1 },
      { "Todo", "secret", false, "no" } }, told)
  end)
end)

describe("an effect", function()
  local effects

  local function counting(resolvers)
    effects = {}
    return make({ resolvers = resolvers, on_effect = function(name, args, value)
      effects[#effects + 1] = { name, args.n, type(value) == "table" and value.id or value }
    end })
  end

  it("is what a mutation's field did, each time", function()
    local served = counting({ Mutation = { add = function(ctx) return ctx.args.n end, todo = function() return { id = 1 } end } })
    run(served, "mutation { a: add(n: 1) b: add(n: 2) todo { id } }")
    assert.same({ { "add", 1, 1 }, { "add", 2, 2 }, { "todo", nil, 1 } }, effects)
  end)

  it("stays one when the answer is refused afterwards", function()
    local served = counting({ Mutation = { add = function() return "no number" end } })
    assert.matches('"data":null', run(served, "mutation { add(n: 1) }"))
    assert.same({ { "add", 1, "no number" } }, effects)
  end)

  it("isn't one that failed, nor a query, nor a field without a resolver", function()
    local served = counting({ Query = { count = function() return 1 end }, Mutation = { add = function() error("no") end } })
    run(served, "mutation { add(n: 1) }")
    run(served, "mutation { todo { id } }")
    run(served, "{ count }")
    assert.same({}, effects)
  end)
end)

describe("reloading", function()
  local V1 = "type Todo @model { id: ID! name: String! }"
  local V2 = "type Todo @model { id: ID! name: String! rank: Int } type Query { more: Int }"

  it("changes the schema and the resolvers under the data and the subscriptions", function()
    local served = make({ schema_text = V1 })
    local s = assert(served:subscribe({ query = "subscription { onCreateTodo { name } }" }))
    run(served, 'mutation { createTodo(input: {id: "1", name: "old"}) { id } }')
    assert.matches("FieldUndefined", run(served, "{ more }"))
    assert(served:reload({ schema_text = V2, resolvers = { Query = { more = function() return 8 end } } }))
    assert.equal('{"data":{"more":8,"getTodo":{"name":"old","rank":null}}}', run(served, '{ more getTodo(id: "1") { name rank } }'))
    local _, published = served:execute({ query = 'mutation { createTodo(input: {name: "new", rank: 1}) { name rank } }' })
    assert.equal('{"data":{"onCreateTodo":{"name":"new"}}}', s:match(published[1]))
  end)

  it("leaves all as it was when the new schema or resolvers are wrong", function()
    local served = make({ schema_text = V1 })
    run(served, 'mutation { createTodo(input: {id: "1", name: "old"}) { id } }')
    local ok, err = served:reload({ schema_text = "type Todo @model { id: ID! name: Strin }" })
    assert.is_nil(ok)
    assert.equal(1, err.line)
    ok, err = served:reload({ schema_text = V2, resolvers = { Query = { other = function() end } } })
    assert.is_nil(ok)
    assert.equal("resolvers: type 'Query' has no field 'other'", err.message)
    assert.equal('{"data":{"getTodo":{"name":"old"}}}', run(served, '{ getTodo(id: "1") { name } }'))
  end)

  it("opens a store when the first model comes", function()
    local served = make({ schema_text = "type Query { a: Int }" })
    assert(served:reload({ schema_text = V1 }))
    assert.matches('"name":"x"', run(served, 'mutation { createTodo(input: {name: "x"}) { name } }'))
    served:close()
  end)

  it("keeps a store that was given open", function()
    local store = assert(require("appsync.server.data.store").open(":memory:"))
    local one, two = make({ schema_text = V1, store = store }), make({ schema_text = V1, store = store })
    run(one, 'mutation { createTodo(input: {id: "1", name: "both"}) { id } }')
    assert.equal('{"data":{"getTodo":{"name":"both"}}}', run(two, '{ getTodo(id: "1") { name } }'))
    store:close()
  end)
end)
