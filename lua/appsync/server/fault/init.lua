---What the local server does wrong when it is asked to, and what tests may ask it: the rules in force, a log of the
---requests, the effects of mutations. `docs/faults.md` is the page for people.
local effects = require "appsync.server.fault.effects"
local moment = require "appsync.server.fault.moment"
local request_log = require "appsync.server.fault.request_log"
local requests = require "appsync.server.fault.requests"
local rule = require "appsync.server.fault.rule"
local rules = require "appsync.server.fault.rules"
local short_form = require "appsync.server.fault.short_form"
local timers = require "appsync.server.fault.timers"
local wires = require "appsync.server.fault.wires"

local fault = {}

---@class appsync.server.Faults
---@field rules appsync.server.FaultRules
---@field timers appsync.server.Timers
---@field moment appsync.server.Moment
---@field log appsync.server.RequestLog
---@field effects appsync.server.Effects
---@field requests appsync.server.FaultyRequests
---@field wires appsync.server.Wires
---@field clock fun(): number
local Faults = {}
Faults.__index = Faults

fault.parse = rule.parse
fault.parse_word = short_form.parse

---Adds rules to those in force.
---@param added appsync.server.FaultRule[]
---@return string[]? names, string? message
function Faults:add(added)
  for _, item in ipairs(added) do
    if self.is_tls and item.parameters.bytes_per_s then
      return nil, "throttle: bytes_per_s can't be played over TLS"
    end
  end
  return self.rules:add(added)
end

---`settings`: rules (decoded JSON, or rules that were read), now (Unix seconds), clock (seconds that never go back).
---@param settings {rules: table?, is_tls: boolean?, now: (fun(): number), clock: (fun(): number)}
---@return appsync.server.Faults? faults, string? message
function fault.new(settings)
  local self = setmetatable({ rules = rules.new(), clock = settings.clock, is_tls = settings.is_tls }, Faults)
  for _, item in ipairs(settings.rules or {}) do
    local read, message = item, nil
    if not item.source then
      read, message = rule.read(item, "faults")
    end
    local names
    if read then
      names, message = self:add({ read })
    end
    if not names then return nil, message end
  end
  self.timers = timers.new(settings.clock)
  self.moment = moment.new(settings.now)
  self.log = request_log.new(function() return self.moment:now() end, settings.clock)
  self.effects = effects.new()
  return self
end

---Takes its place before the listener.
---@param listener table
---@param engine fun(): table
function Faults:attach(listener, engine)
  local settings = {
    listener = listener, engine = engine, rules = self.rules, timers = self.timers, log = self.log, moment = self.moment,
    clock = self.clock,
  }
  self.requests = requests.new(settings)
  self.wires = wires.new(settings)
end

---Ends the connections of HTTP, as a network that is gone does.
---@return integer n how many
function Faults:cut()
  return self.wires.settings.listener:cut_all()
end

---Tells which mutation's field causes the events from now on; nil: none.
---@param field string?
function Faults:cause(field)
  self.wires.publishing = field
end

---As after the start, but without rules: connections are counted anew. What is held back is sent.
function Faults:reset()
  self.rules:clear()
  self.log:clear()
  self.effects:clear()
  self.wires:flush()
  self.requests:renumber()
  self.wires:renumber()
  self.moment.skew_s = 0
end

return fault
