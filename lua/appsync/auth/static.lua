---Credentials that are known beforehand.
local credentials = require "appsync.auth.credentials"

local Static = {}
Static.__index = Static
Static.__name = "appsync.auth.static"

function Static:get()
  return self.give()
end

---    appsync.auth.static{ access_key_id = "AKIA…", secret_access_key = "…", session_token = "…", expires_at = 1700000000 }
---Keys that have expired by the device's clock are given, too: it may be wrong, and the service decides.
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
  }, Static)
end

return static
