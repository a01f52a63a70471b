---The region of the environment: AWS_REGION, AWS_DEFAULT_REGION, the profile's.
local pasted = require "appsync.pasted"
local profiles = require "appsync.auth.profiles"

---The region that AWS_REGION, AWS_DEFAULT_REGION or the profile names.
---```lua
---local keys, region = appsync.auth.environment(), appsync.auth.region() or "us-east-1"
---local other = appsync.client{ endpoint = endpoint, region = region, auth = { type = "AWS_IAM", credentials = keys } }
---```
---@param options appsync.auth.ProfileOptions?
---@return string? region nil when nothing tells it
local function region(options)
  options = options or {}
  local getenv = options.getenv or os.getenv
  for _, name in ipairs { "AWS_REGION", "AWS_DEFAULT_REGION" } do
    local value = pasted.trim(getenv(name) or "")
    if value ~= "" then return value end
  end
  local settings = profiles.load(options)
  return settings and settings.region or nil
end

return region
