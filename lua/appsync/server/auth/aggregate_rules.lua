---What the rules of @auth let a caller aggregate in a search (Amplify documentation, "Search and aggregations").
local auth_rule = require "appsync.server.auth.auth_rule"
local core = require "appsync.core"

local aggregate_rules = {}

-- The filter of the records whose field may be aggregated; nil for all of them. Throws when there are none.
local function filter_of(rules, field, caller)
  local filters = {}
  for _, r in ipairs(rules) do
    local verdict = r.operations.search and auth_rule.allows(r, caller)
    if verdict then return nil end
    if r.operations.search and verdict == nil then auth_rule.add_filters(r, caller, filters) end
  end
  if #filters > 0 then return { ["or"] = setmetatable(filters, core.array_mt) } end
  error({ message = "Unauthorized to run aggregation on field: " .. field, type = "Unauthorized" }, 0)
end

---Gives the guard of models its method `aggregate`.
---@param ModelGuard appsync.server.ModelGuard
---@param is_free fun(guard: appsync.server.ModelGuard, m: appsync.server.Model, ctx: appsync.server.Context): true? or throws
---@param rules_of fun(m: appsync.server.Model): appsync.server.Rule[]
function aggregate_rules.extend(ModelGuard, is_free, rules_of)
  ---Which records a caller may aggregate a field of; throws where the caller may aggregate none.
  ---@param m appsync.server.Model
  ---@param field string
  ---@param ctx appsync.server.Context
  ---@return table? filter as of `read`
  function ModelGuard:aggregate(m, field, ctx)
    if is_free(self, m, ctx) then return nil end
    return filter_of((m.field_rules or {})[field] or rules_of(m), field, ctx.caller)
  end
end

return aggregate_rules
