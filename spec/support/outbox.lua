-- A local server with todos that can be down for a while, and clients with an outbox in a file: `client`, `logged` and `outcomes`
-- are those of the present test.
local appsync = require "appsync"
local folder = require "spec.support.folder"
local process = require "spec.support.process"
local server = require "spec.support.server"

local SCHEMA = [[
type Todo @model { id: ID! name: String! }
type Mutation { refuse(n: Int): Int slow(n: Int): Int }
]]
local RESOLVERS = [[
return { Mutation = {
  refuse = function() error({ message = "never", errorType = "Refused" }) end,
  slow = function(context)
    local over = os.clock() + 0.4
    while os.clock() < over do end
    return context.arguments.n
  end,
} }
]]

local outbox = {
  LIST = "query L { listTodos(limit: 100) { items { id name } nextToken } }",
  CREATE = "mutation C($id: ID, $name: String!) { createTodo(input: {id: $id, name: $name}) { id name } }",
  UPDATE = "mutation U($id: ID!, $name: String) { updateTodo(input: {id: $id, name: $name}) { id name } }",
  REFUSE = "mutation R($n: Int) { refuse(n: $n) }",
  SLOW = "mutation S($n: Int) { slow(n: $n) }",
}

local made, service, clients, n_stores = nil, nil, {}, 0

---Before all tests of a file.
function outbox.begin(options)
  options = options or {}
  made = folder.make()
  outbox.options = {
    schema = options.schema or SCHEMA, resolvers = not options.schema and RESOLVERS or nil, arguments = options.arguments or {},
  }
  table.insert(outbox.options.arguments, "--store")
  table.insert(outbox.options.arguments, made.path .. "/server.db")
  service = server.start(outbox.options)
  outbox.options.port = service.endpoint:match(":(%d+)/")
end

---After them.
function outbox.finish()
  process.stop_all()
  made.remove()
end

function outbox.down()
  service.stop()
end

function outbox.up()
  service = server.start(outbox.options)
end

---Another store than the tests before had.
function outbox.new_store()
  n_stores = n_stores + 1
end

---@return string endpoint, string path of the test's store
function outbox.place()
  return service.endpoint, ("%s/%d.db"):format(made.path, n_stores)
end

local function note(err, success)
  table.insert(outbox.outcomes, err or success)
end

---A client on the test's store, which is closed after the test.
function outbox.connect(options)
  options = options or {}
  outbox.logged, outbox.outcomes = {}, {}
  options.endpoint = service.endpoint
  options.auth = options.auth or { type = "API_KEY", api_key = server.API_KEY }
  options.store = options.store or ("%s/%d.db"):format(made.path, n_stores)
  options.retry = { base = 0.01, cap = 0.05 }
  options.offline = options.offline or { callback = note }
  options.log = function(level, message) table.insert(outbox.logged, level .. ": " .. message) end
  outbox.client = assert(appsync.client(options))
  table.insert(clients, outbox.client)
  return outbox.client
end

---Closes the client, and opens another one on the same file.
function outbox.restart(options)
  assert(outbox.client:close(5))
  return outbox.connect(options)
end

---After each test.
function outbox.close_all()
  for i = #clients, 1, -1 do
    clients[i]:close(5)
    clients[i] = nil
  end
end

---What the server has, by somebody else who keeps nothing: the names in the order of ids that begin with this.
function outbox.names(prefix)
  local other = appsync.client{ endpoint = service.endpoint, auth = { type = "API_KEY", api_key = server.API_KEY }, store = false }
  local items = assert(other:query(outbox.LIST)).listTodos.items
  assert(other:close(5))
  table.sort(items, function(a, b) return a.id < b.id end)
  local names = {}
  for _, item in ipairs(items) do
    if item.id:sub(1, #prefix) == prefix then names[#names + 1] = item.name end
  end
  return table.concat(names, " ")
end

function outbox.todo(id, name)
  return { createTodo = { __typename = "Todo", id = id, name = name } }
end

return outbox
