---Tokens of a simulation: opaque texts that the service takes for an hour, unless they are made to expire before.
local tokens = {}

local LIFE_S = 3600

---@class appsync.simulate.Tokens
---@field private now fun(): number the service's time
---@field private n integer
---@field private valid_until number of the last one
local Tokens = {}
Tokens.__index = Tokens

---@param now fun(): number
---@return appsync.simulate.Tokens
function tokens.new(now)
  return setmetatable({ now = now, n = 0, valid_until = 0 }, Tokens)
end

---The client's `token` function. What it gives is a new one unless the last one is still good.
---@return string token
function Tokens:give()
  if self.now() >= self.valid_until then
    self.n, self.valid_until = self.n + 1, self.now() + LIFE_S
  end
  return "token-" .. self.n
end

function Tokens:expire()
  self.valid_until = 0
end

---@param token string?
---@return boolean
function Tokens:is_valid(token)
  return token == "token-" .. self.n and self.now() < self.valid_until
end

return tokens
