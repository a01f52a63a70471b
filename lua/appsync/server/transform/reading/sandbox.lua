---Amplify's sandbox switch, `input AMPLIFY { globalAuthRule: AuthRule = { allow: public } }`: models without rules are open
---to API keys (Amplify documentation, "Global authorization rule (only for getting started)").
local directives = require "appsync.server.graphql.directives"

local fail = directives.fail

local sandbox = {}

local function is_public(node)
  local rule = node.fields[1]
  local value = #node.fields == 1 and rule.name == "globalAuthRule" and rule.defaultValue
  local allow = value and value.kind == "ObjectValue" and #value.fields == 1 and value.fields[1]
  return allow and allow.name == "allow" and allow.value.value == "public"
end

---Takes the switch out of a document. Any other rule in it would have to be enforced, so it's refused.
---@param document appsync.ast.Document
---@return boolean? is_sandbox, appsync.server.SchemaError? err
function sandbox.take(document)
  for i, node in ipairs(document.definitions) do
    if node.kind == "InputObjectTypeDefinition" and node.name:upper() == "AMPLIFY" then
      if not is_public(node) then
        return fail(node.loc, "input %s: only 'globalAuthRule: AuthRule = { allow: public }' is accepted", node.name)
      end
      table.remove(document.definitions, i)
      return true
    end
  end
  return false
end

return sandbox
