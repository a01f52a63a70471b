---The queue of one identity's mutations, as far as Lua knows it: with which slots and headers it is sent, what the core said
---of its state, and who waits for that. The core decides everything else.
local auth = require "appsync.client.auth"
local clock = require "appsync.clock"
local core = require "appsync.core"
local dispatch = require "appsync.dispatch"
local errors = require "appsync.errors"
local event_inbox = require "appsync.client.event_inbox"
local headers = require "appsync.client.headers"
local light = require "appsync.light"
local log = require "appsync.log"
local scheduler = require "appsync.scheduler"
local stepwise = require "appsync.stepwise"
local task = require "appsync.task"

local queue = {}

local null = core.null

---@class appsync.client.Queue
---@field root appsync.client.Root
---@field core appsync.core.Cache
---@field calls table<integer, appsync.client.QueuedCall> by entry: those of this run whose outcome is still to come
---@field outcomes appsync.client.QueueOutcome[] to be told, in order
---@field settled table<integer, true> by entry: answers that are in the cache, and whose outcomes are still to come
---@field sources table of headers
---@field waiting table<integer, appsync.client.QueuedCall> by call
---@field state appsync.client.QueueState? nil: not told yet
---@field private inbox appsync.client.EventInbox
---@field private slots table<string, appsync.client.AuthSlot>
---@field private state_at number
---@field private outlets {sink: appsync.Sink, context: appsync.observable.Context}[]
---@field private drains appsync.Wait[]
local Queue = {}
Queue.__index = Queue

---@class appsync.OutboxStatus
---@field state "idle"|"sending"|"retrying"|"waiting_network"|"waiting_auth"|"waiting_storage"|"waiting_resolver"|"waiting_maker"
---@field size integer queued mutations
---@field dead integer dead letters
---@field head string? the id of the first one
---@field stuck_for number seconds for which the first one has been waiting for something
---@field reason string? why

-- Queues of identities that no client asks for any more go, unless there is something to do in them.
local WEAK = { __mode = "v" }

-- Observers keep their client alive: outlet → queue.
local observed = {} -- luacheck: ignore 241

---Whether a client has an outbox. One of `client:with` does so only under an identity.
---@param client appsync.Client
---@return boolean
function queue.is_kept(client)
  return client.root.queue_options ~= nil and (not client.is_derived or client.identity ~= nil)
end

---Throws for a client without an outbox.
---@param client appsync.Client
---@param where string
function queue.check_kept(client, where)
  if queue.is_kept(client) then return end
  if client.root.queue_options then
    errors.misuse("%s: a client made by client:with has an outbox only with an identity", where)
  end
  light.refuse(where)
  errors.misuse("%s: this client has no outbox: it needs a store; give appsync.client store = \"app.db\" or \":memory:\"", where)
end

local function same(a, b, n)
  for i = 1, n do
    if a[i] ~= b[i] then return false end
  end
  return true
end

-- Those of before stay known: what is queued in a mode that this client doesn't have may still be sent.
---@return boolean has_changed
local function add_slots(self, slots)
  local has_changed = false
  for mode, slot in pairs(slots) do
    if self.slots[mode] ~= slot then
      self.slots[mode], has_changed = slot, true
    end
  end
  return has_changed
end

local N_SOURCES = 3

---@return table? options for the core, appsync.Error? err
local function options_of(self)
  local ids, given = {}, self.root.queue_options
  for mode, slot in pairs(self.slots) do ids[mode] = slot.id end
  local options = {
    auths = ids, order = given.order, max_tries = given.max_tries, resolves_doubt = given.resolves_doubt,
    request_lifetime = given.request_lifetime,
    has_resolver = self.root.conflict_resolver ~= nil, has_updates = next(self.root.updates) ~= nil,
    asks_headers = headers.are_dynamic(self.sources),
  }
  if options.asks_headers then return options end
  local err
  options.headers, err = headers.of(self.sources)
  if err then return nil, err end
  return options
end

local function configure(self, method)
  local options, headers_err = options_of(self)
  if not options then return nil, headers_err end
  local ok, err = self.core[method](self.core, options)
  if not ok then return nil, errors.of_core(err) end
  return true
end

-- Another client of the same identity: what it brings takes precedence.
local function join(self, client)
  local sources = client:header_sources()
  local has_changed = add_slots(self, auth.slots(client))
  if not same(sources, self.sources, N_SOURCES) then
    self.sources, has_changed = sources, true
  end
  if has_changed then return configure(self, "change_queue") end
  return true
end

local function start(client, opened)
  local self = setmetatable({
    root = client.root, core = opened, slots = {}, sources = client:header_sources(), calls = {}, outcomes = {}, settled = {},
    waiting = {}, outlets = {}, drains = {},
  }, Queue)
  self.inbox = event_inbox.new(self)
  add_slots(self, auth.slots(client))
  local ok, err = configure(self, "open_queue")
  if not ok then return nil, err end
  dispatch.listen(opened:id(), self)
  return self
end

---The queue of a client that has one, opened on first use: from then on the core sends what is in it.
---@param client appsync.Client
---@param identity string
---@param opened appsync.core.Cache the client's
---@return appsync.client.Queue? queue, appsync.Error? err
function queue.open(client, identity, opened)
  local root = client.root
  root.queues = root.queues or setmetatable({}, WEAK)
  local self = root.queues[identity]
  if self then
    local ok, err = join(self, client)
    if not ok then return nil, err end
  else
    local err
    self, err = start(client, opened)
    if not self then return nil, err end
    root.queues[identity] = self
  end
  client.queue = self
  return self
end

---@param root appsync.client.Root
---@return integer? size of all its queues; nil: unknown
function queue.size_of_all(root)
  local size
  for _, self in pairs(root.queues or {}) do
    if self.state then size = (size or 0) + self.state.size end
  end
  return size
end

---Makes sure that the core knows the slot of a call's mode.
---@param slot appsync.client.AuthSlot
---@return true? ok, appsync.Error? err
function Queue:use(slot)
  if self.slots[slot.checked.type] == slot then return true end
  add_slots(self, { [slot.checked.type] = slot })
  return configure(self, "change_queue")
end

---While there is something to do, the queue lives as long as its client.
function Queue:hold()
  local is_busy = (self.state and self.state.size > 0) or self.outcomes[1] or self.outlets[1] or self.drains[1]
    or next(self.calls) ~= nil
  if is_busy then self.root:attach(self) else self.root:detach(self) end
end

---A mutation is in the outbox no more, by the application's word: no outcome comes.
---@param id string
function Queue:drop_call(id)
  local entry = tonumber(id:match("%-(%d+)$"))
  if entry then self.calls[entry] = nil end
  self:hold()
end

---The calls that were made by now, of mutations that may be about to leave the queue without an outcome. Those that still wait for
---their RESULT are among them: it comes before the core's answer, and may say that the mutation was queued.
---@return fun() forget
function Queue:forgetting()
  local made = {}
  for _, call in pairs(self.calls) do made[call] = true end
  for _, call in pairs(self.waiting) do made[call] = true end
  return function()
    for entry, call in pairs(self.calls) do
      if made[call] then self.calls[entry], self.settled[entry] = nil, nil end
    end
    self:hold()
  end
end

---Forgets the calls of mutations that the application has made dead letters: no outcome comes.
function Queue:forget_discarded()
  if next(self.calls) == nil then return end
  for _, entry in ipairs(self:ask("dead_letters", nil, nil, "client:clear") or {}) do
    if entry.cause and entry.cause.outcome == "discarded" then self.calls[entry.entry] = nil end
  end
  self:hold()
end

---Tells the core something that it may have stopped waiting for.
---@param method string
---@return true? ok
function Queue:tell(method, ...)
  if not self.root.handle.core then return nil end
  local ok, err = self.core[method](self.core, ...)
  errors.of_core(err)
  return ok
end

local function on_answer(w, _, value)
  if value then w.on_done() end
end

-- Nobody waits for the answer any more; what it says has happened all the same. Nothing of the caller's frame is used: under nginx
-- that may be gone.
local function on_drop(w)
  dispatch.forget(w.id, w)
  if not w.on_answer then return end
  local left = scheduler.new_wait()
  left.on_answer, left.on_done = on_answer, w.on_done
  dispatch.expect(w.id, left)
end

---Asks the core something about the queue, and waits for the answer.
---@param what string
---@param argument any
---@param timeout number?
---@param where string
---@param on_done fun()? called when the core has done it, also when nobody waits for that any more
---@return any answer, appsync.Error? err
function Queue:ask(what, argument, timeout, where, on_done)
  local w, root = scheduler.new_wait(), self.root
  local is_open, closed_err = root:go_on()
  if not is_open then return nil, closed_err end
  local id, start_err = self.core:ask_queue(what, argument)
  if not id then return nil, errors.of_core(start_err, where) end
  root:enter(w)
  w.id, w.on_drop = id, on_drop
  if on_done then w.on_answer, w.on_done = on_answer, on_done end
  dispatch.expect(id, w)
  local answer, err = scheduler.suspend(w, timeout, where)
  root:leave(w)
  answer, err = stepwise.complete(answer, err)
  if answer == null then answer = nil end
  return answer, err
end

---The client is closing: nothing more is sent. The client is busy until what is under way has its answer.
function Queue:finish()
  if self.state and self.state.size == 0 then return end
  task.begin(self.ask, self, "finish", nil, nil, "client:close")
end

---A copy of the state, which is the caller's.
---@return appsync.OutboxStatus
function Queue:status()
  local state = self.state
  local stuck_for = state.stuck_for or 0
  if state.state ~= "idle" and state.state ~= "sending" then stuck_for = stuck_for + (clock.now() - self.state_at) end
  return {
    state = state.state, size = state.size, dead = state.dead, head = state.head, stuck_for = stuck_for, reason = state.reason,
  }
end

local function post(self, kind, value)
  local outlets = self.outlets
  for i = 1, #outlets do outlets[i].context:post(outlets[i].sink, kind, value and self:status()) end
end

local function wake_drains(self, ...)
  local waits = self.drains
  self.drains = {}
  for _, w in ipairs(waits) do scheduler.wake(w, ...) end
end

---@param state appsync.client.QueueState
function Queue:set_state(state)
  self.state, self.state_at = state, clock.now()
  post(self, "next", true)
  if self:is_drained() then wake_drains(self, true) end
  self:hold()
end

---Whether nothing is queued, nor about to be.
---@return boolean
function Queue:is_drained()
  local state = self.state
  return state.size == 0 and state.state ~= "waiting_storage" and next(self.waiting) == nil
end

---The call has its RESULT.
---@param id integer
---@param is_queued boolean it is in the outbox
---@param size integer? how many are queued by now, where that is all that has changed; else the state is told
function Queue:answered(id, is_queued, size)
  self.waiting[id] = nil
  if is_queued and size then self:set_size(size) end
  if not is_queued and self.drains[1] and self.state and self:is_drained() then wake_drains(self, true) end
end

---A RESULT says how many are queued; all else is as it was.
---@param size integer
function Queue:set_size(size)
  local state = self.state
  if not state or state.size == size then return end
  state.size = size
  post(self, "next", true)
end

---What the core says of the queue.
---@param event any
function Queue:on_queue(event)
  self.inbox:take(event)
end

---@private
function Queue:handle(event)
  if event.what == "state" then return self:set_state(event) end
  self.root.on_queue_event(self, event)
end

---@private
function Queue:is_over()
  return self.root.is_closed == true
end

-- What the core waits for then waits for the next run.
---@private
function Queue:on_unmade(err)
  log.emit(self.root.log, "error", "client.outbox: what has become of a mutation can't be told now: " .. err.message, { err = err })
end

---@private
function Queue:on_raise(_, err)
  self:on_unmade(err)
end

---The state, asked for unless it is known.
---@param timeout number?
---@param where string
---@return appsync.client.QueueState? state, appsync.Error? err
function Queue:know(timeout, where)
  if self.state then return self.state end
  local state, err = self:ask("status", nil, timeout, where)
  if not state then return nil, err end
  if not self.state then self:set_state(state) end
  return self.state
end

local function leave_drains(w)
  local self = w.queue
  for i, other in ipairs(self.drains) do
    if other == w then table.remove(self.drains, i) break end
  end
  self:hold()
end

local function new_drain(self)
  local w = scheduler.new_wait()
  w.root = self.root
  self.drains[#self.drains + 1] = w
  w.queue, w.on_drop = self, leave_drains
  self:hold()
  return w
end

---Waits until nothing is queued.
---@param timeout number?
---@param where string
---@return true? ok, appsync.Error? err
function Queue:drain(timeout, where)
  return scheduler.suspend(new_drain(self), timeout, where)
end

-- What is queued is sent soon.
local SENDS = { idle = true, sending = true, waiting_auth = true, waiting_storage = true, waiting_maker = true }

---Waits until nothing is queued, or what is can't be sent now.
---@param at number when it is too late, by the clock
---@param where string
---@return boolean is_settled
function Queue:settle(at, where)
  while not (self.state and self:is_drained()) do
    local w = new_drain(self) -- before the core is asked: what it tells may come with the answer
    local state, err = self:ask("status", nil, math.max(0, at - clock.now()), where)
    if not state or state.size == 0 or not SENDS[state.state] then
      scheduler.drop(w, err)
      return state ~= nil
    end
    if not scheduler.suspend(w, math.max(0, at - clock.now()), where) then return false end
  end
  return true
end

---Emits the state, now if it is known, and whenever it has changed.
---@param sink appsync.Sink
---@param context appsync.observable.Context
---@return fun() stop
function Queue:connect(sink, context)
  local outlets = self.outlets
  local outlet = { sink = sink, context = context }
  outlets[#outlets + 1] = outlet
  observed[outlet] = self
  self:hold()
  if self.state then context:post(sink, "next", self:status()) end
  return function()
    observed[outlet] = nil
    for i, other in ipairs(outlets) do
      if other == outlet then table.remove(outlets, i) break end
    end
    self:hold()
  end
end

---@private
function Queue:on_client_closed()
  post(self, "complete")
  wake_drains(self, nil, errors.new("closed", "the client is closed"))
end

return queue
