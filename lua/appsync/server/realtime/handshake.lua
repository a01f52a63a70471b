---What a WebSocket upgrade asks for: the sub-protocol, and the header object that carries the credentials
---(AppSync Developer Guide, "Building a real-time WebSocket client").
local core = require "appsync.core"
local query_string = require "appsync.server.http.query_string"
local result = require "appsync.server.graphql.result"

local handshake = {}

---@class appsync.server.Handshake
---@field protocol "graphql-ws"|"graphql-transport-ws"|nil
---@field headers table<string, string> lower-case names: the header object, or else the headers of the upgrade
---@field peer string? the address of who asks
---@field graphql_path string of the HTTP endpoint that belongs to it
---@field fault {type: string?, message: string, code: integer}? why it can't be served

---The HTTP endpoints by the paths of their WebSockets. `/realtime` is where a proxy address leads aws-appsync.
local PATHS = {
  ["/graphql/realtime"] = "/graphql",
  ["/graphql"] = "/graphql",
  ["/realtime"] = "/graphql",
}

---A copy with lower-case names; only the text values, as headers are text.
---@param object table
---@return table<string, string>
function handshake.lower(object)
  local headers = {}
  for name, value in pairs(object) do
    if type(name) == "string" and type(value) == "string" then
      headers[name:lower()] = value
    end
  end
  return headers
end

---What a client is told of errors that refuse a subscription: their messages and types.
---@param errors table[]
---@return string json
function handshake.errors_json(errors)
  local list = {}
  for i, err in ipairs(errors) do
    local kind = err.errorType and ('"errorType":%s,'):format(core.encode(result.utf8(tostring(err.errorType)))) or ""
    list[i] = ('{%s"message":%s}'):format(kind, core.encode(result.utf8(err.message)))
  end
  return "[" .. table.concat(list, ",") .. "]"
end

local function offered_protocols(text)
  local set, header = {}, nil
  for token in (text or ""):gmatch("[^,%s]+") do
    set[token] = true
    header = header or token:match("^header%-(.*)$")
  end
  return set, header
end

local function decode_headers(text, form)
  local json = core.unbase64(text, form)
  local object = json and core.decode(json)
  if type(object) ~= "table" then return nil end
  return handshake.lower(object)
end

local function fault_of(protocols)
  if next(protocols) == nil then return { message = "NoProtocolError", code = 400 } end
  return { message = "SubProtocolNotSupportedError", code = 400 }
end

---Reads an upgrade event of the listener; nil when nothing is served at its path.
---@param event table
---@return appsync.server.Handshake?
function handshake.read(event)
  local graphql_path = PATHS[(event.path:gsub("(.)/$", "%1"))]
  if not graphql_path then return nil end
  local protocols, header = offered_protocols(event.headers["sec-websocket-protocol"])
  local hello = { graphql_path = graphql_path, headers = event.headers, peer = event.peer }
  if protocols["graphql-ws"] then
    hello.protocol = "graphql-ws"
  elseif protocols["graphql-transport-ws"] then
    hello.protocol = "graphql-transport-ws"
  else
    hello.fault = fault_of(protocols)
    return hello
  end
  local query = query_string.map(event.query)
  local object
  if header then
    object = decode_headers(header, "url")
  elseif query.header then
    object = decode_headers(query.header)
  else
    return hello
  end
  if not object then
    hello.fault = { type = "BadRequestException", message = "The header object can't be read.", code = 400 }
  end
  hello.headers = object or {}
  return hello
end

return handshake
