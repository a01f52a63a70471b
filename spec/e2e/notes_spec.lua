-- examples/notes: what it shows at once, after a change by somebody else, and without a server.
local folder = require "spec.support.folder"
local kept = require "spec.support.kept"
local process = require "spec.support.process"
local server = require "spec.support.server"

describe("examples/notes", function()
  local service, made

  setup(function()
    made = folder.make()
    service = server.start{ schema = process.read "examples/notes/schema.graphql" }
  end)
  teardown(function()
    process.stop_all()
    made.remove()
  end)

  local function notes(store, endpoint, ...)
    local words = { os.getenv "APPSYNC_LUA" or arg[-1], "examples/notes/notes.lua", store, endpoint, server.API_KEY, ... }
    for i, word in ipairs(words) do words[i] = "'" .. word .. "'" end
    local pipe = assert(io.popen("timeout 20 " .. table.concat(words, " ") .. " 2>&1"))
    local output = pipe:read "*a"
    pipe:close()
    return output
  end

  it("shows what it has at once, refreshes, adds, and survives a restart offline", function()
    local store = made.path .. "/notes.db"
    assert.equal("kept: 0 notes\nadded: buy milk\nnow: 1 note\n  - buy milk\n", notes(store, service.endpoint, "buy milk"))
    notes(made.path .. "/other.db", service.endpoint, "call Ann") -- somebody else
    assert.equal("kept: 1 note\n  - buy milk\nnow: 2 notes\n  - buy milk\n  - call Ann\n", notes(store, service.endpoint))
    local output = notes(store, kept.UNREACHABLE, "too late")
    assert.equal("kept: 2 notes\n  - buy milk\n  - call Ann\n"
      .. "queued: too late\n"
      .. "offline (the connection was refused by 127.0.0.1:1), kept: 2 notes\n  - buy milk\n  - call Ann\n", output)
    assert.equal("kept: 2 notes\n  - buy milk\n  - call Ann\n"
      .. "now: 3 notes\n  - buy milk\n  - call Ann\n  - too late\n", notes(store, service.endpoint))
    assert.equal("kept: 0 notes\nno notes: network: the connection was refused by 127.0.0.1:1\n",
      notes(made.path .. "/new.db", kept.UNREACHABLE))
  end)

  it("is a demo whose second half has no server", function()
    local log = process.temporary ".log"
    local ok = os.execute("examples/notes/demo >" .. log .. " 2>&1")
    assert.is_true(ok == true or ok == 0, process.read(log))
    assert.truthy(process.read(log):find("demo: 2 notes, read again with the server stopped", 1, true))
  end)
end)
