---The clocks. Everything that needs the time calls `clock.now()` through this table, so that a test can replace it.
local core = require "appsync.core"

local clock = {}

---@return number seconds of a clock that never goes back
clock.now = core.now

---@return number seconds since 1970, with a fraction
clock.wall = core.wall

---Blocks the thread for so long, a second at most.
---@type fun(seconds: number)
clock.pause = core.pause

return clock
