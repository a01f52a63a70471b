---What Amplify refuses in a rule of @auth: of what a rule says besides, only what its strategy reads counts (Amplify
---documentation, "Customize authorization rules"; Amplify CLI documentation, "Setup authorization rules").
local directive_arguments = require "appsync.schema.directive_arguments"
local directives = require "appsync.schema.directives"

local fail = directives.fail

local rule_checks = {}

---An argument that is a text, nil where it's empty: Amplify takes that for absent.
---@param value any
---@return string?
function rule_checks.text(value)
  value = directive_arguments.given(value)
  if value == "" then return nil end
  return value
end

local given, text = directive_arguments.given, rule_checks.text

local FIRST_OPERATIONS = { create = true, update = true, delete = true, read = true }
local SECOND_PROVIDERS = { identityPool = true, ["function"] = true }

local function check_first_version(values, loc, is_field)
  for _, name in ipairs(given(values.operations) or {}) do
    if not FIRST_OPERATIONS[name] then
      return fail(loc, "@auth has the operation '%s', which Amplify's first transformer doesn't know: it has create, update, "
        .. "delete, read", name)
    end
  end
  if is_field and (given(values.queries) or given(values.mutations)) then
    return fail(loc, "@auth on a field cannot have 'queries' or 'mutations': use 'operations'")
  elseif text(values.identityField) and text(values.identityClaim) then
    return fail(loc, "@auth: a rule has 'identityClaim' or 'identityField', not both")
  elseif values.allow == "custom" or SECOND_PROVIDERS[given(values.provider) or ""] then
    return fail(loc, "@auth: '%s' is not known to Amplify's first transformer",
      values.allow == "custom" and "allow: custom" or "provider: " .. values.provider)
  end
  return true
end

local IS_IAM = { iam = true, identityPool = true }

-- The second version makes a role of each group, whatever the strategy: no role of none, one that IAM knows nobody of, and of
-- owners one whose field has the group's name.
local function is_misled(values, groups)
  if values.allow == "groups" then return false end
  return values.allow == "owner" or #groups == 0 or IS_IAM[given(values.provider) or ""] or false
end

local function check_groups(version, values, loc)
  local groups = given(values.groups)
  if groups and text(values.groupsField) then
    return fail(loc, "@auth: a rule has 'groups' or 'groupsField', not both")
  elseif groups and version == 2 and is_misled(values, groups) then
    return fail(loc, "@auth: 'groups' is for 'allow: groups', not for 'allow: %s'", values.allow)
  elseif values.allow ~= "groups" or version == 1 then
    return true
  elseif not groups and not text(values.groupsField) then
    return fail(loc, "@auth: 'allow: groups' needs 'groups' or 'groupsField'")
  elseif groups and #groups == 0 then
    return fail(loc, "@auth: 'groups' is empty, so nobody could be in them")
  end
  return true
end

-- Strategies that would look at the wrong claim. Any other argument that a strategy doesn't read is nothing to it.
local CLAIMS = {
  { allow = "groups", name = "identityClaim", of = "owner" }, { allow = "groups", name = "identityField", of = "owner" },
  { allow = "owner", name = "groupClaim", of = "groups" },
}

---Checks the arguments of one rule.
---@param version 1|2 of the transformer
---@param values table as `directive_arguments` reads them
---@param loc appsync.ast.Loc
---@param is_field boolean? the rule is a field's
---@return true? ok, appsync.server.SchemaError? err
function rule_checks.check(version, values, loc, is_field)
  if version == 1 then
    local ok, err = check_first_version(values, loc, is_field)
    if not ok then return nil, err end
  end
  for _, claim in ipairs(CLAIMS) do
    if values.allow == claim.allow and text(values[claim.name]) then
      return fail(loc, "@auth: '%s' is for 'allow: %s', not for 'allow: %s'", claim.name, claim.of, claim.allow)
    end
  end
  return check_groups(version, values, loc)
end

return rule_checks
