--- Who may see a field: the @aws_* directives (AppSync Developer Guide, "Configuring authorization and authentication").
--- A field's own directives count, else its type's, else the API's default mode; several directives mean any of them.
local directives = require("appsync.server.graphql.directives")

local field_auth = {}

---@class appsync.server.Identity
---@field mode string? "API_KEY", "AWS_IAM", "AMAZON_COGNITO_USER_POOLS", "OPENID_CONNECT", "AWS_LAMBDA"; nil: everything is allowed
---@field sub string?
---@field username string?
---@field groups string[]?
---@field claims table?
---@field resolver_context table?
---@field denied_fields string[]? "Type.field" or a field's ARN

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

-- nil: the list says nothing about modes.
local function decide(list, identity)
  local verdict
  for _, directive in ipairs(list) do
    local mode = MODES[directive.name]
    if mode then
      verdict = verdict or false
      if mode == identity.mode and (mode ~= COGNITO or is_member(identity, directives.strings(directive, "cognito_groups"))) then
        return true
      end
    end
  end
  return verdict
end

--- @aws_auth counts only where Cognito user pools are the API's one and only mode.
local function passes_aws_auth(list, identity, modes)
  if modes.default ~= COGNITO or next(modes.additional or {}) ~= nil then return true end
  local directive = directives.find(list, "aws_auth")
  return not directive or is_member(identity, directives.strings(directive, "cognito_groups"))
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

--- Whether a schema says nothing at all about modes. Such a schema is open to every mode that is enabled, unlike on the
--- service, where an additional mode could reach nothing then: a local server is more useful so.
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

--- Whether an identity may select a field.
---@param identity appsync.server.Identity?
---@param modes {default: string, additional: table?, is_open: boolean?}
---@param type_ appsync.server.Type
---@param field appsync.server.Field
---@return boolean
function field_auth.allows(identity, modes, type_, field)
  if not identity or not identity.mode or not field.directives or type_.is_builtin then return true end
  if is_denied(identity, type_.name, field.name) then return false end
  local verdict = decide(field.directives, identity)
  if verdict == nil then verdict = decide(type_.directives, identity) end
  if verdict == nil then verdict = modes.is_open or identity.mode == modes.default end
  return verdict and passes_aws_auth(field.directives, identity, modes)
end

--- The error of a denied field.
---@return {message: string, type: string}
function field_auth.refusal(type_name, field_name)
  return { message = ("Not Authorized to access %s on type %s"):format(field_name, type_name), type = "Unauthorized" }
end

return field_auth
