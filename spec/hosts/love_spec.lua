-- appsync in games: LÖVE runs them as a folder, as a .love, and fused.
local love = require "spec.support.love"
local peer = require "spec.support.peer"
local process = require "spec.support.process"
local server = require "spec.support.server"

local TRY = [[
  function love.load()
    local ok, raised = pcall(require, "appsync")
    print(ok and "loaded" or raised)
    love.event.quit()
  end
]]

describe("a LÖVE game", function()
  local game

  after_each(function()
    game.remove()
    process.stop_all()
  end)

  local function has(output, text) assert.truthy(output:find(text, 1, true), output) end

  describe("finds the library", function()
    before_each(function() game = love.make { ["main.lua"] = TRY } end)

    it("beside main.lua, from wherever it is started", function()
      assert.equal("loaded\n", (game.run "love game"))
      assert.equal("loaded\n", (game.run "sh -c 'cd / && love $HOME/../game'"))
    end)

    it("in the save folder of a .love, or beside it", function()
      game.pack()
      assert.matches("^appsync: its library, appsync/core.so, can't be loaded", (game.run "love alone/game.love"))
      game.shell "mkdir -p player/love/game/appsync && cp game/appsync/core.so player/love/game/appsync"
      assert.equal("loaded\n", (game.run "love alone/game.love"))
      game.shell "rm -r player/love/game && mkdir alone/appsync && cp game/appsync/core.so alone/appsync"
      assert.equal("loaded\n", (game.run "love alone/game.love"))
    end)

    it("beside a fused program, or in its save folder", function()
      game.pack()
      assert.matches("^appsync: its library, appsync/core.so, can't be loaded", (game.run "fused/game"))
      game.shell "mkdir fused/appsync && cp game/appsync/core.so fused/appsync"
      assert.equal("loaded\n", (game.run "fused/game"))
      game.shell "rm -r fused/appsync && mkdir -p player/game/appsync && cp game/appsync/core.so player/game/appsync"
      assert.equal("loaded\n", (game.run "fused/game"))
    end)

    it("or says where it looked and what to do", function()
      game.pack()
      game.shell "mkdir alone/appsync && echo damaged >alone/appsync/core.so"
      local output = game.run "love alone/game.love"
      has(output, "`make vendor LUA=luajit DIR=...` makes it. It belongs\n- beside main.lua, as appsync/core.so, when the "
        .. "game is a folder;\n- into the save folder, as appsync/core.so, or into the folder of the .love, when the game is a "
        .. ".love: it can't be loaded from inside of it;\n- beside the program, as appsync/core.so, when the game is fused.\n"
        .. "Looked at, beside what require says:\n\t" .. game.path .. "/alone/appsync/core.so: ")
      assert.matches("alone/appsync/core.so: [^\n]*file too short\n", output)
      has(output, "\n\t" .. game.saved .. "/appsync/core.so: cannot open shared object file: No such file or directory\n")
      has(output, "\nrequire says: module 'appsync.core' not found:\n")

      game.shell "rm game/appsync/core.so"
      output = game.run "love game"
      has(output, "Looked at, beside what require says:\n\t" .. game.path .. "/game/appsync/core.so: cannot open")
    end)
  end)

  it("keeps its store in the save folder and finds its configuration inside of the .love", function()
    game = love.make {
      ["main.lua"] = [[
        local appsync = require "appsync"
        local client = appsync.client{ config = "amplify_outputs.json", store = "of/players/cache.db" }
        local task = appsync.spawn(function()
          print("n", appsync.assert(client:query "{ n }").n)
          print("kept", appsync.assert(client:query("{ n }", nil, { fetch_policy = "cache-only" })).n)
          local _, err = appsync.client{ config = "other.json" }
          print(err.message)
          client:close()
        end)
        local n_frames = 0
        function love.update()
          appsync.update{ budget = 0.002, raise = true }
          if task:status() == "done" and n_frames > 2 then love.event.quit() end
        end
        function love.draw()
          n_frames = n_frames + 1
          love.graphics.print("frame " .. n_frames)
        end
      ]],
    }
    local service = server.start{ schema = "type Query { n: Int }", resolvers = "return { Query = { n = function() return 42 end } }" }
    game.write("game/amplify_outputs.json", ('{"version": "1", "data": {"url": "%s", "aws_region": "eu-west-1", "api_key": "%s", '
      .. '"default_authorization_type": "API_KEY"}}'):format(service.endpoint, server.API_KEY))
    game.pack()
    game.shell "cp -r game/appsync alone && cp -r game/appsync fused"
    for command, saved in pairs{ ["love game"] = game.saved, ["love alone/game.love"] = game.saved,
      ["fused/game"] = game.saved_fused } do
      local output, status = game.run(command)
      assert.equal(0, status)
      assert.matches("^n\t42\nkept\t42\nconfig can't be read: other.json: No such file or directory, neither among the game's "
        .. "files nor in its save folder, " .. saved .. "; accepted are", output)
      assert.matches("^SQLite format 3", process.read(saved .. "/of/players/cache.db"))
      game.shell("rm -r '" .. saved .. "'")
    end
    assert.equal("", game.shell "find . -name 'cache.db*'")
  end)

  it("gets a failed task's traceback in its frame, and in its error handler if it asks", function()
    local main = [[
      local appsync = require "appsync"
      function love.errorhandler(message)
        print("handler: " .. message)
        return nil
      end
      local function open_level() error "no such level" end
      appsync.spawn(open_level)
      local n_frames = 0
      function love.update()
        n_frames = n_frames + 1
        if n_frames == 2 then love.event.quit() end
        appsync.update(%s)
        io.stderr:write("frame ", n_frames, "\n")
      end
    ]]
    game = love.make { ["main.lua"] = main:format "0.001" }
    local output = game.run "love game"
    assert.matches("^appsync: error: a task that nobody awaited failed: main.lua:6: no such level\nstack traceback:\n"
      .. ".*main.lua:6: in function.*\nframe 1\nframe 2\n", output)
    assert.is_nil(output:find "handler")
    game.write("game/main.lua", main:format "{ raise = true }")
    output = game.run "love game"
    assert.matches("handler: main.lua:6: no such level\nstack traceback:\n.*main.lua:6: in function", output)
    assert.is_nil(output:find "frame")
  end)

  it("quits while requests are in flight that nobody answers", function()
    game = love.make {
      ["main.lua"] = [[
        local appsync = require "appsync"
        local client = appsync.client{ endpoint = os.getenv "ENDPOINT", auth = { type = "NONE" }, store = "quit.db" }
        local ended = {}
        for i = 1, 20 do
          client:query("query Q($n: Int) { n(n: $n) }", { n = i }, { fetch_policy = "network-only", on_result = function(_, err)
            ended[#ended + 1] = err.kind
          end })
        end
        function love.update()
          appsync.update(0.001)
          if client:stats().requests == 20 then love.event.quit() end
        end
        function love.quit()
          print(client:close(0), #ended, ended[1], ended[20])
        end
      ]],
    }
    local silent = peer.start{ connections = { { { "request" }, { "wait" } } }, ["repeat"] = true }
    local output, status = game.run("env ENDPOINT=" .. silent.url .. " love game")
    assert.equal(0, status, output)
    assert.matches("^true\t20\tclosed\tclosed", output)
  end)

  it("takes over its store and ends the former client when its code is loaded anew", function()
    game = love.make {
      ["main.lua"] = [[
        local appsync = require "appsync"
        local net = require "net"
        local ended = false
        net.open(function() ended = true end)
        local former = net.client
        local n_frames = 0
        function love.update()
          n_frames = n_frames + 1
          appsync.update{ budget = 0.001, raise = true }
          if n_frames == 2 then
            package.loaded.net = nil
            net = require "net"
            net.open(function() error "the new subscription has ended" end)
          elseif n_frames > 2 and ended then
            local _, err = former:query("{ n }", nil, { timeout = 1 })
            print("former", err.kind, "new", net.client ~= former and net.client:write_query("{ n }", nil, { n = 1 }))
            love.event.quit()
          end
        end
      ]],
      ["net.lua"] = [[
        local appsync = require "appsync"
        local net = {}
        function net.open(on_end)
          net.client = appsync.client{
            endpoint = "http://127.0.0.1:9/graphql", auth = { type = "NONE" }, store = "reload.db", reopen = true,
          }
          net.client:write_query("{ n }", nil, { n = 0 })
          net.client:subscribe("subscription { on { n } }"):subscribe{ next = print, complete = on_end }
        end
        return net
      ]],
    }
    local output, status = game.run "love game"
    assert.equal(0, status, output)
    assert.matches("former\tclosed\tnew\ttrue\n", output)
  end)

  it("uses it in love.thread, too, each with a client of its own", function()
    game = love.make {
      ["main.lua"] = [[
        local TRY = [=[
          local appsync = require "appsync"
          local client = appsync.client{ endpoint = ..., auth = { type = "NONE" }, retry = { attempts = 1 },
            store = "thread.db" }
          local _, err = client:query("{ n }", nil, { fetch_policy = "network-only" })
          client:close(5)
          love.thread.getChannel("said"):push(err.kind)
        ]=]
        local thread = love.thread.newThread(TRY)
        thread:start "http://127.0.0.1:9/graphql"
        local appsync = require "appsync"
        local client = appsync.client{ endpoint = "http://127.0.0.1:9/graphql", auth = { type = "NONE" },
          retry = { attempts = 1 } }
        local main, said
        client:query("{ n }", nil, { on_result = function(_, err) main = err.kind end })
        function love.update()
          appsync.update(0.001)
          said = said or love.thread.getChannel("said"):pop() or thread:getError()
          if not main or not said or thread:isRunning() then return end
          print(main, said)
          love.event.quit()
        end
      ]],
    }
    assert.equal("network\tnetwork\n", (game.run "love game"))
    assert.matches("^SQLite format 3", process.read(game.saved .. "/thread.db"))
  end)
end)
