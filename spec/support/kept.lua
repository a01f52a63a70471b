-- A local server with todos, and clients that keep what they read: what the specs of stores and fetch policies do with
-- both. `kept.service` and `kept.folder` are those of the present file.
local appsync = require "appsync"
local folder = require "spec.support.folder"
local process = require "spec.support.process"
local server = require "spec.support.server"

local SCHEMA = [[
type Todo @model { id: ID! name: String! note: String }
type Query { slow(n: Int): Int broken: Broken }
type Broken { id: ID! fine: Int bad: Int }
]]
local RESOLVERS = [[
return {
  Query = {
    slow = function(context) return context.arguments.n end,
    broken = function() return { id = "b", fine = 1 } end,
  },
  Broken = { bad = function() error({ message = "it failed", errorType = "Broken" }) end },
}
]]

local kept = {
  LIST = "query List { listTodos { items { id name } nextToken } }",
  GET = "query Get($id: ID!) { getTodo(id: $id) { id name } }",
  CREATE = "mutation Create($id: ID, $name: String!) { createTodo(input: {id: $id, name: $name}) { id name } }",
  UPDATE = "mutation Update($id: ID!, $name: String) { updateTodo(input: {id: $id, name: $name}) { id name } }",
  UNREACHABLE = "http://127.0.0.1:1/graphql", -- nobody listens there
}

local clients = {}

--- Before all tests of a file.
function kept.begin(arguments)
  kept.service = server.start{ schema = SCHEMA, resolvers = RESOLVERS, arguments = arguments }
  kept.folder = folder.make()
end

--- After them.
function kept.finish()
  process.stop_all()
  kept.folder.remove()
end

function kept.path(name)
  return kept.folder.path .. "/" .. name
end

--- A client that is closed after the test; `options` may say where its server is.
function kept.client(options)
  options = options or {}
  options.endpoint = options.endpoint or kept.service.endpoint
  options.auth = options.auth or { type = "API_KEY", api_key = server.API_KEY }
  options.retry = options.retry or { base = 0.01, cap = 0.02 }
  local client = assert(appsync.client(options))
  clients[#clients + 1] = client
  return client
end

--- After each test.
function kept.close_all()
  for i = #clients, 1, -1 do
    assert(clients[i]:close(5))
    clients[i] = nil
  end
end

--- Creates a todo as somebody else does.
function kept.create(id, name)
  local other = appsync.client{ endpoint = kept.service.endpoint, auth = { type = "API_KEY", api_key = server.API_KEY } }
  assert(other:mutate(kept.CREATE, { id = id, name = name }))
  assert(other:close(5))
end

function kept.rename(id, name)
  local other = appsync.client{ endpoint = kept.service.endpoint, auth = { type = "API_KEY", api_key = server.API_KEY } }
  assert(other:mutate(kept.UPDATE, { id = id, name = name }))
  assert(other:close(5))
end

--- The names of a list, in the order of their ids.
function kept.names(data)
  local items, names = {}, {}
  for _, item in ipairs(data.listTodos.items) do items[#items + 1] = item end
  table.sort(items, function(a, b) return a.id < b.id end)
  for i, item in ipairs(items) do names[i] = item.name end
  return table.concat(names, " ")
end

return kept
