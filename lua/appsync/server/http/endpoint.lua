---GraphQL over HTTP as the service speaks it (AppSync Developer Guide): one request in, one answer out.
local core = require "appsync.core"
local query_string = require "appsync.server.http.query_string"
local response_headers = require "appsync.server.http.response_headers"
local result = require "appsync.server.graphql.result"
local waiting = require "appsync.server.waiting"

---@class appsync.server.Endpoint
---@field private engine table
---@field private authorize appsync.server.Authorize
---@field private publish fun(items: table[])
---@field private log fun(text: string)
---@field private hide (fun(text: string, request: table): string)?
local Endpoint = {}
Endpoint.__index = Endpoint

local endpoint = {}

---`settings`: engine, authorize, publish(items), log(text), hide(text, request): the text without what is secret in it.
---@return appsync.server.Endpoint
function endpoint.new(settings)
  return setmetatable({
    engine = settings.engine,
    authorize = settings.authorize,
    publish = settings.publish,
    log = settings.log,
    hide = settings.hide,
  }, Endpoint)
end

local function error_body(kind, message)
  return ('{"errors":[{"errorType":%s,"message":%s}]}'):format(core.encode(kind), core.encode(result.utf8(message)))
end

local function failure(request_id, status, kind, message)
  return status, response_headers.json(request_id, { ["x-amzn-errortype"] = kind }), error_body(kind, message)
end

local function is_operation(value)
  return type(value) == "table"
    and type(value.query) == "string"
    and ((value.query:byte() or 0) > 32 or value.query:find("%S") ~= nil)
    and (value.variables == nil or value.variables == core.null or type(value.variables) == "table")
    and (value.operationName == nil or value.operationName == core.null or type(value.operationName) == "string")
end

local function without_null(value)
  if value ~= core.null then return value end
end

local function operation_of_get(event)
  local map = query_string.map(((event.query or ""):gsub("%+", "%%20")))
  local variables
  if map.variables then
    variables = core.decode(map.variables)
    if type(variables) ~= "table" and variables ~= core.null then return nil end
  end
  return { query = map.query, variables = variables, operationName = map.operationName }
end

---A body of `application/graphql` is a bare document or, as in the service's own samples, JSON.
local function operation_of_post(event)
  local value, err = core.decode(event.body)
  if value == nil and (event.headers["content-type"] or ""):find("^application/graphql") then
    return { query = event.body }
  end
  return value, err
end

---@param event table a request of the listener
---@return table? operation, string? message
local function read_operation(event)
  if event.method ~= "GET" and event.method ~= "HEAD" and event.body == "" then
    return nil, "Request body is empty."
  end
  local operation, err
  if event.method == "POST" then
    operation, err = operation_of_post(event)
  else
    operation = operation_of_get(event)
  end
  if not is_operation(operation) then
    -- With the strings that collide nothing else is wrong; why they are refused should be known.
    if err and err.code == "too_big" then return nil, err.message .. "." end
    return nil, "Unable to parse GraphQL query."
  end
  return {
    query = operation.query,
    variables = without_null(operation.variables),
    operationName = without_null(operation.operationName),
  }
end

---@private
function Endpoint:execute(event, operation, identity, request_id)
  local request = {
    query = operation.query,
    variables = operation.variables,
    operation_name = operation.operationName,
    identity = identity,
    headers = event.headers,
    request_id = request_id,
  }
  local ok, json, published, errors = waiting.pcall(self.engine.execute, self.engine, request)
  event.request, event.errors = request, errors -- for the request log
  if not ok then
    local text = "execution failed: " .. tostring(json)
    self.log(self.hide and self.hide(text, request) or text)
    return failure(request_id, 500, "InternalFailure", "An internal failure occurred while resolving this request.")
  end
  if not json then
    return failure(request_id, 400, "BadRequestException", "Missing operation name.")
  end
  self.publish(published)
  return 200, response_headers.ok(request_id), json
end

local ALLOWED = { GET = true, HEAD = true, POST = true }

---Answers one request event of the listener.
---@param event table
---@return integer status, table<string, string> headers, string body
function Endpoint:handle(event)
  local request_id = core.uuid()
  if event.path ~= "/graphql" and event.path ~= "/graphql/" then
    return failure(request_id, 404, "NotFoundException", "There is nothing at " .. event.path .. "; try /graphql.")
  elseif event.method == "OPTIONS" then
    return 204, response_headers.preflight(event.headers), ""
  elseif not ALLOWED[event.method] then
    return failure(request_id, 405, "BadRequestException", "Use POST or GET.")
  end
  local operation, message = read_operation(event)
  local identity, refusal = self.authorize:check({
    headers = event.headers,
    method = event.method,
    path = event.path,
    query = event.query,
    body = event.body,
    operation = operation,
    request_id = request_id,
    peer = event.peer,
  })
  if not identity then
    return failure(request_id, refusal.status, refusal.type, refusal.message)
  elseif not operation then
    return failure(request_id, 400, "MalformedHttpRequestException", message)
  end
  return self:execute(event, operation, identity, request_id)
end

return endpoint
