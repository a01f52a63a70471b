---Credentials from the shared files of the AWS tools (~/.aws/credentials, ~/.aws/config).
local credentials = require "appsync.auth.credentials"
local opts = require "appsync.opts"
local profiles = require "appsync.auth.profiles"

local SharedFile = {}
SharedFile.__index = SharedFile
SharedFile.__name = "appsync.auth.shared_file"

local SCHEMA = opts.schema {
  profile = { "string", is_line = true },
  credentials_file = { "string", is_line = true },
  config_file = { "string", is_line = true },
  getenv = { "callable" },
}

-- Ways to credentials that need a service or a program; in the order in which the AWS SDKs look at them.
local OTHER_SOURCES = {
  { "role_arn", "a role to assume" },
  { "web_identity_token_file", "a web identity token" },
  { "credential_process", "a credential process" },
  { "sso_session", "IAM Identity Center (SSO)" },
  { "sso_start_url", "IAM Identity Center (SSO)" },
}

local function explain(settings, name)
  for _, source in ipairs(OTHER_SOURCES) do
    if settings[source[1]] then
      return credentials.fail("profile_not_supported",
        ("profile %q uses %s (%s), which is not supported by this provider; give the keys with auth.static or the "
          .. "environment, or any table with a get method"):format(name, source[2], source[1]))
    end
  end
  return credentials.fail("no_credentials",
    ("profile %q has no %s"):format(name, settings.aws_access_key_id and "aws_secret_access_key" or "aws_access_key_id"))
end

-- Files are read at each call: the AWS tools rewrite them when keys are renewed.
function SharedFile:get()
  local settings, name, paths, fault = profiles.load(self.options)
  if not settings and fault then
    return credentials.fail("no_credentials", ("profile %q can't be read; %s"):format(name, (fault:gsub("%c", "?"))))
  elseif not settings then
    return credentials.fail("no_credentials",
      ("profile %q is in none of the files %s"):format(name, table.concat(paths, ", ")))
  end
  -- A role wins over keys in the same profile, as in the AWS SDKs: silently using the keys would be another identity.
  if settings.role_arn and (settings.source_profile or settings.credential_source) then return explain(settings, name) end
  if not settings.aws_access_key_id or not settings.aws_secret_access_key then return explain(settings, name) end
  return {
    access_key_id = settings.aws_access_key_id,
    secret_access_key = settings.aws_secret_access_key,
    session_token = settings.aws_session_token,
  }
end

---A provider that reads a profile of the AWS shared files.
---```lua
---local keys = appsync.auth.shared_file{ profile = "work" }
---local other = appsync.client{ endpoint = endpoint, region = "us-east-1", auth = { type = "AWS_IAM", credentials = keys } }
---```
---@param options appsync.auth.ProfileOptions?
---@return appsync.auth.Provider
local function shared_file(options)
  return setmetatable({ options = opts.check(options, SCHEMA, "auth.shared_file") }, SharedFile)
end

return shared_file
