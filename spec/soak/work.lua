-- Seconds of processor time of this process's threads: other processes of a busy machine aren't in it.
local work = {}

local function read(path, format)
  local file = io.open(path)
  local value = file and file:read(format)
  if file then file:close() end
  return value
end

-- https://docs.kernel.org/scheduler/sched-stats.html: the first number, of nanoseconds.
local function seconds_of(folder)
  local text = assert(read(folder .. "/schedstat", "*l"), "no schedstat")
  return tonumber(text:match "^%d+") / 1e9
end

--- Of the thread that asks.
function work.own() return seconds_of "/proc/thread-self" end

--- A function that says it of the thread that has this name.
---@param name string
---@return fun(): number
function work.of_thread(name)
  local pid = read("/proc/self/stat", "*n")
  local threads = io.popen(("ls /proc/%d/task"):format(pid))
  for thread in threads:lines() do
    local folder = ("/proc/%d/task/%s"):format(pid, thread)
    if read(folder .. "/comm", "*l") == name then
      threads:close()
      return function() return seconds_of(folder) end
    end
  end
  error("there is no thread " .. name)
end

return work
