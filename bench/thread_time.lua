---The CPU time of the thread that calls, by LuaJIT's FFI: neither other threads nor a busy machine count.
local ffi = require "ffi"

ffi.cdef [[
  struct appsync_time { long s; long ns; };
  int clock_gettime(int clock, struct appsync_time *time);
]]

local CLOCK_THREAD_CPUTIME_ID = 3
local time = ffi.new "struct appsync_time"
local C = ffi.C

---@return number microseconds
return function()
  assert(C.clock_gettime(CLOCK_THREAD_CPUTIME_ID, time) == 0)
  return tonumber(time.s) * 1e6 + tonumber(time.ns) / 1e3
end
