---The data clock: the time of timestamps and versions, and of the lives of tombstones and journal entries. It may be frozen,
---or run ahead of the server's clock or behind it. Signatures and tokens are checked by the server's clock, because clients
---sign by theirs.
local core = require "appsync.core"
local parse_date = require "appsync.auth.date"

local data_clock = {}

---@class appsync.server.DataClock
---@field private base fun(): number
---@field private start appsync.server.DataTime
---@field private time appsync.server.DataTime
local DataClock = {}
DataClock.__index = DataClock

---A frozen time, or one that differs from the server's by so many seconds.
---@class appsync.server.DataTime
---@field at_s number? seconds since 1970
---@field offset_s number?

-- The end of the year 9999: later times have no date.
local MAX_S = 253402300799

---@param base fun(): number the server's clock
---@param start appsync.server.DataTime? default: the server's time
---@return appsync.server.DataClock
function data_clock.new(base, start)
  start = start or { offset_s = 0 }
  return setmetatable({ base = base, start = start, time = start }, DataClock)
end

local function time_of(base, time)
  return time.at_s or base() + time.offset_s
end

---Seconds since 1970.
---@return number
function DataClock:now()
  return time_of(self.base, self.time)
end

local function is_time(seconds)
  return seconds >= 0 and seconds <= MAX_S
end

local EXPECTED = "expected seconds since 1970 or a date like 2026-01-31T12:00:00Z"
local OUT_OF_RANGE = "the data clock must stay between 1970 and 9999"

local function read_time(value)
  if type(value) == "number" then return value end
  local seconds, fraction = parse_date(type(value) == "string" and value or "")
  return seconds and seconds + fraction
end

---@private
function DataClock:put(time)
  if not is_time(time_of(self.base, time)) then return nil, OUT_OF_RANGE end
  self.time = time
  return true
end

---Freezes it at a time.
---@param value any seconds since 1970, or a date with a time
---@return true? ok, string? message
function DataClock:freeze(value)
  local at_s = read_time(value)
  if not at_s then return nil, EXPECTED end
  return self:put({ at_s = at_s })
end

---Has it run so many seconds ahead of the server's clock.
---@param seconds number
---@return true? ok, string? message
function DataClock:run(seconds)
  return self:put({ offset_s = seconds })
end

---Moves it forward, or back; it stays frozen or running.
---@param seconds number
---@return true? ok, string? message
function DataClock:advance(seconds)
  local time = self.time
  if time.at_s then return self:put({ at_s = time.at_s + seconds }) end
  return self:put({ offset_s = time.offset_s + seconds })
end

---Returns to what it was at the start.
function DataClock:reset()
  self.time = self.start
end

---@return {now: number, frozen: boolean, offset_s: number?}
function DataClock:describe()
  return { now = self:now(), frozen = self.time.at_s ~= nil, offset_s = self.time.offset_s }
end

---Reads a setting: "2026-01-31T12:00:00Z" or seconds since 1970 for a frozen time, "+60" or "-60" for an offset.
---@param text string
---@return appsync.server.DataTime? time, string? message
function data_clock.parse(text)
  local number = tonumber(text:match("^[+-]?%d+%.?%d*$"))
  local time
  if number and text:find("^[+-]") then
    time = { offset_s = number }
  else
    time = { at_s = number or read_time(text) }
    if not time.at_s then return nil, EXPECTED .. ", or +SECONDS or -SECONDS" end
  end
  if not is_time(time_of(core.wall, time)) then return nil, OUT_OF_RANGE end
  return time
end

return data_clock
