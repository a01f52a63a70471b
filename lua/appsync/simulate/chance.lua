---Chance that follows from a seed: the same on every Lua, and on every machine.
local errors = require "appsync.errors"

local chance = {}

-- Two multiplicative generators, combined (P. L'Ecuyer, "Efficient and portable combined random number generators",
-- Communications of the ACM 31, 1988): all of it is exact in a double.
local M1, A1, M2, A2 = 2147483563, 40014, 2147483399, 40692

---What an action draws from. `random(n)` is one of 1 to n, `random(m, n)` one of m to n.
---@class appsync.simulate.Random
---@overload fun(m: integer, n: integer?): integer
---@field private a integer
---@field private b integer
local Random = {}
Random.__index = Random

local function step(self)
  self.a, self.b = self.a * A1 % M1, self.b * A2 % M2
  return (self.a - self.b) % (M1 - 1)
end

---@param ... integer a seed, and what is to be drawn with it
---@return appsync.simulate.Random
function chance.new(...)
  local mixed = 1
  for i = 1, select("#", ...) do mixed = (mixed * 16807 + select(i, ...) * 48271 + 12345) % M1 end
  local self = setmetatable({ a = mixed % (M1 - 1) + 1, b = (mixed * 31337 + 777) % (M2 - 1) + 1 }, Random)
  for _ = 1, 4 do step(self) end
  return self
end

---@return number fraction at least 0, below 1
function Random:fraction()
  return step(self) / (M1 - 1)
end

function Random:__call(m, n)
  if type(m) ~= "number" then
    errors.misuse("random(n), random(m, n): n must be an integer, got %s; random:fraction() is a number from 0 to below 1",
      (errors.describe(m)))
  end
  if not n then m, n = 1, m end
  return m + math.floor(self:fraction() * (n - m + 1))
end

---True so often.
---@param share number 0 to 1
---@return boolean
function Random:chance(share)
  return self:fraction() < share
end

---@generic T
---@param list T[]
---@return T? one of them, nil of an empty list
function Random:pick(list)
  if #list > 0 then return list[self(#list)] end
end

---A UUID, as `appsync.uuid` makes them.
---@return string
function Random:uuid()
  local digits = {}
  for i = 1, 32 do digits[i] = ("%x"):format(i == 13 and 4 or i == 17 and self(8, 11) or self(0, 15)) end
  local text = table.concat(digits)
  return ("%s-%s-%s-%s-%s"):format(text:sub(1, 8), text:sub(9, 12), text:sub(13, 16), text:sub(17, 20), text:sub(21))
end

return chance
