-- The parts that a composite sort key is made of, and what a table's id is made of.
local core = require("appsync.core")
local engine = require("appsync.server.engine")

local served

local function serve(text) served = assert(engine.new({ schema_text = text })) end

local function answer(query) return core.decode((served:execute({ query = query }))) end

local function data(query)
  local found = answer(query)
  assert.is_nil(found.errors and found.errors[1].message)
  return found.data
end

local function refusal(query) return answer(query).errors[1] end

describe("A part of a composite sort key", function()
  after_each(function() served:close() end)

  it("may be empty", function()
    serve([[type Part @model { id: ID! @primaryKey(sortKeyFields: ["a", "b", "c"]) a: String! b: String! c: String!
      kind: ID @index(name: "byKind", queryField: "partsByKind", sortKeyFields: ["b", "c"]) }]])
    for _, row in ipairs({ { "A1", "", "" }, { "A1", "B", "" }, { "A12", "B", "C" }, { "A1", "B", "C" } }) do
      data(('mutation { createPart(input: {id: "p", kind: "k", a: "%s", b: "%s", c: "%s"}) { id } }'):format(row[1], row[2], row[3]))
    end
    local function parts(call)
      local found = {}
      for i, item in ipairs(select(2, next(data(("{ %s { items { a b c } } }"):format(call)))).items) do
        found[i] = item.a .. "/" .. item.b .. "/" .. item.c
      end
      return found
    end
    assert.same({ "A1//", "A1/B/", "A1/B/C", "A12/B/C" }, parts('listParts(id: "p", aBC: {beginsWith: {a: "A1"}})'))
    assert.same({ "A1//", "A1/B/", "A1/B/C" }, parts('listParts(id: "p", aBC: {beginsWith: {a: "A1", b: ""}})'))
    assert.same({ "A1/B/", "A1/B/C" }, parts('listParts(id: "p", aBC: {beginsWith: {a: "A1", b: "B", c: ""}})'))
    assert.same({ "A1//" }, parts('partsByKind(kind: "k", bC: {eq: {b: "", c: ""}})'))
    assert.equal("A1", data('{ getPart(id: "p", a: "A1", b: "", c: "") { a } }').getPart.a)
    assert.equal("When providing argument 'aBC.eq.c' you must also provide 'aBC.eq.b'.",
      refusal('{ listParts(id: "p", aBC: {eq: {a: "A1", b: "", c: "C"}}) { items { a } } }').message)
    assert.matches("contain an empty string value. Key: a#b#c", refusal('{ listParts(id: "p", aBC: {eq: {}}) { items { a } } }').message)
  end)

  it("may be a number or a time", function()
    serve('type Part @model { id: ID! @primaryKey(sortKeyFields: ["n", "at"]) n: Float! at: AWSTimestamp! }')
    data('mutation { createPart(input: {id: "p", n: 1.5, at: 7}) { id } }')
    assert.equal(1, #data('{ listParts(id: "p", nAt: {eq: {n: 1.5, at: 7}}) { items { n } } }').listParts.items)
  end)

  it("may be empty in what a relation goes by", function()
    serve([[type A @model { id: ID! @primaryKey(sortKeyFields: ["x", "y"]) x: String! y: String! n: Int }
      type B @model { id: ID! aId: ID ax: String ay: String a: A @hasOne(fields: ["aId", "ax", "ay"]) }]])
    data('mutation { createA(input: {id: "a", x: "", y: "1", n: 7}) { n } createB(input: {id: "b", aId: "a", ax: "", ay: "1"}) { id } }')
    assert.equal(7, data('{ getB(id: "b") { a { n } } }').getB.a.n)
  end)
end)

describe("The id of a table without a key of its own", function()
  after_each(function() served:close() end)

  it("is a text, whatever the model declares", function()
    serve("type A @model { id: Int! n: Int } type B @model { id: Boolean! n: Int }")
    for _, operation in ipairs({ "createA", "updateA" }) do
      local err = refusal(("mutation { %s(input: {id: 1}) { n } }"):format(operation))
      assert.matches("Type mismatch for key id expected: S actual: N", err.message)
      assert.equal("DynamoDB:DynamoDbException", err.errorType)
    end
    assert.matches("actual: BOOL", refusal("mutation { createB(input: {id: true}) { n } }").message)
    assert.same({ getA = core.null }, data('{ getA(id: "1") { n } }'))
  end)
end)
