-- The game: walk with the arrows, collect the coin; Enter begins a line of chat, and sends it.
local net = require "net"

local arena = {}
arena.__index = arena

local WIDTH, HEIGHT, BORDER = 460, 440, 20
local SPEED, SIZE, COIN = 180, 9, 7
local ARROWS = { left = { -1, 0 }, right = { 1, 0 }, up = { 0, -1 }, down = { 0, 1 } }

local function place()
  return love.math.random(BORDER, WIDTH - BORDER), love.math.random(BORDER, HEIGHT - BORDER)
end

function arena.new()
  local self = setmetatable({ points = 0 }, arena)
  self.x, self.y = place()
  self.coin_x, self.coin_y = place()
  return self
end

local function step(self, dt)
  for key, direction in pairs(ARROWS) do
    if love.keyboard.isDown(key) then
      self.x = math.max(BORDER, math.min(WIDTH - BORDER, self.x + direction[1] * SPEED * dt))
      self.y = math.max(BORDER, math.min(HEIGHT - BORDER, self.y + direction[2] * SPEED * dt))
    end
  end
end

local function collect(self)
  local dx, dy = self.x - self.coin_x, self.y - self.coin_y
  if dx * dx + dy * dy > (SIZE + COIN) ^ 2 then return end
  self.points = self.points + 1
  self.coin_x, self.coin_y = place()
  net.save_score(self.points)
end

function arena:update(dt)
  if not self.line then step(self, dt) end
  collect(self)
  net.move(self.x, self.y)
  net.update(dt)
end

function arena:text(text)
  if self.line then self.line = self.line .. text end
end

function arena:key(key)
  if key == "backspace" and self.line then self.line = self.line:gsub("[%z\1-\127\194-\244][\128-\191]*$", "") end
  if key ~= "return" then return end
  if self.line and self.line ~= "" then net.say(self.line) end
  self.line = not self.line and "" or nil
end

local function draw_player(name, x, y, red, green, blue)
  love.graphics.setColor(red, green, blue)
  love.graphics.circle("fill", x, y, SIZE)
  love.graphics.printf(name, x - 60, y - 26, 120, "center")
end

local function draw_field(self)
  love.graphics.setColor(0.25, 0.28, 0.35)
  love.graphics.rectangle("line", BORDER / 2, BORDER / 2, WIDTH - BORDER, HEIGHT - BORDER)
  love.graphics.setColor(1, 0.85, 0.2)
  love.graphics.circle("fill", self.coin_x, self.coin_y, COIN)
  for name, player in pairs(net.players) do draw_player(name, player.x, player.y, 0.4, 0.7, 1) end
  draw_player(net.name, self.x, self.y, 0.4, 1, 0.5)
end

local function draw_board()
  love.graphics.setColor(1, 1, 1)
  love.graphics.print("Leaderboard", WIDTH + 20, 20)
  for i, score in ipairs(net.board or {}) do
    if i > 10 then break end
    love.graphics.print(("%d. %s  %d"):format(i, score.name, score.points), WIDTH + 20, 24 + i * 18)
  end
end

local function draw_chat(self)
  love.graphics.setColor(0.8, 0.85, 0.9)
  for i, message in ipairs(net.messages) do
    love.graphics.printf(message.name .. ": " .. message.text, WIDTH + 20, 230 + i * 30, 150)
  end
  love.graphics.print(self.line and "> " .. self.line .. "_" or "Enter: chat   Arrows: walk", BORDER, HEIGHT + 10)
end

local function draw_status()
  if net.status == "online" and net.waiting == 0 then return end
  local text = net.status == "online" and "" or "The server is away. "
  if net.waiting > 0 then text = text .. ("Scores to be sent: %d"):format(net.waiting) end
  love.graphics.setColor(1, 0.5, 0.4)
  love.graphics.print(text, 260, HEIGHT + 10)
end

function arena:draw()
  love.graphics.clear(0.09, 0.1, 0.14)
  draw_field(self)
  draw_board()
  draw_chat(self)
  draw_status()
end

return arena
