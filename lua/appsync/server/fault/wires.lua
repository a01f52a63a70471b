---Faults of WebSockets. It stands between the listener and the protocols on both sides: it hears what clients send before
---they do, and is what they take for the listener.
local core = require "appsync.core"
local operation_summary = require "appsync.server.fault.operation_summary"
local refusal = require "appsync.server.fault.refusal"
local requests = require "appsync.server.fault.requests"
local result = require "appsync.server.graphql.result"

local wires = {}

---@class appsync.server.Wire
---@field id number the listener's
---@field number integer 1 is the first handshake
---@field protocol string?
---@field strikes table<string, appsync.server.Strike> of its connect
---@field starts table<string, table> by the client's id: what is known of the operation, and its log entry
---@field n_events integer
---@field held {text: string, left: integer, copies: integer}[]
---@field is_mute boolean?
---@field is_closing boolean? it was told so, and has some time to answer
---@field opened_at number
---@field peer string

---@class appsync.server.Wires
---@field publishing string? the mutation's field whose result is being published
local Wires = {}
Wires.__index = Wires

---`settings`: listener, rules, timers, log, moment, engine (function), clock.
---@param settings table
---@return appsync.server.Wires
function wires.new(settings)
  return setmetatable({ settings = settings, open = {}, n = 0 }, Wires)
end

-- connection_error and the refusal of a start, as authorization's: the protocols know how to say it.
local function refusal_of(strikes, now)
  if strikes.refuse then
    return refusal.complete(strikes.refuse.parameters, 400)
  elseif strikes.throttle and requests.is_throttled(strikes.throttle, now) then
    return { status = 429, type = "LimitExceededError", message = "Rate limit exceeded" }
  end
end

---@private
function Wires:begin_log(wire, site, info, strikes)
  info.on, info.connection = site, wire.number
  local entry = self.settings.log:begin(info)
  entry.faults = requests.names(strikes)
  return entry
end

---@private
function Wires:connect(wire, event, entry, upgrade)
  local settings, strikes = self.settings, wire.strikes
  local refuse = strikes.refuse and strikes.refuse.parameters
  wire.entry = entry
  if strikes.half_open and not strikes.half_open.parameters.after_events then
    settings.log:finish(entry, "half_open")
    return settings.listener:hold(event.id)
  elseif refuse and refuse.how == "reset" then
    settings.log:finish(entry, "reset")
    return settings.listener:reset(event.id)
  elseif refuse and refuse.status and not (refuse.type or refuse.message) then
    local status, headers, body = refusal.answer(refuse, 400)
    settings.log:finish(entry, status)
    return settings.listener:reject(event.id, status, headers, body)
  end
  if strikes.throttle and strikes.throttle.parameters.bytes_per_s then
    settings.listener:slow(event.id, strikes.throttle.parameters.bytes_per_s)
  end
  strikes.refusal = refusal_of(strikes, settings.clock())
  self.connecting = wire
  settings.moment:during(strikes, settings.engine(), function() upgrade(event) end)
  self.connecting = nil
  if not self.open[event.id] then
    settings.log:finish(entry, "refused")
  end
end

---An upgrade event of the listener. `upgrade` is the protocols' way with it.
---@param event table
---@param upgrade fun(event: table)
function Wires:upgrade(event, upgrade)
  local settings = self.settings
  self.n = self.n + 1
  local wire = {
    id = event.id, number = self.n, starts = {}, n_events = 0, held = {}, opened_at = settings.moment:now(),
    peer = event.peer,
  }
  wire.strikes = settings.rules:take("connect", { connection = self.n }) or {}
  local entry = self:begin_log(wire, "connect", { path = event.path, headers = event.headers }, wire.strikes)
  local function connect() self:connect(wire, event, entry, upgrade) end
  if wire.strikes.delay then
    return settings.timers:after(requests.delay_s(wire.strikes.delay), connect)
  end
  connect()
end

local function operation_of(engine, message)
  local payload = type(message.payload) == "table" and message.payload or {}
  if message.type == "start" then
    payload = type(payload.data) == "string" and core.decode(payload.data) or {}
  end
  if type(payload) ~= "table" then return {} end
  return operation_summary.describe(engine, payload.query, payload.operationName)
end

local function error_text(wire, id, refused)
  local item = result.text({ errorType = refused.type, message = refused.message })
  if wire.protocol == "graphql-transport-ws" then
    return ('{"type":"error","id":%s,"payload":[%s]}'):format(result.text(id), item)
  elseif refused.type == "LimitExceededError" then
    return ('{"type":"error","payload":{"errors":[%s]}}'):format(item) -- the service's comes without an id
  end
  return ('{"type":"error","id":%s,"payload":{"errors":[%s]}}'):format(result.text(id), item)
end

---@private
function Wires:start(wire, start, deliver)
  local settings, strikes, entry, message = self.settings, start.strikes, start.entry, start.message
  local refused = refusal_of(strikes, settings.clock())
  if strikes.lose then
    settings.log:finish(entry, "lost")
  elseif strikes.half_open then
    settings.log:finish(entry, "half_open")
    self:mute(wire)
  elseif strikes.refuse and strikes.refuse.parameters.how == "reset" then
    settings.log:finish(entry, "reset")
    settings.listener:reset(wire.id)
  elseif refused then
    settings.log:finish(entry, refused.type)
    settings.listener:send(wire.id, error_text(wire, message.id, refused))
  else
    settings.moment:during(strikes, settings.engine(), function() deliver(start.event) end)
  end
end

-- A client of graphql-transport-ws ends its subscription so, and nobody answers.
local function forget_completed(wire, text)
  local message = text:find('"complete"', 1, true) and core.decode(text)
  if type(message) == "table" and message.type == "complete" and type(message.id) == "string" then
    wire.starts[message.id] = nil
  end
end

local function start_of(text)
  if not text:find('"start"', 1, true) and not text:find('"subscribe"', 1, true) then return nil end
  local message = core.decode(text)
  local is_start = type(message) == "table" and (message.type == "start" or message.type == "subscribe")
  return is_start and type(message.id) == "string" and message or nil
end

---A message event of the listener. `deliver` is the protocols' way with it.
---@param event table
---@param deliver fun(event: table)
function Wires:message(event, deliver)
  local settings, wire = self.settings, self.open[event.id]
  if not wire then return deliver(event) end
  local message = start_of(event.text)
  if not message then
    forget_completed(wire, event.text)
    -- graphql-transport-ws says who it is in its first message.
    return settings.moment:during(not wire.is_acknowledged and wire.strikes or nil, settings.engine(), function()
      deliver(event)
    end)
  end
  local info = operation_of(settings.engine(), message)
  info.connection = wire.number
  info.strikes, info.message, info.event = settings.rules:take("start", info) or {}, message, event
  info.entry = self:begin_log(wire, "start", {
    kind = info.kind, operation = info.operation, fields = info.fields,
  }, info.strikes)
  wire.starts[message.id] = info
  local function start()
    self:start(wire, info, deliver)
    info.message, info.event = nil, nil -- may be large
  end
  if info.strikes.delay then
    return settings.timers:after(requests.delay_s(info.strikes.delay), start)
  end
  start()
end

---A close event of the listener.
---@param event table
function Wires:closed(event)
  self.open[event.id] = nil
end

---@private
function Wires:mute(wire)
  wire.is_mute, wire.held = true, {}
  self.settings.listener:mute(wire.id)
end

-- What ends or silences a connection after so many events.
---@private
function Wires:count_down(wire)
  local disconnect, half_open = wire.strikes.disconnect, wire.strikes.half_open
  if disconnect and wire.n_events >= (disconnect.parameters.after_events or 0) then
    local p = disconnect.parameters
    wire.strikes.disconnect = nil
    if p.how == "reset" then
      self.settings.listener:reset(wire.id, true) -- the events before it arrive
    else
      self.settings.listener:close(wire.id, p.code or 1001, p.reason or "")
    end
  elseif half_open and wire.n_events >= half_open.parameters.after_events then
    wire.strikes.half_open = nil
    self:mute(wire)
  end
end

---@private
function Wires:deliver(wire, text)
  if wire.is_mute or not self.open[wire.id] then return end
  self.settings.listener:send(wire.id, text)
  wire.n_events = wire.n_events + 1
  self:count_down(wire)
  local due = {}
  for i = #wire.held, 1, -1 do
    local item = wire.held[i]
    item.left = item.left - 1
    if item.left <= 0 then
      table.insert(due, 1, table.remove(wire.held, i))
    end
  end
  for _, held in ipairs(due) do
    self:deliver_copies(wire, held.text, held.copies)
  end
end

---@private
function Wires:deliver_copies(wire, text, copies)
  for _ = 1, copies do
    self:deliver(wire, text)
  end
end

---@private
function Wires:event(wire, message, text)
  local settings, start = self.settings, wire.starts[message.id] or {}
  local strikes = settings.rules:take("event", {
    kind = start.kind, operation = start.operation, fields = start.fields, mutation = self.publishing,
    connection = wire.number,
  })
  if not strikes then
    return self:deliver(wire, text)
  elseif strikes.lose then
    return
  end
  local copies = 1 + (strikes.duplicate and (strikes.duplicate.parameters.copies or 1) or 0)
  -- While one waits for later ones those pass: held as well, none would ever be sent.
  if strikes.reorder and #wire.held == 0 then
    table.insert(wire.held, { text = text, left = strikes.reorder.parameters.by or 1, copies = copies })
    return
  end
  local function send() self:deliver_copies(wire, text, copies) end
  if strikes.delay then return settings.timers:after(requests.delay_s(strikes.delay), send) end
  send()
end

local EVENTS = { data = true, next = true }

-- Only what may matter is decoded: events, and the ends of what the log waits for.
---@private
function Wires:observe(wire, text)
  local message = core.decode(text)
  local kind = type(message) == "table" and message.type
  if kind == "connection_ack" then
    wire.is_acknowledged = true
    self.settings.log:finish(wire.entry, "connection_ack")
  elseif kind == "connection_error" then
    self.settings.log:finish(wire.entry, "connection_error")
  elseif type(kind) == "string" and message.id and wire.starts[message.id] and not wire.starts[message.id].is_done then
    wire.starts[message.id].is_done = true
    local first = kind == "error" and (message.payload.errors or message.payload)
    first = type(first) == "table" and (first[1] or first)
    self.settings.log:finish(wire.starts[message.id].entry, first and first.errorType or kind)
  end
  if (kind == "complete" or kind == "error") and message.id then
    wire.starts[message.id] = nil
  end
  return kind and EVENTS[kind] and message or nil
end

---@private
function Wires:send(id, text)
  local wire = self.open[id]
  if not wire then
    return self.settings.listener:send(id, text)
  elseif wire.is_mute then
    return true
  end
  local event = self:observe(wire, text)
  if event then
    self:event(wire, event, text)
    return true
  end
  local sent = self.settings.listener:send(id, text)
  if wire.is_acknowledged then
    self:count_down(wire)
  end
  return sent
end

---What the protocols take for the listener.
---@return table
function Wires:listener()
  local real = self.settings.listener
  local proxy = {}
  function proxy.send(_, id, text) return self:send(id, text) end
  function proxy.accept(_, id, protocol)
    local wire = self.connecting
    local accepted, message = real:accept(id, protocol)
    if wire and accepted then
      wire.protocol = protocol
      self.open[id] = wire
    end
    return accepted, message
  end
  return setmetatable(proxy, {
    __index = function(_, name)
      return function(_, ...) return real[name](real, ...) end
    end,
  })
end

---Connections are numbered from 1 again; those that are open lose their numbers.
function Wires:renumber()
  self.n = 0
  for _, wire in pairs(self.open) do
    wire.number = 0
  end
end

---Sends what reordering holds back.
---@return integer n how many
function Wires:flush()
  local n = 0
  for _, wire in pairs(self.open) do
    local held = wire.held
    wire.held = {}
    for _, item in ipairs(held) do
      n = n + 1
      self:deliver_copies(wire, item.text, item.copies)
    end
  end
  return n
end

---The open WebSockets, by number.
---@return table[]
function Wires:describe()
  local list = setmetatable({}, core.array_mt)
  for _, wire in pairs(self.open) do
    local fields = setmetatable({}, core.array_mt)
    for _, start in pairs(wire.starts) do
      table.insert(fields, start.fields and start.fields[1])
    end
    list[#list + 1] = {
      number = wire.number, protocol = wire.protocol, opened_at = wire.opened_at, events = wire.n_events,
      held = #wire.held, is_silent = wire.is_mute == true, started = fields, peer = wire.peer,
    }
  end
  table.sort(list, function(a, b) return a.number < b.number end)
  return list
end

---Ends open WebSockets: one by its number, or all. `code` nil: by a reset.
---@param number integer?
---@param code integer?
---@return integer n how many
function Wires:disconnect(number, code)
  local n = 0
  for id, wire in pairs(self.open) do
    if not wire.is_closing and (not number or wire.number == number) then
      n = n + 1
      if code and not wire.is_mute then
        wire.is_closing = true
        self.settings.listener:close(id, code, "")
      else
        self.settings.listener:reset(id)
      end
    end
  end
  return n
end

return wires
