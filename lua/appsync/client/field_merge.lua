---Fields that functions of the application merge, `cache.merge`. Where a function fails, the incoming value replaces the kept one.
local compute = require "appsync.compute"
local core = require "appsync.core"
local errors = require "appsync.errors"
local field_value = require "appsync.client.field_value"
local json = require "appsync.json"
local log = require "appsync.log"
local printable = require "appsync.printable"
local record_identity = require "appsync.client.record_identity"
local record_list = require "appsync.client.record_list"
local task = require "appsync.task"

local field_merge = {}

local BYTES_PER_EVENT = 200 -- of a value, which take about as long as an event

local array_mt = core.array_mt

---@class appsync.MergeDetails
---@field args table<string, any> of the field, with their values
---@field field_name string

-- Once for each client.
local function tell_fault(root, field, format, what, raised)
  if root.has_told_merge then return end
  root.has_told_merge = true
  log.emit(root.log, "error", ("cache.merge.%s %s; the incoming value replaces the kept one"):format(field, format:format(what)),
    { raised = raised })
end

local function is_list(value)
  return type(value) == "table" and (record_list.origin(value) ~= nil or getmetatable(value) == array_mt)
end

-- An empty table is a list where there is one in what came in, or was there.
local function mark_lists(value, shape)
  if type(value) ~= "table" or type(shape) ~= "table" or value == shape or is_list(value) then return value end
  if next(value) == nil then return is_list(shape) and json.array() or value end
  if value[1] ~= nil or is_list(shape) then return value end
  for name, member in pairs(value) do value[name] = mark_lists(member, shape[name]) end
  return value
end

-- Raises what the function raises, and where it returns what no field can have. Rests between what may take long.
local function run(root, known, field, existing, incoming, details, rest)
  local where = "cache.merge." .. field
  local function identify(record) return (record_identity.of(root, known, record)) end
  local function identify_any(record, what)
    local key = type(record) == "string" and record ~= "" and record or type(record) == "table" and identify(record)
    if not key then
      errors.misuse('%s: %s takes text such as "Todo:1", a reference, or a table with __typename and the fields that identify it, got %s',
        where, what, (errors.describe(record)))
    end
    return key
  end
  local shown = field_value.new_field()
  if existing ~= nil then existing = field_value.shown(existing, identify_any, shown) end
  incoming = field_value.shown(incoming, identify_any, shown)
  rest()
  local merged = compute("merge", root.merge_functions[field], existing, incoming, details)
  if merged == nil then return nil end
  rest()
  return field_value.whole(mark_lists(mark_lists(merged, incoming), existing), identify, shown, where)
end

local function merge(root, known, merges, i, field, host)
  local build, size = host.build, merges:size(i)
  local function rest() host.rest(size / BYTES_PER_EVENT) end
  local existing, has_existing = build(merges, i, "existing")
  local incoming, has_incoming = build(merges, i, "incoming")
  local args, has_args = build(merges, i, "args")
  if not (has_existing and has_incoming and has_args) then return merges:tell(i) end
  local details = { args = args, field_name = field:match "%.(.*)$" }
  rest()
  local ok, merged = task.pcall(run, root, known, field, existing, incoming, details, rest)
  if not ok then
    tell_fault(root, field, "raised: %s", printable.text(merged), merged)
  elseif merged == nil then
    tell_fault(root, field, "must return the merged value, and returned %s", "nothing")
  else
    rest()
    local is_told, err = merges:tell(i, merged)
    if is_told then return end
    tell_fault(root, field, "returned what no field can have: %s", err.message)
  end
  merges:tell(i)
end

---Asks about each of those that are open.
---@param root appsync.client.Root
---@param known appsync.core.Cache|appsync.core.Client
---@param merges appsync.core.Merges
---@param host appsync.client.AskingHost
function field_merge.tell_all(root, known, merges, host)
  for i = 1, merges:count() do
    local field = merges:open(i)
    if field then merge(root, known, merges, i, field, host) end
  end
end

return field_merge
