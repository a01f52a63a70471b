local load_schema = require "appsync.server.transform.load"

local function refusal(text)
  local s, err = load_schema(text)
  assert.is_nil(s)
  return err
end

describe("What is wrong with a generated type is told at what it was made of:", function()
  it("an input of an object that needs itself", function()
    local err = refusal("type A @model { id: ID! b: B }\n\n type B { b: B! n: Int }")
    assert.equal("input type 'BInput' requires itself through 'b' (line 3, column 2)", err.message)
    assert.same({ 3, 2 }, { err.line, err.column })
  end)

  it("a root type that is no object type", function()
    local err = refusal("type A @model { id: ID! }\nenum Query { X }")
    assert.equal("'Query' is not an object type (line 2, column 1)", err.message)
  end)

  it("several of them", function()
    local err = refusal("type A @model { id: ID! b: B c: C }\ntype B { b: B! n: Int }\ntype C { c: C! n: Int }")
    assert.same({ 2, 3 }, { err.line, err.others[1].line })
  end)
end)

describe("An object inside a model", function()
  it("whose fields no input can hold is left out of inputs", function()
    local s = assert(load_schema([[interface I { n: Int } type X implements I { n: Int }
      type A @model { id: ID! b: B d: D } type B { c: C } type C { i: I } type D { e: E b: B } type E { d: D }]]))
    assert.is_nil(s.types.BInput)
    assert.is_nil(s.types.CInput)
    assert.is_nil(s.types.CreateAInput.fields.b)
    assert.truthy(s.types.CreateAInput.fields.d)
    assert.is_nil(s.types.DInput.fields.b)
    assert.truthy(s.types.EInput.fields.d)
  end)

  it("keeps an input of its name that is declared", function()
    local s = assert(load_schema("type A @model { id: ID! b: B } type B { n: Int } input BInput { text: String! }"))
    assert.truthy(s.types.BInput.fields.text)
    assert.is_nil(s.types.BInput.fields.n)
  end)
end)

describe("A schema that names its root types", function()
  it("gets those that models need beside them", function()
    local s = assert(load_schema("schema { query: Q } type Q { a: Int } type A @model { id: ID! }"))
    assert.equal("Q", s.query.name)
    assert.equal("Mutation", s.mutation.name)
    assert.equal("Subscription", s.subscription.name)
    assert.truthy(s.query.fields.getA)
  end)
end)

describe("The version of the transformer", function()
  -- {schema, what is said, version, the directive that tells it}
  for _, row in ipairs({
    { "type A @model { id: ID! }", nil, 2, nil },
    { "type A @model @key(fields: [\"id\"]) { id: ID! }", nil, 1, "key" },
    { "type A @model { id: ID! @primaryKey }", nil, 2, "primaryKey" },
    { "type A @model @key(fields: [\"id\"]) { id: ID! a: Int @default(value: \"1\") }", nil, 2, "default" },
    { "type A @model { id: ID! }", 1, 1, nil },
    { "type A @model { id: ID! a: Int @default(value: \"1\") }", 2, 2, nil },
  }) do
    it(("is %d for %s where %s is said"):format(row[3], row[1], row[2] or "nothing"), function()
      local s, models = load_schema(row[1], { transformer = { version = row[2] } })
      assert.is_table(s)
      assert.same({ version = row[3], sign = row[4] and "@" .. row[4] }, models.transformer)
    end)
  end

  it("is the first for an old project's schema that tells nothing else, with the flags of its time", function()
    local function load(text)
      local s, models = load_schema(text, { transformer = { fallback = 1, flags = {} } })
      assert(s, models and models.message)
      return models
    end
    local old = load("type A @model @auth(rules: [{allow: owner, ownerField: \"by\"}]) { id: ID! }")
    assert.same({ version = 1 }, old.transformer)
    assert.is_nil(old.by_name.A.field_by_name.by)
    old = load("type A @model @key(fields: [\"id\"]) @auth(rules: [{allow: owner, ownerField: \"by\"}]) { id: ID! }")
    assert.same({ version = 1, sign = "@key" }, old.transformer)
    assert.is_nil(old.by_name.A.field_by_name.by)
    assert.same({ version = 2, sign = "@primaryKey" }, load("type A @model { id: ID! @primaryKey }").transformer)
    assert.same({ version = 2 },
      load("input AMPLIFY { globalAuthRule: AuthRule = { allow: public } } type A @model { id: ID! }").transformer)
  end)

  it("is refused for a schema that needs the other one", function()
    for text, said in pairs({
      ["type A @model { id: ID! @primaryKey }"] = { { version = 1, because = "--transformer 1" },
        "directive @primaryKey is of Amplify's second transformer, and this schema follows the first: --transformer 1 (line 1, column 25)" },
      ['type A @model @key(fields: ["id"]) { id: ID! a: Int @default(value: "1") }'] = { { version = 2 },
        "directive @key is of Amplify's first transformer, and this schema follows the second (line 1, column 15)" },
    }) do
      local s, err = load_schema(text, { transformer = said[1] })
      assert.is_nil(s)
      assert.equal(said[2], err.message)
    end
  end)
end)
