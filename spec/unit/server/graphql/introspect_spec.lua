local core = require("appsync.core")
local engine = require("appsync.server.engine")

local NULL = core.null

-- The introspection query of graphql-js (utilities/getIntrospectionQuery), with all its options on.
local STANDARD = [[
query IntrospectionQuery {
  __schema {
    description
    queryType { name }
    mutationType { name }
    subscriptionType { name }
    types { ...FullType }
    directives { name description isRepeatable locations args(includeDeprecated: true) { ...InputValue } }
  }
}
fragment FullType on __Type {
  kind name description specifiedByURL
  fields(includeDeprecated: true) {
    name description
    args(includeDeprecated: true) { ...InputValue }
    type { ...TypeRef }
    isDeprecated deprecationReason
  }
  inputFields(includeDeprecated: true) { ...InputValue }
  interfaces { ...TypeRef }
  enumValues(includeDeprecated: true) { name description isDeprecated deprecationReason }
  possibleTypes { ...TypeRef }
}
fragment InputValue on __InputValue { name description type { ...TypeRef } defaultValue isDeprecated deprecationReason }
fragment TypeRef on __Type {
  kind name ofType { kind name ofType { kind name ofType { kind name ofType { kind name ofType { kind name ofType {
  kind name ofType { kind name ofType { kind name ofType { kind name } } } } } } } } }
}
]]

local served = assert(engine.new({ schema_text = [[
"What can be asked"
type Query { "all of them" todos(first: Int = 3, where: Where = {kinds: [A], name: "x\"y"}): [Todo!]!
  old: Int @deprecated(reason: "older") }
interface Node { id: ID! }
type Todo implements Node { id: ID! }
type User implements Node { id: ID! }
union Thing = Todo | User
enum Kind { A "second" B C @deprecated }
input Where { kinds: [Kind!] name: String = "n" gone: Int @deprecated }
]] }))

local function ask(query)
  return core.decode((served:execute({ query = query })))
end

local function by_name(list, name)
  for _, item in ipairs(list) do
    if item.name == name then return item end
  end
end

describe("introspection", function()
  local schema
  setup(function()
    local answer = ask(STANDARD)
    assert.is_nil(answer.errors)
    schema = answer.data.__schema
  end)

  it("names the roots", function()
    assert.same({ name = "Query" }, schema.queryType)
    assert.equal(NULL, schema.mutationType)
  end)

  it("lists own, built-in and introspection types once each", function()
    local seen = {}
    for _, item in ipairs(schema.types) do
      assert.is_nil(seen[item.name], item.name)
      seen[item.name] = item.kind
    end
    for name, kind in pairs({ Query = "OBJECT", Node = "INTERFACE", Thing = "UNION", Kind = "ENUM", Where = "INPUT_OBJECT",
      String = "SCALAR", Boolean = "SCALAR", AWSDateTime = "SCALAR", __Type = "OBJECT", __TypeKind = "ENUM" }) do
      assert.equal(kind, seen[name])
    end
  end)

  it("nests wrapped types", function()
    local todos = by_name(by_name(schema.types, "Query").fields, "todos")
    assert.equal("all of them", todos.description)
    assert.same({ kind = "NON_NULL", name = NULL, ofType = { kind = "LIST", name = NULL, ofType = { kind = "NON_NULL", name = NULL,
      ofType = { kind = "OBJECT", name = "Todo", ofType = NULL } } } }, todos.type)
  end)

  it("shows defaults as GraphQL", function()
    local args = by_name(by_name(schema.types, "Query").fields, "todos").args
    assert.equal("3", by_name(args, "first").defaultValue)
    assert.equal('{kinds: [A], name: "x\\"y"}', by_name(args, "where").defaultValue)
    assert.equal('"n"', by_name(by_name(schema.types, "Where").inputFields, "name").defaultValue)
    assert.equal(NULL, by_name(by_name(schema.types, "Where").inputFields, "kinds").defaultValue)
  end)

  it("has null for what a kind has not", function()
    local thing = by_name(schema.types, "Thing")
    assert.equal(NULL, thing.fields)
    assert.equal(NULL, thing.interfaces)
    assert.equal(NULL, thing.inputFields)
    assert.equal(NULL, thing.enumValues)
    assert.equal(2, #thing.possibleTypes)
    assert.equal(NULL, by_name(schema.types, "Todo").possibleTypes)
    assert.equal("Node", by_name(schema.types, "Todo").interfaces[1].name)
    assert.equal(2, #by_name(schema.types, "Node").possibleTypes)
    assert.same({}, by_name(schema.types, "Query").interfaces)
  end)

  it("tells the directives with their places", function()
    local skip = by_name(schema.directives, "skip")
    assert.same({ "FIELD", "FRAGMENT_SPREAD", "INLINE_FRAGMENT" }, skip.locations)
    assert.equal("NON_NULL", skip.args[1].type.kind)
    assert.is_false(skip.isRepeatable)
    assert.is_table(by_name(schema.directives, "aws_subscribe"))
    assert.is_nil(by_name(schema.directives, "model"))
  end)

  it("leaves deprecated members out unless asked", function()
    local data = ask([[{ q: __type(name: "Query") { fields { name } } all: __type(name: "Query") { fields(includeDeprecated: true) {
      name isDeprecated deprecationReason } }
      k: __type(name: "Kind") { enumValues { name } } w: __type(name: "Where") { inputFields { name } } }]]).data
    assert.same({ { name = "todos" } }, data.q.fields)
    assert.same({ name = "old", isDeprecated = true, deprecationReason = "older" }, data.all.fields[2])
    assert.same({ { name = "A" }, { name = "B" } }, data.k.enumValues)
    assert.same({ { name = "kinds" }, { name = "name" } }, data.w.inputFields)
  end)

  it("answers null for an unknown type, and refuses a missing name", function()
    assert.equal(NULL, ask('{ __type(name: "Nope") { name } }').data.__type)
    assert.matches("MissingFieldArgument", ask("{ __type { name } }").errors[1].message)
  end)

  it("exists on the query root only", function()
    assert.matches("FieldUndefined", ask("{ todos { __schema { description } } }").errors[1].message)
    assert.equal("__Schema", ask("{ __schema { __typename } }").data.__schema.__typename)
  end)
end)
