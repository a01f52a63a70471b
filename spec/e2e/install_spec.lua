-- make install PREFIX= and make uninstall PREFIX=, under a DESTDIR.
local process = require "spec.support.process"

local LUA = os.getenv "APPSYNC_LUA"
local BUILD, VERSION = package.cpath:match "([^;]+)/lua(5%.%d)/%?%.so"
local PREFIX = "/opt/my tools"

describe("make install PREFIX=", function()
  local root

  local function run(command, ...)
    local pipe = assert(io.popen("(" .. command:format(...) .. ") 2>&1; echo status=$?"))
    local output, status = pipe:read("*a"):match "^(.*)status=(%d+)\n$"
    pipe:close()
    assert.equal("0", status, output)
    return output
  end

  -- Not those of the `make` that runs the tests.
  local function make(goal, prefix)
    return run("env -u MAKEFLAGS -u MFLAGS make -s %s LUA=%s BUILD='%s' PREFIX='%s' DESTDIR='%s'", goal, LUA, BUILD, prefix, root)
  end

  local function files() return run("cd '%s' && find . -type f | LC_ALL=C sort", root) end

  before_each(function()
    root = process.temporary()
    run("mkdir '%s'", root)
  end)

  after_each(function()
    run("rm -r '%s'", root)
    process.stop_all()
  end)

  it("puts modules, libraries and the program there, which run, and uninstall takes them away", function()
    assert.equal("", make("install", PREFIX))
    local at = "." .. PREFIX
    local expected = { at .. "/bin/appsync", at .. "/lib/lua/" .. VERSION .. "/appsync/core.so",
      at .. "/lib/lua/" .. VERSION .. "/appsync/server/native.so" }
    for module in run "cd lua && find appsync -name '*.lua' ! -path '*/_meta/*'":gmatch "[^\n]+" do
      expected[#expected + 1] = at .. "/share/lua/" .. VERSION .. "/" .. module
    end
    table.sort(expected)
    assert.equal(table.concat(expected, "\n") .. "\n", files())

    -- The program finds an interpreter that fits, and what is beside it, by itself; Lua is told by its variables.
    local there = root .. PREFIX
    local output = run("cd / && env -u APPSYNC_LUA -u LUA_PATH -u LUA_CPATH '%s/bin/appsync' serve --help", there)
    assert.truthy(output:find("Usage: appsync serve", 1, true), output)
    output = run(
      "env -u APPSYNC_LUA LUA_PATH='%s/share/lua/%s/?.lua;%s/share/lua/%s/?/init.lua' LUA_CPATH='%s/lib/lua/%s/?.so' " ..
      ".ci/installed '%s/bin/appsync' %s", there, VERSION, there, VERSION, there, VERSION, there, LUA)
    assert.truthy(output:find("Lua " .. VERSION .. ": appsync ", 1, true), output)

    assert.equal("", make("uninstall", PREFIX))
    assert.equal("", files())
  end)

  it("leaves nothing of an earlier version, and the program while another Lua uses it", function()
    local old = root .. "/usr/share/lua/" .. VERSION .. "/appsync/old.lua"
    run("mkdir -p '%s/usr/share/lua/9.9/appsync/cli' \"$(dirname '%s')\" && touch '%s'", root, old, old)
    make("install", "/usr")
    assert.falsy(files():find("old.lua", 1, true))
    make("uninstall", "/usr")
    assert.equal("./usr/bin/appsync\n", files())
  end)
end)
