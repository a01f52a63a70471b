local folder = require("spec.support.folder")
local program = require("appsync.server.program")
local time_limit = require("appsync.server.time_limit")

describe("a program", function()
  local made, path_before

  before_each(function()
    path_before = package.path
  end)

  after_each(function()
    package.path = path_before
    package.loaded["titles"], package.loaded["later.words"], package.loaded["spinning"] = nil, nil, nil
    made.remove()
  end)

  local function make(files)
    made = folder.make(files)
    return program.new({ schema = made.path .. "/s.graphql", resolvers = made.path .. "/r.lua" })
  end

  it("is its schema and its resolvers", function()
    local p = make({ ["s.graphql"] = "type Query { a: Int }", ["r.lua"] = "return { Query = { a = function() return 1 end } }" })
    local text = assert(p:read())
    assert.equal("type Query { a: Int }\n", text.source.text)
    assert.equal(1, text.resolvers.Query.a())
    assert.is_nil(p.current)
  end)

  it("is versioned as its words and its project say", function()
    made = folder.make({
      ["s.graphql"] = "type Query { a: Int }", ["models.json"] = '{"Todo": {"conflict": "none"}}',
      ["transform.conf.json"] = '{"ResolverConfig": {"project": {"ConflictHandler": "AUTOMERGE", "ConflictDetection": "VERSION"}}}',
    })
    local p = program.new({ schema = made.path .. "/s.graphql", conflict = { models_path = made.path .. "/models.json" } })
    local text = assert(p:read())
    assert.equal("AUTOMERGE", text.conflict.handler)
    assert.matches("conflict detection: AUTOMERGE, Todo NONE, from ", text.notes[1], 1, true)
    assert.same({ made.path .. "/s.graphql", made.path .. "/transform.conf.json", made.path .. "/models.json" }, p:files())
    made.write("models.json", "[]")
    local _, faults = p:read()
    assert.matches("models.json: the file must hold an object", faults[1].message, 1, true)
  end)

  it("has the faults of both", function()
    local _, faults = make({ ["r.lua"] = "return 1" }):read()
    assert.equal(2, #faults)
    assert.matches("s.graphql: No such file", faults[1].message)
    assert.matches("must return a table", faults[2].message)
  end)

  it("finds modules beside its resolvers, and loads them anew with them", function()
    local p = make({
      ["s.graphql"] = "type Query { a: String }", ["titles.lua"] = "return 'one'",
      ["r.lua"] = "local title = require('titles') return { Query = { a = function() return title end } }",
    })
    assert.equal("one", p:read().resolvers.Query.a())
    made.write("titles.lua", "return 'two'")
    assert.equal("two", p:read().resolvers.Query.a())
  end)

  it("is watched with the modules that were required, even late", function()
    local p = make({
      ["s.graphql"] = "type Query { a: String }", ["later/words.lua"] = "return 'one'",
      ["r.lua"] = "return { Query = { a = function() return require('later.words') end } }",
    })
    local text = assert(p:read())
    local base = { made.path .. "/s.graphql", made.path .. "/r.lua" }
    assert.same(base, p:files())
    assert.equal("one", text.resolvers.Query.a())
    base[3] = made.path .. "/later/words.lua"
    assert.same(base, p:files())
    assert.equal("return 'one'", p:contents()[base[3]])
  end)

  it("keeps the modules that were loaded when the new resolvers are broken", function()
    local p = make({
      ["s.graphql"] = "type Query { a: String }", ["titles.lua"] = "return { 'one' }",
      ["r.lua"] = "local title = require('titles') return { Query = { a = function() return title end } }",
    })
    p:read()
    local before = package.loaded["titles"]
    made.write("r.lua", "require('titles') error('broken')")
    assert.is_nil((p:read()))
    assert.equal(before, package.loaded["titles"])
  end)

  it("has one plug-in for a directive", function()
    local text = 'return { name = "up", definition = "directive @up on OBJECT", object = function() end }'
    made = folder.make({ ["s.graphql"] = "type Query { a: Int }", ["up.lua"] = text, ["other.lua"] = text })
    local up, other = made.path .. "/up.lua", made.path .. "/other.lua"
    local read, faults = program.new({ schema = made.path .. "/s.graphql", transforms = { up, other } }):read()
    assert.is_nil(read)
    assert.same({ { path = other, message = "@up is already a directive of " .. up } }, faults)
  end)

  it("has modules whose functions can be interrupted", function()
    local text = assert(make({
      ["s.graphql"] = "type Query { a: Int }", ["spinning.lua"] = "return function() while true do end end",
      ["r.lua"] = "local spin = require('spinning') return { Query = { a = function() spin() end } }",
    }):read())
    local ok, thrown = time_limit.pcall(0.01, text.resolvers.Query.a)
    assert.is_false(ok)
    assert.equal(time_limit.error, thrown)
  end)

  it("tells of a schema's folder which files are in it, and of each what it says", function()
    made = folder.make({ ["api/a.graphql"] = "type Query { a: Int }", ["api/b.graphql"] = "type B { b: Int }" })
    local api = made.path .. "/api"
    local p = program.new({ schema = api })
    assert(p:read())
    assert.same({
      [api] = api .. "/a.graphql\n" .. api .. "/b.graphql", [api .. "/a.graphql"] = "type Query { a: Int }",
      [api .. "/b.graphql"] = "type B { b: Int }",
    }, p:contents())
  end)

  it("leaves modules alone that are installed elsewhere, or were there before", function()
    local p = make({ ["s.graphql"] = "type Query { a: String }", ["r.lua"] = "require('socket') return {}" })
    local before = package.loaded["socket"]
    p:read()
    p:read()
    assert.equal(before or package.loaded["socket"], package.loaded["socket"])
    assert.equal(2, #p:files())
  end)
end)
