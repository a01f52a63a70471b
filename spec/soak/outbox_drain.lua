-- N creations that are queued without a network, into a list that is watched, and then sent to the local server: they take no
-- more than 2.2 times as long as half of them. Each run is a process of its own.
-- usage: N=20000 TIMES=3 IDS=client STORES=/tmp lua spec/soak/outbox_drain.lua
-- IDS=service: the service makes the ids, and each answer changes what is shown. STORES: where stores are kept; where syncing
-- costs nothing, more is seen of what they have to do.
local appsync = require "appsync"
local core = require "appsync.core"
local folder = require "spec.support.folder"
local memory = require "spec.soak.memory"
local process = require "spec.support.process"
local server = require "spec.support.server"

local N = tonumber(os.getenv "N") or 20000
local TIMES = tonumber(os.getenv "TIMES") or 3
local IDS = os.getenv "IDS" or "client"
local ALLOWED_RATIO = tonumber(os.getenv "ALLOWED_RATIO") or 2.2
local SECONDS = 3600 -- that anything may take

local SCHEMA = "type Todo @model { id: ID! name: String! done: Boolean }"
local CREATE = "mutation C($input: CreateTodoInput!) { createTodo(input: $input) { id name done } }"
local LIST = "query L { listTodos(limit: 1000000) { items { id name done } nextToken } }"
local INPUTS = {
  client = "input CreateTodoInput { id: ID name: String! done: Boolean }",
  service = "input CreateTodoInput { name: String! done: Boolean }",
}

local function report(text, began, worked, watched)
  print(("%s in %.2f s, %.2f s of work, %d states"):format(text, core.now() - began, os.clock() - worked, watched.n_states))
end

local function queue(client, n)
  for i = 1, n do
    local built = appsync.build_mutation{
      client = client, mutation = CREATE, variables = { input = { name = "todo " .. i, done = false } },
      input_type = INPUTS[IDS], cache_updates = LIST, typename = "Todo",
    }
    local data, err, info = client:mutate(built)
    assert(data and info.queued, tostring(err))
  end
end

local function begin(running, path)
  local client = assert(appsync.client{
    endpoint = running.endpoint, realtime_endpoint = running.realtime, store = path,
    auth = { type = "API_KEY", api_key = server.API_KEY }, log = function(level, message) assert(level ~= "error", message) end,
  })
  assert(client:query(LIST))
  local watched = { n_states = 0, n_shown = 0 }
  client:watch(LIST, nil, { fetch_policy = "cache-only" }):subscribe{ next = function(state)
    watched.n_states, watched.n_shown = watched.n_states + 1, #state.data.listTodos.items
  end }
  client:set_online(false)
  return client, watched
end

local function run_one(n, path)
  local running = server.start{ schema = SCHEMA }
  local client, watched = begin(running, path)
  local began, worked = core.now(), os.clock()
  queue(client, n)
  report(("%d queued"):format(n), began, worked, watched)
  watched.n_states, began, worked = 0, core.now(), os.clock()
  client:set_online(true)
  assert(client.outbox:drain(SECONDS))
  while watched.n_shown < n do appsync.sleep(0.01) end
  local took = core.now() - began
  report(("%d drained"):format(n), began, worked, watched)
  print(("%d KiB are resident"):format(memory.resident()))
  client:close(5)
  running.stop()
  process.stop_all()
  print(("took %.3f"):format(took))
end

if arg[1] == "one" then
  run_one(tonumber(arg[2]), arg[3])
  os.exit(0)
end

local made = folder.make()

local function seconds_of(n, turn)
  local path = ("%s/%d-%d.db"):format(os.getenv "STORES" or made.path, n, turn)
  local pipe = assert(io.popen(("%s %s one %d '%s'"):format(arg[-1], arg[0], n, path)))
  local text = pipe:read "*a"
  pipe:close()
  for _, suffix in ipairs{ "", "-wal", "-shm" } do os.remove(path .. suffix) end
  io.write(text)
  return assert(tonumber(text:match "took ([%d.]+)"), "a run has failed")
end

local ratios = {}
for turn = 1, TIMES do
  local half = seconds_of(math.floor(N / 2), turn)
  ratios[turn] = seconds_of(N, turn) / half
end
made.remove()
table.sort(ratios)
local ratio = ratios[math.ceil(#ratios / 2)]
local is_right = ratio <= ALLOWED_RATIO
print(("%d beside %d: %.2f times as long (%.2f to %.2f)"):format(N, math.floor(N / 2), ratio, ratios[1], ratios[#ratios]))
print(is_right and "1 passed, 0 failed" or "0 passed, 1 failed")
os.exit(is_right and 0 or 1)
