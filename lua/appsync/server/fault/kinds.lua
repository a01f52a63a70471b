---The faults that there are: where each can act, what it may be told, and what stands for its usual form.
local members = require "appsync.server.members"
local moment = require "appsync.server.fault.moment"

local kinds = {}

---@alias appsync.server.FaultSite "request"|"connect"|"start"|"event"

---@class appsync.server.FaultKind
---@field sites appsync.server.FaultSite[]
---@field parameters table<string, appsync.server.Member>
---@field narrows table<string, appsync.server.FaultSite[]>? where it can act once it is told that parameter
---@field short string? the parameter that a bare value stands for
---@field is_plain boolean? `true` alone is enough
---@field check (fun(parameters: table): string?)? what is wrong

local function is_headers(value)
  if not members.is_object(value) then return false end
  for name, text in pairs(value) do
    -- A line break in a header would be an answer of somebody else's making.
    if type(name) ~= "string" or type(text) ~= "string" or (name .. text):find("[\r\n]") or name:find("[^%w%-]") then
      return false
    end
  end
  return true
end

local COUNT = { type = "integer", min = 0 }

local function check_delay(p)
  if p.ms == nil and (p.min_ms == nil or p.max_ms == nil) then
    return "needs ms, or min_ms and max_ms"
  elseif p.ms ~= nil and (p.min_ms ~= nil or p.max_ms ~= nil) then
    return "has ms beside min_ms and max_ms"
  elseif p.ms == nil and p.min_ms > p.max_ms then
    return "has a min_ms above its max_ms"
  end
end

local function check_refuse(p)
  if p.how and next(p, next(p)) ~= nil then
    return "has how=\"reset\" beside an answer"
  elseif not p.how and not p.status and not p.type and not p.message then
    return "needs how=\"reset\", or a status, or a type and a message"
  end
end

local function check_drop(p)
  if p.bytes and p.fraction then return "has bytes beside fraction" end
end

local function check_disconnect(p)
  if p.how == "reset" and (p.code or p.reason) then
    return "has how=\"reset\" beside a close code"
  end
end

---@type table<string, appsync.server.FaultKind>
kinds.all = {
  -- An answer or event comes late: {"delay": 200}, {"delay": {"min_ms": 100, "max_ms": 900}}.
  delay = {
    sites = { "request", "connect", "start", "event" },
    short = "ms",
    parameters = {
      ms = { type = "number", min = 0 },
      min_ms = { type = "number", min = 0 },
      max_ms = { type = "number", min = 0 },
      after_effect = { type = "boolean" },
    },
    narrows = { after_effect = { "request" } },
    check = check_delay,
  },
  -- Nothing is done: {"refuse": "reset"}, {"refuse": {"status": 503, "type": "ServiceUnavailable", "message": "…"}}.
  refuse = {
    sites = { "request", "connect", "start" },
    short = "how",
    parameters = {
      how = { type = "string", values = { "reset" } },
      status = { type = "integer", min = 200, max = 599 },
      type = { type = "string" },
      message = { type = "string" },
      body = { type = "string" },
      headers = { fits = is_headers, noun = "an object of header names and texts" },
    },
    narrows = { body = { "request", "connect" }, headers = { "request", "connect" } },
    check = check_refuse,
  },
  -- A part of the answer, then the end of the connection: {"drop": true}, {"drop": {"bytes": 20}}.
  drop = {
    sites = { "request" },
    is_plain = true,
    short = "bytes",
    parameters = {
      bytes = COUNT,
      fraction = { type = "number", min = 0, max = 1 },
      how = { type = "string", values = { "reset", "close" } },
    },
    check = check_drop,
  },
  -- The connection stays and says nothing: {"half_open": true}, of a WebSocket {"half_open": {"after_events": 3}}.
  half_open = {
    sites = { "request", "connect", "start" },
    is_plain = true,
    short = "after_events",
    parameters = { after_events = COUNT },
    narrows = { after_events = { "connect" } },
  },
  -- The WebSocket ends after so many events: {"disconnect": {"after_events": 2, "code": 1001}}, {"disconnect": "reset"}.
  disconnect = {
    sites = { "connect" },
    is_plain = true,
    short = "how",
    parameters = {
      after_events = COUNT,
      how = { type = "string", values = { "reset", "close" } },
      code = { type = "integer", min = 1000, max = 4999 },
      reason = { type = "string" },
    },
    check = check_disconnect,
  },
  -- Too many requests: {"throttle": true}, {"throttle": {"requests_per_s": 5}}, or a thin line: {"throttle": {"bytes_per_s": 500}}.
  throttle = {
    sites = { "request", "connect", "start" },
    is_plain = true,
    short = "requests_per_s",
    parameters = { requests_per_s = { type = "number", min = 0.001 }, bytes_per_s = { type = "integer", min = 1 } },
    narrows = { bytes_per_s = { "request", "connect" } },
  },
  -- Credentials that are good count as expired: {"expire": true}, {"expire": {"issued_before": 1700000000}}.
  expire = {
    sites = { "request", "connect", "start" },
    is_plain = true,
    short = "issued_before",
    parameters = { issued_before = { type = "number" } },
  },
  -- Done and committed, but whoever asked isn't told: {"lose_answer": "reset"}, {"lose_answer": {"status": 500}}.
  lose_answer = {
    sites = { "request" },
    is_plain = true,
    short = "how",
    parameters = {
      how = { type = "string", values = { "reset", "hang" } },
      status = { type = "integer", min = 400, max = 599 },
    },
    check = function(p) return p.how and p.status and "has how beside a status" or nil end,
  },
  -- An event comes more than once: {"duplicate": true}, {"duplicate": {"copies": 3}}.
  duplicate = {
    sites = { "event" },
    is_plain = true,
    short = "copies",
    parameters = { copies = { type = "integer", min = 1, max = 1000 } },
  },
  -- An event comes after so many that were later: {"reorder": true}, {"reorder": {"by": 2}}.
  reorder = {
    sites = { "event" },
    is_plain = true,
    short = "by",
    parameters = { by = { type = "integer", min = 1 } },
  },
  -- It never comes: {"lose": true}. Of a start: it is never acknowledged.
  lose = { sites = { "event", "start" }, is_plain = true, parameters = {} },
  -- The server's clock is wrong by so many seconds: {"skew": -600}.
  skew = {
    sites = { "request", "connect", "start" },
    short = "s",
    parameters = { s = { type = "number", min = -moment.max_skew_s, max = moment.max_skew_s } },
    check = function(p) return p.s == nil and "needs s, the seconds" or nil end,
  },
  -- Reads of versioned models see what was there so long ago: {"stale": 500}.
  stale = {
    sites = { "request" },
    short = "ms",
    parameters = { ms = { type = "number", min = 0 } },
    check = function(p) return p.ms == nil and "needs ms" or nil end,
  },
  -- A field fails: {"error": {"type": "DynamoDB:DynamoDbException", "message": "…", "field": "Todo.owner"}}.
  error = {
    sites = { "request" },
    short = "message",
    parameters = {
      message = { type = "string" },
      type = { type = "string" },
      field = { type = "string" },
      data = { type = "any" },
      info = { type = "any" },
    },
    check = function(p) return p.message == nil and "needs a message" or nil end,
  },
}

---What a rule may be matched by.
---@type table<string, appsync.server.Member>
kinds.match = {
  on = { type = "any" },
  kind = { type = "string", values = { "query", "mutation", "subscription" } },
  operation = { type = "string" },
  field = { type = "string" },
  mutation = { type = "string" },
  connection = { type = "any" },
  times = { type = "integer", min = 1 },
  after = COUNT,
  every = { type = "integer", min = 1 },
  probability = { type = "number", min = 0, max = 1 },
  seed = { type = "integer", min = 0 },
}

kinds.sites = { "request", "connect", "start", "event" }

return kinds
