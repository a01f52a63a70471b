-- Clients with an outbox on the stand-in for the core, for unit specs: `core`, `appsync`, `client`, `queue` and `log` are those of
-- the present test.
local fake_core = require "spec.support.fake_core"

local queueing = {
  CREATE = "mutation C($name: String) { createTodo(name: $name) { id name } }",
  UPDATE = "mutation U($id: ID, $name: String) { updateTodo(id: $id, name: $name) { id name } }",
  LIST = "query L { listTodos { id name } }",
}

local ENDPOINT = "https://abc.appsync-api.eu-west-1.amazonaws.com/graphql"

---Another client on the same core.
function queueing.connect(options)
  options = options or {}
  options.endpoint = ENDPOINT
  if options.store == nil then options.store = ":memory:" end
  options.auth = options.auth or { type = "API_KEY", api_key = "da2-secret" }
  options.log = function(level, message) table.insert(queueing.log, level .. ": " .. message) end
  queueing.client = queueing.appsync.client(options)
  return queueing.client
end

---A fresh core, and a client.
function queueing.open(options)
  queueing.core, queueing.log = fake_core.install(), {}
  queueing.appsync = require "appsync"
  queueing.queue = queueing.core.queue(options and options.identity or "")
  return queueing.connect(options)
end

---Starts a mutation in a task, up to its first wait, and returns what becomes of it: `data`, `err`, `info` once it has returned.
function queueing.mutate(document, variables, options, client)
  local call = {}
  call.task = queueing.appsync.spawn(function()
    call.data, call.err, call.info = (client or queueing.client):mutate(document, variables, options)
    call.is_over = true
  end)
  queueing.drive()
  return call
end

-- Once more, for what the core was told.
function queueing.drive(seconds)
  fake_core.drive(seconds)
  fake_core.drive()
end

function queueing.todo(id, name)
  return { createTodo = { __typename = "Todo", id = id, name = name } }
end

return queueing
