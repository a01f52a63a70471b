---The effect of @auth rules on the modes of an API: the @aws_* directives of types and operations, the owner fields and
---the owner arguments of subscriptions (Amplify documentation, "Customize authorization rules"; AppSync Developer Guide,
---"Configuring authorization and authentication").
local auth_directive = require "appsync.server.transform.reading.auth_directive"
local directives = require "appsync.schema.directives"
local roots = require "appsync.server.transform.generating.roots"
local search = require "appsync.server.transform.generating.search"
local sdl_nodes = require "appsync.schema.sdl_nodes"

local fail = directives.fail

---@class appsync.server.Role
---@field name string
---@field mode appsync.server.AuthMode
---@field rule appsync.server.Rule the first that speaks of it
---@field allowed table<string, table<string, true>> `allowed[field][operation]`, of declared fields
---@field may table<string, boolean> operations on the model as a whole: some of its fields; all of them for delete

local access = {}

local DIRECTIVES = {
  { mode = "API_KEY", name = "aws_api_key" }, { mode = "AWS_IAM", name = "aws_iam" },
  { mode = "OPENID_CONNECT", name = "aws_oidc" }, { mode = "AMAZON_COGNITO_USER_POOLS", name = "aws_cognito_user_pools" },
  { mode = "AWS_LAMBDA", name = "aws_lambda" },
}

local OPERATIONS = { "get", "list", "sync", "create", "update", "delete", "listen", "search" }
local ALL_OPERATIONS = { "index", "get", "list", "sync", "create", "update", "delete", "listen", "search" }

---Adds names to a list that is a set, too.
---@param found table
---@param list string[]
---@return string[] fresh those that weren't there
function access.add_new(found, list)
  local fresh = {}
  for _, name in ipairs(list) do
    if not found[name] then
      found[name] = true
      table.insert(found, name)
      fresh[#fresh + 1] = name
    end
  end
  return fresh
end

local add_new = access.add_new

local function add_role(roles, name, rule)
  local role = roles[name]
  if not role then
    role = { name = name, rule = rule, mode = rule.mode, allowed = {} }
    roles[name] = role
    table.insert(roles, role)
  end
  return role
end

-- Who may do what with which declared field.
local function read_roles(m)
  local roles = {}
  for _, rule in ipairs(m.rules or {}) do
    for _, name in ipairs(auth_directive.role_names(rule)) do
      local role = add_role(roles, name, rule)
      for _, field in ipairs(m.fields) do
        if field.is_declared then
          local allowed = role.allowed[field.name] or {}
          for operation in pairs(rule.operations) do allowed[operation] = true end
          role.allowed[field.name] = allowed
        end
      end
    end
  end
  for _, field in ipairs(m.fields) do
    local list = m.field_rules[field.name]
    for _, role in ipairs(list and roles or {}) do role.allowed[field.name] = nil end
    for _, rule in ipairs(list or {}) do
      for _, name in ipairs(auth_directive.role_names(rule)) do add_role(roles, name, rule).allowed[field.name] = rule.operations end
    end
  end
  return roles
end

-- Deleting needs all fields, everything else one.
local function sum_up(m, roles)
  local n_declared = 0
  for _, field in ipairs(m.fields) do
    if field.is_declared then n_declared = n_declared + 1 end
  end
  for _, role in ipairs(roles) do
    local counts = {}
    for _, operations in pairs(role.allowed) do
      for operation in pairs(operations) do counts[operation] = (counts[operation] or 0) + 1 end
    end
    role.may = {}
    for operation, n in pairs(counts) do role.may[operation] = operation ~= "delete" or n == n_declared end
  end
end

---The modes of rules or roles.
---@param list {mode: string}[]
---@return table<string, true>
function access.modes_of(list)
  local set = {}
  for _, item in ipairs(list) do set[item.mode] = true end
  return set
end
local modes_of = access.modes_of

---The names of the directives that open something to modes. The default mode needs none where it's alone.
---@param world appsync.server.Survey
---@param modes table<string, true>
---@param with_default boolean? the default mode's too, where there are others
---@return string[]
function access.directives_of(world, modes, with_default)
  local default, list, has_other = world.modes.default, {}, false
  for mode in pairs(modes) do has_other = has_other or mode ~= default end
  for _, directive in ipairs(DIRECTIVES) do
    local is_default = directive.mode == default
    if (not is_default and modes[directive.mode]) or (is_default and has_other and (with_default or modes[default])) then
      list[#list + 1] = directive.name
    end
  end
  return list
end

local directives_of = access.directives_of

---Adds directives to a type: they are joined from everything that returns it.
---@param world appsync.server.Survey
---@param name string
---@param list string[]
function access.add_to_type(world, name, list)
  world.type_auth[name] = world.type_auth[name] or {}
  add_new(world.type_auth[name], list)
end

local add_to_type = access.add_to_type

local function allowed_roles(m, operation)
  local list = {}
  for _, role in ipairs(m.roles) do
    if role.may[operation] then list[#list + 1] = role end
  end
  return list
end

local function operation_directives(world, m, operation)
  return directives_of(world, modes_of(allowed_roles(m, operation)), false)
end

---Opens an operation of a model, and the type that it returns, to the modes of some directives.
---@param world appsync.server.Survey
---@param m appsync.server.Model
---@param operation "get"|"list"|"sync"|"index"|"create"|"update"|"delete"|"listen"|"search"
---@param list string[]
function access.open(world, m, operation, list)
  local is_there = m.ops[operation] ~= nil or operation == "listen" and #m.events > 0 or operation == "search" and m.search ~= nil
  if operation == "index" then
    for _, index in ipairs(m.indexes) do is_there = is_there or index.query ~= nil end
  end
  if operation == "listen" and m.level ~= "on" or not is_there then return end
  local is_list = operation == "list" or operation == "sync" or operation == "index"
  local of_search = operation == "search" and search.connection_name(m)
  local of_list = is_list and roots.connection_name(operation == "index" and m.name or m.stem)
  add_to_type(world, of_search or of_list or m.name, list)
  m.operation_auth[operation] = m.operation_auth[operation] or {}
  add_new(m.operation_auth[operation], list)
end

-- What the aggregates of all searches are made of.
local function add_to_aggregates(world, m, list)
  for _, name in ipairs(m.search and search.AGGREGATE_TYPES or {}) do add_to_type(world, name, list) end
end

local function add_operations(world, m)
  for _, operation in ipairs(OPERATIONS) do
    local list = operation_directives(world, m, operation)
    access.open(world, m, operation, list)
    if operation == "get" or operation == "list" then access.open(world, m, "index", list) end
  end
end

-- Objects inside a model are seen by whoever sees the model.
local function add_nested(world, fields, modes)
  for _, field in ipairs(fields) do
    local name = sdl_nodes.named(field.type)
    local object = world.objects[name] or world.connections[name]
    if object then
      local seen = world.seen_auth[name]
      world.seen_auth[name] = seen or {}
      local fresh = add_new(world.seen_auth[name], directives_of(world, modes, seen ~= nil))
      if #fresh > 0 or not seen then
        add_to_type(world, name, fresh)
        if world.objects[name] then add_nested(world, object.fields, modes) end
      end
    end
  end
end

-- Rules of several providers or claims may have one field.
local function add_owner_fields(world, m)
  m.owner_fields, m.owner_arguments, m.protected_fields = {}, {}, {}
  local has_argument = {}
  for _, role in ipairs(m.roles) do
    local rule = role.rule
    if rule.groups_field then m.protected_fields[rule.groups_field] = true end
    if rule.allow == "owner" then
      m.protected_fields[rule.owner_field] = true
      if not m.field_by_name[rule.owner_field] then world:add_field(m, rule.owner_field, "String") end
      add_new(m.owner_fields, { rule.owner_field })
      if not rule.owner_is_list and role.may.listen and not has_argument[rule.owner_field] then
        has_argument[rule.owner_field] = true
        table.insert(m.owner_arguments, { name = rule.owner_field })
      end
    end
  end
end

-- `aws_cognito_user_pools(cognito_groups: ["A"])`.
local function directive_text(directive)
  local groups, quoted = directives.strings(directive, "cognito_groups"), {}
  for i, group in ipairs(groups or {}) do quoted[i] = ("%q"):format(group) end
  return directive.name .. (groups and ("(cognito_groups: [%s])"):format(table.concat(quoted, ", ")) or "")
end

---Directives for modes that a model without rules is given by hand count for its operations and lists too: on the service
---they'd be on the type alone, and nothing could return it to those modes.
---@param world appsync.server.Survey
---@param m appsync.server.Model
function access.pass_on(world, m)
  local list = {}
  for _, directive in ipairs(m.node.directives) do
    for _, known in ipairs(DIRECTIVES) do
      if directive.name == known.name then list[#list + 1] = directive_text(directive) end
    end
  end
  if #list == 0 then return end
  for _, stem in ipairs({ m.stem, m.name }) do add_to_type(world, roots.connection_name(stem), list) end
  if m.search then add_to_type(world, search.connection_name(m), list) end
  add_to_aggregates(world, m, list)
  for _, operation in ipairs(ALL_OPERATIONS) do m.operation_auth[operation] = list end
end

local function reads(role, name)
  local allowed = role.allowed[name] or {}
  return allowed.get or allowed.list or allowed.sync or allowed.listen or allowed.search or false
end

local HAS_USERS = { AMAZON_COGNITO_USER_POOLS = true, OPENID_CONNECT = true }

-- Whoever is signed in has what the rules for some who are signed in would add. By IAM guests aren't.
local function is_covered(m, role, name)
  if role.rule.allow == "private" or not HAS_USERS[role.mode] then return false end
  for _, other in ipairs(m.roles) do
    local allowed = other.allowed[name] or {}
    local sees_all = allowed.get and allowed.list and allowed.listen and allowed.sync and allowed.search
    if other.rule.allow == "private" and other.mode == role.mode and sees_all then return true end
  end
  return false
end

-- A subscriber who may not see a field gets null for it, which a required field cannot be. Amplify asks for it where
-- `subscriptions` is null, too.
local function check_required(m)
  if m.level ~= "on" and not m.lacks_subscriptions then return true end
  for _, field in ipairs(m.fields) do
    for _, role in ipairs(field.is_declared and field.is_required and m.roles or {}) do
      if role.may.get and not is_covered(m, role, field.name) and not reads(role, field.name) then
        return fail(field.node.loc, "'%s.%s' is required, but not everyone who may read the model may read the field: "
          .. "give it rules with 'read', make it nullable, or set the subscriptions' level to off or public", m.name, field.name)
      end
    end
  end
  return true
end

---Applies the rules of a model, whose relations are resolved.
---@param world appsync.server.Survey
---@param m appsync.server.Model
---@return true? ok, appsync.server.SchemaError? err
function access.apply(world, m)
  m.operation_auth = {}
  if not m.rules and next(m.field_rules) == nil then
    access.pass_on(world, m)
    return true
  end
  m.roles = read_roles(m)
  sum_up(m, m.roles)
  add_owner_fields(world, m)
  add_to_type(world, m.name, directives_of(world, modes_of(m.roles), false))
  add_operations(world, m)
  add_to_aggregates(world, m, directives_of(world, modes_of(m.roles), false))
  add_nested(world, m.node.fields, modes_of(m.roles))
  return check_required(m)
end

---A model without rules of a sandbox: its operations and types are open to API keys.
---@param world appsync.server.Survey
---@param m appsync.server.Model
function access.apply_sandbox(world, m)
  if world.modes.default == "API_KEY" then return end
  local list = { "aws_api_key" }
  add_to_type(world, m.name, list)
  for _, stem in ipairs({ m.stem, m.name }) do add_to_type(world, roots.connection_name(stem), list) end
  add_to_aggregates(world, m, list)
  for _, operation in ipairs(ALL_OPERATIONS) do m.operation_auth[operation] = list end
  local function add_objects(fields, seen)
    for _, field in ipairs(fields) do
      local name = sdl_nodes.named(field.type)
      if world.objects[name] and not seen[name] then
        seen[name] = true
        add_to_type(world, name, list)
        add_objects(world.objects[name].fields, seen)
      end
    end
  end
  add_objects(m.node.fields, {})
end

return access
