-- Lua programs whose SQLite runs on a disk with faults: see spec/support/faulty_vfs.h for the settings.
--
--   local output, status = program(PROGRAM, faulty_vfs.words "seed=7 crash=40")
--   assert.equal(faulty_vfs.STATUS, status) -- the power is gone; the files are what the disk has of them
local process = require "spec.support.process"

local faulty_vfs = {}

--- The status of a process that lost its power.
faulty_vfs.STATUS = 75

local SOURCES = "spec/support/faulty_vfs_preload.c spec/support/faulty_vfs.c spec/support/lost_power.c"
local FLAGS = "-std=c11 -D_GNU_SOURCE -O1 -shared -fPIC -pthread"

local built

local function is_there(path)
  local file = io.open(path, "rb")
  if file then file:close() end
  return file ~= nil
end

--- The shared object to preload, until `process.stop_all`.
---@return string path
function faulty_vfs.build()
  if built and is_there(built) then return built end
  built = process.temporary ".so"
  local ok = os.execute(("cc %s %s -o %s -lsqlite3 -ldl"):format(FLAGS, SOURCES, built))
  assert(ok == true or ok == 0, "the faulty VFS can't be built")
  return built
end

--- The words before a command of the shell that make it run so.
---@param settings string
---@return string
function faulty_vfs.words(settings)
  return ("env LD_PRELOAD=%s FAULTY_VFS='%s'"):format(faulty_vfs.build(), settings)
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
