local core = require("appsync.core")
local root_fields = require("appsync.server.graphql.root_fields")

local function fields_of(query)
  local operation, fragments = nil, {}
  for _, node in ipairs(core.parse(query).definitions) do
    if node.kind == "FragmentDefinition" then fragments[node.name] = node else operation = node end
  end
  return root_fields(operation, fragments)
end

describe("the root fields of an operation", function()
  it("are its fields' names, each once, not their aliases", function()
    assert.same({ "b", "a" }, fields_of("{ x: b a y: b { a } }"))
  end)

  it("are found in fragments, those that lead to themselves too", function()
    assert.same({ "a", "b", "c" }, fields_of("{ ...F ... { c } } fragment F on Query { a b ...F }"))
    assert.same({ "a" }, fields_of("{ ...F ...G a } fragment F on Query { ...G } fragment G on Query { ...F }"))
    assert.same({ "F" }, fields_of("{ ...F ...None } fragment F on Query { F }"))
  end)

  it("are a hundred at most", function()
    local names = {}
    for i = 1, 300 do names[i] = "f" .. i end
    assert.equal(100, #fields_of("{ " .. table.concat(names, " ") .. " }"))
  end)

  it("are a list as JSON", function() assert.equal('["a"]', core.encode(fields_of("{ a }"))) end)
end)
