-- lua/appsync/_meta/core*.lua say for people and editors what the C module does: here they are compared.
local core = require "appsync.core"

local function text_of(name) return assert(io.open("lua/appsync/_meta/" .. name)):read("*a") end

local meta = text_of "core.lua" .. text_of "core_runtime.lua" .. text_of "core_cache.lua" .. text_of "core_simulation.lua"

-- Names of the functions that the contract describes: `core`, `runtime`, `client`, `core.Document` …
local function described(owner)
  local names = {}
  for name in meta:gmatch("\nfunction " .. owner:gsub("%.", "%%.") .. "[.:]([%w_]+)%(") do names[name] = true end
  return names
end

local function present(object)
  local names = {}
  local methods = type(object) == "table" and object or debug.getmetatable(object).__index
  for name, value in pairs(methods) do
    if type(value) == "function" and not name:find("^__") then names[name] = true end
  end
  return names
end

describe("the contract of the C module", function()
  it("names its functions, and no others", function()
    assert.same(present(core), described("core"))
  end)

  it("names the methods of documents, runtimes and clients, and no others", function()
    local runtime = assert(core.runtime())
    local client = assert(runtime:client{ endpoint = "http://127.0.0.1:9/", realtime_endpoint = "ws://127.0.0.1:9/" })
    assert.same(present(core.document("{ a }")), described("core.Document"))
    assert.same(present(runtime), described("runtime"))
    assert.same(present(client), described("client"))
    client:close()
    assert.is_true(runtime:close(5))
  end)

  it("has the kinds of events with what they are about and carry", function()
    local forms, n = {}, 0
    for kind, target, a, b, c in meta:gmatch("\n%-%-%-([A-Z_]+) +([a-z]+) +([A-Z]+) +([A-Z]+) +([A-Z]+)") do
      forms[kind] = { target = target, a, b, c }
      n = n + 1
    end
    assert.is_true(n > 5)
    assert.same(core.event_forms, forms)
    for kind in pairs(forms) do assert.equal("number", type(core.event[kind])) end
  end)

  it("has fields for all that is no function", function()
    for name, value in pairs(core) do
      if type(value) ~= "function" then
        assert.is_truthy(meta:find("\n---@field " .. name .. " ", 1, true), name .. " is not described")
      end
    end
  end)

  it("knows the coroutine of a function of coroutine.wrap, and of no other", function()
    local co
    local generator = coroutine.wrap(function() co = coroutine.running() end)
    local held = core.wrapped_by(generator)
    generator()
    assert.equal(co, held)
    for _, fn in ipairs{ print, core.wrapped_by, function() return co end } do assert.is_nil(core.wrapped_by(fn)) end
    assert.is_false(pcall(core.wrapped_by, 5))
  end)

  if _VERSION == "Lua 5.1" and not rawget(_G, "jit") then
    it("knows where a coroutine of PUC 5.1 can be suspended for certain", function()
      local function in_coroutine(fn) return coroutine.wrap(function() return (fn()) end)() end
      local function named() return (core.is_plain_stack()) end
      assert.is_true(in_coroutine(named))
      assert.is_true(in_coroutine(function() return named() end))
      assert.is_false(in_coroutine(function() return (select(2, pcall(named))) end))
      assert.is_false(in_coroutine(function() return setmetatable({}, { __index = function() return (named()) end }).x end))
      assert.is_false(in_coroutine(function()
        for is_plain in named do return is_plain end -- luacheck: ignore 512
        return false
      end))
    end)
  end

  it("has a way to somebody for each kind of event", function()
    local deliver = require("appsync.dispatch").deliver
    for kind, number in pairs(core.event) do assert.equal("function", type(deliver[number]), kind) end
  end)
end)
