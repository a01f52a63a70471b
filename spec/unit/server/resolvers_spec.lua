local process = require("spec.support.process")
local resolvers = require("appsync.server.resolvers")

describe("a resolvers file", function()
  after_each(function() process.stop_all() end)

  local path

  local function load(text)
    path = process.file(text, ".lua")
    return resolvers.load(path)
  end

  it("gives resolvers by type, and the authorizer apart", function()
    local loaded = assert(load("return { Query = { a = function() return 1 end }, authorizer = function() end }"))
    assert.equal(1, loaded.by_type.Query.a())
    assert.is_nil(loaded.by_type.authorizer)
    assert.is_function(loaded.authorizer)
  end)

  it("gives conflict handlers apart", function()
    local loaded = assert(load("return { conflict_handlers = { merge = function() return 1 end } }"))
    assert.same({}, loaded.by_type)
    assert.equal(1, loaded.conflict_handlers.merge())
  end)

  it("gives the functions of @function apart", function()
    local loaded = assert(load("return { functions = { f = function() return 1 end } }"))
    assert.equal(1, loaded.functions.f())
    assert.same({}, loaded.by_type)
  end)

  local faults = {
    { "return { functions = 1 }", "functions must be a table of functions, not a number", 1 },
    { "return { functions = {\n f = 2 } }", "functions.f must be a function, not a number", 2, " f = 2 } }" },
    { "return {\n conflict_handlers = 1 }", "conflict_handlers must be a table of functions, not a number", 2 },
    { "return {\n conflict_handlers = { merge = 1 } }", "conflict_handlers.merge must be a function, not a number", 2 },
    { "return 1", "the file must return a table {Query = {field = function(ctx) … end}, …}, not a number" },
    { "return {\n  Query = 1\n}", "Query must be a table of functions, not a number", 2, "  Query = 1" },
    { "return {\n  Query = {\n    a = 1,\n  }\n}", "Query.a must be a function, not a number", 3, "    a = 1," },
    { "return { Query = { a = 1 }, X = { a = print } }", "Query.a must be a function, not a number", 1 },
    { "local a = 1\nreturn { Query = { a = a } }", "Query.a must be a function, not a number" },
    { "return {\n authorizer = {} }", "authorizer must be a function, not a table", 2 },
    { "\nerror('boom')", "boom", 2, "error('boom')" },
  }
  for _, fault in ipairs(faults) do
    it("is refused when it says " .. fault[1]:gsub("\n", " "), function()
      local loaded, found = load(fault[1])
      assert.is_nil(loaded)
      assert.equal(fault[2], found.message)
      assert.equal(path, found.path)
      assert.equal(fault[3], found.line)
      if fault[4] then assert.equal(fault[4], found.text) end
    end)
  end

  it("is refused with the place where it isn't Lua", function()
    local _, found = load("return {\n  Query = = 1\n}")
    assert.equal(2, found.line)
    assert.matches("near '='", found.message)
    assert.equal("  Query = = 1", found.text)
  end)

  it("is refused with a traceback of its own functions when it fails", function()
    local _, found = load("local function deep() local x = nil + 1 return x end\ndeep()\nreturn {}")
    assert.equal(1, found.line)
    assert.matches("^stack traceback:\n", found.traceback)
    assert.matches(path .. ":2: in", found.traceback, 1, true)
    assert.is_nil(found.traceback:find("resolvers.lua", 1, true))
  end)

  it("is refused when it isn't there", function()
    local loaded, found = resolvers.load("/nonexistent.lua")
    assert.is_nil(loaded)
    assert.equal("/nonexistent.lua: No such file or directory", found.message)
  end)

  describe("beside its schema", function()
    local SCHEMA = {
      types = {
        Query = { kind = "OBJECT", fields = { alpha = {}, beta = {} } }, Input = { kind = "INPUT_OBJECT", fields = {} },
        Todo = { kind = "OBJECT", fields = { id = {} } },
      },
    }

    it("fits when each resolver has its field", function()
      assert.is_true(resolvers.fit({ Query = { alpha = print }, Todo = {} }, SCHEMA))
    end)

    it("is told of every resolver that has none, where it stands, and what was probably meant", function()
      local loaded = assert(load("return { Query = {\n alpa = function() end,\n gamma = function() end },\n Qery = {} }"))
      local ok, fault = resolvers.fit(loaded.by_type, SCHEMA)
      assert.is_nil(ok)
      assert.equal("resolvers: 'Qery' is not an object type of the schema, did you mean 'Query'?", fault.message)
      local first, second = fault.others[1], fault.others[2]
      assert.equal("resolvers: type 'Query' has no field 'alpa', did you mean 'alpha'?", first.message)
      assert.same({ path, 2, " alpa = function() end," }, { first.path, first.line, first.text })
      assert.equal("resolvers: type 'Query' has no field 'gamma'", second.message)
      assert.equal(3, second.line)
    end)

    it("may have names of any kind, and is refused", function()
      for by_type, message in pairs({
        [{ Input = {} }] = "'Input' is not an object type", [{ [1] = {} }] = "'1' is not an object type",
        [{ Query = print }] = "'Query' must be a table", [{ Query = { alpha = 1 } }] = "'Query.alpha' is not a function",
        [{ Query = { [{}] = print } }] = "has no field 'table",
      }) do
        assert.matches(message, select(2, resolvers.fit(by_type, SCHEMA)).message)
      end
    end)
  end)
end)
