---Takes events off the core's inbox and hands each to whom it belongs.
local core = require "appsync.core"
local errors = require "appsync.errors"
local hosts = require "appsync.hosts"
local scheduler = require "appsync.scheduler"
local stepwise = require "appsync.stepwise"

local dispatch = {}

---Who gets the events about a number: the wait of a call, the source of a subscription, the slot of a credential, the
---root of a client. Weak: slots and roots that nobody uses are collected; the others are expected.
---@type table<integer, table>
local targets = setmetatable({}, { __mode = "v" })
---@type table<integer, table> the waits and sources among them, which stay until their end came
local expected = {}
dispatch.targets, dispatch.expected = targets, expected

local runtime
local is_watched, is_held, is_polling, is_short = false, false, false, false
local is_suspended = false -- the runtime
local n_clients = 0
-- What `runtime:poll` gave; `at`, the next one to be handled, goes before anything that is handled: a `log` function or
-- a finalizer may wait, and so poll in between, or raise.
local events, at, last = {}, 1, 0
local kinds = core.event
local SUB_DATA, RESULT, SYNC = kinds.SUB_DATA, kinds.RESULT, kinds.SYNC

---The runtime of this Lua state, opened on first use. In a child process after a fork it is another one: what belonged
---to the parent's is forgotten.
---@return appsync.core.Runtime? runtime, appsync.Error? err of kind "system"
function dispatch.runtime()
  local present, err = core.runtime()
  if not present then return nil, errors.adopt(err) end
  if runtime ~= present then
    runtime = present
    n_clients, is_suspended = 0, false
    for id in pairs(expected) do
      targets[id], expected[id] = nil, nil
    end
    hosts.opened(present)
  end
  return runtime
end

---The runtime that was opened last, usable or not; nil: none was, or it was closed.
---@return appsync.core.Runtime?
function dispatch.present()
  return runtime
end

---The runtime's descriptor. Another runtime would have another one, so this one stays open from now on.
---@return integer? descriptor, appsync.Error? err of kind "system"
function dispatch.fd()
  local present, err = dispatch.runtime()
  if not present then return nil, err end
  is_watched = true
  return present:fd()
end

---A simulation drives the runtime: it opens it, and closes it, itself.
---@param held boolean
function dispatch.hold_runtime(held)
  is_held = held
end

---Stops the threads, unless somebody watches the descriptor; the next use opens new ones.
---@param seconds number bound of the join
function dispatch.close_runtime(seconds)
  if not runtime or is_watched or is_held then return true end
  local closing = runtime
  runtime = nil
  return closing:close(seconds)
end

---From now on the target gets the events about this number.
---@param id integer
---@param target table
function dispatch.listen(id, target)
  targets[id] = target
end

---The same for a target that must live until its last event.
---@param id integer
---@param target appsync.Wait|appsync.client.Source
function dispatch.expect(id, target)
  targets[id], expected[id] = target, target
end

---Nothing where the number is somebody else's: each runtime begins with 1, and another one's targets may come late.
---@param id integer
---@param target table
function dispatch.forget(id, target)
  if targets[id] == target then targets[id] = nil end
  if expected[id] == target then expected[id] = nil end
end

---@param id integer
---@param root appsync.client.Root
---@return appsync.core.Runtime of for `remove_client`: the runtime whose client it is
function dispatch.add_client(id, root)
  dispatch.listen(id, root)
  n_clients = n_clients + 1
  return runtime
end

---@param of appsync.core.Runtime
function dispatch.remove_client(of)
  if of == runtime and n_clients > 0 then n_clients = n_clients - 1 end
end

---Closes all clients: the worker ends.
function dispatch.close_all()
  for _, root in ipairs(dispatch.clients()) do root:retire() end
end

---Ends the subscriptions, watches and syncs of all clients, which stay open.
function dispatch.rest()
  for _, root in ipairs(dispatch.clients()) do root:rest() end
end

---@return boolean whether a subscription hasn't had its last event
function dispatch.has_subscriptions()
  for _, target in pairs(expected) do
    if target.on_end then return true end
  end
  return false
end

---Events of subscriptions are only counted from now on.
function dispatch.suspend()
  if not runtime then return end
  local ok, err = runtime:suspend()
  is_suspended = ok == true
  errors.of_core(err)
end

---The program was in the background, or has other reasons to think that the network is back.
---@return integer n_missed events of subscriptions, since `suspend`
function dispatch.resumed()
  if not runtime or n_clients == 0 and not is_suspended then return 0 end
  is_suspended = false
  local n_missed, err = runtime:resumed()
  errors.of_core(err)
  return n_missed or 0
end

---@return appsync.client.Root[] roots of the clients that are open
function dispatch.clients()
  local roots = {}
  for _, target in pairs(targets) do
    if target.retire then roots[#roots + 1] = target end
  end
  return roots
end

---@return integer clients that could still send an event
function dispatch.count()
  return n_clients
end

---@class appsync.AnsweredWait: appsync.Wait
---@field on_answer fun(w: appsync.Wait, info: table?, data: any)? called with the RESULT, before any later event is handled

-- By kind: what becomes of an event, given its target, its number and its values (csrc/client/event.h).
local deliver = {
  [RESULT] = function(wait, id, data, err, info)
    dispatch.forget(id, wait)
    if wait.on_answer then wait.on_answer(wait, info, data) end
    if not scheduler.wake(wait, data, errors.adopt(err), info) then stepwise.drop(data, err, info) end
  end,
  [kinds.SUB_STATE] = function(source, _, state, err, dropped) source:on_state(state, errors.adopt(err), dropped) end,
  [SUB_DATA] = function(source, _, data, err, dropped) source:on_data(data, err, dropped) end,
  [kinds.SUB_END] = function(source, id, err, _, dropped)
    dispatch.forget(id, source)
    source:on_end(errors.of_service(err), dropped)
  end,
  [kinds.AUTH] = function(slot, _, reason) slot:renew(reason) end,
  [kinds.HEADERS] = function(source) source:on_headers() end,
  [kinds.VIEW] = function(watched, _, view, err, mark) watched:on_view(view, errors.adopt(err), mark) end,
  [kinds.QUEUE] = function(queue, _, event) queue:on_queue(event) end,
  [SYNC] = function(running, _, event, err) running:on_sync(event, errors.adopt(err)) end,
  [kinds.ASK] = function(root, _, question, number, what) root:on_ask(question, number, what) end,
  [kinds.CONNECTION] = function(root, _, state, err) root:on_connection(state, errors.adopt(err)) end,
  [kinds.REACH] = function(root, _, word) root:on_reach(word) end,
  [kinds.LOG] = function(root, _, level, message) root:on_log(level, message) end,
  [kinds.CLOSED] = function(root) root:on_closed() end,
  [kinds.REQUEST] = function(home, id)
    dispatch.forget(id, home)
    home:on_request_ended()
  end,
}
dispatch.deliver = deliver

local function handle_next()
  local base = at
  at = base + 5
  local kind, id, a = events[base], events[base + 1], events[base + 2]
  local target = targets[id]
  if kind == SUB_DATA then
    local b, c = events[base + 3], events[base + 4]
    events[base + 2] = nil
    if target then target:on_data(a, b, c) else stepwise.drop(a, b) end
    return
  end
  local b, c = events[base + 3], events[base + 4]
  events[base + 2], events[base + 3], events[base + 4] = nil, nil, nil
  if target then deliver[kind](target, id, a, b, c) elseif kind == RESULT or kind == SYNC then stepwise.drop(a, b, c) end
end

-- Sources that have something to tell the core, which can wait: many at once cost less than each by itself. Not for
-- long: a source that has used up its window gets no events before it has told.
local MAX_FLUSHING, MAX_POLLS = 256, 16
local flushing, n_flushing, n_polls = {}, 0, 0

---Has the source's `flush` called soon.
---@param source {flush: fun(self)}
function dispatch.flush_later(source)
  flushing[n_flushing + 1] = source -- first: Lua may have no memory for it
  n_flushing = n_flushing + 1
end

---Calls them now: before the host waits.
function dispatch.flush()
  n_polls = 0
  while n_flushing > 0 do
    local source = flushing[n_flushing]
    flushing[n_flushing] = nil
    n_flushing = n_flushing - 1
    source:flush()
  end
end

local function finish(id, target, err)
  dispatch.forget(id, target)
  if target.done == nil then return target:on_end(err) end
  if target.on_answer then target.on_answer(target) end
  scheduler.wake(target, nil, err)
end

---Calls and subscriptions of a root end, as if the core had said so: it says it to others.
---@param root appsync.client.Root
---@param is_of fun(target: table): boolean? whether a wait is one of its calls
---@param err appsync.Error
function dispatch.finish(root, is_of, err)
  local all = {}
  for id, target in pairs(expected) do
    if is_of(target) or target.root == root and (target.done ~= nil or target.on_end) then all[id] = target end
  end
  for id, target in pairs(all) do finish(id, target, err) end
end

-- Lua may throw anywhere but between these lines: also where this is called, and where it returns.
local function take(max)
  is_polling = true -- making values may run finalizers
  local n, has_more = runtime:poll(events, max, is_short)
  is_polling = false
  if n then at, last = 1, n * 5 end
  return n, has_more
end

---Handles at most `max` events. Runs nobody's code but `log` functions: it wakes routines.
---@param max integer
---@return integer handled, boolean has_more
function dispatch.poll(max)
  if is_polling then errors.misuse("a call that waits isn't possible in a finalizer (__gc)") end
  while at <= last do handle_next() end
  if not runtime then return 0, false end
  local ok, n, has_more = pcall(take, max)
  is_polling = false
  is_short = not ok and n == "not enough memory"
  if not ok then error(n, 0) end -- what it has made so far comes with the next poll
  if not n then errors.misuse("%s", has_more.message) end -- after a fork
  if n_flushing > 0 then
    n_polls = n_polls + 1
    if n == 0 or n_flushing >= MAX_FLUSHING or n_polls >= MAX_POLLS then dispatch.flush() end
  end
  while at <= last do handle_next() end
  return n, has_more
end

return dispatch
