---The Cognito user pools and OpenID Connect providers of an API, and what each asks of a token (AppSync Developer Guide,
---"Authorization and authentication": OPENID_CONNECT, AMAZON_COGNITO_USER_POOLS).
local glob = require "appsync.server.glob"
local jwt = require "appsync.server.auth.jwt"

local issuers = {}

---@class appsync.server.Issuer
---@field mode "AMAZON_COGNITO_USER_POOLS"|"OPENID_CONNECT"|nil nil: told by the issuer's name
---@field issuer string? nil: any
---@field keys appsync.server.JwtKey[]
---@field clients string[]? accepted client ids, "*" stands for any characters
---@field iat_ttl_s number? how old a token may be
---@field auth_ttl_s number? how long ago its user may have signed in

local COGNITO = "AMAZON_COGNITO_USER_POOLS"

local function normal(issuer)
  return (issuer:gsub("/+$", ""))
end

---The providers whose token this can be: those of its issuer, or else those that take any.
local function candidates(list, issuer)
  local named, any = {}, {}
  for _, provider in ipairs(list) do
    if not provider.issuer then
      any[#any + 1] = provider
    elseif normal(provider.issuer) == normal(issuer) then
      named[#named + 1] = provider
    end
  end
  return #named > 0 and named or any
end

---An id token names its client as `aud`, an access token as `client_id`; OpenID Connect also knows `azp`.
local function is_of_client(claims, clients)
  if not clients then return true end
  local found = {}
  for _, name in ipairs({ "aud", "azp", "client_id" }) do
    local value = claims[name]
    for _, id in ipairs(type(value) == "table" and value or { value }) do
      if type(id) == "string" then found[#found + 1] = id end
    end
  end
  for _, id in ipairs(found) do
    for _, pattern in ipairs(clients) do
      if glob.matches(pattern, id) then return true end
    end
  end
  return false
end

local function is_within(seconds, ttl_s, now)
  if not ttl_s then return true end
  local since = jwt.date(seconds)
  return since ~= nil and now <= since + ttl_s + jwt.leeway_s
end

---Whether an issuer's name is that of a user pool.
---@param issuer string
---@return boolean
function issuers.is_cognito(issuer)
  return issuer:find("^https://cognito%-idp%.") ~= nil
end

local function mode_of(provider, issuer)
  return provider.mode or (issuers.is_cognito(issuer) and COGNITO or "OPENID_CONNECT")
end

local function is_refresh(value, is_whole)
  return type(value) == "string" and value:lower():find(is_whole and "^refresh$" or "^refresh") ~= nil
end

-- A refresh token is for its issuer alone.
local function has_other_use(provider, header, claims)
  if is_refresh(header.typ, true) or is_refresh(claims.typ, true) then return true end
  local use = claims.token_use
  if use == nil or use == "id" or use == "access" then return false end
  return mode_of(provider, claims.iss) == COGNITO or type(use) ~= "string" or is_refresh(use)
end

local function refusal(provider, header, claims, now)
  if has_other_use(provider, header, claims) then
    return jwt.NOT_AUTHORIZED
  elseif not is_of_client(claims, provider.clients) then
    return jwt.NOT_AUTHORIZED
  elseif not is_within(claims.iat, provider.iat_ttl_s, now) or not is_within(claims.auth_time, provider.auth_ttl_s, now) then
    return "Token has expired."
  end
end

---The claims of a token that is good for one of the providers, and the mode that it is good for.
---@param list appsync.server.Issuer[]
---@param token string without "Bearer "
---@param now number Unix seconds
---@return table? claims
---@return string mode_or_message
function issuers.check(list, token, now)
  local parsed = jwt.parse(token)
  if not parsed then return nil, jwt.UNREADABLE end
  local issuer = parsed.claims.iss
  if type(issuer) ~= "string" or issuer == "" then return nil, jwt.UNREADABLE end
  local message = jwt.NOT_AUTHORIZED
  for _, provider in ipairs(candidates(list, issuer)) do
    local claims, fault = jwt.claims(parsed, provider.keys, now)
    fault = fault or refusal(provider, parsed.header, claims, now)
    if not fault then
      return claims, mode_of(provider, issuer)
    elseif message == jwt.NOT_AUTHORIZED then
      message = fault
    end
  end
  return nil, message
end

return issuers
