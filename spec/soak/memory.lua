-- Resident memory of processes, for tests that want it flat.
local memory = {}

--- KiB, of another process as it stands.
---@param pid integer|string
function memory.of(pid)
  for line in io.lines(("/proc/%s/status"):format(pid)) do
    local kib = line:match "^VmRSS:%s+(%d+)"
    if kib then return tonumber(kib) end
  end
  error "no VmRSS in its status"
end

--- KiB, of this one, after two full collections.
function memory.resident()
  collectgarbage()
  collectgarbage()
  return memory.of "self"
end

return memory
