---The control endpoint: HTTP on loopback by which a test changes the rules and asks what happened. Whoever can reach it is
---trusted, and a browser is not: a page of any origin can make it send requests, and a name that resolves to 127.0.0.1
---can make a page of that name read the answers.
local core = require "appsync.core"
local host = require "appsync.server.http.host"
local moment = require "appsync.server.fault.moment"
local query_string = require "appsync.server.http.query_string"
local result = require "appsync.server.graphql.result"
local rule = require "appsync.server.fault.rule"

local control = {}

---@class appsync.server.Control
---@field private faults appsync.server.Faults
---@field private counters fun(): table
---@field private data_clock appsync.server.DataClock
local Control = {}
Control.__index = Control

---@param faults appsync.server.Faults
---@param counters fun(): table of the listener
---@param data_clock appsync.server.DataClock
---@return appsync.server.Control
function control.new(faults, counters, data_clock)
  return setmetatable({ faults = faults, counters = counters, data_clock = data_clock }, Control)
end

local function array(list)
  return setmetatable(list, core.array_mt)
end

-- Routes give a value, or nil, a message and a status.
local routes = {}

local function read_rules(body)
  local read, message = rule.parse(body, "rules")
  if not read then return nil, message, 400 end
  return read
end

local function add(self, rules)
  local names, message = self.faults:add(rules)
  if not names then return nil, message, 400 end
  return { added = array(names) }
end

routes["GET /rules"] = function(self)
  return { rules = array(self.faults.rules:describe()) }
end

routes["POST /rules"] = function(self, request)
  local read, message, status = read_rules(request.body)
  if not read then return nil, message, status end
  return add(self, read)
end

routes["PUT /rules"] = function(self, request)
  local read, message, status = read_rules(request.body)
  if not read then return nil, message, status end
  local before = self.faults.rules.list
  self.faults.rules:clear()
  local added
  added, message, status = add(self, read)
  if not added then
    self.faults.rules:put_back(before)
  end
  return added, message, status
end

routes["DELETE /rules"] = function(self)
  self.faults.rules:clear()
  return {}
end

routes["DELETE /rules/*"] = function(self, request)
  if not self.faults.rules:remove(request.rest) then
    return nil, ('there is no rule "%s"'):format(request.rest), 404
  end
  return {}
end

local LOG_KEYS = { on = true, kind = true, operation = true, field = true, since = true }

routes["GET /log"] = function(self, request)
  for name in pairs(request.query) do
    if not LOG_KEYS[name] then
      return nil, ('unknown parameter "%s"; there are field, kind, on, operation, since'):format(name), 400
    end
  end
  local since = request.query.since
  request.query.since = tonumber(since)
  if since and not request.query.since then return nil, "since must be a number", 400 end
  return { log = array(self.faults.log:list(request.query)) }
end

routes["DELETE /log"] = function(self)
  self.faults.log:clear()
  return {}
end

routes["GET /effects"] = function(self)
  return { effects = self.faults.effects:describe() }
end

routes["DELETE /effects"] = function(self)
  self.faults.effects:clear()
  return {}
end

routes["GET /connections"] = function(self)
  return { connections = self.faults.wires:describe() }
end

local function close_code(request)
  local code = tonumber(request.query.code)
  if request.query.code and not (code and code >= 1000 and code <= 4999 and code == math.floor(code)) then
    return nil, "code must be between 1000 and 4999"
  end
  return true, code
end

local function disconnect(self, request, number)
  local ok, code = close_code(request)
  if not ok then return nil, code, 400 end
  local n = self.faults.wires:disconnect(number, code)
  if number and n == 0 then return nil, ("there is no open WebSocket %d"):format(number), 404 end
  return { closed = n }
end

routes["DELETE /connections"] = function(self, request)
  local answer, message, status = disconnect(self, request)
  if answer and not request.query.code then
    answer.cut = self.faults:cut()
  end
  return answer, message, status
end

routes["DELETE /connections/*"] = function(self, request)
  local number = tonumber(request.rest)
  if not number then return nil, "a WebSocket is named by its number", 400 end
  return disconnect(self, request, number)
end

routes["GET /clock"] = function(self)
  return { now = self.faults.moment:now(), skew_s = self.faults.moment.skew_s, data = self.data_clock:describe() }
end

local function set_skew(self, skew_s)
  if not moment.is_skew(skew_s) then
    return nil, ("the clock may be wrong by %.0f seconds at most"):format(moment.max_skew_s)
  end
  self.faults.moment.skew_s = skew_s
  return true
end

-- What a clock can be told.
local SETTERS = {
  skew_s = set_skew,
  advance_s = function(self, seconds) return set_skew(self, self.faults.moment.skew_s + seconds) end,
  data_at = function(self, time) return self.data_clock:freeze(time) end,
  data_offset_s = function(self, seconds) return self.data_clock:run(seconds) end,
  data_advance_s = function(self, seconds) return self.data_clock:advance(seconds) end,
}

local function read_setting(body)
  local given = core.decode(body)
  if type(given) ~= "table" then return nil end
  local name, value = next(given)
  if next(given, name) ~= nil or not SETTERS[name] or (name ~= "data_at" and type(value) ~= "number") then
    return nil
  end
  return name, value
end

routes["POST /clock"] = function(self, request)
  local name, value = read_setting(request.body)
  if not name then
    return nil, 'one of {"skew_s": SECONDS}, {"advance_s": SECONDS}, {"data_at": TIME}, {"data_offset_s": SECONDS} and '
      .. '{"data_advance_s": SECONDS} is expected', 400
  end
  local ok, message = SETTERS[name](self, value)
  if not ok then return nil, message, 400 end
  return routes["GET /clock"](self)
end

routes["GET /counters"] = function(self)
  return { counters = self.counters() }
end

routes["POST /flush"] = function(self)
  return { sent = self.faults.wires:flush() }
end

routes["POST /reset"] = function(self)
  self.faults:reset()
  self.data_clock:reset()
  return {}
end

routes["GET /"] = function()
  local names = array({})
  for name in pairs(routes) do
    names[#names + 1] = name
  end
  table.sort(names)
  return { operations = names }
end

local function answer(status, value)
  return status, { ["content-type"] = "application/json", ["cache-control"] = "no-store" }, result.text(value)
end

local function is_cross_site(headers)
  local site = headers["sec-fetch-site"]
  return headers.origin ~= nil or (site ~= nil and site ~= "none" and site ~= "same-origin")
end

local function refusal_of(event)
  if not host.is_loopback(event.headers.host) then
    return "The control endpoint answers to localhost and loopback addresses only."
  elseif is_cross_site(event.headers) then
    return "The control endpoint does not answer to pages."
  end
end

---Answers a request event of the control port.
---@param event table
---@return integer status, table<string, string> headers, string body
function Control:handle(event)
  local refused = refusal_of(event)
  if refused then return answer(403, { error = refused }) end
  local route = routes[event.method .. " " .. event.path]
  local rest
  if not route then
    local head, tail = event.path:match("^(/%a+/)([^/]+)$")
    route, rest = head and routes[("%s %s*"):format(event.method, head)], tail
  end
  if not route then
    local message = ("There is no %s %s; GET / lists what there is."):format(event.method, event.path)
    return answer(404, { error = (message:gsub("[\128-\255]", "?")) })
  end
  local value, message, status = route(self, {
    body = event.body,
    query = query_string.map(event.query),
    rest = rest and query_string.unescape(rest),
  })
  if not value then return answer(status, { error = (message:gsub("[\128-\255]", "?")) }) end
  return answer(200, value)
end

return control
