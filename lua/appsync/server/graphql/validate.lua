---Validation of executable documents (GraphQL October 2021, section 5), with the error types and the wording of
---graphql-java, which AppSync's answers carry.
local schema = require "appsync.server.graphql.schema"
local validate_overlap = require "appsync.server.graphql.validate_overlap"
local validate_values = require "appsync.server.graphql.validate_values"
local validate_variables = require "appsync.server.graphql.validate_variables"

local validate = {}

-- Nobody reads more; messages may quote names and values as long as the document.
local MAX_ERRORS, MAX_MESSAGE_BYTES = 100, 100000

-- Fragments multiply: each operation is walked with those that it reaches, and one selection set may be collected together
-- with many others. A document may cost so many selections and values, far more than its tokens without fragments.
local MAX_WALKED = 200000

-- What ends a validation early.
local STOPPED = {}

---@class appsync.server.Validator
---@field schema appsync.server.Schema
---@field fragments table<string, appsync.ast.FragmentDefinition>
---@field errors {message: string, locs: appsync.ast.Loc[]}[]
---@field path string[]
---@field n_bytes integer of the messages
---@field n_walked integer selections and values that were looked at for the operations' sake
---@field operation appsync.ast.OperationDefinition? the one that they are looked at for
---@field overlapping table<appsync.server.Type, table<appsync.server.Type, boolean>>
---@field overlap appsync.server.OverlapState?
local Validator = {}
Validator.__index = Validator

---Records an error at the current path. Throws when there are as many as anybody reads.
---@param error_type string
---@param description string
---@param loc appsync.ast.Loc
---@param other? appsync.ast.Loc
function Validator:add(error_type, description, loc, other)
  local at = #self.path > 0 and (" @ '%s'"):format(table.concat(self.path, "/")) or ""
  local message = ("Validation error of type %s: %s%s"):format(error_type, description, at)
  self.errors[#self.errors + 1] = { message = message, locs = { loc, other } }
  self.n_bytes = self.n_bytes + #message
  if #self.errors >= MAX_ERRORS or self.n_bytes > MAX_MESSAGE_BYTES then error(STOPPED, 0) end
end

---Counts what is looked at for an operation's sake. Throws when the document costs too much, which is an error of it.
---@param n integer
function Validator:spend(n)
  self.n_walked = self.n_walked + n
  if self.n_walked <= MAX_WALKED then return end
  self.path = {}
  self:add("MaximumComplexity", "The operations of the document have too many fields", self.operation.loc)
  error(STOPPED, 0)
end

function Validator:enter(name)
  self.path[#self.path + 1] = name
end

function Validator:leave()
  self.path[#self.path] = nil
end

local TYPENAME = { name = "__typename", args = {}, arg_list = {} }

---The definition of a field, the introspection fields included; nil when there is none.
---@param parent appsync.server.Type?
---@param name string
---@return appsync.server.Field?
function Validator:field_of(parent, name)
  if not parent then return nil end
  if name == "__typename" then
    TYPENAME.type = self.schema.typename_type
    return schema.is_composite(parent) and TYPENAME or nil
  end
  if parent == self.schema.query and self.schema.meta_fields[name] then return self.schema.meta_fields[name] end
  return parent.kind ~= "INPUT_OBJECT" and parent.fields[name] or nil
end

local LOCATIONS = { query = "QUERY", mutation = "MUTATION", subscription = "SUBSCRIPTION", Field = "FIELD",
  FragmentSpread = "FRAGMENT_SPREAD", InlineFragment = "INLINE_FRAGMENT", FragmentDefinition = "FRAGMENT_DEFINITION" }

local function allows(directive, location)
  for _, allowed in ipairs(directive.locations) do
    if allowed == location then return true end
  end
  return false
end

local function check_directives(v, node)
  local seen = {}
  for _, directive in ipairs(node.directives) do
    local name = directive.name
    local known = v.schema.directives[name]
    if not known then
      v:add("UnknownDirective", ("Unknown directive %s"):format(name), directive.loc)
    else
      if not allows(known, LOCATIONS[node.operation or node.kind]) then
        v:add("MisplacedDirective", ("Directive %s not allowed here"):format(name), directive.loc)
      elseif seen[name] and not known.is_repeatable then
        v:add("DuplicateDirectiveName", ("Directives must be uniquely named within a location. The directive '%s' used "
          .. "on a '%s' is not unique."):format(name, node.kind), directive.loc)
      end
      validate_values.check_arguments(v, known, directive, "directive")
    end
    seen[name] = true
  end
end

local check_selections

local function check_subselection(v, node, field)
  local named = schema.named(field.type)
  if schema.is_composite(named) then
    if node.selectionSet then
      check_selections(v, named, node.selectionSet)
    else
      v:add("SubSelectionRequired", ("Sub selection required for type %s of field %s"):format(
        schema.type_text(field.type), node.name), node.loc)
    end
  elseif node.selectionSet then
    v:add("SubSelectionNotAllowed", ("Sub selection not allowed on leaf type %s of field %s"):format(
      schema.type_text(field.type), node.name), node.loc)
  end
end

local function check_field(v, parent, node)
  local field = v:field_of(parent, node.name)
  v:enter(node.name)
  check_directives(v, node)
  if not field then
    v:add("FieldUndefined", ("Field '%s' in type '%s' is undefined"):format(node.name, parent.name), node.loc)
  else
    validate_values.check_arguments(v, field, node, "field")
    check_subselection(v, node, field)
  end
  v:leave()
end

local function have_common_type(a, b)
  for name in pairs(a.possible) do
    if b.possible[name] then return true end
  end
  return false
end

-- Two large unions are compared once, however often the document asks.
local function overlaps(v, a, b)
  if a == b or schema.is_possible(a, b.name) or schema.is_possible(b, a.name) then return true end
  local known = v.overlapping[a] or {}
  v.overlapping[a] = known
  if known[b] == nil then known[b] = have_common_type(a, b) end
  return known[b]
end

local function check_spread(v, parent, node)
  check_directives(v, node)
  local fragment = v.fragments[node.name]
  if not fragment then
    v:add("UndefinedFragment", ("Undefined fragment %s"):format(node.name), node.loc)
    return
  end
  v.used[node.name] = true
  local target = v.schema.types[fragment.typeCondition]
  if target and schema.is_composite(target) and not overlaps(v, parent, target) then
    v:add("InvalidFragmentType", ("Fragment %s cannot be spread here as objects of type %s can never be of type %s")
      :format(node.name, parent.name, target.name), node.loc)
  end
end

local function check_inline(v, parent, node)
  check_directives(v, node)
  local target = parent
  if node.typeCondition then
    target = v.schema.types[node.typeCondition]
    if not target then
      v:add("UnknownType", ("Unknown type %s"):format(node.typeCondition), node.loc)
      return
    elseif not schema.is_composite(target) then
      v:add("InlineFragmentTypeConditionInvalid",
        "Inline fragment type condition is invalid, must be on Object/Interface/Union", node.loc)
      return
    elseif not overlaps(v, parent, target) then
      v:add("InvalidFragmentType", ("Fragment cannot be spread here as objects of type %s can never be of type %s")
        :format(parent.name, target.name), node.loc)
    end
  end
  check_selections(v, target, node.selectionSet)
end

function check_selections(v, parent, selections)
  for _, node in ipairs(selections) do
    if node.kind == "Field" then
      check_field(v, parent, node)
    elseif node.kind == "FragmentSpread" then
      check_spread(v, parent, node)
    else
      check_inline(v, parent, node)
    end
  end
end

-- Fields of the root after fragments, for the single root of a subscription.
local function root_names(v, selections, out, visited)
  v:spend(#selections)
  for _, node in ipairs(selections) do
    if node.kind == "Field" then
      out[node.alias or node.name] = node
    elseif node.kind == "InlineFragment" then
      root_names(v, node.selectionSet, out, visited)
    elseif v.fragments[node.name] and not visited[node.name] then
      visited[node.name] = true
      root_names(v, v.fragments[node.name].selectionSet, out, visited)
    end
  end
  return out
end

local function check_single_root(v, operation)
  local names = root_names(v, operation.selectionSet, {}, {})
  local first = next(names)
  if first and next(names, first) then
    v:add("SubscriptionMultipleRootFields", ("Subscription operation '%s' must have exactly one root field"):format(
      operation.name or ""), operation.loc)
  elseif first and names[first].name:sub(1, 2) == "__" then
    v:add("SubscriptionIntrospectionRootField", ("Subscription operation '%s' root field '%s' cannot be an introspection "
      .. "field"):format(operation.name or "", names[first].name), operation.loc)
  end
end

local function check_operation(v, operation)
  local root = v.schema[operation.operation]
  check_directives(v, operation)
  if not root then
    v:add("UnknownType", ("Schema is not configured for %s operations"):format(operation.operation), operation.loc)
    return
  end
  v.operation = operation
  check_selections(v, root, operation.selectionSet)
  if operation.operation == "subscription" then check_single_root(v, operation) end
end

local function check_fragment(v, fragment)
  local target = v.schema.types[fragment.typeCondition]
  check_directives(v, fragment)
  if not target then
    v:add("UnknownType", ("Unknown type %s"):format(fragment.typeCondition), fragment.loc)
  elseif not schema.is_composite(target) then
    v:add("FragmentTypeConditionInvalid", "Fragment type condition is invalid, must be on Object/Interface/Union",
      fragment.loc)
  else
    v:enter(fragment.name)
    check_selections(v, target, fragment.selectionSet)
    v:leave()
  end
end

local function spreads_of(selections, out)
  for _, node in ipairs(selections) do
    if node.kind == "FragmentSpread" then
      out[#out + 1] = node.name
    elseif node.selectionSet then
      spreads_of(node.selectionSet, out)
    end
  end
  return out
end

-- Whether a fragment reaches itself; `state` is "open" on the way down and "done" after.
local function has_cycle(v, fragment, state)
  state[fragment.name] = "open"
  for _, name in ipairs(spreads_of(fragment.selectionSet, {})) do
    local inner = v.fragments[name]
    if inner and state[name] == "open" then return true end
    if inner and not state[name] and has_cycle(v, inner, state) then return true end
  end
  state[fragment.name] = "done"
  return false
end

local function check_names(v, operations, fragments)
  local seen = {}
  for _, operation in ipairs(operations) do
    if not operation.name and #operations > 1 then
      v:add("LoneAnonymousOperationViolation", "Anonymous operation with other operations.", operation.loc)
    elseif operation.name and seen[operation.name] then
      v:add("DuplicateOperationName", ("There can be only one operation named '%s'"):format(operation.name),
        operation.loc)
    end
    seen[operation.name or ""] = true
  end
  for _, fragment in ipairs(fragments) do
    if v.fragments[fragment.name] then
      v:add("DuplicateFragmentName", ("There can be only one fragment named '%s'"):format(fragment.name), fragment.loc)
    else
      v.fragments[fragment.name] = fragment
    end
  end
end

local function check_cycles(v, fragments)
  local state = {}
  for _, fragment in ipairs(fragments) do
    if not state[fragment.name] and has_cycle(v, fragment, state) then
      v:add("FragmentCycle", "Fragment cycles not allowed", fragment.loc)
      return false
    end
  end
  return true
end

local function split(v, document)
  local operations, fragments = {}, {}
  for _, definition in ipairs(document.definitions) do
    if definition.kind == "OperationDefinition" then
      operations[#operations + 1] = definition
    elseif definition.kind == "FragmentDefinition" then
      fragments[#fragments + 1] = definition
    else
      v:add("NonExecutableDefinition", ("The %s definition is not executable."):format(definition.name or "schema"),
        definition.loc)
    end
  end
  return operations, fragments
end

local function check_document(v, document)
  local operations, fragments = split(v, document)
  check_names(v, operations, fragments)
  for _, operation in ipairs(operations) do check_operation(v, operation) end
  for _, fragment in ipairs(fragments) do check_fragment(v, fragment) end
  for _, fragment in ipairs(fragments) do
    if not v.used[fragment.name] then
      v:add("UnusedFragment", ("Unused fragment %s"):format(fragment.name), fragment.loc)
    end
  end
  if not check_cycles(v, fragments) then return end
  for _, operation in ipairs(operations) do
    v.operation = operation
    validate_variables.check(v, operation, v.schema[operation.operation])
    validate_overlap.check(v, operation, v.schema[operation.operation])
  end
end

---Validates a document.
---@param s appsync.server.Schema
---@param document appsync.ast.Document
---@return {message: string, locs: appsync.ast.Loc[]}[] errors none: valid
function validate.document(s, document)
  local v = setmetatable({ schema = s, fragments = {}, errors = {}, n_bytes = 0, path = {}, used = {}, n_walked = 0,
    overlapping = {} }, Validator)
  local ok, thrown = pcall(check_document, v, document)
  if not ok and thrown ~= STOPPED then error(thrown, 0) end
  return v.errors
end

return validate
