---The last requests, handshakes and subscriptions, as tests ask for them. It keeps no variables and no credentials.
local core = require "appsync.core"
local cut = require "appsync.server.cut"
local result = require "appsync.server.graphql.result"

local request_log = {}

---How many are kept.
request_log.capacity = 1000

---@class appsync.server.LogEntry
---@field n integer 1 is the first since the start or the last reset
---@field at number Unix seconds by the server's clock
---@field on "request"|"connect"|"start"
---@field connection integer
---@field method string?
---@field path string?
---@field kind string?
---@field operation string?
---@field fields string[]?
---@field headers table<string, string>?
---@field faults {rule: string, fault: string}[]
---@field status integer|string|nil nil while it isn't answered
---@field duration_ms number?

---@class appsync.server.RequestLog
---@field on_finish (fun(entry: appsync.server.LogEntry))?
local RequestLog = {}
RequestLog.__index = RequestLog

---@param now fun(): number Unix seconds
---@param clock fun(): number seconds that never go back
---@return appsync.server.RequestLog
function request_log.new(now, clock)
  return setmetatable({ now = now, clock = clock, entries = {}, n = 0 }, RequestLog)
end

-- Named, rather than those that are secret: nobody knows what other headers carry.
local SHOWN = {
  "accept", "accept-encoding", "connection", "content-length", "content-type", "host", "origin", "upgrade", "user-agent",
  "x-amz-date", "x-amz-user-agent", "x-amzn-requestid",
}
local HIDDEN = { "authorization", "cookie", "sec-websocket-protocol", "x-amz-security-token", "x-api-key" }

-- Names may be as long as a document is.
local MAX_BYTES = 200

local function short(value)
  return type(value) == "string" and cut(result.utf8(value), MAX_BYTES) or value
end

local function short_list(list)
  local kept = setmetatable({}, core.array_mt)
  for i, value in ipairs(list) do
    kept[i] = short(value)
  end
  return kept
end

local function shown(headers)
  local kept = {}
  for _, name in ipairs(SHOWN) do
    kept[name] = headers[name] and short(headers[name])
  end
  for _, name in ipairs(HIDDEN) do
    kept[name] = headers[name] and "***"
  end
  return kept
end

---@param fields table what is known of it; `headers` as they were sent
---@return appsync.server.LogEntry
function RequestLog:begin(fields)
  self.n = self.n + 1
  local entry = { n = self.n, at = self.now(), started = self.clock(), faults = {} }
  for name, value in pairs(fields) do
    entry[name] = short(value)
  end
  entry.fields = fields.fields and short_list(fields.fields)
  entry.headers = fields.headers and shown(fields.headers)
  self.entries[(self.n - 1) % request_log.capacity + 1] = entry
  return entry
end

---@param entry appsync.server.LogEntry
---@param status integer|string
function RequestLog:finish(entry, status)
  if entry.status == nil then
    entry.status = status
    entry.duration_ms = math.floor((self.clock() - entry.started) * 1e6 + 0.5) / 1000
    if self.on_finish then
      self.on_finish(entry)
    end
  end
end

---The entries that are kept, the oldest first; those that fit `wanted`: on, kind, operation, field, since (a number).
---@param wanted table<string, any>?
---@return appsync.server.LogEntry[]
function RequestLog:list(wanted)
  wanted = wanted or {}
  local list = {}
  for n = math.max(1, self.n - request_log.capacity + 1), self.n do
    local entry = self.entries[(n - 1) % request_log.capacity + 1]
    local fits = n > (wanted.since or 0)
    for _, name in ipairs({ "on", "kind", "operation" }) do
      fits = fits and (wanted[name] == nil or wanted[name] == entry[name])
    end
    if fits and wanted.field then
      fits = false
      for _, field in ipairs(entry.fields or {}) do
        fits = fits or field == wanted.field
      end
    end
    if fits then
      local copy = {}
      for name, value in pairs(entry) do
        copy[name] = value
      end
      copy.started = nil
      list[#list + 1] = copy
    end
  end
  return list
end

function RequestLog:clear()
  self.entries, self.n = {}, 0
end

return request_log
