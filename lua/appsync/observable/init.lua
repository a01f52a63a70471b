---Observables: cold streams of events.
local errors = require "appsync.errors"
local log = require "appsync.log"
local opts = require "appsync.opts"
local printable = require "appsync.printable"
local Context = require "appsync.observable.context"
local call = require "appsync.call"
local scheduler = require "appsync.scheduler"
local task = require "appsync.task"
local subscription = require "appsync.observable.subscription"

local observable = {}

---@class appsync.Observer
---@field next fun(event: any, err: appsync.Error?)?
---@field error fun(err: appsync.Error)?
---@field complete fun()?
---@field state fun(state: "subscribed"|"reconnecting"|"polling")? "polling": only of a subscription with `catch_up`

---@class appsync.Observable
---@field package connect fun(sink: appsync.Sink, context: appsync.observable.Context): fun()?
local Observable = {}
Observable.__index = Observable
Observable.__name = "appsync.observable"

observable.methods = Observable

---@param connect fun(sink: appsync.Sink, context: appsync.observable.Context): fun()? starts it, gives its teardown;
---values are posted to the context, never handed over directly
---@return appsync.Observable
function observable.new(connect)
  return setmetatable({ connect = connect }, Observable)
end

---@return boolean
function observable.is(value)
  return type(value) == "table" and type(value.connect) == "function" and value.subscribe == Observable.subscribe
end

local OBSERVER = opts.schema{
  next = { "callable" }, error = { "callable" }, complete = { "callable" }, state = { "callable" },
}

-- Whether it is the function for the events: what has functions for them is an observer, even if it can be called.
local function is_next(observer)
  if not opts.is_callable(observer) then return false end
  if type(observer) ~= "table" then return true end
  for name in pairs(OBSERVER.fields) do
    if observer[name] ~= nil then return false end
  end
  return true
end

local function open(source, context)
  local teardown = source.connect(context.terminal, context)
  if context.ended then -- it ended while it was opened
    if teardown then teardown() end
  else
    context.teardown = teardown
  end
  return context
end

---Starts the observable. With an observer, its functions are called as tasks, one event at a time; without one, take the events
---with `s:next()` or `s:each()`.
---```lua
---local s = numbers:subscribe{
---  next = function(n) print(n) end, --> 1, then 2, then 3
---  complete = function() print "the end" end, --> the end
---}
---```
---@param observer appsync.Observer|fun(event: any, err: appsync.Error?)|nil
---@return appsync.Subscription
function Observable:subscribe(observer)
  if is_next(observer) then observer = { next = observer } end
  if observer ~= nil then
    observer = opts.check(observer, OBSERVER, "subscribe", "observer must be a function or a table of functions")
  end
  local context = open(self, Context.new(observer))
  return subscription.new(context, observer == nil)
end

---Like `s:next` on one pull subscription that this observable opens once and keeps.
---```lua
---local first, second = numbers:next(), numbers:next()
---print(first, second) --> 1 2
---```
---@param timeout number|table|nil
---@return any event, appsync.Error? err
function Observable:next(timeout)
  local kept = self.kept
  if not kept then
    kept = self:subscribe()
    self.kept = kept
  end
  return kept:next(timeout)
end

---Iterates over the events: `for event, s in observable:each() do`. Each loop has a pull subscription of its own.
---```lua
---for n in numbers:each() do
---  print(n) --> 1, then 2, then 3
---end
---```
---@return fun(): any, appsync.Subscription
function Observable:each()
  subscription.check_each()
  return self:subscribe():each()
end

local FOR_EACH_OPTIONS = opts.schema{
  timeout = { "number", min = 0 },
  on_result = { "callable" },
}

local function for_each(self, fn, options)
  scheduler.may_wait("for_each") -- before anything is subscribed to
  local context = Context.new{ next = fn }
  context.is_quiet = true
  open(self, context)
  local ok, err = context:wait_end(options.timeout)
  context:unsubscribe()
  return ok, err
end

---Subscribes, calls the function with each event, and waits for the end.
---```lua
---local ok, err = numbers:for_each(function(n)
---  print(n) --> 1, then 2, then 3
---end)
---print(ok, err) --> true nil
---```
---@param fn fun(event: any, err: appsync.Error?) may wait
---@param options {timeout: number?, on_result: function?}|nil
---@return true? ok, appsync.Error? err
function Observable:for_each(fn, options)
  opts.expect_callable(fn, "fn", "for_each")
  options = opts.check(options, FOR_EACH_OPTIONS, "for_each")
  return call.run(options, for_each, self, fn, options)
end

---The observer that a source's function gets: `observer:next(value)` and `observer.next(value)` both work.
local function given_observer(sink, context)
  local observer = {}
  local is_over = false
  local function post(kind)
    return function(first, second, third)
      if first == observer then first, second = second, third end
      if is_over then return end
      if kind == "next" then
        if first == nil then errors.misuse("observer:next: an event can't be nil; use appsync.null") end
      else
        is_over = true
        if kind == "error" then first = errors.of_raised(first) end
      end
      context:post(sink, kind, first, second)
    end
  end
  observer.next, observer.error, observer.complete = post("next"), post("error"), post("complete")
  return observer, function() is_over = true end
end

---Makes an observable. `subscribe_fn(observer)` is called for each subscription; it may return a function that stops it.
---```lua
---local letters = appsync.observable(function(observer)
---  observer.next "a"
---  observer.next "b"
---  observer.complete()
---end)
---letters:for_each(function(letter) print(letter) end) --> a, then b
---```
---@param subscribe_fn fun(observer: {next: function, error: function, complete: function}): function?
---@return appsync.Observable
function observable.make(subscribe_fn)
  opts.expect_callable(subscribe_fn, "subscribe_fn", "appsync.observable")
  return observable.new(function(sink, context)
    local observer, silence = given_observer(sink, context)
    local ok, stop = task.pcall(subscribe_fn, observer)
    if not ok then
      observer:error(stop)
      stop = nil
    end
    if stop ~= nil then opts.expect_callable(stop, "what subscribe_fn returns", "appsync.observable") end
    return function()
      silence()
      if not stop then return end
      local is_good, raised = pcall(stop)
      if not is_good then
        log.emit(context.log, "error", "the function that stops an observable raised: " .. printable.text(raised), { raised = raised })
      end
    end
  end)
end

return observable
