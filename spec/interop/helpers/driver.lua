-- Cases of cases.js as lines of JSON; of each the variables, the optimistic response and what is cached then, as a line of JSON.
local appsync = require "appsync"

-- The mutations stay where they are.
local function hold() while true do appsync.sleep(1) end end

local function some(value)
  if value ~= appsync.null then return value end
end

local function run(case)
  local client = appsync.client{
    endpoint = "http://127.0.0.1:9/graphql", auth = { type = "API_KEY", api_key = "key" }, store = ":memory:", headers = hold,
  }
  for _, entry in ipairs(case.cached) do assert(client:write_query(entry.query, entry.variables, entry.data)) end
  local built = appsync.build_mutation{
    client = client, mutation = case.mutation, variables = case.variables, input_type = case.inputType,
    cache_updates = case.cacheUpdates, typename = some(case.typename), id_field = case.idField, operation = case.operation,
  }
  local sending = appsync.spawn(function() return client:mutate(built) end)
  appsync.sleep(0)
  local cached = appsync.array()
  for i, entry in ipairs(case.cached) do cached[i] = client:read_query(entry.query, entry.variables) or appsync.null end
  local answer = { variables = built.variables, optimisticResponse = built.optimistic_response, cached = cached }
  sending:cancel()
  client:close(0)
  return answer
end

for line in io.lines() do
  local case = assert(appsync.decode(line))
  print(appsync.encode(appsync.run(run, case)))
end
