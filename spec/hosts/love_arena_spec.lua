-- examples/love-arena: two players see each other, chat and compete, also while the server is away.
local love = require "spec.support.love"
local process = require "spec.support.process"
local server = require "spec.support.server"
local wait_for = require "spec.support.wait"

local EXAMPLE = "examples/love-arena"

local function files()
  local found = {}
  for path in process.output_of("cd " .. EXAMPLE .. " && find . -name '*.lua'"):gmatch "%./(%S+)" do
    found[path] = process.read(EXAMPLE .. "/" .. path)
  end
  return found
end

describe("examples/love-arena", function()
  local game, service, port, store

  local function serve()
    service = server.start{
      schema = process.read(EXAMPLE .. "/schema.graphql"), resolvers = process.read(EXAMPLE .. "/resolvers.lua"), port = port,
      arguments = { "--auth-default", "AWS_LAMBDA", "--store", store },
    }
    port = service.endpoint:match ":(%d+)/"
  end

  before_each(function()
    port, store = nil, process.temporary ".db"
    game = love.make(files())
    serve()
  end)
  after_each(function()
    process.stop_all()
    game.remove()
  end)

  -- A player: `tell` gives it a command, `sees` waits for a line that it writes.
  local function play(name)
    local player = { commands = process.file "" }
    local first, handle = game.start(name, { "ARENA_ROBOT=" .. player.commands, "APPSYNC_ENDPOINT=" .. service.endpoint,
      "APPSYNC_API_KEY=" .. server.API_KEY })
    assert.equal("screen Your name, then Enter", first, process.read(handle.log))

    function player.tell(command)
      local file = assert(io.open(player.commands, "ab"))
      file:write(command, "\n")
      file:close()
    end

    function player.sees(line)
      wait_for(function() return ("\n" .. process.read(handle.log)):find("\n" .. line .. "\n", 1, true) end, name .. ": " .. line,
        function() return process.read(handle.log) end)
    end

    function player.gone()
      wait_for(function() return process.output_of(("kill -0 %d 2>&1"):format(handle.pid)) ~= "" end, name .. " has ended")
      local log = process.read(handle.log)
      assert.is_nil(log:find "[Ee]rror", log)
    end

    player.tell("name " .. name)
    player.sees "screen arena"
    player.sees "status online"
    return player
  end

  it("shows two players each other, their chat and the leaderboard, and ends cleanly", function()
    local ann, bob = play "ann", play "bob"
    ann.tell "walk 100 120"
    bob.sees "player ann 100 120"
    bob.tell "walk 300 200"
    ann.sees "player bob 300 200"
    bob.tell "say hello"
    ann.sees "chat bob: hello"
    ann.tell("say a" .. ("é"):rep(40))
    bob.sees("chat ann: a" .. ("é"):rep(39)) -- no character is cut in two: LÖVE couldn't draw it
    ann.tell "coin"
    bob.sees "score ann 1"
    ann.sees "waiting 0"
    local shots = os.getenv "SHOTS"
    if shots then
      ann.tell("shot " .. shots .. "/arena.png")
      ann.sees("shot " .. shots .. "/arena.png")
    end
    ann.tell "quit"
    bob.tell "quit"
    ann.gone()
    bob.gone()
  end)

  it("saves a score while the server is away, and sends it afterwards", function()
    local ann, bob = play "ann", play "bob"
    service.stop()
    ann.sees "status offline"
    ann.tell "coin"
    ann.sees "waiting 1"
    ann.sees "score ann 1"
    local shots = os.getenv "SHOTS"
    if shots then
      ann.tell("shot " .. shots .. "/away.png")
      ann.sees("shot " .. shots .. "/away.png")
    end
    serve()
    ann.sees "waiting 0"
    bob.sees "score ann 1"
    bob.tell "coin"
    ann.sees "score bob 1"
    ann.tell "quit"
    bob.tell "quit"
    ann.gone()
    bob.gone()
  end)

  it("is started by one command, with its server, and leaves nothing behind", function()
    local commands, temporary = process.file "name ann\n", game.path .. "/tmp"
    game.shell "mkdir -p tmp home"
    local home = game.path .. "/home"
    local first, handle = process.start{ "env", "-u", "LUA_PATH", "-u", "LUA_CPATH", "-u", "MAKEFLAGS", "-u", "MFLAGS", "HOME=" .. home,
      "XDG_DATA_HOME=" .. home, "XDG_RUNTIME_DIR=" .. home, "DISPLAY=:" .. game.display, "TMPDIR=" .. temporary, "ARENA_ROBOT=" .. commands,
      "APPSYNC_LUA=luajit", "examples/love-arena/run" }
    assert.equal("screen Your name, then Enter", first, process.read(handle.log))
    wait_for(function() return process.read(handle.log):find "\nscreen arena\n" end, "the arena", function() return process.read(handle.log) end)
    local file = assert(io.open(commands, "ab"))
    file:write "quit\n"
    file:close()
    wait_for(function() return process.output_of("ls -A " .. temporary) == "" end, "the end", function() return process.read(handle.log) end)
  end)

  it("lets nobody in with the wrong key, or with a token that isn't theirs", function()
    local commands = process.file "name ann\n"
    local first, handle = game.start("eve", { "ARENA_ROBOT=" .. commands, "APPSYNC_ENDPOINT=" .. service.endpoint,
      "APPSYNC_API_KEY=wrong" })
    assert.equal("screen Your name, then Enter", first)
    wait_for(function() return process.read(handle.log):find "screen [^\n]*authorized" end, "the refusal", function()
      return process.read(handle.log)
    end)
    local command = "curl -s %s -H 'authorization: arena-ann-0123456789abcdef' -d '{\"query\": \"{ leaderboard { id } }\"}'"
    assert.matches("UnauthorizedException", process.output_of(command:format(service.endpoint)))
  end)
end)
