---What a mutation does to the cache besides the records in its answer: its optimistic response, the rules of `cache_updates`
---and its `update` function, which run for the response and again for the answer. Others begin and end what is written
---here: it becomes a layer over the cache, or stays.
local asking = require "appsync.client.asking"
local cache_edits = require "appsync.client.cache_edits"
local compute = require "appsync.compute"
local document = require "appsync.document"
local errors = require "appsync.errors"
local json = require "appsync.json"
local log = require "appsync.log"
local root_selection = require "appsync.client.root_selection"
local temporary_ids = require "appsync.client.temporary_ids"
local updating = require "appsync.client.updating"

local expectation = {}

local null = json.null

-- Optimistic responses that were shown.
local responses = setmetatable({}, { __mode = "k" })

---@class appsync.client.Expectation
---@field update fun(cache: appsync.Cache, result: appsync.UpdateResult)? what is run for each result
---@field own_ids string? in the optimistic response: those that `appsync.uuid` has made, one behind the other
---@field package root appsync.client.Root
---@field package plan appsync.client.Plan
---@field package kept appsync.Cache
local Expectation = {}
Expectation.__index = Expectation

---@param data any
---@return boolean
function expectation.is_response(data)
  return data ~= nil and responses[data] == true
end

-- The call's own function, or the client's for each of the mutation's fields.
local function function_of(root, plan)
  if plan.options.update or next(root.updates) == nil then return plan.options.update end
  local all, seen = {}, {}
  for _, name in ipairs(root_selection.of(plan.document, plan.operation).names) do
    if not seen[name] then all[#all + 1] = root.updates[name] end
    seen[name] = true
  end
  if not all[2] then return all[1] end
  return function(...)
    for _, update in ipairs(all) do update(...) end
  end
end

-- The rules of `cache_updates`, then the function.
local function update_of(root, plan)
  local rules, update = plan.cache_rules, function_of(root, plan)
  if not rules then return update end
  local function tell(message) log.emit(root.log, "warn", ("%s: %s"):format(plan.where, message)) end
  return function(kept, result)
    cache_edits.run(rules, (document.first_field(plan.operation)), kept, kept.core, result, tell)
    if update then update(kept, result) end
  end
end

---Whether a mutation has any effect of its own, given by its call or by the client.
---@param root appsync.client.Root
---@param plan appsync.client.Plan
---@return boolean of_call, boolean of_client
function expectation.is_there(root, plan)
  local options = plan.options
  local of_call = options.optimistic_response ~= nil or options.update ~= nil or plan.cache_rules ~= nil
  return of_call, not of_call and function_of(root, plan) ~= nil
end

---@param root appsync.client.Root
---@param plan appsync.client.Plan of a mutation
---@param kept appsync.Cache that `update` gets
---@return appsync.client.Expectation
function expectation.new(root, plan, kept)
  return setmetatable({ root = root, plan = plan, kept = kept, update = update_of(root, plan) }, Expectation)
end

---The optimistic response, with the service's ids where they are known; the caller may go on to change it.
---@return table? response
function Expectation:response()
  local plan = self.plan
  local given = plan.options.optimistic_response
  if given == nil then return nil end
  local response = given
  if type(given) ~= "table" then
    response = compute("optimistic_response", given, json.copy(plan.variables) or {})
    if type(response) ~= "table" then
      errors.misuse("%s: the optimistic_response function must return a table, got %s", plan.where,
        (errors.describe(response)))
    end
  end
  local known
  known, self.own_ids = temporary_ids.of_response(self.kept.core, response)
  responses[known] = true
  return known
end

---What stands for a response that nobody gave.
---@return table
function Expectation:blank()
  local response = {}
  for _, key in ipairs(root_selection.of(self.plan.document, self.plan.operation).keys) do response[key] = null end
  responses[response] = true
  return response
end

-- `update` must not wait, and what it does is one thing.
local function run_update(self, result)
  compute("update", self.update, self.kept, result)
end

-- Writes the records of a response. Throws for one that doesn't have what the mutation selects.
local function write_records(self, response)
  local plan = self.plan
  local ok, err = asking.write(self.root, self.kept.core, {
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
  log.emit(self.root.log, "warn", ("update is not idempotent: a second run with the same result changed %s; "
    .. "it runs for the optimistic response and again for the answer"):format(table.concat(changed, ", ")))
end

local function update_with(self, result)
  run_update(self, result)
  if self.root.is_debug then check_idempotent(self, result) end
end

-- As if it were the caller's, for a response of another shape than the mutation's.
local function raise_response(self, raised)
  if type(raised) ~= "table" then error(raised, 0) end
  if raised.kind == "usage" then
    raised.message = "optimistic_response: " .. raised.message:gsub("^data[.:]? ?", "")
  end
  return errors.of_core(raised, self.plan.where)
end

-- Runs functions whose writes are a layer to come; if one of them throws there are none.
local function hope(self, fn, ...)
  local depth, begin_err = self.kept.core:begin(true)
  if not depth then return false, begin_err end
  local ok, raised = pcall(fn, ...)
  if not ok then self.kept.core:drop() end
  return ok, raised
end

---Writes what the response shows, without what `update` does when that throws. Begun, and not ended: the caller makes a layer
---of it, if there is no error. Throws for a response that doesn't have what the mutation selects.
---@param response table
---@return appsync.Error? err then nothing is begun
function Expectation:show(response)
  local ok, raised = hope(self, write_records, self, response)
  if not ok then return raise_response(self, raised) end
  if not self.update then return nil end
  ok, raised = pcall(update_with, self, { data = response, optimistic = true })
  if ok then return nil end
  updating.tell(self.root.log, raised, "mutation")
  self.kept.core:drop()
  ok, raised = hope(self, write_records, self, response)
  if not ok then return raise_response(self, raised) end
end

---Writes what `update` makes of the answer; if it throws that is nothing. Begun, and not ended, unless nothing is written.
---@param data any
---@param err appsync.Error?
function Expectation:take(data, err)
  if not self.update or not self.kept.core:begin(false) then return end -- it has closed
  local ok, raised = pcall(update_with, self, { data = data, err = err, optimistic = false })
  if ok then return end
  self.kept.core:drop()
  updating.tell(self.root.log, raised, "mutation")
end

return expectation
