---Timers of the Lua thread: a binary heap by due time; equal times fire in the order they were made.
local clock = require "appsync.clock"
local hosts = require "appsync.hosts"

local timer = {}

---@class appsync.Timer
---@field at number
---@field order integer
---@field fn function
---@field arg any
---@field index integer? place in the heap; nil when fired or cancelled

local heap, size, order = {}, 0, 0

local function before(a, b)
  if a.at ~= b.at then return a.at < b.at end
  return a.order < b.order
end

local function put(entry, index)
  heap[index] = entry
  entry.index = index
end

local function sift_up(entry, index)
  while index > 1 do
    local parent = math.floor(index / 2)
    if not before(entry, heap[parent]) then break end
    put(heap[parent], index)
    index = parent
  end
  put(entry, index)
end

local function sift_down(entry, index)
  while true do
    local child = index * 2
    if child > size then break end
    if child < size and before(heap[child + 1], heap[child]) then child = child + 1 end
    if not before(heap[child], entry) then break end
    put(heap[child], index)
    index = child
  end
  put(entry, index)
end

---Calls `fn(arg)` when the time has come and the host drives the library. `fn` must not wait.
---@param seconds number
---@param fn function
---@param arg any
---@return appsync.Timer
function timer.after(seconds, fn, arg)
  order = order + 1
  local entry = { at = clock.now() + seconds, order = order, fn = fn, arg = arg }
  size = size + 1
  sift_up(entry, size)
  if entry.index == 1 then hosts.notice() end
  return entry
end

---Forgets all timers: a simulated process was killed.
function timer.clear()
  for i = 1, size do
    heap[i].index = nil
    heap[i] = nil
  end
  size = 0
end

---Twice is legal, also after it fired.
---@param entry appsync.Timer
function timer.cancel(entry)
  local index = entry.index
  if not index then return end
  entry.index = nil
  local last = heap[size]
  heap[size] = nil
  size = size - 1
  if last == entry then return end
  if index > 1 and before(last, heap[math.floor(index / 2)]) then
    sift_up(last, index)
  else
    sift_down(last, index)
  end
end

---@return number? at the due time of the next timer, by `clock.now`
function timer.next_at()
  local first = heap[1]
  return first and first.at
end

---Fires at most `max` timers that are due.
---@param max integer
---@return integer fired
function timer.run_due(max)
  if size == 0 then return 0 end
  local now, fired = clock.now(), 0
  while fired < max do
    local first = heap[1]
    if not first or first.at > now then break end
    timer.cancel(first)
    fired = fired + 1
    first.fn(first.arg)
  end
  return fired
end

return timer
