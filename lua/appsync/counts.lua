---What the clients of this Lua state have done, added up by endpoint: for hosts that show it to monitoring. A client that ends
---leaves its counts here, because a sum that falls would look like a restart.
local clock = require "appsync.clock"

local counts = {}

counts.BOUNDS = { 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10 } -- of the histograms' buckets, seconds

local BOUNDS, N_BOUNDS = counts.BOUNDS, #counts.BOUNDS

-- The core's (csrc/client/stats.h): what a client has done, and what it has now.
local COUNTERS = {
  "requests", "retries", "deduplicated", "bytes_sent", "bytes_received", "token_refreshes", "connections", "reconnects", "events",
  "dropped_events", "store_failures",
}
local GAUGES = { "operations_in_flight", "sockets", "subscriptions", "queued" }

---@class appsync.counts.Kind of "query" or "mutation"
---@field outcomes table<string, integer> calls by "ok", "queued", "partial" or the error's kind
---@field buckets integer[] calls that the cache didn't answer, by the first of BOUNDS that they didn't exceed; the last: all others
---@field seconds number of all of these together
---@field n integer of these

---@class appsync.counts.Counts
---@field endpoint string without user and query
---@field kinds {query: appsync.counts.Kind, mutation: appsync.counts.Kind}
---@field hits integer queries that the cache has answered
---@field misses integer queries that it could have answered, had it had the data
---@field package past table<string, number> the core's, of clients that have ended
---@field package live table<table, true> handles of those that haven't

local by_endpoint = {} ---@type table<string, appsync.counts.Counts>

local function new_kind()
  local buckets = {}
  for i = 1, N_BOUNDS + 1 do buckets[i] = 0 end
  return { outcomes = {}, buckets = buckets, seconds = 0, n = 0 }
end

-- No iteration by `pairs`: this is called by finalizers, also while a Lua state ends, where LuaJIT may repeat such a loop without
-- end once it is compiled.
local function add(sums, names, more)
  for i = 1, #names do
    local name = names[i]
    sums[name] = (sums[name] or 0) + (more[name] or 0)
  end
  return sums
end

---@param url string a client's endpoint
---@return appsync.counts.Counts
function counts.of(url)
  local endpoint = url:gsub("[?#].*$", ""):gsub("//[^/@]*@", "//")
  local of = by_endpoint[endpoint]
  if not of then
    of = { endpoint = endpoint, kinds = { query = new_kind(), mutation = new_kind() }, hits = 0, misses = 0, past = add({}, COUNTERS, {}),
      live = {} }
    by_endpoint[endpoint] = of
  end
  return of
end

local function outcome_of(data, err, info)
  if err then return data ~= nil and "partial" or err.kind end
  return info and info.queued and "queued" or "ok"
end

local function ended(kind, began, data, err, info)
  local outcome, outcomes = outcome_of(data, err, info), kind.outcomes
  outcomes[outcome] = (outcomes[outcome] or 0) + 1
  if info and info.source == "cache" then return data, err, info end
  local seconds, i = clock.now() - began, 1
  while i <= N_BOUNDS and seconds > BOUNDS[i] do i = i + 1 end
  kind.buckets[i], kind.seconds, kind.n = kind.buckets[i] + 1, kind.seconds + seconds, kind.n + 1
  return data, err, info
end

---Makes a call and counts it, unless it throws or its coroutine is never resumed.
---@param kind appsync.counts.Kind
---@param fn fun(client: appsync.Client, plan: table): any, appsync.Error?, appsync.Info?
---@return any data, appsync.Error? err, appsync.Info? info
function counts.call(kind, fn, client, plan)
  return ended(kind, clock.now(), fn(client, plan))
end

---Counts a query that the cache has answered without more ado.
---@param of appsync.counts.Counts
function counts.kept(of)
  local outcomes = of.kinds.query.outcomes
  outcomes.ok, of.hits = (outcomes.ok or 0) + 1, of.hits + 1
end

---A client is open from now on.
---@param of appsync.counts.Counts
---@param handle {core: appsync.core.Client}
function counts.begin(of, handle) of.live[handle] = true end

---It has ended. Also called by finalizers, in the middle of anything.
---@param of appsync.counts.Counts
---@param handle table
---@param core appsync.core.Client that was the handle's
function counts.finish(of, handle, core)
  if not of.live[handle] then return end
  of.live[handle] = nil
  local ok, sums = pcall(core.stats, core)
  if not ok then return end -- Lua has no memory for them
  add(of.past, COUNTERS, sums)
end

---@param of appsync.counts.Counts
---@return table<string, number> sums the core's counters, of all clients
---@return integer n_clients that are open
local function sum(of)
  local sums, n_clients = add(add({}, GAUGES, {}), COUNTERS, of.past), 0
  for handle in pairs(of.live) do
    if handle.core then
      local stats = handle.core:stats()
      add(add(sums, COUNTERS, stats), GAUGES, stats)
      n_clients = n_clients + 1
    end
  end
  return sums, n_clients
end

---@class appsync.counts.Now
---@field counts appsync.counts.Counts
---@field sums table<string, number>
---@field n_clients integer

---@return appsync.counts.Now[] all by endpoint
function counts.all()
  local all = {}
  for _, of in pairs(by_endpoint) do
    local sums, n_clients = sum(of)
    all[#all + 1] = { counts = of, sums = sums, n_clients = n_clients }
  end
  table.sort(all, function(a, b) return a.counts.endpoint < b.counts.endpoint end)
  return all
end

return counts
