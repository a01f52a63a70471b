local bindings = require("appsync.server.functions.bindings")
local core = require("appsync.core")
local engine = require("appsync.server.engine")
local plugins = require("appsync.server.transform.plugins")
local time_limit = require("appsync.server.time_limit")
local waiting = require("appsync.server.waiting")

describe("fields with @function", function()
  local made, failures

  local function make(schema, functions, options)
    options = options or {}
    failures = {}
    options.schema_text, options.functions = schema, functions
    options.on_failure = function(failure) failures[#failures + 1] = failure end
    made = assert(engine.new(options))
    return made
  end

  local function run(query, options)
    options = options or {}
    options.query = query
    local text = made:execute(options)
    return assert(core.decode(text))
  end

  after_each(function() if made then made:close() end end)

  it("call a Lua function with the event that Amplify's resolvers make", function()
    local seen
    make('type Query { echo(a: Int, b: [String]): Echo @function(name: "echo") } type Echo { a: Int up: String @function(name: "up") }', {
      echo = function(event)
        seen = event
        return { a = event.arguments.a, extra = true }
      end,
      up = function(event) return event.typeName .. "." .. event.fieldName .. " " .. event.source.a end,
    })
    assert.same({ echo = { a = 1, up = "Echo.up 1" } }, run('{ echo(a: 1, b: ["x"]) { a up } }', { headers = { host = "h" } }).data)
    assert.same({ typeName = "Query", fieldName = "echo", arguments = { a = 1, b = { "x" } }, identity = core.null,
      source = core.null, request = { headers = { host = "h" }, domainName = core.null }, prev = { result = {} } }, seen)
  end)

  it("hand the result on in a chain, whose last is the field's", function()
    local seen = {}
    make('type Query { a(n: Int): Int @function(name: "one") @function(name: "two") @function(name: "one") }', {
      one = function(event) seen[#seen + 1] = event.prev.result return { n = event.arguments.n } end,
      two = function(event) seen[#seen + 1] = event.prev.result return core.null end,
    })
    assert.same({ { message = "Can't serialize value (/a) : Expected type 'Int' but was 'LinkedHashMap'.", path = { "a" },
      locations = core.null } }, run("{ a(n: 1) }").errors)
    assert.same({ {}, { n = 1 }, core.null }, seen)
  end)

  it("are null for a function that gives nothing", function()
    make('type Query { a: Int @function(name: "f") b: Int @function(name: "g") }', { f = function() end, g = function() return core.null end })
    assert.same({ data = { a = core.null, b = core.null } }, run("{ a b }"))
  end)

  it("have the service's errors for what a function throws or gives as one", function()
    make([[type Query { a: Int @function(name: "a") b: Int @function(name: "b") c: Int @function(name: "c") d: Int @function(name: "d") }]], {
      a = function() error("went wrong") end, b = function() return { errorMessage = "told", errorType = "Mine" } end,
      c = function() error({ message = "an object", type = "Mine" }) end,
    })
    local errors = run("{ a b c d }").errors
    local shown = {}
    for i, err in ipairs(errors) do shown[i] = err.path[1] .. " " .. err.errorType .. ": " .. err.message end
    assert.same({ "a Lambda:Unhandled: went wrong", "b Lambda:Unhandled: told", "c Lambda:Unhandled: an object",
      "d Lambda:ResourceNotFoundException: Function not found: nothing is bound to 'd'. Bind it with --function d=COMMAND, or to a "
        .. "Lua function in 'functions' of the resolvers file." }, shown)
    assert.equal(2, #failures)
    assert.equal("a", failures[1].field_name)
    assert.matches("function_fields_spec.lua:%d+$", failures[1].place)
  end)

  it("end a Lua function that takes too long", function()
    local loop = assert((loadstring or load)("return function() while true do end end")) -- luacheck: compat
    make('type Query { a: Int @function(name: "a") b: Int @function(name: "b") }',
      { a = time_limit.interruptible(loop)(), b = function() return 2 end }, { function_timeout = 0.05 })
    local answer = run("{ a b }")
    assert.equal("Lambda:Unhandled", answer.errors[1].errorType)
    assert.matches("Task timed out after", answer.errors[1].message)
    assert.equal(2, answer.data.b)
  end)

  it("find a name with the environment in it by the name without, or with", function()
    make('type Query { a: Int @function(name: "a-${env}") b: Int @function(name: "b-${env}") c: Int @function(name: "${env}c") }', {
      a = function() return 1 end, ["b-${env}"] = function() return 2 end, c = function() return 3 end,
    })
    assert.same({ a = 1, b = 2, c = 3 }, run("{ a b c }").data)
    assert.same({ {}, {} }, { made.unbound, made.unused })
  end)

  it("tell which names are bound to nothing, and which bindings are for nothing", function()
    make('type Query { a: Int @function(name: "a-${env}") b: Int @function(name: "b") c: Int @function(name: "c") @function(name: "a-${env}") }',
      { c = function() end, typo = function() end }, { resolvers = { Query = { b = function() return 2 end } },
        function_bindings = bindings.new({ spare = { words = { "x" }, by_lines = false } }) })
    assert.same({ { "a-${env}" }, { "spare", "typo" } }, { made.unbound, made.unused })
    assert.equal(2, run("{ b }").data.b) -- a resolver of one's own stands instead
  end)

  it("need something that can wait for a process", function()
    make('type Query { a: Int @function(name: "a") }', nil, { function_bindings = bindings.new({ a = { words = { "x" }, by_lines = false } }) })
    assert.matches("can't be called here", run("{ a }").errors[1].message)
  end)

  it("of subscriptions call Lua functions only: nothing waits for them", function()
    local SUBSCRIPTION = [[type Query { a: Int } type Mutation { m: Int }
      type Subscription { s: Int @function(name: "f") @aws_subscribe(mutations: ["m"]) }]]
    local called, asked = 0, 0
    make(SUBSCRIPTION, { f = function() called = called + 1 end })
    assert.is_table(made:subscribe({ query = "subscription { s }" }))
    assert.equal(1, called)
    made:close()
    local known = bindings.new({ f = { words = { "x" }, by_lines = false } })
    known.processes = { invoke = function() asked = asked + 1 end }
    make(SUBSCRIPTION, nil, { function_bindings = known })
    waiting.run(function()
      local none, errors = made:subscribe({ query = "subscription { s }" })
      assert.is_nil(none)
      assert.matches("can't be called here", errors[1].message)
    end)
    assert.equal(0, asked)
  end)

  it("wait for processes, and others run meanwhile", function()
    local known, dones = bindings.new({ f = { words = { "x" }, by_lines = false } }), {}
    known.processes = { invoke = function(_, _, json, done) dones[#dones + 1] = { json = json, done = done } end }
    make([[type Query { a(n: Int): Int @function(name: "f") b: Int } type Mutation { m(n: Int): M @function(name: "f") n: Int }
      type M { n: Int again: Int @function(name: "f") }]], nil,
      { function_bindings = known, resolvers = { Query = { b = function() return 2 end } } })
    local answers = {}
    for i, query in ipairs({ "{ a(n: 1) }", "mutation { m(n: 1) { n again } x: m(n: 2) { n } }" }) do
      waiting.run(function()
        local text, published = made:execute({ query = query })
        answers[i] = { core.decode(text), published }
      end)
    end
    assert.same({ data = { b = 2 } }, run("{ b }"))
    assert.same({}, answers)
    dones[2].done({ value = { n = 7 } })
    assert.equal(3, #dones) -- `again` comes before the second mutation
    assert.equal("M", core.decode(dones[3].json).typeName)
    dones[1].done({ err = { message = "late", type = "Lambda:Unhandled" } })
    assert.equal("late", answers[1][1].errors[1].message)
    dones[3].done({ value = 8 })
    assert.equal(4, #dones)
    dones[4].done({ value = { n = 9 } })
    assert.same({ m = { n = 7, again = 8 }, x = { n = 9 } }, answers[2][1].data)
    assert.equal(2, #answers[2][2])
  end)

  -- PUC 5.1 can't wait inside of xpcall.
  local can_wrap = _VERSION ~= "Lua 5.1" or rawget(_G, "jit") ~= nil
  it(can_wrap and "can be wrapped; waiting doesn't count as the wrap's time" or "can't be wrapped on PUC 5.1", function()
    local known, finish = bindings.new({ f = { words = { "x" }, by_lines = false } }), nil
    known.processes = { invoke = function(_, _, _, done) finish = done end }
    local plugin = assert(plugins.check({ name = "twice", definition = "directive @twice on FIELD_DEFINITION",
      field = function(api, type_node, field_node)
        api:wrap(type_node.name, field_node.name, function(ctx, next) return 2 * next(ctx) end)
      end }, "twice.lua"))
    make('type Query { a: Int @twice @function(name: "f") }', nil,
      { function_bindings = known, transforms = { plugin }, resolver_timeout = 0.02 })
    local answer
    waiting.run(function() answer = made:execute({ query = "{ a }" }) end)
    if not can_wrap then
      assert.matches("yield", answer)
      return
    end
    assert.is_nil(answer)
    local late = core.now() + 0.05
    while core.now() < late do made:execute({ query = "{ __typename }" }) end
    finish({ value = 4 })
    assert.equal('{"data":{"a":8}}', answer)
  end)

  it("aren't waited for with 'invocationType: Event'", function()
    local seen = {}
    make([[type Query { a: EventInvocationResponse @function(name: "f", invocationType: Event) }
      type EventInvocationResponse { success: Boolean! }]], { f = function(event) seen[1] = event.fieldName error("nobody sees") end })
    assert.same({ data = { a = { success = true } } }, run("{ a { success } }"))
    assert.same({ "a" }, seen)
  end)

  it("hold the rules of @auth, and are called with who asks", function()
    local calls = 0
    make([[type Query { a: String @function(name: "f") @auth(rules: [{ allow: groups, groups: ["admin"] }]) }
      type Todo @model @auth(rules: [{ allow: owner }]) { name: String shout: String @function(name: "shout") }]], {
      f = function(event) calls = calls + 1 return event.identity.username end,
      shout = function(event) return event.source.name:upper() end,
    }, { auth_modes = { default = "AMAZON_COGNITO_USER_POOLS", additional = {} } })
    local function user(name, groups)
      return { identity = { mode = "AMAZON_COGNITO_USER_POOLS", username = name, sub = name, groups = groups,
        claims = { sub = name, username = name, ["cognito:groups"] = groups } } }
    end
    assert.equal("Unauthorized", run("{ a }", user("bob", { "other" })).errors[1].errorType)
    assert.equal(0, calls)
    assert.equal("ann", run("{ a }", user("ann", { "admin" })).data.a)
    assert.equal("HI", run('mutation { createTodo(input: { name: "hi" }) { shout } }', user("ann")).data.createTodo.shout)
  end)

  it("hold the rules of a model whose operation they stand for", function()
    local calls = 0
    make([[type Todo @model @auth(rules: [{ allow: groups, groups: ["admin"] }]) { name: String }
      type Mutation { createTodo(input: CreateTodoInput!): Todo @function(name: "f") }]], {
      f = function(event) calls = calls + 1 return { id = "1", name = event.arguments.input.name } end,
    }, { auth_modes = { default = "AMAZON_COGNITO_USER_POOLS", additional = {} } })
    local function create(groups)
      return run('mutation { createTodo(input: { name: "n" }) { name } }', { identity = { mode = "AMAZON_COGNITO_USER_POOLS",
        username = "ann", sub = "ann", groups = groups, claims = { sub = "ann", ["cognito:groups"] = groups } } })
    end
    assert.equal("Unauthorized", create({ "other" }).errors[1].errorType)
    assert.equal(0, calls)
    assert.same({ createTodo = { name = "n" } }, create({ "admin" }).data)
    assert.equal(1, calls)
  end)

  it("follow a reload", function()
    make('type Query { a: Int @function(name: "a") }', { a = function() return 1 end })
    assert(made:reload({ functions = {} }))
    assert.same({ "a" }, made.unbound)
    assert(made:reload({ functions = { a = function() return 2 end } }))
    assert.equal(2, run("{ a }").data.a)
  end)

  local REFUSED = {
    { 'type Query { a: Int @function(name: "") }', "@function's 'name' is empty" },
    { "type Query { a: Int @function }", "directive @function needs the argument 'name'" },
    { 'type Query { a: Int @function(name: "f", invocationType: Event) }',
      "a field whose last @function has 'invocationType: Event' must return EventInvocationResponse { success: Boolean! }" },
    { 'type Query { a: A } type A { b: Int @function(name: "f", invocationType: Event) }',
      "@function's 'invocationType: Event' is only for fields of Query and Mutation" },
    { 'type Query { a: A } type A { b: Int @function(name: "f", invocationType: Event) @function(name: "g") }',
      "@function's 'invocationType: Event' is only for fields of Query and Mutation" },
    { 'interface A { b: Int @function(name: "f") } type Query { a: A }', "@function is only for fields of object types, and 'A' isn't one" },
    { 'type Query { a: Int @function(name: "f", invocationType: Later) }',
      "@function's 'invocationType' must be one of RequestResponse, Event" },
  }
  for _, row in ipairs(REFUSED) do
    it("are refused: " .. row[2], function()
      local none, err = engine.new({ schema_text = row[1] })
      assert.is_nil(none)
      assert.equal(row[2], (err.message:gsub(" %(line.*", "")))
    end)
  end
end)
