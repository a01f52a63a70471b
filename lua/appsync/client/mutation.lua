---Mutations: which way one goes.
---
---    the client has an outbox, and the call doesn't bring an identity of its own --> queued (client/queued.lua)
---    any other, and queue = false --> sent at once
local cache = require "appsync.client.cache"
local cache_rules = require "appsync.client.cache_rules"
local counts = require "appsync.counts"
local document = require "appsync.document"
local errors = require "appsync.errors"
local nginx = require "appsync.nginx"
local optimistic = require "appsync.client.optimistic"
local queue = require "appsync.client.queue"
local queued = require "appsync.client.queued"
local refetching = require "appsync.client.refetching"
local resolving = require "appsync.client.resolving"
local updates = require "appsync.updates"

local mutation = {}

local function prepare_rules(plan)
  local given = plan.options.cache_updates
  if given == nil then return end
  local _, name = document.first_field(plan.operation)
  if not name then
    errors.misuse("%s: with cache_updates the mutation must select its field itself, not in a fragment", plan.where)
  end
  plan.cache_rules = cache_rules.check(given, { kind = updates.kind_of(name), id_field = "id" }, plan.where)
end

-- Throws for a call that was to be queued and can't be.
local function check_queue(client, plan)
  queue.check_kept(client, plan.where .. ": queue = true")
  errors.misuse("%s: queue = true: a call with auth of its own, with a function for headers, or with headers that authenticate "
    .. "(Authorization, x-api-key) is never queued: its identity can't be stored", plan.where)
end

-- Under nginx a worker may end at any time, and another one has the queue.
local function is_queued(client, plan)
  local asked = plan.options.queue
  if asked == false then return false end
  local is_possible = queue.is_kept(client) and cache.serves(client, plan.options)
  if asked and not is_possible then check_queue(client, plan) end
  return is_possible and (asked or not nginx.is_here)
end

---Checks what is asked of a mutation, before anything is sent.
---@param client appsync.Client
---@param plan appsync.client.Plan
function mutation.prepare(client, plan)
  prepare_rules(plan)
  refetching.prepare(plan)
  plan.is_queued = is_queued(client, plan)
end

-- Sends it once.
local function send(client, plan)
  if plan.options.fetch_policy ~= "no-cache" and cache.serves(client, plan.options) then
    local opened, err = cache.open(client, plan.where)
    if not opened then return nil, err, { source = "network" } end
    plan.cache = opened
  end
  local execute = optimistic.is_wanted(client, plan) and optimistic.execute or resolving.send
  local data, err, info = execute(client, plan)
  if data ~= nil then refetching.run(client, plan) end
  return data, err, info
end

local function execute(client, plan)
  if plan.is_queued then return queued.execute(client, plan) end
  return send(client, plan)
end

---What it brings is in the cache before the call returns.
---@param client appsync.Client
---@param plan appsync.client.Plan
---@return any data, appsync.Error? err, appsync.Info info
function mutation.execute(client, plan)
  return counts.call(client.root.counts.kinds.mutation, execute, client, plan)
end

return mutation
