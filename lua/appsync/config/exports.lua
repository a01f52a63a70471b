---aws-exports.js and the JavaScript flavour of amplifyconfiguration.json (keys that begin with "aws_"), and the small
---table that the AppSync console offered for its own client.
local code = require "appsync.config.code"
local fields = require "appsync.config.fields"

local exports = {}

function exports.is(t)
  for key in pairs(t) do
    if type(key) == "string" and key:find("^aws_") then return true end
  end
  return t.graphqlEndpoint ~= nil or exports.is_options(t)
end

---The options of the AWSAppSyncClient of aws-appsync.
function exports.is_options(t)
  return t.url ~= nil and code.is_table(t.auth)
end

function exports.describe(t)
  if t.graphqlEndpoint ~= nil then return "AppSync.js", "graphqlEndpoint" end
  if exports.is_options(t) then return "options of aws-appsync", "url" end
  return "aws-exports.js", "aws_appsync_graphqlEndpoint"
end

-- amplify-js signs with IAM for a mode that it doesn't know; told, because it is rarely meant.
local function auth_type(context, from, key)
  local value = fields.text(context, from, key)
  if value and not fields.is_auth_type(value) then
    fields.warn(context, "%s is unknown; AWS_IAM is used", key)
    return "AWS_IAM"
  end
  return fields.auth_type(context, value, key)
end

---The aws_appsync_ keys, wherever they stand.
function exports.read_appsync(context, t, result)
  result.endpoint = fields.url(context, t, "aws_appsync_graphqlEndpoint") or result.endpoint
  result.region = fields.text(context, t, "aws_appsync_region") or result.region
  result.default_auth_type = auth_type(context, t, "aws_appsync_authenticationType") or result.default_auth_type
  result.api_key = fields.text(context, t, "aws_appsync_apiKey") or result.api_key
end

local function read_auth(context, t)
  local sign_in = fields.text(context, t, "aws_mandatory_sign_in")
  local found = {
    user_pool_id = fields.text(context, t, "aws_user_pools_id"),
    user_pool_client_id = fields.text(context, t, "aws_user_pools_web_client_id"),
    identity_pool_id = fields.text(context, t, "aws_cognito_identity_pool_id"),
  }
  if next(found) == nil then return nil end
  found.allow_guest_access = sign_in ~= "enable"
  local by_id = fields.identity(found)
  by_id.region = by_id.region or fields.text(context, t, "aws_cognito_region")
    or fields.text(context, t, "aws_project_region")
  return by_id
end

function exports.read(context, t, result)
  if t.graphqlEndpoint ~= nil then
    result.endpoint = fields.url(context, t, "graphqlEndpoint")
    result.region = fields.text(context, t, "region")
    result.default_auth_type = auth_type(context, t, "authenticationType")
    result.api_key = fields.text(context, t, "apiKey")
  elseif exports.is_options(t) then
    result.endpoint = fields.url(context, t, "url")
    result.region = fields.text(context, t, "region")
    result.default_auth_type = auth_type(context, t.auth, "type")
    result.api_key = fields.text(context, t.auth, "apiKey")
  end
  exports.read_appsync(context, t, result)
  result.region = result.region or fields.text(context, t, "aws_project_region")
  result.model_introspection = fields.table(context, t, "modelIntrospection")
  result.auth = read_auth(context, t)
  result.storage = fields.unless_empty {
    bucket = fields.text(context, t, "aws_user_files_s3_bucket"),
    region = fields.text(context, t, "aws_user_files_s3_bucket_region"),
  }
  for _, entry in fields.each(context, fields.table(context, t, "aws_cloud_logic_custom") or {}) do
    local name = fields.text(context, entry, "name")
    if name then
      result.rest[name] = {
        endpoint = fields.url(context, entry, "endpoint"),
        region = fields.text(context, entry, "region"),
        service = fields.text(context, entry, "service"),
      }
    else
      fields.problem(context, "an entry of aws_cloud_logic_custom has no name")
    end
  end
end

return exports
