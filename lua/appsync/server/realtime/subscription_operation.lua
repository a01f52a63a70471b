---Subscriptions: which published mutation results a subscriber gets, and what of them (AppSync Developer Guide, "Real-time
---data": arguments filter by equality, the payload is the mutation's own selection; "Defining enhanced subscription
---filters").
local coerce = require "appsync.server.graphql.coerce"
local core = require "appsync.core"
local enhanced_filter = require "appsync.server.realtime.enhanced_filter"
local execute = require "appsync.server.graphql.execute"
local field_auth = require "appsync.server.auth.field_auth"
local filter = require "appsync.server.data.filter"
local render_key = require "appsync.server.realtime.render_key"
local resolver_context = require "appsync.server.graphql.resolver_context"
local read_thrown = require("appsync.server.graphql.thrown").read
local schema = require "appsync.server.graphql.schema"
local selection = require "appsync.server.graphql.selection"
local to_subscription_filter = require "appsync.server.realtime.to_subscription_filter"

local NULL = core.null

---@class appsync.server.Subscription
---@field field string name of the subscription's root field
---@field mutations table<string, true> the fields that feed it
---@field render_key string subscriptions with the same one get the same payload of one result
---@field notes string[] what in its filters has no effect
---@field request appsync.server.Request? what began it
---@field private x appsync.server.Execution
---@field private operation appsync.ast.OperationDefinition
---@field private tests (fun(value: any, record: any): boolean)[] all of them must hold
---@field private names table<string, true> the payload's fields that they look at
---@field private invalidation (fun(payload: table): boolean)?
local Subscription = {}
Subscription.__index = Subscription

local subscription_operation = {}

---Whether a mutation's result passes its filters.
---@param value any the result, restricted to the mutation's selection set
---@param record table? what the result was made of
---@return boolean
function Subscription:wants(value, record)
  for _, test in ipairs(self.tests) do
    if not test(value, record or value) then return false end
  end
  return true
end

---Why a mutation's result does not pass, where it is the mutation's fault: a field that a filter looks at and that the
---mutation did not select.
---@param value any
---@return string? name
function Subscription:lacks(value)
  if type(value) ~= "table" then return nil end
  for name in pairs(self.names) do
    if value[name] == nil then return name end
  end
  return nil
end

---The payload for a mutation's result.
---@param value any
---@return string json `{"data":{…}}`, with `errors` where the mutation did not select a field that is required
function Subscription:render(value)
  local x = {}
  for name, member in pairs(self.x) do x[name] = member end
  return (execute.run(x, self.operation, { [self.field] = value }))
end

---The payload for one published mutation result, or nil when it is not for this subscription.
---@param published appsync.server.Published one of the results of `engine:execute`
---@return string? json
function Subscription:match(published)
  if not self.mutations[published.field] or not self:wants(published.value, published.record) then return nil end
  return self:render(published.value)
end

---Whether an invalidation's payload ends it.
---@param payload table
---@return boolean
function Subscription:is_invalidated(payload)
  return self.invalidation ~= nil and self.invalidation(payload)
end

local function is_model_filter(arg)
  return schema.named(arg.type).name:find("^ModelSubscription.*FilterInput$") ~= nil
end

-- An argument that is null asks for payloads whose field is null or absent.
local function equality_test(name, wanted)
  return function(value)
    if type(value) ~= "table" then return false end
    local actual = value[name]
    if actual == nil then actual = NULL end
    return filter.is_equal(actual, wanted)
  end
end

local function add_test(tests, matches, names)
  tests[#tests + 1] = matches
  for name in pairs(names) do tests.names[name] = true end
end

local function compile(conditions)
  if #conditions == 0 then return nil, {} end
  local object = to_subscription_filter({ ["and"] = setmetatable(conditions, core.array_mt) })
  if #object.filterGroup == 0 then return nil, {} end
  local matches, _, names = enhanced_filter.compile(object)
  return matches, names
end

-- The generated `filter` argument and the rule of @auth become one enhanced filter, as the service's resolvers make it, with
-- its limits. Where the rule has a test of its own (`holds`), this decides in place of its part of the filter.
local function add_conditions(tests, rule, client)
  local both = { rule.filter }
  both[#both + 1] = client
  local matches, names = compile(both)
  if rule.holds then
    matches = compile({ client })
    add_test(tests, rule.holds, names)
  end
  if matches then add_test(tests, matches, names) end
end

local function add_arguments(tests, definition, args)
  for _, arg in ipairs(definition.arg_list) do
    local wanted = args[arg.name]
    if wanted ~= nil and not is_model_filter(arg) then
      add_test(tests, equality_test(arg.name, wanted), { [arg.name] = true })
    end
  end
end

local function tests_of(x, definition, args, rule)
  local tests, own, client = { names = {} }, x.enhanced_filter, nil
  if own then add_test(tests, own.matches, own.names) end
  -- The arguments of a model's subscription are its owners: a rule that has let one pass counts on its test.
  local is_guarded = x.guard ~= nil and x.events ~= nil and x.events[definition.name] ~= nil
  if not own or is_guarded then add_arguments(tests, definition, args) end
  for _, arg in ipairs(definition.arg_list) do
    local wanted = args[arg.name]
    if not own and is_model_filter(arg) and wanted ~= nil and wanted ~= NULL then client = wanted end
  end
  add_conditions(tests, rule, client)
  return tests
end

local function refusal(thrown, node)
  local err = read_thrown(thrown)
  return { {
    message = err.message, errorType = err.type, data = err.data, errorInfo = err.info, path = { node.alias or node.name },
    locations = { { line = node.loc.line, column = node.loc.column } },
  } }
end

-- The rules of @auth may refuse, or give a filter of the models' kind and a test of the record.
local function ask_guard(x, definition, ctx, args)
  local event = x.events and x.events[definition.name]
  local root = x.schema.subscription.name
  if x.guard and x.guard.has_field and x.guard:has_field(root, definition.name) then x.guard:field(root, definition.name, ctx) end
  if not event or not x.guard or not x.guard.subscribe then return {} end
  local conditions, holds = x.guard:subscribe(event.model, event.event, ctx, args)
  return { filter = conditions, holds = holds }
end

-- A resolver of the user's, or of @function.
local function resolver_of(x, name)
  local root = x.schema.subscription.name
  local own, generated = x.resolvers[1][root], x.resolvers[2][root]
  return own and own[name] or generated and generated[name]
end

-- It runs once, when the subscription begins, and may refuse it. What it returns goes nowhere.
local function run_resolver(x, definition, ctx)
  local resolver = resolver_of(x, definition.name)
  if not resolver then return end
  local trace = x.trace
  if trace then trace:enter(x.at.type, definition, resolver, ctx) end
  local ok, thrown = pcall(resolver, ctx)
  if trace then trace:leave(x.at.type, definition, ok, thrown) end
  if not ok then error(thrown, 0) end
  local appended = x.errors[1]
  if appended then
    error({ message = appended.message, type = appended.errorType, data = appended.data, info = appended.errorInfo }, 0)
  end
end

local function prepare(x, definition, args)
  local ctx = resolver_context.complete(x, nil, args)
  local rule = ask_guard(x, definition, ctx, args)
  run_resolver(x, definition, ctx)
  return tests_of(x, definition, args, rule)
end

-- Rendering needs no more of the execution; the subscription may live for a day.
local function rendering(x)
  return {
    schema = x.schema, resolvers = x.resolvers, fragments = x.fragments, plans = x.plans, variables = x.variables,
    identity = x.identity, modes = x.modes, gate = x.gate, request = x.request, is_serialized = true,
  }
end

local function notes_of(x, definition, names)
  local notes = {}
  for _, set in ipairs({ x.enhanced_filter or { notes = {} }, x.invalidation_filter }) do
    for _, note in ipairs(set.notes) do notes[#notes + 1] = note end
  end
  local type_ = schema.named(definition.type)
  for name in pairs(type_.fields and names or {}) do
    if not type_.fields[name] then
      notes[#notes + 1] = ("it is filtered by '%s', which is no field of type '%s' and so null in every event"):format(name, type_.name)
    end
  end
  return notes
end

---Begins a subscription with a valid operation.
---@param x appsync.server.Execution
---@param operation appsync.ast.OperationDefinition
---@return appsync.server.Subscription? subscription, appsync.server.ErrorEntry[]? errors
function subscription_operation.new(x, operation)
  local root = x.schema.subscription
  local group = selection.collect(x, root, { operation })[1]
  if not group then return nil, { { message = "The subscription selects nothing" } } end
  local node = group.nodes[1]
  local definition = root.fields[node.name]
  if not field_auth.allows(x.identity, x.modes, root, definition) then
    return nil, refusal(field_auth.refusal(root.name, node.name), node)
  end
  local args, message = coerce.arguments(definition.arg_list, node.arguments, x.variables)
  if not args then return nil, refusal({ message = message }, node) end
  x.at, x.errors, x.path, x.depth = { type = root, field = definition, nodes = group.nodes }, {}, { group.key }, 1
  local ok, tests = pcall(prepare, x, definition, args)
  if not ok then return nil, refusal(tests, node) end
  local mutations = {}
  for _, name in ipairs(x.schema.subscribe[node.name] or {}) do mutations[name] = true end
  return setmetatable({
    field = node.name, x = rendering(x), operation = operation, mutations = mutations, tests = tests, names = tests.names,
    notes = notes_of(x, definition, tests.names),
    render_key = render_key(x, operation), invalidation = x.invalidation_filter and x.invalidation_filter.matches,
  }, Subscription)
end

---The events of models by their subscription fields, for the rules of @auth.
---@param models appsync.server.Model[]
---@return table<string, {model: appsync.server.Model, event: table}>
function subscription_operation.events(models)
  local events = {}
  for _, m in ipairs(models) do
    for _, event in ipairs(m.events or {}) do events[event.name] = { model = m, event = event } end
  end
  return events
end

return subscription_operation
