---Credentials that are known beforehand.
local credentials = require "appsync.auth.credentials"

local Static = {}
Static.__index = Static
Static.__name = "appsync.auth.static"

function Static:get()
  return self.give()
end

---A provider of fixed credentials. Those that have expired by the device's clock are still given: the clock may be wrong, and
---the service decides.
---```lua
---local keys = appsync.auth.static{ access_key_id = "AKID", secret_access_key = "secret" }
---local other = appsync.client{ endpoint = endpoint, region = "us-east-1", auth = { type = "AWS_IAM", credentials = keys } }
---```
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
