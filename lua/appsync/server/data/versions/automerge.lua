---The conflict handler AUTOMERGE: what an update with a wrong version may still say (AppSync Developer Guide, "Conflict
---detection and resolution", Automerge). The kind of a value is the one under which it is kept: embedded objects and AWSJSON
---are maps, lists are lists; GraphQL has no sets.
local core = require "appsync.core"
local is_list = require "appsync.server.graphql.is_list"

local automerge = {}

local NULL = core.null

local function is_missing(value)
  return value == nil or value == NULL
end

local function is_map(value)
  return type(value) == "table" and not is_list(value)
end

-- A Lua table without members, as resolvers write them, is kept as a map even where it is meant as a list.
local function is_empty(value)
  return type(value) == "table" and next(value) == nil
end

-- Both lists in one, duplicates kept.
local function appended(kept, added)
  local out, n = setmetatable({}, core.array_mt), #kept
  for i = 1, n do out[i] = kept[i] end
  for i = 1, #added do out[n + i] = added[i] end
  return out
end

local merged

local function merged_value(kept, incoming)
  if is_missing(incoming) then return kept end
  if is_missing(kept) then return incoming end
  if is_map(kept) and is_map(incoming) then return merged(kept, incoming) end
  if is_list(incoming) and (is_list(kept) or is_empty(kept)) then return appended(kept, incoming) end
  return kept
end

function merged(kept, incoming)
  local out = {}
  for name, value in pairs(kept) do out[name] = value end
  for name, value in pairs(incoming) do out[name] = merged_value(kept[name], value) end
  return out
end

---Merges an update into the item as it is stored. What the server has stays: a value, and one that is of another kind than
---the incoming one; so a null takes nothing away. Lists are appended, maps are merged member by member.
---@param item table is not changed
---@param incoming table
---@return table merged shares what is in both
function automerge.merge(item, incoming)
  return merged(item, incoming)
end

return automerge
