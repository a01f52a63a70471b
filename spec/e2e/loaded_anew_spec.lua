-- A game whose code is loaded anew, the library's modules with it: what the former ones have open is known to those of now.
local folder = require "spec.support.folder"
local program = require "spec.support.program"

-- STORE: a path.
local PROGRAM = [[
local function load()
  for name in pairs(package.loaded) do
    if name == "appsync" or name:match "^appsync%." then package.loaded[name] = nil end
  end
  return require "appsync"
end
local function open(appsync, reopen)
  return appsync.client{ endpoint = "http://127.0.0.1:9/graphql", auth = { type = "NONE" }, store = os.getenv "STORE",
    reopen = reopen }
end
local former_appsync = load()
local former = open(former_appsync, true)
former:write_query("{ n }", nil, { n = 1 })
assert(former:hydrated(10))
local appsync = load()
print(former_appsync ~= appsync, select(2, pcall(open, appsync)))
local client = open(appsync, true)
assert(client:hydrated(10))
print(client:read_query("{ n }").n, client:stats().store)
print(client:write_query("{ n }", nil, { n = 2 }), client:read_query("{ n }").n)
print(tostring(select(2, former:query "{ n }")))
print(former:close(), client:close())
]]

describe("the library, loaded anew", function()
  local place

  before_each(function() place = folder.make() end)
  after_each(function() place.remove() end)

  it("refuses a store that a client of before has open, and takes it over with reopen", function()
    local output, status = program(PROGRAM, ("env STORE=%s/a.db"):format(place.path))
    assert.equal(0, status, output)
    local refusal, rest = output:match "^true\t([^\n]*)\n(.*)$"
    assert.matches("appsync.client: another client of this program has the store .* take it over with reopen = true", refusal)
    assert.equal("1\topen\ntrue\t2\nclosed: the client is closed\ntrue\ttrue\n", rest)
  end)
end)
