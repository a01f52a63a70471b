-- Subscribes and unsubscribes again and again: memory stays flat, nothing is left behind, events still come.
-- usage: N=200 lua spec/soak/cycles.lua
local appsync = require "appsync"
local memory = require "spec.soak.memory"
local process = require "spec.support.process"
local server = require "spec.support.server"

local N = tonumber(os.getenv "N") or 200
local ALLOWED_KIB = tonumber(os.getenv "ALLOWED_KIB") or 1500 -- allocators keep some; a leak of 1 KiB a cycle would be N KiB

local function main()
  local running = server.start { schema = "type Todo @model { id: ID! name: String! }" }
  local client = appsync.client {
    endpoint = running.endpoint, auth = { type = "API_KEY", api_key = server.API_KEY }, store = false,
  }
  local on_create = "subscription { onCreateTodo { id name } }"
  local create = "mutation M($input: CreateTodoInput!) { createTodo(input: $input) { id name } }"
  local before
  local function cycle(i)
    local s = client:subscribe(on_create, nil, { share = i % 2 == 0 }):subscribe()
    assert(s:ready(10))
    if i % 10 == 0 then
      local data = assert(client:mutate(create, { input = { name = "n" .. i } }))
      local event = assert(s:next(10))
      assert(event.onCreateTodo.id == data.createTodo.id, "the event of another cycle")
    end
    s:unsubscribe()
  end
  for i = 1, N do
    cycle(i)
    if i == math.floor(N / 5) then before = memory.resident() end
  end
  assert(client:query "{ listTodos(limit: 1) { items { id } } }") -- behind the last unsubscribe
  local after = memory.resident()
  local stats = client:stats()
  print(("%d cycles: resident %d KiB after a fifth, %d KiB at the end; %d reconnects"):format(N, before, after, stats.reconnects))
  assert(after - before <= ALLOWED_KIB, "memory grows")
  assert(stats.subscriptions == 0, "subscriptions are left: " .. stats.subscriptions)
  assert(stats.errors == 0 and stats.reconnects == 0, "something went wrong on the way")
  assert(client:close(5))
end

local ok, err = xpcall(main, debug.traceback)
process.stop_all()
if not ok then print(err) end
print(ok and "1 passed, 0 failed" or "0 passed, 1 failed")
os.exit(ok and 0 or 1)
