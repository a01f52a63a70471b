---Watches whose request has found no network: they ask again when it is back. That shows by any answer of the service, by the
---realtime connection, or is said by the host. Where nobody else asks, one of them tries, after longer and longer waits.
---
---    request fails --> waits --answer to anybody, "Connected", set_online(true)--> each asks once
---                        |
---                        +--time is over, or soon after a hint--> the first one asks --fails--> waits, for longer
---
---The waits are those of the core (csrc/base/backoff.h): chance spreads them, so that many programs don't come at once.
local clock = require "appsync.clock"
local core = require "appsync.core"
local timer = require "appsync.timer"

local recovery = {}

-- Seconds.
local FIRST_WAIT, HINT_WAIT = 0.2, 0.1
local YOUNG_WAIT, OLD_WAIT, MINUTE = 4, 25, 60

---@class appsync.client.Recovery
---@field package waiting table[] in the order in which they came
---@field package seconds number until one tries, at most
---@field package began number? when the first of them came
---@field package is_online boolean? the host's word
---@field package is_probed fun(): boolean somebody else tries
local Recovery = {}
Recovery.__index = Recovery

---@param is_probed fun(): boolean
---@return appsync.client.Recovery
function recovery.new(is_probed)
  return setmetatable({ waiting = {}, seconds = FIRST_WAIT, is_probed = is_probed }, Recovery)
end

local function stop_timer(self)
  if self.timer then timer.cancel(self.timer) end
  self.timer = nil
end

-- A number from 0 to 1 that a simulation decides.
local function chance()
  return tonumber(core.uuid():sub(1, 8), 16) / 2 ^ 32
end

local try

local function start_timer(self, seconds)
  if self.timer or self.is_online == false or not self.waiting[1] then return end
  self.timer = timer.after(seconds * chance(), try, self)
end

local function next_wait(self)
  local limit = clock.now() - self.began < MINUTE and YOUNG_WAIT or OLD_WAIT
  return math.min(self.seconds, limit)
end

function try(self)
  self.timer = nil
  self.seconds = math.min(self.seconds * 2, OLD_WAIT)
  local first = not self.is_probed() and table.remove(self.waiting, 1)
  if first then first:ask_anew() end
  start_timer(self, next_wait(self))
end

---The network can't be reached.
---@param watched {ask_anew: fun(self)}
function Recovery:wait(watched)
  for _, other in ipairs(self.waiting) do
    if other == watched then return end
  end
  self.began = self.began or clock.now()
  table.insert(self.waiting, watched)
  start_timer(self, next_wait(self))
end

---It has been answered, or nobody looks any more.
function Recovery:leave(watched)
  for i, other in ipairs(self.waiting) do
    if other == watched then
      table.remove(self.waiting, i)
      break
    end
  end
  if self.waiting[1] then return end
  self.began = nil
  stop_timer(self)
end

---The network may be back.
function Recovery:hurry()
  self.seconds = FIRST_WAIT
  stop_timer(self)
  start_timer(self, HINT_WAIT)
end

---Somebody was answered.
function Recovery:reached()
  self.seconds, self.began = FIRST_WAIT, nil
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
