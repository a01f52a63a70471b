---Watches whose request has found no network: they ask again when it is back. That shows by any answer of the service, by the
---realtime connection, or is said by the host. Where nobody else asks, one of them tries, after longer and longer waits.
---
---    request fails --> waits --answer to anybody, "Connected", set_online(true)--> each asks once
---                        |
---                        +--time is over--> the first one asks --fails--> waits, for twice as long
local timer = require "appsync.timer"

local recovery = {}

local FIRST_WAIT, LAST_WAIT = 1, 30 -- seconds

---@class appsync.client.Recovery
---@field package waiting table[] in the order in which they came
---@field package seconds number until one tries
---@field package is_online boolean? the host's word
local Recovery = {}
Recovery.__index = Recovery

---@return appsync.client.Recovery
function recovery.new()
  return setmetatable({ waiting = {}, seconds = FIRST_WAIT }, Recovery)
end

local function stop_timer(self)
  if self.timer then timer.cancel(self.timer) end
  self.timer = nil
end

local function start_timer(self)
  if self.timer or self.is_online == false or not self.waiting[1] then return end
  self.timer = timer.after(self.seconds, function()
    self.timer = nil
    self.seconds = math.min(self.seconds * 2, LAST_WAIT)
    local first = table.remove(self.waiting, 1)
    if first then first:ask_anew() end
    start_timer(self)
  end)
end

---The network can't be reached.
---@param watched {ask_anew: fun(self)}
function Recovery:wait(watched)
  for _, other in ipairs(self.waiting) do
    if other == watched then return end
  end
  table.insert(self.waiting, watched)
  start_timer(self)
end

---It has been answered, or nobody looks any more.
function Recovery:leave(watched)
  for i, other in ipairs(self.waiting) do
    if other == watched then
      table.remove(self.waiting, i)
      break
    end
  end
  if not self.waiting[1] then stop_timer(self) end
end

---Somebody was answered.
function Recovery:reached()
  self.seconds = FIRST_WAIT
  if not self.waiting[1] then return end
  local all = self.waiting
  self.waiting = {}
  stop_timer(self)
  for _, watched in ipairs(all) do watched:ask_anew() end
end

---@param is_online boolean
function Recovery:set_online(is_online)
  self.is_online = is_online
  if is_online then return self:reached() end
  stop_timer(self)
end

return recovery
