-- A game whose code is loaded anew, the library's modules with it: what the former ones have open is known to those of now.
local folder = require "spec.support.folder"
local peer = require "spec.support.peer"
local program = require "spec.support.program"

-- STORE: a path.
local LOADING = [[
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
]]
local PROGRAM = LOADING .. [[
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

-- URL, REALTIME: of a peer that never answers.
local IN_FLIGHT = LOADING .. [[
local former_appsync = load()
local former = former_appsync.client{ endpoint = os.getenv "URL", realtime_endpoint = os.getenv "REALTIME", auth = { type = "NONE" },
  store = os.getenv "STORE" }
local told = {}
former:query("{ n }", nil, { fetch_policy = "network-only", on_result = function(data, err)
  told[#told + 1] = ("query %s %s"):format(tostring(data), err.kind)
end })
former_appsync.spawn(function()
  local ok, err = former:mutate "mutation { n }"
  told[#told + 1] = ("mutate %s %s"):format(tostring(ok), err.kind)
end)
former:subscribe("subscription { n }"):subscribe{ next = function() end, complete = function() told[#told + 1] = "complete" end }
repeat former_appsync.update(0) until former:stats().requests >= 2
local appsync = load()
local client = open(appsync, true)
print(#told)
for _ = 1, 10000 do
  if #told < 3 then appsync.update(0) end
end
table.sort(told)
print(table.concat(told, "\n"))
print(client:close())
]]

local TAKEN_OVER = LOADING .. [[
local former_appsync = load()
local client = open(former_appsync)
for i = 1, 20 do
  assert(client:write_query("{ n }", nil, { n = i }))
  client = open(i % 2 == 0 and load() or former_appsync, true)
  io.write(client:read_query("{ n }").n, " ")
end
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

  it("ends what its former modules have in flight", function()
    local silent = peer.start{ connections = { { { "request" }, { "wait" } } }, ["repeat"] = true }
    local output, status = program(IN_FLIGHT, ("env STORE=%s/b.db URL=%s REALTIME=%s"):format(place.path, silent.url, silent.realtime))
    silent.stop()
    assert.equal(0, status, output)
    assert.equal("0\ncomplete\nmutate nil closed\nquery nil closed\ntrue\n", output)
  end)

  it("reads at once what its former client has written", function()
    local output, status = program(TAKEN_OVER, ("env STORE=%s/c.db"):format(place.path))
    assert.equal(0, status, output)
    assert.equal("1 2 3 4 5 6 7 8 9 10 11 12 13 14 15 16 17 18 19 20 ", output)
  end)
end)
