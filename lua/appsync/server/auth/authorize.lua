---Who asks: one identity for the credentials of an HTTP request, a WebSocket connect or a `start` message.
local claim = require "appsync.server.auth.claim"
local core = require "appsync.core"
local identity = require "appsync.server.auth.identity"
local issuers = require "appsync.server.auth.issuers"
local jwt = require "appsync.server.auth.jwt"
local jwt_keys = require "appsync.server.auth.jwt_keys"
local lambda_authorizer = require "appsync.server.auth.lambda_authorizer"
local sigv4_verify = require "appsync.server.auth.sigv4_verify"

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
---@field request_id string?
---@field peer string? the address that the request came from, with its port

---@class appsync.server.ApiKey
---@field key string
---@field expires_at number? Unix seconds

---An IAM identity of the API: whose access key it is, and what it may do.
---@class appsync.server.IamPrincipal
---@field key appsync.server.IamKey? taken out by `authorize.new`: what is secret goes no further than the signature's check
---@field access_key string
---@field username string?
---@field user_arn string?
---@field account_id string?
---@field cognito {pool_id: string?, id: string?, type: "authenticated"|"unauthenticated", provider: string?}?
---@field policy appsync.server.IamPolicy? nil: everything is allowed
---@field is_admin boolean? the rules of @auth don't hold for it

---@class appsync.server.Authorize
---@field private settings table
---@field private enabled table<appsync.server.AuthMode, boolean>
---@field private api_keys table<string, appsync.server.ApiKey> by the key's digest
---@field private iam table<string, appsync.server.IamPrincipal>
---@field private iam_keys table<string, appsync.server.IamKey>
---@field private issuers appsync.server.Issuer[]
---@field private lambda appsync.server.LambdaAuthorizer?
local Authorize = {}
Authorize.__index = Authorize

local authorize = {}

---In the order in which the first one that is enabled becomes the default.
authorize.modes = { "API_KEY", "AWS_IAM", "AMAZON_COGNITO_USER_POOLS", "OPENID_CONNECT", "AWS_LAMBDA" }

---What stands for the real thing in ARNs where nothing else is given.
authorize.api = { region = "us-east-1", account_id = "000000000000", api_id = "local" }

local NOT_AUTHORIZED = "You are not authorized to make this call."

local function refuse(message)
  return nil, { status = 401, type = "UnauthorizedException", message = message or NOT_AUTHORIZED }
end

local function add_api_keys(self, list)
  for _, entry in ipairs(list or {}) do
    if type(entry) == "string" then entry = { key = entry } end
    -- Looked up by its digest, so that the time taken tells nothing of the key.
    self.api_keys[core.sha256(entry.key)] = entry
  end
end

local function add_iam(self, principals, api)
  for access_key, principal in pairs(principals or {}) do
    if type(principal) == "string" then
      principal = { key = { secret = principal }, username = access_key, account_id = api.account_id,
        user_arn = ("arn:aws:iam::%s:user/%s"):format(api.account_id, access_key) }
    end
    local shown = {}
    for name, value in pairs(principal) do shown[name] = value end
    shown.key = nil
    self.iam[access_key], self.iam_keys[access_key] = shown, principal.key
  end
end

-- Keys that come as tables have gone through no reader of files.
local function fault_of_keys(settings, file)
  local lists = { { keys = settings.jwt_keys, where = "jwt_keys" } }
  for i, issuer in ipairs(file.issuers or {}) do lists[#lists + 1] = { keys = issuer.keys, where = ("issuers[%d].keys"):format(i) } end
  for _, list in ipairs(lists) do
    for i, key in ipairs(list.keys or {}) do
      local fault = jwt_keys.fault(key)
      if fault then return ("%s[%d]: %s"):format(list.where, i, fault) end
    end
  end
end

-- Of secrets that came as tables: nobody would have to know an empty one.
local function fault_of_secrets(self)
  if self.api_keys[core.sha256("")] then return "an API key is empty" end
  for access_key, key in pairs(self.iam_keys) do
    if key.secret == "" then return ("the secret of the access key %s is empty"):format(access_key) end
  end
end

local function add_issuers(self, settings, file)
  local list = {}
  for _, issuer in ipairs(file.issuers or {}) do list[#list + 1] = issuer end
  if #(settings.jwt_keys or {}) > 0 then list[#list + 1] = { keys = settings.jwt_keys } end
  self.issuers = list
  for _, issuer in ipairs(list) do
    for _, mode in ipairs({ "AMAZON_COGNITO_USER_POOLS", "OPENID_CONNECT" }) do
      if not issuer.mode or issuer.mode == mode then self.enabled[mode] = true end
    end
  end
end

local function add_lambda(self, settings, file, api)
  if not settings.authorizer then return end
  local options = file.lambda or {}
  self.lambda = lambda_authorizer.new({ call = settings.authorizer, now = settings.now, log = settings.log, api = api,
    ttl_s = options.ttl_s, tokens = options.tokens, hide = settings.hide, timeout_s = settings.timeout_s })
  self.enabled.AWS_LAMBDA = true
end

---`settings`: api_keys (list of texts), iam (secret by access key), jwt_keys (list: of any issuer), file (of
---`auth_file.read`), authorizer (function), default (mode), now (function, Unix seconds), log (function(text)), hide (as
---of `lambda_authorizer.new`).
---@param settings table
---@return appsync.server.Authorize? authorize, string? message
function authorize.new(settings)
  local file = settings.file or {}
  local api = file.api or authorize.api
  local self = setmetatable({ settings = settings, enabled = {}, api_keys = {}, iam = {}, iam_keys = {} }, Authorize)
  add_api_keys(self, file.api_keys)
  add_api_keys(self, settings.api_keys)
  add_iam(self, file.iam, api)
  add_iam(self, settings.iam, api)
  self.enabled.API_KEY = next(self.api_keys) ~= nil or nil
  self.enabled.AWS_IAM = next(self.iam) ~= nil or nil
  add_issuers(self, settings, file)
  add_lambda(self, settings, file, api)
  local fault = fault_of_keys(settings, file) or fault_of_secrets(self)
  if fault then return nil, fault end
  self.default = settings.default or file.default
  if self.default and not self.enabled[self.default] then
    return nil, ("the default authorization mode %s isn't enabled"):format(self.default)
  elseif file.lambda and not self.lambda then
    return nil, "lambda is set, and the resolvers file has no authorizer"
  end
  return self
end

---The default mode and the others that are enabled.
---@return appsync.server.AuthModes
function Authorize:auth_modes()
  local file = self.settings.file
  local modes = { default = self.default, additional = {}, is_strict = file and true or nil,
    denies_by_default = file and file.denies_by_default }
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

local function is_same(a, b)
  if type(a) ~= "table" or type(b) ~= "table" then return a == b end
  for name, value in pairs(a) do
    if not is_same(value, b[name]) then return false end
  end
  for name in pairs(b) do
    if a[name] == nil then return false end
  end
  return true
end

---Has other keys and users hold from now on. The modes of an API are settled when it starts: with others, or when
---something is wrong, all stays as it was.
---@param changes table of the settings of `authorize.new`: `file` and `jwt_keys`, nil where there are none
---@return true? ok, string? message
function Authorize:renew(changes)
  local settings = {}
  for name, value in pairs(self.settings) do settings[name] = value end
  settings.file, settings.jwt_keys = changes.file, changes.jwt_keys
  local fresh, message = authorize.new(settings)
  if not fresh then return nil, message end
  if not is_same(self:auth_modes(), fresh:auth_modes()) then
    return nil, "the authorization modes are others now; to use them, start the server again"
  end
  for name in pairs(self) do self[name] = nil end
  for name, value in pairs(fresh) do self[name] = value end
  return true
end

---@private
function Authorize:by_api_key(key)
  local entry = self.api_keys[core.sha256(key)]
  if not entry or (entry.expires_at and self.settings.now() >= entry.expires_at) then return refuse() end
  return { mode = "API_KEY" }
end

local USER_CLAIMS = { "sub", "username", "cognito:username" }

-- The user's names by claim; or nil and what is wrong with one of them.
local function names_of(claims)
  local names = {}
  for _, name in ipairs(USER_CLAIMS) do
    local text, fault = claim.text(claims[name])
    if fault then return nil, ("The claim '%s' %s."):format(name, fault) end
    names[name] = text
  end
  return names
end

local function groups_of(claims)
  if type(claims["cognito:groups"]) ~= "table" then return nil end
  local groups = setmetatable({}, core.array_mt)
  for _, group in ipairs(claims["cognito:groups"]) do groups[#groups + 1] = claim.text(group) end
  return groups
end

---@private
function Authorize:by_token(token, credentials)
  local claims, mode = issuers.check(self.issuers, token, self.settings.now())
  if not claims then return refuse(mode) end
  local names, fault = names_of(claims)
  if not names then return refuse(fault) end
  local is_cognito = mode == "AMAZON_COGNITO_USER_POOLS"
  return {
    mode = mode, sub = names.sub, groups = groups_of(claims), claims = claims,
    username = is_cognito and (names["cognito:username"] or names.username) or names.sub,
    source_ip = is_cognito and identity.source_ip(credentials) or nil,
  }
end

---@private
function Authorize:by_signature(credentials)
  local access_key, refusal = sigv4_verify.check(credentials, self.iam_keys, self.settings.now())
  if not access_key then return nil, refusal end
  local principal = self.iam[access_key]
  if principal.policy and not principal.policy:allows_something() then return refuse("Permission denied") end
  return { mode = "AWS_IAM", access_key = access_key, username = principal.username or access_key, iam = principal,
    policy = principal.policy, source_ip = identity.source_ip(credentials) }
end

---@private
function Authorize:by_lambda(token, credentials)
  local answer = self.lambda:check(token, credentials)
  if not answer then return refuse() end
  answer.mode = "AWS_LAMBDA"
  return answer
end

---The identity behind the credentials. The mode is told by the shape of the headers: an API key first, then a
---signature, a JSON Web Token, and what is left over is a Lambda token.
---@param credentials appsync.server.Credentials
---@return appsync.server.Identity? identity, appsync.server.Refusal? refusal
function Authorize:check(credentials)
  local headers, enabled = credentials.headers, self.enabled
  local api_key, authorization = headers["x-api-key"], headers.authorization
  if api_key and enabled.API_KEY then return self:by_api_key(api_key) end
  if not authorization or authorization == "" then
    return refuse(not api_key and "Valid authorization header not provided." or nil)
  end
  if authorization:find("^AWS4%-HMAC%-SHA256") then
    if not enabled.AWS_IAM then return refuse() end
    return self:by_signature(credentials)
  end
  local token = authorization:gsub("^[Bb]earer%s+", "")
  if #self.issuers > 0 and (not self.lambda or jwt.parse(token)) then return self:by_token(token, credentials) end
  if self.lambda then return self:by_lambda(authorization, credentials) end
  return refuse()
end

return authorize
