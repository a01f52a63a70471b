-- Plays by itself, for tests: ARENA_ROBOT names a file of commands, to which lines may be added while it runs, and the game
-- writes what it sees to the standard output. Commands: `name NAME`, `walk X Y`, `coin`, `say TEXT`, `shot FILE`, `quit`.
local net = require "net"

local robot = {}

local path = os.getenv "ARENA_ROBOT"
local file, at = nil, 0
local told = {}

local function tell(what, text)
  if told[what] == text then return end
  told[what] = text
  print(what .. " " .. text)
  io.stdout:flush()
end

local commands = {}

function commands.name(screen, name)
  screen.name = name
  screen:key "return"
end

function commands.walk(screen, place)
  local x, y = place:match "(%S+) (%S+)"
  screen.x, screen.y = tonumber(x), tonumber(y)
end

function commands.coin(screen)
  screen.x, screen.y = screen.coin_x, screen.coin_y
end

function commands.say(screen, text)
  screen:key "return"
  screen:text(text)
  screen:key "return"
end

function commands.shot(_, name)
  love.graphics.captureScreenshot(function(image)
    local out = assert(io.open(name, "wb"))
    out:write(image:encode("png"):getString())
    out:close()
    tell("shot", name)
  end)
end

function commands.quit() love.event.quit() end

-- The next complete line, if it is there.
local function next_line()
  file = file or io.open(path, "rb")
  if not file then return nil end
  file:seek("set", at)
  local line = file:read "*l"
  if not line then return nil end
  file:seek("set", at + #line)
  if not file:read(1) then return nil end -- it isn't complete
  at = at + #line + 1
  return line
end

local function watch(screen)
  tell("screen", screen.line == nil and screen.points and "arena" or screen.message or "arena")
  tell("status", net.status)
  tell("waiting", tostring(net.waiting))
  for name, player in pairs(net.players) do tell("player " .. name, ("%.0f %.0f"):format(player.to_x, player.to_y)) end
  for name, points in pairs(net.scores) do tell("score " .. name, tostring(points)) end
  local last = net.messages[#net.messages]
  if last then tell("chat", last.name .. ": " .. last.text) end
end

--- Once a frame.
function robot.update(screen)
  if not path then return end
  watch(screen)
  local line = next_line()
  if line then commands[line:match "^%a+"](screen, line:match "^%a+ (.*)$") end
end

return robot
