---`appsync.build_sync`: the table for `client:sync`, checked.
local errors = require "appsync.errors"
local json = require "appsync.json"
local sync_options = require "appsync.client.sync_options"
local sync_requirements = require "appsync.client.sync_requirements"

local WHERE = "appsync.build_sync"
local DEFAULT_ID = "id"

-- Where buildSync of the AWS AppSync SDK takes it.
local function with_id_field(options, id_field)
  if id_field == nil then return options end
  local all = {}
  for name, value in pairs(options) do all[name] = value end
  if all.id_field ~= nil or all.idField ~= nil then
    errors.misuse("%s: id_field is given twice, in the options and after them", WHERE)
  end
  all.id_field = id_field
  return all
end

-- A part by our names, whichever way it was given.
local function query_of(part)
  if not part then return nil end
  return {
    query = part.document, variables = json.copy(part.variables), operation_name = part.options.operation_name,
    update = part.update, page = part.page, base_refresh_interval = part.interval,
  }
end

---Makes the table for `client:sync` of the queries of one type, by the rules of the AWS AppSync SDK's buildSync. Each of them
---selects one field at its root. The base query returns all records, as a list or as a connection with `items`; the delta query
---declares `$lastSync` and returns the records that have changed since, those that were deleted with `aws_ds` "DELETE" (or
---`_deleted`); the subscription returns one record. All select `id_field`, and the delta query selects at least the fields that
---the base query does. `__typename` is added. Throws where something of this isn't so.
---```lua
---local list_page = [[
---  query ($limit: Int, $nextToken: String) {
---    listTodos(limit: $limit, nextToken: $nextToken) { items { id name priority } nextToken }
---  }]]
---local options = appsync.build_sync("Todo", {
---  base_query = list_page,
---  subscription_query = on_create_todo,
---  cache_updates = function(todo) return { query = get_todo, variables = { id = todo.id } } end,
---})
---local s = client:sync(options)
---appsync.assert(s:ready(10))
---print(client:read_query(get_todo, { id = "1" }).getTodo.name) --> buy milk
---```
---@param typename string of the records
---@param options appsync.SyncOptions `id_field`: default "id"
---@param id_field string|string[]|nil where buildSync takes it; here it may stand in the options
---@return appsync.SyncOptions
local function build_sync(typename, options, id_field)
  sync_options.check_typename(typename, WHERE)
  if type(options) ~= "table" then errors.expect(options, "options", "table", WHERE) end
  local settings = sync_options.check(with_id_field(options, id_field), WHERE)
  local id_fields = settings.id_fields or { DEFAULT_ID }
  settings.keeps_list = true
  sync_requirements.check(settings, id_fields)
  local built, parts = {}, settings.parts
  for name, value in pairs(settings.given) do built[name] = value end
  if built.typename ~= nil and built.typename ~= typename then
    errors.misuse("%s: typename is given twice, as %s and as %s", WHERE, errors.quoted(typename), errors.quoted(built.typename))
  end
  built.typename, built.id_field = typename, built.id_field or DEFAULT_ID
  built.base_query, built.delta_query, built.subscription_query = query_of(parts.base), query_of(parts.delta),
    query_of(parts.subscription)
  return built
end

return build_sync
