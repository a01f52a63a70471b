---The WebSockets of a simulation: the service's own, without a listener, and what becomes of each connection and message on the
---way. On a connection everything comes in its order, but for events that the faults hold up, repeat or lose.
---
---     connect --refuse--> no connection      --> open --> messages both ways --disconnect--> both sides are told
---             --drop----> no answer                                          --half_open---> nobody is, and nothing comes any more
---             --unavailable, throttle--> 503, 429
local chance = require "appsync.simulate.chance"
local sockets = require "appsync.server.realtime.sockets"

local simulated_sockets = {}

---@class appsync.simulate.Sockets
---@field private world appsync.simulate.World
---@field private service appsync.server.Sockets
---@field private wires table<integer, appsync.simulate.Wire> by number, which is the service's id too
---@field private n integer that there ever were
---@field private tick_at number? when the service's own time is looked at next
local Sockets = {}
Sockets.__index = Sockets

---@class appsync.simulate.Wire
---@field number integer
---@field id integer the core's
---@field runtime appsync.core.Runtime
---@field random appsync.simulate.Random
---@field up_at number when the last message to the service comes there
---@field down_at number likewise, to the client
---@field is_silent boolean? half open: nothing gets through
---@field is_over boolean? for the client

local LATE_MS, SILENT_MS, NOTICE_MS = 60000, 10000, 120000
local EVENT = '^{"type":"data"'

-- The order of the draws.
local OF_CONNECT = { "refuse", "drop", "unavailable", "throttle" }
local OF_EVENT = { "lose_event", "late_event", "duplicate_event" }

local STATUS = { unavailable = 503, throttle = 429 }

local function authorizer_of(world)
  return { check = function(_, request)
    if not world.tokens or world.tokens:is_valid(request.headers.authorization) then return { mode = world.options.auth } end
    world:count("expired")
    return nil, { type = "UnauthorizedException", message = "You are not authorized to make this call.", status = 401 }
  end }
end

---@param world appsync.simulate.World
---@return appsync.simulate.Sockets
function simulated_sockets.new(world)
  local self = setmetatable({ world = world, wires = {}, n = 0 }, Sockets)
  local service = world.service
  self.service = sockets.new{
    listener = self, authorize = authorizer_of(world),
    engine = { subscribe = function(_, request) return service:subscribe(request) end },
    execute = function(operation) return service:execute(operation) end,
    clock = function() return world.mono / 1000 end,
    log = function(text) world:tell("service: %s", text) end,
  }
  service.publish = function(items) self.service:publish(items) end
  return self
end

local function tell(self, wire, format, ...)
  if self.world.lines then self.world:tell("socket %d: " .. format, wire.number, ...) end
end

-- In its order; what is under way when the connection ends is lost.
local function pass(self, wire, way, fn)
  local at = math.max(wire[way], self.world.mono + wire.random(2, 60))
  wire[way] = at
  self.world.agenda:put(at, function()
    if not wire.is_over and not wire.is_silent and self.world.runtime == wire.runtime then fn() end
  end)
end

-- What the service itself has to do at some time.
local function keep_time(self)
  local left_s = self.service:tick()
  local world = self.world
  local at = left_s and world.mono + math.max(1, math.ceil(left_s * 1000))
  if not at or self.tick_at and self.tick_at > world.mono and self.tick_at <= at then return end
  self.tick_at = at
  world.agenda:put(at, function()
    if self.tick_at ~= at then return end
    self.tick_at = nil
    keep_time(self)
  end)
end

local function leave_service(self, wire)
  self.wires[wire.number] = nil
  self.service:closed({ id = wire.number, code = 1006, reason = "" })
end

-- The client is told, if it is there.
local function end_wire(self, wire, how, number)
  if wire.is_over then return end
  wire.is_over = true
  tell(self, wire, "%s%s", how, number and (" %d"):format(number) or "")
  if self.world.runtime == wire.runtime then wire.runtime:end_socket(wire.id, how, number) end
end

local function draw(random, names, faults)
  local at = random:fraction()
  for _, name in ipairs(names) do
    at = at - faults[name]
    if at < 0 then return name end
  end
end

-- What the service's sockets want of a listener.

function Sockets:accept(number)
  local wire = self.wires[number]
  pass(self, wire, "down_at", function()
    tell(self, wire, "open")
    wire.runtime:open_socket(wire.id)
  end)
  return true
end

function Sockets:reject(number, status)
  local wire = self.wires[number]
  self.wires[number] = nil
  pass(self, wire, "down_at", function() end_wire(self, wire, "status", status) end)
end

local function arrive(self, wire, text)
  if wire.is_over or wire.is_silent or self.world.runtime ~= wire.runtime then return end
  tell(self, wire, "gets %s", text)
  wire.runtime:send_message(wire.id, text)
end

local function arrive_late(self, wire, text)
  self.world.agenda:put(self.world.mono + wire.random(60, LATE_MS), function() arrive(self, wire, text) end)
end

function Sockets:send(number, text)
  local wire, world = self.wires[number], self.world
  if not wire then return end
  local fault = not world.network.is_quiet and text:find(EVENT) and draw(wire.random, OF_EVENT, world.faults)
  if fault then
    world:count(fault)
    tell(self, wire, "%s %s", fault, text)
  end
  if fault == "lose_event" then return end
  if fault == "late_event" then return arrive_late(self, wire, text) end
  pass(self, wire, "down_at", function() arrive(self, wire, text) end)
  if fault == "duplicate_event" then arrive_late(self, wire, text) end
end

function Sockets:close(number, code)
  local wire = self.wires[number]
  if not wire then return end
  leave_service(self, wire)
  pass(self, wire, "down_at", function() end_wire(self, wire, "closed", code) end)
end

function Sockets.stats()
  return { overflows = 0 }
end

-- What the client wants.
local wishes = {}

function wishes.send(self, wire, text)
  tell(self, wire, "sends %s", text)
  pass(self, wire, "up_at", function()
    if not self.wires[wire.number] then return end
    self.service:message({ id = wire.number, text = text })
    keep_time(self)
  end)
end

function wishes.close(self, wire)
  if wire.is_over then return end
  tell(self, wire, "the client closes it")
  wire.is_over = true
  if not wire.is_silent and self.wires[wire.number] then leave_service(self, wire) end
end

local function headers_of(lines, protocols)
  local headers = {}
  for name, value in lines:gmatch("([^\n:]+): ([^\n]*)\n") do headers[name:lower()] = value end
  headers["sec-websocket-protocol"] = protocols
  return headers
end

local function connect(self, id, target, protocols, lines)
  local world = self.world
  self.n = self.n + 1
  local wire = {
    number = self.n, id = id, runtime = world.runtime, random = chance.new(world.seed, 6, self.n), up_at = world.mono, down_at = world.mono,
  }
  world:count("connections")
  local network = world.network
  local fault = network:is_away() and "refuse" or not network.is_quiet and draw(wire.random, OF_CONNECT, world.faults) or nil
  tell(self, wire, "connects%s", fault and ", " .. fault or "")
  if fault == "drop" then
    world.agenda:put(world.mono + SILENT_MS, function() end_wire(self, wire, "silent") end)
  elseif fault == "refuse" then
    pass(self, wire, "down_at", function() end_wire(self, wire, "unreachable") end)
  elseif fault then
    pass(self, wire, "down_at", function() end_wire(self, wire, "status", STATUS[fault]) end)
  else
    local path, query = target:match("^([^?]*)%??(.*)$")
    pass(self, wire, "up_at", function()
      self.wires[wire.number] = wire
      self.service:upgrade({ id = wire.number, path = path, query = query, peer = "192.0.2.2", headers = headers_of(lines, protocols) })
      keep_time(self)
    end)
  end
  self.of_client[id] = wire
end

---Takes what the client wants of its connections.
---@return boolean has_some
function Sockets:take()
  local runtime, has_some = self.world.runtime, false
  if self.runtime ~= runtime then self.runtime, self.of_client = runtime, {} end
  while true do
    local kind, id, text, protocols, headers = runtime:take_wish()
    if not kind then return has_some end
    has_some = true
    if kind == "connect" then
      connect(self, id, text, protocols, headers)
    elseif self.of_client[id] then
      wishes[kind](self, self.of_client[id], text)
    end
  end
end

local function numbers_of(self)
  local numbers = {}
  for number in pairs(self.wires) do numbers[#numbers + 1] = number end
  table.sort(numbers)
  return numbers
end

---Ends all connections: both sides notice.
---@param random appsync.simulate.Random
---@return integer n
function Sockets:disconnect(random)
  local n = 0
  for _, number in ipairs(numbers_of(self)) do
    local wire, is_closed = self.wires[number], random:chance(0.4)
    n = n + 1
    leave_service(self, wire)
    if not wire.is_silent then end_wire(self, wire, is_closed and "closed" or "lost", is_closed and 1001 or nil) end
  end
  return n
end

---From now on nothing gets through on any connection, and nobody is told.
---@return integer n
function Sockets:silence()
  local n = 0
  for _, number in ipairs(numbers_of(self)) do
    local wire = self.wires[number]
    wire.is_silent, n = true, n + 1
    self.world.agenda:put(self.world.mono + NOTICE_MS, function()
      if self.wires[number] == wire then leave_service(self, wire) end
    end)
  end
  return n
end

---The program is gone: the service notices.
function Sockets:drop_client()
  for _, number in ipairs(numbers_of(self)) do
    local wire = self.wires[number]
    wire.is_over = true
    if not wire.is_silent then leave_service(self, wire) end
  end
end

return simulated_sockets
