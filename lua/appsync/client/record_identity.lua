---Which record an object is: by the function of the application, `data_id_from_object`, or by its fields. What the function
---can't tell, for whatever reason, is identified as if there were none.
local compute = require "appsync.compute"
local core = require "appsync.core"
local errors = require "appsync.errors"
local log = require "appsync.log"
local printable = require "appsync.printable"

local record_identity = {}

local NAME = "data_id_from_object"

local null = core.null

-- Once for each client: a function that is wrong is so again and again.
local function tell_fault(root, object, format, what, raised)
  if root.has_told_identity then return end
  root.has_told_identity = true
  local fault = format:format(printable.text(object.__typename), what)
  log.emit(root.log, "error", ("%s %s; their id or _id identifies the objects that it doesn't"):format(NAME, fault),
    { raised = raised })
end

---@param root appsync.client.Root
---@param object table with __typename
---@return boolean is_told
---@return string? key nil: it has none
local function ask(root, object)
  local ok, key = pcall(compute, NAME, root.data_id_from_object, object)
  if ok and (key == nil or key == null) then return true end
  if ok and type(key) == "string" and key ~= "" then return true, key end
  if not ok then
    tell_fault(root, object, "raised for a %s: %s", printable.text(key), key)
  else
    local got = key == "" and "an empty string" or errors.describe(key)
    tell_fault(root, object, 'must return a key such as "Post:1", or nil for none; for a %s it returned %s', got)
  end
  return false
end

---Asks about each of the objects.
---@param root appsync.client.Root
---@param objects appsync.core.Objects
---@param host appsync.client.AskingHost
function record_identity.tell_all(root, objects, host)
  for i = 1, objects:count() do
    local object, is_made = host.build(objects, i)
    local is_told, key
    if is_made then is_told, key = ask(root, object) end
    if is_told and not objects:tell(i, key) then
      tell_fault(root, object, "returned a key for a %s that %s", "isn't UTF-8 text")
    end
  end
end

---The key of the record that a table is; nil: it has none.
---@param root appsync.client.Root
---@param known appsync.core.Cache|appsync.core.Client
---@param object table
---@return string? key, table? err of the core
function record_identity.of(root, known, object)
  local typename = root.data_id_from_object and rawget(object, "__ref") == nil and rawget(object, "__typename")
  if type(typename) == "string" and typename ~= "Query" and not (root.keys and root.keys[typename]) then
    local is_told, key = ask(root, object)
    if is_told then return key end
  end
  return known:identify(object)
end

return record_identity
