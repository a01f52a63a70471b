local process = require("spec.support.process")
local resolver_failures = require("appsync.server.resolver_failures")
local resolvers = require("appsync.server.resolvers")

describe("a resolvers file that is watched", function()
  local failures, path

  after_each(function() process.stop_all() end)

  local function watched(text)
    failures = {}
    path = process.file(text, ".lua")
    local loaded = assert(resolvers.load(path))
    return resolver_failures.watched(loaded.by_type, function(failure) failures[#failures + 1] = failure end).Query
  end

  it("gives what its resolvers give, nil too", function()
    local query = watched("return { Query = { a = function(ctx) return ctx.args.n end, b = function() end } }")
    assert.equal(3, query.a({ args = { n = 3 } }))
    assert.is_nil(query.b({}))
    assert.same({}, failures)
  end)

  it("tells of an error of Lua's with its place and a traceback, and passes it on", function()
    local query = watched("local function deep(x)\n  return x.y.z\nend\nreturn { Query = { a = function(ctx)\n  local v = deep(ctx)\n  return v\nend } }")
    local ok, thrown = pcall(query.a, {})
    assert.is_false(ok)
    assert.matches(path .. ":2: attempt to index", thrown, 1, true)
    local text = resolver_failures.describe(failures[1])
    assert.matches("^Query%.a: attempt to index .*%(" .. path:gsub("%p", "%%%0") .. ":2%)\nstack traceback:\n", text)
    assert.matches(path .. ":5: in", text, 1, true)
    assert.is_nil(text:find("resolver_failures.lua", 1, true))
    assert.is_nil(text:find("_spec.lua", 1, true))
  end)

  it("tells of an error object in a line, and passes the same object on", function()
    local query = watched("local e = { message = 'not you', type = 'Forbidden' }\nreturn { e = {}, Query = { a = function()\n  error(e)\nend } }")
    local ok, thrown = pcall(query.a, {})
    assert.is_false(ok)
    assert.equal("Forbidden", thrown.type)
    assert.equal(("Query.a: not you (%s:3)"):format(path), resolver_failures.describe(failures[1]))
  end)

  it("survives what can't be shown, and a stack that overflows", function()
    local query = watched("return { Query = {\n  a = function() error(setmetatable({}, { __tostring = function() error('x') end, __index = function() error('y') end })) end,\n"
      .. "  b = function() local function f(n) return 1 + f(n) end return f(1) end } }")
    assert.is_false(pcall(query.a, {}))
    assert.is_string(resolver_failures.describe(failures[1]))
    assert.is_false(pcall(query.b, {}))
    assert.is_string(resolver_failures.describe(failures[2]))
  end)

  it("tells of an error in a conflict handler, too", function()
    local engine = require("appsync.server.engine")
    path = process.file("return { conflict_handlers = {\n  default = function(event, ctx)\n    return event.newItem.name .. ctx.no.thing\n  end } }", ".lua")
    failures = {}
    local served = assert(engine.new({
      schema_text = "type Todo @model { id: ID! name: String }", conflict = { handler = "LAMBDA" },
      conflict_handlers = assert(resolvers.load(path)).conflict_handlers, on_failure = function(failure) failures[1] = failure end,
    }))
    served:execute({ query = 'mutation { createTodo(input: {id: "1"}) { id } }' })
    local answer = served:execute({ query = 'mutation { updateTodo(input: {id: "1", name: "a"}) { id } }' })
    served:close()
    assert.matches('"errorType":"ConflictError"', answer, 1, true)
    local text = resolver_failures.describe(failures[1])
    assert.matches("^conflict_handlers%.default: attempt to .*%(" .. path:gsub("%p", "%%%0") .. ":3%)\nstack traceback:\n", text)
    assert.is_nil(text:find("lambda.lua", 1, true))
  end)

  local function ctx_with_util()
    local provide = require("appsync.server.resolver_util").provider({ now = os.time, uuid = tostring })
    return { util = provide({}, {}) }
  end

  for what, body in pairs({
    ["a helper"] = "local json = ctx.util.parse_json('{')\n  return json",
    ["a helper in the place of the resolver"] = "return ctx.util.parse_json('{')",
  }) do
    it("names its own line for what " .. what .. " throws", function()
      local query = watched("return { Query = { a = function(ctx)\n  " .. body .. "\nend } }")
      local _, thrown = pcall(query.a, ctx_with_util())
      assert.is_nil(thrown:find("/appsync/", 1, true), thrown)
      local text = resolver_failures.describe(failures[1])
      assert.matches("^Query%.a: not JSON: ", text)
      assert.matches(path .. ":", text, 1, true)
      assert.is_nil(text:find("lua/appsync/", 1, true), text)
    end)
  end
end)
