-- Runs games in LÖVE, on a display of their own, with a folder of their own for what they save.
local folder = require "spec.support.folder"
local process = require "spec.support.process"

local love = {}

local function checked(...)
  local output, status = process.run(...)
  assert(status == 0, output)
  return output
end

local CONF = [[function love.conf(t) t.modules.audio, t.window.width, t.window.height, t.window.vsync = false, 320, 240, 0 end]]

--- Makes a folder with a game, `files` and appsync; starts a display, which `process.stop_all` ends.
---@param files table<string, string>
---@return table game
function love.make(files)
  local made = folder.make { ["game/conf.lua"] = CONF, ["player/.none"] = "" }
  local display = process.start { "Xvfb", "-displayfd", "1", "-screen", "0", "640x480x24", "-nolisten", "tcp" }
  assert(tonumber(display), "Xvfb didn't start: " .. tostring(display))
  for name, text in pairs(files) do made.write("game/" .. name, text) end
  checked("env -u MAKEFLAGS -u MFLAGS make -s vendor LUA=luajit BUILD='%s' DIR='%s/game'",
    package.cpath:match "([^;]+)/lua5%.%d/%?%.so", made.path)

  local game = { path = made.path, display = display, write = made.write, remove = made.remove }

  --- The save folder of the game, or of the fused program.
  game.saved = made.path .. "/player/love/game"
  game.saved_fused = made.path .. "/player/game"

  --- Runs a shell command there.
  function game.shell(command) return checked("cd '%s' && %s", made.path, command) end

  --- Packs the game into alone/game.love, and fuses it into fused/game.
  function game.pack()
    game.shell("mkdir -p alone fused && cd game && rm -f ../alone/game.love && " .. process.PYTHON
      .. " -m zipfile -c ../alone/game.love *")
    game.shell [[cat "$(command -v love)" alone/game.love >fused/game && chmod +x fused/game]]
  end

  --- Runs `command`, such as "love game": what it wrote, and its status.
  function game.run(command, seconds)
    return process.run("cd '%s' && env -u LUA_PATH -u LUA_CPATH HOME='%s/player' XDG_DATA_HOME='%s/player' "
      .. "XDG_RUNTIME_DIR='%s/player' DISPLAY=:%s timeout %d %s", made.path, made.path, made.path, made.path, display, seconds or 60,
      command)
  end

  --- Starts the game in the background, with these variables and a save folder of its own below `player`.
  ---@param variables string[] "NAME=value"
  ---@return string first the first line that it wrote, table handle of `spec.support.process`
  function game.start(player, variables)
    local home = ("%s/%s"):format(made.path, player)
    checked("mkdir -p '%s'", home)
    local words = { "env", "-u", "LUA_PATH", "-u", "LUA_CPATH", "HOME=" .. home, "XDG_DATA_HOME=" .. home, "XDG_RUNTIME_DIR=" .. home,
      "DISPLAY=:" .. display }
    for _, variable in ipairs(variables) do words[#words + 1] = variable end
    words[#words + 1] = "love"
    words[#words + 1] = made.path .. "/game"
    return process.start(words)
  end

  return game
end

return love
