---What a row prints: one JSON line with wall time and the CPU time of the whole process.
local core = require("appsync.core")

local measure = {}

local now, cpu = core.now, os.clock

-- Peak resident memory; where it can't be told, 0.
local function resident_mb()
  local status = io.open("/proc/self/status")
  if not status then return 0 end
  local kb = status:read("*a"):match("VmHWM:%s+(%d+)")
  status:close()
  return math.floor(tonumber(kb) / 1024)
end

---@return {wall: number, cpu: number}
function measure.start()
  return { wall = now(), cpu = cpu() }
end

---Ends a measurement in place.
function measure.stop(meter)
  meter.wall, meter.cpu = now() - meter.wall, cpu() - meter.cpu
  return meter
end

---@return string
function measure.lua_version()
  return jit and jit.version:match("^%S+ %d+%.%d+") or _VERSION
end

---@class bench.Row
---@field workload string
---@field peer string
---@field n number units
---@field unit string what is counted, per second
---@field meter {wall: number, cpu: number} stopped
---@field ok boolean the answer was right
---@field extra string? further members as JSON

---@param row bench.Row
function measure.print(row)
  local wall, cpu_s = row.meter.wall, row.meter.cpu
  print(string.format(
    '{"workload":"%s","peer":"%s","version":"%s","n":%.6g,"wall_s":%.6f,"cpu_s":%.6f,"rss_mb":%d,"unit_rate":%.0f,'
      .. '"unit":"%s","cpu_us_per_unit":%.4f,"ok":%s%s}',
    row.workload, row.peer, core.version .. " " .. measure.lua_version(), row.n, wall, cpu_s, resident_mb(),
    row.n / wall, row.unit, cpu_s / row.n * 1e6, tostring(row.ok), row.extra and "," .. row.extra or ""))
end

---@return string a file of the folder that BENCH_DATA names
function measure.data(name)
  local file = assert(io.open((os.getenv("BENCH_DATA") or "bench/data") .. "/" .. name, "rb"))
  local text = file:read("*a")
  file:close()
  return text
end

---@return string[] of such a file, which has one item in each line
function measure.lines(name)
  local lines = {}
  for line in measure.data(name):gmatch "[^\n]+" do lines[#lines + 1] = line end
  return lines
end

return measure
