---Variables: declared once, of an input type, used, and used where their type fits (rules VariablesAreInputTypes,
---NoUndefinedVariables, NoUnusedVariables, VariableTypesMatch).
local schema = require "appsync.server.graphql.schema"
local validate_values = require "appsync.server.graphql.validate_values"

local validate_variables = {}

local function declare(v, operation)
  local declared = {}
  for _, definition in ipairs(operation.variableDefinitions) do
    local name = definition.variable
    if declared[name] then
      v:add("DuplicateVariableName", ("There can be only one variable named '%s'"):format(name), definition.loc)
    end
    local ref, unknown = schema.resolve(v.schema.types, definition.type)
    declared[name] = { ref = ref, has_default = definition.defaultValue ~= nil, loc = definition.loc }
    if not ref then
      v:add("UnknownType", ("Unknown type %s"):format(unknown.name), unknown.loc)
    elseif not schema.is_input(ref) then
      v:add("NonInputTypeOnVariable", ("Input variable %s type %s is not an input type"):format(name,
        schema.type_text(ref)), definition.loc)
    elseif definition.defaultValue then
      validate_values.check_default(v, definition, ref)
    end
  end
  return declared
end

-- AreTypesCompatible of section 5.8.5.
local function is_compatible(given, wanted)
  if wanted.kind == "NON_NULL" then return given.kind == "NON_NULL" and is_compatible(given.of, wanted.of) end
  if given.kind == "NON_NULL" then return is_compatible(given.of, wanted) end
  if wanted.kind == "LIST" then return given.kind == "LIST" and is_compatible(given.of, wanted.of) end
  return given == wanted
end

local function is_allowed(variable, wanted, has_location_default)
  if wanted.kind == "NON_NULL" and variable.ref.kind ~= "NON_NULL" then
    if not variable.has_default and not has_location_default then return false end
    return is_compatible(variable.ref, wanted.of)
  end
  return is_compatible(variable.ref, wanted)
end

local function use_variable(v, walk, node, wanted, has_default)
  local variable = walk.declared[node.name]
  walk.used[node.name] = true
  if not variable then
    v:add("UndefinedVariable", ("Undefined variable %s"):format(node.name), node.loc)
  elseif wanted and variable.ref and schema.is_input(variable.ref) and not is_allowed(variable, wanted, has_default) then
    v:add("VariableTypeMismatch", ("Variable type '%s' doesn't match expected type '%s'"):format(
      schema.type_text(variable.ref), schema.type_text(wanted)), node.loc)
  end
end

-- `wanted` is nil inside what is unknown: there a variable is only looked up.
local function visit_value(v, walk, node, wanted, has_default)
  v:spend(1)
  if node.kind == "Variable" then
    use_variable(v, walk, node, wanted, has_default)
    return
  end
  local inner = wanted and wanted.kind == "NON_NULL" and wanted.of or wanted
  if node.kind == "ListValue" then
    local item = inner and inner.kind == "LIST" and inner.of or nil
    for _, value in ipairs(node.values) do visit_value(v, walk, value, item, false) end
  elseif node.kind == "ObjectValue" then
    while inner and inner.kind == "LIST" do inner = inner.of.kind == "NON_NULL" and inner.of.of or inner.of end
    for _, field in ipairs(node.fields) do
      local known = inner and inner.kind == "INPUT_OBJECT" and inner.fields[field.name] or nil
      visit_value(v, walk, field.value, known and known.type, known ~= nil and known.default ~= nil)
    end
  end
end

local function visit_arguments(v, walk, node, args)
  for _, argument in ipairs(node.arguments) do
    local arg = args and args[argument.name]
    visit_value(v, walk, argument.value, arg and arg.type, arg ~= nil and arg.default ~= nil)
  end
end

local function visit_directives(v, walk, node)
  v:spend(#node.directives)
  for _, directive in ipairs(node.directives) do
    local known = v.schema.directives[directive.name]
    visit_arguments(v, walk, directive, known and known.args)
  end
end

local visit_selections

local function visit_field(v, walk, node, parent)
  local field = v:field_of(parent, node.name)
  v:enter(node.name)
  visit_directives(v, walk, node)
  visit_arguments(v, walk, node, field and field.args)
  if node.selectionSet then
    visit_selections(v, walk, node.selectionSet, field and schema.named(field.type))
  end
  v:leave()
end

local function visit_spread(v, walk, node)
  local fragment = v.fragments[node.name]
  visit_directives(v, walk, node)
  if not fragment or walk.visited[node.name] then return end
  walk.visited[node.name] = true
  visit_directives(v, walk, fragment)
  visit_selections(v, walk, fragment.selectionSet, v.schema.types[fragment.typeCondition])
end

function visit_selections(v, walk, selections, parent)
  v:spend(#selections)
  for _, node in ipairs(selections) do
    if node.kind == "Field" then
      visit_field(v, walk, node, parent)
    elseif node.kind == "FragmentSpread" then
      visit_spread(v, walk, node)
    else
      visit_directives(v, walk, node)
      local target = node.typeCondition and v.schema.types[node.typeCondition] or parent
      visit_selections(v, walk, node.selectionSet, target)
    end
  end
end

---Checks the variables of one operation, fragments included.
---@param v appsync.server.Validator
---@param operation appsync.ast.OperationDefinition
---@param root appsync.server.Type?
function validate_variables.check(v, operation, root)
  local walk = { declared = declare(v, operation), used = {}, visited = {} }
  visit_directives(v, walk, operation)
  visit_selections(v, walk, operation.selectionSet, root)
  for _, definition in ipairs(operation.variableDefinitions) do
    if not walk.used[definition.variable] then
      v:add("UnusedVariable", ("Unused variable %s"):format(definition.variable), definition.loc)
    end
  end
end

return validate_variables
