---Where the first list of objects in a query's data stands: in which record, under which field, and below which fields of
---embedded objects. Depth first in the order of the response, as the AWS AppSync SDK's offline helpers look for it.
local updates = require "appsync.updates"

local list_place = {}

---@class appsync.client.ListPlace
---@field key string of the record
---@field field string of it, with its arguments
---@field below string[] names of fields of embedded objects
---@field path string[] the response keys that lead to the list
---@field list any[]
---@field is_certain boolean? whatever else is cached, the first list can't stand anywhere else

---What is looked at.
---@class appsync.client.ListSearch
---@field cache appsync.Cache
---@field core appsync.core.Cache
---@field call {document: appsync.core.Document, operation_name: string?, variables: table?} of the query
---@field data table

local function has_tables(object)
  for _, value in pairs(object) do
    if type(value) == "table" then return true end
  end
  return false
end

local function appended(list, value)
  local copy = {}
  for i, item in ipairs(list) do copy[i] = item end
  copy[#copy + 1] = value
  return copy
end

-- The same object as a place to begin at, if it is a record.
local function place_of_object(search, object, place)
  local key = type(object.__typename) == "string" and search.cache:identify(object) or nil
  return key and { key = key, path = place.path, below = {} } or place
end

local function below(place, response_key, name)
  local path = appended(place.path, response_key)
  if not place.field then return { key = place.key, field = name, below = {}, path = path } end
  return { key = place.key, field = place.field, below = appended(place.below, name), path = path }
end

local descend

-- The fields of one object that lead to others; of the root only this one.
local function look_into(search, object, place, types, only)
  local fields, n_before = search.core:object_fields(search.call, place.path, types) or {}, 0
  for i = 1, #fields, 2 do
    local response_key = fields[i]
    if only == nil or response_key == only then
      local value = object[response_key]
      local found = type(value) == "table" and descend(search, value, below(place, response_key, fields[i + 1]), types)
      if found then
        found.is_certain = found.is_certain and n_before == 0
        return found
      end
      n_before = n_before + 1
    end
  end
end

descend = function(search, value, place, types)
  if updates.is_list(value) then
    place.list, place.is_certain = value, place.key == "ROOT_QUERY"
    return place
  end
  if not has_tables(value) then return nil end
  local typename = type(value.__typename) == "string" and value.__typename or ""
  return look_into(search, value, place_of_object(search, value, place), appended(types, typename))
end

---@param search appsync.client.ListSearch
---@param root_field string response key of the field to look into
---@return appsync.client.ListPlace?
function list_place.find(search, root_field)
  return look_into(search, search.data, { key = "ROOT_QUERY", below = {}, path = {} }, {}, root_field)
end

return list_place
