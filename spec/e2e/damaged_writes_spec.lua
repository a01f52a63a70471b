-- What is written is readable at once, also while the store's file turns out to be damaged.
local folder = require "spec.support.folder"
local program = require "spec.support.program"

-- STORE: a path. Everything behind the file's first page is overwritten, so that it opens, and its records can't be read.
local PROGRAM = [[
local appsync = require "appsync"
local store = os.getenv "STORE"
local function open()
  return appsync.client{ endpoint = "http://127.0.0.1:9/graphql", auth = { type = "NONE" }, store = store, log = function() end }
end
local client = open()
client:write_query("{ n }", nil, { n = 0 })
assert(client:hydrated(10))
assert(client:close(10))
local file = assert(io.open(store, "r+"))
local n_bytes = file:seek "end"
file:seek("set", 4096)
file:write(("x"):rep(n_bytes - 4096))
file:close()
client = open()
local n_bad = 0
for i = 1, 20 do
  assert(client:write_query("{ n }", nil, { n = i }))
  local data = client:read_query "{ n }"
  if not data or data.n ~= i then n_bad = n_bad + 1 end
  appsync.update(0.001)
end
print(n_bad)
]]

describe("a store that is damaged", function()
  local place

  before_each(function() place = folder.make() end)
  after_each(function() place.remove() end)

  it("keeps no write from being read in the same frame", function()
    local output, status = program(PROGRAM, ("env STORE=%s/a.db"):format(place.path))
    assert.equal(0, status, output)
    assert.equal("0\n", output)
  end)
end)
