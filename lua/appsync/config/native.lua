---The files of the native libraries: amplifyconfiguration.json (categories with plugins) and awsconfiguration.json (an
---AppSync section).
local code = require "appsync.config.code"
local fields = require "appsync.config.fields"

local native = {}

local CATEGORIES = { "api", "auth", "storage", "analytics", "geo", "notifications", "predictions" }
local MOBILE = { "AppSync", "CognitoUserPool", "CredentialsProvider", "IdentityManager" }

function native.is(t)
  for _, name in ipairs(CATEGORIES) do
    if code.is_table(t[name]) and code.is_table(t[name].plugins) then return true end
  end
  return native.is_mobile(t) or (type(t.UserAgent) == "string" and type(t.Version) == "string")
end

---awsconfiguration.json, with or without an API.
function native.is_mobile(t)
  for _, name in ipairs(MOBILE) do
    if code.is_table(t[name]) then return true end
  end
  return false
end

function native.describe(t)
  if native.is_mobile(t) then return "awsconfiguration.json", "AppSync.NAME.ApiUrl" end
  return "amplifyconfiguration.json of the native libraries", "api.plugins.awsAPIPlugin.NAME.endpoint"
end

---@return table an empty one when there is none
local function section(context, from, ...)
  for _, key in ipairs { ... } do
    from = fields.table(context, from, key)
    if not from then return {} end
  end
  return from
end

-- One endpoint under several names is how these files list several authorization modes.
local function add_graphql(context, result, api)
  if result.endpoint and result.endpoint ~= api.endpoint then
    fields.warn(context, "there are several GraphQL endpoints; %s is used", result.endpoint)
    return
  end
  result.endpoint, result.region = api.endpoint, result.region or api.region
  result.api_key = result.api_key or api.api_key
  if not result.default_auth_type then
    result.default_auth_type = api.auth_type
  elseif api.auth_type then
    result.auth_types[#result.auth_types + 1] = api.auth_type
  end
end

local function read_apis(context, apis, result)
  for name, entry in fields.each(context, apis) do
    local kind = fields.text(context, entry, "endpointType")
    local api = {
      endpoint = fields.url(context, entry, "endpoint"),
      region = fields.text(context, entry, "region"),
      api_key = fields.text(context, entry, "apiKey"),
      auth_type = fields.auth_type(context, fields.text(context, entry, "authorizationType"), "authorizationType"),
    }
    if kind == "GraphQL" then
      add_graphql(context, result, api)
    elseif kind == "REST" then
      result.rest[name] = { endpoint = api.endpoint, region = api.region, auth_type = api.auth_type, api_key = api.api_key }
    else
      fields.problem(context, "endpointType of %s must be GraphQL or REST", name)
    end
  end
end

local function read_appsync(context, entries, result)
  for _, entry in fields.each(context, entries) do
    add_graphql(context, result, {
      endpoint = fields.url(context, entry, "ApiUrl"),
      region = fields.text(context, entry, "Region"),
      api_key = fields.text(context, entry, "ApiKey"),
      auth_type = fields.auth_type(context, fields.text(context, entry, "AuthMode"), "AuthMode"),
    })
  end
end

local function read_auth(context, from)
  local pool = section(context, from, "CognitoUserPool", "Default")
  local identity = section(context, from, "CredentialsProvider", "CognitoIdentity", "Default")
  return fields.identity {
    region = fields.text(context, pool, "Region") or fields.text(context, identity, "Region"),
    user_pool_id = fields.text(context, pool, "PoolId"),
    user_pool_client_id = fields.text(context, pool, "AppClientId"),
    user_pool_client_secret = fields.text(context, pool, "AppClientSecret"),
    identity_pool_id = fields.text(context, identity, "PoolId"),
  }
end

function native.read(context, t, result)
  if native.is_mobile(t) then
    read_appsync(context, section(context, t, "AppSync"), result)
    result.auth = read_auth(context, t)
    local bucket = section(context, t, "S3TransferUtility", "Default")
    result.storage = fields.unless_empty {
      bucket = fields.text(context, bucket, "Bucket"),
      region = fields.text(context, bucket, "Region"),
    }
    return
  end
  local cognito = section(context, t, "auth", "plugins", "awsCognitoAuthPlugin")
  read_apis(context, section(context, t, "api", "plugins", "awsAPIPlugin"), result)
  -- The CLI repeats the API there.
  if not result.endpoint then read_appsync(context, section(context, cognito, "AppSync"), result) end
  result.auth = read_auth(context, cognito)
  local bucket = section(context, t, "storage", "plugins", "awsS3StoragePlugin")
  result.storage = fields.unless_empty {
    bucket = fields.text(context, bucket, "bucket"),
    region = fields.text(context, bucket, "region"),
  }
end

return native
