--- What the rules of @auth mean for the modes of an API: the @aws_* directives of types and operations, the owner fields and
--- the owner arguments of subscriptions (Amplify documentation, "Customize authorization rules"; AppSync Developer Guide,
--- "Configuring authorization and authentication").
local ast = require("appsync.server.transform.ast")
local roots = require("appsync.server.transform.roots")

local access = {}

local DIRECTIVES = {
  { mode = "API_KEY", name = "aws_api_key" }, { mode = "AWS_IAM", name = "aws_iam" },
  { mode = "OPENID_CONNECT", name = "aws_oidc" }, { mode = "AMAZON_COGNITO_USER_POOLS", name = "aws_cognito_user_pools" },
  { mode = "AWS_LAMBDA", name = "aws_lambda" },
}

local OPERATIONS = { "get", "list", "create", "update", "delete", "listen" }

--- Who a rule speaks of, as a word: rules of the same word are one role.
---@param rule appsync.server.Rule
---@return string[]
function access.role_names(rule)
  if rule.groups then
    local list = {}
    for i, group in ipairs(rule.groups) do list[i] = ("%s:%s:%s"):format(rule.mode, rule.group_claim, group) end
    return list
  elseif rule.groups_field then
    return { ("%s:groups in %s:%s"):format(rule.mode, rule.groups_field, rule.group_claim) }
  elseif rule.allow == "owner" then
    return { ("%s:owner %s:%s"):format(rule.mode, rule.owner_field, table.concat(rule.identity_claims, "::")) }
  end
  return { ("%s:%s"):format(rule.mode, rule.allow) }
end

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
    for _, name in ipairs(access.role_names(rule)) do
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
      for _, name in ipairs(access.role_names(rule)) do add_role(roles, name, rule).allowed[field.name] = rule.operations end
    end
  end
  return roles
end

-- Deleting needs all fields, everything else one.
local function may(m, role, operation)
  local has_one, has_all = false, true
  for _, field in ipairs(m.fields) do
    if field.is_declared then
      local is_allowed = role.allowed[field.name] ~= nil and role.allowed[field.name][operation] == true
      has_one, has_all = has_one or is_allowed, has_all and is_allowed
    end
  end
  if operation == "delete" then return has_all end
  return has_one
end

local function modes_of(roles)
  local set = {}
  for _, role in ipairs(roles) do set[role.mode] = true end
  return set
end

-- The default mode needs no directive where it's alone.
local function directives_of(world, modes, with_default)
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

local function text_of(list)
  local parts = {}
  for i, name in ipairs(list) do parts[i] = " @" .. name end
  return table.concat(parts)
end
access.text_of = text_of

-- A type's directives are joined from everything that returns it.
local function add_to_type(world, name, list)
  local found = world.type_auth[name] or {}
  world.type_auth[name] = found
  for _, directive in ipairs(list) do
    if not found[directive] then
      found[directive] = true
      table.insert(found, directive)
    end
  end
end

local function allowed_roles(m, operation)
  local list = {}
  for _, role in ipairs(m.roles) do
    if may(m, role, operation) then list[#list + 1] = role end
  end
  return list
end

local function operation_directives(world, m, operation)
  return directives_of(world, modes_of(allowed_roles(m, operation)), false)
end

local function add_operations(world, m)
  for _, operation in ipairs(OPERATIONS) do
    local list = operation_directives(world, m, operation)
    local is_returned = operation == "listen" and #m.events > 0 and m.level == "on" or m.ops[operation] ~= nil
    if operation ~= "listen" or m.level == "on" then m.operation_auth[operation] = text_of(list) end
    if is_returned then add_to_type(world, operation == "list" and roots.connection_name(m) or m.name, list) end
  end
  local joined, seen = {}, {}
  for _, operation in ipairs({ "list", "get" }) do
    for _, name in ipairs(operation_directives(world, m, operation)) do
      if not seen[name] then
        seen[name] = true
        table.insert(joined, name)
      end
    end
  end
  m.operation_auth.index = text_of(joined)
  for _, index in ipairs(m.indexes) do
    if index.query then add_to_type(world, roots.connection_name(m), joined) end
  end
end

-- Objects inside a model are seen by whoever sees the model.
local function add_nested(world, fields, modes)
  for _, field in ipairs(fields) do
    local name = ast.named(field.type)
    local object = world.objects[name] or world.connections[name]
    if object then
      local seen = world.seen_auth[name]
      local list, fresh = directives_of(world, modes, seen ~= nil), {}
      world.seen_auth[name] = seen or {}
      for _, directive in ipairs(list) do
        if not world.seen_auth[name][directive] then
          world.seen_auth[name][directive] = true
          fresh[#fresh + 1] = directive
        end
      end
      if #fresh > 0 or not seen then
        add_to_type(world, name, fresh)
        if world.objects[name] then add_nested(world, object.fields, modes) end
      end
    end
  end
end

local function add_owner_fields(world, m)
  m.owner_fields, m.owner_arguments, m.protected_fields = {}, {}, {}
  for _, role in ipairs(m.roles) do
    local rule = role.rule
    if rule.groups_field then m.protected_fields[rule.groups_field] = true end
    if rule.allow == "owner" then
      m.protected_fields[rule.owner_field] = true
      table.insert(m.owner_fields, rule.owner_field)
      if not m.field_by_name[rule.owner_field] then world:add_field(m, rule.owner_field, "String").is_owner = true end
      if not rule.owner_is_list and may(m, role, "listen") then
        table.insert(m.owner_arguments, { name = rule.owner_field })
      end
    end
  end
end

--- Applies the rules of a model, whose relations are resolved.
---@param world appsync.server.World
---@param m appsync.server.Model
function access.apply(world, m)
  m.operation_auth = {}
  if not m.rules and next(m.field_rules) == nil then return end
  m.roles = read_roles(m)
  add_owner_fields(world, m)
  add_to_type(world, m.name, directives_of(world, modes_of(m.roles), false))
  add_operations(world, m)
  add_nested(world, m.node.fields, modes_of(m.roles))
end

--- A model without rules of a sandbox: its operations and types are open to API keys.
---@param world appsync.server.World
---@param m appsync.server.Model
function access.apply_sandbox(world, m)
  if world.modes.default == "API_KEY" then return end
  local list = { "aws_api_key" }
  add_to_type(world, m.name, list)
  add_to_type(world, roots.connection_name(m), list)
  for _, operation in ipairs({ "index", "get", "list", "create", "update", "delete", "listen" }) do
    m.operation_auth[operation] = text_of(list)
  end
  local function add_objects(fields, seen)
    for _, field in ipairs(fields) do
      local name = ast.named(field.type)
      if world.objects[name] and not seen[name] then
        seen[name] = true
        add_to_type(world, name, list)
        add_objects(world.objects[name].fields, seen)
      end
    end
  end
  add_objects(m.node.fields, {})
end

--- The directives of a field that isn't a model's.
---@param world appsync.server.World
---@param list appsync.server.Rule[]
---@return string[]
function access.field_directives(world, list)
  return directives_of(world, modes_of(list), false)
end

return access
