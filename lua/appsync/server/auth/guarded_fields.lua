---Wraps the generated resolvers by the rules of @auth: owners appear by name, and in the result of a mutation, at any depth,
---relations to models with other rules are empty, because every subscriber receives it (Amplify documentation,
---"Customize authorization rules", relational models and subscriptions).
local auth_rule = require "appsync.server.auth.auth_rule"
local core = require "appsync.core"

local guarded_fields = {}

local NULL = core.null

local READS = { "get", "list", "sync" }

local function describe(r)
  local parts = { r.mode or "any mode", r.allow }
  if r.allow == "owner" then
    parts[#parts + 1] = r.owner_field or "owner"
    parts[#parts + 1] = table.concat(r.identity_claims or {}, "::")
  elseif r.allow == "groups" then
    parts[#parts + 1] = r.groups_field or ""
    parts[#parts + 1] = table.concat(r.groups or {}, ",")
    parts[#parts + 1] = r.group_claim or ""
  end
  return table.concat(parts, " ")
end

-- Who may read the records of a model, as one text.
local function readers(m)
  local seen, list = {}, {}
  for _, r in ipairs(m.rules or {}) do
    for _, op in ipairs(READS) do
      local text = describe(r)
      if r.operations[op] and not seen[text] then
        seen[text] = true
        list[#list + 1] = text
      end
    end
  end
  table.sort(list)
  return table.concat(list, "\n")
end

---Returns whether a relation is empty in a mutation's result.
---@param m appsync.server.Model
---@param related appsync.server.Model
---@param relation {field: string, is_required: boolean?}
---@return boolean
function guarded_fields.is_redacted(m, related, relation)
  if relation.is_required or m.level ~= "on" then return false end
  local of_field = m.field_rules and m.field_rules[relation.field]
  return of_field ~= nil or readers(m) ~= readers(related)
end

local function is_of_mutation(source)
  return type(source) == "table" and source.__operation == "Mutation"
end

local function redacting(resolver, is_many)
  return function(ctx)
    if not is_of_mutation(ctx.source) then return resolver(ctx) end
    if not is_many then return NULL end
    return { items = setmetatable({}, core.array_mt), nextToken = NULL }
  end
end

-- A record with the mark that the fields below it look for; the stored one is nobody's to change.
local function marked(item)
  if type(item) ~= "table" then return item end
  local out = {}
  for name, value in pairs(item) do out[name] = value end
  out.__operation = "Mutation"
  return out
end

local function marking(resolver)
  return function(ctx) return marked(resolver(ctx)) end
end

-- What is below a marked record is as much a part of the mutation's result.
local function passing_on(resolver, is_many)
  return function(ctx)
    local value = resolver(ctx)
    if not is_of_mutation(ctx.source) or type(value) ~= "table" then return value end
    if not is_many then return marked(value) end
    local items = setmetatable({}, core.array_mt)
    for i, item in ipairs(value.items) do items[i] = marked(item) end
    return { items = items, nextToken = value.nextToken }
  end
end

local function showing(name, resolver)
  return function(ctx)
    local value
    if resolver then
      value = resolver(ctx)
    else
      value = ctx.source[name]
    end
    return auth_rule.shown(value)
  end
end

-- Whether a field of the model looks for the mark.
local function of_model(m, by_name, guard, generated)
  local fields = generated[m.name] or {}
  for _, field in ipairs(m.fields) do
    if guard:is_owner(m, field.name) then fields[field.name] = showing(field.name, fields[field.name]) end
  end
  local looks = next(m.field_rules or {}) ~= nil
  for _, relation in ipairs(m.relations or {}) do
    local related, resolver = by_name[relation.model], fields[relation.field]
    if related and resolver and guarded_fields.is_redacted(m, related, relation) then
      fields[relation.field] = redacting(resolver, relation.kind == "hasMany")
      looks = true
    end
  end
  if next(fields) then generated[m.name] = fields end
  return looks
end

-- The names of the models that look for the mark, and of those that lead to them.
local function reaching(models, looks)
  local changed = next(looks) ~= nil
  while changed do
    changed = false
    for _, m in ipairs(models) do
      for _, relation in ipairs(m.relations or {}) do
        if not looks[m.name] and looks[relation.model] then looks[m.name], changed = true, true end
      end
    end
  end
  return looks
end

local function mark_model(m, needs, fields, mutations)
  for _, op in ipairs({ "create", "update", "delete" }) do
    local name = m.ops[op]
    if name and mutations[name] then mutations[name] = marking(mutations[name]) end
  end
  for _, relation in ipairs(m.relations or {}) do
    local resolver = needs[relation.model] and fields[relation.field]
    if resolver then fields[relation.field] = passing_on(resolver, relation.kind == "hasMany") end
  end
end

---Wraps the generated resolvers.
---@param generated table<string, table<string, function>> by type and field; is changed
---@param models appsync.server.Model[]
---@param guard appsync.server.ModelGuard
---@param schema {mutation: {name: string}?}
function guarded_fields.attach(generated, models, guard, schema)
  if not guard.is_owner then return end
  local by_name, mutations = {}, schema.mutation and generated[schema.mutation.name] or {}
  for _, m in ipairs(models) do by_name[m.name] = m end
  local looks = {}
  for _, m in ipairs(models) do looks[m.name] = of_model(m, by_name, guard, generated) or nil end
  local needs = reaching(models, looks)
  for _, m in ipairs(models) do
    if needs[m.name] then mark_model(m, needs, generated[m.name] or {}, mutations) end
  end
end

return guarded_fields
