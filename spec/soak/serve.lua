-- The local server under a million requests of every kind: its memory stays flat, and all is answered rightly.
-- usage: N=1000000 lua spec/soak/serve.lua
local appsync = require "appsync"
local memory = require "spec.soak.memory"
local process = require "spec.support.process"
local server = require "spec.support.server"

local N = tonumber(os.getenv "N") or 20000
-- The server's collector waits until four times what lives is there: it swings by so much, and few requests don't fill
-- its caches. A leak of 100 bytes a request would be N / 10 KiB.
local ALLOWED_KIB = tonumber(os.getenv "ALLOWED_KIB") or 49152
local N_TASKS = 32
local N_RECORDS = 500
local FIELDS = "id name description done priority"

local SCHEMA = "type Todo @model { id: ID! name: String! description: String done: Boolean priority: Int }"
local CREATE = "mutation C($input: CreateTodoInput!) { createTodo(input: $input) { " .. FIELDS .. " } }"
local UPDATE = "mutation U($input: UpdateTodoInput!) { updateTodo(input: $input) { " .. FIELDS .. " } }"
local DELETE = "mutation D($input: DeleteTodoInput!) { deleteTodo(input: $input) { id } }"

local client, n_begun, n_updates, n_events
local told = {} -- by the client's log

local function tell(...)
  local words = { ... }
  for i = 1, select("#", ...) do words[i] = tostring(words[i]) end
  told[#told + 1] = table.concat(words, " ")
end

local function must(data, err)
  if not data then error(tostring(err)) end
  return data
end

local kinds = {}

function kinds.get(i)
  local id = "t" .. i % N_RECORDS
  local data = must(client:query("query G($id: ID!) { getTodo(id: $id) { " .. FIELDS .. " } }", { id = id }))
  assert(data.getTodo.id == id)
end

function kinds.list()
  local data = must(client:query("query L($limit: Int) { listTodos(limit: $limit) { items { " .. FIELDS .. " } nextToken } }",
    { limit = 20 }))
  assert(#data.listTodos.items == 20 and data.listTodos.nextToken)
end

function kinds.update(i)
  n_updates = n_updates + 1
  must(client:mutate(UPDATE, { input = { id = "t" .. i % N_RECORDS, priority = i } }))
end

function kinds.create_and_delete(i)
  must(client:mutate(CREATE, { input = { id = "new" .. i, name = ("n"):rep(i % 400), done = true } }))
  must(client:mutate(DELETE, { input = { id = "new" .. i } }))
end

-- A text that was never seen and never comes again.
function kinds.other_document(i)
  local data = must(client:query(('{ a%d: getTodo(id: "t%d") { id b%d: name } }'):format(i, i % N_RECORDS, i)))
  assert(data["a" .. i].id == "t" .. i % N_RECORDS)
end

function kinds.refused(i)
  local data, err = client:query(('{ getTodo(id: "t1") { nothing%d } }'):format(i))
  assert(data == nil and err)
end

function kinds.failing(i)
  local data, err = client:mutate(CREATE, { input = { id = "t" .. i % N_RECORDS, name = "there already" } })
  assert(data == nil and err)
end

local TURN = { "get", "get", "list", "get", "update", "get", "create_and_delete", "other_document", "get", "list", "refused", "get",
  "failing", "get", "get", "update" }

local function work()
  while n_begun < N do
    n_begun = n_begun + 1
    local i = n_begun
    kinds[TURN[i % #TURN + 1]](i)
  end
  return true
end

-- Up to so many requests.
local function requests_up_to(n)
  local whole = N
  N = n
  local tasks = {}
  for k = 1, N_TASKS do tasks[k] = appsync.spawn(work) end
  for k = 1, N_TASKS do assert(tasks[k]:await()) end
  N = whole
end

local function main(running)
  for i = 0, N_RECORDS - 1 do must(client:mutate(CREATE, { input = { id = "t" .. i, name = "todo " .. i } })) end
  local s = client:subscribe("subscription { onUpdateTodo { id priority } }"):subscribe { next = function() n_events = n_events + 1 end }
  assert(s:ready(10))
  requests_up_to(math.floor(N / 5))
  local before = memory.of(running.handle.pid)
  requests_up_to(N)
  local after = memory.of(running.handle.pid)
  print(("%d requests, %d events: the server's resident memory %d KiB after a fifth, %d KiB at the end"):format(N, n_events, before,
    after))
  assert(after - before <= ALLOWED_KIB, "memory grows")
  local waited = 0
  while n_events < n_updates and waited < 10 do
    appsync.sleep(0.01)
    waited = waited + 0.01
  end
  assert(n_events == n_updates, ("%d events of %d updates, %d reconnects; the client: %s; the server: %s"):format(n_events,
    n_updates, client:stats().reconnects, table.concat(told, "\n"), running.log():sub(-2000)))
  s:unsubscribe()
end

local function run()
  local running = server.start { schema = SCHEMA }
  client = appsync.client {
    endpoint = running.endpoint, auth = { type = "API_KEY", api_key = server.API_KEY }, store = false, log = tell,
  }
  n_begun, n_updates, n_events = 0, 0, 0
  appsync.run(main, running)
  assert(client:close(5))
end

local ok, err = xpcall(run, debug.traceback)
process.stop_all()
if not ok then print(err) end
print(ok and "1 passed, 0 failed" or "0 passed, 1 failed")
os.exit(ok and 0 or 1)
