---What mutations have really done: counted when a field's resolver has come back without an error, so after its commit,
---whether or not anybody is told. By the record's id, its version and the arguments, so that "twice" can be seen.
local result = require "appsync.server.graphql.result"

local effects = {}

---How many different ids and arguments are kept of one field.
effects.max_keys = 100000

---@class appsync.server.Effects
---@field private by_field table<string, table>
local Effects = {}
Effects.__index = Effects

---@return appsync.server.Effects
function effects.new()
  return setmetatable({ by_field = {} }, Effects)
end

-- Two polynomial hashes below 2^31: enough to tell test data apart, and exact in a double.
local function digest(text)
  local a, b = 7, 11
  for i = 1, #text do
    local byte = text:byte(i)
    a, b = (a * 31 + byte) % 2147483647, (b * 131 + byte) % 2147483629
  end
  return ("%08x%08x"):format(a, b)
end

local function first_text(...)
  for i = 1, select("#", ...) do
    local value = select(i, ...)
    if type(value) == "string" then
      return value
    elseif type(value) == "number" then
      return result.number(value)
    end
  end
end

local function count(entry, map, key)
  if key == nil then return end
  key = #key > 200 and digest(key) or result.utf8(key)
  if map[key] == nil then
    if entry.n_keys >= effects.max_keys then
      entry.uncounted = (entry.uncounted or 0) + 1
      return
    end
    entry.n_keys = entry.n_keys + 1
  end
  map[key] = (map[key] or 0) + 1
end

-- Of a versioned record: a mutation that was done twice has written two versions, or was refused.
local function count_version(entry, value)
  local version = type(value) == "table" and value._version
  local id = version and first_text(value.id)
  if not id or type(version) ~= "number" then return end
  entry.by_version = entry.by_version or {}
  count(entry, entry.by_version, id .. "@" .. result.number(version))
end

---The engine's `on_effect`.
---@param field_name string
---@param arguments table
---@param value any what the resolver gave
function Effects:add(field_name, arguments, value)
  local entry = self.by_field[field_name]
  if not entry then
    entry = { count = 0, n_keys = 0, by_id = {}, by_arguments = {}, by_client_mutation_id = {} }
    self.by_field[field_name] = entry
  end
  entry.count = entry.count + 1
  count_version(entry, value)
  local input = type(arguments.input) == "table" and arguments.input or {}
  count(entry, entry.by_id, first_text(input.id, arguments.id, type(value) == "table" and value.id or nil))
  count(entry, entry.by_client_mutation_id, first_text(input.clientMutationId, arguments.clientMutationId))
  local ok, text = pcall(result.sorted, arguments)
  count(entry, entry.by_arguments, ok and digest(text) or nil)
end

---@class appsync.server.Effect
---@field count integer
---@field by_id table<string, integer>
---@field by_client_mutation_id table<string, integer>
---@field by_version table<string, integer>? of versioned records: "ID@VERSION"
---@field by_arguments table<string, integer> by a digest
---@field uncounted integer? keys above `max_keys`

---@return table<string, appsync.server.Effect> effects by the mutation's field
function Effects:describe()
  local all = {}
  for name, entry in pairs(self.by_field) do
    local object = {}
    for key, value in pairs(entry) do
      object[key] = key ~= "n_keys" and value or nil
    end
    all[name] = object
  end
  return all
end

function Effects:clear()
  self.by_field = {}
end


return effects
