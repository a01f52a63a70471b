-- What the end of a Lua state waits for, in a program that goes on after it.
local folder = require "spec.support.folder"
local process = require "spec.support.process"

local LUA = os.getenv "APPSYNC_LUA"

-- A client that a game's frame didn't wait for: nothing waits for the threads any more. LATER: what comes after it.
local PROGRAM = [[
local appsync = require "appsync"
local dispatch = require "appsync.dispatch"
local function open(name)
  local client = appsync.client{ endpoint = "http://127.0.0.1:9/graphql", auth = { type = "NONE" }, store = "%s/" .. name }
  assert(client:write_query("{ n }", nil, { n = 1 }))
  return client
end
local former = open "a.db"
dispatch.runtime():leave()
%s
]]

describe("the end of a Lua state", function()
  local place, host

  setup(function()
    host = process.temporary ".host"
    local ok = os.execute(("cc -D_GNU_SOURCE spec/support/ending_host.c -o %s $(pkg-config --cflags %s) -Wl,-E $(pkg-config --libs %s)")
      :format(host, LUA, LUA))
    assert(ok == true or ok == 0)
  end)
  teardown(process.stop_all)
  before_each(function() place = folder.make() end)
  after_each(function() place.remove() end)

  local function n_threads(later)
    local script = place.path .. "/script.lua"
    process.write(script, PROGRAM:format(place.path, later))
    local pipe = assert(io.popen(("%s %s 2>&1"):format(host, script)))
    local output = pipe:read "*a"
    pipe:close()
    return output
  end

  it("waits for a client that was made after one that no frame could wait for", function()
    assert.equal("1\n", n_threads [[open "b.db"]])
  end)
end)
