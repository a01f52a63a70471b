---Options of `appsync serve`: who may ask.
local status = require "appsync.cli.status"

---@type appsync.cli.Group
local auth_options = {
  title = "Authorization",
  options = {
    { name = "api-key", value = "KEY", help = "accept this API key", is_list = true },
    { name = "iam", value = "KEY:SECRET", help = "accept signatures by this access key", is_list = true },
    { name = "jwt-key", value = "FILE", help = "accept its tokens: PEM, JWKS or a secret", is_list = true },
    { name = "auth", value = "FILE.json", help = "keys, IAM users and policies, pools, issuers; see docs/server-auth.md" },
    { name = "auth-default", value = "MODE", help = "the default mode of fields: API_KEY, AWS_IAM, …; see below" },
  },
}

local MODES = {
  API_KEY = "API_KEY",
  AWS_IAM = "AWS_IAM",
  AMAZON_COGNITO_USER_POOLS = "AMAZON_COGNITO_USER_POOLS",
  OPENID_CONNECT = "OPENID_CONNECT",
  AWS_LAMBDA = "AWS_LAMBDA",
  apiKey = "API_KEY",
  iam = "AWS_IAM",
  userPool = "AMAZON_COGNITO_USER_POOLS",
  oidc = "OPENID_CONNECT",
  lambda = "AWS_LAMBDA",
}

local ENABLED_BY = {
  API_KEY = "--api-key KEY",
  AWS_IAM = "--iam ACCESS_KEY:SECRET",
  AMAZON_COGNITO_USER_POOLS = "--jwt-key FILE, or userPools in --auth FILE.json",
  OPENID_CONNECT = "--jwt-key FILE, or oidc in --auth FILE.json",
  AWS_LAMBDA = "an authorizer function in --resolvers FILE.lua",
}

---How the modes are enabled that a schema's faults ask for: a line each.
---@param err appsync.server.SchemaError
---@return string lines "" when it asks for none
function auth_options.hints(err)
  local lines, seen = {}, {}
  local function add(fault)
    local mode = fault.missing_mode
    if mode and not seen[mode] then
      seen[mode] = true
      lines[#lines + 1] = ("%s is enabled by %s.\n"):format(mode, ENABLED_BY[mode])
    end
  end
  add(err)
  for _, fault in ipairs(err.others or {}) do
    add(fault)
  end
  return table.concat(lines)
end

local readers = {}

function readers.iam(words, options)
  options.iam = {}
  for _, pair in ipairs(words.iam or {}) do
    local key, secret = pair:match("^([^:]+):(.+)$")
    if not key then
      return status.usage, "--iam expects ACCESS_KEY:SECRET"
    end
    options.iam[key] = secret
  end
end

readers["auth-default"] = function(words, options)
  local mode = words["auth-default"]
  if mode then
    options.auth_default = MODES[mode]
    if not options.auth_default then
      return status.usage,
        ("--auth-default: there is no mode %q; it is one of API_KEY, AWS_IAM, "):format(mode)
          .. "AMAZON_COGNITO_USER_POOLS, OPENID_CONNECT, AWS_LAMBDA"
    end
  end
end

function readers.files(words, options)
  local source = require("appsync.server.auth_source").new({ auth = words.auth, jwt_keys = words["jwt-key"] or {} })
  local text, message = source:read()
  if not text then return status.failure, message end
  options.auth, options.jwt_keys = text.auth, text.jwt_keys
  if #source:files() > 0 then
    options.auth_source = source
  end
end

---@param words table
---@param options appsync.server.Options
---@return integer? status, string? message
function auth_options.read(words, options)
  options.api_keys = words["api-key"] or {}
  for _, name in ipairs({ "iam", "auth-default", "files" }) do
    local code, message = readers[name](words, options)
    if code then return code, message end
  end
end

---A server that nobody could ask gets an API key.
---@param options appsync.server.Options complete
function auth_options.finish(options)
  local given = options.auth or { api_keys = {}, iam = {}, issuers = {} }
  local has_other = next(options.iam) ~= nil or #options.jwt_keys > 0 or options.authorizer
    or #given.api_keys > 0 or next(given.iam) ~= nil or #given.issuers > 0
  if #options.api_keys == 0 and not has_other then
    local letters = require("appsync.core").uuid():gsub("-", "")
    options.api_keys, options.is_key_made_up = { "da2-" .. letters:sub(1, 26) }, true
  end
end

return auth_options
