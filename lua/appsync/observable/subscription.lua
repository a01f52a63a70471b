---The handle of a running subscription.
local compat = require "appsync.compat"
local errors = require "appsync.errors"
local opts = require "appsync.opts"
local call = require "appsync.call"
local scheduler = require "appsync.scheduler"

local subscription = {}

---@class appsync.Subscription
---@field err appsync.Error? why it ended; nil at a normal end
---@field dropped integer the number of events lost to `overflow = "drop_oldest"`, plus one for each connection that ended while
---it wasn't being read because a subscriber lagged: how many events those lost is unknown
local Subscription = {}

local mt = {
  __name = "appsync.subscription",
  __index = function(self, key)
    local method = Subscription[key]
    if method then return method end
    if key == "err" or key == "dropped" then return rawget(self, "context")[key] end
  end,
  __tostring = function(self)
    return "appsync.subscription (" .. (self.context.ended and "ended" or "live") .. ")"
  end,
  __close = function(self) self.context:unsubscribe() end,
}

local WAIT_OPTIONS = opts.schema{
  timeout = { "number", min = 0 },
  on_result = { "callable" },
}

---@param context appsync.observable.Context
---@param is_pulled boolean it ends when the handle is collected
---@return appsync.Subscription
function subscription.new(context, is_pulled)
  local self = setmetatable({ context = context, is_pulled = is_pulled }, mt)
  if is_pulled then
    rawset(self, "sentinel", compat.on_collect(function() context:unsubscribe() end))
  end
  return self
end

---Ends the subscription. No callback runs afterwards; calling it twice is harmless.
---```lua
---local s = client:subscribe(on_create_todo):subscribe{ next = function(data) print(data.onCreateTodo.name) end }
---s:unsubscribe()
---```
function Subscription:unsubscribe()
  self.context:unsubscribe()
end

-- No tail calls where somebody waits: the handle must outlive the wait, or its collection would end the subscription.
local function ready(self, timeout)
  local ok, err = self.context:ready(timeout)
  return ok, err
end

---Waits until the service has acknowledged the subscription. On a time-out, `err.cause` and the message say why it hasn't, if
---that is known: the connection's last error, or a refusal that is being retried.
---```lua
---local s = client:subscribe(on_create_todo):subscribe()
---local ok, err = s:ready(10)
---print(ok, err) --> true nil
---```
---@param timeout number|table|nil seconds, or `{timeout =, on_result =}`
---@return true? ok, appsync.Error? err
function Subscription:ready(timeout)
  if opts.is_timeout(timeout) then return ready(self, timeout) end
  local options = opts.with_timeout(timeout, WAIT_OPTIONS, "s:ready")
  return call.run(options, ready, self, options.timeout)
end

local function next_event(self, timeout)
  local event, err = self.context:pull(timeout)
  return event, err
end

---Waits for one event. Returns `nil, nil` at the end of the stream, and `nil, err` after a failure. On a time-out it returns
---`nil, err` too, and nothing is lost; `err.cause` is set if the subscription isn't being served at that moment. A timeout of 0
---never waits and costs next to nothing: its error is the same object each time, until its cause changes.
---```lua
---local s = numbers:take(1):subscribe()
---local n, err = s:next(10)
---print(n, err) --> 1 nil
---print(s:next(10)) --> nil nil
---```
---@param timeout number|table|nil seconds, or `{timeout =, on_result =}`
---@return any event, appsync.Error? err
function Subscription:next(timeout)
  if not self.is_pulled then
    errors.misuse("s:next: this subscription has callbacks; subscribe() without an observer gives one to pull from")
  end
  if opts.is_timeout(timeout) then return next_event(self, timeout) end
  local options = opts.with_timeout(timeout, WAIT_OPTIONS, "s:next")
  return call.run(options, next_event, self, options.timeout)
end

---Throws where `each` isn't possible.
function subscription.check_each()
  if compat.is_puc51 and scheduler.is_inside() then
    errors.misuse("s:each: PUC Lua 5.1 can't suspend a task in a for iterator; "
      .. "use `local event, err = s:next()` in a while loop")
  end
end

---Iterates over the events: `for event in s:each() do`. After the loop, `s.err` tells a failure from the end of the stream.
---```lua
---local s = numbers:subscribe()
---for n in s:each() do
---  print(n) --> 1, then 2, then 3
---end
---print(s.err) --> nil
---```
---@return fun(): any, appsync.Subscription
function Subscription:each()
  if not self.is_pulled then
    errors.misuse("s:each: this subscription has callbacks; subscribe() without an observer gives one to pull from")
  end
  subscription.check_each()
  local function iterate()
    local event = self.context:pull()
    if event ~= nil then return event, self end
  end
  return iterate, nil, nil, compat.has_close and self or nil
end

subscription.mt = mt
return subscription
