---Queries that are sent anew once a mutation has brought data.
local arguments = require "appsync.client.arguments"
local call = require "appsync.call"
local errors = require "appsync.errors"
local log = require "appsync.log"
local printable = require "appsync.printable"
local query = require "appsync.client.query"
local task = require "appsync.task"

local refetching = {}

---Checks `refetch`, before anything is sent.
---@param plan appsync.client.Plan of the mutation
function refetching.prepare(plan)
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

---Sends them, as tasks of their own: nobody waits for them.
---@param client appsync.Client
---@param plan appsync.client.Plan
function refetching.run(client, plan)
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

return refetching
