---What an item does to a query's result, by the name of the operation that brought it. As the AWS AppSync SDK's offline
---helpers have it (packages/aws-appsync/src/helpers/offline.ts at aws-appsync@4.1.10).
local errors = require "appsync.errors"
local json = require "appsync.json"

local updates = {}

-- Later rows override earlier ones.
local PREFIXES = {
  { "add", { "create", "created", "put", "set", "add", "added", "new", "insert", "inserted" } },
  { "remove", { "delete", "deleted", "discard", "discarded", "erase", "erased", "remove", "removed" } },
  { "update", { "update", "updated", "upsert", "upserted", "edit", "edited", "modify", "modified" } },
}

updates.KINDS = { "auto", "add", "remove", "update" }

---@param field string the root field, such as "onCreateTodo"
---@return "add"|"remove"|"update"|"auto" kind "auto": nothing is known of it, and nothing changes
function updates.kind_of(field)
  local name, kind = field:lower(), "auto"
  for _, row in ipairs(PREFIXES) do
    for _, prefix in ipairs(row[2]) do
      if name:sub(1, #prefix) == prefix or name:sub(1, #prefix + 2) == "on" .. prefix then kind = row[1] end
    end
  end
  return kind
end

---@return boolean
function updates.is_list(value)
  return type(value) == "table" and (getmetatable(value) == getmetatable(json.array()) or value[1] ~= nil)
end

local function without(list, item, id_field)
  local kept = json.array()
  for _, other in ipairs(list) do
    if type(other) ~= "table" or other[id_field] ~= item[id_field] then kept[#kept + 1] = other end
  end
  return kept
end

local function replaced(list, item, id_field)
  local result = json.array()
  for i, other in ipairs(list) do
    result[i] = type(other) == "table" and other[id_field] == item[id_field] and item or other
  end
  return result
end

---@param kind "add"|"remove"|"update"|"auto"
---@param value any a list, or what stands in the place of one item
---@param item table
---@param id_field string
---@return any
function updates.change(kind, value, item, id_field)
  if kind == "auto" then return value end
  if not updates.is_list(value) then return kind ~= "remove" and item or json.null end
  if kind == "update" then return replaced(value, item, id_field) end
  local kept = without(value, item, id_field)
  if kind == "add" then kept[#kept + 1] = item end
  return kept
end

-- The keys that lead to the first list, depth first and in the order of names: results have no other.
local function path_to_list(value, path)
  if updates.is_list(value) then return path end
  if type(value) ~= "table" then return nil end
  local keys = {}
  for key in pairs(value) do keys[#keys + 1] = key end
  table.sort(keys)
  for _, key in ipairs(keys) do
    path[#path + 1] = key
    local found = path_to_list(value[key], path)
    if found then return found end
    path[#path] = nil
  end
end

---A copy in which what stands at the path is another value; the rest is shared.
---@param value any
---@param path string[]
---@param at integer index in the path of the first key
---@param fn fun(value: any): any
---@return any
local function with(value, path, at, fn)
  if at > #path then return fn(value) end
  local copy = setmetatable({}, getmetatable(value))
  for key, item in pairs(value) do copy[key] = item end
  copy[path[at]] = with(value[path[at]], path, at + 1, fn)
  return copy
end

updates.with = with

---Changes the first list in a query's result; where there is none, its root field.
---@param kind "add"|"remove"|"update"|"auto"
---@param data table of a query
---@param item table?
---@param id_field string
---@return table data the same table where nothing changes
function updates.apply(kind, data, item, id_field)
  if kind == "auto" or type(item) ~= "table" then return data end
  local path = path_to_list(data, {})
  if not path then path = { (next(data)) } end
  if not path[1] then return data end
  return with(data, path, 1, function(value) return updates.change(kind, value, item, id_field) end)
end

---@param kind any
---@param where string
function updates.check_kind(kind, where)
  for _, known in ipairs(updates.KINDS) do
    if kind == known then return kind end
  end
  errors.misuse('%s: operation must be "auto", "add", "remove" or "update", got %s', where, (errors.describe(kind)))
end

return updates
