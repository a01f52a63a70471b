local engine = require("appsync.server.engine")
local operation_summary = require("appsync.server.fault.operation_summary")

local served

local function describe_(query, name)
  return operation_summary.describe(served, query, name)
end

describe("an operation's description", function()
  setup(function() served = assert(engine.new({ schema_text = "type Query { a: Int b: Int } type Mutation { c: Int }" })) end)

  it("has kind, name and root fields", function()
    assert.same({ kind = "mutation", operation = "Add", fields = { "c" } }, describe_("mutation Add { x: c }"))
    assert.same({ kind = "query", fields = { "b", "a" } }, describe_("{ b a }"))
  end)

  it("is that of the operation that is asked for", function()
    local query = "query A { a } query B { b }"
    assert.same({ "b" }, describe_(query, "B").fields)
    assert.same({}, describe_(query))
    assert.same({ operation = "C" }, describe_(query, "C"))
    assert.equal("query", describe_("{ a }", "").kind)
  end)

  it("is empty for what is no document", function()
    for _, text in ipairs({ "", "{", "type A { a: Int }", 3, ("x "):rep(20000) }) do
      assert.same({}, describe_(text))
      assert.same({ operation = "N" }, describe_(text, "N"))
    end
    assert.same({}, describe_(nil))
  end)

  it("is there for what the schema has no place for", function()
    assert.same({ "nope" }, describe_("{ nope }").fields)
  end)

  it("is the caller's own", function()
    local info = describe_("{ a }")
    info.kind, info.connection = "changed", 1
    assert.same({ kind = "query", fields = { "a" } }, describe_("{ a }"))
  end)
end)
