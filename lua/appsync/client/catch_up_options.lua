---The option `catch_up` of `client:subscribe`, checked.
local document = require "appsync.document"
local errors = require "appsync.errors"
local json = require "appsync.json"
local opts = require "appsync.opts"
local record_selection = require "appsync.client.record_selection"
local variables_of = require "appsync.client.variables"

local catch_up_options = {}

local LAST_SYNC = "lastSync"
local POLL = 30
local PAGE_SIZE = 1000

---How a subscription learns what it has missed: after each reconnect, and whenever events had to be dropped, the query is sent,
---and what it brings is emitted before the events that came meanwhile. While no connection can be had, it is sent every `poll`
---seconds instead.
---
---An event may come twice: what has changed shortly before the connection was lost is fetched again. If the records have a version,
---a state of a record that is as old as one that was emitted, or older, isn't emitted while the subscription catches up, nor in the five
---seconds after that; 4096 records are remembered at most.
---@class appsync.CatchUp
---@field query string|appsync.Document what has changed. `$lastSync`, if the query declares it, is set to the time since when
---(the service's, some seconds to spare); without it all that the query brings is emitted each time. A query with `nextToken` is
---sent again for each page, its `limit` is 1000 or what `variables` say
---@field variables table?
---@field operation_name string? picks one of several operations
---@field map (fun(data: table): table[]?)? makes a list of events of the query's data, in the shape of the subscription's data; nil
---or an empty list: nothing. It must not wait. Default: each record of the query's list is an event, as the value of the
---subscription's field
---@field poll number? seconds between two queries while no connection can be had, default 30
---@field last_sync_unit "seconds"|"milliseconds"|"s"|"ms"|nil of `$lastSync`; default: seconds, or milliseconds where the query
---selects `startedAt` beside its list
---@field version_field string? of a record, by which its states are ordered; default: the first of `_version`, `version`,
---`_lastChangedAt` and `updatedAt` that the subscription selects; "": none

local SCHEMA = opts.schema{
  query = { "string", "table" },
  variables = { "table" },
  operation_name = { "string", is_line = true },
  map = { "callable" },
  poll = { "number", above = 0 },
  last_sync_unit = { "string", values = { "seconds", "milliseconds", "s", "ms" } },
  version_field = { "string", is_line = true },
}

local UNITS = { seconds = "s", milliseconds = "ms", s = "s", ms = "ms" }

-- The rule of delta syncs (csrc/sync/page.h).
local VERSION_FIELDS = { "_version", "version", "_lastChangedAt", "updatedAt" }

local function check_others(options, where)
  if options.overflow and options.overflow ~= "pause" then
    errors.misuse("%s: overflow = %q isn't possible beside catch_up: what there is no room for is fetched by its query", where,
      options.overflow)
  end
  if options.share then errors.misuse("%s: share = true isn't possible beside catch_up", where) end
end

local function without_last_sync(variables)
  if variables == nil or variables[LAST_SYNC] == nil then return variables end
  local rest = {}
  for name, value in pairs(variables) do rest[name] = value end
  rest[LAST_SYNC] = nil
  return rest
end

local function version_field(given, selection, where)
  if given == "" then return nil end
  if given then
    if selection.own[given] then return given end
    errors.misuse("%s: version_field is %s, which the subscription doesn't select under this name", where, errors.quoted(given))
  end
  for _, name in ipairs(VERSION_FIELDS) do
    if selection.own[name] then return name end
  end
end

-- Without `map` a record of the one becomes the value of the other.
local function check_roots(plan, selection, where)
  local roots, fields = selection.roots, plan.operation.root_fields
  if #roots ~= 1 or #fields ~= 1 then
    errors.misuse("%s: without map, the query and the subscription must select one field at their roots each, got %d and %d", where,
      #roots, #fields)
  end
  if next(selection.fields) == nil then errors.misuse("%s: %s selects no fields of the records; give map", where, roots[1]) end
end

-- The service refuses a variable that nothing uses.
local function check_last_sync(operation, selection, where)
  if not operation.declared[LAST_SYNC] or #selection.roots ~= 1 or selection.used[LAST_SYNC] then return end
  errors.misuse("%s: the query declares $%s and doesn't use it; pass it on, as in %s(lastSync: $%s)", where, LAST_SYNC,
    selection.roots[1], LAST_SYNC)
end

-- What the variable is called that takes what an argument of the root field is for.
local function variable_for(selection, argument)
  return selection.given[argument] or (selection.used[argument] and argument) or nil
end

local function page_size(limit_variable, variables)
  local limit = limit_variable and variables and variables[limit_variable]
  return type(limit) == "number" and limit >= 1 and limit % 1 == 0 and limit or PAGE_SIZE
end

---@class appsync.client.CatchUpPlan: appsync.client.Plan
---@field map function?
---@field poll number seconds
---@field last_sync_unit "s"|"ms"|nil
---@field limit_variable string?
---@field token_variable string?
---@field page_size integer
---@field root string the subscription's field
---@field version_field string? of the subscription's records

---@param plan appsync.client.Plan of a subscription
---@return appsync.client.CatchUpPlan
function catch_up_options.check(plan)
  check_others(plan.options, plan.where)
  local where = plan.where .. ": catch_up"
  local given = opts.check(plan.options.catch_up, SCHEMA, where)
  if given.query == nil then errors.misuse("%s: query is missing; give the document of a query", where) end
  local query = type(given.query) == "string" and document.parse_part(given.query, where) or given.query
  local parsed, operation = document.pick(query, "query", given.operation_name, where)
  local sent, undeclared = variables_of.declared(without_last_sync(given.variables), operation, SCHEMA.names, where)
  local selection = record_selection.of(parsed, operation)
  if not given.map then check_roots(plan, selection, where) end
  check_last_sync(operation, selection, where)
  local limit_variable = variable_for(selection, "limit")
  return {
    document = parsed, operation = operation, variables = json.copy(sent), undeclared = undeclared, where = where,
    options = { operation_name = given.operation_name }, map = given.map, poll = given.poll or POLL,
    last_sync_unit = UNITS[given.last_sync_unit], limit_variable = limit_variable,
    token_variable = variable_for(selection, "nextToken"), page_size = page_size(limit_variable, sent),
    root = plan.operation.root_fields[1],
    version_field = version_field(given.version_field, record_selection.of(plan.document, plan.operation), where),
  }
end

return catch_up_options
