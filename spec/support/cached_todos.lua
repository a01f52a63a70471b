-- A list of todos on the local server, for specs of optimistic mutations: `client`, `running` and `logged` are those of the
-- present test.
local appsync = require "appsync"
local folder = require "spec.support.folder"
local process = require "spec.support.process"
local server = require "spec.support.server"

local todos = { n_stores = 0, logged = {} }

local SCHEMA = "type Todo @model { id: ID! name: String! done: Boolean }"

todos.LIST = "query L { listTodos(limit: 100) { items { id name done } nextToken } }"
todos.CREATE = "mutation C($input: CreateTodoInput!) { createTodo(input: $input) { id name done } }"
todos.UPDATE = "mutation U($input: UpdateTodoInput!) { updateTodo(input: $input) { id name done } }"

local made

---@return string path
function todos.folder()
  return made.path
end

function todos.todo(id, name, done)
  return { __typename = "Todo", id = id, name = name, done = done == nil and appsync.null or done }
end

---An `update` that adds the new one at the end of the list.
function todos.add(field)
  return function(cache, result)
    cache:modify("ROOT_QUERY", "listTodos", function(list) list.items:add(result.data[field]) end)
  end
end

---A client with a store of its own, unless one is given.
function todos.connect(options)
  options = options or {}
  todos.n_stores, todos.logged = todos.n_stores + 1, {}
  options.endpoint = options.endpoint or todos.running.endpoint
  options.realtime_endpoint = todos.running.realtime
  options.auth = { type = "API_KEY", api_key = server.API_KEY }
  options.store = options.store or ("%s/%d.db"):format(made.path, todos.n_stores)
  options.log = function(level, message) todos.logged[#todos.logged + 1] = level .. ": " .. message end
  todos.client = assert(appsync.client(options))
  return todos.client
end

---A server with one todo, and a client.
function todos.start()
  made = made or folder.make()
  todos.running = server.start{ schema = SCHEMA }
  todos.connect()
  assert(todos.client:mutate(todos.CREATE, { input = { id = "t1", name = "one" } }))
end

function todos.stop()
  todos.client:close(0)
  todos.running.stop()
end

function todos.finish()
  process.stop_all()
  made.remove()
  made = nil
end

---The names that a state of the watch shows.
function todos.names(state)
  local list = {}
  for i, item in ipairs(state.data.listTodos.items) do list[i] = item.name end
  return table.concat(list, " ")
end

---A subscription to the list, which has shown its one todo.
function todos.watch()
  local s = todos.client:watch(todos.LIST):subscribe()
  assert(todos.names(assert(s:next(10))) == "one")
  return s
end

return todos
