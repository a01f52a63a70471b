---Mutations that go through the outbox. From the moment on that the core has one it belongs to the outbox: only the wait for
---its outcome can end early, and then `queue.calls` has what is to be done when the outcome comes (client/outcomes.lua).
---
---    optimistic layer, enqueued in one --headers, answer----> update, and the layer leaves --> returned
---                          \--no network, the wait ends--> the optimistic response, or an error, is returned;
---                                                          kept until the outcome
---
---The caller does that itself while nothing can be left undone: another scheduler's coroutine, a cancel, and what may wait once
---the answer is there, get a task, which goes on without its caller.
local auth = require "appsync.client.auth"
local cache = require "appsync.client.cache"
local cache_rules = require "appsync.client.cache_rules"
local core = require "appsync.core"
local dispatch = require "appsync.dispatch"
local errors = require "appsync.errors"
local expectation = require "appsync.client.expectation"
local headers = require "appsync.client.headers"
local hydration = require "appsync.client.hydration"
local local_cache = require "appsync.client.local_cache"
local operation = require "appsync.client.operation"
local optimistic = require "appsync.client.optimistic"
local refetching = require "appsync.client.refetching"
local scheduler = require "appsync.scheduler"
local stepwise = require "appsync.stepwise"
local task = require "appsync.task"
local temporary_ids = require "appsync.client.temporary_ids"

local queued = {}

local null = core.null

local END_SECONDS = 5 -- for the core's answer to a cancel: it comes at once, unless the machine is very busy

---@class appsync.client.QueuedCall
---@field client appsync.Client
---@field plan appsync.client.Plan
---@field expected appsync.client.Expectation
---@field sources table of headers
---@field failure appsync.Error? why it isn't sent, where waiting makes no sense: its wait was ended for that
---@field package queue appsync.client.Queue
---@field package core appsync.core.Cache
---@field w appsync.Wait for its RESULT
---@field package has_left boolean? its caller was cancelled, or thrown out of its wait
---@field package response table? the optimistic one
---@field package id string? once the core has said that it is queued, and has no outcome
---@field package end_wait appsync.Wait? of a caller who was cancelled
---@field package results {data: any, err: appsync.Error?, info: appsync.Info}? what the caller gets

-- Those of tables. What functions give is asked for when the request is due, once for each request: the mutation is stored, and
-- its optimistic response shown, before that.
---@return table? all, appsync.Error? err
local function headers_of(self)
  if headers.are_dynamic(self.sources) or not headers.are_given(self.sources) then return nil end
  return headers.of(self.sources)
end

-- The headers that go with it wherever it is sent from.
local function own_headers(plan)
  local given = plan.options.headers
  return given and headers.of{ given } or nil
end

local function call_of(self, mode, all_headers)
  local plan, options = self.plan, self.plan.options
  return {
    document = plan.document.core, operation_name = options.operation_name, variables = plan.variables, mode = mode,
    headers = all_headers, own_headers = own_headers(plan), timeout = options.timeout, idempotent = options.idempotent,
    response = self.response, rules = plan.cache_rules and cache_rules.encode(plan.cache_rules),
    own_ids = self.expected.own_ids, is_uncached = options.fetch_policy == "no-cache" or nil,
    has_update = self.expected.update ~= nil or nil, has_layer = self.expected.update ~= nil or nil,
  }
end

-- Whatever comes after the RESULT comes after this.
local function on_answer(w, info)
  local self = w.call
  local is_queued = info ~= nil and info.queued == true
  self.queue:answered(w.id, is_queued, info and info.size)
  if not is_queued then return end
  self.id = info.id
  if not self.expected.update and not self.plan.refetch then return end
  self.queue.calls[info.entry] = self
  self.queue:hold()
end

-- The layer and the mutation are kept in one.
---@return true? posted, appsync.Error? err
local function enqueue(self, all_headers)
  local plan, sources = self.plan, self.sources
  local slot, slot_err = auth.slot_for(self.client, plan.options, headers.tables_authenticate(sources), headers.are_dynamic(sources))
  if not slot then return nil, slot_err end
  local is_known, use_err = self.queue:use(slot)
  if not is_known then return nil, use_err end
  plan.variables = temporary_ids.replace(self.core, plan.variables)
  self.response = self.expected:response()
  local show_err = self.response and self.expected:show(self.response)
  if show_err then return nil, show_err end
  local id, err = self.core:enqueue(call_of(self, slot.checked.type, all_headers))
  if not id then return nil, errors.of_core(err, plan.where) end
  self.w.id = id
  dispatch.expect(id, self.w)
  self.queue.waiting[id] = self
  return true
end

-- What the caller may know of it.
local function public(info)
  return {
    source = info.source, status = info.status, extensions = info.extensions, id = info.id, queued = info.queued or nil,
  }
end

-- The answer came: what `update` makes of it is kept, and the layer leaves.
local function settle(self, data, err, info)
  if data ~= nil then self.expected:take(data, err) end
  if not info.has_layer and not self.expected.update then return end
  if self.queue:tell("settle_entry", info.entry) then hydration.wait(self.client, {}, self.plan.where) end -- until it is read so
end

local function conclude(self, data, err, info)
  local plan, root = self.plan, self.client.root
  info = info or { source = "network" }
  if info.queued and not err then
    return self.response or self.expected:blank(), nil, { source = "optimistic", queued = true, id = info.id }
  end
  if err and err.kind == "cancelled" then err = self.failure or err end
  if data == null then data = nil end
  if info.status and info.status ~= 0 then root.recovery:reached() end
  if err then err.id, err.queued = info.id, info.queued or nil end
  if info.dead then
    err.cause = { outcome = info.dead, blocked_by = info.blocked_by }
  elseif info.entry and not info.queued and (data ~= nil or info.outcome) then
    settle(self, data, err, info)
  end
  if info.outcome then self.queue:tell("told", info.outcome) end
  data, err, info = operation.results(plan, root, data, err, public(info))
  if data ~= nil then refetching.run(self.client, plan) end
  return data, err, info
end

---@return true? posted, appsync.Error? err
local function post(self)
  local all_headers, headers_err = headers_of(self)
  if headers_err then return nil, headers_err end
  return enqueue(self, all_headers)
end

local function await_result(self)
  local data, err, info = scheduler.suspend(self.w, nil, self.plan.where)
  return conclude(self, stepwise.complete(data, err, info))
end

local function send(self)
  local posted, err = post(self)
  if not posted then return conclude(self, nil, err) end
  return await_result(self)
end

-- The answer came, and what is to be done with it may wait.
local function finish(self, data, err, info)
  return conclude(self, stepwise.complete(data, err, info))
end

-- A task of its own: its caller may be cancelled, and what is to become of the cache is still done.
local function run(self, work, ...)
  local ok, data, err, info = task.pcall(work, self, ...)
  self.client.root:leave(self.w)
  if ok then self.results = { data = data, err = err, info = info } end
  if self.end_wait then scheduler.wake(self.end_wait) end
  if not ok then error(data, 0) end
  return data, err, info
end

-- The caller was cancelled. The RESULT tells whether the mutation is in the outbox; it is the outcome where that came before.
local function end_wait(self, running, err)
  if running:status() == "running" then
    if not self.w.id then running:cancel() return nil, err end
    self.end_wait = scheduler.new_wait()
    operation.ask_to_end(self.w)
    scheduler.suspend(self.end_wait, END_SECONDS, self.plan.where)
  end
  local results = self.results
  if results and not (results.err and results.err.kind == "cancelled") then return results.data, results.err, results.info end
  err.queued, err.id = self.id ~= nil or nil, self.id
  return nil, err, results and results.info
end

local function execute_in_task(self, work, ...)
  local running = task.begin(run, self, work, ...)
  local caller = scheduler.current()
  if caller and caller.cancel_err then return end_wait(self, running, caller.cancel_err) end
  local data, err, info = running:await()
  if running:status() == "failed" then optimistic.raise(err.raised) end
  local is_cancelled = err and err.kind == "cancelled" and err ~= (self.results or {}).err
  if is_cancelled then data, err, info = end_wait(self, running, err) end
  return data, err, info
end

local on_drop

-- With room for all that is put into it.
local function new_wait(self)
  return {
    done = false, a = nil, b = nil, c = nil, co_task = nil, timer = nil, what = nil, id = nil, outer = nil,
    root = self.client.root, call = self, on_answer = on_answer, on_drop = on_drop,
  }
end

-- The RESULT is another wait's from now on.
on_drop = function(w)
  local self = w.call
  if w ~= self.w or not w.id then return end
  self.has_left, self.w = true, new_wait(self)
  self.w.id = w.id
  dispatch.expect(w.id, self.w)
end

-- Whether nothing of what is to be done with a RESULT waits.
local function is_short(self, data, err, info)
  if stepwise.is_incomplete(data, err) then return false end
  if not info or info.queued or info.dead then return true end
  return not stepwise.is_pending(info.extensions) and not info.has_layer and not self.expected.update
end

-- The caller is cancelled, or gets what its wait has thrown; the mutation's outcome is waited for by a task.
local function leave(self, ok, err)
  local running = task.begin(run, self, await_result)
  if ok then return end_wait(self, running, err) end
  running:claim()
  error(err, 0)
end

local function execute(self)
  local root, w = self.client.root, self.w
  local ok, posted, post_err = task.pcall(post, self)
  if not ok then
    root:leave(w)
    optimistic.raise(posted)
  end
  if not posted then
    root:leave(w)
    return conclude(self, nil, post_err)
  end
  local data, err, info
  ok, data, err, info = task.pcall(scheduler.suspend, w, nil, self.plan.where)
  if not ok then return leave(self, false, data) end
  if self.has_left then return leave(self, true, err) end
  if not is_short(self, data, err, info) then return execute_in_task(self, finish, data, err, info) end
  data, err, info = conclude(self, data, err, info)
  root:leave(w)
  return data, err, info
end

-- What the client's `update` functions get.
local function kept_of(client, opened)
  local kept = client.updated_cache
  if not kept or kept.core ~= opened then
    kept = local_cache.new(opened, "cache", client.root, client.readings)
    client.updated_cache = kept
  end
  return kept
end

---Queues a mutation of a client that has an outbox, and waits for its outcome; without a network until it is stored.
---@param client appsync.Client
---@param plan appsync.client.Plan
---@return any data, appsync.Error? err, appsync.Info info
function queued.execute(client, plan)
  scheduler.may_wait(plan.where)
  local opened, open_err = cache.open(client, plan.where)
  if not opened then return nil, open_err, { source = "network" } end
  local root = client.root
  local self = {
    client = client, plan = plan, core = opened, queue = client.queue, w = nil, sources = client:header_sources(plan.options.headers),
    expected = expectation.new(root, plan, kept_of(client, opened)), response = nil, id = nil,
  }
  self.w = new_wait(self)
  root:enter(self.w)
  local data, err, info
  local is_foreign = scheduler.is_suspended() and not scheduler.is_inside() -- a coroutine that may never be resumed
  if is_foreign then
    data, err, info = execute_in_task(self, send)
  else
    data, err, info = execute(self)
  end
  return data, err, info or { source = "network" }
end

return queued
