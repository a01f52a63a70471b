---The options of `client:sync`, checked: three parts, and what holds for all of them.
local auth = require "appsync.client.auth"
local document = require "appsync.document"
local errors = require "appsync.errors"
local headers = require "appsync.client.headers"
local json = require "appsync.json"
local opts = require "appsync.opts"
local record_selection = require "appsync.client.record_selection"
local variables_of = require "appsync.client.variables"

local sync_options = {}

local BASE_REFRESH_INTERVAL = 86400
local DELTA_WINDOW = 1800
local POLL = 30
local PAGE_SIZE = 1000

-- The variable that client:sync sets itself.
sync_options.LAST_SYNC = "lastSync"

---@class appsync.SyncQuery
---@field query string|appsync.Document
---@field variables table? of a delta query: those beside `lastSync`, which `client:sync` sets. The page's size goes into the
---variable of the argument `limit`, the place of the next page into that of `nextToken`, where the query has such variables
---@field operation_name string? picks one of several operations
---@field update fun(cache: appsync.Cache, result: appsync.UpdateResult)? changes what the data itself doesn't, such as lists that
---other queries show. Called once for each page or event; what it writes is kept with the page, in one transaction, and dropped
---if it throws. It must not wait
---@field page fun(data: table, variables: table): table?|nil for a query that has other pages than AppSync's: returns the
---variables of the next one, as far as they differ, or nil after the last. It must not wait; if it throws, the sync ends with the
---error. Not of a subscription
---@field base_refresh_interval number? seconds between two base queries, default 86400; of the base query only

---@class appsync.SyncOptions
---@field base_query appsync.SyncQuery|string|appsync.Document|nil all records; it is sent again when `base_refresh_interval` is over
---@field delta_query appsync.SyncQuery|string|appsync.Document|nil what has changed since `$lastSync`, which it must declare
---@field subscription_query appsync.SyncQuery|string|appsync.Document|nil a subscription: what changes from now on
---@field max_records integer? the base query stops there: `status().truncated` says so, and `more` goes on
---@field page_size integer? records of a page, default 1000, or what the base query's variables give as its limit
---@field delta_window number? seconds for which the service remembers changes, default 1800: when more time has passed, the base
---query is sent in the place of the delta query
---@field last_sync_unit "seconds"|"milliseconds"|"s"|"ms"|nil of `$lastSync`; default: milliseconds where the base or the delta
---query selects `startedAt` beside its list, else seconds
---@field version_field string? of a record, by which its states are ordered; default: the first of `_version`, `version`,
---`_lastChangedAt` and `updatedAt` that is selected
---@field poll number? seconds between delta queries while the subscription can't be had, default 30
---@field auth_mode string? one of the configured modes
---@field headers table|function|nil of all its requests; they may not say who asks
---@field typename string? of the records: they join the base query's list, and leave it, by what the delta query and the
---subscription say of them, as `appsync.build_sync` has it; without it these change records only
---@field id_field string|string[]|nil that tells the records apart; default: as the client's `keys` have it
---@field cache_updates (fun(record: table): any)? queries that show one record, as {query =, variables =} or a list of these, for
---each record that comes: their field then refers to the record, or is null once that is deleted. It must not wait

local QUERY = {
  query = { "string", "table" },
  variables = { "table" },
  operation_name = { "string", is_line = true },
  update = { "callable" },
}

local PAGED = opts.extend(opts.schema(QUERY), { page = { "callable" } })

local SCHEMAS = {
  base = opts.extend(PAGED, { base_refresh_interval = { "number", above = 0, also = { "baseRefreshIntervalInSeconds" } } }),
  delta = PAGED,
  subscription = opts.schema(QUERY),
}

local KINDS = { base = "query", delta = "query", subscription = "subscription" }

local UNITS = { seconds = "s", milliseconds = "ms", s = "s", ms = "ms" }

local PART = { "string", "table" }

local SCHEMA = opts.schema{
  base_query = PART, delta_query = PART, subscription_query = PART,
  max_records = { "integer", min = 1, also = { "maxRecordsToSync" } },
  page_size = { "integer", min = 1 },
  delta_window = { "number", above = 0 },
  last_sync_unit = { "string", values = { "seconds", "milliseconds", "s", "ms" } },
  version_field = { "string", is_line = true },
  poll = { "number", above = 0 },
  auth_mode = { "string" },
  auth = { refuse = "isn't accepted: what a sync brings is kept for the client's own identity; make a client for another one by "
    .. "client:with{ auth =, identity = }" },
  headers = { "table", "callable", is_secret = true },
  typename = { "string", is_line = true },
  id_field = { "string", "table", is_line = true },
  cache_updates = { "callable" },
}

---@class appsync.client.SyncPart: appsync.client.Plan
---@field what "base"|"delta"|"subscription"
---@field selection appsync.client.RecordSelection
---@field update function?
---@field page function?
---@field interval number? seconds, of the base query

-- The document of a part, which may be given as such.
local function query_of(given)
  if type(given) ~= "table" or document.is(given) then return { query = given } end
  return given
end

-- `document.pick` would name the call that takes a document of the other kind.
local function check_kind(parsed, kind, operation_name, where)
  for _, operation in ipairs(parsed.operations) do
    local is_meant = operation_name == nil and not parsed.operations[2] or operation.name == operation_name
    if is_meant and operation.kind ~= kind then
      errors.misuse("%s: the document must be a %s, got a %s", where, kind, operation.kind)
    end
  end
end

local function without_last_sync(variables)
  if variables == nil or variables[sync_options.LAST_SYNC] == nil then return variables end
  local rest = {}
  for name, value in pairs(variables) do rest[name] = value end
  rest[sync_options.LAST_SYNC] = nil
  return rest
end

---@return appsync.client.SyncPart
local function check_part(given, what, where)
  where = ("%s: %s_query"):format(where, what)
  local kind = KINDS[what]
  local checked = opts.check(query_of(given), SCHEMAS[what], where, ("it must be a %s or a table"):format(kind))
  if checked.query == nil then errors.misuse("%s: query is missing; give the document of a %s", where, kind) end
  local parsed = type(checked.query) == "string" and document.parse_part(checked.query, where) or checked.query
  if document.is(parsed) then check_kind(parsed, kind, checked.operation_name, where) end
  local operation
  parsed, operation = document.pick(parsed, kind, checked.operation_name, where)
  local variables = checked.variables
  if what == "delta" then variables = without_last_sync(variables) end
  local sent, undeclared = variables_of.declared(variables, operation, SCHEMAS[what].names, where)
  return {
    what = what, document = parsed, operation = operation, variables = json.copy(sent), undeclared = undeclared, where = where,
    options = { operation_name = checked.operation_name }, selection = record_selection.of(parsed, operation),
    update = checked.update, page = checked.page, interval = checked.base_refresh_interval,
  }
end

---@param typename any
---@param where string
function sync_options.check_typename(typename, where)
  if type(typename) == "string" and typename:find "^[%a_][%w_]*$" then return end
  errors.misuse("%s: typename must be the name of the records' type, such as \"Post\", got %s", where, (errors.describe(typename)))
end

local function check_id_fields(given, where)
  if given == nil then return nil end
  if type(given) ~= "table" then given = { given } end
  local fields = {}
  for i, name in ipairs(given) do
    if type(name) ~= "string" or name == "" then
      errors.misuse("%s: id_field must be the name of a field, or a list of such names; number %d is %s", where, i,
        (errors.describe(name)))
    end
    fields[i] = name
  end
  if fields[1] == nil then errors.misuse("%s: id_field must be the name of a field, or a list of such names", where) end
  return fields
end

-- Headers that would make another identity of it. Those of a function are known when it has given them.
local function check_headers(given, where)
  headers.check(given, where)
  local refusal = "headers may not say who asks (Authorization, x-api-key, Cookie): what a sync brings is kept for the client's own "
    .. "identity"
  if given == nil then return nil end
  if not opts.is_callable(given) then
    if headers.have_secrets(given) then errors.misuse("%s: %s", where, refusal) end
    return given
  end
  return function(operation)
    local all, err = given(operation)
    if type(all) == "table" and headers.have_secrets(all) then return nil, errors.new("usage", where .. ": " .. refusal) end
    return all, err
  end
end

-- What the query's own variables give as a page's size.
local function given_limit(base)
  local name = base and base.selection.given.limit
  local limit = name and base.variables and base.variables[name]
  return type(limit) == "number" and limit >= 1 and limit % 1 == 0 and limit or nil
end

---@class appsync.client.SyncSettings
---@field parts table<"base"|"delta"|"subscription", appsync.client.SyncPart>
---@field given table the options by our names, as they were given
---@field id_fields string[]?
---@field keeps_list boolean records join the base query's list, and leave it, by what they say
---@field headers table|function|nil
---@field auth_mode string?
---@field interval number seconds
---@field delta_window number seconds
---@field poll number seconds
---@field page_size integer
---@field last_sync_unit "s"|"ms"|nil

---@param options any
---@param where string
---@return appsync.client.SyncSettings
function sync_options.check(options, where)
  local given = opts.check(options, SCHEMA, where)
  if given.typename ~= nil then sync_options.check_typename(given.typename, where) end
  local parts = {}
  for what in pairs(KINDS) do
    local query = given[what .. "_query"]
    if query ~= nil then parts[what] = check_part(query, what, where) end
  end
  if next(parts) == nil then
    errors.misuse("%s: nothing to sync; give base_query, delta_query, subscription_query, or several of them", where)
  end
  return {
    parts = parts, given = given, id_fields = check_id_fields(given.id_field, where), headers = check_headers(given.headers, where),
    auth_mode = given.auth_mode and auth.mode(given.auth_mode, where),
    interval = parts.base and parts.base.interval or BASE_REFRESH_INTERVAL, delta_window = given.delta_window or DELTA_WINDOW,
    keeps_list = given.typename ~= nil, poll = given.poll or POLL, page_size = given.page_size or given_limit(parts.base) or PAGE_SIZE,
    last_sync_unit = UNITS[given.last_sync_unit],
  }
end

return sync_options
