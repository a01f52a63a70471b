---Faults of HTTP requests: what happens before the answer is made, and to the answer.
local core = require "appsync.core"
local operation_summary = require "appsync.server.fault.operation_summary"
local query_string = require "appsync.server.http.query_string"
local refusal = require "appsync.server.fault.refusal"
local waiting = require "appsync.server.waiting"

local requests = {}

---@class appsync.server.FaultyRequests
local Requests = {}
Requests.__index = Requests

---`settings`: listener, rules, timers, log (request log), moment, engine (function), clock.
---@param settings table
---@return appsync.server.FaultyRequests
function requests.new(settings)
  return setmetatable({ settings = settings, forgotten = 0 }, Requests)
end

---Connections are numbered from 1 again; those that there were have numbers below.
function Requests:renumber()
  self.forgotten = self.settings.listener:stats().connections
end

-- As the endpoint reads it: JSON, a bare document, or a query string.
local function query_of(engine, event)
  local value
  if event.method == "POST" then
    value = core.decode(event.body) or { query = event.body }
  else
    value = query_string.map(((event.query or ""):gsub("%+", "%%20")))
  end
  return type(value) == "table" and operation_summary.describe(engine, value.query, value.operationName) or {}
end

---The milliseconds of a delay.
---@param strike appsync.server.Strike
---@return number
function requests.delay_s(strike)
  local p = strike.parameters
  return (p.ms or (p.min_ms + strike.spread() * (p.max_ms - p.min_ms))) / 1000
end

---Whether a throttle refuses now: always, or above its rate, with room for one second's requests at once.
---@param strike appsync.server.Strike
---@param now number
---@return boolean
function requests.is_throttled(strike, now)
  local p, item = strike.parameters, strike.item
  if p.requests_per_s then
    local full = math.max(1, p.requests_per_s)
    item.tokens = math.min(full, (item.tokens or full) + (now - (item.filled_at or now)) * p.requests_per_s)
    item.filled_at = now
    if item.tokens >= 1 then
      item.tokens = item.tokens - 1
      return false
    end
    return true
  end
  return p.bytes_per_s == nil
end

local function header_lines(headers)
  local lines = {}
  for name, value in pairs(headers) do
    lines[#lines + 1] = name .. ": " .. value .. "\r\n"
  end
  return table.concat(lines)
end

---@private
function Requests:break_off(event, strike, status, headers, body)
  local p = strike.parameters
  self.settings.listener:respond_partial(event.id, {
    status = status,
    headers = header_lines(headers),
    body = body,
    n_bytes = p.bytes or math.floor(#body * (p.fraction or 0.5)),
    by_reset = p.how ~= "close",
  })
end

-- Nobody is told what was done: not at all, or what stands between client and service says that it gave up.
---@private
function Requests:lose(event, entry, parameters)
  local settings = self.settings
  if parameters.status then
    settings.log:finish(entry, parameters.status)
    settings.listener:respond(event.id, refusal.answer(parameters, parameters.status))
    return
  end
  settings.log:finish(entry, "lost")
  if parameters.how == "hang" then
    settings.listener:hold(event.id)
  else
    settings.listener:reset(event.id)
  end
end

-- The answer is made: it may be lost, broken off, late or slow.
---@private
function Requests:give(event, entry, strikes, status, headers, body)
  local settings = self.settings
  if strikes.lose_answer then
    self:lose(event, entry, strikes.lose_answer.parameters)
  elseif strikes.drop then
    settings.log:finish(entry, "dropped")
    self:break_off(event, strikes.drop, status, headers, body)
  else
    if strikes.throttle and strikes.throttle.parameters.bytes_per_s then
      settings.listener:slow(event.id, strikes.throttle.parameters.bytes_per_s)
    end
    settings.log:finish(entry, status)
    settings.listener:respond(event.id, status, headers, body)
  end
end

---@private
function Requests:proceed(event, entry, strikes, answer)
  local settings = self.settings
  if strikes.half_open then
    settings.log:finish(entry, "half_open")
    return settings.listener:hold(event.id)
  elseif strikes.refuse and strikes.refuse.parameters.how == "reset" then
    settings.log:finish(entry, "reset")
    return settings.listener:reset(event.id)
  elseif strikes.refuse then
    return self:give(event, entry, strikes, refusal.answer(strikes.refuse.parameters, 500))
  elseif strikes.throttle and requests.is_throttled(strikes.throttle, settings.clock()) then
    return self:give(event, entry, strikes, refusal.answer({}, 429))
  end
  local status, headers, body = settings.moment:during(strikes, settings.engine(), function()
    local made, with, text = answer()
    return made, settings.moment:date(with), text
  end)
  if strikes.delay and strikes.delay.parameters.after_effect then
    return settings.timers:after(requests.delay_s(strikes.delay), function()
      self:give(event, entry, strikes, status, headers, body)
    end)
  end
  self:give(event, entry, strikes, status, headers, body)
end

---What a log entry says of the faults that struck.
---@param strikes table<string, appsync.server.Strike>
---@return {rule: string, fault: string}[]
function requests.names(strikes)
  local list = setmetatable({}, core.array_mt)
  for kind, strike in pairs(strikes) do
    list[#list + 1] = { rule = strike.name, fault = kind }
  end
  table.sort(list, function(a, b) return a.fault < b.fault end)
  return list
end

---A request event of the listener. `answer` makes the answer: status, headers, body.
---@param event table
---@param answer fun(): integer, table<string, string>, string
function Requests:handle(event, answer)
  local settings = self.settings
  local info = query_of(settings.engine(), event)
  info.connection = event.connection - self.forgotten
  local is_preflight = event.method == "OPTIONS"
  local strikes = not is_preflight and settings.rules:take("request", info) or {}
  info.on, info.method, info.path, info.headers = "request", event.method, event.path, event.headers
  local entry = settings.log:begin(info)
  entry.faults = requests.names(strikes)
  if strikes.delay and not strikes.delay.parameters.after_effect then
    return settings.timers:after(requests.delay_s(strikes.delay), function()
      waiting.run(self.proceed, self, event, entry, strikes, answer)
    end)
  end
  self:proceed(event, entry, strikes, answer)
end

return requests
