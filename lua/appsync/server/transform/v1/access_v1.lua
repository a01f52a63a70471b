---The rules of @auth in the transformer's first version: directives by rule instead of by field, and an owner
---argument that subscriptions may require (Amplify CLI documentation, "Setup authorization rules").
local access = require "appsync.server.transform.reading.access"
local directives = require "appsync.schema.directives"
local sdl_nodes = require "appsync.schema.sdl_nodes"

local fail = directives.fail

local access_v1 = {}

local function rules_for(m, operation)
  local list = {}
  for _, rule in ipairs(m.rules or {}) do
    if rule.operations[operation] and not rule.is_implied then list[#list + 1] = rule end
  end
  return list
end

local function own_rules(m)
  local list = {}
  for _, rule in ipairs(m.rules or {}) do
    if not rule.is_implied then list[#list + 1] = rule end
  end
  return list
end

local function directives_for(world, m, operation)
  return access.directives_of(world, access.modes_of(rules_for(m, operation)), false)
end

-- Whether what opens an operation to other modes keeps it open to the default one.
local function keeps_default(world, m, operation)
  return access.modes_of(rules_for(m, operation))[world.modes.default]
end

local function add_operations(world, m)
  for _, operation in ipairs({ "get", "list", "create", "update", "delete", "listen" }) do
    access.open(world, m, operation, directives_for(world, m, operation))
  end
  local readers = access.modes_of(rules_for(m, "listen"))
  -- Without a list of its own a model's queries by keys stay what no rule speaks of.
  if m.ops.list then access.open(world, m, "index", access.directives_of(world, readers, false)) end
  access.open(world, m, "sync", access.directives_of(world, readers, keeps_default(world, m, "list")))
  access.open(world, m, "search", directives_for(world, m, "search"))
end

local function add_directives(node, list)
  for _, name in ipairs(list) do
    if not directives.find(node.directives, name) then table.insert(node.directives, sdl_nodes.directive(name, node.loc)) end
  end
end

-- Relation fields that lead to the model show it to those who may read it.
local function add_connections(world, m)
  local list = directives_for(world, m, "listen")
  for _, other in ipairs(world.list) do
    for _, relation in ipairs(other.relations) do
      if relation.model == m.name then
        local node = other.field_by_name[relation.field].node
        add_directives(node, list)
        access.add_to_type(world, node.type.name or m.name, list)
      end
    end
  end
end

local function add_nested(world, fields, list)
  for _, field in ipairs(fields) do
    local name = sdl_nodes.named(field.type)
    local object, fresh = world.objects[name], {}
    if object then
      world.seen_auth[name] = world.seen_auth[name] or {}
      fresh = access.add_new(world.seen_auth[name], list)
    end
    if #fresh > 0 then
      access.add_to_type(world, name, fresh)
      add_nested(world, object.fields, list)
    end
  end
end

-- Before a type was given what its rules name it got the default owner's field, if subscriptions would ask for it.
local function add_missing_owner(world, m, owners)
  if world.flags.addmissingownerfields or m.level ~= "on" or #m.events == 0 then return end
  for _, rule in ipairs(owners) do
    if rule.owner_field == "owner" and not m.field_by_name.owner then world:add_field(m, "owner", "String") end
  end
end

-- Subscribers say whose records they want, unless another rule lets them see some without.
local function add_owner_arguments(world, m)
  local readers = rules_for(m, "listen")
  local owners, is_optional, is_open = {}, false, false
  for _, rule in ipairs(readers) do
    if rule.allow == "owner" then owners[#owners + 1] = rule end
    is_optional = is_optional or (rule.allow == "groups" and rule.groups ~= nil) or rule.allow == "private" or rule.allow == "public"
    is_open = is_open or (rule.provider == "userPools" and (rule.allow == "public" or rule.allow == "private"))
  end
  if is_open then return end
  add_missing_owner(world, m, owners)
  local seen = {}
  for _, rule in ipairs(owners) do
    if not seen[rule.owner_field] then
      seen[rule.owner_field] = true
      table.insert(m.owner_arguments, { name = rule.owner_field, is_required = not is_optional and #owners == 1 })
    end
  end
end

-- A relation's key that inputs have and the type doesn't is shown by the type where it's an owner's.
local function show_owner(world, m, name)
  local field = m.field_by_name[name]
  if not field then
    world:add_field(m, name, "String")
  elseif field.is_hidden and not field.is_shown then
    field.is_shown = true
    table.insert(m.node.fields, sdl_nodes.field(name, "String", m.loc))
  end
end

local function add_owner_fields(world, m, list)
  for _, rule in ipairs(list) do
    if rule.allow == "owner" and world.flags.addmissingownerfields then show_owner(world, m, rule.owner_field) end
  end
end

-- Conditions leave out what the model's rules read; of groups that rules name, the field that would have them.
local function protect_fields(m, list)
  for _, rule in ipairs(list) do
    if rule.allow == "owner" then m.protected_fields[rule.owner_field] = true end
    if rule.allow == "groups" then m.protected_fields[rule.groups_field or "groups"] = true end
  end
end

local function with_operation(list, operation)
  local out = {}
  for _, rule in ipairs(list) do
    if rule.operations[operation] then out[#out + 1] = rule end
  end
  return access.modes_of(out)
end

-- A field's own rules open it, and the operations that it takes part in, to their modes too.
local function add_field_rules(world, m, field, list)
  add_owner_fields(world, m, list)
  local modes = access.modes_of(list)
  access.add_to_type(world, m.name,
    access.directives_of(world, modes, not m.rules or access.modes_of(own_rules(m))[world.modes.default]))
  for _, operation in ipairs({ "get", "list", "create", "update", "delete" }) do
    local own = with_operation(list, operation)
    local of_field = access.directives_of(world, own, false)
    local is_open = operation ~= "update" and operation ~= "delete" and keeps_default(world, m, operation)
    if #of_field > 0 then access.open(world, m, operation, access.directives_of(world, own, is_open)) end
    if operation == "get" or operation == "create" and m.ops.create then add_directives(field.node, of_field) end
  end
  if m.level == "on" and field.is_required and next(with_operation(list, "get")) then
    return fail(field.node.loc, "'%s.%s' is required and has rules for reading: make it nullable, or set the subscriptions' "
      .. "level to off or public", m.name, field.name)
  end
  return true
end

---Applies the rules of a model, whose relations are resolved.
---@param world appsync.server.Survey
---@param m appsync.server.Model
---@return true? ok, appsync.server.SchemaError? err
function access_v1.apply(world, m)
  m.operation_auth, m.owner_arguments, m.protected_fields = {}, {}, {}
  if not m.rules and next(m.field_rules) == nil then
    access.pass_on(world, m)
    return true
  end
  local list = own_rules(m)
  protect_fields(m, list)
  add_owner_fields(world, m, list)
  access.add_to_type(world, m.name, access.directives_of(world, access.modes_of(list), false))
  add_nested(world, m.node.fields, access.directives_of(world, access.modes_of(list), true))
  add_operations(world, m)
  add_connections(world, m)
  add_owner_arguments(world, m)
  for _, field in ipairs(m.fields) do
    if m.field_rules[field.name] then
      local ok, err = add_field_rules(world, m, field, m.field_rules[field.name])
      if not ok then return nil, err end
    end
  end
  return true
end

return access_v1
