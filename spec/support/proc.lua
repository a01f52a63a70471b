-- What /proc says of other processes.
local process = require "spec.support.process"

local proc = {}

---@param pid integer
---@return integer[]
function proc.children(pid)
  local list = {}
  for child in process.read(("/proc/%d/task/%d/children"):format(pid, pid)):gmatch "%d+" do list[#list + 1] = tonumber(child) end
  return list
end

---@param pid integer
---@return string command line, "" when it is gone
function proc.command_of(pid) return (process.read(("/proc/%d/cmdline"):format(pid)):gsub("%z", " ")) end

---@class spec.ProcSize
---@field descriptors integer
---@field threads integer
---@field kib integer resident

---@param pid integer
---@return spec.ProcSize? nil: it is gone
function proc.size_of(pid)
  local status = process.read(("/proc/%d/status"):format(pid))
  local _, n = process.output_of(("ls /proc/%d/fd 2>/dev/null"):format(pid)):gsub("\n", "")
  local threads, kib = status:match "\nThreads:%s+(%d+)", status:match "\nVmRSS:%s+(%d+)"
  if not kib or n == 0 then return nil end
  return { descriptors = n, threads = tonumber(threads), kib = tonumber(kib) }
end

return proc
