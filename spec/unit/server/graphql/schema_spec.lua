local core = require("appsync.core")
local engine = require("appsync.server.engine")
local result = require("appsync.server.graphql.result")
local scalars = require("appsync.server.graphql.scalars")

local function refusal(text)
  local made, err = engine.new({ schema_text = text })
  assert.is_nil(made)
  return err
end

describe("a schema", function()
  it("with queries and no models needs no store", function()
    assert.is_table(engine.new({ schema_text = "type Query { a: Int }" }))
  end)

  it("that does not parse is refused with its place", function()
    local err = refusal("type Query {\n  a: \n}")
    assert.equal(3, err.line)
    assert.equal(1, err.column)
    assert.matches("%(line 3, column 1%)$", err.message)
  end)

  -- {what, text, message, line, column}
  local REFUSED = {
    { "an unknown type", "type Query {\n  a: Nope\n}", "type 'Nope' is unknown", 2, 6 },
    { "a type that is defined twice", "type Query { a: Int }\ntype A { a: Int }\ntype A { b: Int }",
      "type 'A' is defined twice", 3, 1 },
    { "a field that is defined twice", "type Query { a: Int\n a: Int }", "field 'a' of 'Query' is defined twice", 2, 2 },
    { "a field that an extension defines again", "type Query { a: Int }\nextend type Query { a: Int }",
      "field 'a' of 'Query' is defined twice", 2, 21 },
    { "an extension of nothing", "type Query { a: Int }\nextend type B { a: Int }",
      "type 'B' is extended but not defined", 2, 1 },
    { "an extension of another kind", "type Query { a: Int }\nextend input Query { a: Int }",
      "the extension of 'Query' is of a different kind than the type", 2, 1 },
    { "an interface that is not implemented", "interface I { b: Int }\ntype A implements I { a: Int }\ntype Query { a: A }",
      "type 'A' lacks the field 'b' of interface 'I'", 2, 1 },
    { "an interface's field with another type", "interface I { b: Int }\ntype A implements I {\n b: String }\ntype Query { a: A }",
      "field 'A.b' is of type 'String', but interface 'I' declares 'Int'", 3, 2 },
    { "an interface's argument that is missing",
      "interface I { b(x: Int): Int }\ntype A implements I {\n b: Int }\ntype Query { a: A }",
      "field 'A.b' lacks the argument 'x' of interface 'I'", 3, 2 },
    { "something else as an interface", "type B { b: Int }\ntype A implements B { b: Int }\ntype Query { a: A }",
      "'B' is not an interface", 2, 1 },
    { "an input type as a result", "input A { a: Int }\ntype Query {\n  a: A\n}",
      "field 'a' is of type 'A', which is an input type", 3, 3 },
    { "an object type as an argument", "type A { a: Int }\ntype Query {\n  a(x: [A!]): Int\n}",
      "'x' is of type '[A!]', which is not an input type", 3, 5 },
    { "an object type in an input", "type A { a: Int }\ninput B {\n a: A }\ntype Query { a: Int }",
      "'a' is of type 'A', which is not an input type", 3, 2 },
    { "an input that requires itself", "input B {\n b: B! }\ntype Query { a(b: B): Int }",
      "input type 'B' requires itself through 'b'", 2, 2 },
    { "a default that does not fit", "type Query {\n a(x: Int = \"1\"): Int }",
      "the default of 'x' in 'Query' does not fit 'Int': is not a valid 'Int'", 2, 13 },
    { "an empty input by the scalar rule", "scalar Mine\ntype Query { a: Mine }",
      "scalar 'Mine': AppSync has no custom scalars", 1, 1 },
    { "a union of what is no object", "union U = Int\ntype Query { a: U }", "'Int' in union 'U' is not an object type", 1, 1 },
    { "a schema without queries", "type A { a: Int }", "the schema has no Query type", 1, 1 },
    { "an operation in it", "type Query { a: Int }\nquery { a }", "a schema can't contain operations", 2, 1 },
    { "a reserved name", "type __A { a: Int }\ntype Query { a: Int }", "the type name '__A' is reserved", 1, 1 },
    { "a name of AppSync's", "type Query { a: Int }\ninput AWSThing { a: Int }",
      "the type name 'AWSThing' begins with 'AWS', which is reserved", 2, 1 },
    { "a subscription to lists of what its mutation returns",
      "type Query { a: Int }\ntype Mutation { b: Int! }\ntype Subscription {\n  c: Int @aws_subscribe(mutations: [\"b\"])\n"
        .. "  d: [Int!]! @aws_subscribe(mutations: [\"b\"])\n}",
      "subscription 'd' returns '[Int]', but its mutation 'b' returns 'Int'", 5, 3 },
    { "@aws_subscribe of a missing mutation",
      "type Query { a: Int }\ntype Mutation { b: Int }\ntype Subscription {\n  onC: Int @aws_subscribe(mutations: [\"c\"])\n}",
      "@aws_subscribe of 'onC' names the mutation 'c', which does not exist", 4, 12 },
    { "@aws_subscribe with another type",
      "type Query { a: Int }\ntype Mutation { b: Int }\ntype Subscription {\n  onB: String @aws_subscribe(mutations: [\"b\"])\n}",
      "subscription 'onB' returns 'String', but its mutation 'b' returns 'Int'", 4, 3 },
    { "@aws_subscribe elsewhere", "type Query {\n  a: Int @aws_subscribe(mutations: [\"b\"]) }",
      "@aws_subscribe is only for fields of the subscription type", 2, 10 },
    { "@http", "type Query { a: Int }\ntype A @model {\n  b: Int   @http(url: \"u\")\n}",
      "directive @http is not supported by this version", 3, 12 },
    { "an unknown directive", "type Query { a: Int @nope }", "directive @nope is unknown", 1, 21 },
    { "a directive out of place", "type Query { a: Int @model }", "directive @model is not allowed on FIELD_DEFINITION", 1, 21 },
    { "a directive's unknown argument", "type Query { a: Int @aws_iam(x: 1) }", "directive @aws_iam has no argument 'x'", 1, 30 },
    { "a directive's missing argument", "type Query { a: Int @aws_subscribe }",
      "directive @aws_subscribe needs the argument 'mutations'", 1, 21 },
    { "@canonical", "type A @canonical { id: ID! }", "directive @canonical is not supported by this version", 1, 8 },
    { "@hidden", "type Query { a: Int @hidden }", "directive @hidden is not supported by this version", 1, 21 },
    { "@renamed", 'type A @renamed(to: "B") { id: ID! }', "directive @renamed is not supported by this version", 1, 8 },
    { "a directive that is given twice", "type A @model { id: ID! a: Int @default(value: \"1\") @default(value: \"2\") }",
      "directive @default is given twice", 1, 53 },
  }
  for _, row in ipairs(REFUSED) do
    it("is refused for " .. row[1], function()
      local err = refusal(row[2])
      assert.equal(("%s (line %d, column %d)"):format(row[3], row[4], row[5]), err.message)
      assert.equal(row[4], err.line)
      assert.equal(row[5], err.column)
    end)
  end

  it("may have AppSync's directives more than once", function()
    local made = assert(engine.new({ schema_text = [[type Query @aws_iam @aws_iam { a: Int @aws_api_key @aws_iam @aws_api_key
      b: Int @aws_cognito_user_pools(cognito_groups: ["A", "B"]) @aws_cognito_user_pools(cognito_groups: "C")
        @aws_cognito_user_pools(cognito_groups: ["A"])
      c: Int @aws_cognito_user_pools(cognito_groups: ["A"]) @aws_cognito_user_pools }]] }))
    local text = made:print_schema()
    for _, line in ipairs({ "type Query @aws_iam {", "a: Int @aws_api_key @aws_iam\n",
      'b: Int @aws_cognito_user_pools(cognito_groups: ["A", "B", "C"])\n', "c: Int @aws_cognito_user_pools\n" }) do
      assert.truthy(text:find(line, 1, true), text)
    end
  end)

  it("is refused with all that is wrong of one kind", function()
    local err = refusal("type Query { a: No b: Int c: [Nix] }\ntype B { x: Nope }")
    assert.equal(17, err.column)
    local others = {}
    for i, other in ipairs(err.others) do others[i] = ("%d:%d"):format(other.line, other.column) end
    assert.same({ "1:31", "2:13" }, others)
    assert.equal(1, #refusal("type Query @nope { a: Int }\ntype B @nope { x: Int }").others)
    assert.equal(1, #refusal("interface I { x: Int }\ntype Query implements I { a: Int }\ntype B implements I { a: Int }").others)
    assert.equal(20, #refusal("type Query {" .. (" a: No"):rep(50) .. "}").others)
  end)

  it("may give its roots other names", function()
    local made = assert(engine.new({ schema_text = "schema { query: Q } type Q { a: Int }",
      resolvers = { Q = { a = function() return 1 end } } }))
    assert.equal('{"data":{"a":1,"__typename":"Q"}}', (made:execute({ query = "{ a __typename }" })))
  end)

  it("may declare directives of its own and use them", function()
    assert.is_table(engine.new({ schema_text = "directive @mine(a: Int) on FIELD_DEFINITION\ntype Query { a: Int @mine(a: 1) }" }))
  end)

  it("is printed so that it reads back as itself", function()
    local text = [[
"About queries"
type Query { a(x: Int = 3, y: [In!]): [U!]! @aws_iam b: I @deprecated(reason: "old \"b\"") }
interface I { "the i" i: ID }
type A implements I @aws_api_key { i: ID }
type B { b(
  "told" c: E = ONE): Float }
union U = A | B
enum E { ONE TWO @deprecated }
input In { s: String = "x" o: In }
"mine" directive @mine(a: Int = 1, "of b" b: [E!]) repeatable on OBJECT | FIELD_DEFINITION
extend type B @mine @mine(a: 2, b: [TWO])
]]
    local once = assert(engine.new({ schema_text = text })):print_schema()
    local twice = assert(engine.new({ schema_text = once })):print_schema()
    assert.equal(once, twice)
    assert.matches('a%(x: Int = 3, y: %[In!%]%): %[U!%]! @aws_iam', once)
    assert.matches('"""\nmine\n"""\ndirective @mine%(', once)
    assert.matches("repeatable on OBJECT | FIELD_DEFINITION", once)
    assert.matches("type B @mine @mine%(a: 2, b: %[TWO%]%)", once)
    assert.falsy(once:find("directive @aws_iam", 1, true))
    assert.matches('"""\nAbout queries\n"""\ntype Query', once)
    assert.matches('@deprecated%(reason: "No longer supported"%)', once)
  end)
end)

describe("resolvers", function()
  local function message(resolvers)
    local made, err = engine.new({ schema_text = "type Query { a: Int }", resolvers = resolvers })
    assert.is_nil(made)
    return err.message
  end

  it("of unknown types and fields are refused", function()
    assert.equal("resolvers: 'Todo' is not an object type of the schema", message({ Todo = {} }))
    assert.equal("resolvers: type 'Query' has no field 'b'", message({ Query = { b = print } }))
    assert.equal("resolvers: 'Query.a' is not a function", message({ Query = { a = 1 } }))
    assert.equal("resolvers: 'Query' must be a table of functions", message({ Query = print }))
  end)
end)

describe("a scalar", function()
  -- {scalar, accepted, refused}
  local ROWS = {
    { "AWSDate", { "1970-01-01", "1970-01-01Z", "1970-01-01-07:00", "2024-02-29+05:30:10", "2000-02-29" },
      { "1970-1-1", "2023-02-29", "1900-02-29", "2023-13-01", "1970-01-01T00:00", "1970-01-01+19:00", "" } },
    { "AWSTime", { "12:30", "12:30:24", "12:30:24.500Z", "12:00:34.", "12:30Z", "12:00:34-08:00" },
      { "24:00", "12:60", "12", "12:00:61", "12:00:00.1234567890" } },
    { "AWSDateTime", { "2024-01-02T03:04:05.678Z", "2024-01-02T03:04Z", "2024-01-02T03:04:05+01:00" },
      { "2024-01-02", "2024-01-02T03:04:05", "2024-01-32T03:04:05Z", "2024-01-02 03:04:05Z" } },
    { "AWSEmail", { "a@b", "user.name+tag@example.com" }, { "a", "a@", "@b.c", "a@-b.c", "a b@c.d", "a@b..c" } },
    { "AWSURL", { "https://a.example/x?y=1#z", "mailto:a@b.c", "ftp://x" }, { "a.example", "https://", "https://a/b//c", "https://a b" } },
    { "AWSPhone", { "+1 555 555 5555", "555-555-5555", "+49 30 1234567" }, { "abc", "555", "+1 (555)", "" } },
    { "AWSIPAddress", { "127.0.0.1", "123.45.67.89/16", "::1", "1a2b:3c4b::1234:4567", "::ffff:1.2.3.4", "fe80::/10" },
      { "256.0.0.1", "1.2.3", "1.2.3.4/33", "1:2:3", "1::2::3", "::1/129", "12345::" } },
  }
  for _, row in ipairs(ROWS) do
    for _, text in ipairs(row[2]) do
      it(row[1] .. " accepts " .. text, function() assert.equal(text, scalars[row[1]].parse(text)) end)
    end
    for _, text in ipairs(row[3]) do
      it(row[1] .. " refuses '" .. text .. "'", function()
        local value, message = scalars[row[1]].parse(text)
        assert.is_nil(value)
        assert.matches("^Unable to parse `", message)
      end)
    end
  end

  it("Int ends at 32 bits", function()
    assert.equal(2147483647, scalars.Int.parse(2147483647))
    assert.equal(-2147483648, scalars.Int.parse(-2147483648))
    assert.is_nil(scalars.Int.parse(2147483648))
    assert.is_nil(scalars.Int.parse(-2147483649))
    assert.is_nil(scalars.Int.parse(1.5))
    assert.is_nil(scalars.Int.parse(0 / 0))
  end)

  it("AWSTimestamp reaches 53 bits and below zero", function()
    assert.equal(9007199254740991, scalars.AWSTimestamp.parse(9007199254740991))
    assert.equal(-5, scalars.AWSTimestamp.parse(-5))
    assert.is_nil(scalars.AWSTimestamp.parse(1.5))
    assert.is_nil(scalars.AWSTimestamp.parse("5"))
    assert.is_nil(scalars.AWSTimestamp.parse(core.decode("9007199254740993")))
    assert.is_nil(scalars.AWSTimestamp.parse(core.decode("9007199254740992")))
    assert.is_nil(scalars.AWSTimestamp.parse(2 ^ 60))
    assert.is_nil(scalars.AWSTimestamp.parse(math.mininteger or -2 ^ 63))
  end)

  it("AWSJSON is a text that comes back with its members sorted", function()
    assert.same({ b = { 1, 2 }, a = "x" }, scalars.AWSJSON.parse('{"b":[1,2],"a":"x"}'))
    assert.equal('{"a":"x","b":[1,2]}', scalars.AWSJSON.serialize({ b = { 1, 2 }, a = "x" }))
    assert.is_nil(scalars.AWSJSON.parse("{"))
    assert.is_nil(scalars.AWSJSON.parse({}))
    assert.is_nil(scalars.AWSJSON.serialize(print))
  end)

  it("ID turns integers to text", function()
    assert.equal("5", scalars.ID.parse(5))
    assert.is_nil(scalars.ID.parse(5.5))
    assert.is_nil(scalars.ID.parse(true))
  end)

  it("ID never makes two integers one", function()
    assert.equal("9007199254740991", scalars.ID.parse(core.decode("9007199254740991")))
    for _, digits in ipairs({ "9007199254740992", "9007199254740993", "-9007199254740993", "12345678901234567", "9223372036854775808",
      "1e300", "9007199254740993.0" }) do
      local id, message = scalars.ID.parse(core.decode(digits))
      assert.is_true(id == digits or message == "The number for type 'ID' is too large to be exact. Pass it as a String.", digits)
    end
    if math.type then assert.equal("9007199254740993", scalars.ID.parse(core.decode("9007199254740993"))) end
  end)

  it("Float is a double on every Lua", function()
    assert.equal("9007199254740992", result.number(scalars.Float.parse(core.decode("9007199254740993"))))
    assert.equal("9007199254740991", result.number(scalars.Float.parse(core.decode("9007199254740991"))))
  end)

  it("String shows a number in all its digits", function()
    for _, digits in ipairs({ "9007199254740991", "123456789012345", "1000000000000000", "0.1", "123456.7890625" }) do
      assert.equal(digits, scalars.String.serialize(core.decode(digits)))
    end
    assert.equal("100000000000000000000", scalars.String.serialize(1e20))
  end)
end)
