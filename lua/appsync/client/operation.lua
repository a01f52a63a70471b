---Queries and mutations.
local arguments = require "appsync.client.arguments"
local auth = require "appsync.client.auth"
local cache = require "appsync.client.cache"
local clock = require "appsync.clock"
local core = require "appsync.core"
local dispatch = require "appsync.dispatch"
local errors = require "appsync.errors"
local headers = require "appsync.client.headers"
local root_selection = require "appsync.client.root_selection"
local scheduler = require "appsync.scheduler"
local stepwise = require "appsync.stepwise"
local task = require "appsync.task"
local temporary_ids = require "appsync.client.temporary_ids"

local operation = {}

local null = core.null

local MAX_HEADERS_TIME = 30 -- seconds, as for tokens and credentials

---@class appsync.Info
---@field source "network"|"cache"|"optimistic"
---@field status integer? HTTP status
---@field extensions table? the response's
---@field queued boolean? the mutation is in the outbox, and has no outcome yet
---@field id string? of a mutation that was queued
---@field cause appsync.Error? the network's error, where the cache answered because the network can't be reached

---The results of a call: partial data stands beside the error, none at all is nil.
---@param plan appsync.client.Plan
---@param root appsync.client.Root
---@return any data, appsync.Error? err, appsync.Info info
function operation.results(plan, root, data, err, info)
  info = info or { source = "network" }
  if info.status == 0 then info.status = nil end -- no response
  if data == null then data = nil end
  if not err then return data, nil, info end
  local text = data ~= nil and plan.options.result == "json" and data or nil
  if text then data = core.decode(text, root.settings.big_integers or "rounded", "lenient") end
  if err.data == nil then err.data = data end
  local policy = plan.options.error_policy or root.error_policy
  if policy == "none" or root_selection.is_empty(data, plan.document, plan.operation) then data = nil end
  return data ~= nil and text or data, err, info
end

local function cancel(w)
  dispatch.forget(w.id, w)
  operation.ask_to_end(w)
end

---@return integer? id, table? err of the core
local function start(client, plan, slot, all_headers, timeout)
  local root, options = client.root, plan.options
  local opened = cache.serves(client, options) and cache.open(client, plan.where) or nil
  return root.handle.core:execute{
    document = plan.document.core, operation_name = options.operation_name, variables = plan.variables,
    ids = temporary_ids.of_core(opened, plan.variables),
    cached = plan.cache and plan.cache:id(), typenames = plan.cache ~= nil, -- which identify records
    layer = plan.layer, text = options.result == "json" or nil,
    auth = slot.id, headers = all_headers, timeout = timeout, idempotent = options.idempotent,
  }
end

local function overdue(seconds)
  return errors.new("timeout", ("the headers function did not answer within %g s"):format(seconds),
    { code = "headers_timeout", retryable = true, sent = false })
end

---Asks the functions among the sources. In another scheduler's coroutine one is called there, and nothing ends its wait: it may
---use that scheduler's own.
---@param sources table
---@param plan appsync.client.Plan
---@param timeout number? at most 30 seconds
---@return table? all, appsync.Error? err
function operation.ask_functions(sources, plan, timeout)
  local described = arguments.operation(plan)
  if scheduler.is_suspended() and not scheduler.is_inside() then return headers.of(sources, described) end
  local asked = task.begin(headers.of, sources, described)
  local seconds = math.min(timeout or MAX_HEADERS_TIME, MAX_HEADERS_TIME)
  local all, err = asked:await(seconds)
  if not asked:cancel() then return all, err end
  return nil, err.kind == "timeout" and overdue(seconds) or err
end

---The headers of a call that has begun. A function may wait, and the client may close meanwhile.
---@param client appsync.Client
---@param plan appsync.client.Plan
---@return table? all, appsync.Error? err
---@return number? timeout what is left of the call's
function operation.headers_of(client, plan)
  local sources, timeout = client:header_sources(plan.options.headers), plan.options.timeout
  if not headers.are_given(sources) then return nil, nil, timeout end
  local all, err
  if headers.are_dynamic(sources) then
    local began = clock.now()
    all, err = operation.ask_functions(sources, plan, timeout)
    local left = timeout and timeout - (clock.now() - began)
    if not err and left and left <= 0 then err = overdue(timeout) end
    timeout = left
  else
    all, err = headers.of(sources, arguments.operation(plan))
  end
  if err then return nil, err end
  scheduler.may_wait(plan.where)
  local is_open, closed_err = client.root:go_on()
  if not is_open then return nil, closed_err end
  return all, nil, timeout
end

local function send(client, plan, w)
  local root = client.root
  local all_headers, headers_err, timeout = operation.headers_of(client, plan)
  if headers_err then return nil, headers_err end
  local slot, slot_err, is_of_call = auth.slot_for(client, plan.options, headers.authenticate(all_headers))
  if not slot then return nil, slot_err end
  w.root, w.client, w.slot, w.on_drop = root, client, slot, cancel
  local id, start_err = start(client, plan, slot, all_headers, timeout)
  if not id then
    if is_of_call then slot:release() end
    root:leave(w) -- before the error may be thrown
    return nil, errors.of_core(start_err, plan.where)
  end
  w.id = id
  dispatch.expect(id, w)
  local data, err, info = scheduler.suspend(w, nil, plan.where)
  if is_of_call then slot:release() end
  return stepwise.complete(data, err, info)
end

---Asks the core to end a call that has been sent. Its RESULT comes all the same: the answer, if that was there before.
---@param w appsync.Wait of the call
function operation.ask_to_end(w)
  local client = w.root.handle.core
  if not client then return end
  local _, err = client:cancel(w.id)
  errors.of_core(err)
end

---Sends the operation and waits for its answer. `plan.wait` is the wait of the call.
---@param client appsync.Client
---@param plan appsync.client.Plan
---@return any data, appsync.Error? err, appsync.Info info
function operation.execute(client, plan)
  scheduler.may_wait(plan.where)
  local root = client.root
  local opened, open_err = root:open()
  if not opened then return operation.results(plan, root, nil, open_err) end
  local w = scheduler.new_wait()
  plan.wait = w
  root:enter(w)
  local data, err, info = send(client, plan, w)
  root:leave(w)
  if info and info.status and info.status ~= 0 then root.recovery:reached() end
  return operation.results(plan, root, data, err, info)
end

return operation
