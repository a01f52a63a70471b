local engine = require("appsync.server.engine")
local lambda_authorizer = require("appsync.server.auth.lambda_authorizer")
local plugins = require("appsync.server.transform.plugins")
local process = require("spec.support.process")
local resolvers = require("appsync.server.resolvers")
local time_limit = require("appsync.server.time_limit")

local LIMIT_S = 0.02

describe("a function of the user's that takes too long", function()
  local failures

  after_each(process.stop_all)

  local function run(text)
    local loaded = assert(resolvers.load(process.file(text, ".lua")))
    failures = {}
    local made = assert(engine.new({
      schema_text = "type Query { slow: String quick: String }", resolvers = loaded.by_type, resolver_timeout = LIMIT_S,
      on_failure = function(failure) failures[#failures + 1] = failure end,
    }))
    return (made:execute({ query = "{ slow quick }" }))
  end

  local ANSWER = '{"data":{"slow":null,"quick":"ok"},"errors":[{"path":["slow"],"data":null,"errorType":"ExecutionTimeout",'
    .. '"errorInfo":null,"locations":[{"line":1,"column":3,"sourceName":null}],"message":"Execution timed out."}]}'

  local BODIES = {
    ["that never ends"] = "while true do end",
    ["that catches everything"] = "while true do pcall(function() while true do end end) end",
    ["in a coroutine"] = "coroutine.wrap(function() while true do end end)()",
    ["that yields to itself"] = "local co = coroutine.wrap(function() while true do coroutine.yield() end end) while true do co() end",
    ["that makes coroutines and catches their errors"] = "while true do pcall(coroutine.wrap(function() while true do end end)) end",
    ["in coroutines of coroutines"] = "local function f(d) if d == 0 then for _ = 1, 90000 do end return end "
      .. "while true do coroutine.wrap(f)(d - 1) end end f(2)",
    ["in a comparison of a sort"] = "local t = {} for i = 1, 9 do t[i] = i end "
      .. "while true do table.sort(t, function(a, b) return a < b end) end",
    ["that calls for ever"] = "local function f() for _ = 1, 10 do end end while true do f() end",
    ["in a function of a table's"] = "local t = setmetatable({}, { __index = function() while true do end end }) return t.x",
  }
  for name, body in pairs(BODIES) do
    it("is ended: a resolver " .. name, function()
      local text = run(("return { Query = { slow = function()\n%s\nend, quick = function() return 'ok' end } }"):format(body))
      assert.equal(ANSWER, text)
      assert.equal(1, #failures)
      assert.matches("%.lua:2$", failures[1].place)
    end)
  end

  it("is ended: an authorizer", function()
    local logged = {}
    local authorizer = lambda_authorizer.new({
      call = assert(resolvers.load(process.file("return { authorizer = function() while true do end end }", ".lua"))).authorizer,
      now = os.time, log = function(line) logged[#logged + 1] = line end, api = {}, timeout_s = LIMIT_S,
    })
    assert.is_nil(authorizer:check("token", { headers = {} }))
    assert.same({ "authorizer: Execution timed out." }, logged)
  end)

  it("is ended: a conflict handler", function()
    local path = process.file("return { conflict_handlers = { default = function() while true do end end } }", ".lua")
    local made = assert(engine.new({
      schema_text = "type Note @model { id: ID! name: String }", conflict = { handler = "LAMBDA" },
      conflict_handlers = assert(resolvers.load(path)).conflict_handlers, resolver_timeout = LIMIT_S,
    }))
    made:execute({ query = 'mutation { createNote(input: { id: "1" }) { id } }' })
    local text = made:execute({ query = 'mutation { updateNote(input: { id: "1", name: "x" }) { id } }' })
    assert.matches('"errorType":"ConflictError"', text, 1, true)
    made:close()
  end)

  if rawget(_G, "jit") then
    it("is ended where it has compiled what it runs", function()
      local globals = {}
      for _, name in ipairs({ "load", "loadstring", "loadfile", "dofile" }) do globals[name] = _G[name] end
      finally(function() for name, fn in pairs(globals) do _G[name] = fn end end)
      time_limit.guard_process()
      local hot = "local n = 0 while true do n = n + 1 end"
      local bodies = {
        ("return load(%q)()"):format(hot), ("return loadstring(%q)()"):format(hot),
        ("dofile(%q)"):format(process.file(hot, ".lua")), ("return loadfile(%q)()"):format(process.file(hot, ".lua")),
      }
      for _, body in ipairs(bodies) do
        assert.equal(ANSWER, run("return { Query = { slow = function()\n" .. body .. "\nend, quick = function() return 'ok' end } }"))
      end
      local chunk, message = load("nonsense here")
      assert.is_nil(chunk)
      assert.is_string(message)
    end)
  end

  describe("while it is loaded", function()
    local default_s = time_limit.default_s

    before_each(function() time_limit.default_s = LIMIT_S end)
    after_each(function() time_limit.default_s = default_s end)

    it("is ended: a resolvers file", function()
      local loaded, fault = resolvers.load(process.file("while true do end", ".lua"))
      assert.is_nil(loaded)
      assert.equal("Execution timed out.", fault.message)
    end)

    it("is ended: a directive's file and its functions", function()
      local plugin, fault = plugins.load(process.file("while true do end", ".lua"))
      assert.is_nil(plugin)
      assert.equal("Execution timed out.", fault.message)
      plugin = assert(plugins.load(process.file("return { name = 'slow', definition = 'directive @slow on FIELD_DEFINITION', "
        .. "field = function() while true do end end }", ".lua")))
      local made, err = engine.new({ schema_text = "type Query { a: Int @slow }", transforms = { plugin } })
      assert.is_nil(made)
      assert.matches("^@slow: Execution timed out%.", err.message)
    end)
  end)

  it("leaves no hook behind", function()
    run("return { Query = { slow = function() while true do end end } }")
    assert.is_nil((debug.gethook()))
    run("return { Query = { slow = function() return 'x' end } }")
    assert.is_nil((debug.gethook()))
  end)

  it("is not limited while another hook is set", function()
    local function hook() end
    debug.sethook(hook, "", 1000000)
    local before = time_limit.begin(LIMIT_S)
    local found = debug.gethook()
    time_limit.finish(before)
    local still = debug.gethook()
    debug.sethook()
    assert.equal(hook, found)
    assert.equal(hook, still)
  end)

  it("gets no more time by what it calls", function()
    local outer = time_limit.begin(0.5)
    local first = time_limit.begin(1000)
    local second = time_limit.begin(1000)
    time_limit.finish(second)
    time_limit.finish(first)
    time_limit.finish(outer)
    assert.is_nil(outer)
    assert.is_number(first)
    assert.equal(first, second)
  end)
end)
