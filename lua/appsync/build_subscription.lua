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

---@class appsync.BuildSubscriptionOptions
---@field query string|appsync.Document a subscription
---@field variables table?
---@field cache_update any a query, `{query =, variables =}` or a list of these: what else is changed so
---@field id_field string? default "id"
---@field operation "auto"|"add"|"remove"|"update"|nil by default the name of the subscription's field tells, as in `onCreateTodo`

---@class appsync.MoreOptions
---@field query string|appsync.Document a subscription
---@field variables table?
---@field update fun(previous: table, event: table): table? the query's new data; it must not wait
---@field cache_update (string|appsync.Document|table)[]? further queries that `update` changes, as far as they are in the cache

---Makes the table for `watch:subscribe_to_more`: each event of the subscription adds its record to the first list in the
---watched query's data, replaces it there, or removes it.
---@param options appsync.BuildSubscriptionOptions
---@return appsync.MoreOptions
return function(options)
  local where = "appsync.build_subscription"
  local checked = opts.check(options, SCHEMA, where)
  if checked.query == nil then errors.misuse("%s: query is missing; give the subscription's document", where) end
  local parsed, operation = document.pick(checked.query, "subscription", nil, where)
  local field, id_field = operation.root_fields[1], checked.id_field or "id"
  if not field then errors.misuse("%s: query must select its field itself, not in a fragment", where) end
  local kind = checked.operation and updates.check_kind(checked.operation, where) or updates.kind_of(operation.root_names[1])
  local also = checked.cache_update
  if also ~= nil and (type(also) == "string" or document.is(also) or also.query ~= nil) then also = { also } end
  return {
    query = parsed, variables = checked.variables, cache_update = also,
    update = function(previous, event) return updates.apply(kind, previous, event[field], id_field) end,
  }
end
