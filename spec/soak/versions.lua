-- Random histories of versioned models: writers, deletions, lives that end, readers that sync page by page, under all three
-- conflict handlers, every other one in a file that is opened anew on the way. The server must answer and keep what the plain
-- rules say (spec/support/plain_versions.lua). A failure names its history: N=1 SEED=it.
-- usage: N=1000 SEED=1 lua spec/soak/versions.lua
local version_histories = require "spec.support.version_histories"

local N = tonumber(os.getenv "N") or 1000
local SEED = tonumber(os.getenv "SEED") or os.time()

local function run(i)
  local path = i % 2 == 1 and os.tmpname() or nil
  local ok, err = pcall(version_histories.run, (SEED + i) % 2147483647, path)
  for _, suffix in ipairs(path and { "", "-wal", "-shm" } or {}) do os.remove(path .. suffix) end
  return ok, err
end

local n_failed = 0
for i = 0, N - 1 do
  local ok, err = run(i)
  if not ok then
    n_failed = n_failed + 1
    print(err)
  end
end
print(("versions: %d histories from SEED=%d, %d failed"):format(N, SEED, n_failed))
os.exit(n_failed == 0 and 0 or 1)
