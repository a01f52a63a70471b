---Reads of the cache that are too large for a frame: the core collects what there is, at one moment, and its values are made
---in steps.
local dispatch = require "appsync.dispatch"
local errors = require "appsync.errors"
local root = require "appsync.client.root"
local scheduler = require "appsync.scheduler"
local stepwise = require "appsync.stepwise"

---@class appsync.client.LargeRead
---@field wait appsync.Wait
local LargeRead = {}
LargeRead.__index = LargeRead

function LargeRead:on_view(view, err, mark)
  scheduler.wake(self.wait, view, err, mark)
end

function LargeRead:on_client_closed()
  scheduler.wake(self.wait, nil, root.closed_error())
end

local function build(view)
  local held, memo = {}, {}
  local is_done, value = view:step(stepwise.VALUES, held, memo)
  while is_done == false do
    local cancel_err = scheduler.pause(stepwise.EVENTS)
    if cancel_err then return nil, cancel_err end
    is_done, value = view:step(stepwise.VALUES, held, memo)
  end
  if is_done == nil then return nil, errors.adopt(value) end
  return value
end

---@param client appsync.Client
---@param opened appsync.core.Cache
---@param plan appsync.client.Plan
---@return any data nil: not all of it is there, appsync.Error? err, boolean? has_expired
---@return string[]? missing paths: the first 100
return function(client, opened, plan)
  scheduler.may_wait(plan.where)
  local id, start_err = opened:watch{
    document = plan.document.core, operation_name = plan.options.operation_name, variables = plan.variables,
  }
  if not id then return nil, errors.of_core(start_err, plan.where) end
  local w = scheduler.new_wait()
  local self = setmetatable({ wait = w }, LargeRead)
  local function stop()
    dispatch.forget(id, self)
    client.root:detach(self)
    opened:unwatch(id)
  end
  w.root, w.on_drop = client.root, stop
  client.root:attach(self)
  dispatch.expect(id, self)
  local view, err, mark = scheduler.suspend(w, plan.options.timeout, plan.where)
  stop()
  if not view then return nil, err end
  if not view:state() then return nil, nil, nil, view:missing() end
  local data, build_err
  if plan.options.result == "json" then
    data, build_err = view:text()
    build_err = errors.of_core(build_err, plan.where)
  else
    data, build_err = stepwise.run(build, view)
  end
  return data, build_err, mark == "doubtful"
end
