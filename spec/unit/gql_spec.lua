local core = require("appsync.core")

local CORPUS = "spec/fuzz/corpus/graphql/"
local NAMES = {
  "amplify", "anonymous", "blocks", "described_arguments", "directives", "enums", "escapes", "ignored", "input_block",
  "keywords", "kitchen_sink", "leading", "locations", "long_line", "operations", "query_after_type", "schema_kitchen_sink", "subscription",
  "typenames", "values",
}

local function read(name)
  local file = assert(io.open(CORPUS .. name .. ".graphql", "rb"))
  local text = file:read("*a")
  file:close()
  return text
end

---A copy of the tree without the places.
local function strip(node)
  if type(node) ~= "table" then return node end
  local copy = {}
  for key, value in pairs(node) do
    if key ~= "loc" then copy[key] = strip(value) end
  end
  return copy
end

local function tree(text)
  return strip(assert(core.parse(text)).definitions)
end

local function named(name)
  return { kind = "NamedType", name = name }
end

describe("core.parse", function()
  it("gives an operation with all its parts", function()
    assert.same({
      {
        kind = "OperationDefinition", operation = "query", name = "Q", directives = {},
        variableDefinitions = {
          {
            kind = "VariableDefinition", variable = "a",
            type = { kind = "NonNullType", type = { kind = "ListType", type = named("Int") } },
            defaultValue = { kind = "ListValue", values = { { kind = "IntValue", value = "1" } } },
            directives = { { kind = "Directive", name = "d", arguments = {} } },
          },
        },
        selectionSet = {
          {
            kind = "Field", alias = "x", name = "f", directives = {},
            arguments = { { kind = "Argument", name = "b", value = { kind = "Variable", name = "a" } } },
            selectionSet = {
              { kind = "FragmentSpread", name = "F", directives = {} },
              {
                kind = "InlineFragment", typeCondition = "T", directives = {},
                selectionSet = { { kind = "Field", name = "g", arguments = {}, directives = {} } },
              },
            },
          },
        },
      },
      {
        kind = "FragmentDefinition", name = "F", typeCondition = "T", directives = {},
        selectionSet = { { kind = "Field", name = "h", arguments = {}, directives = {} } },
      },
    }, tree("query Q($a: [Int]! = [1] @d) { x: f(b: $a) { ...F ... on T { g } } } fragment F on T { h }"))
  end)

  it("gives an anonymous query without a name", function()
    local query = tree("{ a }")[1]
    assert.equal("query", query.operation)
    assert.is_nil(query.name)
    assert.same({}, query.variableDefinitions)
  end)

  it("gives each kind of value", function()
    local arguments = tree('{ f(a: 1, b: -1.5e3, c: "x\\u00e9", d: """\n  y\n    z\n""", e: true, f: false, g: null, '
      .. "h: E, i: [], j: {k: $v}) }")[1].selectionSet[1].arguments
    local values = {}
    for i, argument in ipairs(arguments) do values[i] = argument.value end
    assert.same({
      { kind = "IntValue", value = "1" },
      { kind = "FloatValue", value = "-1.5e3" },
      { kind = "StringValue", value = "x\195\169", block = false },
      { kind = "StringValue", value = "y\n  z", block = true },
      { kind = "BooleanValue", value = true },
      { kind = "BooleanValue", value = false },
      { kind = "NullValue" },
      { kind = "EnumValue", value = "E" },
      { kind = "ListValue", values = {} },
      { kind = "ObjectValue", fields = {
        { kind = "ObjectField", name = "k", value = { kind = "Variable", name = "v" } },
      } },
    }, values)
  end)

  it("gives each definition of a type system", function()
    assert.same({
      {
        kind = "SchemaDefinition", directives = {},
        operationTypes = { { kind = "OperationTypeDefinition", operation = "query", type = "Q" } },
      },
      {
        kind = "ScalarTypeDefinition", name = "S", directives = {},
        description = { kind = "StringValue", value = "d", block = false },
      },
      {
        kind = "ObjectTypeDefinition", name = "A", interfaces = { "B", "C" }, directives = {},
        fields = {
          {
            kind = "FieldDefinition", name = "f", type = named("X"), directives = {},
            arguments = {
              {
                kind = "InputValueDefinition", name = "a", type = named("Int"), directives = {},
                defaultValue = { kind = "IntValue", value = "1" },
              },
            },
          },
        },
      },
      { kind = "InterfaceTypeDefinition", name = "I", interfaces = {}, directives = {}, fields = {} },
      { kind = "UnionTypeDefinition", name = "U", types = { "A", "B" }, directives = {} },
      {
        kind = "EnumTypeDefinition", name = "E", directives = {},
        values = { { kind = "EnumValueDefinition", name = "V", directives = {} } },
      },
      {
        kind = "InputObjectTypeDefinition", name = "N", directives = {},
        fields = { { kind = "InputValueDefinition", name = "a", type = named("Int"), directives = {} } },
      },
      {
        kind = "DirectiveDefinition", name = "d", arguments = {}, repeatable = true,
        locations = { "FIELD", "QUERY" },
      },
    }, tree([[schema { query: Q } "d" scalar S type A implements B & C { f(a: Int = 1): X } interface I
      union U = A | B enum E { V } input N { a: Int } directive @d repeatable on FIELD | QUERY]]))
  end)

  it("gives extensions kinds of their own", function()
    local kinds = {}
    local text = "extend schema @d extend scalar S @d extend type T @d extend interface I @d extend union U @d "
      .. "extend enum E @d extend input N @d"
    for i, definition in ipairs(tree(text)) do kinds[i] = definition.kind end
    assert.same({
      "SchemaExtension", "ScalarTypeExtension", "ObjectTypeExtension", "InterfaceTypeExtension", "UnionTypeExtension",
      "EnumTypeExtension", "InputObjectTypeExtension",
    }, kinds)
  end)

  it("tells where each node stands", function()
    local document = assert(core.parse("{\n \239\187\191a\n}"))
    assert.same({ line = 1, column = 1 }, document.loc)
    assert.same({ line = 2, column = 3 }, document.definitions[1].selectionSet[1].loc)
  end)

  it("returns nil and the place of what it refuses", function()
    local ast, err = core.parse("{\n  a(\n}")
    assert.is_nil(ast)
    assert.same({ kind = "protocol", code = "syntax", message = 'Syntax error: expected Name, found "}" (line 3, column 1)',
      line = 3, column = 1, retryable = false, sent = false }, err)
  end)

  it("throws for what isn't a string", function()
    assert.error_matches(function() core.parse(nil) end, "string expected")
    assert.error_matches(function() core.parse(12) end, "string expected")
  end)
end)

describe("core.print", function()
  for _, name in ipairs(NAMES) do
    it("gives text that parses to the same tree: " .. name, function()
      local ast = assert(core.parse(read(name)))
      local text = core.print(ast)
      assert.same(strip(ast), strip(assert(core.parse(text))))
      assert.equal(text, core.print(core.parse(text)))
    end)
  end

  it("prints any node, without places and without empty lists", function()
    assert.equal("[Int!]", core.print({ kind = "ListType", type = { kind = "NonNullType", type = named("Int") } }))
    assert.equal("{\n  a\n}\n", core.print({
      kind = "Document",
      definitions = {
        { kind = "OperationDefinition", operation = "query", selectionSet = { { kind = "Field", name = "a" } } },
      },
    }))
  end)

  it("leaves out a description that an extension can't have", function()
    assert.equal("extend scalar S @d", core.print({
      kind = "ScalarTypeExtension", name = "S", directives = { { kind = "Directive", name = "d" } },
      description = { kind = "StringValue", value = "x" },
    }))
  end)

  it("quotes a value that a block string can't hold", function()
    assert.equal('" \\n"', core.print({ kind = "StringValue", value = " \n", block = true }))
    assert.equal('"""a"""', core.print({ kind = "StringValue", value = "a", block = true }))
  end)

  local function refuses(ast, message)
    local text, err = core.print(ast)
    assert.is_nil(text)
    assert.equal(message, err.message:sub(1, #message))
  end

  it("gives an error with the path of a node that isn't one", function()
    refuses({}, "ast: expected a node of a kind that may stand here, got table")
    refuses({ kind = "Nothing" }, "ast: expected a node of a kind that may stand here")
    refuses({ kind = "Document" }, "ast.definitions: expected a list, got nil")
    refuses({ kind = "Document", definitions = {} }, "ast.definitions: expected a list that isn't empty, got table")
    refuses({ kind = "Document", definitions = { named("A") } }, "ast.definitions[1]: expected a node of a kind")
    refuses({ kind = "Field", name = "a b" }, "ast.name: expected a name, got string")
    refuses({ kind = "Field" }, "ast.name: expected a name, got nil")
    refuses({ kind = "Field", name = "a", selectionSet = {} }, "ast.selectionSet: expected a list that isn't empty")
    refuses({ kind = "Field", name = "a", arguments = { { kind = "Argument", name = "b" } } },
      "ast.arguments[1].value: expected a node of a kind that may stand here, got nil")
    refuses({ kind = "IntValue", value = "1}" }, "ast.value: expected the text of a number, got string")
    refuses({ kind = "IntValue", value = 1 }, "ast.value: expected the text of a number, got number")
    refuses({ kind = "StringValue" }, "ast.value: expected a string, got nil")
    refuses({ kind = "BooleanValue", value = "true" }, "ast.value: expected a boolean, got string")
    refuses({ kind = "OperationTypeDefinition", operation = "read", type = "A" }, "ast.operation: expected an operation")
    refuses({ kind = "UnionTypeDefinition", name = "U", types = { "A", 1 } }, "ast.types[2]: expected a name, got number")
  end)

  it("gives an error for a tree that contains itself", function()
    local list = { kind = "ListValue", values = {} }
    list.values[1] = list
    refuses(list, "The syntax tree is nested deeper than")
  end)

  it("prints what is nested as deeply as the parser allows", function()
    for _, case in ipairs({ { "{a:", "}" }, { "[", "]" } }) do
      local text = "{f(x:" .. case[1]:rep(199) .. "1" .. case[2]:rep(199) .. ")}"
      local ast = assert(core.parse(text))
      assert.same(strip(ast), strip(core.parse(core.print(ast))))
    end
  end)
end)

describe("core.document", function()
  it("describes its operations", function()
    local document = core.document("query A($x: Int, $y: [[B!]]!, $z: [B] = [], $n: Int! = 1) { a b: c } subscription S { d { e } }")
    assert.same({
      { kind = "query", name = "A", variables = { "x", "y", "z", "n" }, lists = { y = 2, z = 1 }, required = { y = true }, root_fields = { "a", "b" }, root_names = { "a", "c" } },
      { kind = "subscription", name = "S", variables = {}, lists = {}, required = {}, root_fields = { "d" }, root_names = { "d" } },
    }, document:operations())
    assert.equal("", core.document("{ a }"):operations()[1].name)
  end)

  it("gives its text with and without type names", function()
    local document = core.document("{ a { b } }")
    assert.equal("{\n  a {\n    b\n  }\n}\n", document:text())
    assert.equal("{\n  a {\n    b\n    __typename\n  }\n}\n", document:text(true))
  end)

  it("tells what it weighs", function()
    local small, large = core.document("{ a }"):bytes(), core.document("{ a" .. (" b"):rep(10000) .. "}"):bytes()
    assert.is_true(small > 0 and small < 5000, small)
    assert.is_true(large > 1000000 and large < 2000000, large)
  end)

  it("has the hash of its print", function()
    local document = core.document("{a}")
    assert.equal(64, #document:hash())
    assert.equal(document:hash(), core.document("query { a } # note"):hash())
    assert.not_equal(document:hash(), core.document("{ b }"):hash())
  end)

  it("returns nil and the place of what it refuses", function()
    local document, err = core.document("{ a }\ntype A")
    assert.is_nil(document)
    assert.equal(2, err.line)
    assert.equal(1, err.column)
    assert.is_truthy(err.message:find("found a type system definition", 1, true))
  end)

  it("hides its metatable and names its operation", function()
    local document = core.document("query Todo { a }")
    assert.is_false(getmetatable(document))
    assert.equal("appsync.core.document: Todo", tostring(document))
    assert.equal("appsync.core.document: (anonymous)", tostring(core.document("{ a }")))
  end)

  it("throws for a self that isn't a document", function()
    local document = core.document("{ a }")
    assert.error_matches(function() document.text({}) end, "appsync.core.document expected")
    assert.error_matches(function() document.hash(io.stdout) end, "appsync.core.document expected")
  end)

  it("survives the collection of a great many", function()
    for i = 1, 500 do
      assert(core.document("query Q" .. i .. " { a { b } }"))
      assert.is_nil((core.document("{ a { b }")))
      assert(core.parse("{ a { b } }"))
    end
    collectgarbage()
    collectgarbage()
  end)
end)
