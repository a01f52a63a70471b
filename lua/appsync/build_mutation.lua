---`appsync.build_mutation`: a mutation with all that the cache needs to show its outcome at once.
local mutation_table = require "appsync.mutation_table"

---@class appsync.BuildMutationOptions
---@field client appsync.Client whose cache has the versions
---@field mutation string|appsync.Document
---@field variables table?
---@field input_type string|string[]|nil the input type of `$input`: its definition, as in "input UpdateTodoInput { id: ID!
---expectedVersion: Int }" (of several, the one that the mutation names, else the first), or the names of its fields
---@field cache_updates string|appsync.Document|table|fun(variables: table): any|nil cached queries to change: a query, a table
---{query =, variables =}, a list of these, a table of them by kind (`auto`, `add`, `remove`, `update`), or a function of the
---variables that returns one of these and must not wait
---@field typename string? of the item; without it there is no optimistic response
---@field id_field string? default "id"
---@field operation "auto"|"add"|"remove"|"update"|nil what the item does to a list. Default "auto": by the name of the mutation's
---field, as in `createTodo`, `deleteTodo`, `updateTodo`
---@field operation_name string? picks one of several operations

---@class appsync.BuiltMutation
---@field mutation appsync.Document
---@field variables table
---@field optimistic_response table? with `typename`
---@field cache_updates appsync.CacheRule[]?
---@field operation_name string?

---Makes the table for `client:mutate`, by the rules of the AWS AppSync SDK's buildMutation. The optimistic response has the
---variables' values, an id (a new UUID where none is given), `version` (one more than the highest of the cached copies in the
---queries of `cache_updates`) and, for other fields that the mutation selects, what is cached of the item, else `appsync.null`.
---The version that the item has by now goes with the variables, if they don't have one: as `version` or `expectedVersion` of
---`input` where `input_type` has it as an Int, or as the variables of these names that the mutation declares. The id of a new
---item goes with them where `input_type` has such a field, or the mutation declares such a variable.
---```lua
---client:query(list_todos)
---local built = appsync.build_mutation{
---  client = client, mutation = create_todo, variables = { name = "call mum" },
---  cache_updates = list_todos, typename = "Todo",
---}
---print(built.optimistic_response.createTodo.name) --> call mum
---appsync.assert(client:mutate(built))
---print(#client:read_query(list_todos).listTodos.items) --> 2
---```
---@param options appsync.BuildMutationOptions
---@return appsync.BuiltMutation
local function build_mutation(options)
  return mutation_table.build(options, "appsync.build_mutation")
end

return build_mutation
