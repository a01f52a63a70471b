---What the rules of @auth let a caller do with the records of a model (Amplify documentation, "Customize authorization
---rules"). A refusal is thrown as a resolver's error.
local auth_rule = require "appsync.server.auth.auth_rule"
local core = require "appsync.core"
local not_authorized = require "appsync.server.graphql.not_authorized"

local model_guard = {}

local NULL = core.null

---@class appsync.server.ModelGuard
---@field private models table<string, appsync.server.Model>
---@field private field_rules table<string, appsync.server.Rule[]> of "Type.field" that is of no model
---@field private readable table<appsync.server.Identity, table> what callers may read, by model and operation
---@field private covered table<string, {m: appsync.server.Model, op: string}> generated operations with a resolver of one's own
---@field is_open boolean nothing has rules
local ModelGuard = {}
ModelGuard.__index = ModelGuard

local OPERATIONS = {}
for _, op in ipairs({ "create", "update", "delete", "get", "list", "sync", "listen", "search" }) do OPERATIONS[op] = true end
local NONE, ANYONE = {}, { { allow = "anyone", operations = OPERATIONS } }

-- The transformer's first version left open what nothing was said of.
local function rules_of(m)
  return m.rules or (m.is_unprotected and ANYONE) or NONE
end

local function is_first(m)
  return m.transformer == 1
end

local function has_rules(m)
  return m.rules ~= nil or next(m.field_rules or {}) ~= nil
end

---Makes the guard of a schema. Where no model and no field has a rule it is open, as a local server without
---@auth is of use only so; where some have, a model without is closed, but to an API key in sandbox mode.
---@param models appsync.server.Model[] and `field_rules`
---@return appsync.server.ModelGuard
function model_guard.new(models)
  local self = setmetatable({ models = {}, field_rules = models.field_rules or {} }, ModelGuard)
  self.readable, self.covered = setmetatable({}, { __mode = "k" }), {}
  self.is_open = next(self.field_rules) == nil
  for _, m in ipairs(models) do
    self.models[m.name] = m
    if has_rules(m) then self.is_open = false end
  end
  return self
end

---The same, or nil when nothing has rules: then nothing needs to be asked.
---@param models appsync.server.Model[]
---@return appsync.server.ModelGuard?
function model_guard.of(models)
  local guard = model_guard.new(models)
  return not guard.is_open and guard or nil
end

local function refuse(ctx)
  error(not_authorized(ctx.info.parentTypeName, ctx.info.fieldName), 0)
end

local function refuse_fields(names)
  table.sort(names)
  error({ message = ("Unauthorized on [%s]"):format(table.concat(names, ", ")), type = "Unauthorized" }, 0)
end

-- Whether nothing is to be asked: true, false for "refuse", nil when rules decide.
local function without_rules(self, m, caller)
  if not caller or not caller.mode then return true end
  if self.is_open or (caller.iam and caller.iam.is_admin) then return true end
  if has_rules(m) or m.is_unprotected then return nil end
  return (m.is_sandbox and caller.mode == "API_KEY") or false
end

-- True when the caller may do everything; throws when nothing; nil when rules decide.
local function is_free(self, m, ctx)
  local verdict = without_rules(self, m, ctx.caller)
  if verdict == false then refuse(ctx) end
  return verdict
end

local READS = { "get", "list", "sync", "listen", "search" }

local function may_read(r)
  for _, op in ipairs(READS) do
    if r.operations[op] then return true end
  end
  return false
end

-- The rules of the model and those of its fields.
local function each_rule(m, visit)
  for _, r in ipairs(rules_of(m)) do visit(r) end
  for _, rules in pairs(m.field_rules or {}) do
    for _, r in ipairs(rules) do visit(r) end
  end
end

local function contains(list, value)
  for _, item in ipairs(list) do
    if item == value then return true end
  end
  return false
end

-- Whether a query asks by its key for records that a rule by this field holds for none of.
local function asks_for_others(r, caller, asked)
  local field, values = auth_rule.key(r, caller)
  return asked[field] ~= nil and not contains(values, asked[field])
end

-- The filter; true for all records, false for none.
local function readable(m, op, caller, asked)
  local filters, sees_all = {}, false
  each_rule(m, function(r)
    if not r.operations[op] then return end
    local verdict = auth_rule.allows(r, caller)
    if verdict then
      sees_all = true
    elseif verdict == nil and not asks_for_others(r, caller, asked) then
      auth_rule.add_filters(r, caller, filters)
    end
  end)
  return sees_all or (#filters > 0 and { ["or"] = setmetatable(filters, core.array_mt) })
end

local NOTHING = {}

-- What a query asks of fields that records are told by; the first version looked at the records alone.
local function asked_of_rules(m, asked)
  local found = NOTHING
  if not asked or is_first(m) then return found end
  each_rule(m, function(r)
    local field = r.allow == "owner" and (r.owner_field or "owner") or r.groups_field
    if field and asked[field] ~= nil then found = asked end
  end)
  return found
end

---Which records a caller may read.
---@param m appsync.server.Model
---@param op "get"|"list"|"sync"|"search"
---@param ctx appsync.server.Context
---@param asked table<string, any>? what a query says of the fields of a key: values, false for anything but one value. To ask
---  for somebody else's records is refused, there may be some or not
---@return table? filter of the model's own filter input, not to be changed; nil: all of them
function ModelGuard:read(m, op, ctx, asked)
  if is_free(self, m, ctx) then return nil end
  asked = asked_of_rules(m, asked)
  -- Relations ask for each of their records.
  local known = self.readable[ctx.caller] or {}
  self.readable[ctx.caller] = known
  local of_model = known[m] or {}
  known[m] = of_model
  local filter = of_model[op]
  if filter == nil or asked ~= NOTHING then filter = readable(m, op, ctx.caller, asked) end
  if asked == NOTHING then of_model[op] = filter end
  if not filter then refuse(ctx) end
  return filter ~= true and filter or nil
end

-- The transformer's first version asked the rules of a field, as far as they speak of an operation, beside the model's own;
-- the second asks them in place of the model's.
local function field_rules_of(m, name, op)
  local own = (m.field_rules or {})[name]
  if not own or not is_first(m) then return own end
  for _, r in ipairs(own) do
    if r.operations[op] then return own end
  end
  return nil
end

-- The fields of an input that no rule of theirs allows to be written. `holds(r)` tells whether a rule does; the second
-- result, whether any rule at all did.
local function denied_fields(m, op, input, skipped, holds)
  local denied, any = {}, false
  for _, r in ipairs(rules_of(m)) do any = holds(r) or any end
  for name, value in pairs(input) do
    local field, own = m.field_by_name[name], field_rules_of(m, name, op)
    local is_allowed = skipped[name] or not field
    for _, r in ipairs(is_allowed and {} or own or rules_of(m)) do
      if holds(r, value, own ~= nil) then is_allowed = true end
    end
    if not is_allowed then
      denied[#denied + 1] = name
    elseif own and not is_first(m) then
      any = true
    end
  end
  return denied, any
end

local function finish(ctx, denied, any)
  if not any then refuse(ctx) end
  if #denied > 0 then refuse_fields(denied) end
end

-- An owner rule holds for a record without an owner: it becomes the caller's.
local function holds_for_new(r, caller, input)
  local verdict = auth_rule.allows(r, caller)
  if verdict ~= nil then return verdict end
  local field, values = auth_rule.key(r, caller)
  if r.allow == "owner" and input[field] == nil then return #values > 0 end
  return auth_rule.holds(r, caller, input)
end

-- Members of a static group own what they make, too, unless a project's flag is off; other static rules leave a record
-- without an owner.
local function sets_owner(m, caller)
  local groups_own = not m.flags or m.flags.populateownerfieldforstaticgroupauth
  for _, r in ipairs(rules_of(m)) do
    if r.operations.create and not (r.allow == "groups" and groups_own) and auth_rule.allows(r, caller) then return false end
  end
  return true
end

---Whether a caller may create this record; fills in its owner.
---@param m appsync.server.Model
---@param ctx appsync.server.Context
---@param input table is changed
function ModelGuard:create(m, ctx, input)
  if is_free(self, m, ctx) then return end
  local caller, memory = ctx.caller, {}
  local function holds(r)
    if memory[r] == nil then memory[r] = r.operations.create and holds_for_new(r, caller, input) or false end
    return memory[r]
  end
  finish(ctx, denied_fields(m, "create", input, {}, holds))
  if not sets_owner(m, caller) then return end
  for _, r in ipairs(rules_of(m)) do
    local owners = r.allow == "owner" and holds(r) and auth_rule.owners(r, caller) or {}
    local field = r.owner_field or "owner"
    if input[field] == nil and owners[1] then
      input[field] = r.owner_is_list and setmetatable({ owners[1] }, core.array_mt) or owners[1]
    end
  end
end

local function key_fields(m)
  local names = { [m.key.partition] = true }
  for _, name in ipairs(m.key.sort or {}) do names[name] = true end
  return names
end

---Whether a caller may change this record so. To null a field is to delete it.
---@param m appsync.server.Model
---@param ctx appsync.server.Context
---@param item table? as it is stored
---@param input table
function ModelGuard:update(m, ctx, item, input)
  if is_free(self, m, ctx) then return end
  local caller = ctx.caller
  finish(ctx, denied_fields(m, "update", input, key_fields(m), function(r, value, is_own)
    local is_deletion = value == NULL and (is_own or not is_first(m))
    if not r.operations.update or (is_deletion and not r.operations.delete) then return false end
    return auth_rule.holds(r, caller, item or {})
  end))
end

---Whether a caller may delete this record, which takes the right to delete each of its fields.
---@param m appsync.server.Model
---@param ctx appsync.server.Context
---@param item table? as it is stored
function ModelGuard:delete(m, ctx, item)
  if is_free(self, m, ctx) then return end
  local function allows(rules)
    for _, r in ipairs(rules) do
      if r.operations.delete and auth_rule.holds(r, ctx.caller, item or {}) then return true end
    end
    return false
  end
  if not allows(rules_of(m)) then refuse(ctx) end
  for _, rules in pairs(not is_first(m) and m.field_rules or {}) do
    if not allows(rules) then refuse(ctx) end
  end
end

-- What a rule that looks at records makes of a subscription: the field and the owner that it asks for, or else it adds to
-- `filters`.
local function listens(r, caller, args, filters)
  local field, values, is_list = auth_rule.key(r, caller)
  if #values == 0 then return nil end
  if r.allow == "owner" then
    local asked = not is_list and args[field] or nil
    if asked ~= nil and asked ~= NULL then return field, asked end
    -- The service compares what events show of an owner, the last part; here `owns` decides, and this has its place in the
    -- filter and its limits.
    filters[#filters + 1] = { [field] = { [is_list and "contains" or "eq"] = auth_rule.shown(values[1]) } }
  else
    -- More groups than the operators take are refused, as on the service: 5 for a text, 20 for a list.
    filters[#filters + 1] = { [field] = { [is_list and "containsAny" or "in"] = values } }
  end
  return nil
end

-- Of the rules by an owner's field those that admit who asks for this owner: each has claims of its own.
local function rules_for_owner(rules, caller, field, asked)
  local list = {}
  for _, r in ipairs(rules) do
    local its_field, values, is_list = auth_rule.key(r, caller)
    if r.allow == "owner" and its_field == field and not is_list and contains(values, asked) then list[#list + 1] = r end
  end
  return list
end

-- Events are for those who would find the record in a list, by all of its owner: two users of one name, of one pool or of
-- several issuers, share what events show of it. A field that the mutation did not select is null in the event, which is
-- nobody's.
local function owns(rules, caller)
  return function(value, record)
    if type(value) ~= "table" then return false end
    for _, r in ipairs(rules) do
      local shown = value[(auth_rule.key(r, caller))]
      if shown ~= nil and shown ~= NULL and auth_rule.holds(r, caller, record) then return true end
    end
    return false
  end
end

---Which events of a subscription a caller gets.
---@param m appsync.server.Model
---@param _ {name: string} the event: the rules are the same for all
---@param ctx appsync.server.Context
---@param args table of the subscription
---@return table? filter of the model's subscription filter input; nil: all that fit the arguments
---@return (fun(value: any, record: any): boolean)? holds for the event and the record that it is of; in place of the filter
function ModelGuard:subscribe(m, _, ctx, args)
  if m.level == "public" or is_free(self, m, ctx) then return nil end
  local caller, by_record, filters = ctx.caller, {}, {}
  for _, r in ipairs(rules_of(m)) do
    local verdict = false
    if r.operations.listen then verdict = auth_rule.allows(r, caller) end
    if verdict then return nil end
    if verdict == nil then by_record[#by_record + 1] = r end
  end
  -- In their order: the first owner's field that is asked for decides, whatever the rules of others would let pass.
  for _, r in ipairs(by_record) do
    local field, asked = listens(r, caller, args, filters)
    if field then
      local admitting = rules_for_owner(by_record, caller, field, asked)
      if #admitting == 0 then refuse(ctx) end
      return nil, owns(admitting, caller)
    end
  end
  if #filters == 0 then refuse(ctx) end
  return { ["or"] = setmetatable(filters, core.array_mt) }, owns(by_record, caller)
end

---Resolvers of one's own that stand in the place of generated ones: they are for those whom some rule allows the operation.
---Which records it gives them is the resolver's own matter.
---@param resolvers table<string, table<string, function>> by type and field
---@param roots {query: {name: string}?, mutation: {name: string}?}
function ModelGuard:cover(resolvers, roots)
  local function add(m, op, name)
    local root = (op == "get" or op == "list" or op == "sync" or op == "search") and roots.query or roots.mutation
    if root and (resolvers[root.name] or {})[name] then self.covered[root.name .. "." .. name] = { m = m, op = op } end
  end
  for _, m in pairs(self.models) do
    for op, name in pairs(m.ops) do add(m, op, name) end
    if m.search then add(m, "search", m.search.query) end
    for _, index in ipairs(m.indexes or {}) do
      if index.query then add(m, "list", index.query) end
    end
  end
end

local function check_covered(self, covered, ctx)
  if is_free(self, covered.m, ctx) then return end
  local is_allowed = false
  each_rule(covered.m, function(r)
    if r.operations[covered.op] and auth_rule.allows(r, ctx.caller) ~= false then is_allowed = true end
  end)
  if not is_allowed then refuse(ctx) end
end

---Whether a field has to be asked for. A model of which a field has rules of its own is read field by field; what the schema
---doesn't declare, its times and versions, comes with the record.
---@param type_name string
---@param field_name string
---@return boolean
function ModelGuard:has_field(type_name, field_name)
  local m = self.models[type_name]
  local field = m and m.field_by_name[field_name]
  if m then return next(m.field_rules or {}) ~= nil and field ~= nil and field.is_declared ~= false end
  local path = type_name .. "." .. field_name
  return self.field_rules[path] ~= nil or self.covered[path] ~= nil
end

-- In the result of a mutation a field with rules of its own is null: every subscriber would be sent it.
local function is_hidden(m, field_name, source)
  local of_field = field_rules_of(m, field_name, "get")
  return of_field ~= nil and m.level == "on" and source.__operation == "Mutation" and not m.field_by_name[field_name].is_required
end

---Whether a caller may read a field of a record, or ask for one of a type that is no model. Throws when not.
---@param m appsync.server.Model|string the model, or a type's name
---@param field_name string
---@param ctx appsync.server.Context
---@return boolean is_hidden the field is null without an error
function ModelGuard:field(m, field_name, ctx)
  local type_name = type(m) == "table" and m.name or m
  local model, caller = self.models[type_name], ctx.caller
  if not caller or not caller.mode or (caller.iam and caller.iam.is_admin) then return false end
  local covered = self.covered[type_name .. "." .. field_name]
  if covered then check_covered(self, covered, ctx) end
  local source = type(ctx.source) == "table" and ctx.source or {}
  local rules
  if model then
    rules = field_rules_of(model, field_name, "get") or (is_first(model) and ANYONE) or rules_of(model)
  else
    rules = self.field_rules[type_name .. "." .. field_name]
  end
  if not rules then return false end
  for _, r in ipairs(rules) do
    -- Operations say something of models only.
    if (not model or may_read(r)) and auth_rule.holds(r, caller, source) then
      return model ~= nil and is_hidden(model, field_name, source)
    end
  end
  error(not_authorized(type_name, field_name), 0)
end

---Whether a field holds an owner, of whom clients see the last part only.
---@param m appsync.server.Model
---@param field_name string
---@return boolean
function ModelGuard.is_owner(_, m, field_name)
  local found = false
  each_rule(m, function(r)
    if r.allow == "owner" and (r.owner_field or "owner") == field_name then found = true end
  end)
  return found
end

---The value of a field as clients are shown it: of an owner, the last part.
---@param m appsync.server.Model
---@param field_name string
---@param value any
---@return any
function ModelGuard:shown(m, field_name, value)
  return self:is_owner(m, field_name) and auth_rule.shown(value) or value
end

require("appsync.server.auth.aggregate_rules").extend(ModelGuard, is_free, rules_of)

return model_guard
