---By which ids a query that is watched is kept: by the service's, unless all that is known of it was written under temporary ones.
local hydration = require "appsync.client.hydration"
local stepwise = require "appsync.stepwise"
local task = require "appsync.task"
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

---Calls `fn`: at once where they can be found without opening the store on this thread, which a frame would wait for; else once
---the core has opened it.
---@param client appsync.Client whose cache is open
---@param plan appsync.client.Plan
---@param fn fun()
---@param on_raised fun(raised: any) what it raises later
function known_ids.when_at_hand(client, plan, fn, on_raised)
  if not temporary_ids.of_core(client.cache, plan.variables) or client.cache:ids_are_at_hand() then return fn() end
  task.spawn_asked(on_raised, function()
    hydration.wait(client, {}, plan.where)
    fn()
  end)
end

return known_ids
