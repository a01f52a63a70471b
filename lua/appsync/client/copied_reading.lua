---A reading whose answer is copied for as long as it stays the same. Where the VM copies a table at once this takes a fraction of
---the time that making the tables anew does, field by field.
---
---    made --the same again--> made, and kept as a pattern --the same again--> copied
---     ^                                                                          |
---     +------------------------------- another answer ---------------------------+
local compat = require "appsync.compat"

local copied_reading = {}

local clone = compat.clone

local MAX_TABLES = 512 -- of a pattern; each of its tables takes as much memory as that of an answer

-- Whoever gets an answer may change it: a pattern is nobody's. Its tables stand before those that they have, for each of which they
-- have `false`.
---@class appsync.client.Pattern
---@field tables table[]
---@field owners integer[] of each table but the first, by number
---@field keys (string|integer)[] in the owner
---@field metatables (table|false)[]

-- Adds a table and those in it. False: there are too many.
local function add(pattern, from, owner, key)
  local at = #pattern.tables + 1
  if at > MAX_TABLES then return false end
  local kept = clone(from)
  pattern.tables[at], pattern.owners[at], pattern.keys[at] = kept, owner, key
  pattern.metatables[at] = getmetatable(from) or false
  for name, value in pairs(from) do
    if type(value) == "table" then
      kept[name] = false
      if not add(pattern, value, at, name) then return false end
    end
  end
  return true
end

---@return appsync.client.Pattern? nil: it isn't worth keeping
local function pattern_of(data)
  local pattern = { tables = {}, owners = {}, keys = {}, metatables = {} }
  return type(data) == "table" and add(pattern, data, 0, 0) and pattern or nil
end

local function copy(pattern)
  local owners, keys, metatables = pattern.owners, pattern.keys, pattern.metatables
  local tables = clone(pattern.tables)
  local first = clone(tables[1])
  tables[1] = first
  if metatables[1] then setmetatable(first, metatables[1]) end
  for i = 2, #tables do
    local one = clone(tables[i])
    tables[i] = one
    tables[owners[i]][keys[i]] = one
    if metatables[i] then setmetatable(one, metatables[i]) end
  end
  return first
end

---@class appsync.client.CopiedReading: appsync.core.Reading
---@field private core appsync.core.Reading
---@field private seen integer? the number of the last answer
---@field private number integer? of the pattern
---@field private pattern appsync.client.Pattern?
local CopiedReading = {}
CopiedReading.__index = CopiedReading

---As the core's. A reading in `__gc` may come in between.
function CopiedReading:read(variables, partial, key, max_bytes, exact)
  local pattern = self.pattern
  local data, missing, err, has_expired, is_large, number =
    self.core:read(variables, partial, key, max_bytes, exact, pattern and self.number)
  if not number then return data, missing, err, has_expired, is_large end
  if pattern and data == nil then return copy(pattern), nil, nil, has_expired end
  if number ~= self.seen then
    self.seen, self.number, self.pattern = number, nil, nil
  elseif number ~= self.number then -- once: there may be none
    self.number, self.pattern = number, pattern_of(data)
  end
  return data, nil, nil, has_expired
end

function CopiedReading:rest()
  self.seen, self.number, self.pattern = nil, nil, nil
  self.core:rest()
end

---@param core_reading appsync.core.Reading
---@return appsync.core.Reading
function copied_reading.of(core_reading)
  if not clone then return core_reading end
  return setmetatable({ core = core_reading }, CopiedReading)
end

return copied_reading
