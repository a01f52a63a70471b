-- A disk whose syncs don't end before they are let through: who waits for it, and who doesn't.
local effects = require "spec.support.effects"
local faulty_vfs = require "spec.support.faulty_vfs"
local folder = require "spec.support.folder"
local process = require "spec.support.process"
local program = require "spec.support.program"

-- `frames(condition)`: frames of a game, until it is so. What hangs is ended by its time limit.
local BEGIN = [[
local appsync = require "appsync"
local faulty_vfs = require "spec.support.faulty_vfs"
local ADD = "mutation M($opId: ID!) { add(opId: $opId, counter: \"c\", n: 1) { id total } }"
local GET = "query Q { counter(id: \"c\") { id total } }"
local function open(store)
  return appsync.client{ endpoint = os.getenv "ENDPOINT", auth = { type = "API_KEY", api_key = os.getenv "KEY" }, store = store }
end
local function frames(condition)
  repeat appsync.update(0.004) until condition()
end
local function syncs() return faulty_vfs.set().syncs end
local writer = open(os.getenv "STORE")
assert(writer:hydrated(10))
writer:set_online(false)
local n_queued = 0
local function mutate(op)
  appsync.spawn(function()
    local _, err, info = writer:mutate(ADD, { opId = op })
    assert(not err and info.queued, tostring(err))
    n_queued = n_queued + 1
  end)
end
local before
local function hold_first()
  before = syncs()
  faulty_vfs.set "hold=0"
  mutate "first"
  frames(function() return syncs() > before end)
end
]]

describe("a sync that takes its time", function()
  if os.getenv "ALLOWED_KIB" then return pending "isn't run beside a sanitizer" end
  local place, served

  before_each(function()
    place, served = folder.make(), effects.start()
  end)

  after_each(function()
    served.stop()
    process.stop_all()
    place.remove()
  end)

  local function run(text, first)
    local words = ("%s ENDPOINT=%s KEY=%s STORE=%s/a.db OTHER=%s/b.db"):format(faulty_vfs.words "seed=1", served.endpoint, effects.API_KEY,
      place.path, place.path)
    local output, status = program((first or "") .. BEGIN .. text, words)
    assert.equal(0, status, output)
    return output
  end

  it("keeps no frame, no read and no task waiting", function()
    assert.equal("0 true 100\n1\n", run [[
writer:set_online(true)
local data = assert(writer:query(GET))
writer:set_online(false)
hold_first()
local n_steps = 0
appsync.spawn(function()
  for _ = 1, 100 do
    appsync.sleep(0)
    n_steps = n_steps + 1
  end
end)
for _ = 1, 200 do appsync.update(0.004) end
frames(function() return n_steps == 100 end)
local read = writer:read_query(GET)
print(n_queued .. " " .. tostring(read ~= nil and read.counter == data.counter) .. " " .. n_steps)
faulty_vfs.set "hold=off"
frames(function() return n_queued == 1 end)
print(n_queued)
]])
  end)

  -- `last` is finalized after the library's runtime, so the disk works again when the state has been closed.
  it("keeps no game from quitting, and what was written is saved", function()
    assert.equal("true true\n", run([[
writer:write_query(GET, nil, { counter = { __typename = "Counter", id = "c", total = 7 } })
hold_first()
local began = os.time()
local closed = writer:close(0)
function at_end()
  print(tostring(closed) .. " " .. tostring(os.time() - began < 2))
  faulty_vfs.set "hold=off"
end
]], [[
local last = newproxy and newproxy(true)
local of_last = last and getmetatable(last) or {}
function of_last.__gc() at_end() end
LAST = last or setmetatable({}, of_last)
]]))
    served.stop() -- else the next process may have sent it before it is told to be offline
    assert.equal("7 1\n", run 'print(writer:read_query(GET).counter.total .. " " .. writer:stats().queued)')
  end)

  it("is waited for by calls of others, but none that comes later is", function()
    assert.equal("false 0\ntrue 1 1\n", run [[
local others, n_answered = { open(false), open(os.getenv "OTHER") }, 0
for _, other in ipairs(others) do assert(other:query(GET)) end
hold_first()
for _, other in ipairs(others) do
  appsync.spawn(function()
    assert(other:query(GET, nil, { fetch_policy = "network-only" }))
    n_answered = n_answered + 1
  end)
end
for _ = 1, 200 do appsync.update(0.004) end
print(tostring(n_answered == #others) .. " " .. n_queued)
faulty_vfs.set "hold=1"
frames(function() return n_answered == #others end)
print(tostring(n_answered == #others) .. " " .. n_queued .. " " .. syncs() - before)
faulty_vfs.set "hold=off"
]])
  end)

  -- How soon the service answers is chance; where the next sync didn't wait for anybody, none would ever be answered before it.
  it("gives calls of others time for their answers before the next one", function()
    assert.equal("true\n", run [[
local others = { open(false), open(os.getenv "OTHER") }
for _, other in ipairs(others) do assert(other:query(GET)) end
for round = 1, 8 do
  local n_answered, n_told, was_first = 0, n_queued, false
  local held = syncs()
  faulty_vfs.set "hold=0 slow=250"
  mutate("first of " .. round)
  frames(function() return syncs() > held end)
  mutate("second of " .. round)
  for _, other in ipairs(others) do
    appsync.spawn(function()
      assert(other:query(GET, nil, { fetch_policy = "network-only" }))
      n_answered = n_answered + 1
    end)
  end
  faulty_vfs.set "hold=1"
  frames(function() return syncs() > held + 1 end)
  appsync.update(0.004)
  was_first = n_answered == #others
  faulty_vfs.set "hold=off slow=0"
  frames(function() return n_queued == n_told + 2 and n_answered == #others end)
  if was_first then
    print "true"
    break
  end
end
]])
  end)

  it("is shared by the mutations that wait for it", function()
    assert.equal("11 2\n", run [[
hold_first()
for i = 1, 10 do mutate("next " .. i) end
for _ = 1, 200 do appsync.update(0.004) end
assert(n_queued == 0)
faulty_vfs.set "hold=2"
frames(function() return n_queued == 11 end)
print(n_queued .. " " .. syncs() - before)
faulty_vfs.set "hold=off"
]])
  end)
end)
