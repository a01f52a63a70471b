-- examples/embed: a C program with a frame loop, linked by the lines of its README.
local process = require "spec.support.process"
local server = require "spec.support.server"
local todos = process.read "examples/todo/schema.graphql"

local LUA = os.getenv "APPSYNC_LUA"
local BUILD = assert(package.cpath:match "([^;]+/lua5%.%d)/%?%.so")

-- One of each kind of Lua's C interface.
if LUA ~= "lua5.4" and LUA ~= "luajit" then return end

describe("examples/embed", function()
  after_each(process.stop_all)

  -- What a command wrote, and its status.
  local function run(command)
    local pipe = assert(io.popen("(" .. command .. ") 2>&1; echo status=$?"))
    local output, status = pipe:read("*a"):match "^(.*)status=(%d+)\n$"
    pipe:close()
    return output, tonumber(status)
  end

  -- The program, by the one line of the README that has the word, for the Lua under test.
  local function link(word, has_word)
    local path
    for line in process.read("examples/embed/README.md"):gmatch "\n(cc [^\n]+)" do
      if (line:find(word, 1, true) ~= nil) == has_word then
        assert.is_nil(path, "two lines are like this")
        path = process.temporary()
        line = line:gsub("build/lua5%.4", (BUILD:gsub("%%", "%%%%"))):gsub("lua5%.4%)", LUA .. ")"):gsub("%-o embed", "-o " .. path)
        local output, status = run(line .. " -Wall -Wextra")
        assert.same({ "", 0 }, { output, status }, line)
      end
    end
    return assert(path, "the README has no such line")
  end

  local function link_static() return link("-DAPPSYNC_STATIC", true) end
  local function link_shared() return link("-DAPPSYNC_STATIC", false) end

  local function check(program, variables)
    local service = server.start { schema = todos }
    local output, status = run(("%s timeout 30 %s examples/embed/app.lua %s %s"):format(variables, program, service.endpoint,
      server.API_KEY))
    assert.equal(0, status, output)
    assert.truthy(output:find('app: made "embed Lua", heard of "embed Lua", the first of 1 is "embed Lua"\n', 1, true), output)
    assert.truthy(output:find "embed: %d+ frames, the longest update took [%d.]+ ms\n$", output)
  end

  -- A host that runs the text, and no service.
  local function run_host(text)
    return run(("timeout 30 %s %s http://127.0.0.1:1/graphql da2-none"):format(link_shared(), process.file(text, ".lua")))
  end

  it("has the core in the program, and finds no shared object", function()
    check(link_static(), "env LUA_CPATH=")
  end)

  it("loads the core as a shared object", function()
    check(link_shared(), "env")
  end)

  it("ends cleanly in the middle of things, after a signal", function()
    local output, status = run_host [[
      local app, n = assert(loadfile "examples/embed/app.lua")(...), 0
      return { quit = app.quit, frame = function()
        n = n + 1
        if n == 3 then os.execute "kill -TERM $PPID" end
        return app.frame()
      end }
    ]]
    assert.truthy(output:find "embed: 3 frames", output)
    assert.equal(0, status, output)
  end)

  it("tells what a frame raised, and still quits", function()
    local output, status = run_host [[
      return { quit = function() print "quit" return true end, frame = function() error "no frame" end }
    ]]
    assert.truthy(output:find "embed: [^\n]+%.lua:1: no frame\nstack traceback:", output)
    assert.truthy(output:find "\nquit\n", output)
    assert.equal(1, status, output)
  end)
end)
