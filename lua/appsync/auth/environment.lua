---Credentials from the environment variables of the AWS tools. They come before the shared files even where AWS_PROFILE
---is set, as in most AWS SDKs.
local credentials = require "appsync.auth.credentials"
local parse_date = require "appsync.auth.date"
local pasted = require "appsync.pasted"

local Environment = {}
Environment.__index = Environment
Environment.__name = "appsync.auth.environment"

-- Variables are read at each call: a host may set them late.
function Environment:get()
  local function read(name)
    local value = pasted.trim(self.getenv(name) or "")
    return value ~= "" and value or nil
  end
  local id, secret = read("AWS_ACCESS_KEY_ID"), read("AWS_SECRET_ACCESS_KEY")
  if not id or not secret then
    local missing = not id and "AWS_ACCESS_KEY_ID" or "AWS_SECRET_ACCESS_KEY"
    return credentials.fail("no_credentials", "the environment variable " .. missing .. " isn't set")
  end
  local expiration, expires_at = read("AWS_CREDENTIAL_EXPIRATION"), nil
  if expiration then
    expires_at = parse_date(expiration)
    if not expires_at then
      return credentials.fail("no_credentials", "the environment variable AWS_CREDENTIAL_EXPIRATION isn't an ISO 8601 date")
    end
  end
  return {
    access_key_id = id,
    secret_access_key = secret,
    session_token = read("AWS_SESSION_TOKEN"),
    expires_at = expires_at,
  }
end

---A provider that reads environment variables. Keys whose AWS_CREDENTIAL_EXPIRATION has passed are still given: the device's
---clock may be wrong, and the service decides.
---```lua
---local keys = appsync.auth.environment() -- AWS_ACCESS_KEY_ID, AWS_SECRET_ACCESS_KEY, AWS_SESSION_TOKEN
---local other = appsync.client{ endpoint = endpoint, region = "us-east-1", auth = { type = "AWS_IAM", credentials = keys } }
---```
---@param private {getenv: (fun(name: string): string?)?}? for tests
---@return appsync.auth.Provider
local function environment(private)
  private = private or {}
  return setmetatable({ getenv = private.getenv or os.getenv }, Environment)
end

return environment
