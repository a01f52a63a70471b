---One running subscription: its inbox, the routine that handles it, and the grammar of observables, enforced here only:
---values, then one terminal, then nothing.
---
---Every source posts into the inbox; one routine takes the events out in order and runs them through the operators to
---the observer. So callbacks may wait, and the next event waits for the running callback.
local clock = require "appsync.clock"
local compat = require "appsync.compat"
local errors = require "appsync.errors"
local log = require "appsync.log"
local printable = require "appsync.printable"
local scheduler = require "appsync.scheduler"

local spent = scheduler.spent

-- Sources of the program itself have no window: what is more is dropped and counted.
local MAX_SLOTS = 4 * 100000
local NONE = {}
-- An inbox that grew beyond this is made anew when it is empty.
local LARGE_SLOTS = 4 * 4096

---@class appsync.Sink
---@field next fun(value: any, err: appsync.Error?)
---@field error fun(err: appsync.Error)
---@field complete fun()
---@field state fun(state: string)

---@class appsync.observable.Context
---@field ended boolean the terminal was delivered, or the subscription was unsubscribed
---@field err appsync.Error? why it ended
---@field dropped integer
---@field pending_acks integer sources that the service hasn't acknowledged
---@field terminal appsync.Sink
---@field teardown fun()?
---@field is_direct boolean? its one source has no operators
local Context = {}
Context.__index = Context

local function wake_waits(self, key, ...)
  local waits = self[key]
  if not waits then return end
  self[key] = nil
  for i = 1, #waits do scheduler.wake(waits[i], ...) end
end

-- No more events: sources are released, the inbox is emptied, waiters are told.
local function close(self)
  self.ended = true
  local teardown = self.teardown
  self.teardown = nil
  self.head, self.tail, self.items = 1, 0, {}
  if teardown then teardown() end
  local err = self.err or errors.new("closed", "the subscription has ended")
  wake_waits(self, "ready_waits", nil, err)
  wake_waits(self, "end_waits")
  wake_waits(self, "pull_waits")
  scheduler.unpark(self.routine)
  if self.home then self.home:release(self) end
  if self.on_close then self.on_close() end
end

---Ends it without a callback. Twice is legal.
function Context:unsubscribe()
  if not self.ended then close(self) end
end

-- The terminal of the chain for callbacks.
local function observer_sink(self, observer)
  local on_next, on_error, on_complete, on_state = observer.next, observer.error, observer.complete, observer.state
  return {
    next = on_next or function() end, -- nothing is handled after the end: `close` empties the inbox
    error = function(err)
      if self.ended then return end
      self.err = err
      close(self)
      if on_error then
        on_error(err)
      elseif not self.is_quiet then
        log.emit(self.log, "error", "a subscription failed: " .. printable.text(err), { err = err })
      end
    end,
    complete = function()
      if self.ended then return end
      close(self)
      if on_complete then on_complete() end
    end,
    state = function(state)
      if on_state and not self.ended then on_state(state) end
    end,
  }
end

-- The terminal of the chain for pulling: the routine halts while a value waits to be taken.
local function pull_sink(self)
  local out = {}
  self.out, self.out_head, self.out_tail = out, 1, 0
  return {
    next = function(value, err)
      if self.ended then return end
      local at = self.out_tail + 2
      self.out_tail = at
      out[at - 1], out[at] = value, err or false
      self.is_halted = true
      wake_waits(self, "pull_waits")
    end,
    error = function(err)
      if self.ended then return end
      self.err = err
      close(self)
    end,
    complete = function()
      if not self.ended then close(self) end
    end,
    state = function() end,
  }
end

---Has a source's `flush` called when the value that waits was taken.
---@param source {flush: fun(self)}
function Context:flush_when_taken(source)
  local held = self.held or {}
  self.held = held
  held[#held + 1] = source
end

---Takes one pulled value.
---@return boolean taken, any value, appsync.Error? err
function Context:take()
  local at = self.out_head
  if at > self.out_tail then return false end
  local out = self.out
  local value, err = out[at], out[at + 1] or nil
  out[at], out[at + 1] = nil, nil
  self.out_head = at + 2
  if self.out_head > self.out_tail then
    self.out_head, self.out_tail = 1, 0
    self.is_halted = false
    if self.head <= self.tail then scheduler.unpark(self.routine) end
    local held = self.held
    if held then
      self.held = nil
      for i = 1, #held do held[i]:flush() end
    end
  end
  return true, value, err
end

-- Handles the next event of the inbox, which isn't empty.
local function handle_next(self)
  local items, at = self.items, self.head
  local sink, kind, value, err = items[at], items[at + 1], items[at + 2], items[at + 3]
  items[at + 2] = false -- the value isn't kept; the rest lives long anyway
  at = at + 4
  if at <= self.tail then
    self.head = at
  else
    self.head, self.tail = 1, 0
    if at > LARGE_SLOTS then self.items = {} end
  end
  sink[kind](value, err)
end

-- Handles the inbox; parks when it is empty.
local function consume(self)
  while true do
    while self.head <= self.tail and not self.is_halted do
      handle_next(self)
      if spent() and self.head <= self.tail then scheduler.give_way() end
    end
    if self.ended then return end
    if self.head > self.tail or self.is_halted then scheduler.park() end
  end
end

local start_routine

-- What its one routine would do, where it has none: whoever pulls works the inbox off.
local function work_off(self)
  while self.head <= self.tail and not self.is_halted do
    local ok, raised = pcall(handle_next, self)
    if not ok then
      scheduler.computing = nil
      self.routine.on_end(self.routine, false, raised)
    end
    if spent() and scheduler.can_pause() then scheduler.give_way() end
  end
end

local function on_unpark(routine)
  wake_waits(routine.context, "pull_waits")
end

local function on_orphaned(routine)
  routine.context:unsubscribe()
end

local function on_end(routine, ok, raised)
  if ok then return end
  local self = routine.context
  local err = errors.of_raised(raised)
  if self.ended then -- it raised in `error`, `complete`, or after it had unsubscribed
    log.emit(self.log, "error", "a subscription's callback raised: " .. printable.text(raised), { err = err })
    return
  end
  start_routine(self)
  self.is_halted = false
  self.head, self.tail, self.items = 1, 0, {}
  self:post(self.terminal, "error", err)
end

function start_routine(self)
  self.routine = scheduler.prepare({
    on_end = on_end, context = self, is_parked = true, is_pulled = self.is_worked_off, on_unpark = on_unpark,
    on_orphaned = on_orphaned,
  }, consume, self)
end

---@param observer table? callbacks; nil: it is pulled
---@return appsync.observable.Context
function Context.new(observer)
  local self = setmetatable({
    items = {}, head = 1, tail = 0, ended = false, dropped = 0, pending_acks = 0, is_halted = false,
  }, Context)
  self.terminal = observer and observer_sink(self, observer) or pull_sink(self)
  self.is_worked_off = not observer and scheduler.has_light_threads
  self.home = scheduler.home and scheduler.home()
  if self.home then self.home:keep(self) end
  start_routine(self)
  return self
end

---Puts an event into the inbox. Never runs anybody's code.
---@param sink appsync.Sink
---@param kind "next"|"error"|"complete"|"state"|"large" that of a sink of the source's own
function Context:post(sink, kind, value, err)
  if self.ended then return end
  local tail = self.tail
  if tail >= MAX_SLOTS and tail - self.head + 1 >= MAX_SLOTS and kind == "next" then
    self.dropped = self.dropped + 1
    return
  end
  local items = self.items
  items[tail + 1], items[tail + 2], items[tail + 3], items[tail + 4] = sink, kind, value, err
  self.tail = tail + 4
  if self.routine.is_parked and not self.is_halted then scheduler.unpark(self.routine) end
end

---A source has to be acknowledged before the subscription is ready.
function Context:expect_ack()
  self.pending_acks = self.pending_acks + 1
end

function Context:acknowledge()
  self.pending_acks = self.pending_acks - 1
  if self.pending_acks == 0 then wake_waits(self, "ready_waits", true) end
end

---Why a source isn't served: told by whoever waits in vain.
---@param source {standing: fun(self): string}
---@param err appsync.Error|false|nil false: it isn't, and nobody knows why; nil: it is
function Context:set_trouble(source, err)
  local troubles = self.troubles
  if not troubles then
    if err == nil then return end
    troubles = {}
    self.troubles = troubles
  end
  troubles[source] = err
end

-- The source that isn't served, and why, where that is known.
---@return table? source, appsync.Error|false|nil trouble
local function known_trouble(self)
  local source, trouble
  for one, cause in pairs(self.troubles or NONE) do
    if not trouble then source, trouble = one, cause end
  end
  return source, trouble
end

local function add_cause(err, trouble)
  err.cause = trouble
  err.message = err.message .. ": " .. trouble.message
  return err
end

-- A time-out of our own tells why there was nothing to wait for.
local function explain(self, err)
  if not err or err.kind ~= "timeout" or err == self.err then return err end
  local source, trouble = known_trouble(self)
  if trouble then return add_cause(err, trouble) end
  if source then err.message = err.message .. ": " .. source:standing() end
  return err
end

-- Nothing of the caller's frame is used: under nginx that may be gone.
local function leave_list(w)
  local waits = w.waits
  for i, other in ipairs(waits) do
    if other == w then return table.remove(waits, i) end
  end
end

-- Waits on one of the context's lists.
local function wait_on(self, key, timeout, what)
  local w = scheduler.new_wait()
  local waits = self[key] or {}
  self[key] = waits
  waits[#waits + 1] = w
  w.waits, w.on_drop = waits, leave_list
  local ok, err = scheduler.suspend(w, timeout, what)
  return ok, explain(self, err)
end

-- Calls that don't wait are made in each frame: their error is one and the same, or one for each cause.
local IN_VAIN = { ["s:ready"] = errors.timed_out "s:ready", ["s:next"] = errors.timed_out "s:next" }

local function in_vain(self, what)
  local _, trouble = known_trouble(self)
  if not trouble then return IN_VAIN[what] end
  local told = self.told or {}
  self.told = told
  local err = told[what]
  if not err or err.cause ~= trouble then
    err = add_cause(errors.timed_out(what), trouble)
    told[what] = err
  end
  return err
end

-- True, or why not; nothing while it isn't known.
local function readiness(self)
  if self.ended then return nil, self.err or errors.new("closed", "the subscription has ended") end
  if self.pending_acks == 0 then return true end
end

---@return true?, appsync.Error?
function Context:ready(timeout)
  scheduler.check("s:ready")
  local ok, err = readiness(self)
  if ok or err then return ok, err end
  if timeout == 0 then
    scheduler.glance("s:ready")
    ok, err = readiness(self)
    if ok or err then return ok, err end
    return nil, in_vain(self, "s:ready")
  end
  scheduler.may_wait("s:ready")
  return wait_on(self, "ready_waits", timeout, "s:ready")
end

-- Like `take`; where nothing between the inbox and the puller can wait, the inbox is handled here, without a change to
-- the routine, as far as the turn's allowance goes.
local function take_next(self)
  if self.is_worked_off then
    if self.out_head > self.out_tail then work_off(self) end
    return self:take()
  end
  if self.is_direct and self.out_head > self.out_tail then
    while self.head <= self.tail and not self.is_halted and not spent() do handle_next(self) end
  end
  return self:take()
end

-- Behind a wait.
local function take_again(self)
  if self.is_worked_off then return take_next(self) end
  return self:take()
end

-- One value that is there already, or will be when the routine has handled what is.
local function look(self)
  scheduler.glance("s:next")
  local taken, value, err = take_next(self)
  if not taken and not self.ended and self.routine.is_ready then
    scheduler.glance("s:next", true)
    taken, value, err = self:take()
  end
  if taken then return value, err end
  if self.ended then return nil, self.err end
  return nil, in_vain(self, "s:next")
end

---One value, or nil at the end.
---@return any value, appsync.Error? err
function Context:pull(timeout)
  scheduler.check("s:next")
  local taken, value, err = take_next(self)
  if taken then return value, err end
  if self.ended then return nil, self.err end
  if timeout == 0 then return look(self) end
  scheduler.may_wait("s:next")
  local deadline = timeout and clock.now() + timeout
  repeat -- another waiter may have been faster
    local _, wait_err = wait_on(self, "pull_waits", deadline and math.max(0, deadline - clock.now()), "s:next")
    if wait_err then return nil, wait_err end
    taken, value, err = take_again(self)
    if taken then return value, err end
  until self.ended
  return nil, self.err
end

---Waits for the end.
---@return true?, appsync.Error?
function Context:wait_end(timeout)
  if not self.ended then
    scheduler.may_wait("for_each")
    local _, err = wait_on(self, "end_waits", timeout, "for_each")
    if err then return nil, err end
  end
  if self.err then return nil, self.err end
  return true
end

Context.has_close = compat.has_close

return Context
