---Values of fields, between the core's form (csrc/cache/edit_value.h) and what a function of `modify` gets and returns.
local core = require "appsync.core"
local errors = require "appsync.errors"
local json = require "appsync.json"
local record_list = require "appsync.client.record_list"

local field_value = {}

local MAX_DEPTH = 100
local array_mt = core.array_mt

---What a function returns to take the field away.
field_value.DELETE = setmetatable({}, { __tostring = function() return "DELETE" end })

local function below(path, name)
  return path == "" and name or path .. "." .. name
end

---What was shown of one field, by which what comes back is told: an application's data may look like a reference.
---@class appsync.client.ShownField
---@field data table<table, true> the tables of what was selected as a leaf
---@field data_places table<string, true> where one of them stood that looks like a record
---@field references table<table, true> those that stood elsewhere than in a list
---@field lists table<appsync.RecordList, "objects"|"references"> with embedded objects in them, or without
---@field has_noted boolean? the references in these, too
---@field object_places table<string, true> where an embedded object stood

---@return appsync.client.ShownField
function field_value.new_field()
  return { data = {}, data_places = {}, references = {}, lists = {}, object_places = {} }
end

local function note_data(value, field, path)
  if type(value) ~= "table" then return end
  field.data[value] = true
  if value.__ref ~= nil or value.__typename ~= nil then field.data_places[path] = true end
  for name, member in pairs(value) do
    if type(member) == "table" then note_data(member, field, type(name) == "number" and path .. "[]" or below(path, name)) end
  end
end

---What the function gets: references as `{__ref =}`, lists as `appsync.RecordList`.
---@param value any
---@param identify fun(record: any, what: string): string
---@param field appsync.client.ShownField is told of it
---@param path string?
---@return any
function field_value.shown(value, identify, field, path)
  path = path or ""
  if type(value) ~= "table" then return value end
  if value.__ref ~= nil then
    field.references[value] = true
    return value
  end
  if value.__json ~= nil then
    note_data(value.__json, field, path)
    return value.__json
  end
  if value.__list then
    local items = value.__list
    setmetatable(items, nil)
    local was, kind = {}, "references"
    for i = 1, #items do
      local item = items[i]
      if type(item) == "table" and item.__ref == nil then
        item = field_value.shown(item, identify, field, path .. "[]")
        items[i], kind = item, "objects"
      end
      was[i] = item
    end
    local list = record_list.new(items, was, path, identify)
    field.lists[list] = kind
    return list
  end
  value = value.__fields or value
  field.object_places[path] = true
  for name, member in pairs(value) do value[name] = field_value.shown(member, identify, field, below(path, name)) end
  return value
end

local given

-- A list in the place of one, or a new one.
local function given_items(value, context, path, depth, is_in_data)
  local items, is_plain = json.array(), true
  for i, item in ipairs(value) do
    local wrapped, is_plain_item = given(item, context, path .. "[]", depth + 1, is_in_data)
    items[i], is_plain = wrapped, is_plain and is_plain_item
  end
  return items, is_plain
end

-- A text beside references is a key that was meant as one.
local function check_items(items, context)
  for _, item in ipairs(items) do
    if type(item) ~= "table" and item ~= json.null then
      errors.misuse("%s: a list of records has %s in it; {__ref = key} is a reference", context.where, (errors.describe(item)))
    end
  end
end

local function note_references(items, field)
  for _, item in ipairs(items) do
    if type(item) == "table" and item.__ref ~= nil then field.references[item] = true end
  end
end

-- Asked where data stands in the same place of another object: there are few of these.
local function is_reference(value, field)
  if not field.has_noted then
    for list in pairs(field.lists) do note_references(record_list.origin(list).was, field) end
    field.has_noted = true
  end
  return field.references[value]
end

-- What has been done with a list that stands where it stood. Around one in a list's item the items may have moved, and an
-- embedded object that is still there may have become another one.
local function edits_of(list, context, path)
  local edits = record_list.edits(list, context.where)
  local has_stayed = context.field.lists[list] == "references" and record_list.origin(list).path == path and not path:find("[]", 1, true)
  return has_stayed and not context.is_whole and edits or nil
end

-- `edits`: of edits_of(), where they can tell it.
local function given_list(list, edits, context, path, depth)
  if edits then return { __edits = edits } end
  if context.field.data_places[path .. "[]"] then note_references(list, context.field) end
  return { __list = (given_items(list, context, path, depth)) }
end

local function given_members(value, context, path, depth, is_in_data)
  local members, is_plain = {}, true
  for name, member in pairs(value) do
    if type(name) ~= "string" then return value, true end -- the encoder refuses it, with its path
    local wrapped, is_plain_member = given(member, context, below(path, name), depth + 1, is_in_data)
    members[name], is_plain = wrapped, is_plain and is_plain_member
  end
  return members, is_plain
end

-- As the core says it, which knows more of what was there.
local function check_names(value, context)
  for name in pairs(value) do
    if type(name) == "string" and name:find "^__" and name ~= "__typename" then
      errors.misuse('%s: an embedded object has a field "%s": names that begin with two underscores are GraphQL\'s own, and of these '
        .. "only __typename is accepted", context.where, name)
    end
  end
end

-- What stands for something else must be what it looks like.
local function check_marks(value, context, path, is_data)
  local place = path == "" and "" or " at " .. path
  if value == field_value.DELETE then
    errors.misuse("%s: details.DELETE%s takes the whole field away: the function must return it alone, and no part of a field "
      .. "can be taken away so", context.where, place)
  end
  local key = value.__ref
  if key ~= nil and not is_data and (type(key) ~= "string" or key == "") then
    errors.misuse('%s: __ref%s must be the key of a record, as in {__ref = "Todo:1"}, got %s', context.where, place,
      (errors.describe(key)))
  end
end

-- The core's form; whether there is nothing in it that a leaf couldn't have: then it is what it was before. What the
-- function has put into data is data, too.
---@return any value, boolean is_plain
given = function(value, context, path, depth, is_in_data)
  if type(value) ~= "table" then return value, true end
  local field = context.field
  is_in_data = is_in_data or field.data[value]
  local is_data = is_in_data or (field.data_places[path] and not is_reference(value, field))
  check_marks(value, context, path, is_data)
  if depth > MAX_DEPTH then errors.misuse("%s: what the function returns is nested too deeply, or a cycle", context.where) end
  if record_list.origin(value) then
    return given_list(value, edits_of(value, context, path), context, path, depth), false
  end
  local key = not is_data and (value.__ref or (value.__typename ~= nil and context.identify(value))) or nil
  if key then return { __ref = key }, false end
  local is_list = getmetatable(value) == array_mt or value[1] ~= nil
  local inner, is_plain = (is_list and given_items or given_members)(value, context, path, depth, is_in_data)
  local is_object = not is_list and (not is_plain or (not is_data and (value.__typename ~= nil or field.object_places[path])))
  if is_object then check_names(value, context) end
  if is_plain then return { __json = value }, true end
  if is_list then check_items(value, context) end
  return is_list and { __list = inner } or inner, false
end

-- What the lists in a value have become, as what changes it; nil: nothing has.
local function changes_in(value, context, path)
  if record_list.origin(value) then
    local edits = edits_of(value, context, path)
    if edits and not edits[1] then return nil end
    return given_list(value, edits, context, path, 0)
  end
  if type(value) ~= "table" or value.__ref ~= nil or getmetatable(value) == array_mt then return nil end
  local fields
  for name, member in pairs(value) do
    local changes = type(name) == "string" and changes_in(member, context, below(path, name))
    if changes then
      fields = fields or {}
      fields[name] = changes
    end
  end
  return fields and { __fields = fields }
end

---The core's form of what a function has returned.
---@param value any not nil
---@param identify fun(record: any): string? nil: it has none
---@param field appsync.client.ShownField what the function got
---@param where string
---@return any
function field_value.given(value, identify, field, where)
  return (given(value, { identify = identify, field = field, where = where }, "", 0))
end

---The same, with nothing in it that stands for what changes what was there.
---@param value any not nil
---@param identify fun(record: any): string? nil: it has none
---@param field appsync.client.ShownField what the function got
---@param where string
---@return any
function field_value.whole(value, identify, field, where)
  return (given(value, { identify = identify, field = field, where = where, is_whole = true }, "", 0))
end

---The core's form of what a function that returned nothing did to the lists in what it got; nil: nothing.
---@param value any
---@param identify fun(record: any): string?
---@param field appsync.client.ShownField
---@param where string
---@return any
function field_value.changes(value, identify, field, where)
  return changes_in(value, { identify = identify, field = field, where = where }, "")
end

return field_value
