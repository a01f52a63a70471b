---Values that are too large for a frame (csrc/binding/value_build.h): the core gives what makes them, in steps, and others run
---between these. What makes a value holds its text, of megabytes, which Lua's collector doesn't see: it is dropped at once
---where nobody wants the value any more.
local core = require "appsync.core"
local errors = require "appsync.errors"
local scheduler = require "appsync.scheduler"
local task = require "appsync.task"

local stepwise = {}

local null = core.null

stepwise.VALUES = 200 -- of a step
stepwise.EVENTS = 8   -- what it counts for in a turn's allowance
stepwise.LARGE_BYTES = 65536 -- of text: values above it are made in steps (csrc/binding/value_build.h has it too)

local MAX_SHORT = 2   -- how often Lua may have no memory for a value

---@param value any of an event
---@return boolean whether the value is still to be made
function stepwise.is_pending(value)
  return type(value) == "userdata" and value ~= null
end

-- What Lua throws (memory; before 5.4 what a finalizer raised) leaves the text as it is.
local function give_up(builder)
  builder:drop()
  return nil, errors.new("system", "Lua could not hold the data: it may be out of memory", { code = "out_of_memory" })
end

---@return any value, appsync.Error? err
local function make(builder, is_wanted, ...)
  local n_short, held = 0, {}
  while true do
    local ok, is_done, value = pcall(builder.step, builder, stepwise.VALUES, held)
    if not ok then
      n_short = n_short + 1
      if n_short >= MAX_SHORT then return give_up(builder) end
      held = {}
      builder:again()
    elseif is_done then
      return value
    elseif is_done == nil then
      return nil, errors.adopt(value)
    end
    local cancel_err = scheduler.pause(stepwise.EVENTS)
    if cancel_err or (is_wanted and not is_wanted(...)) then
      builder:drop()
      return nil, cancel_err
    end
  end
end

---Runs something long that pauses between its steps, where its caller waits: others run meanwhile, also where the caller's
---coroutine can't be suspended.
---@param fn function
---@return any ...
function stepwise.run(fn, ...)
  if scheduler.can_pause() then return fn(...) end
  return task.begin(fn, ...):await()
end

---Makes a value where its caller waits.
---@param builder appsync.core.Builder
---@param is_wanted (fun(...): boolean)? asked between the steps; when it says no there is neither a value nor an error
---@param ... any its arguments
---@return any value, appsync.Error? err
function stepwise.make(builder, is_wanted, ...)
  return stepwise.run(make, builder, is_wanted, ...)
end

---@return fun() step to be called for each value of something long, where its caller can pause
function stepwise.counter()
  local n = 0
  return function()
    n = n + 1
    if n % stepwise.VALUES == 0 then scheduler.pause(stepwise.EVENTS) end
  end
end

-- A member of an error or of the call's information: what can't be read is absent, as where it is small.
local function make_member(of, name, is_wanted, ...)
  if of and stepwise.is_pending(of[name]) then of[name] = stepwise.make(of[name], is_wanted, ...) end
end

---Makes what is still to be made of an answer.
---@param data any
---@param err appsync.Error?
---@param info appsync.Info?
---@param is_wanted (fun(...): boolean)?
---@return any data, appsync.Error? err, appsync.Info? info
function stepwise.complete(data, err, info, is_wanted, ...)
  if stepwise.is_pending(data) then
    local broken
    data, broken = stepwise.make(data, is_wanted, ...)
    if broken then
      stepwise.drop(nil, err, info)
      return nil, broken, info
    end
  end
  make_member(err, "errors", is_wanted, ...)
  make_member(info, "extensions", is_wanted, ...)
  return data, err, info
end

---@param data any
---@param err appsync.Error?
---@return boolean whether something of an answer is still to be made
function stepwise.is_incomplete(data, err)
  return stepwise.is_pending(data) or (err ~= nil and stepwise.is_pending(err.errors))
end

-- What isn't made is absent.
local function drop_member(of, name)
  if type(of) ~= "table" or not stepwise.is_pending(of[name]) then return end
  of[name]:drop()
  of[name] = nil
end

---Nobody wants it any more.
---@param data any
---@param err table?
---@param info table?
function stepwise.drop(data, err, info)
  if stepwise.is_pending(data) then data:drop() end
  drop_member(err, "errors")
  drop_member(info, "extensions")
end

return stepwise
