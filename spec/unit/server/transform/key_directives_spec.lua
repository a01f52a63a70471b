local load_schema = require("appsync.server.transform.load")

local function expand(text)
  local s, models = load_schema(text)
  assert(s, models and models.message)
  return models.by_name
end

local function refusal(text)
  local s, err = load_schema(text)
  assert.is_nil(s)
  return err.message
end

describe("The key of a model", function()
  it("is its id unless it says otherwise", function()
    assert.same({ partition = "id", sort = {}, is_custom = false }, expand("type A @model { n: Int }").A.key)
    assert.same({ partition = "id", sort = {}, is_custom = true }, expand("type A @model { id: ID! @primaryKey }").A.key)
  end)

  it("is the field with @primaryKey and its sort fields", function()
    local key = expand([[type A @model { k: ID! @primaryKey(sortKeyFields: ["year", "number"]) year: Int! number: String! }]]).A.key
    assert.same({ partition = "k", sort = { "year", "number" }, sort_argument = "yearNumber", is_custom = true }, key)
    assert.equal("n", expand('type A @model { k: ID! @primaryKey(sortKeyFields: "n") n: Int! }').A.key.sort_argument)
  end)

  it("is @key without a name", function()
    local m = expand([[type A @model @key(fields: ["k", "n"]) @key(name: "byN", fields: ["n", "k"], queryField: "asByN")
      @key(name: "quiet", fields: ["n"]) { k: ID! n: Int! }]]).A
    assert.same({ partition = "k", sort = { "n" }, sort_argument = "n", is_custom = true }, m.key)
    assert.same({
      { name = "byN", partition = "n", sort = { "k" }, sort_argument = "k", query = "asByN" },
      { name = "quiet", partition = "n", sort = {} },
    }, m.indexes)
  end)

  it("has the type of its fields and no other model's id", function()
    local m = expand("type A @model { k: Int! @primaryKey n: Int }").A
    assert.is_nil(m.field_by_name.id)
    assert.equal("k", m.key.partition)
  end)

  for _, row in ipairs({
    { "type A @model { k: ID @primaryKey }", "@primaryKey cannot use 'A.k': a primary key's fields must be non-null ('!') (line 1, column 23)" },
    { "type A @model { k: [ID!]! @primaryKey }", "@primaryKey cannot use 'A.k': a key field must be a scalar or an enum (line 1, column 27)" },
    { "type A @model { k: M! @primaryKey } type M { n: Int }",
      "@primaryKey cannot use 'A.k': a key field must be a scalar or an enum (line 1, column 23)" },
    { 'type A @model { k: ID! @primaryKey(sortKeyFields: ["x"]) }',
      "@primaryKey names the field 'x', which model 'A' doesn't have (line 1, column 24)" },
    { 'type A @model { k: ID! @primaryKey(sortKeyFields: ["k"]) }', "@primaryKey names the field 'k' twice (line 1, column 24)" },
    { 'type A @model { k: ID! @primaryKey(sortKeyFields: ["n"]) n: Int }',
      "@primaryKey cannot use 'A.n': a primary key's fields must be non-null ('!') (line 1, column 24)" },
    { 'type A @model { k: ID! @primaryKey(sortKeyFields: ["n"]) n: Boolean! }',
      "@primaryKey cannot use 'A.n': a key of DynamoDB can't be a Boolean (line 1, column 24)" },
    { 'type A @model { k: Boolean! @primaryKey }',
      "@primaryKey cannot use 'A.k': a key of DynamoDB can't be a Boolean (line 1, column 29)" },
    { 'type A @model { id: ID! k: Boolean @index(name: "byK") }',
      "@index cannot use 'A.k': a key of DynamoDB can't be a Boolean (line 1, column 36)" },
    { 'type A @model { k: ID! @primaryKey(sortKeyFields: ["l", "n"]) l: ID! n: Boolean! }',
      "@primaryKey cannot use 'A.n': a key of DynamoDB can't be a Boolean (line 1, column 24)" },
    { "type A @model { k: ID! @primaryKey l: ID! @primaryKey }", "model 'A' has two primary keys (line 1, column 43)" },
    { "type A @model { k: ID! @primaryKey(sortKeyFields: [5]) }", "@primaryKey's 'sortKeyFields' must be a string (line 1, column 52)" },
    { "type A @model { k: ID! @primaryKey(sortKeyFields: [null]) }",
      "@primaryKey's 'sortKeyFields' must not be null (line 1, column 52)" },
    { "type A @model @key(fields: []) { k: ID! }", "@key's 'fields' must name at least one field (line 1, column 28)" },
    { 'type A @model @key(fields: ["k"], queryField: "q") { k: ID! }',
      "@key's 'queryField' needs a 'name': the primary key has its own query (line 1, column 47)" },
    { 'type A @model @key(fields: ["x"]) { k: ID! }', "@key names the field 'x', which model 'A' doesn't have (line 1, column 28)" },
    { "type A @model { id: [ID!]! }", "the id of model 'A' must be 'ID!', or another scalar or an enum (line 1, column 17)" },
    { "type A @model { id: B } type B { a: Int }",
      "the id of model 'A' must be 'ID!', or another scalar or an enum (line 1, column 17)" },
  }) do
    it("is refused: " .. row[1], function() assert.equal(row[2], refusal(row[1])) end)
  end
end)

describe("An index", function()
  it("names itself and its query", function()
    local m = expand([[type Person @model { id: ID! name: String @index(sortKeyFields: ["age"]) age: Int @index(name: "byAge", queryField: "aged")
      mail: String @index(name: "byMail", queryField: null) }]]).Person
    assert.same({
      { name = "peopleByNameAndAge", partition = "name", sort = { "age" }, sort_argument = "age", query = "peopleByNameAndAge" },
      { name = "byAge", partition = "age", sort = {}, query = "aged" },
      { name = "byMail", partition = "mail", sort = {} },
    }, m.indexes)
  end)

  it("may have a name that no type could have", function()
    local s = assert(load_schema('type A @model { a: ID @index(name: "by-a.1", sortKeyFields: ["b", "c"]) b: Int c: Int }'))
    assert.truthy(s.types.ModelABya1CompositeKeyInput)
    assert.truthy(s.types.ModelABya1CompositeKeyConditionInput)
  end)

  it("may share the partition field of a key that has sort fields", function()
    assert.equal(1, #expand([[type A @model { k: ID! @primaryKey(sortKeyFields: ["n"]) @index(name: "byK", sortKeyFields: ["m"]) n: Int! m: Int }]])
      .A.indexes)
  end)

  for _, row in ipairs({
    { 'type A @model { a: ID @index(name: "b") }',
      "@index's 'name' must be 3 to 255 letters, digits, underscores, hyphens and periods, not 'b' (line 1, column 36)" },
    { 'type A @model { a: ID @index(name: "b c d") }',
      "@index's 'name' must be 3 to 255 letters, digits, underscores, hyphens and periods, not 'b c d' (line 1, column 36)" },
    { 'type A @model { a: ID @index(name: "abc") b: ID @index(name: "abc") }',
      "model 'A' has two indexes named 'abc' (line 1, column 49)" },
    { 'type A @model { a: ID @index(queryField: "a b") }', "@index's 'queryField' 'a b' isn't the name of a field (line 1, column 23)" },
    { 'type A @model { a: ID @index(queryField: "__a") }', "@index's 'queryField' '__a' isn't the name of a field (line 1, column 23)" },
    { 'type A @model { a: ID @index(queryField: "q") b: ID @index(queryField: "q") }',
      "'Query.q' is generated twice for the model 'A' (line 1, column 1)" },
    { 'type A @model { a: ID @index(queryField: "getB") }\ntype B @model { a: ID }',
      "'Query.getB' is generated twice: for the model 'A' and for 'B' (line 2, column 1)" },
    { "type a @model { b: ID }\ntype A @model { b: ID }",
      "the models 'a' and 'A' would generate types of the same names (line 2, column 1)" },
    { "type A @model { a: [ID] @index }", "@index cannot use 'A.a': a key field must be a scalar or an enum (line 1, column 25)" },
    { 'type A @model { a: ID @index(sortKeyFields: ["b"]) }', "@index names the field 'b', which model 'A' doesn't have (line 1, column 23)" },
    { "type A @model { a: ID! @primaryKey @index }",
      "index 'aSByA' of model 'A' shares the partition field of its primary key, which then needs sort fields (line 1, column 1)" },
    { "type A @model { a: ID @index(projection: {type: SOME}) }",
      "@index's 'projection.type' must be one of ALL, KEYS_ONLY, INCLUDE (line 1, column 49)" },
    { "type A @model { a: ID @index(projection: {kind: ALL}) }", "@index's 'projection' has no 'kind' (line 1, column 43)" },
  }) do
    it("is refused: " .. row[1], function() assert.equal(row[2], refusal(row[1])) end)
  end
end)
