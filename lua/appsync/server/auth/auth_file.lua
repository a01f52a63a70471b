---The file of `--auth`: the authorization of an API as one JSON object, in the words of AppSync's own CreateGraphqlApi.
---Nothing in it is ignored: a name that isn't known is refused.
local authorize = require "appsync.server.auth.authorize"
local core = require "appsync.core"
local iam_policy = require "appsync.server.auth.iam_policy"
local jwt_keys = require "appsync.server.auth.jwt_keys"
local members = require "appsync.server.members"
local opts = require "appsync.opts"
local parse_date = require "appsync.auth.date"
local read_expression = require "appsync.server.auth.expression"

local auth_file = {}

---What the file says, as `authorize.new` takes it.
---@class appsync.server.AuthFile
---@field default appsync.server.AuthMode?
---@field api {region: string, account_id: string, api_id: string} in whose ARNs policies speak
---@field api_keys appsync.server.ApiKey[]
---@field iam table<string, appsync.server.IamPrincipal> by access key
---@field issuers appsync.server.Issuer[]
---@field denies_by_default boolean? a user pool's defaultAction is DENY
---@field lambda {ttl_s: number?, tokens: string[]?}?

-- Seconds since 1970 of a number or of "2027-01-31T00:00:00Z"; nil for anything else.
local function seconds(value)
  if type(value) == "number" then return value >= 0 and value or nil end
  if type(value) ~= "string" or not value:find("Z$") then return nil end
  return (parse_date(value))
end

local TEXT, NEEDED, LIST = { type = "text" }, { type = "text", is_required = true }, { type = "list" }
local AMOUNT = { type = "number", min = 0 }
local TIME = { fits = seconds, noun = 'seconds since 1970, or a time as "2027-01-31T00:00:00Z"' }
local KEYS = { type = "any", is_required = true }

local TOP = { default = TEXT, region = TEXT, accountId = TEXT, apiId = TEXT, apiKeys = LIST, roles = { type = "object" },
  iam = LIST, userPools = LIST, oidc = LIST, lambda = { type = "object" } }
local API_KEY = { key = NEEDED, expires = TIME }
local ROLE = { arn = TEXT, policies = LIST }
local USER = { accessKeyId = NEEDED, secretAccessKey = NEEDED, sessionToken = TEXT, expiration = TIME, username = TEXT,
  userArn = TEXT, role = TEXT, policies = LIST, isAdmin = { type = "boolean" }, cognitoIdentityId = TEXT,
  cognitoIdentityPoolId = TEXT, cognitoIdentityAuthType = TEXT, cognitoIdentityAuthProvider = TEXT }
local USER_POOL = { userPoolId = NEEDED, awsRegion = TEXT, appIdClientRegex = TEXT, defaultAction = TEXT, issuer = TEXT,
  keys = KEYS }
local OIDC = { issuer = NEEDED, clientId = TEXT, iatTTL = AMOUNT, authTTL = AMOUNT, keys = KEYS }
local LAMBDA = { authorizerResultTtlInSeconds = { type = "number", min = 0, max = 3600 }, identityValidationExpression = TEXT }
local MODES = {}
for _, mode in ipairs(authorize.modes) do MODES[mode] = true end

-- Whatever is wrong ends the reading; `auth_file.read` catches it.
local function fail(message, ...)
  error({ message = message:format(...) }, 0)
end

local function members_of(object, where, declared)
  if not members.is_object(object) then fail("%s must be an object", where == "" and "the file" or where) end
  local read, message = members.read(object, declared, where)
  if not read then fail("%s", message) end
  return read
end

local function one_of(value, where, choices)
  if choices[value] then return value end
  local meant = opts.nearest(value, choices)
  fail("%s must be one of %s%s", where, members.names(choices), meant and ("; did you mean %s?"):format(meant) or "")
end

local function patterns(expression, where)
  if not expression then return nil end
  local list, message = read_expression(expression)
  if not list then fail("%s %s", where, message) end
  return list
end

-- The name of a file beside this one, or a JSON Web Key (Set) itself.
local function read_keys(value, where, read)
  local text, message
  if type(value) == "string" then
    text, message = read(value)
    if not text then fail("%s: %s", where, message) end
  elseif type(value) == "table" then
    text = core.encode(value)
  else
    fail("%s must be the name of a file, or a JSON Web Key Set", where)
  end
  local keys
  keys, message = jwt_keys.read(text)
  if not keys then fail("%s: %s", where, message) end
  return keys
end

local function api_keys(list)
  local out = {}
  for i, entry in ipairs(list or {}) do
    if type(entry) == "string" then entry = { key = entry } end
    entry = members_of(entry, ("apiKeys[%d]"):format(i), API_KEY)
    out[i] = { key = entry.key, expires_at = seconds(entry.expires) }
  end
  return out
end

local function policy_of(lists, where, api)
  local all = {}
  for _, list in ipairs(lists) do
    for _, policy in ipairs(list) do all[#all + 1] = policy end
  end
  local policy, message = iam_policy.read(all, where, api)
  if not policy then fail("%s", message) end
  return policy
end

local AUTH_TYPES = { authenticated = true, unauthenticated = true }

local function cognito_of(user, where)
  local kind = user.cognitoIdentityAuthType
  if not kind then
    for _, name in ipairs({ "cognitoIdentityId", "cognitoIdentityPoolId", "cognitoIdentityAuthProvider" }) do
      if user[name] then fail("%s.%s needs cognitoIdentityAuthType beside it", where, name) end
    end
    return nil
  end
  return { type = one_of(kind, where .. ".cognitoIdentityAuthType", AUTH_TYPES), id = user.cognitoIdentityId,
    pool_id = user.cognitoIdentityPoolId, provider = user.cognitoIdentityAuthProvider }
end

local function arn_of(user, role, api)
  if user.userArn then return user.userArn end
  if not role then return ("arn:aws:iam::%s:user/%s"):format(api.account_id, user.username or user.accessKeyId) end
  local session = user.cognitoIdentityAuthType and "CognitoIdentityCredentials" or user.username or user.accessKeyId
  local account, name = (role.arn or ""):match("^arn:[^:]*:iam::(%d*):role/(.+)$")
  return ("arn:aws:sts::%s:assumed-role/%s/%s"):format(account or api.account_id, name or user.role, session)
end

local function principal(user, where, roles, api)
  user = members_of(user, where, USER)
  local role
  if user.role then
    role = roles[user.role]
    if not role then
      local meant = opts.nearest(user.role, roles)
      fail("%s.role names a role that isn't in roles%s", where, meant and ("; did you mean %s?"):format(meant) or "")
    end
  end
  local policy
  if user.policies or (role and role.policies) then
    policy = policy_of({ user.policies or {}, role and role.policies or {} }, where .. ".policies", api)
  end
  local arn = arn_of(user, role, api)
  return {
    access_key = user.accessKeyId,
    key = { secret = user.secretAccessKey, session_token = user.sessionToken, is_permanent = not user.sessionToken,
      expires_at = seconds(user.expiration), region = api.given_region },
    username = user.username, user_arn = arn, account_id = arn:match("^arn:[^:]*:[^:]*::(%d+):") or api.account_id,
    cognito = cognito_of(user, where), policy = policy, is_admin = user.isAdmin,
  }
end

local function iam(file, api)
  local roles, out = {}, {}
  for name, role in pairs(file.roles or {}) do
    role = members_of(role, "roles." .. name, ROLE)
    roles[name] = role
    if role.policies then policy_of({ role.policies }, ("roles.%s.policies"):format(name), api) end
  end
  for i, user in ipairs(file.iam or {}) do
    local entry = principal(user, ("iam[%d]"):format(i), roles, api)
    if out[entry.access_key] then fail("iam[%d].accessKeyId stands there twice", i) end
    out[entry.access_key] = entry
  end
  return out
end

local ACTIONS = { ALLOW = true, DENY = true }

local function user_pool(pool, where, read)
  pool = members_of(pool, where, USER_POOL)
  local region = pool.awsRegion or pool.userPoolId:match("^([^_]+)_")
  if not region and not pool.issuer then fail("%s.awsRegion is missing, and userPoolId doesn't begin with one", where) end
  one_of(pool.defaultAction or "ALLOW", where .. ".defaultAction", ACTIONS)
  return {
    mode = "AMAZON_COGNITO_USER_POOLS",
    issuer = pool.issuer or ("https://cognito-idp.%s.amazonaws.com/%s"):format(region, pool.userPoolId),
    keys = read_keys(pool.keys, where .. ".keys", read),
    clients = patterns(pool.appIdClientRegex, where .. ".appIdClientRegex"),
  }
end

local function provider(entry, where, read)
  entry = members_of(entry, where, OIDC)
  return {
    mode = "OPENID_CONNECT", issuer = entry.issuer, keys = read_keys(entry.keys, where .. ".keys", read),
    clients = patterns(entry.clientId, where .. ".clientId"),
    -- Milliseconds, as in the service's OpenIDConnectConfig; 0 turns the check off there.
    iat_ttl_s = entry.iatTTL and entry.iatTTL > 0 and entry.iatTTL / 1000 or nil,
    auth_ttl_s = entry.authTTL and entry.authTTL > 0 and entry.authTTL / 1000 or nil,
  }
end

local function lambda(options)
  if not options then return nil end
  options = members_of(options, "lambda", LAMBDA)
  return {
    ttl_s = options.authorizerResultTtlInSeconds,
    tokens = patterns(options.identityValidationExpression, "lambda.identityValidationExpression"),
  }
end

local function read(file, read_file)
  file = members_of(file, "", TOP)
  local stands_in = authorize.api
  local api = { region = file.region or stands_in.region, account_id = file.accountId or stands_in.account_id,
    api_id = file.apiId or stands_in.api_id, given_region = file.region }
  local out = { api = api, api_keys = api_keys(file.apiKeys), iam = iam(file, api), issuers = {}, lambda = lambda(file.lambda),
    default = file.default and one_of(file.default, "default", MODES) }
  for i, pool in ipairs(file.userPools or {}) do
    table.insert(out.issuers, user_pool(pool, ("userPools[%d]"):format(i), read_file))
    out.denies_by_default = out.denies_by_default or pool.defaultAction == "DENY" or nil
  end
  for i, entry in ipairs(file.oidc or {}) do
    table.insert(out.issuers, provider(entry, ("oidc[%d]"):format(i), read_file))
  end
  return out
end

---Reads the text of the file.
---@param text string
---@param read_file fun(name: string): string?, string? gives the text of a file that this one names
---@return appsync.server.AuthFile? file, string? message
function auth_file.read(text, read_file)
  local value, err = core.decode(text)
  if type(value) ~= "table" then
    return nil, err and "it isn't JSON: " .. err.message or "it must be a JSON object"
  end
  local ok, result = pcall(read, value, read_file)
  if ok then return result end
  if type(result) ~= "table" then error(result, 0) end
  return nil, result.message
end

return auth_file
