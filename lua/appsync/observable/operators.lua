---Operators without a clock. Each returns a new observable; nothing happens before someone subscribes.
local errors = require "appsync.errors"
local observable = require "appsync.observable"
local opts = require "appsync.opts"
local scheduler = require "appsync.scheduler"

local Observable = observable.methods
local new = observable.new

-- Calls a function that computes: a waiting call in it throws. If it raises, the scheduler clears the mark.
local function computing(name, fn)
  return function(a, b)
    local outer = scheduler.computing
    scheduler.computing = name
    local result = fn(a, b)
    scheduler.computing = outer
    return result
  end
end

local function with_next(down, next_fn)
  return { next = next_fn, error = down.error, complete = down.complete, state = down.state }
end

---An operator that only handles values.
local function lift(source, make_next)
  return new(function(down, context)
    return source.connect(with_next(down, make_next(down)), context)
  end)
end

---An operator that may end the stream before its source does: `make(down, stop)` gives the sink; `stop()` releases the
---source.
local function lift_ending(source, make)
  return new(function(down, context)
    local teardown, is_stopped
    local function stop()
      is_stopped = true
      if teardown then
        local release = teardown
        teardown = nil
        release()
      end
    end
    local sink = make(down, stop)
    local given = source.connect(sink, context)
    if is_stopped then
      if given then given() end
    else
      teardown = given
    end
    return stop
  end)
end

---Passes each event through a function; nil drops the event.
---```lua
---numbers:map(function(n) return n * 10 end):for_each(function(n) print(n) end) --> 10, then 20, then 30
---```
---@param fn fun(event: any): any must not wait
---@return appsync.Observable
function Observable:map(fn)
  opts.expect_callable(fn, "fn", "map")
  fn = computing("map", fn)
  return lift(self, function(down)
    local emit = down.next
    return function(value, err)
      local mapped = fn(value)
      if mapped ~= nil then emit(mapped, err) end
    end
  end)
end

---Keeps the events for which the function returns true.
---```lua
---numbers:filter(function(n) return n > 1 end):for_each(function(n) print(n) end) --> 2, then 3
---```
---@param fn fun(event: any): any must not wait
---@return appsync.Observable
function Observable:filter(fn)
  opts.expect_callable(fn, "fn", "filter")
  fn = computing("filter", fn)
  return lift(self, function(down)
    local emit = down.next
    return function(value, err)
      if fn(value) then emit(value, err) end
    end
  end)
end

---Emits `state = fn(state, event)` for each event; nil drops the event and keeps the state.
---```lua
---numbers:scan(function(sum, n) return sum + n end, 0):for_each(function(sum) print(sum) end) --> 1, then 3, then 6
---```
---@param fn fun(state: any, event: any): any must not wait
---@param seed any the first state
---@return appsync.Observable
function Observable:scan(fn, seed)
  opts.expect_callable(fn, "fn", "scan")
  fn = computing("scan", fn)
  return lift(self, function(down)
    local state = seed
    return function(value, err)
      local new_state = fn(state, value)
      if new_state ~= nil then
        state = new_state
        down.next(state, err)
      end
    end
  end)
end

---@param n integer from 0
---@param where string
local function check_count(n, where, least)
  if type(n) ~= "number" or n % 1 ~= 0 or n < least then
    errors.misuse("%s: n must be an integer of at least %d, got %s", where, least, (errors.describe(n)))
  end
end

---Emits the first `n` events, then completes; the source is released at once.
---```lua
---numbers:take(2):for_each(function(n) print(n) end) --> 1, then 2
---```
---@param n integer
---@return appsync.Observable
function Observable:take(n)
  check_count(n, "take", 0)
  if n == 0 then return new(function(down, context) context:post(down, "complete") end) end
  return lift_ending(self, function(down, stop)
    local left = n
    return with_next(down, function(value, err)
      if left == 0 then return end
      left = left - 1
      if left == 0 then stop() end
      down.next(value, err)
      if left == 0 then down.complete() end
    end)
  end)
end

---Emits the first event, then completes.
---```lua
---numbers:first():for_each(function(n) print(n) end) --> 1
---```
---@return appsync.Observable
function Observable:first()
  return self:take(1)
end

---Drops the first `n` events.
---```lua
---numbers:skip(2):for_each(function(n) print(n) end) --> 3
---```
---@param n integer
---@return appsync.Observable
function Observable:skip(n)
  check_count(n, "skip", 0)
  return lift(self, function(down)
    local left = n
    return function(value, err)
      if left > 0 then
        left = left - 1
      else
        down.next(value, err)
      end
    end
  end)
end

---Drops events that equal the one before; `key_fn` returns what is compared.
---```lua
---numbers:distinct(function(n) return n > 1 end):for_each(function(n) print(n) end) --> 1, then 2
---```
---@param key_fn (fun(event: any): any)? must not wait
---@return appsync.Observable
function Observable:distinct(key_fn)
  if key_fn ~= nil then
    opts.expect_callable(key_fn, "key_fn", "distinct")
    key_fn = computing("distinct", key_fn)
  end
  return lift(self, function(down)
    local last, has_last
    return function(value, err)
      local key = value
      if key_fn then key = key_fn(value) end
      if has_last and key == last then return end
      last, has_last = key, true
      down.next(value, err)
    end
  end)
end

---Calls the function with each event, and passes the event on unchanged when it returns. It may wait.
---```lua
---local sum = 0
---numbers:tap(function(n) sum = sum + n end):for_each(function(n) print(n) end) --> 1, then 2, then 3
---print(sum) --> 6
---```
---@param fn fun(event: any, err: appsync.Error?)
---@return appsync.Observable
function Observable:tap(fn)
  opts.expect_callable(fn, "fn", "tap")
  return lift(self, function(down)
    return function(value, err)
      fn(value, err)
      down.next(value, err)
    end
  end)
end

local function expect_observable(value, name, where)
  if not observable.is(value) then
    errors.misuse("%s: %s must be an observable, got %s", where, name, (errors.describe(value)))
  end
end

---Emits until `other` emits or completes.
---```lua
---local stop = appsync.subject()
---local created = client:subscribe(on_create_todo):take_until(stop):subscribe()
---stop:next(true)
---print(created:next(10)) --> nil nil
---```
---@param other appsync.Observable
---@return appsync.Observable
function Observable:take_until(other)
  expect_observable(other, "other", "take_until")
  return new(function(down, context)
    local stops = {}
    local is_over = false
    local function stop()
      is_over = true
      for i = 1, 2 do
        local release = stops[i]
        stops[i] = nil
        if release then release() end
      end
    end
    local function finish()
      if is_over then return end
      stop()
      down.complete()
    end
    local function guard(fn)
      return function(value, err)
        if not is_over then fn(value, err) end
      end
    end
    stops[1] = other.connect({
      next = finish, complete = finish, state = function() end,
      error = guard(function(err)
        stop()
        down.error(err)
      end),
    }, context)
    stops[2] = self.connect({
      next = guard(down.next), error = guard(down.error), complete = guard(down.complete), state = guard(down.state),
    }, context)
    return stop
  end)
end

---Merges the events of several observables; completes when all have completed, fails with the first that fails.
---```lua
---local more = numbers:map(function(n) return n + 3 end)
---local sum = 0
---numbers:merge(more):for_each(function(n) sum = sum + n end)
---print(sum) --> 21
---```
---@param ... appsync.Observable
---@return appsync.Observable
function Observable:merge(...)
  local sources = { self, ... }
  for i = 2, #sources do expect_observable(sources[i], "argument " .. i - 1, "merge") end
  return new(function(down, context)
    local stops, left = {}, #sources
    local function complete()
      left = left - 1
      if left == 0 then down.complete() end
    end
    for i, source in ipairs(sources) do
      stops[i] = source.connect({
        next = down.next, error = down.error, complete = complete, state = down.state,
      }, context) or false
    end
    return function()
      for i, release in ipairs(stops) do
        stops[i] = false
        if release then release() end
      end
    end
  end)
end

---After a failure, continues with what the function returns: an observable, a last event, or nil for the end.
---```lua
---local failing = appsync.observable(function(observer) observer.error "no more numbers" end)
---failing:catch(function() return numbers end):for_each(function(n) print(n) end) --> 1, then 2, then 3
---```
---@param fn fun(err: appsync.Error): any may wait
---@return appsync.Observable
function Observable:catch(fn)
  opts.expect_callable(fn, "fn", "catch")
  return new(function(down, context)
    local teardown, is_stopped
    local function stop()
      is_stopped = true
      local release = teardown
      teardown = nil
      if release then release() end
    end
    local function recover(err)
      local release = teardown
      teardown = nil
      if release then release() end
      local instead = fn(err)
      if is_stopped then return end
      if observable.is(instead) then
        teardown = instead.connect(down, context)
      else
        if instead ~= nil then down.next(instead) end
        down.complete()
      end
    end
    teardown = self.connect({
      next = down.next, error = recover, complete = down.complete, state = down.state,
    }, context)
    return stop
  end)
end

return Observable
