---One rule of @auth against one caller (Amplify documentation, "Customize authorization rules"). Static rules look at the
---caller alone; owner rules and dynamic groups look at a record too.
local claim = require "appsync.server.auth.claim"
local core = require "appsync.core"

local auth_rule = {}

local NULL = core.null

-- A user pool names its user `username` in an access token and `cognito:username` in an id token.
local TWIN = { username = "cognito:username", ["cognito:username"] = "username" }

-- A number that isn't exact could be somebody else's: nothing is decided by it.
local function name_of(value, claim_name)
  local text, fault = claim.text(value)
  if fault then error({ message = ("Not Authorized: the claim '%s' %s."):format(claim_name, fault), type = "Unauthorized" }, 0) end
  return text
end

local function claimed(caller, name)
  local claims, twin = caller.claims or {}, TWIN[name]
  return name_of(claims[name], name) or (twin and name_of(claims[twin], twin))
end

local SEPARATOR = "::"

-- What would make the text of two callers the same: "a::" and "b" are joined as "a" and "::b" are.
local function is_ambiguous(value)
  return value:find(SEPARATOR, 1, true) ~= nil or value:sub(-1) == ":"
end

---The values that may stand in an owner field for this caller: the joined claims first, then each of them. A claim that
---looks like joined ones is none of the values: it may be somebody else's text, and whoever chooses a name chooses it.
---@param r appsync.server.Rule
---@param caller appsync.server.Identity
---@return string[] empty: the caller lacks one of the claims, or they can't be told apart when they are joined
function auth_rule.owners(r, caller)
  local names, parts = r.identity_claims or { "sub", "username" }, {}
  for i, name in ipairs(names) do
    local value = claimed(caller, name)
    if not value or (i < #names and is_ambiguous(value)) then return {} end
    parts[i] = value
  end
  if #parts < 2 then return parts end
  local owners = { table.concat(parts, SEPARATOR) }
  for _, part in ipairs(parts) do
    if not part:find(SEPARATOR, 1, true) then owners[#owners + 1] = part end
  end
  return owners
end

local function list_of(value)
  if type(value) == "table" then return value end
  if type(value) ~= "string" then return { value } end
  -- A token of another provider may carry its groups as JSON in a text.
  local decoded = value:find("^%s*%[") and core.decode(value, "safe")
  return type(decoded) == "table" and decoded or { value }
end

---The groups that the caller's token names.
---@param r appsync.server.Rule
---@param caller appsync.server.Identity
---@return string[]
function auth_rule.groups(r, caller)
  local groups, name = {}, r.group_claim or "cognito:groups"
  for _, group in ipairs(list_of((caller.claims or {})[name] or caller.groups)) do
    groups[#groups + 1] = name_of(group, name)
  end
  return groups
end

local function intersects(a, b)
  for _, x in ipairs(a) do
    for _, y in ipairs(b) do
      if x == y then return true end
    end
  end
  return false
end

-- The roles of an identity pool; credentials that are of none stand for either.
local IAM_TYPE = { private = "authenticated", public = "unauthenticated" }

local function is_role(r, caller)
  local pool = caller.iam and caller.iam.cognito
  return not pool or pool.type == IAM_TYPE[r.allow]
end

---Whether the rule is for this caller, whatever the record; nil when the record decides.
---@param r appsync.server.Rule
---@param caller appsync.server.Identity
---@return boolean?
function auth_rule.allows(r, caller)
  if r.allow == "anyone" then return true end
  if r.mode ~= caller.mode then return false end
  if r.allow == "groups" and r.groups then return intersects(auth_rule.groups(r, caller), r.groups) end
  if r.allow == "owner" or r.allow == "groups" then return nil end
  return r.mode ~= "AWS_IAM" or is_role(r, caller)
end

---The field that decides, and the caller's values for it.
---@param r appsync.server.Rule an owner rule or one of dynamic groups
---@return string field, string[] values, boolean is_list
function auth_rule.key(r, caller)
  if r.allow == "owner" then return r.owner_field or "owner", auth_rule.owners(r, caller), r.owner_is_list or false end
  return r.groups_field, auth_rule.groups(r, caller), r.groups_is_list or false
end

---Whether a rule holds for a record.
---@param r appsync.server.Rule
---@param caller appsync.server.Identity
---@param item table
---@return boolean
function auth_rule.holds(r, caller, item)
  local verdict = auth_rule.allows(r, caller)
  if verdict ~= nil then return verdict end
  local field, values = auth_rule.key(r, caller)
  local value = item[field]
  if value == nil or value == NULL then return false end
  return intersects(type(value) == "table" and value or { value }, values)
end

local function equals_any(field, values, is_list)
  local out = {}
  for i, value in ipairs(values) do out[i] = { [field] = { [is_list and "contains" or "eq"] = value } } end
  return out
end

---Adds to `filters` what a record must fulfil for the rule to hold; nothing when no record can.
---@param r appsync.server.Rule that is for the caller's mode, with a record to decide
---@param caller appsync.server.Identity
---@param filters table[] alternatives
function auth_rule.add_filters(r, caller, filters)
  local field, values, is_list = auth_rule.key(r, caller)
  if #values == 0 then return end
  if r.allow == "groups" and not is_list then
    filters[#filters + 1] = { [field] = { ["in"] = values } }
    return
  end
  for _, part in ipairs(equals_any(field, values, is_list)) do filters[#filters + 1] = part end
end

---What a client is shown of an owner: the last part, which is the name.
---@param value any the stored text, or a list of them
---@return any
function auth_rule.shown(value)
  if type(value) == "table" then
    local list = setmetatable({}, core.array_mt)
    for i, item in ipairs(value) do list[i] = auth_rule.shown(item) end
    return list
  elseif type(value) ~= "string" then
    return value
  end
  return value:match("^.*::(.*)$") or value
end

return auth_rule
