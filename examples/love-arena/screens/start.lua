-- Asks for a name.
local net = require "net"
local arena = require "screens.arena"

local start = {}
start.__index = start

local MAX_NAME = 16

function start.new()
  return setmetatable({ name = "", message = "Your name, then Enter" }, start)
end

function start:text(text)
  if #self.name < MAX_NAME and text:find "^%w+$" then self.name = self.name .. text end
end

function start:key(key)
  if self.is_busy then return end
  if key == "backspace" then self.name = self.name:sub(1, -2) end
  if key ~= "return" or self.name == "" then return end
  self.is_busy, self.message = true, "Signing in …"
  net.sign_in(self.name, function(err)
    self.is_busy, self.message = false, err or ""
    if not err then self.next_screen = arena.new() end
  end)
end

function start:update()
  return self.next_screen
end

function start:draw()
  love.graphics.clear(0.09, 0.1, 0.14)
  love.graphics.setColor(1, 1, 1)
  love.graphics.printf("A R E N A", 0, 140, 320, "center", 0, 2, 2)
  love.graphics.rectangle("line", 220, 240, 200, 28)
  love.graphics.printf(self.name .. "_", 226, 247, 190)
  love.graphics.setColor(0.7, 0.75, 0.8)
  love.graphics.printf(self.message, 0, 290, 640, "center")
end

return start
