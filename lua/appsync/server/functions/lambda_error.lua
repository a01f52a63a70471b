---Errors of functions, as the service gives them to a field (AWS Lambda Developer Guide, "Invoke", function errors).
local core = require "appsync.core"

local lambda_error = {}

---@class appsync.server.LambdaError
---@field message string
---@field type string

---The function ran and failed.
---@param message string
---@return appsync.server.LambdaError
function lambda_error.unhandled(message)
  return { message = message, type = "Lambda:Unhandled" }
end

---The function took too long.
---@param now number Unix seconds
---@param timeout_s number
---@return appsync.server.LambdaError
function lambda_error.timed_out(now, timeout_s)
  local stamp = os.date("!%Y-%m-%dT%H:%M:%S", math.floor(now))
  return lambda_error.unhandled(("%s.000Z %s Task timed out after %.2f seconds"):format(stamp, core.uuid(), timeout_s))
end

---There is no such function.
---@param message string
---@return appsync.server.LambdaError
function lambda_error.not_found(message)
  return { message = message, type = "Lambda:ResourceNotFoundException" }
end

---Too many wait.
---@return appsync.server.LambdaError
function lambda_error.throttled()
  return { message = "Rate Exceeded.", type = "Lambda:TooManyRequestsException" }
end

---The event is larger than Lambda takes.
---@param n integer bytes
---@param max integer
---@return appsync.server.LambdaError
function lambda_error.too_large(n, max)
  return { message = ("%d byte payload is too large for the RequestResponse invocation type (limit %d bytes)"):format(n, max),
    type = "Lambda:RequestTooLargeException" }
end

---The error that a function's answer is, or nil: an object with `errorMessage` and `errorType`, as Lambda's runtimes make it
---of what a handler throws.
---@param answer any
---@return appsync.server.LambdaError?
function lambda_error.of(answer)
  if type(answer) ~= "table" then return nil end
  local message, kind = rawget(answer, "errorMessage"), rawget(answer, "errorType")
  if type(message) ~= "string" or type(kind) ~= "string" then return nil end
  return lambda_error.unhandled(message)
end

return lambda_error
