-- Resident memory of this process, for tests that want it flat.
local memory = {}

--- KiB, after two full collections.
function memory.resident()
  collectgarbage()
  collectgarbage()
  for line in io.lines "/proc/self/status" do
    local kib = line:match "^VmRSS:%s+(%d+)"
    if kib then return tonumber(kib) end
  end
  error "no VmRSS in /proc/self/status"
end

return memory
