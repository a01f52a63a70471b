---The network of a simulation: what becomes of each request. One draw decides, and all that follows is put on the agenda.
---
---     request --refuse--> no connection            \
---             --drop----> lost on its way there     > the client can't reach the service, or can't know
---             --> arrives --> answered --lose_answer--> lost on its way back, or a gateway's 502
---                     \--unavailable, throttle, an expired token--> 503, 429, 401: nothing was done
local chance = require "appsync.simulate.chance"

local network = {}

---@class appsync.simulate.Network
---@field private world appsync.simulate.World
---@field private n integer requests
---@field is_quiet boolean no faults any more
---@field is_offline boolean there is no network
---@field is_down boolean the service isn't there
---@field n_restarts integer of the service
local Network = {}
Network.__index = Network

-- The order of the draw.
network.FAULTS = { "refuse", "drop", "lose_answer", "delay", "duplicate", "unavailable", "throttle", "fail_query" }

local LATE_MS = 60000

---@param world appsync.simulate.World
---@return appsync.simulate.Network
function network.new(world)
  return setmetatable({ world = world, n = 0, is_quiet = false, is_offline = false, is_down = false, n_restarts = 0 }, Network)
end

---Whether no connection can be made.
---@return boolean
function Network:is_away()
  return self.is_offline or self.is_down
end

---From here on there are no faults.
function Network:settle()
  self.is_quiet, self.is_offline, self.is_down = true, false, false
end

---@class appsync.simulate.Request
---@field id integer
---@field runtime appsync.core.Runtime whose it is
---@field entry integer? number of a queued mutation
---@field headers string
---@field body string
---@field due number when the client gives up
---@field number integer
---@field start integer which start of the program sent it
---@field restart integer which start of the service it was sent to
---@field random appsync.simulate.Random
---@field n_writes integer? what the service had taken when it answered
---@field package is_late boolean? it takes long to get there
---@field package is_over boolean?

local function draw(self, request)
  if self:is_away() then return "refuse" end
  if self.is_quiet then return nil end
  local at, faults = request.random:fraction(), self.world.faults
  for _, name in ipairs(network.FAULTS) do
    at = at - faults[name]
    if at < 0 then
      if name == "fail_query" and not self.world.syncs:is_query(request.body) then return nil end
      self.world:count(name)
      return name
    end
  end
end

local function tell(request, world, format, ...)
  if world.lines then world:tell("request %d: " .. format, request.number, ...) end
end

-- What it says is old when the service has taken another mutation since.
local function land(request, world)
  request.is_over = true
  world.n_flying = world.n_flying - 1
  if request.n_writes and request.n_writes < world.n_writes then world.is_overtaken = true end
end

-- The client learns of it, unless it has given up, or was killed.
local function fail(request, world, how, text)
  if request.is_over then return end
  land(request, world)
  if world.runtime ~= request.runtime then return tell(request, world, "%s; the program that sent it is gone", text) end
  request.runtime:fail_request(request.id, how)
  tell(request, world, "%s", text)
end

local function deliver(request, world, status, headers, body)
  if request.is_over then return end
  land(request, world)
  if world.runtime ~= request.runtime then
    return tell(request, world, "answered with %d; the program that sent it is gone", status)
  end
  request.runtime:answer_request(request.id, status, headers, body)
  tell(request, world, "answered with %d %s", status, body)
end

local function later(request, world, ms, fn, ...)
  local a, b, c = ...
  world.agenda:put(world.mono + ms, function() fn(request, world, a, b, c) end)
end

local function is_expired(request, world)
  local token = request.headers:match("\n[Aa]uthorization: ([^\n]+)") or request.headers:match("^[Aa]uthorization: ([^\n]+)")
  return world.tokens and not world.tokens:is_valid(token)
end

-- How the service's answer is lost: the client can't tell these from a request that never came.
local LOST = {
  function(request, world) fail(request, world, "lost", "the answer is lost") end,
  function(request, world) fail(request, world, "lost", "the answer is lost") end,
  function(request, world)
    local status, headers, body = world.service:refuse(502, "BadGateway")
    deliver(request, world, status, headers, body)
  end,
  function() end, -- never: the client gives up
}

-- Of a query's field.
local PASSING = { "DynamoDB:ProvisionedThroughputExceededException", "DynamoDB:InternalServerError" }

-- At the service. What is long on its way is lost with its connection when the sender has given up, or is gone.
local function arrive(request, world, fault)
  local service, random = world.service, request.random
  if request.is_late and (request.is_over or world.n_starts ~= request.start) then
    return tell(request, world, "lost with its connection")
  end
  if request.restart ~= world.network.n_restarts then return fail(request, world, "lost", "the service has restarted") end
  local down = random(2, 60)
  if fault == "unavailable" then
    return later(request, world, down, deliver, service:refuse(503, "ServiceUnavailableException"))
  elseif fault == "throttle" then
    return later(request, world, down, deliver, service:refuse(429, "TooManyRequestsException", "retry-after: 1\n"))
  elseif is_expired(request, world) then
    world:count("expired")
    return later(request, world, down, deliver, service:refuse(401, "UnauthorizedException"))
  end
  if fault == "fail_query" then
    return later(request, world, down, deliver, service:fail(request.body, random:pick(PASSING), "no page"))
  elseif world.syncs:has_expired(request.body) then
    return later(request, world, down, deliver,
      service:fail(request.body, "DynamoDB:UserIllegalArgumentException", "Invalid pagination token given."))
  end
  world.syncs:see_request(request.body)
  local status, headers, body, has_effect = service:answer(request.body)
  world.syncs:see_answer(body)
  world:add_effect(request, has_effect)
  tell(request, world, "executed%s", has_effect and ", with an effect" or "")
  if fault == "duplicate" and has_effect then
    service:answer(request.body)
    world.n_writes = world.n_writes + 1
    world.n_repeated = world.n_repeated + 1
    tell(request, world, "executed once more")
  end
  if fault == "lose_answer" then
    return later(request, world, down, random:pick(LOST))
  elseif fault == "delay" and not request.is_late then
    down = down + random(1, LATE_MS)
  end
  later(request, world, down, deliver, status, headers, body)
end

local function name_of(request)
  return request.body:match('"operationName":"([^"]*)"') or request.body:match('"query":"%s*([^"({]*[({][^"({]*)') or "?"
end

local function send(self, request)
  local world, random = self.world, request.random
  local fault = draw(self, request)
  tell(request, world, "%s%s%s", name_of(request), request.entry and (" of mutation %d"):format(request.entry) or "",
    fault and (", %s"):format(fault) or "")
  later(request, world, request.due - world.mono, fail, "timeout", "its time is over")
  local up = random(2, 60)
  if fault == "refuse" then
    later(request, world, up, fail, "refused", "no connection")
  elseif fault == "drop" then
    later(request, world, up, fail, "lost", "the connection is lost")
  else
    request.is_late = fault == "delay" and random:chance(0.5)
    if request.is_late then up = up + random(1, LATE_MS) end
    later(request, world, up, arrive, fault)
  end
end

---Takes what the client has begun to send.
---@return boolean has_some
function Network:take()
  local runtime, world = self.world.runtime, self.world
  local has_some = false
  while true do
    local id, entry, headers, body, timeout_ms = runtime:take_request()
    if not id then return has_some end
    has_some = true
    world.n_flying = world.n_flying + 1
    self.n = self.n + 1
    world:count("requests")
    send(self, {
      id = id, runtime = runtime, entry = entry > 0 and entry or nil, headers = headers, body = body,
      due = world.mono + timeout_ms, number = self.n, start = world.n_starts, restart = self.n_restarts,
      random = chance.new(world.seed, 2, self.n),
    })
  end
end

return network
