-- Another Lua process that does what it is told: `remote.start(path)` is one; as a program it is that process.
-- usage: remote.lua COMMANDS ANSWERS STORE ENDPOINT KEY
local remote = {}

--- A process with a client of the service, as the global `client`, that has this store.
function remote.start(service, store, api_key)
  local process = require "spec.support.process"
  local commands, answers = process.temporary ".in", process.temporary ".out"
  for _, path in ipairs{ commands, answers } do assert(os.execute("mkfifo '" .. path .. "'")) end
  local interpreter = os.getenv "APPSYNC_LUA" or "lua5.4"
  local first, handle = process.start{ interpreter, "spec/support/remote.lua", commands, answers, store, service.endpoint, api_key }
  assert(first == "ready", first)
  local other = { handle = handle }
  local to, from = assert(io.open(commands, "w")), assert(io.open(answers, "r"))
  --- Runs a chunk there: what it returns, as text. An error there is one here.
  function other.run(chunk, ...)
    to:write((chunk:format(...):gsub("\n", " ")), "\n")
    to:flush()
    local answer = assert(from:read "*l", "the other process has ended")
    assert(answer:sub(1, 1) == "+", answer)
    return answer:sub(2)
  end
  --- SIGKILL, and it is gone.
  function other.kill()
    process.signal(handle, "KILL")
    process.stop(handle)
    to:close()
    from:close()
  end
  return other
end

if (...) == "spec.support.remote" then return remote end

local load = loadstring or load -- luacheck: compat
local appsync = require "appsync"
_G.appsync = appsync
_G.lines = {}
_G.client = appsync.client{
  endpoint = arg[4], auth = { type = "API_KEY", api_key = arg[5] }, store = arg[3], retry = { base = 0.01, cap = 0.02 },
  log = function(level, message) table.insert(_G.lines, level .. " " .. message) end,
}
assert(_G.client:hydrated(10))
io.stdout:setvbuf "no"
print "ready"
local from, to = assert(io.open(arg[1], "r")), assert(io.open(arg[2], "w"))
for line in from:lines() do
  local chunk, wrong = load(line)
  local ok, result = false, wrong
  if chunk then ok, result = pcall(chunk) end
  to:write(ok and "+" or "-", (tostring(result):gsub("\n", " ")), "\n")
  to:flush()
end
_G.client:close(5)
