---`ctx.extensions` of resolvers (AppSync Developer Guide, "Extensions"): enhanced filters and invalidation of
---subscriptions.
local enhanced_filter = require "appsync.server.realtime.enhanced_filter"

local extensions = {}

local MAX_INVALIDATIONS = 5

local function fail(message, ...)
  error({ message = message:format(...), type = "BadRequestException" }, 0)
end

local function check_place(at, type_, name, what)
  if at.type ~= type_ then
    fail("extensions.%s is for resolvers of %s fields, not for '%s.%s'", name, what, at.type.name, at.field.name)
  end
end

local function set_filter(x, at, name, target, filter)
  check_place(at, x.schema.subscription, name, "subscription")
  local matches, notes, names = enhanced_filter.compile(filter)
  x[target] = { matches = matches, notes = notes, names = names }
end

local function invalidate(x, at, request)
  check_place(at, x.schema.mutation, "invalidate_subscriptions", "mutation")
  if type(request) ~= "table" then
    fail("extensions.invalidate_subscriptions takes a table {subscription_field=, payload=}, not a %s", type(request))
  end
  for name in pairs(request) do
    if name ~= "subscription_field" and name ~= "payload" then
      fail("extensions.invalidate_subscriptions takes subscription_field and payload, not '%s'", tostring(name))
    end
  end
  local field, payload = request.subscription_field, request.payload
  local root = x.schema.subscription
  if type(field) ~= "string" or not (root and root.fields[field]) then
    fail("subscription_field of extensions.invalidate_subscriptions must be a field of the subscription type, not '%s'",
      tostring(field))
  elseif type(payload) ~= "table" then
    fail("payload of extensions.invalidate_subscriptions must be a table, not a %s", type(payload))
  end
  x.invalidations = x.invalidations or {}
  if #x.invalidations >= MAX_INVALIDATIONS then
    fail("extensions.invalidate_subscriptions may be called at most %d times in a request", MAX_INVALIDATIONS)
  end
  table.insert(x.invalidations, { invalidates = field, payload = payload })
end

---@class appsync.server.Extensions
---@field set_subscription_filter fun(filter: table) in a subscription's resolver: from now on its arguments don't filter
---@field set_subscription_invalidation_filter fun(filter: table) in a subscription's resolver
---@field invalidate_subscriptions fun(request: {subscription_field: string, payload: table}) in a mutation's resolver, at most five
---  times in a request; it takes place after the mutation, even when the resolver fails later on: call it last

---The member of a resolver's context.
---@type appsync.server.Provider
function extensions.provide(_, x)
  local at = x.at
  return {
    set_subscription_filter = function(filter)
      set_filter(x, at, "set_subscription_filter", "enhanced_filter", filter)
    end,
    set_subscription_invalidation_filter = function(filter)
      set_filter(x, at, "set_subscription_invalidation_filter", "invalidation_filter", filter)
    end,
    invalidate_subscriptions = function(request) invalidate(x, at, request) end,
  }
end

return extensions
