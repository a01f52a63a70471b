-- appsync simulate examples/simulate/todos.lua
local appsync = require "appsync"
local CREATE = "mutation Create($input: CreateTodoInput!) { createTodo(input: $input) { id name } }"
return {
  schema = "type Todo @model { id: ID! name: String! }",
  actions = { add = function(client, random)
    local todo = { __typename = "Todo", id = appsync.uuid(), name = "todo " .. random(100) }
    client:mutate(CREATE, { input = { id = todo.id, name = todo.name } }, { optimistic_response = { createTodo = todo } })
  end },
}
