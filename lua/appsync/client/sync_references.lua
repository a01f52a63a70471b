---What `cache_updates` of a delta sync says: which queries show a record that has come. The field of each then refers to the
---record, or is null once that was deleted. What the function says is found out in steps; it is written at once.
local compute = require "appsync.compute"
local document = require "appsync.document"
local errors = require "appsync.errors"
local json = require "appsync.json"
local log = require "appsync.log"
local opts = require "appsync.opts"
local printable = require "appsync.printable"
local record_identity = require "appsync.client.record_identity"
local scheduler = require "appsync.scheduler"
local stepwise = require "appsync.stepwise"
local variables_of = require "appsync.client.variables"

local sync_references = {}

local NAME = "cache_updates"
local ROOT = "ROOT_QUERY"
local RECORDS_OF_A_STEP = 20

local null = json.null

local QUERY = opts.schema{ query = { "string", "table" }, variables = { "table" }, operation_name = { "string", is_line = true } }

---One field of the root, and the record that it shows.
---@class appsync.client.SyncReference
---@field field string with its arguments
---@field value any

---Whose records they are.
---@class appsync.client.SyncRecords
---@field root appsync.client.Root
---@field core appsync.core.Cache
---@field cache_updates fun(record: table): any
---@field typename string?
---@field parts table<string, appsync.client.SyncPart>
---@field has_told_references boolean? that something of it was wrong
---@field private list_field string|false|nil of the root, where the list stands that the sync keeps itself

local function check_query(given)
  if type(given) == "string" or document.is(given) then return { query = given } end
  if type(given) ~= "table" then
    errors.misuse("%s must return tables {query =, variables =}, got %s", NAME, (errors.describe(given)))
  end
  return opts.check(given, QUERY, NAME)
end

-- The name by which the cache has the query's field.
local function field_of(core, given)
  local checked = check_query(given)
  if checked.query == nil then errors.misuse("%s: query is missing", NAME) end
  local parsed, operation = document.pick(checked.query, "query", checked.operation_name, NAME)
  local key, name = document.first_field(operation)
  if not key then errors.misuse("%s: the query must select its field itself, not in a fragment", NAME) end
  local call = {
    document = parsed.core, operation_name = operation.name, variables = variables_of.declared(checked.variables, operation, {}, NAME),
  }
  local fields, err = core:object_fields(call, {}, {})
  if err then errors.misuse("%s: %s", NAME, err.message) end
  for i = 1, #fields, 2 do
    if fields[i] == key then return fields[i + 1] end
  end
  errors.misuse("%s: %s selects no fields of the record", NAME, name)
end

-- The field of the base query; false: there is none.
local function list_field(records)
  if records.list_field == nil then
    local base = records.parts.base
    records.list_field = base and field_of(records.core, {
      query = base.document, variables = base.variables, operation_name = base.options.operation_name,
    }) or false
  end
  return records.list_field
end

local function list_of(given)
  if given == nil or given == null then return {} end
  if type(given) ~= "table" or document.is(given) or given.query ~= nil then return { given } end
  if given[1] == nil and next(given) ~= nil then check_query(given) end -- which names the key that is wrong
  return given
end

local function add_references(references, records, record)
  local data = record.data
  if data.__typename == nil then data.__typename = records.typename end
  local key, err = record_identity.of(records.root, records.core, data)
  if not key then errors.misuse("%s: %s", NAME, err and err.message or "a record has no identity") end
  local value = record.deleted and null or { __ref = key }
  local names_list = false
  for _, given in ipairs(list_of(compute(NAME, records.cache_updates, data))) do
    local field = field_of(records.core, given)
    names_list = names_list or field == list_field(records)
    if field ~= list_field(records) then references[#references + 1] = { field = field, value = value } end
  end
  if not names_list then return end
  errors.misuse("%s: %s is the list that the sync keeps itself: name queries that show one record", NAME,
    records.parts.base.selection.roots[1])
end

-- Once for each sync: a function that is wrong is so again and again.
local function tell(records, raised)
  if records.has_told_references then return end
  records.has_told_references = true
  log.emit(records.root.log, "error", ("cache_updates of a sync failed: %s; the record is kept, and queries that show it alone may "
    .. "not be up to date"):format(printable.text(raised)), { raised = raised })
end

---What is to be written for records. Where it can pause, others run in between.
---@param records appsync.client.SyncRecords
---@param list {data: table, deleted: boolean}[]
---@return appsync.client.SyncReference[]
function sync_references.collect(records, list)
  local references = {}
  for i, record in ipairs(list) do
    local ok, raised = pcall(add_references, references, records, record)
    if not ok then tell(records, raised) end
    if i % RECORDS_OF_A_STEP == 0 then scheduler.pause(stepwise.EVENTS) end
  end
  return references
end

---@param records appsync.client.SyncRecords
---@param references appsync.client.SyncReference[]
function sync_references.write(records, references)
  for _, reference in ipairs(references) do
    local is_apart = reference.field:find "[(@]" ~= nil
    local ok, err = records.core:set(ROOT, reference.field, is_apart, reference.value)
    if not ok then tell(records, err and err.message or "the cache is closed") end
  end
end

return sync_references
