---@auth: access rules (Amplify documentation, "Customize authorization rules").
local directive_arguments = require "appsync.schema.directive_arguments"
local directives = require "appsync.schema.directives"
local names = require "appsync.schema.names"
local rule_checks = require "appsync.server.transform.reading.rule_checks"

local fail, given, text = directives.fail, directive_arguments.given, rule_checks.text

---@class appsync.server.Rule
---@field allow "owner"|"groups"|"private"|"public"|"custom"|"anyone" anyone: of any mode, only where it's implied
---@field provider string "userPools", "oidc", "apiKey", "identityPool" or "function"
---@field mode appsync.server.AuthMode
---@field operations table<string, true> of create, update, delete, get, list, sync, listen, search
---@field owner_field string? owner rules
---@field owner_is_list boolean?
---@field identity_claims string[]? owner rules: stored joined by "::"
---@field groups string[]? groups rules: these groups
---@field groups_field string? groups rules: those that this field names
---@field groups_is_list boolean?
---@field group_claim string?
---@field is_implied boolean? not in the schema: what the transformer's first version left unprotected
---@field loc appsync.ast.Loc

local auth_directive = {}

auth_directive.OPERATIONS = { "create", "update", "delete", "get", "list", "sync", "listen", "search" }
local READS = { "get", "list", "listen", "search", "sync" }
local WRITES = { "create", "update", "delete" }
local IS_READ = {}
for _, operation in ipairs(READS) do IS_READ[operation] = true end

local MODES = {
  userPools = "AMAZON_COGNITO_USER_POOLS", oidc = "OPENID_CONNECT", apiKey = "API_KEY", identityPool = "AWS_IAM",
  ["function"] = "AWS_LAMBDA",
}
local FIRST_PRIVATE = { "userPools", "identityPool" }
local PROVIDERS = {
  owner = { "userPools", "oidc" }, groups = { "userPools", "oidc" }, public = { "apiKey", "identityPool" },
  private = { "userPools", "identityPool", "oidc" }, custom = { "function" },
}
local MODE_NAMES = {
  AMAZON_COGNITO_USER_POOLS = "Cognito user pools", OPENID_CONNECT = "OpenID Connect", API_KEY = "API keys",
  AWS_IAM = "IAM", AWS_LAMBDA = "a Lambda authorizer",
}

local function set_of(list)
  local set = {}
  for _, item in ipairs(list) do set[item] = true end
  return set
end

local function read_provider(world, values, loc)
  local allowed = world.version == 1 and values.allow == "private" and FIRST_PRIVATE or PROVIDERS[values.allow]
  local provider = given(values.provider) or allowed[1]
  if provider == "iam" then provider = "identityPool" end
  if not set_of(allowed)[provider] then
    return fail(loc, "@auth: 'allow: %s' cannot have the provider '%s'; it is one of %s", values.allow, values.provider,
      table.concat(allowed, ", "))
  end
  local mode = MODES[provider]
  if world.modes.enabled and not world.modes.enabled[mode] then
    local _, err = fail(loc, "@auth: 'allow: %s' with the provider '%s' needs %s (%s), which this API has not enabled",
      values.allow, provider, MODE_NAMES[mode], mode)
    err.missing_mode = mode
    return nil, err
  end
  return provider, mode
end

-- The first version had lists of queries and of mutations instead; the one that is absent meant all of its kind.
local function first_version_operations(values)
  local set = {}
  for _, name in ipairs(values.queries == nil and READS or given(values.queries) or {}) do set[name] = true end
  for _, name in ipairs(values.mutations == nil and WRITES or given(values.mutations) or {}) do set[name] = true end
  return set
end

local function read_operations(values, loc, is_field)
  local list = given(values.operations)
  if not list and (values.queries ~= nil or values.mutations ~= nil) then return first_version_operations(values) end
  if not list then return set_of(auth_directive.OPERATIONS) end
  local set, has_read, single = {}, false, nil
  for _, name in ipairs(list) do
    if name == "read" then has_read = true else set[name] = true end
    if IS_READ[name] then single = name end
  end
  if single and is_field then
    return fail(loc, "@auth on a field cannot have the operation '%s': use 'read'", single)
  elseif single and has_read then
    return fail(loc, "@auth has the operations 'read' and '%s': 'read' includes all of %s", single, table.concat(READS, ", "))
  end
  for _, name in ipairs(has_read and READS or {}) do set[name] = true end
  return set
end

-- The field may be of any type, as Amplify has it: only what is text, or a list of texts, ever names an owner.
local function read_owner(world, rule, values, m, loc)
  rule.owner_field = text(values.ownerField) or "owner"
  if not names.is_name(rule.owner_field) then
    return fail(loc, "@auth's 'ownerField' '%s' isn't the name of a field", rule.owner_field)
  end
  local field = m and m.field_by_name[rule.owner_field]
  -- A list of models is a page of them by then.
  rule.owner_is_list = field ~= nil and field.is_list and not m.relation_by_field[field.name]
  local claim = text(values.identityClaim) or text(values.identityField) or world.version == 1 and "cognito:username"
    or world.flags.usesubusernamefordefaultidentityclaim and "sub::username" or "username"
  rule.identity_claims = {}
  -- A claim's own name may have single colons: "cognito:username".
  for part in (claim .. "::"):gmatch("(.-)::") do table.insert(rule.identity_claims, part) end
  return true
end

-- The first version looked for the groups in a field of its own choice.
local function read_groups(world, rule, values, m)
  rule.groups, rule.groups_field = given(values.groups), text(values.groupsField)
  if world.version == 1 and not rule.groups then rule.groups_field = rule.groups_field or "groups" end
  rule.group_claim = text(values.groupClaim) or "cognito:groups"
  local field = m and rule.groups_field and m.field_by_name[rule.groups_field]
  rule.groups_is_list = field ~= nil and field ~= false and field.is_list
end

local function read_rule(world, values, loc, m, is_field)
  local ok, err = rule_checks.check(world.version, values, loc, is_field)
  if not ok then return nil, err end
  local provider, mode = read_provider(world, values, loc)
  if not provider then return nil, mode end
  local operations, why = read_operations(values, loc, is_field)
  if not operations then return nil, why end
  local rule = { allow = values.allow, provider = provider, mode = mode, operations = operations, loc = loc }
  if values.allow == "owner" then ok, err = read_owner(world, rule, values, m, loc) end
  if values.allow == "groups" then read_groups(world, rule, values, m) end
  if not ok then return nil, err end
  return rule
end

local function read_list(world, directive, m, is_field)
  local values, err = world.reader:read(directive)
  if not values then return nil, err end
  local value, list = directives.argument(directive, "rules"), {}
  for i, item in ipairs(values.rules) do
    local loc = value.kind == "ListValue" and value.values[i].loc or value.loc
    local rule, why = read_rule(world, item, loc, m, is_field)
    if not rule then return nil, why end
    list[i] = rule
  end
  if #list == 0 then return fail(directive_arguments.loc(directive, "rules"), "@auth has no rules") end
  return list
end

---Who a rule speaks of, as a word: rules of the same word are one role.
---@param rule appsync.server.Rule
---@return string[]
function auth_directive.role_names(rule)
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

-- Of the rules of two models that speak of the same the later one counts, for a group of a list too.
local function last_of_each(list)
  local kept, places = {}, {}
  for _, rule in ipairs(list) do
    for i, name in ipairs(auth_directive.role_names(rule)) do
      local single = rule
      if rule.groups then
        single = {}
        for key, value in pairs(rule) do single[key] = value end
        single.groups = { rule.groups[i] }
      end
      places[name] = places[name] or #kept + 1
      kept[places[name]] = single
    end
  end
  return kept
end

local function check_twice(m, list)
  local seen = {}
  for _, rule in ipairs(list) do
    for _, name in ipairs(auth_directive.role_names(rule)) do
      if seen[name] then
        return fail(rule.loc, "@auth: two rules of '%s' are for the same callers: put their operations into one rule", m.name)
      end
      seen[name] = true
    end
  end
  return true
end

-- What no rule of a model speaks of was open in the first version, to the modes that the directives of its fields name.
local function add_unprotected(list)
  local covered, open = {}, {}
  for _, rule in ipairs(list) do
    for operation in pairs(rule.operations) do covered[operation] = true end
  end
  for _, operation in ipairs(auth_directive.OPERATIONS) do
    if not covered[operation] then open[operation] = true end
  end
  if next(open) == nil then return end
  table.insert(list, { allow = "anyone", operations = open, is_implied = true, loc = list[1].loc })
end

local function read_field_rules(world, m)
  for _, field in ipairs(m.fields) do
    local directive = directives.find(field.node.directives, "auth")
    if directive then
      local list, err = read_list(world, directive, m, true)
      if not list then return nil, err end
      m.field_rules[field.name] = list
    end
  end
  return true
end

---Fills a model's `rules` and `field_rules`.
---@param world appsync.server.Survey
---@param m appsync.server.Model
---@return true? ok, appsync.server.SchemaError? err
function auth_directive.read(world, m)
  local directive = directives.find(m.node.directives, "auth")
  if directive then
    local list, err = read_list(world, directive, m, false)
    if not list then return nil, err end
    if world.version == 1 then
      add_unprotected(list)
    elseif m.is_join then
      list = last_of_each(list)
    else
      local ok, why = check_twice(m, list)
      if not ok then return nil, why end
    end
    m.rules = list
  elseif world.is_sandbox then
    m.is_sandbox = true
  elseif world.version == 1 then
    m.is_unprotected = true
  end
  return read_field_rules(world, m)
end

local function is_of_record(rule)
  return rule.allow == "owner" or rule.groups_field ~= nil
end

local function kept(list, is_kept)
  local out = {}
  for _, rule in ipairs(list) do
    if is_kept(rule) then out[#out + 1] = rule end
  end
  return out
end

-- The first version opened the field by all rules, and its resolver asked for nothing but fixed groups, of the modes that have
-- any.
local function decisive_v1(list)
  local modes = {}
  for _, rule in ipairs(list) do
    if rule.groups then modes[rule.mode] = true end
  end
  if next(modes) == nil then return nil end
  local out = {}
  for i, rule in ipairs(kept(list, function(rule) return rule.groups ~= nil or not modes[rule.mode] end)) do
    out[i] = is_of_record(rule) and setmetatable({ allow = "private" }, { __index = rule }) or rule
  end
  return out
end

-- A rule on a field outside of models protects that one field; there's no record that could have an owner, so Amplify leaves
-- rules that ask a record out.
local function read_outside_field(world, node, field, directive)
  if node.kind:find("^Interface") then
    return fail(directive.loc, "@auth is not allowed on the field '%s' of the interface '%s'", field.name, node.name)
  end
  local list, err = read_list(world, directive, nil, true)
  if not list then return nil, err end
  for i, item in ipairs(world.reader:read(directive).rules) do
    if #(given(item.operations) or {}) > 0 then
      return fail(list[i].loc, "@auth on '%s.%s' cannot have 'operations': only fields of models have operations", node.name, field.name)
    end
  end
  local path, is_first = node.name .. "." .. field.name, world.version == 1
  if not is_first then list = kept(list, function(rule) return not is_of_record(rule) end) end
  world.field_rules[path] = list
  if is_first then list = decisive_v1(list) end
  world.decisive_rules[path] = list
  return true
end

---Fills `world.field_rules` and `world.decisive_rules`, by "Type.field", and refuses @auth on types that are no models.
---@param world appsync.server.Survey
---@return true? ok, appsync.server.SchemaError? err
function auth_directive.read_outside(world)
  for _, node in ipairs(world.document.definitions) do
    local is_model = world.models[node.name or ""] ~= nil
    local on_type = not is_model and directives.find(node.directives or {}, "auth")
    if on_type then
      return fail(on_type.loc, "@auth on '%s' needs @model on the same type, or belongs on the fields", node.name)
    end
    for _, field in ipairs(not is_model and node.fields or {}) do
      local directive = directives.find(field.directives or {}, "auth")
      if directive then
        local ok, err = read_outside_field(world, node, field, directive)
        if not ok then return nil, err end
      end
    end
  end
  return true
end

return auth_directive
