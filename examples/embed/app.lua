-- What the host runs: it hears of new todos, makes one, lists them. usage: embed app.lua ENDPOINT API_KEY
local appsync = require "appsync"
local endpoint, api_key = ...

local CREATED = "subscription Created { onCreateTodo { id name } }"
local CREATE = "mutation Create($input: CreateTodoInput!) { createTodo(input: $input) { id name } }"
local LIST = "query List { listTodos { items { id name } } }"

local QUIT_S = 0.2 -- what calls in flight have at most when the program ends

local client = appsync.client { endpoint = endpoint, region = "us-east-1", store = false,
  auth = { type = "API_KEY", api_key = api_key } }

-- A task waits without the frames noticing.
local task = appsync.spawn(function()
  local created = client:subscribe(CREATED):map(function(data) return data.onCreateTodo end):subscribe()
  appsync.assert(created:ready(10))
  local made = appsync.assert(client:mutate(CREATE, { input = { name = "embed Lua" } })).createTodo
  local heard = appsync.assert(created:next(10))
  local todos = appsync.assert(client:query(LIST)).listTodos.items
  created:unsubscribe()
  print(("app: made %q, heard of %q, the first of %d is %q"):format(made.name, heard.name, #todos, todos[1].name))
end)

local app = {}

--- Once a frame: false ends the program.
function app.frame()
  return task:status() == "running"
end

--- Once, at the end: whether all went well until then.
function app.quit()
  local is_well = task:status() ~= "failed"
  if not is_well then io.stderr:write("app: ", tostring(select(2, task:await(0)).raised), "\n") end
  task:cancel()
  client:close(QUIT_S)
  return is_well
end

return app
