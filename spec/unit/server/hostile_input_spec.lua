--- Input that is made to hurt: what would go on without end, or throw where nobody catches.
local core = require("appsync.core")
local engine = require("appsync.server.engine")
local jwt_keys = require("appsync.server.auth.jwt_keys")
local native = require("appsync.server.native")
local resolvers = require("appsync.server.resolvers")
local response_headers = require("appsync.server.http.response_headers")
local selection = require("appsync.server.graphql.selection")
local sigv4_verify = require("appsync.server.auth.sigv4_verify")
local store = require("appsync.server.data.store")
local subscribers = require("appsync.server.realtime.subscribers")
local transport_ws = require("appsync.server.realtime.transport_ws")

local unshowable = setmetatable({}, {
  __index = function() error("no index") end,
  __tostring = function() error("no text") end,
})

local SCHEMA = [[
type Node { n: Node name: String }
type Query { node: Node boom: String }
type Mutation { ping: String node: Node }
type Subscription { onPing: String @aws_subscribe(mutations: ["ping"]) }
]]

local node = { name = "x" }
node.n = node

local function new_engine(more)
  local query = { node = function() return node end }
  for name, resolver in pairs(more or {}) do query[name] = resolver end
  return assert(engine.new({
    schema_text = SCHEMA,
    resolvers = { Query = query, Mutation = { ping = function() return "pong" end, node = function() return node end } },
  }))
end

-- 2^levels fields behind one.
local function doubling(root, levels)
  local parts = { root }
  for i = 0, levels - 1 do
    parts[#parts + 1] = ("fragment f%d on Node { a: n { ...f%d } b: n { ...f%d } }"):format(i, i + 1, i + 1)
  end
  parts[#parts + 1] = ("fragment f%d on Node { name }"):format(levels)
  return table.concat(parts, " ")
end

describe("an execution", function()
  local max_fields = selection.max_fields
  before_each(function() selection.max_fields = 2000 end)
  after_each(function() selection.max_fields = max_fields end)

  it("ends when fragments double the fields without end", function()
    local body = core.decode((new_engine():execute({ query = doubling("{ node { ...f0 } }", 60) })))
    assert.equal(core.null, body.data)
    assert.equal("ExecutionTimeout", body.errors[1].errorType)
    assert.equal("Execution timed out.", body.errors[1].message)
  end)

  it("that ends so has published the mutations before", function()
    local query = doubling("mutation { ping node { ...f0 } }", 60)
    local json, published = new_engine():execute({ query = query })
    assert.equal("ExecutionTimeout", core.decode(json).errors[1].errorType)
    assert.same({ { field = "ping", value = "pong" } }, published)
  end)

  it("counts the fields of each request from the start", function()
    local made = new_engine()
    for _ = 1, 5 do
      assert.is_nil(core.decode((made:execute({ query = doubling("{ node { ...f0 } }", 7) }))).errors)
    end
  end)

  it("ends when aliases of a long text would make an answer without end", function()
    local shared = require("appsync.server.graphql.shared")
    local kept = shared.mark({ name = ("x"):rep(50000) })
    for _, item in ipairs({ kept, { name = kept.name } }) do
      local made = new_engine({ node = function() return item end })
      local function ask(n)
        local parts = {}
        for i = 1, n do parts[i] = ("n%d: node { name }"):format(i) end
        return core.decode((made:execute({ query = "{" .. table.concat(parts, " ") .. "}" })))
      end
      assert.equal(kept.name, ask(3).data.n3.name)
      assert.equal("ExecutionTimeout", ask(5).errors[1].errorType)
    end
  end)

  it("ends likewise when they are data of errors", function()
    local made = new_engine({ boom = function() error({ message = "m", data = ("x"):rep(50000) }) end })
    local function ask(n)
      local parts = {}
      for i = 1, n do parts[i] = ("b%d: boom"):format(i) end
      return core.decode((made:execute({ query = "{" .. table.concat(parts, " ") .. "}" })))
    end
    assert.equal(50000, #ask(3).errors[3].data)
    local errors = ask(6).errors
    assert.equal("ExecutionTimeout", errors[#errors].errorType)
    assert.is_true(#errors < 6)
  end)

  -- Each has few fields and very much else.
  local many, numbers = {}, {}
  for i = 1, 1000 do many[i] = { name = "x", item = {} } end
  for i = 1, 50000 do numbers[i] = i end
  local LONG = ("l"):rep(300000)

  local function repeated(n, make)
    local parts = {}
    for i = 1, n do parts[i] = make(i) end
    return table.concat(parts, " ")
  end

  local function ask(query, variables)
    local made = assert(engine.new({
      schema_text = [[
        input In { a: [In] }
        type Item { name: String many: [Item] item: Item f(a: [In], n: [Int]): String boom: String }
        type Query { many: [Item] item: Item numbers: [Int] f(a: [In], n: [Int]): String }]],
      resolvers = {
        Query = { many = function() return many end, item = function() return { item = {} } end,
          numbers = function() return numbers end, f = function() return "f" end },
        Item = { many = function() return many end, f = function() return "f" end, boom = function() error("no") end },
      },
    }))
    return core.decode((made:execute({ query = query, variables = variables })))
  end

  for name, row in pairs({
    ["items of lists"] = { "{ many { many { name @skip(if: true) } } }" },
    ["values of lists"] = { "{ " .. repeated(30, function(i) return ("n%d: numbers"):format(i) end) .. " }" },
    ["arguments that are made anew for each item"] = { "{ many { f(a: [" .. repeated(2000, function() return "{}" end) .. "]) } }" },
    ["variables that each resolver gets a copy of"] = {
      "query ($n: [Int]) { " .. repeated(40, function(i) return ("f%d: f(n: $n)"):format(i) end) .. " }", { n = numbers } },
    ["a long name in each item"] = { "{ many { " .. LONG .. ": name } }" },
    ["a long name in the path of each error"] = {
      "{ item { " .. LONG .. ": item { " .. repeated(500, function(i) return ("b%d: boom"):format(i) end) .. " } } }" },
    ["a long name in the paths of a selection"] = {
      "{ item { " .. LONG .. ": item { " .. repeated(500, function(i) return ("n%d: name"):format(i) end) .. " } } }" },
    ["paths of a selection"] = { "{ item { ...f0 } } " .. repeated(20, function(i)
      return ("fragment f%d on Item { a: item { ...f%d } b: item { ...f%d } }"):format(i - 1, i, i)
    end) .. " fragment f20 on Item { name }" },
    -- The first part leaves no room for plans of the second.
    ["selections that are left out"] = { "{ " .. repeated(80, function(i)
      return ("a%d: item { ...g } a%d: item { b%d: name }"):format(i, i, i)
    end) .. repeated(120, function(i) return ("c%d: item { name }"):format(i) end)
      .. " many { item { ...s } item { name } } } fragment g on Item { " .. repeated(100, function(i)
      return ("n%d: name"):format(i)
    end) .. " } fragment s on Item { " .. repeated(1000, function() return "name @skip(if: true)" end) .. " }" },
  }) do
    it("ends when it would take very long for " .. name, function()
      selection.max_fields = max_fields
      local started = os.clock()
      local answer = ask(row[1], row[2])
      assert.equal("ExecutionTimeout", answer.errors[1].errorType)
      assert.equal(core.null, answer.data)
      assert.is_true(os.clock() - started < 20)
    end)
  end

  it("has room for what people ask", function()
    selection.max_fields = max_fields
    assert.is_nil(ask("{ many { name f(a: [{}, {a: []}]) item { name } } numbers f(n: [1, 2, 3]) }").errors)
  end)

  it("outlives errors that can't be shown", function()
    for _, thrown in ipairs({ unshowable, { message = unshowable } }) do
      local made = new_engine({ boom = function() error(thrown) end })
      local body = core.decode((made:execute({ query = "{ boom node { name } }" })))
      assert.same({ boom = core.null, node = { name = "x" } }, body.data)
      assert.equal("The resolver failed with an error that can't be shown", body.errors[1].message)
    end
  end)
end)

describe("a document", function()
  it("that is nested too deep is told so", function()
    local body = core.decode((new_engine():execute({ query = ("{ n: node "):rep(300) .. ("}"):rep(300) })))
    assert.matches("^Invalid Syntax : The document is nested deeper than 200 levels at line 1 column 2001$", body.errors[1].message)
  end)

  it("with its error in a far column is refused at once", function()
    local started = os.clock()
    local body = core.decode((new_engine():execute({ query = "{" .. (" "):rep(900000) .. "\195\169]" })))
    assert.same({ line = 1, column = 900002, sourceName = core.null }, body.errors[1].locations[1])
    assert.matches("token '\195\169'", body.errors[1].message)
    assert.is_true(os.clock() - started < 20)
  end)

  for _, kind in ipairs({ "query", "subscription" }) do
    it("is refused when many operations share large fragments: " .. kind, function()
      local parts, fields = {}, {}
      for i = 1, 1200 do parts[i] = ("%s q%d { ...f }"):format(kind, i) end
      for i = 1, 1200 do fields[i] = "a" .. i .. ": __typename" end
      local root = kind == "query" and "Query" or "Subscription"
      parts[#parts + 1] = ("fragment f on %s { %s }"):format(root, table.concat(fields, " "))
      local json = new_engine():execute({ query = table.concat(parts, " "), operation_name = "q1" })
      local body = core.decode(json)
      assert.equal(core.null, body.data)
      local last = body.errors[#body.errors].message
      assert.matches(kind == "query" and "MaximumComplexity" or "SubscriptionMultipleRootFields", last)
    end)
  end

  it("is refused when many operations share large values", function()
    local parts, values = {}, {}
    for i = 1, 500 do parts[i] = ("query q%d { ...f }"):format(i) end
    for i = 1, 500 do values[i] = "1" end
    parts[#parts + 1] = ("fragment f on Query { f(n: [%s]) }"):format(table.concat(values, " "))
    local made = assert(engine.new({ schema_text = "type Query { f(n: [Int]): Int }" }))
    local errors = core.decode((made:execute({ query = table.concat(parts, " "), operation_name = "q1" }))).errors
    assert.equal(1, #errors)
    assert.equal("Validation error of type MaximumComplexity: The operations of the document have too many fields",
      errors[1].message)
  end)

  it("of many errors that quote a long name is answered with a few of them", function()
    local parts = {}
    for i = 1, 90 do parts[i] = ("a%d(x: $u)"):format(i) end
    local json = new_engine():execute({ query = "{ " .. ("l"):rep(200000) .. " { " .. table.concat(parts, " ") .. " } }" })
    assert.matches("FieldUndefined", json)
    assert.is_true(#json < 1000000)
  end)

  it("makes room for others in the cache by its size", function()
    local made = new_engine()
    for i = 1, 60 do made:execute({ query = "{ node { name } } #" .. i .. ("x"):rep(60000) }) end
    local n_bytes = 0
    for _, generation in ipairs({ made.young, made.old }) do
      for text in pairs(generation) do n_bytes = n_bytes + #text end
    end
    assert.is_true(n_bytes < 2.5 * 1048576)
  end)
end)

describe("a schema", function()
  local function refusal(text)
    local made, err = engine.new({ schema_text = text })
    assert.is_nil(made)
    return err
  end

  it("is refused when defaults lead to themselves", function()
    for _, text in ipairs({
      "input A { a: A = {} }\ntype Query { f(a: A = {}): Int }",
      "input A { b: B = {} }\ninput B { a: A = {} }\ntype Query { f(a: A): Int }",
    }) do
      local err = refusal(text)
      assert.matches("refers to itself", err.message)
      assert.is_number(err.line)
    end
    assert.is_table(engine.new({ schema_text = "input A { a: A b: Int = 1 } type Query { f(a: A = {a: {a: {}}}): Int }" }))
  end)

  it("is refused when defaults lead to more and more of them", function()
    local parts = { "type Query { f(a: A1 = {}): Int }" }
    for i = 1, 40 do parts[#parts + 1] = ("input A%d { a: A%d = {} b: A%d = {} }"):format(i, i + 1, i + 1) end
    parts[#parts + 1] = "input A41 { a: Int }"
    local err = refusal(table.concat(parts, "\n"))
    assert.equal("the default of 'a' in 'Query' does not fit 'A1': refers to more than 1000 other defaults (line 1, column 24)",
      err.message)
    assert.is_table(engine.new({ schema_text = table.concat(parts, "\n", 1, 1):gsub("A1", "A33") .. "\n"
      .. table.concat(parts, "\n", 34) }))
  end)

  it("is loaded when input types lead to each other in a long chain, and refused when the chain is closed", function()
    local parts = { "type Query { f(a: A1): Int }" }
    for i = 1, 10000 do parts[#parts + 1] = ("input A%d { a: A%d! }"):format(i, i + 1) end
    local text, started = table.concat(parts, "\n"), os.clock()
    assert.is_table(engine.new({ schema_text = text .. "\ninput A10001 { a: Int }" }))
    assert.matches("^input type 'A%d+' requires itself through 'a'", refusal(text .. "\ninput A10001 { a: A5000! }").message)
    assert.is_true(os.clock() - started < 40)
  end)

  it("is refused where @model gives something that is no name", function()
    for map, message in pairs({
      ['queries: {get: ""}'] = "must be a name or null", ['queries: {get: "a b}"}'] = "must be a name or null",
      ["subscriptions: {onCreate: [1]}"] = "must be a string", ["subscriptions: {onCreate: [[\"a\"]]}"] = "must be a string",
      ["subscriptions: {level: []}"] = "must be one of off, public, on",
    }) do
      local err = refusal("type A @model(" .. map .. ") { id: ID! }")
      assert.matches(message, err.message)
      assert.equal(1, err.line)
    end
  end)

  local unsupported = [[http predictions mapsTo refersTo sql validate conversation generation
    unheard_of]]
  for name in unsupported:gmatch("%S+") do
    it("is refused with @" .. name .. " on anything, by name and place", function()
      for _, text in ipairs({
        "type T\n  @model @%s { id: ID! }", "type T @model { id: ID!\n  @%s }", "type Query\n  @%s { a: Int }",
        "type Query { a: Int\n  @%s }", "type Query { a(b: Int\n  @%s): Int }", "type Query { a: E } enum E\n  @%s { A }",
        "type Query { a: E } enum E { A\n  @%s }", "type Query { a(i: I): Int } input I\n  @%s { b: Int }",
        "type Query { a(i: I): Int } input I { b: Int\n  @%s }", "type Query { a: Int } extend type Query\n  @%s { b: Int }",
        "interface I\n  @%s { a: Int } type Query { a: I }", "schema\n  @%s { query: Query } type Query { a: Int }",
        "type A { a: Int } union U\n  @%s = A type Query { u: U }", "directive @d(a: Int\n  @%s) on OBJECT type Query { a: Int }",
      }) do
        local err = refusal(text:format(name))
        assert.matches("directive @" .. name .. " is", err.message)
        assert.equal(2, err.line)
        assert.equal(text:find("@model @", 1, true) and 10 or 3, err.column)
      end
    end)
  end

  local arguments = { auth = "(rules: [{allow: public}])", manyToMany = '(relationName: "R")', default = '(value: "x")',
    key = '(fields: ["a"])' }
  for name in ("auth hasMany hasOne belongsTo manyToMany index primaryKey default versioned key connection"):gmatch("%S+") do
    it("is refused where a directive of models would do nothing: @" .. name, function()
      for _, text in ipairs({
        "type Query { a(b: Int\n  @%s): Int }", "type Query { a: E } enum E\n  @%s { A }",
        "type Query { a: E } enum E { A\n  @%s }", "type Query { a(i: I): Int } input I\n  @%s { b: Int }",
        "type Query { a(i: I): Int } input I { b: Int\n  @%s }", "type Query { a: Int } extend type Query\n  @%s { b: Int }",
        "interface I\n  @%s { a: Int } type Query { a: I }", "schema\n  @%s { query: Query } type Query { a: Int }",
        "type A { a: Int } union U\n  @%s = A type Query { u: U }", "type Query\n  @%s { a: Int }",
        "interface I { a: Int\n  @%s } type Query { a: I }",
      }) do
        local err = refusal((text:format(name .. (arguments[name] or ""))))
        assert.matches("@" .. name .. " ", err.message)
        assert.equal(2, err.line)
        assert.equal(3, err.column)
      end
      if name ~= "auth" then
        assert.equal(2, refusal(("type Query { a: Int\n  @%s%s }"):format(name, arguments[name] or "")).line)
        assert.equal(2, refusal(("type Query { a: T } type T { a: Int\n  @%s%s }"):format(name, arguments[name] or "")).line)
      end
    end)
  end
end)

describe("a signature", function()
  it("of a header of letters alone is refused at once", function()
    local started = os.clock()
    assert.is_nil(sigv4_verify.parse("AWS4-HMAC-SHA256 " .. ("a"):rep(900000)))
    assert.is_true(os.clock() - started < 10)
  end)

  it("that names a header twice is refused", function()
    local scope = "Credential=AK/20200401/r/appsync/aws4_request"
    local authorization = ("AWS4-HMAC-SHA256 %s, SignedHeaders=host;host, Signature=ab"):format(scope)
    local key, refusal = sigv4_verify.check({
      method = "POST", path = "/graphql", body = "",
      headers = { authorization = authorization, host = "h", ["x-amz-date"] = "20200401T001010Z" },
    }, { AK = "SK" }, 1585699810)
    assert.is_nil(key)
    assert.equal(403, refusal.status)
    assert.matches("'host' is named twice", refusal.message)
  end)
end)

describe("a file of keys", function()
  it("is refused when its RSA key is none", function()
    local long = ("Q"):rep(300000)
    for _, pair in ipairs({ { "", "" }, { "AQAB", long }, { long, "AQAB" } }) do
      local keys, message = jwt_keys.read(('{"keys":[{"kty":"RSA","n":"%s","e":"%s"}]}'):format(pair[1], pair[2]))
      assert.is_nil(keys)
      assert.matches("^the JSON holds no RSA or oct key to verify with: ", message)
    end
  end)
end)

describe("a resolvers file", function()
  local function load(text)
    local path = os.tmpname()
    local file = assert(io.open(path, "w"))
    file:write(text)
    file:close()
    local loaded, fault = resolvers.load(path)
    os.remove(path)
    assert.is_nil(loaded)
    return fault.message
  end

  it("that throws what can't be shown, or has names that are no texts, is refused with a message", function()
    assert.matches("an error that can't be shown", load("error(setmetatable({}, {__tostring = function() error('x') end}))"))
    assert.matches("must be a table of functions, not a number", load("return {[{}] = 1}"))
    assert.matches("true must be a table of functions", load("return {[true] = 1}"))
    assert.is_string(load("return setmetatable({}, {__index = function() error('x') end, __pairs = function() error('x') end})"))
  end)
end)

describe("a store", function()
  it("that cannot commit has no transaction open afterwards", function()
    local is_open, commits = false, true
    local function commit()
      is_open = is_open and not commits
      if not commits then return nil, "disk full", "full" end
      return true
    end
    local opened = assert(store.open("x", function()
      return {
        exec = function() return true end,
        values = function(_, sql) return { sql:find("quick_check", 1, true) and "ok" or 0 } end,
        begin = function() is_open = true return true end, commit = commit, rollback = function() is_open = false end,
        in_transaction = function() return is_open end, close = function() end,
      }
    end))
    commits = false
    local ok, err = pcall(opened.transaction, opened, function() return 1 end)
    assert.is_false(ok)
    assert.equal("store: the disk is full (disk full)", err.message)
    assert.is_false(is_open)
  end)
end)

describe("a preflight", function()
  it("is answered without control characters", function()
    local name = "access-control-request-headers"
    assert.equal("*", response_headers.preflight({ [name] = "a \rb: c" })["access-control-allow-headers"])
    assert.equal("a, x-b", response_headers.preflight({ [name] = "a, x-b" })["access-control-allow-headers"])
  end)
end)

describe("graphql-transport-ws", function()
  it("refuses more subscriptions than one connection may have", function()
    local sent = {}
    local connection = transport_ws.new({
      send = function(text) sent[#sent + 1] = text end,
      close = error,
      clock = function() return 0 end,
      execute = function() end,
      max_subscriptions = 1,
      authorize = { check = function() return {} end },
      engine = { subscribe = function() return { field = "a", mutations = {}, notes = {} } end },
      subscribers = subscribers.new(error),
    }, { graphql_path = "/graphql", headers = {} })
    connection:on_message('{"type":"connection_init"}')
    for i = 1, 2 do
      connection:on_message(('{"type":"subscribe","id":"%d","payload":{"query":"subscription { a }"}}'):format(i))
    end
    assert.equal(2, #sent)
    local message = core.decode(sent[2])
    assert.equal("error", message.type)
    assert.equal("2", message.id)
    assert.equal("MaxSubscriptionsReachedError", message.payload[1].errorType)
    connection:on_message('{"type":"complete","id":"1"}')
    connection:on_message('{"type":"subscribe","id":"3","payload":{"query":"subscription { a }"}}')
    assert.equal(2, #sent)
  end)

  it("names the listener's option that has a zero byte", function()
    for _, row in ipairs({ { { host = "a\0b" }, "host" }, { { tls = { cert = "a\0b", key = "k" } }, "cert" }, { { tls = { cert = "c", key = "\0" } }, "key" } }) do
      local is_open, message = pcall(native.open, row[1])
      assert.is_false(is_open)
      assert.matches(row[2] .. " must be a string without zero bytes", message, 1, true)
    end
  end)
end)
