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
  .. "timeout -k 10 %d node %s >'%s' 2>&1"

local failed = false
for _, path in ipairs(test_files()) do
  local log = process.temporary(".log")
  local seconds = tonumber(os.getenv("SPEC_SECONDS") or "") or 900
  local ok = os.execute(COMMAND:format(node_modules, made.ca, made.server.cert, made.server.key, seconds, path, log))
  local text = process.read(log)
  print(path)
  io.write(text)
  if ok ~= true and ok ~= 0 then failed = true end
  -- One that ended before it could count is one failure.
  if not text:find("%f[%d]%d+ passed, %d+ failed\n") then print("0 passed, 1 failed") end
end
process.stop_all()
os.exit(failed and 1 or 0)
