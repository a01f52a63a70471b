---The region of the environment: AWS_REGION, AWS_DEFAULT_REGION, the profile's.
local pasted = require "appsync.pasted"
local profiles = require "appsync.auth.profiles"

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
