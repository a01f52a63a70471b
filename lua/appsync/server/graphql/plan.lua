---What an operation means for a schema, worked out once for each prepared document: the fields of each selection set with
---their definitions, resolvers, arguments and ways to complete a value. A plan holds for one answer to all of the
---operation's @skip and @include; it grows where the execution goes.
local coerce = require "appsync.server.graphql.coerce"
local core = require "appsync.core"
local leaves = require "appsync.server.graphql.leaves"
local schema = require "appsync.server.graphql.schema"
local selection = require "appsync.server.graphql.selection"

local plan = {}

-- A plan grows with the places in an answer, and a hostile document has very many: beyond these, a selection is planned
-- for one use and forgotten. Likewise answers to @skip and @include.
plan.max_fields = 5000
plan.max_variants = 8

---@class appsync.server.Plan
---@field root appsync.server.PlannedSelection
---@field n_fields integer planned and kept
---@field by_node table<table, table<appsync.server.Type, appsync.server.PlannedSelection>>
---@field verdicts {of_key: table<table, boolean>, of_all: table} of the gate, for those who are nobody else
---  than the bearer of an API key, and for no identity at all

---The fields of one object type, in order.
---@class appsync.server.PlannedSelection
---@field [integer] appsync.server.PlannedField
---@field n integer
---@field is_plain boolean leaves without resolvers or rules: the text depends on the value and the gate alone
---@field texts table<table, string>? see `shared`
---@field texts_of table?

---@class appsync.server.PlannedField
---@field key string response name
---@field key_text string '"key":', with the comma before it
---@field n_steps integer what the field counts as, without its value
---@field name string
---@field type appsync.server.Type the parent
---@field field appsync.server.Field
---@field nodes appsync.ast.Field[]
---@field typename_text string? of __typename
---@field resolver function?
---@field is_builtin boolean?
---@field is_guarded boolean?
---@field arguments appsync.server.PlannedArguments?
---@field completion appsync.server.Completion
---@field selections table<appsync.server.Type, appsync.server.PlannedSelection>

---How a value of a type becomes text.
---@class appsync.server.Completion
---@field kind "leaf"|"list"|"object"
---@field is_required boolean
---@field type appsync.server.Type without NON_NULL
---@field of appsync.server.Completion? a list's items
---@field text (fun(value: any): string?, string?)? a leaf's

local function new_completion(ref)
  if ref.kind == "NON_NULL" then
    local inner = new_completion(ref.of)
    inner.is_required = true
    return inner
  elseif ref.kind == "LIST" then
    return { kind = "list", is_required = false, type = ref, of = new_completion(ref.of) }
  elseif schema.is_composite(ref) then
    return { kind = "object", is_required = false, type = ref }
  end
  return { kind = "leaf", is_required = false, type = ref, text = leaves.text_of(ref) }
end

local function completion_of(field)
  -- Kept by the definition itself: it leads back to there, which a weak table would not survive on Lua 5.1.
  field.completion = field.completion or new_completion(field.type)
  return field.completion
end

local function find_resolver(x, type_, name)
  for _, source in ipairs(x.resolvers) do
    local of_type = source[type_.name]
    local found = of_type and of_type[name]
    if found then return found, source.is_builtin end
  end
  if type_ == x.schema.query then return x.schema.meta_resolvers[name], true end
  return nil
end

local function new_field(x, type_, group, is_first)
  local node = group.nodes[1]
  local planned = {
    n_steps = 1 + selection.steps_of(group.key_text),
    key = group.key, key_text = is_first and group.key_text or "," .. group.key_text, name = node.name, type = type_,
    nodes = group.nodes, selections = {},
  }
  if node.name == "__typename" then
    planned.typename_text = core.encode(type_.name)
    return planned
  end
  local field = type_.fields[node.name] or x.schema.meta_fields[node.name]
  planned.field, planned.completion = field, completion_of(field)
  planned.resolver, planned.is_builtin = find_resolver(x, type_, node.name)
  planned.is_guarded = x.guard ~= nil and x.guard.has_field ~= nil and x.guard:has_field(type_.name, node.name)
  planned.arguments = coerce.plan_arguments(field.arg_list, node.arguments)
  return planned
end

local function new_selection(x, type_, parents)
  local groups = selection.collect(x, type_, parents)
  local planned = { n = #groups, is_plain = true }
  for i, group in ipairs(groups) do
    local field = new_field(x, type_, group, i == 1)
    planned[i] = field
    if not field.typename_text and (field.completion.kind ~= "leaf" or field.resolver or field.is_guarded) then
      planned.is_plain = false
    end
  end
  return planned
end

-- A field's selection alone depends on the field; what several fields of one name select together, on where they stand.
local function shared_place(p, field)
  if #field.nodes > 1 then return field.selections end
  local node = field.nodes[1]
  local place = p.by_node[node]
  if not place then
    place = {}
    p.by_node[node] = place
  end
  return place
end

---The selection of a field for an object type.
---@param x appsync.server.Execution
---@param field appsync.server.PlannedField
---@param type_ appsync.server.Type
---@return appsync.server.PlannedSelection
function plan.selection(x, field, type_)
  local found = field.selections[type_]
  if found then return found end
  local p = x.plan
  local place = shared_place(p, field)
  found = place[type_]
  if not found then
    found = new_selection(x, type_, field.nodes)
    if p.n_fields + found.n > plan.max_fields then return found end
    p.n_fields = p.n_fields + found.n
    place[type_] = found
  end
  field.selections[type_] = found
  return found
end

local function add_conditions(nodes, names)
  for _, node in ipairs(nodes or {}) do
    for _, directive in ipairs(node.directives) do
      local argument = directive.arguments[1]
      local value = (directive.name == "skip" or directive.name == "include") and argument and argument.value
      if value and value.kind == "Variable" and not names[value.name] then
        names[value.name], names[#names + 1] = true, value.name
      end
    end
    add_conditions(node.selectionSet, names)
  end
end

-- The variables that decide what is selected.
local function condition_names(x, operation)
  local names = {}
  add_conditions(operation.selectionSet, names)
  for _, fragment in pairs(x.fragments) do add_conditions(fragment.selectionSet, names) end
  table.sort(names)
  return names
end

local function answers(names, variables)
  if #names == 0 then return "" end
  local parts = {}
  for i, name in ipairs(names) do parts[i] = variables[name] == true and "t" or "f" end
  return table.concat(parts)
end

local function new_plan(x, operation)
  local p = { n_fields = 0, by_node = {}, verdicts = { of_key = {}, of_all = {} } }
  p.root = new_selection(x, x.schema[operation.operation], { operation })
  p.n_fields = p.root.n
  return p
end

---The plan of an operation, kept in `x.plans`.
---@param x appsync.server.Execution
---@param operation appsync.ast.OperationDefinition
---@return appsync.server.Plan
function plan.of(x, operation)
  local kept = x.plans[operation]
  if not kept then
    kept = { names = condition_names(x, operation), n = 0, variants = {} }
    x.plans[operation] = kept
  end
  local key = answers(kept.names, x.variables)
  local found = kept.variants[key]
  if found then return found end
  found = new_plan(x, operation)
  if kept.n >= plan.max_variants then kept.variants, kept.n = {}, 0 end
  kept.variants[key], kept.n = found, kept.n + 1
  return found
end

return plan
