---What AWS credentials look like, and how they are had from what a user may give.
local errors = require "appsync.errors"
local opts = require "appsync.opts"

local credentials = {}

---@class appsync.auth.Credentials
---@field access_key_id string
---@field secret_access_key string
---@field session_token string?
---@field expires_at number? Unix seconds
---@field identity_id string?

---@class appsync.auth.Provider
---@field get fun(self): appsync.auth.Credentials?, appsync.Error?

local SCHEMA = opts.schema {
  access_key_id = { "string", is_secret = true, is_pasted = true },
  secret_access_key = { "string", is_secret = true, is_pasted = true },
  session_token = { "string", is_secret = true, is_pasted = true },
  expires_at = { "number" },
  identity_id = { "string" },
}

---@return boolean it is a table of keys, in our spelling
function credentials.is_plain(value)
  return type(value.access_key_id) == "string" and type(value.secret_access_key) == "string"
end

local function complete(value, where)
  for _, name in ipairs { "access_key_id", "secret_access_key" } do
    if value[name] == nil or value[name] == "" then errors.misuse("%s: %s must be a string, got nothing", where, name) end
  end
  return value
end

---Checks a user's table of keys; throws for what isn't one.
---@param value table
---@param where string for messages
---@return appsync.auth.Credentials copy
function credentials.check(value, where)
  if type(value) ~= "table" then
    errors.misuse("%s must be a table of access_key_id and secret_access_key, got %s", where,
      (errors.describe(value, true)))
  end
  local copy = complete(opts.check(value, SCHEMA, where), where)
  if copy.session_token == "" then copy.session_token = nil end
  return copy
end

---@param code string
---@param message string
---@return nil, appsync.Error
function credentials.fail(code, message)
  return nil, errors.new("auth", message, { code = code })
end

local function ask(value)
  if type(value) == "table" and opts.is_callable(value.get) then return value:get() end
  return value()
end

---@return boolean it gives keys when it is asked
function credentials.is_source(value)
  return opts.is_callable(value) or type(value) == "table" and opts.is_callable(value.get)
end

---The keys behind a table, a function or a provider. What a function or provider gives is the world's fault, not the
---program's: it comes back as an error.
---@param value any
---@param where string for messages
---@return appsync.auth.Credentials?, appsync.Error?
function credentials.resolve(value, where)
  if not credentials.is_source(value) then return credentials.check(value, where) end
  local given, err = ask(value)
  if given == nil then
    if err == nil then return credentials.fail("no_credentials", "the provider gave no credentials") end
    return nil, errors.is(err) and err or errors.of_raised(err, "auth")
  end
  local is_good, checked = pcall(credentials.check, given, where)
  if is_good then return checked end
  return credentials.fail("no_credentials", "the provider's answer isn't usable as credentials")
end

return credentials
