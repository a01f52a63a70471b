---Which subscriptions get the same bytes of one mutation's result: those of one operation, of identities that may see the
---same, whose variables include and skip the same fields. Arguments inside the selection don't matter: no resolver runs.
local result = require "appsync.server.graphql.result"

local weak = { __mode = "k" }
local numbers, variables_of = setmetatable({}, weak), setmetatable({}, weak)
local last_number, n_unshared = 0, 0

local function number_of(operation)
  local number = numbers[operation]
  if not number then
    last_number = last_number + 1
    number = last_number
    numbers[operation] = number
  end
  return number
end

local function add_variables(nodes, fragments, names, visited)
  for _, node in ipairs(nodes or {}) do
    for _, directive in ipairs(node.directives or {}) do
      for _, argument in ipairs(directive.arguments) do
        if argument.value.kind == "Variable" then names[argument.value.name] = true end
      end
    end
    local fragment = node.kind == "FragmentSpread" and fragments[node.name]
    if not fragment then
      add_variables(node.selectionSet, fragments, names, visited)
    elseif not visited[fragment] then
      visited[fragment] = true
      add_variables(fragment.selectionSet, fragments, names, visited)
    end
  end
end

local function variable_names(operation, fragments)
  local names = variables_of[operation]
  if not names then
    names = {}
    add_variables(operation.selectionSet, fragments, names, {})
    variables_of[operation] = names
  end
  return names
end

-- What says who somebody is, but not what they may see. An access key stands for its policy.
local PERSONAL = { claims = true, sub = true, username = true, resolver_context = true, iam = true, policy = true, source_ip = true }

---@param x appsync.server.Execution
---@param operation appsync.ast.OperationDefinition
---@return string
local function render_key(x, operation)
  local parts = { variables = {}, identity = {} }
  for name in pairs(variable_names(operation, x.fragments)) do parts.variables[name] = x.variables[name] end
  for name, value in pairs(x.identity or {}) do
    if not PERSONAL[name] then parts.identity[name] = value end
  end
  local ok, text = pcall(result.sorted, parts)
  if ok then return ("%d %s"):format(number_of(operation), text) end
  -- What can't be written down is shared with nobody.
  n_unshared = n_unshared + 1
  return ("%d alone %d"):format(number_of(operation), n_unshared)
end

return render_key
