---`appsync.mutation`: a mutation as a function.
local document = require "appsync.document"
local errors = require "appsync.errors"
local mutation_table = require "appsync.mutation_table"

-- What appsync.build_mutation takes, and the rest, which client:mutate takes.
local function split(options)
  local of_table, of_call = {}, {}
  for name, value in pairs(options or {}) do
    if mutation_table.SCHEMA.names[name] then of_table[name] = value else of_call[name] = value end
  end
  return of_table, of_call
end

local function over(options, of_call)
  local all = {}
  for name, value in pairs(options) do all[name] = value end
  for name, value in pairs(of_call) do all[name] = value end
  return all
end

---@class appsync.MutationOptions: appsync.MutateOptions
---@field cache_updates any as of `appsync.build_mutation`, a function too
---@field input_type string|string[]|nil as of `appsync.build_mutation`
---@field typename string? as of `appsync.build_mutation`
---@field id_field string? as of `appsync.build_mutation`
---@field operation "auto"|"add"|"remove"|"update"|nil as of `appsync.build_mutation`

---Makes a function that sends a mutation: `create(variables, options)` is `client:mutate(document, variables, options)`. With
---options of `appsync.build_mutation`, such as `typename`, each call sends what that makes.
---```lua
---local create = appsync.mutation(client, create_todo)
---local data = appsync.assert(create{ name = "call mum" })
---print(data.createTodo.name) --> call mum
---```
---@param client appsync.Client
---@param given string|appsync.Document
---@param options appsync.MutationOptions? for each call; the options that a call gives take precedence
---@return fun(variables: table?, options: appsync.CallOptions?): any, appsync.Error?, appsync.Info?
local function mutation(client, given, options)
  local where = "appsync.mutation"
  if type(client) ~= "table" or type(client.mutate) ~= "function" then
    errors.misuse("%s: client must be a client, got %s", where, (errors.describe(client)))
  end
  if options ~= nil and type(options) ~= "table" then errors.expect(options, "options", "table", where) end
  local parsed, operation = document.pick(given, "mutation", options and options.operation_name, where)
  local of_table, of_calls = split(options)
  local made = next(of_table) ~= nil and mutation_table.make(client, parsed, operation, of_table, where)
  return function(variables, of_call)
    if variables ~= nil and type(variables) ~= "table" then errors.expect(variables, "variables", "table", where) end
    if of_call ~= nil and type(of_call) ~= "table" then errors.expect(of_call, "options", "table", where) end
    local all = over(of_calls, of_call or {})
    if made then
      local built = made:build(variables)
      variables = built.variables
      all = over({ optimistic_response = built.optimistic_response, cache_updates = built.cache_updates }, all)
    end
    local data, err, info = client:mutate(parsed, variables, all)
    return data, err, info
  end
end

return mutation
