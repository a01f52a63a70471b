---Response headers that every answer carries. Browsers may call from any origin, as with the service.
local response_headers = {}

local JSON = "application/json;charset=UTF-8"
local EXPOSED = "x-amzn-RequestId,x-amzn-ErrorType,x-amz-user-agent,x-amzn-ErrorMessage,Date"

---The headers of an answer to an operation that ran.
---@param request_id string
---@return table<string, string>
function response_headers.ok(request_id)
  return {
    ["content-type"] = JSON,
    ["x-amzn-requestid"] = request_id,
    ["x-amzn-appsync-tokensconsumed"] = "1",
    ["access-control-allow-origin"] = "*",
    ["access-control-expose-headers"] = EXPOSED,
  }
end

---The headers of a JSON answer.
---@param request_id string
---@param extra table<string, string>?
---@return table<string, string>
function response_headers.json(request_id, extra)
  local all = {
    ["content-type"] = JSON,
    ["x-amzn-requestid"] = request_id,
    ["access-control-allow-origin"] = "*",
    ["access-control-expose-headers"] = EXPOSED,
  }
  for name, value in pairs(extra or {}) do
    all[name] = value
  end
  return all
end

---The headers that answer a CORS preflight.
---@param request_headers table<string, string>
---@return table<string, string>
function response_headers.preflight(request_headers)
  local asked = request_headers["access-control-request-headers"]
  if not asked or asked:find("[^%w%p ]") then -- a folded header may hold a carriage return
    asked = "*"
  end
  return {
    ["access-control-allow-origin"] = "*",
    ["access-control-allow-methods"] = "GET,HEAD,POST,OPTIONS",
    ["access-control-allow-headers"] = asked,
    ["access-control-max-age"] = "3600",
  }
end

return response_headers
