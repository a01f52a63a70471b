-- Todos over AppSync: subscribe, create, list, update, delete; with an API key, then signed with IAM credentials.
-- usage: todo.lua ENDPOINT API_KEY ACCESS_KEY_ID SECRET_ACCESS_KEY
local appsync = require "appsync"
local endpoint, api_key, access_key_id, secret_access_key = ...

local FIELDS = "id name priority done createdAt updatedAt"
local on_create = "subscription OnCreate { onCreateTodo { " .. FIELDS .. " } }"
local on_update = "subscription OnUpdate { onUpdateTodo { " .. FIELDS .. " } }"
local on_delete = "subscription OnDelete { onDeleteTodo { " .. FIELDS .. " } }"
local create = "mutation Create($input: CreateTodoInput!) { createTodo(input: $input) { " .. FIELDS .. " } }"
local update = "mutation Update($input: UpdateTodoInput!) { updateTodo(input: $input) { " .. FIELDS .. " } }"
local delete = "mutation Delete($input: DeleteTodoInput!) { deleteTodo(input: $input) { " .. FIELDS .. " } }"
local list = "query List($filter: ModelTodoFilterInput) { listTodos(filter: $filter) { items { " .. FIELDS .. " } nextToken } }"

local n_steps, n_events = 0, 0

local function step(label, condition, detail)
  if not condition then error(label .. ": " .. tostring(detail or "not as expected"), 0) end
  n_steps = n_steps + 1
  print(("  %-34s ok"):format(label))
end

-- A pull subscription that the service has acknowledged.
local function listen(client, document, field)
  local subscription = client:subscribe(document):map(function(data) return data[field] end):subscribe()
  local is_ready, err = subscription:ready(10)
  step("subscribe to " .. field, is_ready, err)
  return function(id)
    local todo, failure = subscription:next(10)
    if todo then
      n_events = n_events + 1
      print(("  event %-12s %s (priority %s, done %s)"):format(field, todo.name, tostring(todo.priority), tostring(todo.done)))
    end
    step("event of " .. field, todo and todo.id == id, failure)
    return todo
  end, subscription
end

local function work(label, auth)
  print(label)
  local client = appsync.client { endpoint = endpoint, region = "us-east-1", auth = auth, store = false }
  local created, s1 = listen(client, on_create, "onCreateTodo")
  local updated, s2 = listen(client, on_update, "onUpdateTodo")
  local deleted, s3 = listen(client, on_delete, "onDeleteTodo")

  local data, err = client:mutate(create, { input = { name = "write a demo", priority = 3, done = false } })
  step("createTodo", data and data.createTodo.priority == 3, err)
  local id = data.createTodo.id
  created(id)

  data, err = client:query(list, { filter = { priority = { gt = 2 } } })
  step("listTodos", data and #data.listTodos.items == 1 and data.listTodos.items[1].id == id, err)

  data, err = client:mutate(update, { input = { id = id, done = true } })
  step("updateTodo", data and data.updateTodo.done == true, err)
  step("the event tells the update", updated(id).done == true)

  data, err = client:mutate(delete, { input = { id = id } })
  step("deleteTodo", data and data.deleteTodo.id == id, err)
  deleted(id)

  data, err = client:query(list)
  step("listTodos is empty again", data and #data.listTodos.items == 0, err)

  for _, subscription in ipairs { s1, s2, s3 } do subscription:unsubscribe() end
  client:close()
end

local ok, message = pcall(appsync.run, function()
  work("API key", { type = "API_KEY", api_key = api_key })
  work("IAM (SigV4)", {
    type = "AWS_IAM",
    credentials = { access_key_id = access_key_id, secret_access_key = secret_access_key },
  })
end)
if not ok then
  io.stderr:write("demo: ", tostring(message), "\n")
  os.exit(1)
end
print(("demo: %d steps, %d events, all seen to work"):format(n_steps, n_events))
