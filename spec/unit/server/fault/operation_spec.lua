local operation = require("appsync.server.fault.operation")

local function fields_of(query, name)
  return table.concat(operation.describe(query, name).fields or {}, " ")
end

describe("an operation's description", function()
  it("has kind, name and root fields, not their aliases", function()
    local info = operation.describe("mutation Add { x: createTodo { id } deleteTodo { id } }")
    assert.same({ "mutation", "Add" }, { info.kind, info.operation })
    assert.same({ "createTodo", "deleteTodo" }, { info.fields[1], info.fields[2] })
    assert.equal("query", operation.describe("{ a }").kind)
  end)

  it("finds fields in fragments, those that lead to themselves too", function()
    assert.equal("a b c", fields_of("{ ...F ... { c } } fragment F on Query { a b ...F }"))
    assert.equal("a", fields_of("{ ...F ...G a } fragment F on Query { ...G } fragment G on Query { ...F }"))
  end)

  it("is that of the operation that is asked for", function()
    local query = "query A { a } mutation B { b }"
    assert.equal("b", fields_of(query, "B"))
    assert.is_nil(operation.describe(query).kind)
    assert.is_nil(operation.describe(query, "C").kind)
    assert.equal("C", operation.describe(query, "C").operation)
  end)

  it("is empty for what is no document", function()
    for _, text in ipairs({ "", "{", "type A { a: Int }", 3, ("x"):rep(2000000) }) do
      assert.same({}, operation.describe(text))
    end
    assert.same({}, operation.describe(nil))
  end)

  it("is the same each time, and nobody's changes come back", function()
    for i = 1, 500 do
      local query = ("{ a%d }"):format(i % 300)
      local info = operation.describe(query)
      assert.same({ "query", "a" .. i % 300 }, { info.kind, info.fields[1] })
      assert.is_nil(info.connection)
      info.connection, info.kind = 1, "changed"
    end
  end)

  it("names a hundred fields at most", function()
    local names = {}
    for i = 1, 300 do names[i] = "f" .. i end
    assert.equal(100, #operation.describe("{ " .. table.concat(names, " ") .. " }").fields)
  end)
end)
