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

---The HTTP answer.
---@param parameters {status: integer?, type: string?, message: string?, body: string?, headers: table<string, string>?}
---@param default_status integer
---@return integer status, table<string, string> headers, string body
function refusal.answer(parameters, default_status)
  local complete = refusal.complete(parameters, default_status)
  local sent = response_headers.json(core.uuid(), { ["x-amzn-errortype"] = complete.type })
  for name, value in pairs(parameters.headers or {}) do
    sent[name:lower()] = value
  end
  local body = parameters.body
    or ('{"errors":[{"errorType":%s,"message":%s}]}'):format(result.text(complete.type), result.text(complete.message))
  return complete.status, sent, body
end

return refusal
