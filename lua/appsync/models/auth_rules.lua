---Rules of @auth with their defaults (amplify-codegen, utils/process-auth.ts). The generators write some of the defaults,
---SDL none: read like this both say the same.
local core = require "appsync.core"
local errors = require "appsync.errors"
local fault = require "appsync.models.fault"
local form = require "appsync.models.form"

local auth_rules = {}

local STRATEGIES = { owner = true, groups = true, private = true, public = true, custom = true }
local OPERATIONS = { "create", "update", "delete", "read" }

local function text(path, rule, name)
  local value = rule[name]
  if value == nil or value == core.null then return nil end
  if type(value) ~= "string" then fault.of(path .. "." .. name, "must be a string, got %s", (errors.describe(value))) end
  return value
end

local function strings(path, rule, name)
  local value = rule[name]
  if type(value) ~= "table" or value[1] == nil then return nil end
  return form.strings(path .. "." .. name, value)
end

local function add_owner(rule, path, given)
  rule.provider = rule.provider or "userPools"
  rule.owner_field = text(path, given, "ownerField") or "owner"
  local claim = text(path, given, "identityClaim") or text(path, given, "identityField") or "username"
  rule.identity_claim = claim == "username" and "cognito:username" or claim
end

local function add_groups(rule, path, given)
  rule.provider = rule.provider or "userPools"
  rule.group_claim = text(path, given, "groupClaim") or "cognito:groups"
  rule.groups = strings(path, given, "groups")
  if not rule.groups then
    rule.groups_field = text(path, given, "groupsField") or text(path, given, "groupField") or "groups"
  end
end

---Reads one rule as SDL or a generator gives it.
---@param path string
---@param given any
---@return appsync.models.AuthRule
function auth_rules.read(path, given)
  if type(given) ~= "table" then fault.of(path, "must be an object, got %s", (errors.describe(given))) end
  local allow = text(path, given, "allow")
  if not STRATEGIES[allow] then form.unknown(path, "strategy", allow, STRATEGIES) end
  local rule = { allow = allow, provider = text(path, given, "provider"), operations = {} }
  for i, name in ipairs(strings(path, given, "operations") or strings(path, given, "mutations") or OPERATIONS) do
    rule.operations[i] = name
  end
  if allow == "owner" then add_owner(rule, path, given) end
  if allow == "groups" then add_groups(rule, path, given) end
  return rule
end

return auth_rules
