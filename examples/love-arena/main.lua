-- The frame: LÖVE's callbacks go to the screen that is shown, and the library gets 1 ms of each update.
local appsync = require "appsync"
local net = require "net"
local robot = require "robot"
local start = require "screens.start"

local BUDGET = 0.001
local QUIT_S = 0.05 -- what calls in flight have at most when the game ends

local screen

-- Each screen returns the next one, or nothing.
local function show(other)
  if other then screen = other end
end

function love.load()
  love.keyboard.setKeyRepeat(true)
  appsync.assert(appsync.start()) -- what the first call would wait for
  screen = start.new()
end

function love.update(dt)
  robot.update(screen)
  show(screen:update(dt))
  appsync.update{ budget = BUDGET, raise = true }
end

function love.draw() screen:draw() end

function love.textinput(text)
  if screen.text then screen:text(text) end
end

function love.keypressed(key)
  if key == "escape" then love.event.quit() end
  if screen.key then show(screen:key(key)) end
end

-- A telephone stops calling love.update in the background.
function love.focus(has_focus)
  if has_focus then net.resumed() end
end

function love.visible(is_visible)
  if is_visible then net.resumed() else net.suspend() end
end

function love.quit()
  net.close(QUIT_S)
end
