---The answers of a service that won't or can't: for faults whose rule names less than an answer needs.
local core = require "appsync.core"
local response_headers = require "appsync.server.http.response_headers"
local result = require "appsync.server.graphql.result"

local refusal = {}

local TYPES = {
  [400] = { "BadRequestException", "The request is not valid." },
  [401] = { "UnauthorizedException", "You are not authorized to make this call." },
  [403] = { "ForbiddenException", "403 Forbidden" },
  [429] = { "TooManyRequestsException", "Rate exceeded." },
  [500] = { "InternalFailure", "An internal failure occurred while resolving this request." },
  [503] = { "ServiceUnavailableException", "The service is unavailable." },
}

---@class appsync.server.FaultRefusal
---@field status integer
---@field type string
---@field message string

---Completes a rule's answer.
---@param parameters {status: integer?, type: string?, message: string?}
---@param default_status integer
---@return appsync.server.FaultRefusal
function refusal.complete(parameters, default_status)
  local status = parameters.status or default_status
  local known = TYPES[status] or { "InternalFailure", "A fault rule refuses this request." }
  return { status = status, type = parameters.type or known[1], message = parameters.message or known[2] }
end

local function body_of(kind, message)
  if not kind then return ('{"errors":[{"message":%s}]}'):format(result.text(message)) end
  return ('{"errors":[{"errorType":%s,"message":%s}]}'):format(result.text(kind), result.text(message))
end

---The HTTP answer. With a status that the service has no name for it has no type either, as a proxy's.
---@param parameters {status: integer?, type: string?, message: string?, body: string?, headers: table<string, string>?}
---@param default_status integer
---@return integer status, table<string, string> headers, string body
function refusal.answer(parameters, default_status)
  local complete = refusal.complete(parameters, default_status)
  local kind = (parameters.type or TYPES[complete.status]) and complete.type
  local sent = response_headers.json(core.uuid(), { ["x-amzn-errortype"] = kind or nil })
  for name, value in pairs(parameters.headers or {}) do
    sent[name:lower()] = value
  end
  return complete.status, sent, parameters.body or body_of(kind, complete.message)
end

return refusal
