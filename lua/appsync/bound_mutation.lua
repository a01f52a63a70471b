---`appsync.mutation`: a mutation as a function.
local document = require "appsync.document"
local errors = require "appsync.errors"

---Makes a function that sends a mutation: `create(variables, options)` is `client:mutate(document, variables, options)`.
---```lua
---local create = appsync.mutation(client, create_todo)
---local data = appsync.assert(create{ name = "call mum" })
---print(data.createTodo.name) --> call mum
---```
---@param client appsync.Client
---@param given string|appsync.Document
---@param options appsync.CallOptions? for each call; the options that a call gives take precedence
---@return fun(variables: table?, options: appsync.CallOptions?): any, appsync.Error?, appsync.Info?
local function mutation(client, given, options)
  local where = "appsync.mutation"
  if type(client) ~= "table" or type(client.mutate) ~= "function" then
    errors.misuse("%s: client must be a client, got %s", where, (errors.describe(client)))
  end
  if options ~= nil and type(options) ~= "table" then errors.expect(options, "options", "table", where) end
  local parsed = document.pick(given, "mutation", options and options.operation_name, where)
  return function(variables, of_call)
    if of_call ~= nil and type(of_call) ~= "table" then errors.expect(of_call, "options", "table", where) end
    local all = {}
    for name, value in pairs(options or {}) do all[name] = value end
    for name, value in pairs(of_call or {}) do all[name] = value end
    local data, err, info = client:mutate(parsed, variables, all)
    return data, err, info
  end
end

return mutation
