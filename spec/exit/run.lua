-- Processes that end with TLS requests and subscriptions in flight: none may crash or hang.
-- usage: N=20 SEED=1 lua spec/exit/run.lua     N processes of each kind
local certificates = require "spec.support.certificates"
local process = require "spec.support.process"
local server = require "spec.support.server"

local N = tonumber(os.getenv "N") or 20
local SEED = tonumber(os.getenv "SEED") or os.time()
local interpreter = arg[-1]
local BIG_CA = 4000 -- certificates in a file that takes seconds to load
local EXPECTED = { busy = 7, busy_beside_another = 7, exit = 7, exit_in_task = 7, exit_closing = 7, error = 1, ["end"] = 0, closed = 0, unused = 0 }

local function status_of(command)
  local pipe = assert(io.popen(command .. " >/dev/null 2>&1; echo $?", "r"))
  local status = tonumber(pipe:read("*a"))
  pipe:close()
  return status
end

local function main()
  local made = certificates.make()
  local running = server.start {
    schema = "type Todo @model { id: ID! name: String! }",
    arguments = { "--tls", made.server.cert .. "," .. made.server.key },
  }
  local big = process.file(process.read(made.ca):rep(BIG_CA), ".big.pem")
  local endpoint = running.endpoint:gsub("127%.0%.0%.1", "localhost")
  local passed, failed = 0, 0
  for kind, expected in pairs(EXPECTED) do
    local ca = kind:find("^busy") and big or made.ca
    -- a thread that is still busy after the bound is left behind, and ThreadSanitizer counts threads
    local environment = kind:find("^busy") and 'TSAN_OPTIONS="$TSAN_OPTIONS report_thread_leaks=0" ' or ""
    local bad = {}
    for i = 1, N do
      local command = ("%stimeout 30 %s spec/exit/child.lua %s %s %s %d"):format(environment, interpreter, endpoint, ca, kind, SEED + i)
      local status = status_of(command)
      if status ~= expected then bad[#bad + 1] = ("seed %d: status %s"):format(SEED + i, tostring(status)) end
    end
    if #bad == 0 then
      passed = passed + 1
    else
      failed = failed + 1
      print(("%s: %d of %d did not end with %d: %s"):format(kind, #bad, N, expected, table.concat(bad, ", ", 1, math.min(5, #bad))))
    end
    print(("%-14s %d processes"):format(kind, N))
  end
  print(("seed %d, %d of each kind"):format(SEED, N))
  print(("%d passed, %d failed"):format(passed, failed))
  return failed == 0
end

local ok, result = xpcall(main, debug.traceback)
process.stop_all()
if not ok then print(result) end
os.exit(ok and result and 0 or 1)
