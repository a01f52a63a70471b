local bindings = require("appsync.server.functions.bindings")
local core = require("appsync.core")
local engine = require("appsync.server.engine")
local resolver_failures = require("appsync.server.resolver_failures")
local trace = require("appsync.server.develop.trace")
local waiting = require("appsync.server.waiting")

local SCHEMA = [[
type Todo @model { id: ID! name: String }
type Query { hello(name: String, password: String): String throws(name: String): String boom: Int items: [Item] one: Item }
type Item { id: ID n: Int }
type Subscription { onHello: String @aws_subscribe(mutations: ["say"]) }
type Mutation { say: String }
]]

describe("a trace", function()
  local written, tracer, traced, now

  local function start(only)
    written, now = {}, 0
    tracer = trace.new({
      write = function(text) written[#written + 1] = text end, only = only, now = function() return 0 end,
      clock = function()
        now = now + 0.001
        return now
      end,
    })
    local by_type = {
      Query = {
        hello = function(ctx) return "hello " .. ctx.args.name end,
        boom = function() error("boom") end,
        throws = function(ctx) error("not " .. ctx.args.name) end,
        items = function() return { { id = 1 }, { id = 2 } } end,
        one = function() return { id = 1 } end,
      },
      Item = { n = function(ctx) return ctx.source.id end },
      Subscription = { onHello = function() error({ message = "not you" }) end },
    }
    local made = assert(engine.new({
      schema_text = SCHEMA, trace = tracer, uuid = function() return "u" end, resolvers = by_type,
      on_failure = function(failure) tracer:failed(resolver_failures.describe(failure)) end,
    }))
    traced = tracer:around(made)
  end

  local function lines_of(query, variables)
    traced:execute({ query = query, variables = variables, identity = { mode = "API_KEY" } })
    local lines = {}
    for line in table.concat(written):gmatch("[^\n]+") do
      lines[#lines + 1] = line:gsub("^%d%d:%d%d:%d%d%.%d%d%d", "TIME"):gsub("spec/[%w_/]+%.lua:%d+", "FILE")
    end
    return lines
  end

  it("tells the operation, and each resolver with its place, its arguments, its time and its result", function()
    start()
    local lines = lines_of('query Q { hello(name: "x", password: "p") }')
    assert.same({
      "TIME  trace  query  Q  {hello}  3.0 ms  API_KEY",
      '  Query.hello(name: "x", password: ***)  FILE  1.00 ms  -> "hello x"',
    }, lines)
  end)

  it("tells what is generated, and variables", function()
    start()
    local lines = lines_of("mutation M($n: String) { createTodo(input: {name: $n}) { id } }", { n = "milk" })
    assert.matches('^TIME  trace  mutation  M  {createTodo}  [%d.]+ ms  API_KEY  variables {n: "milk"}$', lines[1])
    assert.matches('^  Mutation.createTodo%(input: {name: "milk"}%)  generated  [%d.]+ ms  %-> %d+ fields$', lines[2])
  end)

  it("tells no variable that stands for something secret, whatever its name", function()
    start()
    local lines = lines_of("query($n: String, $p: String) { hello(name: $n, password: $p) }", { n = "milk", p = "HIDE" })
    assert.matches('variables {n: "milk", p: ***}$', lines[1])
    assert.matches('hello%(name: "milk", password: %*%*%*%)', lines[2])
  end)

  it("is a tree: what runs for a parent's result stands below it, with its path", function()
    start()
    local lines = lines_of("{ items { n } one { n } }")
    assert.matches("^  Query%.items  FILE  [%d.]+ ms  %-> 2 items$", lines[2])
    assert.matches("^    items%[0%]%.n  Item%.n  FILE  [%d.]+ ms  %-> 1$", lines[3])
    assert.matches("^    items%[1%]%.n  Item%.n ", lines[4])
    assert.matches("^  Query%.one  FILE", lines[5])
    assert.matches("^    one%.n  Item%.n  FILE", lines[6])
  end)

  it("tells a failure with its traceback below its resolver", function()
    start()
    local lines = lines_of("{ boom }")
    assert.matches("1 error: boom$", lines[1])
    assert.matches("^  Query%.boom  FILE  [%d.]+ ms  failed$", lines[2])
    assert.matches("^    Query%.boom: boom %(.*FILE%)$", lines[3])
    assert.equal("    stack traceback:", lines[4])
  end)

  it("tells of an operation that is not valid", function()
    start()
    assert.matches("^TIME  trace  query  {nope}  .*1 error: Validation error", lines_of("{ nope }")[1])
    written = {}
    assert.matches("^TIME  trace  [%d.]+ ms  API_KEY  1 error: Invalid Syntax", lines_of("{ nope")[1])
  end)

  it("tells of a subscription that begins, and of one that is refused", function()
    start()
    traced:subscribe({ query = "subscription { onCreateTodo { id } }", identity = { mode = "API_KEY" } })
    assert.matches("trace  subscription  {onCreateTodo}  [%d.]+ ms  API_KEY\n$", written[1])
    traced:subscribe({ query = "subscription { onHello }", identity = { mode = "API_KEY" } })
    assert.matches("Subscription.onHello  .- ms  failed\n    Subscription.onHello: not you", written[2])
  end)

  it("may be of some fields only", function()
    start({ "Item.n" })
    assert.same({}, lines_of('{ hello(name: "x") }'))
    local lines = lines_of("{ one { n } hello(name: \"x\") }")
    assert.equal(2, #lines)
    assert.matches("Item.n", lines[2])
  end)

  it("is cut where it gets long", function()
    start()
    local aliases = {}
    for i = 1, 250 do aliases[i] = ("a%d: one { id }"):format(i) end
    local lines = lines_of("{ " .. table.concat(aliases, " ") .. " }")
    assert.equal(202, #lines)
    assert.equal("  … and 50 more resolvers", lines[202])
  end)

  it("passes on what the engine throws, and is ready for the next operation", function()
    start()
    local broken = tracer:around({ execute = function() error("bug", 0) end, operation_of = function() end })
    assert.same({ false, "bug" }, { pcall(broken.execute, broken, { query = "{ a }" }) })
    written = {}
    assert.equal(2, #lines_of('{ hello(name: "x") }'))
  end)

  it("tells messages without credentials, on a line of bounded length", function()
    start()
    tracer:message(7, '{"x-api-key":"da2-x","Authorization" : "secret",\n"id":"' .. ("y"):rep(5000) .. '"}')
    assert.matches('WS #7 message  {"x-api-key":"***","Authorization" : "***",\\n"id":"yyy', written[1], 1, true)
    assert.is_true(#written[1] < 2100)
  end)

  it("hides a value wherever it stands when a variable or an argument that holds it is hidden", function()
    start()
    for _, row in ipairs({
      { "query($password: String) { hello(name: $password) boom }", { password = "hunter22" } },
      { "query($p: String) { hello(name: $p) again: hello(password: $p, name: $p) }", { p = "hunter22" } },
      { 'query($p: String = "x") { hello(name: "hunter22", password: "hunter22") }' },
      { 'query($secret: String = "hunter22") { hello(name: $secret) }' },
      { "query($password: Int) { hello(name: \"x\") boom @include(if: $password) }", { password = "hunter22" } },
      { "query($a: String, $b: X) { hello(name: $a) }", { a = "hunter22", b = { deep = { { apiKey = "hunter22" } } } } },
      { "query($a: String, $b: String) { hello(name: $a) x: hello(name: $b) }", { a = "hunter22", b = '{"token":"hunter22"}' } },
      { "query($password: String) { hello(name: $password) }", { password = "hunter22" .. ("z"):rep(60) } },
      { "query($password: Int) { n(a: $password) }", { password = 77441188 } },
    }) do
      written = {}
      local text = table.concat(lines_of(row[1], row[2]), "\n")
      assert.is_true(#text > 10)
      assert.is_nil(text:find("hunter", 1, true), text)
      assert.is_nil(text:find("77441188", 1, true), text)
    end
  end)

  it("hides what a resolver throws of a hidden variable, and its own lines stay lines", function()
    start()
    local lines = lines_of("query($password: String) { throws(name: $password) }", { password = "hunter22" })
    assert.matches("not ***", table.concat(lines, "\n"), 1, true)
    lines = lines_of('query($v: String) { throws(name: $v) }', { v = "a\nTIME  mutation  forged\27[2J\226\128\174" })
    assert.is_nil(table.concat(lines, "\n"):find("\nTIME  mutation  forged", 1, true))
    assert.is_nil(table.concat(lines):find("[\27\226]"))
  end)

  it("hides in messages what is written in their documents", function()
    start()
    tracer:message(1, core.encode({ id = "1", type = "subscribe", payload = { query = 'subscription { on(password: "hunter22") }' } }))
    tracer:message(1, core.encode({ id = "1", type = "start", payload = { data = core.encode({
      query = 'subscription($password: String) { on(a: $password, b: "hunter22", secret: "hunter22") }', variables = { password = "hunter22" } }) } }))
    assert.equal(2, #written)
    assert.is_nil(table.concat(written):find("hunter", 1, true), table.concat(written))
  end)

  it("costs nothing where there is none: the engine isn't told of one", function()
    local made = assert(engine.new({ schema_text = "type Query { a: Int }" }))
    assert.is_nil(made.trace)
  end)

  it("keeps operations apart that wait", function()
    written = {}
    local finish = {}
    local bound = bindings.new({ f = { words = { "x" }, by_lines = false } })
    bound.processes = { invoke = function(_, _, _, done) finish[#finish + 1] = done end }
    tracer = trace.new({ write = function(text) written[#written + 1] = text end, now = function() return 0 end,
      clock = function() return 0 end })
    local made = assert(engine.new({ trace = tracer, function_bindings = bound,
      schema_text = 'type Query { slow(secret: String): Int @function(name: "f") before: Int after: Int quick: Int }',
      resolvers = { Query = { before = function() return 1 end, after = function() return 2 end, quick = function() return 3 end } } }))
    traced = tracer:around(made)
    waiting.run(function() traced:execute({ query = '{ before slow(secret: "hidden") after }' }) end)
    traced:execute({ query = "{ quick }" })
    assert.equal(1, #written)
    assert.is_truthy(written[1]:find("quick", 1, true))
    assert.is_nil(written[1]:find("before", 1, true))
    finish[1]({ value = 7 })
    assert.equal(2, #written)
    for _, name in ipairs({ "before", "slow", "after" }) do assert.is_truthy(written[2]:find("\n  Query." .. name, 1, true), written[2]) end
    assert.is_nil(written[2]:find("hidden", 1, true))
    made:close()
  end)
end)
