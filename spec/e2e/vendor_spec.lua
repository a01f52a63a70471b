-- make vendor DIR=: a copy for programs that bring their own modules.
local folder = require "spec.support.folder"
local process = require "spec.support.process"

local run = process.run

local LUA = os.getenv "APPSYNC_LUA"
local BUILD = package.cpath:match "([^;]+)/lua5%.%d/%?%.so"

describe("make vendor DIR=", function()
  local program

  -- Not the variables of the `make` that runs the tests.
  local function make(dir)
    return run("env -u MAKEFLAGS -u MFLAGS make -s vendor LUA=%s BUILD='%s' DIR='%s'", LUA, BUILD, dir)
  end

  local function vendor()
    local output, status = make(program.path)
    assert.equal(0, status, output)
    assert.matches("/appsync: %d+ modules, %d+ KB; core.so, %d+ KB\n$", output)
  end

  -- In the program's folder, which is all that Lua searches.
  local function run_there(text)
    program.write("main.lua", text)
    local output = run("cd '%s' && env LUA_PATH='./?.lua;./?/init.lua' LUA_CPATH='./?.so' %s main.lua", program.path, LUA)
    return output
  end

  before_each(function() program = folder.make {} end)

  after_each(function()
    program.remove()
    process.stop_all()
  end)

  it("copies what a program needs, which runs from there", function()
    vendor()
    local expected = { "appsync/LICENSE", "appsync/core.so" }
    for module in run [[cd lua && find appsync -name '*.lua' ! -path '*/_meta/*' ! -path appsync/server/'*' ! -path appsync/cli/'*' ! \
      -path appsync/simulate/'*']]:gmatch "[^\n]+" do
      expected[#expected + 1] = module
    end
    table.sort(expected)
    assert.equal(table.concat(expected, "\n") .. "\n", (run("cd '%s' && find appsync -type f | LC_ALL=C sort", program.path)))
    assert.equal("", (run("nm '%s/appsync/core.so' 2>/dev/null", program.path)))
    assert.equal("closed\n", run_there [[
      local appsync = require "appsync"
      local client = appsync.client{ endpoint = "http://127.0.0.1:9/graphql", auth = { type = "NONE" }, store = ":memory:",
        retry = { attempts = 1 } }
      assert(select(2, client:query "{ a }").kind == "network")
      assert(client:close(5))
      print "closed"
    ]])
  end)

  it("leaves out nothing that is required", function()
    vendor()
    local n = 0
    for required in run([[cd '%s' && grep -rhoE 'require[ (]"appsync[a-z0-9_.]*"' appsync | grep -o 'appsync[a-z0-9_.]*' | sort -u]],
      program.path):gmatch "[^\n]+" do
      n = n + 1
      local path = program.path .. "/" .. required:gsub("%.", "/")
      if required ~= "appsync.core" then
        assert.is_true(process.read(path .. ".lua") ~= "" or process.read(path .. "/init.lua") ~= "", required)
      end
    end
    assert.is_true(n > 50)
  end)

  it("replaces an earlier copy, and nothing else", function()
    vendor()
    program.write("appsync/old.lua", "")
    program.write("other.lua", "other")
    vendor()
    assert.equal("", (run("ls '%s/appsync' | grep old", program.path)))
    assert.equal("other", process.read(program.path .. "/other.lua"))

    os.remove(program.path .. "/appsync/core.so")
    local output, status = make(program.path)
    assert.not_equal(0, status)
    assert.matches("/appsync is there and isn't a copy that was made by this; move it away first\n", output)
    assert.not_equal("", process.read(program.path .. "/appsync/init.lua"))
    output = make "lua"
    assert.matches("/lua/appsync is there and isn't a copy that was made by this; move it away first\n", output)
  end)

  it("says what DIR is missing", function()
    local output, status = make ""
    assert.not_equal(0, status)
    assert.matches("^make vendor: DIR=… says which folder gets appsync/\n", output)
    assert.matches("^make vendor: DIR=" .. program.path .. "/none: there is no such folder\n", (make(program.path .. "/none")))
  end)

  it("is told by an error when its library is missing", function()
    vendor()
    os.remove(program.path .. "/appsync/core.so")
    local output = run_there [[print(select(2, pcall(require, "appsync")))]]
    local said = "appsync: its library, appsync/core.so, can't be loaded. `make install` or LuaRocks puts it where this Lua "
      .. "looks; `make vendor LUA=... DIR=...` makes a copy of appsync with it, for a program that brings its own modules.\n"
      .. "require says: module 'appsync.core' not found:\n"
    assert.truthy(output:find(said, 1, true), output)
    assert.truthy(output:find("no file './appsync/core.so'", 1, true), output)
  end)
end)
