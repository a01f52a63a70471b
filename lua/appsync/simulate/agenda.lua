---What is due when: a binary heap by time; what is due at the same time comes in the order in which it was put in.
local agenda = {}

---@class appsync.simulate.Agenda
---@field private heap {at: number, order: integer, fn: fun()}[]
---@field private order integer
local Agenda = {}
Agenda.__index = Agenda

---@return appsync.simulate.Agenda
function agenda.new()
  return setmetatable({ heap = {}, order = 0 }, Agenda)
end

local function before(a, b)
  if a.at ~= b.at then return a.at < b.at end
  return a.order < b.order
end

---@param at number milliseconds of the simulation's clock
---@param fn fun()
function Agenda:put(at, fn)
  self.order = self.order + 1
  local heap, entry = self.heap, { at = at, order = self.order, fn = fn }
  local index = #heap + 1
  while index > 1 do
    local parent = math.floor(index / 2)
    if not before(entry, heap[parent]) then break end
    heap[index], index = heap[parent], parent
  end
  heap[index] = entry
end

---@return number? at of the next one
function Agenda:next_at()
  return self.heap[1] and self.heap[1].at
end

---Takes the first one out.
---@return fun() fn
function Agenda:take()
  local heap = self.heap
  local first, last = heap[1], table.remove(heap)
  if first ~= last then
    local index = 1
    while true do
      local child = index * 2
      if heap[child + 1] and before(heap[child + 1], heap[child]) then child = child + 1 end
      if not heap[child] or not before(heap[child], last) then break end
      heap[index], index = heap[child], child
    end
    heap[index] = last
  end
  return first.fn
end

return agenda
