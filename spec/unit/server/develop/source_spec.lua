local folder = require("spec.support.folder")
local source = require("appsync.server.develop.source")

describe("the schema's text", function()
  local made

  local function make(files)
    made = folder.make(files)
    return made.path
  end

  after_each(function()
    if made then made.remove() end
    made = nil
  end)

  local function names(read)
    local list = {}
    for i, file in ipairs(read.files) do list[i] = file.path:sub(#made.path + 2) end
    return list
  end

  it("is a file", function()
    local path = make({ ["any.gql"] = "type Query { a: Int }" })
    local read = assert(source.read(path .. "/any.gql"))
    assert.equal("type Query { a: Int }\n", read.text)
    assert.same({ "any.gql" }, names(read))
  end)

  it("is a folder's *.graphql files in the order of their names, those of inner folders too", function()
    local path = make({
      ["b.graphql"] = "type B { x: Int }\n", ["a.graphql"] = "type A { x: Int }", ["inner/c.graphql"] = "type C { x: Int }",
      ["notes.txt"] = "no", [".d.graphql"] = "no", ["e.graphql~"] = "no",
    })
    local read = assert(source.read(path))
    assert.equal("type A { x: Int }\ntype B { x: Int }\ntype C { x: Int }\n", read.text)
    assert.same({ "a.graphql", "b.graphql", "inner/c.graphql" }, names(read))
    assert.same({ path, path, path .. "/inner", path .. "/a.graphql", path .. "/b.graphql", path .. "/inner/c.graphql" },
      read.watched)
  end)

  it("is the folder `schema` of an API's folder", function()
    local read = assert(source.read(make({ ["schema/a.graphql"] = "type A { x: Int }", ["other.graphql"] = "no" })))
    assert.same({ "schema/a.graphql" }, names(read))
    assert.is_nil(read.note)
  end)

  it("is schema.graphql, which takes precedence over a folder `schema`, and says so", function()
    local path = make({ ["schema.graphql"] = "type A { x: Int }", ["schema/a.graphql"] = "no" })
    for _, given in ipairs({ path, path .. "/", path .. "/schema", path .. "/schema/" }) do
      local read = assert(source.read(given))
      assert.same({ "schema.graphql" }, names(read))
      assert.matches("schema.graphql takes precedence over the folder .*/schema/?$", read.note)
    end
  end)

  it("misses no file of its folder: a link to nowhere is told", function()
    local path = make({ ["a.graphql"] = "type Query { a: Int }" })
    assert(os.execute(("ln -s nowhere '%s/b.graphql' && ln -s nowhere '%s/c.txt'"):format(path, path)))
    local read, fault = source.read(path)
    assert.is_nil(read)
    assert.matches("/b%.graphql: No such file", fault.message)
  end)

  it("loses a byte order mark, and has lines that end alike", function()
    local path = make({ ["a.graphql"] = "\239\187\191type A {\r\n x: Int\r}" })
    assert.equal("type A {\n x: Int\n}\n", source.read(path).text)
  end)

  it("must be there", function()
    local path = make({ ["notes.txt"] = "" })
    local _, fault = source.read(path .. "/none.graphql")
    assert.equal(path .. "/none.graphql: No such file or directory", fault.message)
    _, fault = source.read(path)
    assert.equal(path .. ": there is no *.graphql file in this folder", fault.message)
  end)

  describe("with a fault", function()
    local function faults(files, err)
      local path = make(files)
      local list = source.read(path):faults(err)
      for _, fault in ipairs(list) do fault.path = fault.path and fault.path:sub(#path + 2) end
      return list
    end

    it("tells the file and the line within it", function()
      local files = { ["a.graphql"] = "type A {\n x: Int\n}", ["b.graphql"] = "type B {\n y: No\n}" }
      assert.same({ { path = "b.graphql", line = 2, column = 5, message = "type 'No' is unknown", text = " y: No" } },
        faults(files, { message = "type 'No' is unknown", line = 5, column = 5 }))
      made.remove()
      assert.equal("a.graphql", faults(files, { message = "m", line = 3, column = 1 })[1].path)
    end)

    it("tells the faults of the syntax of every file, each in its own", function()
      local found = faults({ ["a.graphql"] = "type A { x: Int", ["b.graphql"] = "# nothing", ["c.graphql"] = "\ntype C { x }" },
        { message = "anything", line = 2, column = 1 })
      assert.equal(2, #found)
      assert.same({ "a.graphql", 1, 16 }, { found[1].path, found[1].line, found[1].column })
      assert.same({ "c.graphql", 2, 12 }, { found[2].path, found[2].line, found[2].column })
      assert.equal("Syntax error: expected Name, found end of text", found[1].message)
    end)

    it("tells the others that come with it", function()
      local found = faults({ ["a.graphql"] = "type A { x: Int }" },
        { message = "one", line = 1, column = 1, others = { { message = "two", line = 1, column = 6 } } })
      assert.same({ "one", "two" }, { found[1].message, found[2].message })
    end)

    it("tells no place where there is none", function()
      assert.same({ { message = "the store is gone" } }, faults({ ["a.graphql"] = "x" }, { message = "the store is gone" }))
    end)
  end)
end)
