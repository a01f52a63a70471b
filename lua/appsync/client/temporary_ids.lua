---Ids that the application made up for records, in what it asks and writes: the service's take their place as soon as they are
---known. Only whole strings are ids; nothing but what the queue knows as temporary is ever replaced.
local core = require "appsync.core"
local errors = require "appsync.errors"

local temporary_ids = {}

local ID_CHARS = 36

---@return boolean
local function has_ids(opened)
  local has_any, err = opened:has_ids()
  errors.of_core(err)
  return has_any == true
end

-- One that was just made, and that no mutation has made a record of, isn't looked for in the store.
local function made_of(opened, id)
  if #id ~= ID_CHARS or core.has_uuid(id) then return nil end
  local made, err = opened:made_id(id)
  errors.of_core(err)
  return made
end

local function copy_of(value)
  local copy = {}
  for key, item in next, value do copy[key] = item end
  return setmetatable(copy, getmetatable(value) == core.array_mt and core.array_mt or nil)
end

local function replaced(opened, value, seen)
  if type(value) == "string" then return made_of(opened, value) or value end
  if type(value) ~= "table" then return value end
  if seen[value] then return seen[value] end
  seen[value] = value
  local copy
  for key, item in next, value do
    local other = replaced(opened, item, seen)
    if not rawequal(other, item) then
      copy = copy or copy_of(value)
      copy[key] = other
    end
  end
  seen[value] = copy or value
  return seen[value]
end

---@param opened appsync.core.Cache? nil: nothing is kept
---@param value any variables, a response, data
---@return any value the same one where nothing of it is a temporary id; else a copy
function temporary_ids.replace(opened, value)
  if value == nil or not opened then return value end
  local _, has_others = core.look_for_uuids(value) -- before anything that opens the store
  return has_others and has_ids(opened) and replaced(opened, value, {}) or value
end

---Of what the core is asked: it puts in the service's ids itself, so that this thread needn't open the store for them.
---@param opened appsync.core.Cache?
---@param variables table?
---@return integer? ids nil: there are none that it would have to look for
function temporary_ids.of_core(opened, variables)
  if variables == nil or not opened then return nil end
  local _, has_others = core.look_for_uuids(variables)
  return has_others and opened:id() or nil
end

---@param opened appsync.core.Cache
---@param key string such as "Todo:1"
---@return string key of the service's record
function temporary_ids.key(opened, key)
  if #key <= ID_CHARS then return key end
  local made, err = opened:made_key(key)
  errors.of_core(err)
  return made or key
end

local function take(value, list, seen)
  if type(value) == "string" then
    if #value == ID_CHARS and core.take_uuid(value) then list[#list + 1] = value end
  elseif type(value) == "table" and not seen[value] then
    seen[value] = true
    for _, item in next, value do take(item, list, seen) end
  end
end

---A mutation's optimistic response as `replace` gives it, and those ids in it that `appsync.uuid` has made. The first mutation
---that has one makes the record: it is nobody else's then.
---@param opened appsync.core.Cache
---@param response table
---@return table known
---@return string? own ids one behind the other
function temporary_ids.of_response(opened, response)
  local has_own, has_others = core.look_for_uuids(response)
  local known, list = response, {}
  if has_others and has_ids(opened) then known = replaced(opened, response, {}) end
  if has_own then take(response, list, {}) end
  return known, list[1] and table.concat(list)
end

return temporary_ids
