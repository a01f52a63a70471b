-- The nextToken of a page: where the next one begins. It is opaque to clients, and good for one field only.
local page_token = {}

local INVALID = "Invalid pagination token given."

function page_token.encode(ctx, field, after)
  return after and ctx.util.base64_encode(ctx.util.to_json({ field = field, after = after }))
end

-- Where a scan goes on; nil: at the beginning. What isn't a token of this field fails as DynamoDB's refusals do.
function page_token.decode(ctx, field)
  local text = ctx.arguments.nextToken
  if ctx.util.is_null(text) then return nil end
  local ok, value = pcall(function() return ctx.util.parse_json(ctx.util.base64_decode(text)) end)
  if not ok or type(value) ~= "table" or value.field ~= field then
    ctx.util.error(INVALID, "DynamoDB:UserIllegalArgumentException")
  end
  return value.after
end

-- A page of at most `limit` items, and never of more than 1,000.
function page_token.limit(ctx)
  local limit = ctx.util.default_if_null(ctx.arguments.limit, 100)
  if limit < 1 then ctx.util.error("A page has at least one item.", "BadRequest") end
  return math.min(limit, 1000)
end

return page_token
