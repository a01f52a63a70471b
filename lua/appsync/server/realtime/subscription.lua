--- Subscriptions: which published mutation results a subscriber gets, and what of them (AppSync Developer Guide, "Real-time
--- data": arguments filter by equality, the payload is the mutation's own selection).
local coerce = require("appsync.server.graphql.coerce")
local context = require("appsync.server.graphql.context")
local core = require("appsync.core")
local execute = require("appsync.server.graphql.execute")
local field_auth = require("appsync.server.auth.field_auth")
local filter = require("appsync.server.data.filter")
local result = require("appsync.server.graphql.result")
local schema = require("appsync.server.graphql.schema")
local selection = require("appsync.server.graphql.selection")

local NULL = core.null

---@class appsync.server.Subscription
---@field field string name of the subscription's root field
---@field private x appsync.server.Execution
---@field private operation appsync.ast.OperationDefinition
---@field private args table<string, any>
---@field private mutations table<string, true>
---@field private definition appsync.server.Field
local Subscription = {}
Subscription.__index = Subscription

local subscription = {}

local function is_model_filter(arg)
  return schema.named(arg.type).name:find("^ModelSubscription.*FilterInput$") ~= nil
end

-- An argument that is null asks for payloads whose field is null or absent.
local function matches_argument(arg, wanted, payload)
  if is_model_filter(arg) then return filter.matches_payload(wanted, payload) end
  local actual = payload[arg.name]
  if wanted == NULL then return actual == nil or actual == NULL end
  return actual ~= nil and actual ~= NULL and filter.is_equal(actual, wanted)
end

local function matches_arguments(self, payload)
  for _, arg in ipairs(self.definition.arg_list) do
    local wanted = self.args[arg.name]
    if wanted ~= nil and not (type(payload) == "table" and matches_argument(arg, wanted, payload)) then return false end
  end
  return true
end

--- The payload for one published mutation result, or nil when it is not for this subscription.
---@param published {field: string, value: any} one of the results of `engine:execute`
---@return string? json `{"data":{…}}`, with `errors` where the mutation did not select a field that is required
function Subscription:match(published)
  if not self.mutations[published.field] then return nil end
  if not matches_arguments(self, published.value) then return nil end
  local x = {}
  for key, value in pairs(self.x) do x[key] = value end
  x.is_serialized = true
  local text, errors = execute.run(x, self.operation, { [self.field] = published.value })
  return result.body(text, errors)
end

local function refusal(thrown, node)
  local err = result.thrown(thrown)
  return { {
    message = err.message, errorType = err.type, data = err.data, errorInfo = err.info, path = { node.alias or node.name },
    locations = { { line = node.loc.line, column = node.loc.column } },
  } }
end

-- A resolver of the resolvers file runs once, when the subscription begins, and may refuse it.
local function run_resolver(x, definition, args, group, root)
  local of_root = x.resolvers[1][root.name]
  local resolver = of_root and of_root[definition.name]
  if not resolver then return true end
  x.at, x.errors, x.path, x.depth = { type = root, field = definition, nodes = group.nodes }, {}, { group.key }, 1
  return pcall(resolver, context.complete(x, nil, args))
end

local function check_filters(definition, args)
  for _, arg in ipairs(definition.arg_list) do
    if is_model_filter(arg) then filter.check(args[arg.name]) end
  end
end

--- Begins a subscription with a valid operation.
---@param x appsync.server.Execution
---@param operation appsync.ast.OperationDefinition
---@return appsync.server.Subscription? subscription, appsync.server.ErrorEntry[]? errors
function subscription.new(x, operation)
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
  local ok, thrown = pcall(check_filters, definition, args)
  if ok then ok, thrown = run_resolver(x, definition, args, group, root) end
  if not ok then return nil, refusal(thrown, node) end
  local mutations = {}
  for _, name in ipairs(x.schema.subscribe[node.name] or {}) do mutations[name] = true end
  return setmetatable({ field = node.name, x = x, operation = operation, args = args, mutations = mutations,
    definition = definition }, Subscription)
end

return subscription
