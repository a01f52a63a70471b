---Queries by their fetch policy.
---
---                       the cache has it all          it lacks something
---    cache-first        the cache's data (unless it   the network is asked
---                       has expired)
---    cache-and-network  told to `on_result`, then     the network is asked
---                       the network is asked
---    network-only       the network is asked          the network is asked
---    cache-only         the cache's data              an error that names what is missing
---    no-cache           the network is asked, and nothing is kept
---
---Where the network is asked and can't be reached, the cache answers if it has it all. That it can't be reached is told by
---this call's own error, after its retries, or by the host, with `client:set_online(false)`: then it isn't even tried.
local cache = require "appsync.client.cache"
local counts = require "appsync.counts"
local errors = require "appsync.errors"
local hydration = require "appsync.client.hydration"
local json = require "appsync.json"
local large_read = require "appsync.client.large_read"
local operation = require "appsync.client.operation"
local scheduler = require "appsync.scheduler"
local stepwise = require "appsync.stepwise"
local synced_queries = require "appsync.client.synced_queries"
local task = require "appsync.task"

local query = {}

-- What answers from the cache where it can: a light client has one from then on.
local READS = { ["cache-first"] = true, ["cache-and-network"] = true, ["cache-only"] = true }

---No connection came about, or it was lost. What somebody answered, and a certificate that isn't accepted, is told.
---@param err appsync.Error?
---@return boolean
function query.is_unreachable(err)
  if not err then return false end
  return (err.kind == "network" and err.retryable) or (err.kind == "timeout" and err.code == "connect_timeout")
end

local function offline_error()
  return errors.new("network", "the client is offline: set_online(false) was called", { code = "offline", sent = false })
end

-- What the caller did, or the call's own time: nothing else is tried after it.
local ENDS = { closed = true, cancelled = true, timeout = true }

---@param is_partial boolean? all that is missing is named
---@return any data, appsync.Error? err, boolean? has_expired, string[]? missing
local function read(client, plan, is_partial)
  local data, missing, err, has_expired, is_large = cache.read(client, plan, is_partial, stepwise.LARGE_BYTES)
  if is_large then return large_read(client, client.cache, plan) end
  return data, err, has_expired, missing
end

-- What the cache has. A store that isn't open yet is waited for: it lacks nothing, and this thread would have to open it.
---@return any data nil: not all of it is there
---@return appsync.Error? err that ends the call
---@return boolean? has_expired some of it is older than `cache.ttl` allows
local function look(client, plan)
  if not client.root.is_hydrated then
    local _, err = hydration.wait(client, plan.options, plan.where)
    if err and ENDS[err.kind] then return nil, err end
  end
  local data, err, has_expired = read(client, plan)
  return data, err and ENDS[err.kind] and err or nil, has_expired
end

-- The cache's answer in the place of the network's.
local function stand_in(client, plan, err, info)
  local data, end_err = look(client, plan)
  if data == nil then return nil, end_err or err, info end
  return data, nil, { source = "cache", cause = err }
end

---Asks the network, unless the host has said that there is none.
---@param client appsync.Client
---@param plan appsync.client.Plan
---@return any data, appsync.Error? err, appsync.Info info
function query.send(client, plan)
  if client.root.is_online == false then return nil, offline_error(), { source = "network" } end
  return operation.execute(client, plan)
end

---@return any data, appsync.Error? err, appsync.Info info
local function ask(client, plan)
  local opened, open_err = cache.open(client, plan.where)
  if not opened then return nil, open_err, { source = "network" } end
  plan.cache = opened
  local data, err, info = query.send(client, plan)
  if query.is_unreachable(err) then return stand_in(client, plan, err, info) end
  return data, err, info
end

-- Whether the cache has answered.
local function note(client, is_hit)
  local of = client.root.counts
  if is_hit then of.hits = of.hits + 1 else of.misses = of.misses + 1 end
end

local POLICIES = { ["network-only"] = ask }

POLICIES["cache-first"] = function(client, plan)
  local data, err, has_expired = look(client, plan)
  local is_hit = data ~= nil and not has_expired
  if not err then note(client, is_hit) end
  if err or is_hit then return data, err, { source = "cache" } end
  return ask(client, plan)
end

POLICIES["cache-only"] = function(client, plan)
  local data, err = look(client, plan)
  if not err then note(client, data ~= nil) end
  if data ~= nil or err then return data, err, { source = "cache" } end
  local partial, read_err, _, missing = read(client, plan, true) -- which doesn't end at the first one
  if read_err or missing then return nil, read_err or cache.missing_error(missing), { source = "cache" } end
  return partial, nil, { source = "cache" }
end

-- `on_result` is called with what the cache has while the network is asked, and is through with it before the second call.
POLICIES["cache-and-network"] = function(client, plan)
  local on_result = plan.options.on_result
  local cached, end_err
  if on_result then cached, end_err = look(client, plan) end
  if end_err then return nil, end_err, { source = "cache" } end
  if on_result then note(client, cached ~= nil) end
  if cached == nil then return ask(client, plan) end
  local told = task.spawn(on_result, cached, nil, { source = "cache" })
  local data, err, info = ask(client, plan)
  local _, failure = told:await()
  if failure and failure.raised ~= nil then error(failure.raised, 0) end
  return data, err, info
end

local function is_light_and_reads(client, policy)
  return READS[policy] and not client.root.has_cache and client.root:ensure_cache()
end

-- Without one they are the plan's own: `variables.declared` has made their table.
local function has_tables(variables)
  if not variables then return false end
  for _, value in pairs(variables) do
    if type(value) == "table" then return true end
  end
  return false
end

local function execute(client, plan)
  local root = client.root
  local policy = plan.options.fetch_policy or root.query_policy or (root.has_store and "cache-first" or "network-only")
  scheduler.check(plan.where)
  local is_served = (cache.is_kept(client) or is_light_and_reads(client, policy)) and cache.serves(client, plan.options)
  if root.synced_queries then
    synced_queries.look(client, plan.document, plan.operation.name, plan.variables, policy, plan.where)
  end
  if policy == "no-cache" or (not is_served and policy ~= "cache-only") then return operation.execute(client, plan) end
  if not is_served then return nil, cache.no_cache_error(), { source = "cache" } end
  if has_tables(plan.variables) then plan.variables = json.copy(plan.variables) end -- they are looked at again
  return POLICIES[policy](client, plan)
end

---@param client appsync.Client
---@param plan appsync.client.Plan
---@return any data, appsync.Error? err, appsync.Info info
function query.execute(client, plan)
  return counts.call(client.root.counts.kinds.query, execute, client, plan)
end

return query
