-- A Lua state that closes: its finalizers may use the library, but begin nothing that would outlive it.
local program = require "spec.support.program"

local PROGRAM = [[
local compat = require "appsync.compat"
local appsync = require "appsync"
local core = require "appsync.core"
local function report(what, ok, value, err) print(what, ok and value == nil, err and err.kind or value) end
-- Ours alone: a sanitizer has threads, too.
local function threads()
  local file = assert(io.popen "cat /proc/$PPID/task/*/comm")
  local _, n = file:read "*a":gsub("appsync%%-core", "")
  file:close()
  return n
end
-- Made before the runtime, so finalized after it.
LAST = compat.on_collect(function()
  report("runtime", pcall(core.runtime))
  report("fd", pcall(appsync.fd))
  local give_up_at = os.time() + 10
  while threads() > 0 and os.time() < give_up_at do end -- what has been joined may still be listed
  print("threads", threads())
end)
SOURCE = appsync.subject()
PULLED = SOURCE:subscribe()
assert(appsync.fd())
while appsync.update(0) do end
%s
]]

describe("a Lua state that closes", function()
  it("opens no runtime any more for what its finalizers do", function()
    local output, status = program(PROGRAM:format "")
    assert.equal("runtime\ttrue\tclosed\nfd\ttrue\tclosed\nthreads\t0\n", output)
    assert.equal(0, status)
  end)

  it("with a client that is used opens none either", function()
    local output, status = program(PROGRAM:format [[
CLIENT = appsync.client{ endpoint = "http://127.0.0.1:1/graphql", auth = { type = "NONE" }, log = function() end }
assert(select(2, CLIENT:query("{ a }", nil, { timeout = 1 })).kind == "network")
CALL = CLIENT:query("{ a }", nil, { on_result = function() end })
assert(threads() == 1)
]])
    assert.equal("runtime\ttrue\tclosed\nfd\ttrue\tclosed\nthreads\t0\n", output)
    assert.equal(0, status)
  end)
end)
