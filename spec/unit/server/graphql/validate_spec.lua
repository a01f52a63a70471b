local core = require("appsync.core")
local engine = require("appsync.server.engine")

local SCHEMA = [[
type Query {
  getTodo(id: ID!): Todo
  search(text: String, limit: Int = 10, kinds: [Kind!], where: Where): [Thing]
  node(id: ID): Node
  maybe(flag: Boolean! = true): Int
}
type Mutation { createTodo(input: CreateTodoInput!): Todo }
type Subscription { onA(id: ID): Todo @aws_subscribe(mutations: ["createTodo"]) onB: Todo @aws_subscribe(mutations: ["createTodo"]) }
interface Node { id: ID! }
type Todo implements Node { id: ID! name: String tags: [String] parent: Todo kind: Kind }
type User implements Node { id: ID! name: Int! email: AWSEmail }
type Other { id: ID! }
union Thing = Todo | User
enum Kind { A B }
input Where { name: String! due: AWSDate inner: Where kinds: [Kind!] }
input CreateTodoInput { id: ID name: String! n: Int at: AWSDateTime }
]]

local served = assert(engine.new({ schema_text = SCHEMA }))

local function errors_of(query, variables, operation_name)
  local text = assert(served:execute({ query = query, variables = variables, operation_name = operation_name }))
  local answer = core.decode(text)
  return answer.errors or {}, text
end

local function messages(query, operation_name)
  local out = {}
  for i, err in ipairs((errors_of(query, nil, operation_name))) do out[i] = err.message end
  return out
end

describe("validation", function()
  it("answers with path null, the location and a null sourceName, and data null", function()
    local _, text = errors_of("query N {\n  nope\n}")
    assert.equal([[{"data":null,"errors":[{"path":null,"locations":[{"line":2,"column":3,"sourceName":null}],]]
      .. [["message":"Validation error of type FieldUndefined: Field 'nope' in type 'Query' is undefined @ 'nope'"}]}]], text)
  end)

  -- {query, the messages after "Validation error of type "}
  local ROWS = {
    { "{ getTodo(id: 1) { x } }", "FieldUndefined: Field 'x' in type 'Todo' is undefined @ 'getTodo/x'" },
    { "{ search { id } }", "FieldUndefined: Field 'id' in type 'Thing' is undefined @ 'search/id'" },
    { "{ getTodo(id: 1, no: 2) { id } }", "UnknownArgument: Unknown field argument no @ 'getTodo'" },
    { "{ getTodo { id } }", "MissingFieldArgument: Missing field argument id @ 'getTodo'" },
    { "{ maybe }" },
    { "{ getTodo(id: 1, id: 2) { id } }", "DuplicateArgumentNames: There can be only one argument named 'id' @ 'getTodo'" },
    { "{ getTodo(id: true) { id } }",
      "WrongType: argument 'id' with value 'BooleanValue{value=true}' is not a valid 'ID' @ 'getTodo'" },
    { "{ getTodo(id: null) { id } }", "WrongType: argument 'id' with value 'NullValue{}' must not be null @ 'getTodo'" },
    { '{ search(limit: "1") { __typename } }',
      "WrongType: argument 'limit' with value 'StringValue{value='1'}' is not a valid 'Int' @ 'search'" },
    { "{ search(limit: 3000000000) { __typename } }",
      "WrongType: argument 'limit' with value 'IntValue{value=3000000000}' is not a valid 'Int' @ 'search'" },
    { "{ search(kinds: [A, C]) { __typename } }",
      "WrongType: argument 'kinds[1]' with value 'EnumValue{name='C'}' is not a valid 'Kind' @ 'search'" },
    { '{ search(kinds: ["A"]) { __typename } }',
      "WrongType: argument 'kinds[0]' with value 'StringValue{value='A'}' is not a valid 'Kind' @ 'search'" },
    { "{ search(kinds: A) { __typename } }" },
    { '{ search(where: {due: "2024-01-01"}) { __typename } }',
      "WrongType: argument 'where' with value 'ObjectValue{objectFields=[ObjectField{name='due', value=StringValue{"
        .. "value='2024-01-01'}}]}' is missing required fields '[name]' @ 'search'" },
    { '{ search(where: {name: "a", x: 1}) { __typename } }',
      "WrongType: argument 'where' with value 'ObjectValue{objectFields=[ObjectField{name='name', value=StringValue{value='a'}}, "
        .. "ObjectField{name='x', value=IntValue{value=1}}]}' contains a field not in 'Where': 'x' @ 'search'" },
    { '{ search(where: {name: "a", due: "1.1.24"}) { __typename } }',
      "WrongType: argument 'where.due' with value 'StringValue{value='1.1.24'}' is not a valid 'AWSDate' @ 'search'" },
    { '{ search(where: {name: "a", name: "b"}) { __typename } }',
      "UniqueObjectFieldName: There can be only one field named 'name' @ 'search'" },
    { '{ search(where: "a") { __typename } }',
      "WrongType: argument 'where' with value 'StringValue{value='a'}' must be an object type @ 'search'" },
    { "{ getTodo(id: 1) }", "SubSelectionRequired: Sub selection required for type Todo of field getTodo @ 'getTodo'" },
    { "{ maybe { x } }", "SubSelectionNotAllowed: Sub selection not allowed on leaf type Int of field maybe @ 'maybe'" },
    { "{ ...F } fragment F on Nope { id }", "UnknownType: Unknown type Nope" },
    { "{ ... on Nope { id } }", "UnknownType: Unknown type Nope" },
    { "query ($x: Nope) { search(text: $x) { __typename } }", "UnknownType: Unknown type Nope" },
    { "{ getTodo(id: $x) { id } }", "UndefinedVariable: Undefined variable x @ 'getTodo'" },
    { "{ ...F }", "UndefinedFragment: Undefined fragment F" },
    { "{ maybe } fragment F on Todo { id }", "UnusedFragment: Unused fragment F" },
    { "query ($x: Int) { maybe }", "UnusedVariable: Unused variable x" },
    { "query A { maybe } { maybe }", "LoneAnonymousOperationViolation: Anonymous operation with other operations." },
    { "query A { maybe } query A { maybe }", "DuplicateOperationName: There can be only one operation named 'A'", name = "A" },
    { "{ a: maybe a: getTodo(id: 1) { id } }", "FieldsConflict: a: maybe and getTodo are different fields" },
    { "{ a: getTodo(id: 1) { id } a: getTodo(id: 2) { id } }", "FieldsConflict: a: they have differing arguments" },
    { "{ node { ... on Todo { name } ... on User { name } } }",
      "FieldsConflict: name: they return differing types String and Int!" },
    { "{ node { ... on Todo { x: name } ... on User { x: email } } }",
      "FieldsConflict: x: they return differing types String and AWSEmail" },
    { "{ node { ... on Todo { id } ... on User { id } } }" },
    { "{ getTodo(id: 1) { parent { a: name } } getTodo(id: 1) { parent { a: id } } }",
      "FieldsConflict: a: name and id are different fields" },
    { "{ getTodo(id: 1) { id } getTodo(id: 1) { name } }" },
    { "query ($x: Todo) { search(text: $x) { __typename } }",
      "NonInputTypeOnVariable: Input variable x type Todo is not an input type" },
    { "query ($x: String) { getTodo(id: $x) { id } }",
      "VariableTypeMismatch: Variable type 'String' doesn't match expected type 'ID!' @ 'getTodo'" },
    { "query ($x: ID) { getTodo(id: $x) { id } }",
      "VariableTypeMismatch: Variable type 'ID' doesn't match expected type 'ID!' @ 'getTodo'" },
    { "query ($x: ID = 1) { getTodo(id: $x) { id } }" },
    { "query ($x: Boolean) { maybe(flag: $x) }" },
    { "query ($x: [Kind]) { search(kinds: $x) { __typename } }",
      "VariableTypeMismatch: Variable type '[Kind]' doesn't match expected type '[Kind!]' @ 'search'" },
    { "query ($x: Kind! = A) { search(kinds: [$x]) { __typename } }" },
    { "query ($x: Int) { search(where: {name: $x}) { __typename } }",
      "VariableTypeMismatch: Variable type 'Int' doesn't match expected type 'String!' @ 'search'" },
    { "query ($x: Int, $x: Int) { search(limit: $x) { __typename } }",
      "DuplicateVariableName: There can be only one variable named 'x'" },
    { 'query ($x: Int = "a") { search(limit: $x) { __typename } }',
      "BadValueForDefaultArg: Bad default value StringValue{value='a'} for type Int" },
    { "{ getTodo(id: 1) { ... on User { id } } }",
      "InvalidFragmentType: Fragment cannot be spread here as objects of type Todo can never be of type User @ 'getTodo'" },
    { "{ search { ...F } } fragment F on Other { id }",
      "InvalidFragmentType: Fragment F cannot be spread here as objects of type Thing can never be of type Other @ 'search'" },
    { "{ node { ... on Thing { __typename } } }" },
    { "{ ... on Kind { id } }",
      "InlineFragmentTypeConditionInvalid: Inline fragment type condition is invalid, must be on Object/Interface/Union" },
    { "{ ...F } fragment F on Kind { id }",
      "FragmentTypeConditionInvalid: Fragment type condition is invalid, must be on Object/Interface/Union" },
    { "{ maybe @nope }", "UnknownDirective: Unknown directive nope @ 'maybe'" },
    { "{ maybe @deprecated }", "MisplacedDirective: Directive deprecated not allowed here @ 'maybe'" },
    { "{ maybe @skip }", "MissingDirectiveArgument: Missing directive argument if @ 'maybe'" },
    { "{ maybe @skip(if: true, x: 1) }", "UnknownArgument: Unknown directive argument x @ 'maybe'" },
    { "{ maybe @skip(if: true) @skip(if: false) }",
      "DuplicateDirectiveName: Directives must be uniquely named within a location. "
        .. "The directive 'skip' used on a 'Field' is not unique. @ 'maybe'" },
    { "{ ...F } fragment F on Query { ...G } fragment G on Query { ...F }", "FragmentCycle: Fragment cycles not allowed" },
    { "{ ...F } fragment F on Query { nope }", "FieldUndefined: Field 'nope' in type 'Query' is undefined @ 'F/nope'" },
    { "{ ...F } fragment F on Query { maybe } fragment F on Query { maybe }",
      "DuplicateFragmentName: There can be only one fragment named 'F'" },
    { "subscription S { onA { id } onB { id } }",
      "SubscriptionMultipleRootFields: Subscription operation 'S' must have exactly one root field" },
    { "subscription S { __typename }",
      "SubscriptionIntrospectionRootField: Subscription operation 'S' root field '__typename' cannot be an introspection field" },
    { "{ maybe } type A { a: Int }", "NonExecutableDefinition: The A definition is not executable." },
  }
  for _, row in ipairs(ROWS) do
    it((row[2] and "refuses " or "accepts ") .. row[1], function()
      local wanted = {}
      for i = 2, #row do wanted[i - 1] = "Validation error of type " .. row[i] end
      assert.same(wanted, messages(row[1], row.name))
    end)
  end

  it("has a place for an operation that the schema does not serve", function()
    local bare = assert(engine.new({ schema_text = "type Query { a: Int }" }))
    assert.matches("Schema is not configured for mutation operations", (bare:execute({ query = "mutation { a }" })))
  end)

  it("stays quick on a document made of equal fields", function()
    local parts = {}
    for i = 1, 14000 do parts[i] = "maybe" end -- with each other they would take minutes
    local before = os.clock()
    assert.same({}, messages("{ " .. table.concat(parts, " ") .. " }"))
    assert.is_true(os.clock() - before < 5)
  end)
end)

describe("a text that is no GraphQL", function()
  -- {text, token, line, column}
  local ROWS = {
    { "query {", "<EOF>", 1, 8 }, { "{ a ) }", ")", 1, 5 }, { "", "<EOF>", 1, 1 }, { "{\n  a(\n}", "}", 3, 1 },
    { '{ a(é: 1) }', "é", 1, 5 },
  }
  for _, row in ipairs(ROWS) do
    it("is answered with the offending token: " .. row[1], function()
      local errors = errors_of(row[1])
      assert.equal(1, #errors)
      assert.equal(("Invalid Syntax : offending token '%s' at line %d column %d"):format(row[2], row[3], row[4]), errors[1].message)
      assert.same({ { line = row[3], column = row[4], sourceName = core.null } }, errors[1].locations)
    end)
  end
end)

describe("variables", function()
  local CREATE = "mutation ($input: CreateTodoInput!) { createTodo(input: $input) { id } }"
  local FIND = "query ($kinds: [Kind!], $limit: Int, $where: Where) { search(kinds: $kinds, limit: $limit, where: $where) { __typename } }"
  local GET = "query ($id: ID!) { getTodo(id: $id) { id } }"
  local NULL = core.null
  local ROWS = {
    { "a missing one", CREATE, nil, "Variable 'input' has coerced Null value for NonNull type 'CreateTodoInput!'" },
    { "a null one", CREATE, { input = NULL }, "Variable 'input' has coerced Null value for NonNull type 'CreateTodoInput!'" },
    { "a missing field", CREATE, { input = {} }, "Field 'name' of variable 'input' has coerced Null value for NonNull type 'String!'" },
    { "a null field", CREATE, { input = { name = NULL } },
      "Field 'name' of variable 'input' has coerced Null value for NonNull type 'String!'" },
    { "an unknown field", CREATE, { input = { name = "a", foo = 1 } },
      "The variables input contains a field name 'foo' that is not defined for input object type 'CreateTodoInput' " },
    { "a text for an object", CREATE, { input = "x" }, "Variable 'input' has an invalid value : Expected type 'Map' but was 'String'."
      .. " Variables for input objects must be an instance of type 'Map'." },
    { "a text for an Int", CREATE, { input = { name = "a", n = "1" } },
      "Variable 'input' has an invalid value : Expected type 'Int' but was 'String'." },
    { "a number for a String", CREATE, { input = { name = 1 } },
      "Variable 'input' has an invalid value : Expected type 'String' but was 'Integer'." },
    { "a bad date", CREATE, { input = { name = "a", at = "2024-01-01" } },
      "Variable 'input' has an invalid value : Unable to parse `2024-01-01` as a valid DateTime Object." },
    { "an object for an ID", GET, { id = { a = 1 } }, "Variable 'id' has an invalid value : Expected type 'ID' but was 'LinkedHashMap'." },
    { "an unknown enum value", FIND, { kinds = { "A", "C" } },
      "Variable 'kinds' has an invalid value : Invalid input for Enum 'Kind'. No value found for name 'C'" },
    { "a null in a list", FIND, { kinds = { "A", NULL } }, "Variable 'kinds' has coerced Null value for NonNull type 'Kind!'" },
    { "a fraction for an Int", FIND, { limit = 1.5 }, "Variable 'limit' has an invalid value : Expected type 'Int' but was 'Double'." },
    { "one level down", FIND, { where = { name = "a", inner = {} } },
      "Field 'name' of variable 'where' has coerced Null value for NonNull type 'String!'" },
  }
  for _, row in ipairs(ROWS) do
    it("are refused: " .. row[1], function()
      local errors, text = errors_of(row[2], row[3])
      assert.equal(1, #errors)
      assert.equal(row[4], errors[1].message)
      assert.equal(NULL, errors[1].path)
      assert.equal(1, errors[1].locations[1].line)
      assert.matches('^{"data":null,', text)
    end)
  end
end)
