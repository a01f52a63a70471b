--- Who asks: one identity for the credentials of an HTTP request, a WebSocket connect or a `start` message.
local jwt = require("appsync.server.auth.jwt")
local sigv4_verify = require("appsync.server.auth.sigv4_verify")

---@class appsync.server.Identity
---@field mode appsync.server.AuthMode
---@field sub string?
---@field username string?
---@field groups string[]?
---@field claims table?
---@field access_key string?
---@field resolver_context table?
---@field denied_fields string[]?

---@alias appsync.server.AuthMode
---| "API_KEY"
---| "AWS_IAM"
---| "AMAZON_COGNITO_USER_POOLS"
---| "OPENID_CONNECT"
---| "AWS_LAMBDA"

---@class appsync.server.Refusal
---@field status integer
---@field type string
---@field message string

---@class appsync.server.Credentials
---@field headers table<string, string> lower-case names
---@field method string what a signature is checked against, with path, query and body
---@field path string
---@field query string?
---@field body string
---@field operation table? {query, variables, operationName} for a Lambda authorizer

---@class appsync.server.Authorize
---@field private settings table
local Authorize = {}
local Authorize_mt = { __index = Authorize }

local authorize = {}

--- In the order in which the first one that is enabled becomes the default.
authorize.modes = { "API_KEY", "AWS_IAM", "AMAZON_COGNITO_USER_POOLS", "OPENID_CONNECT", "AWS_LAMBDA" }

local NOT_AUTHORIZED = "You are not authorized to make this call."

local function refuse(message)
  return nil, { status = 401, type = "UnauthorizedException", message = message or NOT_AUTHORIZED }
end

--- `settings`: api_keys (list), iam (secret by access key), jwt_keys (list), authorizer (function), default (mode),
--- now (function, Unix seconds), log (function(text)).
---@param settings table
---@return appsync.server.Authorize? authorize, string? message
function authorize.new(settings)
  local self = setmetatable({ settings = settings, enabled = {}, api_keys = {} }, Authorize_mt)
  for _, key in ipairs(settings.api_keys or {}) do
    self.api_keys[key] = true
  end
  self.enabled.API_KEY = next(self.api_keys) ~= nil
  self.enabled.AWS_IAM = next(settings.iam or {}) ~= nil
  self.enabled.AMAZON_COGNITO_USER_POOLS = #(settings.jwt_keys or {}) > 0
  self.enabled.OPENID_CONNECT = self.enabled.AMAZON_COGNITO_USER_POOLS
  self.enabled.AWS_LAMBDA = settings.authorizer ~= nil
  if settings.default and not self.enabled[settings.default] then
    return nil, ("the default authorization mode %s isn't enabled"):format(settings.default)
  end
  return self
end

--- The default mode and the others that are enabled.
---@return {default: appsync.server.AuthMode, additional: appsync.server.AuthMode[]}
function Authorize:auth_modes()
  local modes = { default = self.settings.default, additional = {} }
  for _, mode in ipairs(authorize.modes) do
    if self.enabled[mode] then
      if not modes.default then
        modes.default = mode
      elseif mode ~= modes.default then
        table.insert(modes.additional, mode)
      end
    end
  end
  return modes
end

local function identity_of_claims(claims)
  local is_cognito = claims.iss:find("^https://cognito%-idp%.") ~= nil
  local groups = claims["cognito:groups"]
  return {
    mode = is_cognito and "AMAZON_COGNITO_USER_POOLS" or "OPENID_CONNECT",
    sub = claims.sub,
    username = is_cognito and (claims["cognito:username"] or claims.username) or claims.sub,
    groups = type(groups) == "table" and groups or nil,
    claims = claims,
  }
end

---@private
function Authorize:by_token(token)
  local claims, message = jwt.verify(token, self.settings.jwt_keys, self.settings.now())
  if not claims then
    return refuse(message)
  end
  return identity_of_claims(claims)
end

---@private
function Authorize:by_lambda(token, credentials)
  local operation = credentials.operation or {}
  local request = {
    headers = credentials.headers,
    query = operation.query,
    variables = operation.variables,
    operation_name = operation.operationName,
  }
  local ok, answer = pcall(self.settings.authorizer, token, request)
  if not ok then
    self.settings.log("authorizer: " .. tostring(answer))
    return refuse()
  elseif answer == true then
    answer = {}
  elseif type(answer) ~= "table" or answer.isAuthorized ~= true then
    return refuse()
  end
  return { mode = "AWS_LAMBDA", resolver_context = answer.resolverContext or {}, denied_fields = answer.deniedFields }
end

--- The identity behind the credentials. The mode is told by the shape of the headers: an API key first, then a
--- signature, a JSON Web Token, and what is left over is a Lambda token.
---@param credentials appsync.server.Credentials
---@return appsync.server.Identity? identity, appsync.server.Refusal? refusal
function Authorize:check(credentials)
  local headers, enabled = credentials.headers, self.enabled
  local api_key, authorization = headers["x-api-key"], headers.authorization
  if api_key and enabled.API_KEY then
    if self.api_keys[api_key] then
      return { mode = "API_KEY" }
    end
    return refuse()
  elseif not authorization or authorization == "" then
    return refuse(not api_key and "Valid authorization header not provided." or nil)
  elseif authorization:find("^AWS4%-HMAC%-SHA256") then
    if not enabled.AWS_IAM then
      return refuse()
    end
    local access_key, refusal = sigv4_verify.check(credentials, self.settings.iam, self.settings.now())
    return access_key and { mode = "AWS_IAM", access_key = access_key, username = access_key }, refusal
  end
  local token = authorization:gsub("^[Bb]earer%s+", "")
  if enabled.OPENID_CONNECT and (jwt.parse(token) or not enabled.AWS_LAMBDA) then
    return self:by_token(token)
  elseif enabled.AWS_LAMBDA then
    return self:by_lambda(authorization, credentials)
  end
  return refuse()
end

return authorize
