---Mutations, and the queries that are asked anew after one.
local arguments = require "appsync.client.arguments"
local cache = require "appsync.client.cache"
local call = require "appsync.call"
local errors = require "appsync.errors"
local log = require "appsync.log"
local operation = require "appsync.client.operation"
local optimistic = require "appsync.client.optimistic"
local printable = require "appsync.printable"
local query = require "appsync.client.query"
local task = require "appsync.task"

local mutation = {}

---Checks `refetch`, before anything is sent.
---@param plan appsync.client.Plan of the mutation
function mutation.prepare(plan)
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
