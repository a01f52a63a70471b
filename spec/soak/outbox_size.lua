-- A store with N queued mutations, opened without a network, beside a store with none: it takes no more than 4 MB more of
-- memory; opening it, what the core does at a time in the seconds after that, each frame, and queueing one more take as much
-- work. Work is processor time: wall time is printed, too, and says more about a machine that has nothing else to do.
-- usage: N=100000 OPTIMISTIC=1 ORDER=entity STORES=/tmp lua spec/soak/outbox_size.lua
-- ORDER=entity: in that order, and all of them change one record, so that each waits for all before it.
local appsync = require "appsync"
local core = require "appsync.core"
local folder = require "spec.support.folder"
local memory = require "spec.soak.memory"
local socket = require "socket"
local work = require "spec.soak.work"

local N = tonumber(os.getenv "N") or 100000
local IS_OPTIMISTIC = os.getenv "OPTIMISTIC" == "1"
local ORDER = os.getenv "ORDER" or "serial"
local ALLOWED_KIB = 4096
local ALLOWED_RATIO = tonumber(os.getenv "ALLOWED_RATIO") or 1.5
local ALLOWED_MS = 1 -- beside that, of what takes a millisecond or two
local TIMES = tonumber(os.getenv "TIMES") or 5
local N_MORE = 500
local WATCHED_SECONDS = 6

local CREATE = "mutation C($input: CreateTodoInput!) { createTodo(input: $input) { id name } }"
local UPDATE = "mutation U($input: UpdateTodoInput!) { updateTodo(input: $input) { id name } }"

local function open(path)
  local client = assert(appsync.client{
    endpoint = "http://127.0.0.1:9/graphql", auth = { type = "API_KEY", api_key = "da2-key" }, store = path,
    outbox = { order = ORDER }, log = function(level, message) assert(level ~= "error", message) end,
  })
  client:set_online(false)
  return client
end

local function queue(client, i)
  local id = ORDER == "entity" and "one" or appsync.uuid()
  local field = ORDER == "entity" and "updateTodo" or "createTodo"
  local options = IS_OPTIMISTIC and { optimistic_response = { [field] = { __typename = "Todo", id = id, name = "todo " .. i } } } or nil
  local document = ORDER == "entity" and UPDATE or CREATE
  local _, err, info = client:mutate(document, { input = { id = id, name = "todo " .. i } }, options)
  assert(info.queued or (err and err.queued), tostring(err))
end

-- In a process of its own: what filling takes isn't measured.
local function fill(path, n)
  local client = open(path)
  assert(client.outbox:size() == 0)
  for i = 1, n do queue(client, i) end
  client:close(5)
end

-- A loop of frames until `fn` has returned, and for so many seconds: the most work of one frame. What a thread has done is
-- known once it has rested.
local function most_of_a_frame(fn, seconds)
  local ended = core.now() + seconds
  local task = appsync.spawn(fn)
  local most, before = 0, work.own()
  while task:status() ~= "done" or core.now() < ended do
    appsync.update()
    socket.sleep(0.001)
    local now = work.own()
    most, before = math.max(most, now - before), now
  end
  return most
end

-- What the core does at a time: between two of its answers to something small.
local function most_of_the_core(client, seconds)
  local of_core = work.of_thread "appsync-core"
  local most, ended = 0, core.now() + seconds
  local before = of_core()
  while core.now() < ended do
    assert(client.outbox:results(2 ^ 39))
    local now = of_core()
    most, before = math.max(most, now - before), now
    appsync.sleep(0.002)
  end
  return most
end

local function measure(path)
  local before, began, worked = memory.resident(), core.now(), os.clock()
  local client = open(path)
  local opened_ms, opened_work_ms
  local frame = most_of_a_frame(function()
    queue(client, 0)
    opened_ms, opened_work_ms = (core.now() - began) * 1e3, (os.clock() - worked) * 1e3
  end, 0.5)
  local size = assert(client.outbox:size())
  local state = assert(client.outbox:status()).state
  local of_core = most_of_the_core(client, WATCHED_SECONDS)
  began, worked = core.now(), os.clock()
  for i = 1, N_MORE do queue(client, i) end
  local us, work_us = (core.now() - began) / N_MORE * 1e6, (os.clock() - worked) / N_MORE * 1e6
  local kib = memory.resident() - before
  print(("%d queued, %s: opened with a first one in %.1f ms, one more in %.0f us"):format(size, state, opened_ms, us))
  print(("figures kib=%d opening=%.3f frame=%.3f core=%.3f more=%.3f"):format(kib, opened_work_ms, frame * 1e3, of_core * 1e3,
    work_us / 1e3))
  client:close(5)
end

if arg[1] == "fill" then
  fill(arg[2], tonumber(arg[3]))
  os.exit(0)
elseif arg[1] == "measure" then
  measure(arg[2])
  os.exit(0)
end

local function run(command)
  local ok = os.execute(command)
  assert(ok == true or ok == 0, command)
end

local made = folder.make()
local place = os.getenv "STORES" or made.path -- of the stores: where nothing is synced it is quicker
local own = ("%s %s"):format(arg[-1], arg[0])

-- Each run on a copy of its store, in turn: what is beside them on the machine is beside both.
local function measure_all(stores)
  local all = {}
  for i = 1, TIMES do
    for n, path in pairs(stores) do
      run(("cp %s %s.copy"):format(path, path))
      local pipe = assert(io.popen(("%s measure %s.copy"):format(own, path)))
      local text = pipe:read "*a"
      pipe:close()
      io.write(text)
      all[n] = all[n] or {}
      for name, figure in text:gmatch "(%w+)=(%-?[%d.]+)" do
        all[n][name] = all[n][name] or {}
        all[n][name][i] = tonumber(figure)
      end
      run(("rm -f %s.copy*"):format(path))
    end
  end
  return all
end

local stores = { [0] = place .. "/0.db", [N] = ("%s/%d.db"):format(place, N) }
for n, path in pairs(stores) do run(("%s fill %s %d"):format(own, path, n)) end
local all = measure_all(stores)
for _, path in pairs(stores) do run(("rm -f %s*"):format(path)) end
made.remove()

-- Of work the least: what disturbs a run adds to it.
local function least(n, name)
  table.sort(all[n][name])
  return all[n][name][1]
end

local function median(n, name)
  table.sort(all[n][name])
  return all[n][name][math.ceil(TIMES / 2)]
end

local is_right = true
local function compare(name, what, slack)
  local of_none, of_all = least(0, name), least(N, name)
  local is_fine = of_all <= of_none * ALLOWED_RATIO + slack
  is_right = is_right and is_fine
  print(("%s: %.3f ms of work, %.3f with none: %.2f times%s"):format(what, of_all, of_none, of_all / of_none, is_fine and "" or " (too much)"))
end

local kib = median(N, "kib") - median(0, "kib")
is_right = is_right and kib <= ALLOWED_KIB
print(("%d queued take %d KiB%s"):format(N, kib, kib <= ALLOWED_KIB and "" or " (too much)"))
compare("opening", "opening, until a first one is queued", ALLOWED_MS)
compare("frame", "the longest frame meanwhile", ALLOWED_MS)
compare("core", ("the most that the core does at a time, for %d s"):format(WATCHED_SECONDS), ALLOWED_MS)
compare("more", "queueing one more", 0)
print(is_right and "1 passed, 0 failed" or "0 passed, 1 failed")
os.exit(is_right and 0 or 1)
