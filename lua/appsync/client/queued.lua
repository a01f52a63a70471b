---Mutations that go through the outbox. From the moment on that the core has one it belongs to the outbox: only the wait for
---its outcome can end early, and then `queue.calls` has what is to be done when the outcome comes (client/outcomes.lua).
---
---    optimistic layer, enqueued in one --headers, answer----> update, and the layer leaves --> returned
---                          \--no network, the wait ends--> the optimistic response, or an error, is returned;
---                                                          kept until the outcome
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
---@field package response table? the optimistic one
---@field package id string? once the core has said that it is queued, and has no outcome
---@field package end_wait appsync.Wait? of a caller who was cancelled
---@field package results {data: any, err: appsync.Error?, info: appsync.Info}? what the caller gets

-- Those of tables. What functions give is asked for when the request is due, once for each request: the mutation is stored, and
-- its optimistic response shown, before that.
---@return table? all, appsync.Error? err
local function headers_of(self)
  if headers.are_dynamic(self.sources) then return nil end
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
local function on_answer(self, info)
  self.queue.waiting[self.w.id] = nil
  if not info or not info.queued then return end
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
  local w = self.w
  w.id, w.on_answer = id, function(_, info) on_answer(self, info) end
  dispatch.expect(id, w)
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

local function send(self)
  local all_headers, headers_err = headers_of(self)
  if headers_err then return conclude(self, nil, headers_err) end
  local posted, err = enqueue(self, all_headers)
  if not posted then return conclude(self, nil, err) end
  local data, info
  data, err, info = scheduler.suspend(self.w, nil, self.plan.where)
  return conclude(self, stepwise.complete(data, err, info))
end

-- A task of its own: its caller may be cancelled, and what is to become of the cache is still done.
local function run(self)
  local ok, data, err, info = task.pcall(send, self)
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

---Queues a mutation of a client that has an outbox, and waits for its outcome; without a network until it is stored.
---@param client appsync.Client
---@param plan appsync.client.Plan
---@return any data, appsync.Error? err, appsync.Info info
function queued.execute(client, plan)
  scheduler.may_wait(plan.where)
  local opened, open_err = cache.open(client, plan.where)
  if not opened then return nil, open_err, { source = "network" } end
  local kept = local_cache.new(opened, "cache", client.root, client.readings)
  local self = {
    client = client, plan = plan, core = opened, queue = client.queue, w = scheduler.new_wait(),
    expected = expectation.new(client.root, plan, kept), sources = client:header_sources(plan.options.headers),
  }
  self.w.root = client.root
  client.root:enter(self.w)
  local running = task.begin(run, self)
  local data, err, info = running:await()
  if running:status() == "failed" then optimistic.raise(err.raised) end
  local is_cancelled = err and err.kind == "cancelled" and err ~= (self.results or {}).err
  if is_cancelled then data, err, info = end_wait(self, running, err) end
  return data, err, info or { source = "network" }
end

return queued
