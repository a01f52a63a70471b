---What the readers of all shapes share: checked access to what a file says, and the names of authorization modes.
local code = require "appsync.config.code"
local core = require "appsync.core"
local opts = require "appsync.opts"
local pasted = require "appsync.pasted"
local url = require "appsync.url"

local fields = {}

---@class appsync.config.Context
---@field name string of the source, for messages
---@field problem string? the first one that was found
---@field warnings string[]
---@field computed table<string, appsync.config.Code> by key: what a script would compute

---@return appsync.config.Context
function fields.context(name)
  return { name = name, warnings = {}, computed = {} }
end

function fields.problem(context, format, ...)
  context.problem = context.problem or format:format(...)
end

function fields.warn(context, format, ...)
  context.warnings[#context.warnings + 1] = format:format(...)
end

-- What isn't there: JSON null, and what a script would compute, which is told.
local function is_absent(context, value, key)
  if value == nil or value == core.null then return true end
  if not code.is(value) then return false end
  if not context.computed[key] then fields.warn(context, "%s is left out: it is %s", key, code.describe(value)) end
  context.computed[key] = value
  return true
end

---The value under the key, when it is there and has the type; another type is a problem.
---@return any?
local function get(context, from, key, kind)
  local value = from[key]
  if is_absent(context, value, key) then return nil end
  if type(value) == kind then return value end
  fields.problem(context, "%s must be a %s, got a %s", key, kind, type(value))
end

---An empty string counts as absent.
---@return string? text without white space around it
function fields.text(context, from, key)
  local value = pasted.trim(get(context, from, key, "string") or "")
  return value ~= "" and value or nil
end

---@return table?
function fields.table(context, from, key)
  return get(context, from, key, "table")
end

---@return boolean?
function fields.flag(context, from, key)
  return get(context, from, key, "boolean")
end

---A function, or what can be called as one.
---@return function?
function fields.callable(context, from, key)
  local value = from[key]
  if opts.is_callable(value) then return value end
  return get(context, from, key, "function")
end

---@return string?
function fields.url(context, from, key)
  local value = fields.text(context, from, key)
  local parts = value and url.parse(value)
  if value and not (parts and (parts.scheme == "https" or parts.scheme == "http")) then
    fields.problem(context, "%s must be an http or https URL", key)
    return nil
  end
  return value
end

---Entries of a table of tables, in the order of their names. What is no table is a problem.
---@return fun(): string?, table?
function fields.each(context, from)
  local names = {}
  for name, entry in pairs(from) do
    local is_there = not is_absent(context, entry, tostring(name))
    if is_there and type(entry) == "table" then
      names[#names + 1] = tostring(name)
    elseif is_there then
      fields.problem(context, "%s must be a table, got a %s", tostring(name), type(entry))
    end
  end
  -- "api" before "api_AWS_IAM": the tools derive further names from the first one.
  table.sort(names, function(a, b)
    if #a ~= #b then return #a < #b end
    return a < b
  end)
  local i = 0
  return function()
    i = i + 1
    local name = names[i]
    if name then return name, from[name] or from[tonumber(name)] end
  end
end

local AUTH_TYPES = {
  API_KEY = "API_KEY", apiKey = "API_KEY",
  AWS_IAM = "AWS_IAM", iam = "AWS_IAM", identityPool = "AWS_IAM",
  AMAZON_COGNITO_USER_POOLS = "AMAZON_COGNITO_USER_POOLS", userPool = "AMAZON_COGNITO_USER_POOLS",
  OPENID_CONNECT = "OPENID_CONNECT", oidc = "OPENID_CONNECT",
  AWS_LAMBDA = "AWS_LAMBDA", LAMBDA = "AWS_LAMBDA", lambda = "AWS_LAMBDA",
  NONE = "NONE", none = "NONE",
}

---@param value string?
---@return string? the service's name
function fields.auth_type(context, value, key)
  if is_absent(context, value, key) then return nil end
  local name = AUTH_TYPES[value]
  if not name then
    fields.problem(context, "%s must be API_KEY, AWS_IAM, AMAZON_COGNITO_USER_POOLS, OPENID_CONNECT, AWS_LAMBDA or NONE",
      key)
  end
  return name
end

---@return boolean
function fields.is_auth_type(value)
  return AUTH_TYPES[value] ~= nil
end

---A table, or nil when nothing was put into it.
---@return table?
function fields.unless_empty(t)
  return next(t) ~= nil and t or nil
end

---The identity section of all shapes. Its region is part of the ids: "us-east-1_AbC", "us-east-1:uuid".
---@return table?
function fields.identity(found)
  local pool = found.user_pool_id and found.user_pool_id:match("^([%w-]+)_")
  local identity = found.identity_pool_id and found.identity_pool_id:match("^([%w-]+):")
  found.region = found.region or pool or identity
  return fields.unless_empty(found)
end

return fields
