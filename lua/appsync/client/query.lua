---Queries by their fetch policy.
local cache = require "appsync.client.cache"
local operation = require "appsync.client.operation"

local query = {}

local POLICIES = {}

---@return any data, appsync.Error? err, appsync.Info info
local function ask(client, plan)
  plan.cache = cache.open(client, plan.where)
  return operation.execute(client, plan)
end

POLICIES["network-only"] = ask
-- What the cache has is told to `on_result` first; whoever waits gets the network's answer.
POLICIES["cache-and-network"] = function(client, plan)
  local first = plan.options.on_first
  if first then
    local data = cache.read(client, plan)
    if data ~= nil then first(data, nil, { source = "cache" }) end
  end
  return ask(client, plan)
end

POLICIES["cache-first"] = function(client, plan)
  local data, _, err = cache.read(client, plan)
  if data ~= nil then return data, nil, { source = "cache" } end
  if err and err.kind == "closed" then return nil, err, { source = "cache" } end
  return ask(client, plan)
end

POLICIES["cache-only"] = function(client, plan)
  local data, missing, err = cache.read(client, plan)
  return data, err or (missing and cache.missing_error(missing)), { source = "cache" }
end

---@param client appsync.Client
---@param plan appsync.client.Plan
---@return any data, appsync.Error? err, appsync.Info info
function query.execute(client, plan)
  if not cache.serves(client, plan.options) then return operation.execute(client, plan) end
  local policy = plan.options.fetch_policy or client.root.query_policy or "cache-first"
  if policy == "no-cache" then return operation.execute(client, plan) end
  return POLICIES[policy](client, plan)
end

return query
