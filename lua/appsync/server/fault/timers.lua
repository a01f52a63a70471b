---What is to be done later, in the order of its time; of equal times the first that was asked for.
local timers = {}

---@class appsync.server.Timers
---@field private clock fun(): number
---@field private list {at: number, fn: function}[] the next one last
local Timers = {}
Timers.__index = Timers

---@param clock fun(): number seconds that never go back
---@return appsync.server.Timers
function timers.new(clock)
  return setmetatable({ clock = clock, list = {} }, Timers)
end

---@param delay_s number
---@param fn function
function Timers:after(delay_s, fn)
  local at = self.clock() + delay_s
  local position = #self.list + 1
  while position > 1 and self.list[position - 1].at <= at do
    position = position - 1
  end
  table.insert(self.list, position, { at = at, fn = fn })
end

---Does what is due; returns the seconds until the next thing, or nil.
---@return number?
function Timers:tick()
  local now = self.clock()
  while self.list[#self.list] and self.list[#self.list].at <= now do
    table.remove(self.list).fn()
  end
  local last = self.list[#self.list]
  return last and math.max(0, last.at - now)
end

function Timers:clear()
  self.list = {}
end

return timers
