---What resolvers see of who asks (AppSync Developer Guide, "Resolver context reference", Identity).
local core = require "appsync.core"

local identity = {}

local NULL = core.null

---@class appsync.server.Identity
---@field mode appsync.server.AuthMode? nil: everything is allowed
---@field sub string?
---@field username string?
---@field groups string[]?
---@field claims table?
---@field access_key string?
---@field iam appsync.server.IamPrincipal?
---@field policy appsync.server.IamPolicy? nil: nothing is held against it
---@field resolver_context table?
---@field denied_fields string[]? "Type.field" or a field's ARN
---@field source_ip string[]?

local function or_null(value)
  if value == nil then return NULL end
  return value
end

local shapes = {}

function shapes.API_KEY() return nil end

function shapes.AMAZON_COGNITO_USER_POOLS(i)
  local claims = i.claims or {}
  return { sub = i.sub, issuer = claims.iss, username = i.username, claims = claims, sourceIp = i.source_ip,
    defaultAuthStrategy = "ALLOW", groups = or_null(i.groups) }
end

function shapes.OPENID_CONNECT(i)
  local claims = i.claims or {}
  return { sub = i.sub, issuer = claims.iss, claims = claims }
end

function shapes.AWS_IAM(i)
  local iam = i.iam or {}
  local pool = iam.cognito or {}
  return { accountId = iam.account_id, cognitoIdentityPoolId = or_null(pool.pool_id), cognitoIdentityId = or_null(pool.id),
    sourceIp = i.source_ip, username = i.username, userArn = iam.user_arn, cognitoIdentityAuthType = or_null(pool.type),
    cognitoIdentityAuthProvider = or_null(pool.provider) }
end

function shapes.AWS_LAMBDA(i)
  return { resolverContext = i.resolver_context or {} }
end

---`ctx.identity` of a caller: by an API key there is none.
---@param caller appsync.server.Identity?
---@return table?
function identity.shown(caller)
  if not caller then return nil end
  local shape = shapes[caller.mode]
  if not shape then return caller end
  return shape(caller)
end

---The addresses that a request came from: those that proxies name, then the peer's own.
---@param credentials {headers: table<string, string>, peer: string?}
---@return string[]
function identity.source_ip(credentials)
  local list = setmetatable({}, core.array_mt)
  for address in (credentials.headers["x-forwarded-for"] or ""):gmatch("[^,%s]+") do
    list[#list + 1] = address
  end
  if #list == 0 then list[1] = (credentials.peer or "127.0.0.1:0"):gsub(":%d+$", ""):gsub("[%[%]]", "") end
  return list
end

return identity
