---One record for each thing that a client does, and how it reads: a line for people, a JSON object for machines.
local core = require "appsync.core"
local cut = require "appsync.server.cut"
local printable = require "appsync.printable"
local result = require "appsync.server.graphql.result"

---@class appsync.server.LogRecord
---@field at number Unix seconds, when it was done
---@field kind "request"|"connect"|"start"|"stop"|"close"|"fault"|"trace"|"message"
---@field method string? request
---@field path string? request, connect
---@field status integer? request; connect that was refused
---@field ms number? request: how long it took
---@field bytes integer? request: of the answer's body
---@field identity string? the authorization mode
---@field user string? who, where the mode tells
---@field operation "query"|"mutation"|"subscription"|nil
---@field name string? of the operation
---@field fields string[]? of its root
---@field n_errors integer?
---@field error string? the first one
---@field request_id string?
---@field connection number? a WebSocket's number
---@field protocol string? connect
---@field id string? start, stop: the client's name of the subscription
---@field code integer? close
---@field reason string? close
---@field faults string[]? fault: the kinds that struck
---@field outcome string? fault: what the client got
---@field text string? message, trace: as JSON only
---@field n_events integer? close: payloads that were delivered

local log_record = {}

local MEMBERS = {
  "at", "kind", "connection", "id", "method", "path", "protocol", "status", "operation", "name", "fields", "identity", "user",
  "ms", "bytes", "n_errors", "error", "request_id", "code", "reason", "n_events", "faults", "outcome", "text",
}

-- A line stays a line, whatever a client has sent.
local function clean(text, limit)
  return printable.escaped(cut(tostring(text), limit))
end

---The local time of day, with milliseconds.
---@param seconds number since 1970
---@return string
function log_record.time(seconds)
  local ms = math.floor(seconds * 1000 + 0.5)
  return os.date("%H:%M:%S", math.floor(ms / 1000)) .. (".%03d"):format(ms % 1000)
end

local function size_of(bytes)
  if bytes < 1024 then return ("%d B"):format(bytes) end
  if bytes < 1024 * 1024 then return ("%.1f KB"):format(bytes / 1024) end
  return ("%.1f MB"):format(bytes / 1024 / 1024)
end

local function add_operation(parts, record)
  if record.operation then parts[#parts + 1] = record.operation end
  if record.name then parts[#parts + 1] = clean(record.name, 60) end
  if record.fields and #record.fields > 0 then
    parts[#parts + 1] = clean("{" .. table.concat(record.fields, " ") .. "}", 120)
  end
end

local function add_identity(parts, record)
  if record.identity then
    parts[#parts + 1] = record.identity .. (record.user and (":" .. clean(record.user, 60)) or "")
  end
end

local function add_errors(parts, record)
  if (record.n_errors or 0) > 0 then
    local n = record.n_errors == 1 and "1 error" or (record.n_errors .. " errors")
    parts[#parts + 1] = n .. (record.error and (": " .. clean(record.error, 200)) or "")
  end
end

local heads = {}

function heads.request(record)
  return ("%s %d"):format(clean(record.method, 10), record.status)
end

function heads.connect(record)
  local how = record.status and ("refused " .. record.status) or "connect"
  return ("WS #%d %s%s"):format(record.connection, how, record.protocol and (" " .. clean(record.protocol, 40)) or "")
end

function heads.start(record)
  local how = record.n_errors and "start refused" or "start"
  return ("WS #%d %s %s"):format(record.connection, how, clean(record.id, 40))
end

function heads.stop(record)
  return ("WS #%d stop %s"):format(record.connection, clean(record.id, 40))
end

function heads.close(record)
  local reason = record.reason and record.reason ~= "" and (" " .. clean(record.reason, 80)) or ""
  return ("WS #%d close %d%s, %d events"):format(record.connection, record.code or 0, reason, record.n_events or 0)
end

function heads.fault(record)
  return ("FAULT %s: %s"):format(clean(table.concat(record.faults, ", "), 200), clean(record.outcome, 60))
end

function heads.trace()
  return "trace"
end

---The record as one line for people, without a line break.
---@param record appsync.server.LogRecord
---@return string
function log_record.line(record)
  local parts = { log_record.time(record.at), heads[record.kind](record) }
  if record.kind == "request" and record.path ~= "/graphql" then parts[#parts + 1] = clean(record.path, 80) end
  add_operation(parts, record)
  if record.ms then parts[#parts + 1] = ("%.1f ms"):format(record.ms) end
  if record.bytes then parts[#parts + 1] = size_of(record.bytes) end
  add_identity(parts, record)
  add_errors(parts, record)
  return table.concat(parts, "  ")
end

---The record of an entry of the faults' own log.
---@param entry appsync.server.LogEntry
---@return appsync.server.LogRecord
function log_record.of_fault(entry)
  local faults = {}
  for i, item in ipairs(entry.faults) do faults[i] = item.fault .. " (" .. item.rule .. ")" end
  return {
    kind = "fault", at = entry.at, method = entry.method, path = entry.path, connection = entry.connection,
    operation = entry.kind, name = entry.operation, fields = entry.fields, ms = entry.duration_ms, faults = faults,
    outcome = tostring(entry.status),
  }
end

local function list(names)
  local out = {}
  for i, name in ipairs(names) do out[i] = result.utf8(name) end
  return setmetatable(out, core.array_mt)
end

---The record as one JSON object, its members in a fixed order, without a line break.
---@param record appsync.server.LogRecord
---@return string
function log_record.json(record)
  local parts = {}
  for _, name in ipairs(MEMBERS) do
    local value = record[name]
    if type(value) == "string" then value = result.utf8(value) end
    if type(value) == "table" then value = list(value) end
    if name == "ms" and value then value = math.floor(value * 1000 + 0.5) / 1000 end
    if value ~= nil then parts[#parts + 1] = core.encode(name) .. ":" .. core.encode(value) end
  end
  return printable.escaped("{" .. table.concat(parts, ",") .. "}")
end

return log_record
