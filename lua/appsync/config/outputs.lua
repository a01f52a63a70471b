---amplify_outputs.json (Amplify Gen 2), schema version 1.
local fields = require "appsync.config.fields"

local outputs = {}

local SECTIONS = { "auth", "data", "storage", "custom", "geo", "analytics", "notifications" }

-- Other files have a version, too.
local function has_section(t)
  for _, name in ipairs(SECTIONS) do
    if type(t[name]) == "table" then return true end
  end
  return false
end

function outputs.is(t)
  if type(t.version) ~= "string" then return false end
  return t.version:find("^1%.?%d*$") ~= nil or (t.version:find("^1%.") ~= nil and has_section(t))
end

function outputs.describe()
  return "amplify_outputs.json", "data.url"
end

local function read_data(context, data, result)
  result.endpoint = fields.url(context, data, "url")
  result.region = fields.text(context, data, "aws_region")
  result.api_key = fields.text(context, data, "api_key")
  result.default_auth_type =
    fields.auth_type(context, fields.text(context, data, "default_authorization_type"), "default_authorization_type")
  result.model_introspection = fields.table(context, data, "model_introspection")
  for i, name in ipairs(fields.table(context, data, "authorization_types") or {}) do
    result.auth_types[i] = fields.auth_type(context, name, "authorization_types")
  end
end

local function read_auth(context, auth)
  return fields.identity {
    region = fields.text(context, auth, "aws_region"),
    user_pool_id = fields.text(context, auth, "user_pool_id"),
    user_pool_client_id = fields.text(context, auth, "user_pool_client_id"),
    identity_pool_id = fields.text(context, auth, "identity_pool_id"),
    allow_guest_access = fields.flag(context, auth, "unauthenticated_identities_enabled") or false,
  }
end

function outputs.read(context, t, result)
  local data, auth, storage = fields.table(context, t, "data"), fields.table(context, t, "auth"),
    fields.table(context, t, "storage")
  if data then read_data(context, data, result) end
  if auth then result.auth = read_auth(context, auth) end
  if storage then
    result.storage = fields.unless_empty {
      bucket = fields.text(context, storage, "bucket_name"),
      region = fields.text(context, storage, "aws_region"),
    }
  end
end

return outputs
