local amplify_project = require("appsync.server.develop.amplify_project")
local folder = require("spec.support.folder")

describe("what is beside an Amplify schema", function()
  local made

  after_each(function() made.remove() end)

  local function notes(path, files)
    files["schema.graphql"] = "type Query { a: Int }"
    made = folder.make(files)
    local out = amplify_project.notes(made.path .. path)
    for i, note in ipairs(out) do out[i] = note:gsub(made.path:gsub("%p", "%%%0") .. "/", "") end
    return out
  end

  local OWN = "write resolvers in Lua, in the file of --resolvers"
  local STACK = '{"Resources": {"R": {"Type": "AWS::AppSync::Resolver", "Properties": {}}}}'
  local EMPTY = '{"Resources": {"EmptyResource": {"Type": "Custom::EmptyResource"}}}'

  it("is told: templates, stacks with resolvers, an override", function()
    assert.same({
      "resolvers/Query.a.req.vtl, resolvers/Query.a.res.vtl have no effect here: " .. OWN,
      "stacks/CustomResources.json has no effect here: " .. OWN,
      "override.ts has no effect here: its changes aren't applied",
    }, notes("/schema.graphql", {
      ["resolvers/Query.a.req.vtl"] = "{}", ["resolvers/Query.a.res.vtl"] = "{}", ["resolvers/README.md"] = "x",
      ["stacks/CustomResources.json"] = STACK, ["override.ts"] = "x",
    }))
  end)

  it("is told shortly where there is a lot", function()
    local files = {}
    for i = 1, 5 do files[("resolvers/Q.%d.vtl"):format(i)] = "{}" end
    assert.same({ "resolvers/Q.1.vtl, resolvers/Q.2.vtl, resolvers/Q.3.vtl and 2 more have no effect here: " .. OWN }, notes("", files))
  end)

  it("is nothing in a new project", function()
    assert.same({}, notes("", {
      ["stacks/CustomResources.json"] = EMPTY, ["stacks/broken.json"] = "{", ["parameters.json"] = "{}", ["resolvers/README.md"] = "x",
    }))
  end)

  it("is found from the folder of the schema's parts, too", function()
    assert.equal(1, #notes("/schema/", { ["schema/a.graphql"] = "type A { a: Int }", ["pipelineFunctions/f.js"] = "x" }))
  end)
end)
