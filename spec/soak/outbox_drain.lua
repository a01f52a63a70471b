-- N creations that are queued without a network, into a list that is watched, and are sent to the local server: twice as
-- many take no more than 2.2 times as long. Before each count a process of its own.
-- usage: N=10000 TIMES=1 lua spec/soak/outbox_drain.lua
local appsync = require "appsync"
local memory = require "spec.soak.memory"
local process = require "spec.support.process"
local server = require "spec.support.server"

local N = tonumber(os.getenv "N") or 10000
local SCHEMA = "type Todo @model { id: ID! name: String! done: Boolean }"
local CREATE = "mutation C($input: CreateTodoInput!) { createTodo(input: $input) { id name done version } }"
CREATE = CREATE:gsub(" version", "")
local LIST = "query L { listTodos(limit: 1000000) { items { id name done } nextToken } }"
-- with an id in the input the service keeps the one that the client has made
local INPUT = os.getenv "IDS" == "service" and "input CreateTodoInput { name: String! done: Boolean }"
  or "input CreateTodoInput { id: ID name: String! done: Boolean }"

local function clock() return appsync.now and appsync.now() or os.time() end

local running = server.start{ schema = SCHEMA }
local path = os.getenv "STORE" or os.tmpname()
local client = assert(appsync.client{
  endpoint = running.endpoint, realtime_endpoint = running.realtime, auth = { type = "API_KEY", api_key = server.API_KEY },
  store = path, log = function(level, message) if level ~= "debug" and level ~= "info" then print(level, message) end end,
})
assert(client:query(LIST))
local n_states, n_shown = 0, 0
local s = client:watch(LIST, nil, { fetch_policy = "cache-only" }):subscribe{ next = function(state)
  n_states, n_shown = n_states + 1, #state.data.listTodos.items
end }
client:set_online(false)
local socket = require "appsync.core"
local function now()
  local f = io.open "/proc/uptime"
  local t = tonumber(f:read "*n")
  f:close()
  return t
end
local began, c0 = now(), os.clock()
for i = 1, N do
  local built = appsync.build_mutation{ client = client, mutation = CREATE, variables = { input = { name = "todo " .. i, done = false } },
    input_type = INPUT, cache_updates = LIST, typename = "Todo" }
  local data, err, info = client:mutate(built)
  assert(data and info.queued, tostring(err))
end
local enqueued, c1 = now(), os.clock()
print(("N %d: queued in %.2f s (CPU %.2f), %d states, shown %d, %d KiB"):format(N, enqueued - began, c1 - c0, n_states, n_shown, memory.resident()))
n_states = 0
enqueued = now()
if os.getenv "AT_DRAIN" then os.execute(os.getenv "AT_DRAIN") end
client:set_online(true)
local ok, err = client.outbox:drain(600)
assert(ok, tostring(err))
while n_shown < N do appsync.sleep(0.01) end
local drained, c2 = now(), os.clock()
print(("N %d: drained in %.2f s (CPU %.2f), %d states, shown %d"):format(N, drained - enqueued, c2 - c1, n_states, n_shown))
s:unsubscribe()
client:close(5)
running.stop()
process.stop_all()
