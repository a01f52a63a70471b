---Mutations that are sent at once and change the cache by more than their answer: see client/expectation.lua.
---
---    optimistic response, update --> layer over the cache --answer--> update again --> its writes, and the layer leaves
---                                                        \-failure-> the layer leaves
local cache = require "appsync.client.cache"
local errors = require "appsync.errors"
local expectation = require "appsync.client.expectation"
local hydration = require "appsync.client.hydration"
local local_cache = require "appsync.client.local_cache"
local operation = require "appsync.client.operation"
local resolving = require "appsync.client.resolving"
local scheduler = require "appsync.scheduler"
local task = require "appsync.task"
local temporary_ids = require "appsync.client.temporary_ids"

local optimistic = {}

---@param client appsync.Client
---@param plan appsync.client.Plan of a mutation
---@return boolean
function optimistic.is_wanted(client, plan)
  local of_call, of_client = expectation.is_there(client.root, plan)
  return of_call or (of_client and cache.serves(client, plan.options))
end

-- Makes the layer.
local function add_layer(self)
  local plan = self.plan
  local response = self.expected:response()
  if not response then return nil end
  local show_err = self.expected:show(response)
  if show_err then return show_err end
  local layer, err = self.core:add_layer()
  if not layer then return errors.of_core(err, plan.where) end
  self.layer, plan.layer = layer, layer
end

-- The outcome is known: the layer leaves, and what `update` makes of the answer is kept. Once.
---@return boolean? is_posted the core has something to do for it
local function settle(self, data, err)
  if self.is_settled then return end
  self.is_settled = true
  if data ~= nil then self.expected:take(data, err) end
  local is_posted, settle_err = self.core:settle_layer(self.layer)
  errors.of_core(settle_err)
  return is_posted
end

local function run(self)
  local ok, data, err, info = task.pcall(resolving.send, self.client, self.plan)
  if not ok then
    settle(self)
    error(data, 0)
  end
  if settle(self, data, err) then hydration.wait(self.client, {}, self.plan.where) end -- until it is read so
  return data, err, info
end

-- As if the caller's own routine had run it.
local function raise(raised)
  if type(raised) == "string" and not raised:match("^%S+:%d+: ") then raised = errors.place() .. ": " .. raised end
  error(raised, 0)
end

optimistic.raise = raise

local function check_served(client, plan)
  if cache.serves(client, plan.options) then return end
  errors.misuse("%s: %s the client's cache, which a call with auth of its own, or with headers that may authenticate, doesn't use",
    plan.where, plan.cache_rules and "cache_updates change" or "optimistic_response and update change")
end

---Sends a mutation that changes the cache by more than its answer. It is a task of its own: whoever waits may be cancelled,
---and what is to become of the cache is still done.
---@param client appsync.Client
---@param plan appsync.client.Plan
---@return any data, appsync.Error? err, appsync.Info info
function optimistic.execute(client, plan)
  scheduler.may_wait(plan.where)
  local opened, open_err = cache.ensure(client, plan.where)
  if not opened then return nil, open_err, { source = "network" } end
  check_served(client, plan)
  plan.variables = temporary_ids.replace(opened, plan.variables)
  local kept = local_cache.new(opened, "cache", client.root, client.readings)
  local self = { client = client, plan = plan, core = opened, expected = expectation.new(client.root, plan, kept) }
  if plan.options.fetch_policy ~= "no-cache" then plan.cache = opened end
  local err = add_layer(self)
  if err then return nil, err, { source = "network" } end
  local running = task.begin(run, self)
  running.on_cancelled = function() settle(self) end
  local data, info
  data, err, info = running:await()
  if running:status() == "failed" then raise(err.raised) end
  if err and err.kind == "cancelled" and running:status() == "running" then
    if plan.wait and plan.wait.id then operation.ask_to_end(plan.wait) else running:cancel() end
  end
  return data, err, info or { source = "network" }
end

return optimistic
