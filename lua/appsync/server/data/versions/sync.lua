---The generated sync queries (AppSync Developer Guide, "Sync operations"): the items of a versioned model, tombstones among
---them, or what has changed since the last time.
local core = require "appsync.core"
local filter = require "appsync.server.data.filter"
local reading = require "appsync.server.data.reading"
local refuse = require "appsync.server.data.refuse"
local token = require "appsync.server.data.token"

local sync = {}

local NULL, array_mt = core.null, core.array_mt
local MAX_LIMIT = 1000
local MAX_WHOLE = 9007199254740991 -- 2^53 - 1: a double holds all up to it

local function given(value)
  if value == NULL then return nil end
  return value
end

-- Where a sync stands: of the table or of the journal, when its first page began, and behind what it goes on.
---@class appsync.server.SyncPosition
---@field is_delta boolean
---@field started_ms integer
---@field after number[]

local function begin(versions, since_ms)
  -- 0 asks for all there is, however long the journal's entries live.
  local is_delta = since_ms ~= nil and since_ms > 0 and versions:reaches(since_ms)
  -- Entries are numbered from 1 on, so those of that time are behind.
  return { is_delta = is_delta, started_ms = versions:now_ms(), after = is_delta and { since_ms, 0 } or { 0 } }
end

local SIZES = { base = 3, delta = 4 }

local function are_whole_numbers(list, from)
  for i = from, #list do
    local value = list[i]
    if type(value) ~= "number" or value ~= math.floor(value) or value < 0 or value > MAX_WHOLE then return false end
  end
  return true
end

-- What the journal has forgotten since the page before is still in the table, with whatever else has changed.
local function read_token(versions, place, text)
  local list = token.decode(place, text)
  if SIZES[list[1]] ~= #list or not are_whole_numbers(list, 2) then return refuse.token() end
  local was_delta, started_ms = list[1] == "delta", list[2]
  if was_delta and not versions:reaches(list[3]) then return { is_delta = false, started_ms = started_ms, after = { 0 } } end
  return { is_delta = was_delta, started_ms = started_ms, after = { list[3], list[4] } }
end

local function write_token(place, at)
  return token.encode(place, { at.is_delta and "delta" or "base", at.started_ms, at.after[1], at.after[2] })
end

-- The items that a page looks at; the second result is where the next one goes on.
local function looked_at(versions, at, limit)
  if at.is_delta then return versions:changes(at.after, limit) end
  local items, position = versions:scan(at.after[1], limit)
  return items, position and { position }
end

local function passing(items, wanted, hidden_by)
  local out, n = setmetatable({}, array_mt), 0
  for i = 1, #items do
    local item = items[i]
    if (not wanted or filter.matches(wanted, item)) and (not hidden_by or filter.matches(hidden_by, item)) then
      n = n + 1
      out[n] = item
    end
  end
  return out
end

---The limit counts items before the filter, so a page may be short, or empty, and have a next one.
---@param access appsync.server.Access
---@param place appsync.server.Place
---@return function resolver
function sync.resolver(access, place)
  local versions, of = access.table.versions, place.type .. "." .. place.field
  return function(ctx)
    local args = ctx.arguments
    local limit = math.min(reading.limit(args, reading.DEFAULT_LIMIT), MAX_LIMIT)
    local text, wanted = given(args.nextToken), given(args.filter)
    filter.check(wanted)
    local hidden_by = access.guard:read(access.m, "sync", ctx)
    local at = text and read_token(versions, of, text) or begin(versions, given(args.lastSync))
    local items, after = looked_at(versions, at, limit)
    local next_token = NULL
    if after then next_token = write_token(of, { is_delta = at.is_delta, started_ms = at.started_ms, after = after }) end
    return { items = passing(items, wanted, hidden_by), nextToken = next_token, startedAt = at.started_ms }
  end
end

return sync
