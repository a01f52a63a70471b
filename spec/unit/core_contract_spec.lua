-- lua/appsync/_meta/core.lua says for people and editors what the C module does: here the two are compared.
local core = require "appsync.core"

local meta = assert(io.open("lua/appsync/_meta/core.lua")):read("*a")

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

  it("has a way to somebody for each kind of event", function()
    local deliver = require("appsync.dispatch").deliver
    for kind, number in pairs(core.event) do assert.equal("function", type(deliver[number]), kind) end
  end)
end)
