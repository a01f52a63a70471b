---The first of several providers that has credentials.
local credentials = require "appsync.auth.credentials"
local errors = require "appsync.errors"
local opts = require "appsync.opts"
local printable = require "appsync.printable"

local Chain = {}
Chain.__index = Chain
Chain.__name = "appsync.auth.chain"

local function is_provider(value)
  return type(value) == "table" and opts.is_callable(value.get)
end

local function seems_expired(found)
  local expires_at = type(found) == "table" and (found.expires_at or found.expiresAt)
  return type(expires_at) == "number" and expires_at <= os.time()
end

function Chain:get()
  local causes, expired = {}, nil
  for _, provider in ipairs(self.providers) do
    local found, err = provider:get()
    if found and not seems_expired(found) then return found end
    expired = expired or found
    if not found then causes[#causes + 1] = printable.text(type(err) == "table" and err.message or err) end
  end
  if expired then return expired end
  return credentials.fail("no_credentials", "no provider of the chain has credentials: " .. table.concat(causes, "; "))
end

---A provider that asks others in turn. Credentials that have expired by the device's clock, which may be wrong, are given only
---if no other provider has any.
---```lua
---local keys = appsync.auth.chain{ appsync.auth.environment(), appsync.auth.shared_file() }
---local other = appsync.client{ endpoint = endpoint, region = "us-east-1", auth = { type = "AWS_IAM", credentials = keys } }
---```
---@param providers appsync.auth.Provider[] asked in this order, at each renewal
---@return appsync.auth.Provider
local function chain(providers)
  errors.expect(providers, "providers", "table", "auth.chain")
  local list = {}
  for i, provider in ipairs(providers) do
    if not is_provider(provider) then
      errors.misuse("auth.chain: provider %d must be a table with a get method, got %s", i,
        (errors.describe(provider, true)))
    end
    list[i] = provider
  end
  if #list == 0 then errors.misuse("auth.chain: at least one provider must be given") end
  return setmetatable({ providers = list }, Chain)
end

return chain
