-- Official clients from npm, as published, against `appsync serve`: each spec/interop/*_test.js is a program.
-- usage: run.lua NODE_MODULES [NAME…]; run it by `make interop`, which installs what package-lock.json names.
local certificates = require "spec.support.certificates"
local process = require "spec.support.process"

local node_modules = table.remove(arg, 1)
local wanted = {}
for _, name in ipairs(arg) do wanted[name] = true end

local function test_files()
  local files, pipe = {}, assert(io.popen("LC_ALL=C ls spec/interop/*_test.js"))
  for path in pipe:lines() do
    if not next(wanted) or wanted[path:match("([^/]+)_test%.js$")] then files[#files + 1] = path end
  end
  pipe:close()
  return files
end

local made = certificates.make()
-- Node.js 18 tries one address of a name only, and the server has localhost's first one.
local COMMAND = "NODE_OPTIONS=--dns-result-order=ipv4first NODE_PATH='%s' NODE_EXTRA_CA_CERTS='%s' INTEROP_CERT='%s' INTEROP_KEY='%s' NODE_NO_WARNINGS=1 "
  .. "xargs -n 2 -P %d sh -c 'timeout -k 10 %d node \"$0\" >\"$1\" 2>&1 || echo failed >\"$1.failed\"'"
-- Some wait most of the time.
local JOBS = tonumber(os.getenv "JOBS" or "") or 3

local files, logs = test_files(), {}
local seconds = tonumber(os.getenv "SPEC_SECONDS" or "") or 900
local all = assert(io.popen(COMMAND:format(node_modules, made.ca, made.server.cert, made.server.key, JOBS, seconds), "w"))
for i, path in ipairs(files) do
  logs[i] = process.temporary ".log"
  all:write(path, " ", logs[i], "\n")
end
all:close()

local has_failed = false
for i, path in ipairs(files) do
  local text, mark = process.read(logs[i]), logs[i] .. ".failed"
  print(path)
  io.write(text)
  if process.read(mark) ~= "" then has_failed = true end
  os.remove(mark)
  -- One that ended before it could count is one failure.
  if not text:find("%f[%d]%d+ passed, %d+ failed\n") then print("0 passed, 1 failed") end
end
process.stop_all()
os.exit(has_failed and 1 or 0)
