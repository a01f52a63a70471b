---What holds while one request or message is worked on: a clock that is wrong, credentials that count as expired, fields
---that fail. The clock, the authorizer and the engine ask here.
local glob = require "appsync.server.glob"
local waiting = require "appsync.server.waiting"

local moment = {}

---@class appsync.server.Moment
---@field skew_s number of all requests
---@field private skew_here_s number of this one
---@field lag_ms number how much too old reads are in this one
---@field private expire table? parameters
---@field private refusal appsync.server.FaultRefusal?
local Moment = {}
Moment.__index = Moment

---A clock is not more wrong than that: thirty years. Further off the dates of a time are none.
moment.max_skew_s = 1e9

---Whether a clock may be so wrong.
---@param seconds number
---@return boolean
function moment.is_skew(seconds)
  return seconds >= -moment.max_skew_s and seconds <= moment.max_skew_s
end

---@param now fun(): number
---@return appsync.server.Moment
function moment.new(now)
  return setmetatable({ real_now = now, skew_s = 0, skew_here_s = 0, lag_ms = 0 }, Moment)
end

---Unix seconds by the server's clock.
---@return number
function Moment:now()
  return self.real_now() + self.skew_s + self.skew_here_s
end

---Puts the time of a wrong clock into an answer's headers: clients that sign correct theirs by it.
---@param headers table<string, string>
---@return table<string, string> headers
function Moment:date(headers)
  if self.skew_s + self.skew_here_s ~= 0 then
    headers.date = os.date("!%a, %d %b %Y %H:%M:%S GMT", math.floor(self:now()))
  end
  return headers
end

-- The engine asks for each field: its error, or nil. Without a name it is every root field that the rule matches.
local function injection(strike)
  local p, pattern = strike.parameters, strike.item.rule.match.field
  local thrown = { message = p.message, type = p.type, data = p.data, info = p.info }
  return function(type_name, field_name, is_root)
    if p.field then
      local is_meant = p.field == type_name .. "." .. field_name or (is_root and p.field == field_name)
      return is_meant and thrown or nil
    end
    return is_root and (not pattern or glob.matches(pattern, field_name)) and thrown or nil
  end
end

---Runs `fn` under these strikes.
---@param strikes table<string, appsync.server.Strike>?
---@param engine table
---@param fn function
---@return any
function Moment:during(strikes, engine, fn)
  if not strikes then return fn() end
  local inject = strikes.error and injection(strikes.error) or nil
  local function strike()
    self.skew_here_s = strikes.skew and strikes.skew.parameters.s or 0
    self.lag_ms = strikes.stale and strikes.stale.parameters.ms or 0
    self.expire = strikes.expire and strikes.expire.parameters
    self.refusal = strikes.refusal
    engine.inject = inject
  end
  local function rest()
    self.skew_here_s, self.lag_ms, self.expire, self.refusal, engine.inject = 0, 0, nil, nil, nil
  end
  local function finish(ok, ...)
    rest()
    if not ok then error((...), 0) end
    return ...
  end
  strike()
  -- While it waits, others are answered.
  return finish(waiting.pcall(function() return waiting.within(rest, strike, fn) end))
end

local EXPIRED = {
  API_KEY = { status = 401, type = "UnauthorizedException", message = "You are not authorized to make this call." },
  AWS_IAM = { status = 401, type = "UnauthorizedException", message = "The security token included in the request is expired" },
}
local EXPIRED_TOKEN = { status = 401, type = "UnauthorizedException", message = "Token has expired." }

local function counts_as_expired(p, identity)
  if not p.issued_before then return true end
  local issued = type(identity.claims) == "table" and identity.claims.iat
  return type(issued) == "number" and issued < p.issued_before
end

---An authorizer that does what the faults say with credentials that the real one accepts.
---@param real table
---@return table
function Moment:authorizer(real)
  local proxy = setmetatable({}, { __index = real })
  function proxy.check(_, credentials)
    if self.refusal then return nil, self.refusal end
    local identity, refusal = real:check(credentials)
    if identity and self.expire and counts_as_expired(self.expire, identity) then
      return nil, EXPIRED[identity.mode] or EXPIRED_TOKEN
    end
    return identity, refusal
  end
  return proxy
end

return moment
