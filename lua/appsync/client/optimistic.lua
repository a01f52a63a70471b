---What a mutation does to the cache besides the records in its answer: its optimistic response, and its `update` function.
---
---    optimistic response, update --> layer over the cache --answer--> update again --> its writes, and the layer leaves
---                                                        \-failure-> the layer leaves
local asking = require "appsync.client.asking"
local cache = require "appsync.client.cache"
local cache_edits = require "appsync.client.cache_edits"
local compute = require "appsync.compute"
local errors = require "appsync.errors"
local hydration = require "appsync.client.hydration"
local json = require "appsync.json"
local local_cache = require "appsync.client.local_cache"
local log = require "appsync.log"
local operation = require "appsync.client.operation"
local scheduler = require "appsync.scheduler"
local task = require "appsync.task"
local updating = require "appsync.client.updating"

local optimistic = {}

-- Optimistic responses that were shown.
local responses = setmetatable({}, { __mode = "k" })

---@param data any
---@return boolean
function optimistic.is_response(data)
  return data ~= nil and responses[data] == true
end

-- The call's own function, or the client's for each of the mutation's fields.
local function function_of(client, plan)
  if plan.options.update then return plan.options.update end
  local all, seen = {}, {}
  for _, name in ipairs(plan.operation.root_names) do
    if not seen[name] then all[#all + 1] = client.root.updates[name] end
    seen[name] = true
  end
  if not all[2] then return all[1] end
  return function(...)
    for _, update in ipairs(all) do update(...) end
  end
end

-- What is run for each result: the rules of `cache_updates`, then the function.
local function update_of(client, plan)
  local rules, update = plan.cache_rules, function_of(client, plan)
  if not rules then return update end
  local function tell(message) log.emit(client.root.log, "warn", ("%s: %s"):format(plan.where, message)) end
  return function(kept, result)
    cache_edits.run(rules, plan.operation.root_fields[1], kept, kept.core, result, tell)
    if update then update(kept, result) end
  end
end

---@param client appsync.Client
---@param plan appsync.client.Plan of a mutation
---@return boolean
function optimistic.is_wanted(client, plan)
  if plan.options.optimistic_response ~= nil or plan.options.update or plan.cache_rules then return true end
  return function_of(client, plan) ~= nil and cache.serves(client, plan.options)
end

-- `update` must not wait, and what it does is one thing.
local function run_update(self, result)
  compute("update", self.update, self.kept, result)
end

-- The response, which the caller may go on to change.
local function response_of(plan)
  local given = plan.options.optimistic_response
  if type(given) == "table" then return given end
  local response = compute("optimistic_response", given, json.copy(plan.variables) or {})
  if type(response) ~= "table" then
    errors.misuse("%s: the optimistic_response function must return a table, got %s", plan.where,
      (errors.describe(response)))
  end
  return response
end

-- Writes the records of a response. Throws for one that doesn't have what the mutation selects.
local function write_records(self, response)
  local plan = self.plan
  local ok, err = asking.write(self.client.root, self.kept.core, {
    document = plan.document.core, operation_name = plan.options.operation_name, variables = plan.variables,
    data = response, key = "",
  })
  if not ok then error(err, 0) end
end

-- With `debug` the second run must find everything done.
local function check_idempotent(self, result)
  local core = self.kept.core
  local before = core:mark()
  local ok = pcall(run_update, self, result)
  local changed = ok and core:changes_since(before) or {}
  if changed[1] == nil then return end
  log.emit(self.client.root.log, "warn", ("update is not idempotent: a second run with the same result changed %s; "
    .. "it runs for the optimistic response and again for the answer"):format(table.concat(changed, ", ")))
end

local function update_with(self, result)
  run_update(self, result)
  if self.client.root.is_debug then check_idempotent(self, result) end
end

-- As if it were the caller's, for a response of another shape than the mutation's.
local function raise_response(self, raised)
  if type(raised) ~= "table" then error(raised, 0) end
  if raised.kind == "usage" then
    raised.message = "optimistic_response: " .. raised.message:gsub("^data[.:]? ?", "")
  end
  return errors.of_core(raised, self.plan.where)
end

-- Runs functions whose writes are a layer to come; if one of them throws there are none. Kept by `add_layer` of the core.
local function hope(self, fn, ...)
  local depth, begin_err = self.kept.core:begin(true)
  if not depth then return false, begin_err end
  local ok, raised = pcall(fn, ...)
  if not ok then self.kept.core:drop() end
  return ok, raised
end

-- Makes the layer. Without what `update` does when that throws.
local function add_layer(self)
  local plan = self.plan
  if plan.options.optimistic_response == nil then return end
  local response = response_of(plan)
  responses[response] = true
  local ok, raised = hope(self, write_records, self, response)
  if not ok then return raise_response(self, raised) end
  if self.update then
    ok, raised = pcall(update_with, self, { data = response, optimistic = true })
    if not ok then
      updating.tell(self.client.root.log, raised, "mutation")
      self.kept.core:drop()
      ok, raised = hope(self, write_records, self, response)
      if not ok then return raise_response(self, raised) end
    end
  end
  local layer, err = self.kept.core:add_layer()
  if not layer then return errors.of_core(err, plan.where) end
  self.layer, plan.layer = layer, layer
end

-- What `update` makes of the answer; if it throws that is nothing.
local function update_for_answer(self, data, err)
  if not self.kept.core:begin(false) then return end -- it has closed
  local ok, raised = pcall(update_with, self, { data = data, err = err, optimistic = false })
  if ok then return end
  self.kept.core:drop()
  updating.tell(self.client.root.log, raised, "mutation")
end

-- The outcome is known: the layer leaves, and what `update` makes of the answer is kept. Once.
---@return boolean? is_posted the core has something to do for it
local function settle(self, data, err)
  if self.is_settled then return end
  self.is_settled = true
  if data ~= nil and self.update then update_for_answer(self, data, err) end
  local is_posted, settle_err = self.kept.core:settle_layer(self.layer)
  errors.of_core(settle_err)
  return is_posted
end

local function run(self)
  local ok, data, err, info = task.pcall(operation.execute, self.client, self.plan)
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
  local kept = local_cache.new(opened, "cache", client.root, client.readings)
  local self = { client = client, plan = plan, kept = kept, update = update_of(client, plan) }
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
