---What applications write by hand for amplify-js: the API, Auth and Storage sections of version 5
---(`API = {graphql_endpoint = …}`) and of version 6 (`API = {GraphQL = {endpoint = …}}`). They may stand beside the keys
---of another shape.
local code = require "appsync.config.code"
local exports = require "appsync.config.exports"
local fields = require "appsync.config.fields"

local manual = {}

function manual.is(t)
  return code.is_table(t.API) or code.is_table(t.Auth) or code.is_table(t.Storage) or t.graphql_endpoint ~= nil
end

function manual.describe()
  return "an amplify-js configuration", "API.GraphQL.endpoint"
end

---graphql_endpoint and its siblings: a custom endpoint takes precedence over AppSync's own.
local function read_custom(context, api, result)
  local endpoint = fields.url(context, api, "graphql_endpoint")
  if endpoint then result.endpoint, result.is_custom_endpoint = endpoint, true end
  result.custom_endpoint_region = fields.text(context, api, "graphql_endpoint_iam_region")
    or result.custom_endpoint_region
  result.headers = fields.callable(context, api, "graphql_headers") or result.headers
end

local function read_endpoints(context, list, result)
  for _, entry in fields.each(context, list) do
    local name = fields.text(context, entry, "name")
    if name then
      result.rest[name] = {
        endpoint = fields.url(context, entry, "endpoint"),
        region = fields.text(context, entry, "region"),
        service = fields.text(context, entry, "service"),
        headers = fields.callable(context, entry, "custom_header"),
      }
    else
      fields.problem(context, "an entry of endpoints has no name")
    end
  end
end

local function read_graphql(context, graphql, result)
  local custom = fields.url(context, graphql, "customEndpoint")
  result.endpoint = custom or fields.url(context, graphql, "endpoint") or result.endpoint
  if custom then result.is_custom_endpoint = true end
  result.custom_endpoint_region = fields.text(context, graphql, "customEndpointRegion") or result.custom_endpoint_region
  result.region = fields.text(context, graphql, "region") or result.region
  result.api_key = fields.text(context, graphql, "apiKey") or result.api_key
  result.default_auth_type =
    fields.auth_type(context, fields.text(context, graphql, "defaultAuthMode"), "defaultAuthMode")
    or result.default_auth_type
  result.model_introspection = fields.table(context, graphql, "modelIntrospection") or result.model_introspection
  result.headers = fields.callable(context, graphql, "headers") or result.headers
end

local function has_appsync_keys(api)
  for key in pairs(api) do
    if type(key) == "string" and key:find("^aws_appsync_") then return true end
  end
  return false
end

local function read_api(context, api, result)
  if has_appsync_keys(api) then
    fields.warn(context, "the aws_appsync_ keys belong at the top level, not under API; they are used nevertheless")
    exports.read_appsync(context, api, result)
  end
  read_custom(context, api, result)
  read_endpoints(context, fields.table(context, api, "endpoints") or {}, result)
  local graphql, rest = fields.table(context, api, "GraphQL"), fields.table(context, api, "REST")
  if graphql then read_graphql(context, graphql, result) end
  for name, entry in fields.each(context, rest or {}) do
    result.rest[name] = {
      endpoint = fields.url(context, entry, "endpoint"),
      region = fields.text(context, entry, "region"),
      service = fields.text(context, entry, "service"),
    }
  end
end

local function read_auth(context, auth)
  local cognito = fields.table(context, auth, "Cognito") or auth
  local mandatory = fields.flag(context, auth, "mandatorySignIn")
  local guest = fields.flag(context, cognito, "allowGuestAccess")
  if guest == nil and mandatory ~= nil then guest = not mandatory end
  return fields.identity {
    region = fields.text(context, auth, "region"),
    user_pool_id = fields.text(context, cognito, "userPoolId"),
    user_pool_client_id = fields.text(context, cognito, "userPoolClientId")
      or fields.text(context, cognito, "userPoolWebClientId"),
    user_pool_endpoint = fields.url(context, cognito, "userPoolEndpoint"),
    identity_pool_id = fields.text(context, cognito, "identityPoolId"),
    allow_guest_access = guest,
  }
end

function manual.read(context, t, result)
  read_custom(context, t, result)
  local api, auth, storage = fields.table(context, t, "API"), fields.table(context, t, "Auth"),
    fields.table(context, t, "Storage")
  if api then read_api(context, api, result) end
  if auth then result.auth = read_auth(context, auth) or result.auth end
  local bucket = storage and (fields.table(context, storage, "S3") or fields.table(context, storage, "AWSS3"))
  if bucket then
    result.storage = fields.unless_empty {
      bucket = fields.text(context, bucket, "bucket"),
      region = fields.text(context, bucket, "region"),
    }
  end
end

return manual
