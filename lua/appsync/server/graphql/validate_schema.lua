---The rules of a type system that need all of it (GraphQL October 2021, section 3, "Type Validation"; AppSync Developer
---Guide, "Real-time data", for @aws_subscribe).
local coerce = require "appsync.server.graphql.coerce"
local directives = require "appsync.schema.directives"
local schema = require "appsync.server.graphql.schema"

local fail, type_text = directives.fail, schema.type_text

local validate_schema = {}

-- A field may return a narrower type than its interface says.
local function is_subtype(actual, wanted)
  if actual == wanted then return true end
  if wanted.kind == "NON_NULL" then return actual.kind == "NON_NULL" and is_subtype(actual.of, wanted.of) end
  if actual.kind == "NON_NULL" then return is_subtype(actual.of, wanted) end
  if wanted.kind == "LIST" then return actual.kind == "LIST" and is_subtype(actual.of, wanted.of) end
  if actual.kind == "LIST" or not wanted.name then return false end
  if wanted.possible[actual.name] then return true end
  for _, interface in ipairs(actual.interfaces) do
    if interface == wanted then return true end
  end
  return false
end

local function check_interface_args(type_, interface, field, wanted)
  for _, arg in ipairs(wanted.arg_list) do
    local own = field.args[arg.name]
    if not own then
      return fail(field.loc, "field '%s.%s' lacks the argument '%s' of interface '%s'", type_.name, field.name, arg.name,
        interface.name)
    elseif type_text(own.type) ~= type_text(arg.type) then
      return fail(own.loc, "argument '%s' of '%s.%s' is of type '%s', but interface '%s' declares '%s'", arg.name, type_.name, field.name,
        type_text(own.type), interface.name, type_text(arg.type))
    end
  end
  for _, arg in ipairs(field.arg_list) do
    if not wanted.args[arg.name] and arg.type.kind == "NON_NULL" and not arg.default then
      return fail(arg.loc, "argument '%s' of '%s.%s' is required, but interface '%s' doesn't have it", arg.name, type_.name,
        field.name, interface.name)
    end
  end
  return true
end

local function check_interface(type_, interface)
  for _, wanted in ipairs(interface.field_list) do
    local field = type_.fields[wanted.name]
    if not field then
      return fail(type_.loc, "type '%s' lacks the field '%s' of interface '%s'", type_.name, wanted.name, interface.name)
    elseif not is_subtype(field.type, wanted.type) then
      return fail(field.loc, "field '%s.%s' is of type '%s', but interface '%s' declares '%s'", type_.name, field.name,
        type_text(field.type), interface.name, type_text(wanted.type))
    end
    local ok, err = check_interface_args(type_, interface, field, wanted)
    if not ok then return nil, err end
  end
  return true
end

local function check_interfaces(type_)
  local seen = {}
  for _, interface in ipairs(type_.interfaces) do
    if seen[interface] then return fail(type_.loc, "type '%s' implements '%s' twice", type_.name, interface.name) end
    if interface == type_ then return fail(type_.loc, "interface '%s' implements itself", type_.name) end
    seen[interface] = true
  end
  for _, interface in ipairs(type_.interfaces) do
    for _, inherited in ipairs(interface.interfaces) do
      if not seen[inherited] then
        return fail(type_.loc, "type '%s' must implement '%s' as well, because '%s' does", type_.name, inherited.name,
          interface.name)
      end
    end
    local ok, err = check_interface(type_, interface)
    if not ok then return nil, err end
  end
  return true
end

local function check_default(value, owner)
  if not value.default then return true end
  local ok, message = coerce.check_literal(value.type, value.default)
  if ok then return true end
  return fail(value.default.loc, "the default of '%s' in '%s' does not fit '%s': %s", value.name, owner,
    type_text(value.type), message)
end

local function check_defaults(type_)
  for _, field in ipairs(type_.field_list) do
    local values = field.arg_list or { field }
    for _, value in ipairs(values) do
      local ok, err = check_default(value, type_.name)
      if not ok then return nil, err end
    end
  end
  return true
end

local function required_input(field)
  local inner = field.type.kind == "NON_NULL" and field.type.of or nil
  return inner and inner.kind == "INPUT_OBJECT" and inner or nil
end

-- An input object that needs itself could never be written. Each type is entered once for the whole schema (`state`: "open"
-- on the way down, "done" after), without recursion: types can lead to each other deeper than a call stack is.
local function check_input_cycle(type_, state)
  if state[type_] then return true end
  local way = { { type = type_, at = 0 } }
  state[type_] = "open"
  while way[1] do
    local top = way[#way]
    top.at = top.at + 1
    local field = top.type.field_list[top.at]
    local inner = field and required_input(field)
    if not field then
      state[top.type], way[#way] = "done", nil
    elseif inner and state[inner] == "open" then
      for _, step in ipairs(way) do state[step.type] = "done" end
      return fail(field.loc, "input type '%s' requires itself through '%s'", inner.name, field.name)
    elseif inner and not state[inner] then
      state[inner], way[#way + 1] = "open", { type = inner, at = 0 }
    end
  end
  return true
end

local MEMBERS = { OBJECT = "field_list", INTERFACE = "field_list", INPUT_OBJECT = "field_list", ENUM = "value_list",
  UNION = "possible_list" }

local function check_type(type_, state)
  local members = MEMBERS[type_.kind]
  if members and #type_[members] == 0 then return fail(type_.loc, "type '%s' is empty", type_.name) end
  for _, value in ipairs(type_.value_list) do
    if value.name == "true" or value.name == "false" or value.name == "null" then
      return fail(type_.loc, "enum '%s' must not have the value '%s'", type_.name, value.name)
    end
  end
  local ok, err = check_interfaces(type_)
  if ok then ok, err = check_defaults(type_) end
  if ok and type_.kind == "INPUT_OBJECT" then ok, err = check_input_cycle(type_, state) end
  return ok, err
end

local function check_subscription_field(s, field, directive)
  local mutations = directives.strings(directive, "mutations")
  if #mutations == 0 then return fail(directive.loc, "@aws_subscribe of '%s' names no mutation", field.name) end
  for _, name in ipairs(mutations) do
    local mutation = s.mutation and s.mutation.fields[name]
    if not mutation then
      return fail(directive.loc, "@aws_subscribe of '%s' names the mutation '%s', which does not exist", field.name, name)
    end
    -- Whether null may be in it is each one's own.
    local own, theirs = type_text(field.type):gsub("!", ""), type_text(mutation.type):gsub("!", "")
    if own ~= theirs then
      return fail(field.loc, "subscription '%s' returns '%s', but its mutation '%s' returns '%s'", field.name, own, name, theirs)
    end
  end
  s.subscribe[field.name] = mutations
  return true
end

local function check_subscribe(s)
  for _, type_ in ipairs(s.type_list) do
    for _, field in ipairs(type_.field_list) do
      local directive = field.directives and directives.find(field.directives, "aws_subscribe")
      if directive and type_ ~= s.subscription then
        return fail(directive.loc, "@aws_subscribe is only for fields of the subscription type")
      elseif directive then
        local ok, err = check_subscription_field(s, field, directive)
        if not ok then return nil, err end
      end
    end
  end
  return true
end

---Checks a built type system and fills `schema.subscribe`.
---@param s appsync.server.Schema
---@return true? ok, appsync.server.SchemaError? err
function validate_schema.check(s)
  local state = {}
  local ok, err = directives.each(s.type_list, function(type_)
    if type_.is_builtin then return true end
    return check_type(type_, state)
  end)
  if not ok then return nil, err end
  return check_subscribe(s)
end

return validate_schema
