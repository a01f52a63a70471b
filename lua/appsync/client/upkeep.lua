---What an application says about what a client keeps: what may go, what must stay, and why a query would be sent.
local arguments = require "appsync.client.arguments"
local cache = require "appsync.client.cache"
local call = require "appsync.call"
local compat = require "appsync.compat"
local dispatch = require "appsync.dispatch"
local errors = require "appsync.errors"
local opts = require "appsync.opts"
local scheduler = require "appsync.scheduler"
local temporary_ids = require "appsync.client.temporary_ids"

local upkeep = {}

local function forget(w)
  dispatch.forget(w.id, w)
end

---Begins something in the core by a method of its cache, and waits for its RESULT.
---@param client appsync.Client
---@param method string
---@param options {timeout: number?}
---@param where string
---@return any value, appsync.Error? err
function upkeep.ask(client, method, options, where)
  scheduler.may_wait(where)
  local opened, open_err = cache.ensure(client, where)
  if not opened then return nil, open_err end
  local w, root = scheduler.new_wait(), client.root
  root:enter(w)
  local id, start_err = opened[method](opened)
  if not id then
    root:leave(w)
    return nil, errors.of_core(start_err, where)
  end
  w.id, w.root, w.on_drop = id, root, forget
  dispatch.expect(id, w)
  local value, err = scheduler.suspend(w, options.timeout, where)
  root:leave(w)
  return value, err
end

local GC = opts.schema{
  timeout = { "number", min = 0 },
  on_result = { "callable" },
}

local function gc(client, options)
  return upkeep.ask(client, "collect", options, "client:gc")
end

function upkeep.gc(client, options)
  local checked = opts.with_timeout(options, GC, "client:gc")
  return call.run(checked, gc, client, checked)
end

---@class appsync.Retention
---@field private release_now fun()
local Retention = {}
Retention.__index = Retention
Retention.__name = "appsync.retention"

---Ends the retention: what was retained may leave the cache. Calling it twice is harmless; a handle that is collected does it by
---itself.
---```lua
---local handle = appsync.assert(client:retain(list_todos))
---handle:release()
---```
function Retention:release()
  self.release_now()
end

-- Not by way of the handle: this outlives it.
local function releaser(opened, id)
  local is_released = false
  return function()
    if is_released then return end
    is_released = true
    opened:release(id)
  end
end

local function call_of(plan, variables)
  return { document = plan.document.core, operation_name = plan.options.operation_name, variables = variables }
end

function upkeep.retain(client, document, variables)
  local where = "client:retain"
  local plan = arguments.plan("query", where, document, variables)
  local opened, open_err = cache.ensure(client, where)
  if not opened then return nil, open_err end
  local id, err = opened:retain(call_of(plan, plan.variables))
  if not id then return nil, errors.of_core(err, where) end
  local release = releaser(opened, id)
  return setmetatable({ release_now = release, sentinel = compat.on_collect(release) }, Retention)
end

function upkeep.explain(client, document, variables)
  local where = "client:explain"
  local plan = arguments.plan("query", where, document, variables)
  local opened, open_err = cache.ensure(client, where)
  if not opened then return nil, open_err end
  local explained, err = opened:explain(call_of(plan, temporary_ids.replace(opened, plan.variables)))
  return explained, errors.of_core(err, where)
end

return upkeep
