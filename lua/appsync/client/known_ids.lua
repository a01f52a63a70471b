---By which ids a query that is watched is kept: by the service's, unless all that is known of it was written under temporary ones.
local stepwise = require "appsync.stepwise"
local temporary_ids = require "appsync.client.temporary_ids"

local known_ids = {}

local function is_kept(client, plan, variables)
  local reading = client.readings:of_query(plan.document, plan.operation)
  local data, _, _, _, is_large = reading:read(variables, false, nil, stepwise.LARGE_BYTES, true)
  return data ~= nil or is_large == true
end

---@param client appsync.Client whose cache is open
---@param plan appsync.client.Plan
---@return table? variables to look with
function known_ids.variables(client, plan)
  local given = plan.variables
  local replaced = temporary_ids.replace(client.cache, given)
  if replaced == given or is_kept(client, plan, replaced) or not is_kept(client, plan, given) then return replaced end
  return given
end

return known_ids
