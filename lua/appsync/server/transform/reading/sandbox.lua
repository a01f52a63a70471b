---Amplify's sandbox switch, `input AMPLIFY { globalAuthRule: AuthRule = { allow: public } }`: models without rules are open
---to API keys (Amplify documentation, "Global authorization rule (only for getting started)").
local directives = require "appsync.schema.directives"

local fail = directives.fail

local sandbox = {}

-- Both names that the switch has had, and those of its type.
local NAMES = { globalAuthRule = true, global_auth_rule = true }
local TYPES = { AuthRule = true, AuthorizationRule = true }

-- What stands behind `allow: public` counts for nothing: such a sandbox is as open as any.
local function is_public(rule)
  local value = rule.defaultValue
  local allow = value and value.kind == "ObjectValue" and value.fields[1]
  return TYPES[rule.type.name or ""] and allow and allow.name == "allow" and allow.value.value == "public"
end

local function find_rule(node)
  for _, field in ipairs(node.fields) do
    if NAMES[field.name] then return field end
  end
  return nil
end

---Takes the switch out of a document. Any other rule in it would have to be enforced, so it's refused.
---@param document appsync.ast.Document
---@return boolean? is_sandbox, appsync.server.SchemaError? err
function sandbox.take(document)
  for i, node in ipairs(document.definitions) do
    if node.kind == "InputObjectTypeDefinition" and node.name:upper() == "AMPLIFY" then
      local rule = find_rule(node)
      if rule and not is_public(rule) then
        return fail(node.loc, "input %s: only 'globalAuthRule: AuthRule = { allow: public }' is accepted", node.name)
      end
      table.remove(document.definitions, i)
      return rule ~= nil
    end
  end
  return false
end

return sandbox
