---What a function is called with: the payload of the resolvers that Amplify generates for @function.
local core = require "appsync.core"

local lambda_event = {}

local NULL = core.null

local function given(value)
  if value == nil then return NULL end
  return value
end

---The event as JSON, on one line.
---@param ctx appsync.server.Context
---@param place {type: string, field: string}
---@param prev any what the function before it in the chain gave; the first is given an empty object
---@return string? json, {message: string}? err
function lambda_event.encode(ctx, place, prev)
  return core.encode({
    typeName = place.type, fieldName = place.field, arguments = ctx.arguments, identity = given(ctx.identity),
    source = given(ctx.source), request = { headers = (ctx.request or {}).headers or {}, domainName = NULL },
    prev = { result = given(prev) },
  })
end

return lambda_event
