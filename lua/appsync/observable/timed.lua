---Operators with a clock. A timer posts into the subscription's inbox, so that events keep their order.
local errors = require "appsync.errors"
local json = require "appsync.json"
local observable = require "appsync.observable"
local timer = require "appsync.timer"
local clock = require "appsync.clock"

local Observable = observable.methods
local new = observable.new

local function check_seconds(seconds, where)
  if type(seconds) ~= "number" or seconds ~= seconds or seconds < 0 or seconds == math.huge then
    errors.misuse("%s: s must be a number of seconds, got %s", where, (errors.describe(seconds)))
  end
end

-- A timer of a stage: fires as an event of `sink`, in the subscription's own order.
local function stage_timer(context, fire)
  local entry
  local generation = 0
  local sink = {
    next = function(of)
      if of == generation then fire() end
    end,
  }
  local function clear()
    generation = generation + 1
    if entry then timer.cancel(entry) end
    entry = nil
  end
  local function start(seconds)
    clear()
    local of = generation
    entry = timer.after(seconds, function() context:post(sink, "next", of) end)
  end
  return start, clear
end

local function connect(source, sink, context, clear)
  local teardown = source.connect(sink, context)
  return function()
    clear()
    if teardown then teardown() end
  end
end

---Emits an event once `s` seconds have passed without another; at the end of the stream, the last one at once.
---```lua
---numbers:debounce(0.5):for_each(function(n) print(n) end) --> 3
---```
---@param s number seconds
---@return appsync.Observable
function Observable:debounce(s)
  check_seconds(s, "debounce")
  return new(function(down, context)
    local last, last_err, has_last
    local function flush()
      if not has_last then return end
      local value, err = last, last_err
      last, last_err, has_last = nil, nil, false
      down.next(value, err)
    end
    local start, clear = stage_timer(context, flush)
    return connect(self, {
      next = function(value, err)
        last, last_err, has_last = value, err, true
        start(s)
      end,
      error = function(err)
        clear()
        down.error(err)
      end,
      complete = function()
        clear()
        flush()
        down.complete()
      end,
      state = down.state,
    }, context, clear)
  end)
end

---Emits an event, then drops those of the next `s` seconds.
---```lua
---numbers:throttle(60):for_each(function(n) print(n) end) --> 1
---```
---@param s number seconds
---@return appsync.Observable
function Observable:throttle(s)
  check_seconds(s, "throttle")
  return new(function(down, context)
    local open_at
    return self.connect({
      next = function(value, err)
        local now = clock.now()
        if open_at and now < open_at then return end
        open_at = now + s
        down.next(value, err)
      end,
      error = down.error, complete = down.complete, state = down.state,
    }, context)
  end)
end

---Emits lists of `n` events; with `s`, what there is that many seconds after the first. At the end of the stream, emits the
---rest.
---```lua
---numbers:buffer(2):for_each(function(list) print(table.concat(list, " ")) end) --> 1 2, then 3
---```
---@param n integer
---@param s number? seconds
---@return appsync.Observable
function Observable:buffer(n, s)
  if type(n) ~= "number" or n % 1 ~= 0 or n < 1 then
    errors.misuse("buffer: n must be an integer of at least 1, got %s", (errors.describe(n)))
  end
  if s ~= nil then check_seconds(s, "buffer") end
  return new(function(down, context)
    local list, size, first_err = nil, 0, nil
    local clear
    local function flush()
      clear()
      if size == 0 then return end
      local full, err = list, first_err
      list, size, first_err = nil, 0, nil
      down.next(full, err)
    end
    local start
    start, clear = stage_timer(context, flush)
    return connect(self, {
      next = function(value, err)
        if size == 0 then
          list = json.array{}
          if s then start(s) end
        end
        size = size + 1
        list[size] = value
        first_err = first_err or err
        if size == n then flush() end
      end,
      error = function(err)
        clear()
        down.error(err)
      end,
      complete = function()
        flush()
        down.complete()
      end,
      state = down.state,
    }, context, clear)
  end)
end

return Observable
