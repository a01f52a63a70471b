---Which states of records a subscription has emitted: the last ones, by their versions. It is bounded: the oldest are forgotten.
local core = require "appsync.core"

local version_memory = {}

local HALF = 2048 -- records that come after so many others are new

local null = core.null

---@class appsync.client.VersionMemory
---@field private root string the field of an event that has the record
---@field private version_field string
---@field private keys table<string, string[]> fields that identify a type's records
---@field private young table<string, table>
---@field private old table<string, table>
---@field private n integer of the young ones
local VersionMemory = {}
VersionMemory.__index = VersionMemory

---@param root string
---@param version_field string
---@param keys table<string, string[]>?
---@return appsync.client.VersionMemory
function version_memory.new(root, version_field, keys)
  return setmetatable({ root = root, version_field = version_field, keys = keys or {}, young = {}, old = {}, n = 0 }, VersionMemory)
end

local function part_of(value)
  local kind = type(value)
  if kind ~= "string" and kind ~= "number" then return nil end
  return kind .. tostring(value)
end

-- Nil: nothing identifies it.
local function key_of(self, record)
  local fields = self.keys[record.__typename]
  if not fields then return part_of(record.id) or part_of(record._id) end
  local parts = {}
  for i, name in ipairs(fields) do
    parts[i] = part_of(record[name])
    if not parts[i] then return nil end
  end
  return parts[1] and table.concat(parts, "\0")
end

-- The record of an event, if it can be told apart and has a version.
local function record_of(self, event)
  local record = type(event) == "table" and event[self.root]
  if type(record) ~= "table" then return nil end
  local version = record[self.version_field]
  if type(version) ~= "number" and type(version) ~= "string" then return nil end
  return record, key_of(self, record), version
end

-- A date-time of UTC, in a form that sorts.
local function moment_of(version)
  local seconds, fraction = version:match "^(%d%d%d%d%-%d%d%-%d%dT%d%d:%d%d:%d%d)%.?(%d*)Z$"
  return seconds and seconds .. "." .. fraction:gsub("0+$", "")
end

---@return "older"|"same"|"newer"|nil order of the first one; nil: nobody can tell
local function compare(a, b)
  if a == b then return "same" end
  if type(a) ~= type(b) then return nil end
  if type(a) == "string" then
    a, b = moment_of(a), moment_of(b)
    if not a or not b then return nil end
    if a == b then return "same" end
  end
  return a < b and "older" or "newer"
end

local function are_alike(a, b)
  if a == b then return true end
  if type(a) ~= "table" or type(b) ~= "table" or a == null or b == null then return false end
  for name, value in pairs(a) do
    if not are_alike(value, b[name]) then return false end
  end
  for name in pairs(b) do
    if a[name] == nil then return false end
  end
  return true
end

---Whether a state of its record was emitted that is as new, or newer. Two states of one time needn't be the same: these are
---compared.
---@param event any
---@return boolean
function VersionMemory:knows(event)
  local record, key, version = record_of(self, event)
  local known = key and (self.young[key] or self.old[key])
  if not known then return false end
  local order = compare(version, known[self.version_field])
  if order ~= "same" then return order == "older" end
  return type(version) == "number" and (self.version_field == "_version" or self.version_field == "version")
    or are_alike(record, known)
end

---An event is emitted.
---@param event any
function VersionMemory:note(event)
  local record, key, version = record_of(self, event)
  if not key then return end
  local known = self.young[key] or self.old[key]
  if known and compare(version, known[self.version_field]) == "older" then return end
  if self.young[key] == nil then
    if self.n == HALF then self.young, self.old, self.n = {}, self.young, 0 end
    self.n = self.n + 1
  end
  self.young[key] = record
end

return version_memory
