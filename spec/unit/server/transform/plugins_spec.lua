local core = require("appsync.core")
local engine = require("appsync.server.engine")
local plugins = require("appsync.server.transform.plugins")

local served

local function plugin(fields)
  return assert(plugins.check(fields, "plugins/mine.lua"))
end

local function make(schema_text, list, resolvers)
  local err
  served, err = engine.new({ schema_text = schema_text, transforms = list, resolvers = resolvers,
    uuid = function() return "id-1" end, now = function() return 0 end })
  return served, err
end

local function data(query)
  local answer = core.decode((served:execute({ query = query })))
  assert.is_nil(answer.errors)
  return answer.data
end

local function upper()
  return plugin({
    name = "upper", definition = "directive @upper(suffix: String) on FIELD_DEFINITION",
    field = function(api, type_node, field_node, directive)
      local suffix = api:arguments(directive).suffix or ""
      api:wrap(type_node.name, field_node.name, function(ctx, next)
        local value = next(ctx)
        return type(value) == "string" and value:upper() .. suffix or value
      end)
    end,
  })
end

describe("a directive plug-in", function()
  after_each(function()
    if served then served:close() end
    served = nil
  end)

  it("wraps what resolves a field: a property, a generated resolver, the user's own", function()
    assert(make([[type Todo @model { id: ID! name: String @upper(suffix: "!") }
      type Query { hello: String @upper plain: String @upper }]], { upper() },
      { Query = { hello = function() return "hello" end } }))
    assert.same({ createTodo = { name = "MILK!" } }, data('mutation { createTodo(input: {name: "milk"}) { name } }'))
    assert.same({ getTodo = { name = "MILK!" } }, data('{ getTodo(id: "id-1") { name } }'))
    assert.same({ hello = "HELLO", plain = core.null }, data("{ hello plain }"))
    assert.falsy(served:print_schema():find("upper", 1, true))
  end)

  it("wraps in the order of its uses, later ones outside", function()
    local function add(name)
      return plugin({ name = name, definition = ("directive @%s on FIELD_DEFINITION"):format(name),
        field = function(api, type_node, field_node)
          api:wrap(type_node.name, field_node.name, function(ctx, next) return next(ctx) .. name end)
        end })
    end
    assert(make("type Query { a: String @two @one }", { add("one"), add("two") }, { Query = { a = function() return "" end } }))
    assert.equal("onetwo", data("{ a }").a)
  end)

  it("adds types, fields, models and resolvers", function()
    local audited = plugin({
      name = "audited", definition = "directive @audited(by: Kind = ALL) on OBJECT enum Kind { ALL NONE }",
      object = function(api, type_node, directive)
        assert.equal("NONE", api:arguments(directive).by)
        assert.is_truthy(api:directive(type_node, "model"))
        assert.equal("ID!", api:type_text(api:type("Todo").fields[1]))
        assert.is_nil(api:type("Nope"))
        api:add(("type %sAudit @model { text: String! } extend type Query { last%sAudit: String }"):format(type_node.name,
          type_node.name))
        api:resolver("Query", "last" .. type_node.name .. "Audit", function() return "none yet" end)
      end,
    })
    assert(make("type Todo @model @audited(by: NONE) { id: ID! } type Query { a: Int }", { audited }))
    assert.same({ lastTodoAudit = "none yet", listTodoAudits = { items = setmetatable({}, core.array_mt) } },
      data("{ lastTodoAudit listTodoAudits { items { id } } }"))
  end)

  it("reads its arguments by their definition", function()
    local seen = {}
    local typed = plugin({
      name = "typed", definition = [[directive @typed(s: String = "x", n: Int = 2, f: Float, b: Boolean, l: [Kind!] = [A], o: Of, z: Int = 1)
        on FIELD_DEFINITION enum Kind { A B } input Of { id: ID!, deep: [Of] }]],
      field = function(api, _, _, directive) seen[#seen + 1] = api:arguments(directive) end,
    })
    assert(make("type Query { a: Int @typed b: Int @typed(s: \"y\", f: 1.5, b: false, l: B, o: {id: 5, deep: [{id: \"6\"}]}, z: null) }", { typed }))
    assert.same({ s = "x", n = 2, l = { "A" }, z = 1 }, seen[1])
    assert.same({ s = "y", n = 2, f = 1.5, b = false, l = { "B" }, o = { id = "5", deep = { { id = "6" } } }, z = core.null }, seen[2])
  end)

  it("sees the models when they are expanded, and may add to what is served", function()
    local names = {}
    local seen = plugin({ name = "seen", definition = "directive @seen on OBJECT", object = function() end,
      finish = function(api, models)
        for _, m in ipairs(models) do names[#names + 1] = m.name .. " " .. m.ops.list end
        api:add("extend type Query { models: Int! @aws_api_key }")
        api:resolver("Query", "models", function() return #models end)
      end })
    assert(make("type A @model @seen { id: ID! } type B @model { id: ID! }", { seen }))
    assert.same({ "A listAS", "B listBS" }, names)
    assert.equal(2, data("{ models }").models)
  end)

  it("may give a meaning to a directive of Amplify's that isn't carried out here", function()
    local fn = plugin({ name = "function", definition = "directive @function(name: String!) repeatable on FIELD_DEFINITION",
      field = function(api, type_node, field_node, directive)
        local name = api:arguments(directive).name
        api:resolver(type_node.name, field_node.name, function(ctx) return name .. " of " .. ctx.args.text end)
      end })
    assert(make('type Query { echo(text: String!): String @function(name: "echo") }', { fn }))
    assert.equal("echo of me", data('{ echo(text: "me") }').echo)
  end)

  it("may give another meaning to one that is", function()
    local searchable = plugin({ name = "searchable", definition = "directive @searchable(fields: [String!]!) on OBJECT",
      object = function(api, type_node, directive)
        api:add("extend type Query { find: String }")
        local fields = api:arguments(directive).fields
        api:resolver("Query", "find", function() return type_node.name .. " by " .. fields[1] end)
      end })
    assert(make('type A @searchable(fields: ["x"]) { x: Int } type Query { a: A }', { searchable }))
    assert.equal("A by x", data("{ find }").find)
  end)

  it("yields to the user's resolvers", function()
    local given = plugin({ name = "given", definition = "directive @given on FIELD_DEFINITION",
      field = function(api, type_node, field_node) api:resolver(type_node.name, field_node.name, function() return 1 end) end })
    assert(make("type Query { a: Int @given b: Int @given }", { given }, { Query = { b = function() return 2 end } }))
    assert.same({ a = 1, b = 2 }, data("{ a b }"))
  end)

  local function failing(field)
    return plugin({ name = "bad", definition = "directive @bad(n: Int) on FIELD_DEFINITION", field = field })
  end

  for _, row in ipairs({
    { "that throws", function() error("no such thing") end, "@bad: .*plugins_spec.lua:%d+: no such thing" },
    { "that throws without a place", function() error("no such thing", 0) end, "^@bad: plugins/mine.lua: no such thing" },
    { "that throws what can't be shown", function() error(setmetatable({}, { __tostring = error })) end,
      "^@bad: plugins/mine.lua: an error that can't be shown" },
    { "that refuses", function(api) api:fail("not on Tuesdays") end, "^@bad: not on Tuesdays %(line 2" },
    { "that adds no SDL", function(api) api:add("type {") end, "^@bad: the SDL that it adds is invalid: .+ %(line 2, column 16%)$" },
    { "that adds no text", function(api) api:add(5) end, "^@bad: api:add expects SDL, not a number" },
    { "that adds unknown directives", function(api) api:add("type A { a: Int @nope }") end, "^@bad: directive @nope is unknown" },
    { "that adds unknown types", function(api) api:add("type A { a: Nope }") end, "^type 'Nope' is unknown" },
    { "that resolves what isn't there", function(api) api:resolver("Query", "b", print) end,
      "^@bad resolves 'Query.b', which isn't a field of an object type" },
    { "that wraps what isn't there", function(api) api:wrap("Int", "b", print) end, "^@bad resolves 'Int.b', which isn't a field" },
    { "that resolves twice", function(api)
      api:resolver("Query", "a", print)
      api:resolver("Query", "a", print)
    end, "^@bad: 'Query.a' already has a resolver of a plug%-in" },
    { "that resolves with no function", function(api) api:resolver("Query", "a", 5) end, "^@bad: api:resolver expects" },
    { "that wraps with no function", function(api) api:wrap("Query") end, "^@bad: api:wrap expects" },
    { "that reads wrong arguments", function(api, _, _, directive) api:arguments(directive) end,
      "^@bad: @bad's 'n' must be an integer" },
  }) do
    it(row[1] .. " is told with the place of its directive", function()
      local made, err = make('type Query {\n  a: Int       @bad(n: "x") }', { failing(row[2]) })
      assert.is_nil(made)
      assert.matches(row[3], err.message)
      assert.equal(2, err.line)
      assert.equal(16, err.column)
    end)
  end

  it("that throws at the end is told with its name and its file", function()
    local made, err = make("type Query { a: Int }", { plugin({ name = "bad", definition = "directive @bad on OBJECT",
      object = print, finish = function() error({ message = "too late" }) end }) })
    assert.is_nil(made)
    assert.same({ path = "plugins/mine.lua", message = "@bad: too late" }, err)
  end)

  it("is checked like other directives: its place and its arguments", function()
    local _, err = make("type Query @upper { a: Int }", { upper() })
    assert.equal("directive @upper is not allowed on OBJECT (line 1, column 12)", err.message)
    _, err = make("type Query { a: Int @upper(x: 1) }", { upper() })
    assert.equal("directive @upper has no argument 'x' (line 1, column 28)", err.message)
  end)

  for _, row in ipairs({
    { 5, "a directive plug-in must return a table {name = …, definition = …}, not a number" },
    { {}, "'name' is missing: the directive's name" },
    { { name = "a" }, "'definition' is missing: the directive's SDL" },
    { { name = 5 }, "'name' must be a string, not a number" },
    { { name = "a", objects = print }, "a directive plug-in has no 'objects'; it may have name, definition, object, field, finish" },
    { { name = "a", definition = "directive" }, "^'definition': " },
    { { name = "a", definition = "directive @b on OBJECT" }, "'definition' must define @a and no other directive" },
    { { name = "a", definition = "enum E { A }" }, "'definition' doesn't define @a" },
    { { name = "a", definition = "directive @a on OBJECT type A { a: Int }" },
      "'definition' may contain the directive, enums and inputs; types are added with api:add" },
    { { name = "a", definition = "directive @a on ENUM" },
      "@a is defined on ENUM; a plug-in's directive must be on OBJECT or FIELD_DEFINITION" },
    { { name = "a", definition = "directive @a on OBJECT" }, "@a is defined on OBJECT, so 'object' must be a function" },
    { { name = "model", definition = "directive @model on OBJECT", object = print }, "@model is already implemented" },
    { { name = "aws_iam", definition = "directive @aws_iam on OBJECT", object = print }, "@aws_iam is already implemented" },
  }) do
    it("is refused: " .. row[2], function()
      local made, message = plugins.check(row[1], "p.lua")
      assert.is_nil(made)
      if row[2]:sub(1, 1) == "^" then assert.matches(row[2], message) else assert.equal(row[2], message) end
    end)
  end

  local function written(text)
    local path = os.tmpname()
    local file = assert(io.open(path, "wb"))
    file:write(text)
    file:close()
    local loaded, fault = plugins.load(path)
    os.remove(path)
    return loaded, fault, path
  end

  it("is a file", function()
    local loaded, _, path = written('return { name = "a", definition = "directive @a on OBJECT", object = function() end }')
    assert.equal("a", loaded.name)
    assert.equal(path, loaded.path)
  end)

  it("is refused with the line of its file", function()
    local loaded, fault, path = written("\nreturn {")
    assert.is_nil(loaded)
    assert.equal(path, fault.path)
    assert.equal(2, fault.line)
    loaded, fault = written("\n\nerror('no')")
    assert.is_nil(loaded)
    assert.same({ 3, "no" }, { fault.line, fault.message })
    loaded, fault = written("return 5")
    assert.is_nil(loaded)
    assert.is_nil(fault.line)
    assert.matches("must return a table", fault.message)
    loaded, fault = plugins.load("/nonexistent/p.lua")
    assert.is_nil(loaded)
    assert.matches("nonexistent", fault.message)
  end)
end)
