---Queries and mutations.
local arguments = require "appsync.client.arguments"
local auth = require "appsync.client.auth"
local core = require "appsync.core"
local dispatch = require "appsync.dispatch"
local errors = require "appsync.errors"
local headers = require "appsync.client.headers"
local scheduler = require "appsync.scheduler"

local operation = {}

local null = core.null

---@class appsync.Info
---@field source "network"|"cache"|"optimistic"
---@field status integer? HTTP status
---@field extensions table? the response's
---@field queued boolean?
---@field id string?

---@return boolean whether every root field is null
function operation.is_empty(data)
  if data == nil or data == null then return true end
  if type(data) ~= "table" then return false end
  for _, value in pairs(data) do
    if value ~= null then return false end
  end
  return true
end

-- The results by section 1 of the API: partial data stands beside the error, none at all is nil.
local function results(plan, root, data, err, info)
  info = info or { source = "network" }
  if info.status == 0 then info.status = nil end -- no response
  if data == null then data = nil end
  if not err then return data, nil, info end
  if err.data == nil then err.data = data end
  local policy = plan.options.error_policy or root.error_policy
  if policy == "none" or operation.is_empty(data) then data = nil end
  return data, err, info
end

local function cancel(w)
  dispatch.forget(w.id, w)
  local client = w.root.handle.core
  if not client then return end
  local _, err = client:cancel(w.id)
  errors.of_core(err)
end

---@return integer? id, appsync.Error? err
local function start(root, plan, slot, all_headers)
  local options = plan.options
  local id, err = root.handle.core:execute{
    document = plan.document.core, operation_name = options.operation_name, variables = plan.variables,
    auth = slot.id, headers = all_headers, timeout = options.timeout, idempotent = options.idempotent,
  }
  return id, errors.of_core(err, plan.where)
end

---Sends the operation and waits for its answer.
---@param client appsync.Client
---@param plan appsync.client.Plan
---@return any data, appsync.Error? err, appsync.Info info
function operation.execute(client, plan)
  scheduler.may_wait(plan.where)
  local root = client.root
  local opened, open_err = root:open()
  if not opened then return results(plan, root, nil, open_err) end
  local sources, all_headers = client:header_sources(plan.options.headers), nil
  if headers.are_given(sources) then
    local headers_err
    all_headers, headers_err = headers.of(sources, arguments.operation(plan))
    if headers_err then return results(plan, root, nil, headers_err) end
    scheduler.may_wait(plan.where)
    opened, open_err = root:open() -- the headers function may have waited
    if not opened then return results(plan, root, nil, open_err) end
  end
  local slot, err, is_of_call = auth.slot_for(client, plan.options, headers.authenticate(all_headers))
  if not slot then return results(plan, root, nil, err) end
  local w = scheduler.new_wait()
  w.root, w.client, w.slot, w.on_drop = root, client, slot, cancel
  w.id, err = start(root, plan, slot, all_headers)
  if not w.id then
    if is_of_call then slot:release() end
    return results(plan, root, nil, err)
  end
  dispatch.expect(w.id, w)
  local data, op_err, info = scheduler.suspend(w, nil, plan.where)
  if is_of_call then slot:release() end
  return results(plan, root, data, op_err, info)
end

return operation
