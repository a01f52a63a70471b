---Credentials that are known beforehand.
local credentials = require "appsync.auth.credentials"

local Static = {}
Static.__index = Static
Static.__name = "appsync.auth.static"

function Static:get()
  if self.is_expired() then
    return credentials.fail("credentials_expired", "the AWS credentials have expired")
  end
  return self.give()
end

---    appsync.auth.static{ access_key_id = "AKIA…", secret_access_key = "…", session_token = "…", expires_at = 1700000000 }
---@param given appsync.auth.Credentials
---@return appsync.auth.Provider
local function static(given)
  local checked = credentials.check(given, "auth.static")
  -- In a closure, so that printing or serializing the provider shows no secret.
  return setmetatable({
    give = function()
      local copy = {}
      for name, value in pairs(checked) do copy[name] = value end
      return copy
    end,
    is_expired = function()
      return checked.expires_at ~= nil and checked.expires_at <= os.time()
    end,
  }, Static)
end

return static
