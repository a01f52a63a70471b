---Access to fields: the @aws_* directives (AppSync Developer Guide, "Configuring authorization and authentication").
---A field's own directives count, else its type's, else the API's default mode; several directives mean any of them.
local directives = require "appsync.schema.directives"
local not_authorized = require "appsync.server.graphql.not_authorized"

local field_auth = {}

---@class appsync.server.AuthModes
---@field default appsync.server.AuthMode
---@field additional table? the other modes that are enabled
---@field is_open boolean? a field that no directive speaks of is for every mode
---@field is_strict boolean? the API's modes are described in full: never `is_open`
---@field denies_by_default boolean? a user pool's default action is DENY
---@field roots table<string, boolean>? the names of the root types

local MODES = { aws_api_key = "API_KEY", aws_iam = "AWS_IAM", aws_oidc = "OPENID_CONNECT", aws_lambda = "AWS_LAMBDA",
  aws_cognito_user_pools = "AMAZON_COGNITO_USER_POOLS" }
local COGNITO = "AMAZON_COGNITO_USER_POOLS"

local function is_member(identity, groups)
  if not groups or #groups == 0 then return true end
  for _, group in ipairs(identity.groups or {}) do
    for _, wanted in ipairs(groups) do
      if group == wanted then return true end
    end
  end
  return false
end

-- What a list of directives says: by mode true, or the groups that it is for; nil when it says nothing about modes.
local function read_modes(list)
  local modes
  for _, directive in ipairs(list) do
    local mode = MODES[directive.name]
    if mode then
      modes = modes or {}
      modes[mode] = mode == COGNITO and directives.strings(directive, "cognito_groups") or true
    end
  end
  return modes
end

-- A schema doesn't change: what its directives say is read once.
local of_list = setmetatable({}, { __mode = "k" })

local function said(list)
  local entry = of_list[list]
  if not entry then
    local aws_auth = directives.find(list, "aws_auth")
    entry = { modes = read_modes(list), groups = aws_auth and directives.strings(aws_auth, "cognito_groups") }
    of_list[list] = entry
  end
  return entry
end

local function is_among(modes, identity)
  local groups = modes[identity.mode]
  if groups == true then return true end
  return groups ~= nil and is_member(identity, groups)
end

local function is_denied(identity, type_name, field_name)
  for _, denied in ipairs(type(identity.denied_fields) == "table" and identity.denied_fields or {}) do
    denied = tostring(denied)
    local in_type, in_field = denied:match("types/([^/]+)/fields/([^/]+)$")
    if not in_type then in_type, in_field = denied:match("^([^.]+)%.(.+)$") end
    if in_type == type_name and in_field == field_name then return true end
  end
  return false
end

---Returns whether a schema says nothing at all about modes. Such a schema is open to every mode that is enabled, unlike on the
---service, where an additional mode could reach nothing then: a local server is more useful so. Where the modes are
---described in full (`--auth`), or where rules of @auth say who may what, it is as on the service.
---@param schema appsync.server.Schema
---@return boolean
function field_auth.is_open(schema)
  local function says(list)
    for _, directive in ipairs(list or {}) do
      if MODES[directive.name] or directive.name == "aws_auth" then return true end
    end
  end
  for _, type_ in ipairs(schema.type_list) do
    if says(type_.directives) then return false end
    for _, field in ipairs(type_.field_list or {}) do
      if says(field.directives) then return false end
    end
  end
  return true
end

local function passes_directives(identity, modes, type_, field)
  local of_field, of_type = said(field.directives), said(type_.directives or {})
  local chosen = of_field.modes or of_type.modes
  local verdict
  if chosen then
    verdict = is_among(chosen, identity)
  else
    verdict = modes.is_open or identity.mode == modes.default
  end
  -- @aws_auth and a pool's default action count only where user pools are the API's one and only mode.
  if not verdict or modes.default ~= COGNITO or next(modes.additional or {}) ~= nil then return verdict end
  if of_field.groups then return is_member(identity, of_field.groups) end
  return chosen ~= nil or not modes.denies_by_default
end

---The modes of a schema's fields.
---@param schema appsync.server.Schema
---@param modes appsync.server.AuthModes? of the API; default: an API key
---@param has_rules boolean? rules of @auth hold in it
---@return appsync.server.AuthModes
function field_auth.modes(schema, modes, has_rules)
  modes = modes or { default = "API_KEY" }
  local roots = {}
  for _, root in ipairs({ "query", "mutation", "subscription" }) do
    if schema[root] then roots[schema[root].name] = true end
  end
  return { default = modes.default, additional = modes.additional, denies_by_default = modes.denies_by_default, roots = roots,
    is_strict = modes.is_strict, is_open = not has_rules and not modes.is_strict and field_auth.is_open(schema) }
end

-- A field that an operation begins with must be allowed by a policy; what lies below is only held back by a deny.
local function passes_policy(policy, modes, type_name, field_name)
  local decision = policy:decision(type_name, field_name)
  return decision == "allow" or (decision == "none" and not (modes.roots or {})[type_name])
end

---Returns whether an identity may select a field.
---@param identity appsync.server.Identity?
---@param modes appsync.server.AuthModes
---@param type_ appsync.server.Type
---@param field appsync.server.Field
---@return boolean
function field_auth.allows(identity, modes, type_, field)
  if not identity or not identity.mode or not field.directives or type_.is_builtin then return true end
  if identity.denied_fields and is_denied(identity, type_.name, field.name) then return false end
  if identity.policy and not passes_policy(identity.policy, modes, type_.name, field.name) then return false end
  return modes.is_open or passes_directives(identity, modes, type_, field)
end

---The error of a denied field.
field_auth.refusal = not_authorized

return field_auth
