---`appsync.build_subscription`: what keeps a watched list up to date.
local document = require "appsync.document"
local errors = require "appsync.errors"
local opts = require "appsync.opts"
local updates = require "appsync.updates"

local SCHEMA = opts.schema{
  query = { "string", "table" },
  variables = { "table" },
  cache_update = { "string", "table" },
  id_field = { "string", is_line = true },
  operation = { "string" },
}

local QUERY = opts.schema{ query = { "string", "table" }, variables = { "table" } }

-- One query or several, checked before any event comes.
local function queries_of(given, where)
  if given == nil then return nil end
  local is_one = type(given) == "string" or document.is(given) or given.query ~= nil
  local list = is_one and { given } or given
  if #list == 0 and next(list) ~= nil then
    errors.misuse("%s: cache_update must be a query, {query =, variables =} or a list of these, got a table without a query", where)
  end
  for i, query in ipairs(list) do
    local place = is_one and where .. ": cache_update" or ("%s: cache_update[%d]"):format(where, i)
    if type(query) == "table" and not document.is(query) then
      query = opts.check(query, QUERY, place).query
      if query == nil then errors.misuse("%s: query is missing", place) end
    end
    if type(query) ~= "string" and not document.is(query) then
      errors.misuse("%s must be a query, or a table {query =, variables =}, got %s", place, (errors.describe(query)))
    end
    document.pick(query, "query", nil, place)
  end
  return list
end

---@class appsync.BuildSubscriptionOptions
---@field query string|appsync.Document a subscription
---@field variables table?
---@field cache_update any a query, `{query =, variables =}` or a list of these: other cached queries to change in the same way
---@field id_field string? default "id"
---@field operation "auto"|"add"|"remove"|"update"|nil default "auto": by the name of the subscription's field, as in
---`onCreateTodo`

---@class appsync.MoreOptions
---@field query string|appsync.Document a subscription
---@field variables table?
---@field update fun(previous: table, event: table): table? returns the query's new data; it must not wait
---@field cache_update (string|appsync.Document|table)[]? further queries that `update` changes, if they are in the cache

---Makes the table for `watch:subscribe_to_more`: each event of the subscription adds its record to the first list in the
---watched query's data, replaces it there, or removes it.
---```lua
---local watch = client:watch(list_todos)
---local states = watch:subscribe()
---print(#states:next(10).data.listTodos.items) --> 1
---local more = watch:subscribe_to_more(appsync.build_subscription{ query = on_create_todo })
---appsync.assert(more:ready(10))
---client:mutate(create_todo, { name = "call mum" })
---print(#states:next(10).data.listTodos.items) --> 2
---```
---@param options appsync.BuildSubscriptionOptions
---@return appsync.MoreOptions
local function build_subscription(options)
  local where = "appsync.build_subscription"
  local checked = opts.check(options, SCHEMA, where)
  if checked.query == nil then errors.misuse("%s: query is missing; give the subscription's document", where) end
  local parsed, operation = document.pick(checked.query, "subscription", nil, where)
  local field, name = document.first_field(operation)
  local id_field = checked.id_field or "id"
  if not field then errors.misuse("%s: query must select its field itself, not in a fragment", where) end
  local kind = checked.operation and updates.check_kind(checked.operation, where) or updates.kind_of(name)
  local also = queries_of(checked.cache_update, where)
  return {
    query = parsed, variables = checked.variables, cache_update = also,
    update = function(previous, event)
      local changed = updates.apply(kind, previous, event[field], id_field)
      if not rawequal(changed, previous) then return changed end
    end,
  }
end

return build_subscription
