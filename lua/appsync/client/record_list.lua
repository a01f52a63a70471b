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
---@field added table<string, true> the keys that `add` has put in, which weren't there
---@field path string where it stood in the field's value
---@field identify fun(record: any, what: string): string

---@type table<appsync.RecordList, appsync.client.ListOrigin>
local origins = setmetatable({}, { __mode = "k" })

---@param items any[] becomes the list
---@param was any[] the same items, kept
---@param path string
---@param identify fun(record: any, what: string): string
---@return appsync.RecordList
function record_list.new(items, was, path, identify)
  local list = setmetatable(items, METATABLE)
  origins[list] = { was = was, path = path, identify = identify, added = {} }
  return list
end

---@return appsync.client.ListOrigin? origin nil: it is no such list
function record_list.origin(value)
  return type(value) == "table" and origins[value] or nil
end

local function key_of(item)
  local key = type(item) == "table" and item.__ref
  return type(key) == "string" and key ~= "" and key or nil
end

-- Here and below items are looked at in place: a list may be long, and a call for each of them shows.
local function find(list, key)
  for i = 1, #list do
    local item = list[i]
    if type(item) == "table" and item.__ref == key then return i end
  end
end

---Whether the record is in the list.
---```lua
---client:query(list_todos)
---client:modify("ROOT_QUERY", "listTodos", function(list)
---  print(list.items:contains "Todo:1", list.items:contains "Todo:2") --> true false
---end)
---```
---@param record string|table its key, a reference, or a table with __typename and its identity fields
---@return boolean
function RecordList:contains(record)
  return find(self, origins[self].identify(record, "contains")) ~= nil
end

---Adds a reference to a record; one that is already in the list stays where it is. The record itself isn't written
---(`write_fragment` does that), and until it is, the list is read without it.
---```lua
---client:query(list_todos)
---client:mutate(create_todo, { name = "call mum" }, {
---  update = function(cache, result)
---    cache:modify("ROOT_QUERY", "listTodos", function(list) list.items:add(result.data.createTodo, "start") end)
---  end,
---})
---print(client:read_query(list_todos).listTodos.items[1].name) --> call mum
---```
---@param record string|table its key, a reference, or a table with __typename and its identity fields
---@param place "start"|"end"|integer|nil default "end"; a number is the position that it gets
---@return boolean added
function RecordList:add(record, place)
  local key = origins[self].identify(record, "add")
  local n = #self
  if place == nil or place == "end" then place = n + 1 elseif place == "start" then place = 1 end
  if type(place) ~= "number" or place < 1 or place ~= math.floor(place) then
    errors.misuse('add: the place must be "start", "end" or a number from 1, got %s', (errors.describe(place)))
  end
  if find(self, key) then return false end
  origins[self].added[key] = true
  table.insert(self, math.min(place, n + 1), { __ref = key })
  return true
end

---Removes the references to a record.
---```lua
---client:query(list_todos)
---client:modify("ROOT_QUERY", "listTodos", function(list)
---  print(list.items:remove{ __typename = "Todo", id = "1" }) --> true
---end)
---```
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

-- Of two that are not the same table.
local function is_alike(a, b)
  local key = key_of(a)
  return key ~= nil and key == key_of(b)
end

-- What both have in common at the beginning and at the end: so many items, and where in each the rest ends.
local function trim(was, list)
  local n_was, n_now, n_same = #was, #list, 0
  for i = 1, math.min(n_was, n_now) do
    local a, b = was[i], list[i]
    if a ~= b and not is_alike(a, b) then break end
    n_same = i
  end
  while n_was > n_same and n_now > n_same do
    local a, b = was[n_was], list[n_now]
    if a ~= b and not is_alike(a, b) then break end
    n_was, n_now = n_was - 1, n_now - 1
  end
  return n_same, n_was, n_now
end

-- The place of each reference between two places; nil: an item is none, or is there twice.
local function places_of(items, first, last)
  local places = {}
  for i = first, last do
    local key = key_of(items[i])
    if not key or places[key] then return nil end
    places[key] = i
  end
  return places
end

-- Those that are in both, if they stand in the same order.
local function kept_of(was, first, last, in_now)
  local kept, place = {}, 0
  for i = first, last do
    local key = was[i].__ref
    local at = in_now[key]
    if at and at < place then return {} end
    if at then kept[key], place = true, at end
  end
  return kept
end

-- Whether these references were added, each by `add`, and nothing else has been done.
local function are_added(added, in_was, in_now)
  if next(in_was) ~= nil then return false end
  for key in pairs(in_now) do
    if not added[key] then return false end
  end
  return true
end

-- Whether one of these references stands in a part of the list as well.
local function has_any(list, first, last, in_was, in_now)
  for i = first, last do
    local item = list[i]
    local key = type(item) == "table" and item.__ref
    if key and (in_was[key] or in_now[key]) then return true end
  end
  return false
end

local function check_item(key, item, where)
  if type(key) ~= "number" then
    errors.misuse("%s: a list of records has %s as a key", where, (errors.describe(key)))
  end
  if type(item) ~= "table" and item ~= json.null then
    errors.misuse("%s: a list of records has %s in it; list:add(key) adds a reference", where, (errors.describe(item)))
  end
end

-- Items that were there before are fine: only those between two places are looked at.
local function check(list, first, last, where)
  local n = 0
  for _ in next, list do n = n + 1 end
  if n ~= #list then
    for key, item in pairs(list) do check_item(key, item, where) end
    errors.misuse("%s: a list of records has holes", where)
  end
  for i = first, last do
    if list[i] == nil then errors.misuse("%s: a list of records has holes", where) end
    check_item(i, list[i], where)
  end
end

---What has been done with a list that still stands where it stood. Throws for one that is no list any more, or has something
---in it that can't be in one.
---@param list appsync.RecordList
---@param where string
---@return table? edits for the core, none or more; nil: edits can't tell it
function record_list.edits(list, where)
  local was, edits = origins[list].was, json.array()
  local n_same, last_was, last_now = trim(was, list)
  local first = n_same + 1
  check(list, first, last_now, where)
  if last_was - n_same > 2 * MAX_EDITS + last_now - n_same then return nil end
  local in_was, in_now = places_of(was, first, last_was), places_of(list, first, last_now)
  if not in_was or not in_now then return nil end
  if not are_added(origins[list].added, in_was, in_now) then
    if has_any(list, 1, n_same, in_was, in_now) or has_any(list, last_now + 1, #list, in_was, in_now) then return nil end
  end
  local kept = kept_of(was, first, last_was, in_now)
  for i = first, last_was do
    if not kept[was[i].__ref] then edits[#edits + 1] = { "-", was[i].__ref } end
  end
  for i = first, last_now do
    local key, left = list[i].__ref, key_of(list[i - 1])
    if not kept[key] then
      if i > 1 and not left then return nil end
      edits[#edits + 1] = i == 1 and { "^", key } or { "+", key, left }
    end
    if #edits > MAX_EDITS then return nil end
  end
  return edits
end

return record_list
