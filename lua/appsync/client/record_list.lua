---Lists of records, as a function of `modify` gets them: plain lists of references, with a few methods. What was done with
---one is found out afterwards, by comparing it with what it was, so that it may be changed in any way.
local errors = require "appsync.errors"
local json = require "appsync.json"

local record_list = {}

-- More edits than this are no shorter than the list.
local MAX_EDITS = 256

---@class appsync.RecordList
---@field [integer] {__ref: string}|any
local RecordList = {}

local METATABLE = { __index = RecordList, __name = "appsync.record_list" }

---@class appsync.client.ListOrigin
---@field was any[] the items that it had
---@field path string where it stood in the field's value
---@field identify fun(record: any, what: string): string

---@type table<appsync.RecordList, appsync.client.ListOrigin>
local origins = setmetatable({}, { __mode = "k" })

---@param items any[] becomes the list
---@param path string
---@param identify fun(record: any, what: string): string
---@return appsync.RecordList
function record_list.new(items, path, identify)
  local was = {}
  for i, item in ipairs(items) do was[i] = item end
  local list = setmetatable(items, METATABLE)
  origins[list] = { was = was, path = path, identify = identify }
  return list
end

---@return appsync.client.ListOrigin? origin nil: it is no such list
function record_list.origin(value)
  return type(value) == "table" and origins[value] or nil
end

local function key_of(item)
  return type(item) == "table" and item.__ref or nil
end

local function find(list, key)
  for i, item in ipairs(list) do
    if key_of(item) == key then return i end
  end
end

---Whether the record is in the list.
---@param record string|table its key, a reference, or a table with __typename and its identity fields
---@return boolean
function RecordList:contains(record)
  return find(self, origins[self].identify(record, "contains")) ~= nil
end

---Adds a reference to a record, unless it is there: then it stays where it is. The record itself isn't written
---(`write_fragment` does that); until it is, the list is read without it.
---@param record string|table its key, a reference, or a table with __typename and its identity fields
---@param place "start"|"end"|integer|nil default "end"; a number is its place in the list from then on
---@return boolean added
function RecordList:add(record, place)
  local key = origins[self].identify(record, "add")
  local n = #self
  if place == nil or place == "end" then place = n + 1 elseif place == "start" then place = 1 end
  if type(place) ~= "number" or place < 1 or place ~= math.floor(place) then
    errors.misuse('add: the place must be "start", "end" or a number from 1, got %s', (errors.describe(place)))
  end
  if find(self, key) then return false end
  table.insert(self, math.min(place, n + 1), { __ref = key })
  return true
end

---Removes the references to a record.
---@param record string|table its key, a reference, or a table with __typename and its identity fields
---@return boolean removed whether there were any
function RecordList:remove(record)
  local key = origins[self].identify(record, "remove")
  local at = find(self, key)
  local is_there = at ~= nil
  while at do
    table.remove(self, at)
    at = find(self, key)
  end
  return is_there
end

-- The place of each reference; nil: an item is none, or is there twice.
local function places_of(items)
  local places = {}
  for i = 1, #items do
    local key = key_of(items[i])
    if not key or places[key] then return nil end
    places[key] = i
  end
  return places
end

-- Those that are in both, if they stand in the same order.
local function kept_of(was, in_now)
  local kept, last = {}, 0
  for _, item in ipairs(was) do
    local at = in_now[item.__ref]
    if at and at < last then return {} end
    if at then kept[item.__ref], last = true, at end
  end
  return kept
end

---Throws for one that is no list any more, or has something in it that can't be in one.
---@param list appsync.RecordList
---@param where string
function record_list.check(list, where)
  local n = 0
  for key, item in pairs(list) do
    if type(key) ~= "number" then
      errors.misuse("%s: a list of records has %s as a key", where, (errors.describe(key)))
    end
    if type(item) ~= "table" and item ~= json.null then
      errors.misuse("%s: a list of records has %s in it; list:add(key) adds a reference", where, (errors.describe(item)))
    end
    n = n + 1
  end
  if n ~= #list then errors.misuse("%s: a list of records has holes", where) end
end

---What has been done with a list that still stands where it stood.
---@param list appsync.RecordList
---@return table? edits for the core, none or more; nil: edits can't tell it
function record_list.edits(list)
  local was = origins[list].was
  local in_was, in_now = places_of(was), places_of(list)
  if not in_was or not in_now then return nil end
  local kept, edits = kept_of(was, in_now), json.array()
  for _, item in ipairs(was) do
    if not kept[item.__ref] then edits[#edits + 1] = { "-", item.__ref } end
  end
  for i, item in ipairs(list) do
    if not kept[item.__ref] then
      edits[#edits + 1] = i == 1 and { "^", item.__ref } or { "+", item.__ref, list[i - 1].__ref }
    end
    if #edits > MAX_EDITS then return nil end
  end
  return edits
end

---Whether it has the items that it had.
---@param list appsync.RecordList
---@return boolean
function record_list.is_same(list)
  local was = origins[list].was
  if #was ~= #list then return false end
  for i = 1, #was do
    local key = key_of(was[i])
    if was[i] ~= list[i] and not (key and key == key_of(list[i])) then return false end
  end
  return true
end

return record_list
