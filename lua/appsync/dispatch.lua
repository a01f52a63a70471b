---Takes events off the core's inbox and hands each to whom it belongs.
local core = require "appsync.core"
local errors = require "appsync.errors"
local scheduler = require "appsync.scheduler"

local dispatch = {}

---@type table<integer, appsync.Wait> by operation
dispatch.ops = {}
---@type table<integer, appsync.client.Source> by subscription
dispatch.subs = {}
---@type table<integer, appsync.client.AuthSlot> by auth; weak: its client or call holds it
dispatch.auths = setmetatable({}, { __mode = "v" })
---@type table<integer, appsync.client.Root> by client; weak: a client that nobody uses is collected
dispatch.clients = setmetatable({}, { __mode = "v" })

local runtime
local is_watched = false
local n_clients = 0
local events = {}
local kinds = core.event
local RESULT, SUB_DATA = kinds.RESULT, kinds.SUB_DATA
local ops, subs = dispatch.ops, dispatch.subs

---The runtime of this Lua state, opened on first use. In a child process after a fork it is another one: what belonged
---to the parent's is forgotten.
---@return appsync.core.Runtime? runtime, appsync.Error? err of kind "system"
function dispatch.runtime()
  local present, err = core.runtime()
  if not present then return nil, errors.adopt(err) end
  if runtime ~= present then
    runtime = present
    n_clients = 0
    for _, list in ipairs{ ops, subs } do
      for id in pairs(list) do list[id] = nil end
    end
  end
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

---Stops the threads, unless somebody watches the descriptor; the next use opens new ones.
---@param seconds number bound of the join
function dispatch.close_runtime(seconds)
  if not runtime or is_watched then return true end
  local closing = runtime
  runtime = nil
  return closing:close(seconds)
end

---@param id integer
---@param root appsync.client.Root
function dispatch.add_client(id, root)
  dispatch.clients[id] = root
  n_clients = n_clients + 1
end

function dispatch.remove_client(id)
  dispatch.clients[id] = nil
  if n_clients > 0 then n_clients = n_clients - 1 end
end

---@return integer clients that could still send an event
function dispatch.count()
  return n_clients
end

local handlers = {}

handlers[kinds.SUB_STATE] = function(target, state)
  local source = subs[target]
  if source then source:on_state(state) end
end

handlers[kinds.SUB_END] = function(target, err, _, dropped)
  local source = subs[target]
  if not source then return end
  subs[target] = nil
  if err and type(err.errors) == "table" then
    local list = err.errors
    if list[1] == nil and next(list) ~= nil then list = { list } end -- the service sends a single object too
    err.errors = list
    local first = list[1]
    if type(first) == "table" and type(first.errorType) == "string" then err.error_type = first.errorType end
  end
  source:on_end(errors.adopt(err), dropped)
end

handlers[kinds.AUTH] = function(target, reason)
  local slot = dispatch.auths[target]
  if slot then slot:renew(reason) end
end

handlers[kinds.HEADERS] = function(target)
  local source = subs[target]
  if source then source:on_headers() end
end

handlers[kinds.CONNECTION] = function(target, state, err)
  local root = dispatch.clients[target]
  if root then root:on_connection(state, errors.adopt(err)) end
end

handlers[kinds.LOG] = function(target, level, message, fields)
  local root = dispatch.clients[target]
  if root then root:on_log(level, message, fields) end
end

handlers[kinds.CLOSED] = function(target)
  local root = dispatch.clients[target]
  if root then root:on_closed() end
end

local function handle(base)
  local kind, target = events[base], events[base + 1]
  local a, b, c = events[base + 2], events[base + 3], events[base + 4]
  events[base + 2], events[base + 3], events[base + 4] = nil, nil, nil
  if kind == RESULT then
    local w = ops[target]
    if w then
      ops[target] = nil
      scheduler.wake(w, a, errors.adopt(b), c)
    end
  else
    local handler = handlers[kind]
    if handler then handler(target, a, b, c) end
  end
end

-- Sources that have something to tell the core, which can wait: many at once cost less than each by itself. Not for
-- long: a source that has used up its window gets no events before it has told.
local MAX_FLUSHING, MAX_POLLS = 256, 16
local flushing, n_flushing, n_polls = {}, 0, 0

---Has the source's `flush` called soon.
---@param source {flush: fun(self)}
function dispatch.flush_later(source)
  n_flushing = n_flushing + 1
  flushing[n_flushing] = source
end

---Calls them now: before the host waits.
function dispatch.flush()
  for i = 1, n_flushing do
    local source = flushing[i]
    flushing[i] = nil
    source:flush()
  end
  n_flushing, n_polls = 0, 0
end

---Handles at most `max` events. Runs nobody's code but `log` functions: it wakes routines.
---@param max integer
---@return integer handled, boolean has_more
function dispatch.poll(max)
  if not runtime then return 0, false end
  local n, has_more = runtime:poll(events, max)
  if not n then errors.misuse("%s", has_more.message) end -- after a fork
  if n_flushing > 0 then
    n_polls = n_polls + 1
    if n == 0 or n_flushing >= MAX_FLUSHING or n_polls >= MAX_POLLS then dispatch.flush() end
  end
  for base = 1, n * 5, 5 do
    if events[base] == SUB_DATA then
      local source = subs[events[base + 1]]
      local data = events[base + 2]
      events[base + 2] = nil
      if source then source:on_data(data, events[base + 3], events[base + 4]) end
    else
      handle(base)
    end
  end
  return n, has_more
end

return dispatch
