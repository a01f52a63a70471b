local engine = require("appsync.server.engine")

describe("root fields that nothing answers", function()
  local function notes(schema_text, resolvers)
    local served = assert(engine.new({ schema_text = schema_text, resolvers = resolvers }))
    local out = served:unresolved()
    served:close()
    return out
  end

  it("are told by root type", function()
    assert.same({
      "2 Query fields have no resolver and are null: a, b",
      "1 Mutation field has no resolver and is null: m",
      "1 Subscription field has no @aws_subscribe, so nothing is published for it: s",
    }, notes([[
      type Query { a: Int b: Int c: Int }
      type Mutation { m: Int }
      type Subscription { s: Int fed: Int @aws_subscribe(mutations: ["m"]) own: Int }
    ]], { Query = { c = function() end }, Subscription = { own = function() end } }))
  end)

  it("are named up to three", function()
    assert.same({ "4 Query fields have no resolver and are null: a, b, c and 1 more" }, notes("type Query { a: Int b: Int c: Int d: Int }"))
  end)

  it("are none of a model's", function()
    assert.same({}, notes("type Todo @model { id: ID! name: String }"))
  end)
end)
