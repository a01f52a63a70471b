---What the clients of one `appsync.client` call share: the core's client, opened on first use, and its ending.
---
---    open --close()--> closing: nothing new begins, subscriptions end
---                         |
---                         +-- the last call has ended --> finishing: its queues send nothing more; what they have sent is
---                         |                                  |       answered
---                         +-- the time is over --------------+--> stopping: the core ends the rest
---                                                                                 |
---                                                                                 +-- CLOSED --> closed
---
---A timer and the calls' own ends lead on, not whoever waits in `close`: that task may be cancelled.
local asking = require "appsync.client.asking"
local clock = require "appsync.clock"
local compat = require "appsync.compat"
local connection = require "appsync.client.connection"
local compute = require "appsync.compute"
local counts = require "appsync.counts"
local dispatch = require "appsync.dispatch"
local errors = require "appsync.errors"
local log = require "appsync.log"
local recovery = require "appsync.client.recovery"
local scheduler = require "appsync.scheduler"
local timer = require "appsync.timer"

local root = {}

local CLOSE_SECONDS = 1 -- for what is in flight
local STOP_SECONDS = 5  -- for the core's last word: longer, and its thread is stuck
local FRAME_SECONDS = 0.02 -- the same, where a game's frame waits for it
local JOIN_SECONDS = 5  -- it ends at once, unless the machine is very busy

---@class appsync.client.Root
---@field handle {core: appsync.core.Client?, id: integer?, runtime: appsync.core.Runtime?}
---@field counts appsync.counts.Counts
---@field connection appsync.Connection
---@field recovery appsync.client.Recovery
---@field modes table<string, appsync.Auth>
---@field default_mode string?
---@field slots table<string, appsync.client.AuthSlot>
---@field region string?
---@field service string? that SigV4 signs for
---@field config_headers table|function|nil of the configuration
---@field headers table|function|nil
---@field log function?
---@field error_policy string?
---@field query_policy appsync.FetchPolicy? the application's default
---@field watch_policy appsync.FetchPolicy? likewise
---@field data_id_from_object function? tells identities
---@field has_told_identity boolean? that it told none
---@field keys table<string, string[]>? types that it isn't asked for
---@field merge_functions table<string, function>? by field
---@field has_told_merge boolean? that one of them failed
---@field questions appsync.client.Question[]? of the core, not answered yet
---@field is_asking boolean? the application about them
---@field identity string|function whose part of the store is the client's
---@field has_store boolean a path or ":memory:"
---@field has_cache boolean it keeps what is read: it has a store, or needed a cache since
---@field is_hydrated boolean? the store was opened, or can't be
---@field updates table<string, function> by root field
---@field queue_options appsync.client.QueueOptions? nil: there is no outbox
---@field queues table<string, appsync.client.Queue>? by identity, those that are open; weak
---@field on_queue_event fun(queue: appsync.client.Queue, event: table) all but the state
---@field conflict_resolver function?
---@field offline_callback function?
---@field reopen boolean? closes the client that has its store
---@field is_online boolean? the host's word
---@field settings table for the core
---@field private idle_waits appsync.Wait[]? for the end of its calls
---@field private calls table<appsync.Wait, any> that are in flight, each with its routine
---@field is_closing boolean?
---@field private is_resting boolean? see `rest`
---@field private is_finishing boolean?
---@field private closer any? the routine that closes it, from within a callback perhaps: nothing waits for that
---@field private is_stopping boolean?
local Root = {}
Root.__index = Root

-- A call whose coroutine is never resumed, or that a cancel has thrown out, doesn't come back to say so.
local WEAK = { __mode = "kv" }

-- The core tries to send what is queued, and tells when the service answers that.
local function queue_probes(self)
  for _, queue in pairs(self.queues or {}) do
    if queue.state and queue.state.state == "waiting_network" then return true end
  end
  return false
end

---@param fields table of `settings.check`
---@return appsync.client.Root
function root.new(fields)
  local self = setmetatable(fields, Root)
  self.slots = {}
  self.handle = {}
  self.counts = counts.of(self.settings.endpoint)
  self.calls = setmetatable({}, WEAK)
  self.connection = connection.new(self)
  self.recovery = recovery.new(function() return queue_probes(self) end)
  return self
end

---@return appsync.Error
local function closed_error()
  return errors.new("closed", "the client is closed")
end

-- Collection closes the core's client; the handle outlives the root for that.
local function guard(handle, of)
  return compat.on_collect(function()
    local core = handle.core
    if not core then return end
    handle.core = nil
    dispatch.remove_client(handle.runtime)
    core:close()
    counts.finish(of, handle, core)
  end)
end

---@return appsync.core.Client? core, appsync.Error? err
function Root:open()
  if self.is_closing then return nil, closed_error() end
  local handle = self.handle
  if handle.core then return handle.core end
  local runtime, err = dispatch.runtime()
  if not runtime then return nil, err end
  local core, core_err = runtime:client(self.settings)
  if not core then return nil, errors.adopt(core_err) end
  handle.core, handle.id = core, core:id()
  self.sentinel = guard(handle, self.counts)
  counts.begin(self.counts, handle)
  handle.runtime = dispatch.add_client(handle.id, self)
  if self.is_online ~= nil then self:set_online(self.is_online) end
  return core
end

---A light client, without a store, keeps what is read from now on, in memory: something needs it.
---@return boolean has_cache false: `store = false`
function Root:ensure_cache()
  if self.settings.cache then self.has_cache = true end
  return self.has_cache
end

local function ask_identity(fn)
  local ok, identity = pcall(compute, "identity", fn)
  if not ok then
    return nil, errors.new("usage", "the identity function raised: " .. errors.of_raised(identity).message,
      { raised = identity })
  end
  if identity == nil then return "" end
  if type(identity) ~= "string" or identity:find "%c" then
    return nil, errors.new("usage", "the identity function must return a string without control characters, got "
      .. errors.describe(identity))
  end
  return identity
end

---Whose part of the store is the client's. A function is asked once, when the client opens its cache.
---@return string? identity, appsync.Error? err
function Root:own_identity()
  if type(self.identity) == "string" then return self.identity end
  local identity, err = ask_identity(self.identity)
  if identity then self.identity = identity end
  return identity, err
end

---Counts a call in, until `leave`. A root that closes lets those go on that it has counted.
---@param w appsync.Wait of the call
function Root:enter(w)
  self.calls[w] = scheduler.caller() or true
end

---@param w appsync.Wait
function Root:leave(w)
  self.calls[w] = nil
  if not self.is_closing and not self.idle_waits or self:is_busy() then return end
  for _, idle in ipairs(self.idle_waits or {}) do scheduler.wake(idle, true) end
  self.idle_waits = nil
  if self.is_closing then self:finish() end
end

---Waits until its calls have ended, and what is queued was sent, unless that waits for a network.
---@param at number when it is too late, by the clock
---@param where string
---@return boolean is_settled
function Root:settle(at, where)
  while self:is_busy() do
    local w = scheduler.new_wait()
    self.idle_waits = self.idle_waits or {}
    table.insert(self.idle_waits, w)
    if not scheduler.suspend(w, math.max(0, at - clock.now()), where) then return false end
  end
  local queues = {} -- those of now: others may be opened while this waits
  for _, queue in pairs(self.queues or {}) do queues[#queues + 1] = queue end
  for _, queue in ipairs(queues) do
    if not queue:settle(at, where) then return false end
  end
  return true
end

---From now on it is told when the client closes, and kept until then.
---@param watched {on_client_closed: fun(self)}
function Root:attach(watched)
  self.watched = self.watched or {}
  self.watched[watched] = true
end

function Root:detach(watched)
  if self.watched then self.watched[watched] = nil end
end

---A task that asks a function of the application: what that says is of no use once the client is closed.
---@param asked appsync.Task
function Root:own(asked)
  self.asked = self.asked or setmetatable({}, { __mode = "k" })
  self.asked[asked] = true
end

local function cancel_asked(self)
  local all = self.asked or {}
  self.asked = nil
  for asked in pairs(all) do asked:cancel() end
end

-- What isn't a call ends as soon as the client begins to close.
local function end_watched(self)
  local all = self.watched or {}
  self.watched = nil
  for watched in pairs(all) do watched:on_client_closed() end
end

---Whether a call that has begun may still be sent.
---@return appsync.core.Client? core, appsync.Error? err
function Root:go_on()
  if self.is_stopping then return nil, closed_error() end
  return self.handle.core
end

---@private
function Root:is_busy()
  for _, routine in pairs(self.calls) do
    if routine == true or routine ~= self.closer and not scheduler.has_ended(routine) then return true end
  end
  return false
end

---@param is_online boolean
function Root:set_online(is_online)
  self.is_online = is_online
  if self.handle.core then
    local _, err = self.handle.core:set_online(is_online)
    errors.of_core(err)
  end
  self.recovery:set_online(is_online)
end

function Root:on_connection(state, err)
  self.connection:set(state, err)
  if state == "Connected" then self.recovery:reached() end
end

---@param word "online"|"hint"
function Root:on_reach(word)
  if word == "online" then self.recovery:reached() else self.recovery:hurry() end
end

function Root:on_ask(question, number, what)
  asking.on_ask(self, question, number, what)
end

function Root:on_log(level, message, fields)
  log.emit(self.log, level, message, fields)
end

function Root:on_closed()
  local handle = self.handle
  self.is_stopping = true
  end_watched(self)
  if handle.core then
    counts.finish(self.counts, handle, handle.core)
    handle.core = nil
    dispatch.forget(handle.id, self)
    dispatch.remove_client(handle.runtime)
  end
  self.is_closed = true
  cancel_asked(self)
  self.connection:finish()
  local waits = self.close_waits or {}
  self.close_waits = nil
  for _, w in ipairs(waits) do scheduler.wake(w, true) end
end

---Ends what is outstanding, with kind "closed", and then the core's client.
---@private
function Root:stop()
  if self.is_stopping then return end
  self.is_stopping = true
  if self.stop_timer then timer.cancel(self.stop_timer) end
  -- Where that can't be told, as in a child process of the one that used it, CLOSED doesn't come either.
  if not self.handle.core:close() then self:on_closed() end
end

-- What a queue has sent for nobody who waits is in doubt if it is left: an answer is worth waiting for.
---@private
function Root:finish()
  if self.is_finishing then return self:stop() end
  self.is_finishing = true
  for _, queue in pairs(self.queues or {}) do queue:finish() end
  if not self:is_busy() then self:stop() end
end

-- By then; a later end than the one that is set already is none.
local function stop_after(self, seconds)
  if seconds == math.huge then return end
  local later = timer.after(seconds, self.stop, self)
  if self.stop_timer and self.stop_timer.at <= later.at then return timer.cancel(later) end
  if self.stop_timer then timer.cancel(self.stop_timer) end
  self.stop_timer = later
end

local function begin_close(self, seconds)
  local is_first = not self.is_closing
  self.is_closing, self.closer = true, scheduler.current()
  end_watched(self)
  if self.is_stopping then return end
  if seconds <= 0 or is_first and not self.handle.core:leave() then return self:stop() end
  if not self:is_busy() then self:finish() end
  if not self.is_stopping then stop_after(self, seconds) end
end

---Whether its store is free: the core is told of its end, and comes to that before it comes to anything later.
---@return boolean
function Root:has_let_go()
  return self.is_stopping or self.is_closed or false
end

local ROUTINES_PER_TURN = 64

---The library's modules were loaded anew, and the core's last words to its calls come to those of now: here the calls end, and
---whoever waits for them goes on, up to where it waits again.
---@return boolean has_more to be called again
function Root:abandon()
  local calls = self.calls
  dispatch.finish(self, function(target) return calls[target] ~= nil end, closed_error())
  scheduler.refill(ROUTINES_PER_TURN)
  scheduler.run_ready(ROUTINES_PER_TURN)
  return scheduler.has_ready()
end

-- Of one that has never been used.
local function close_unused(self)
  if self.is_closing then return end
  self.is_closing = true
  self:on_closed()
end

---Closes it at once, without waiting: another client takes over.
function Root:retire()
  if not self.handle.core then return close_unused(self) end
  begin_close(self, 0)
end

---Its worker exits: subscriptions, watches and syncs complete. What a request may still ask for is served.
function Root:rest()
  self.is_resting = true
  end_watched(self)
  if self.handle.core then self.handle.core:leave() end
end

---Whether an observer may begin: once it rests, only one that ends with its request.
---@param context appsync.observable.Context
---@return boolean
function Root:may_observe(context)
  return not self.is_resting or context.home ~= nil
end

---Opens it for an observer.
---@param context appsync.observable.Context
---@return appsync.core.Client? core, appsync.Error? err
function Root:open_for(context)
  if not self:may_observe(context) then return nil, closed_error() end
  return self:open()
end

---@param seconds number
---@return true? closed, appsync.Error? err
local function wait_closed(self, seconds)
  scheduler.may_wait("client:close")
  local w = scheduler.new_wait()
  self.close_waits = self.close_waits or {}
  table.insert(self.close_waits, w)
  w.root = self
  return scheduler.suspend(w, seconds, "client:close")
end

-- Its thread may wait for a disk, or for another program's lock, and saves what it has been given; nothing is lost when the
-- game quits meanwhile, because the process ends after it.
local function close_in_frame(self, seconds)
  if not wait_closed(self, seconds + FRAME_SECONDS) then self.handle.runtime:leave() end
  return true
end

---Subscriptions complete, nothing new begins; what is in flight has `timeout` seconds, then it is answered with kind
---"closed", and the core's client ends. Twice is legal: the earliest end counts.
---@param timeout number? 1
---@return true? closed, appsync.Error? err
function Root:close(timeout)
  if scheduler.computing then scheduler.check("client:close") end
  if not self.handle.core then
    close_unused(self)
    return true
  end
  timeout = timeout or CLOSE_SECONDS
  begin_close(self, timeout)
  if self.is_closed then return true end
  if scheduler.holds_frame() then return close_in_frame(self, timeout) end
  local ok, err = wait_closed(self, timeout + STOP_SECONDS)
  if not ok then return nil, err end
  if dispatch.count() == 0 then dispatch.close_runtime(JOIN_SECONDS) end
  return true
end

root.closed_error = closed_error
return root
