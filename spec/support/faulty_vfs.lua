-- Lua programs whose SQLite runs on a disk with faults: see spec/support/faulty_vfs.h for the settings.
--
--   local output, status = program(PROGRAM, faulty_vfs.words "seed=7 crash=40")
--   assert.equal(faulty_vfs.STATUS, status) -- the power is gone; the files are what the disk has of them
local shim = require "spec.support.shim"

local faulty_vfs = {}

--- The status of a process that lost its power.
faulty_vfs.STATUS = 75

--- The words before a command of the shell that make it run so.
---@param settings string
---@return string
function faulty_vfs.words(settings)
  return ("env LD_PRELOAD=%s FAULTY_VFS='%s'"):format(shim "faulty_vfs_preload", settings)
end

--- In a program that runs so: sets it anew, and counts.
---@param settings string?
---@return {operations: integer, syncs: integer, reads: integer, failures: integer}
function faulty_vfs.set(settings)
  local file = assert(io.open("/faulty-vfs/" .. (settings or "")))
  local names, counts = { "operations", "syncs", "reads", "failures" }, {}
  for number in file:read("*a"):gmatch "%d+" do counts[table.remove(names, 1)] = tonumber(number) end
  file:close()
  return counts
end

return faulty_vfs
