---Mutations, and the queries that are asked anew after one.
local arguments = require "appsync.client.arguments"
local cache = require "appsync.client.cache"
local cache_rules = require "appsync.client.cache_rules"
local call = require "appsync.call"
local errors = require "appsync.errors"
local log = require "appsync.log"
local operation = require "appsync.client.operation"
local optimistic = require "appsync.client.optimistic"
local printable = require "appsync.printable"
local query = require "appsync.client.query"
local task = require "appsync.task"
local updates = require "appsync.updates"

local mutation = {}

local function prepare_rules(plan)
  local given = plan.options.cache_updates
  if given == nil then return end
  local name = plan.operation.root_names[1]
  if not name then
    errors.misuse("%s: with cache_updates the mutation must select its field itself, not in a fragment", plan.where)
  end
  plan.cache_rules = cache_rules.check(given, { kind = updates.kind_of(name), id_field = "id" }, plan.where)
end

---Checks `cache_updates` and `refetch`, before anything is sent.
---@param plan appsync.client.Plan of the mutation
function mutation.prepare(plan)
  prepare_rules(plan)
  local given = plan.options.refetch
  if not given then return end
  plan.refetch = {}
  if given[1] == nil and next(given) ~= nil then
    errors.misuse("%s: refetch must be a list of documents or of tables {query =, variables =}, got a table without one",
      plan.where)
  end
  for i, item in ipairs(given) do
    local again = arguments.plan("query", ("%s: refetch[%d]"):format(plan.where, i), item)
    again.options.fetch_policy = "network-only"
    plan.refetch[i] = again
  end
end

-- As tasks of their own: nobody waits for them.
local function refetch(client, plan)
  for _, again in ipairs(plan.refetch or {}) do
    local function tell(err)
      log.emit(client.root.log, "warn", ("%s failed: %s"):format(again.where, printable.text(err)), { err = err })
    end
    task.spawn_asked(tell, function()
      local _, err = call.run(again.options, query.execute, client, again)
      if err then tell(err) end
    end)
  end
end

---Sends it once. What it brings is in the cache before the call returns.
---@param client appsync.Client
---@param plan appsync.client.Plan
---@return any data, appsync.Error? err, appsync.Info info
function mutation.execute(client, plan)
  if plan.options.fetch_policy ~= "no-cache" and cache.serves(client, plan.options) then
    local opened, err = cache.open(client, plan.where)
    if not opened then return nil, err, { source = "network" } end
    plan.cache = opened
  end
  local execute = optimistic.is_wanted(client, plan) and optimistic.execute or operation.execute
  local data, err, info = execute(client, plan)
  if data ~= nil then refetch(client, plan) end
  return data, err, info
end

return mutation
