---The versions of a table's items (AppSync Developer Guide, "Versioned data sources"): what each write adds to an item, the
---journal of changes, the tombstones of what was deleted, and when both are over.
local core = require "appsync.core"
local result = require "appsync.server.graphql.result"
local shared = require "appsync.server.graphql.shared"

---@class appsync.server.Versions
---@field base_ttl_s integer the life of a tombstone; 0: there are none
---@field delta_ttl_s integer the life of an entry of the journal
---@field since_ms integer after which every change is in the journal
---@field private table appsync.server.Table
---@field private store appsync.server.Store
---@field private now fun(): number
---@field private lag_ms (fun(): number)? how much too old reads are now
---@field private next_expiry_s number nothing is over before
local Versions = {}
Versions.__index = Versions

local versions = {}

-- DynamoDB reads at most 1 MB for one page.
local PAGE_BYTES = 1048576
local CHUNK = 256

---@param table_ appsync.server.Table
---@param config {base_ttl_s: integer, delta_ttl_s: integer, since_ms: integer, now: (fun(): number), lag_ms: (fun(): number)?}
---@return appsync.server.Versions
function versions.new(table_, config)
  return setmetatable({
    table = table_, store = table_.store, base_ttl_s = config.base_ttl_s, delta_ttl_s = config.delta_ttl_s,
    since_ms = config.since_ms, now = config.now, lag_ms = config.lag_ms, next_expiry_s = 0,
  }, Versions)
end

---Milliseconds since 1970 of a time in seconds; rounded once, so that it's the one that its text has.
---@param seconds number
---@return integer
function versions.ms(seconds)
  return math.floor(seconds * 1000 + 0.5)
end

---The time, as `_lastChangedAt` has it.
---@return integer ms
function Versions:now_ms()
  return versions.ms(self.now())
end

local function seconds_of(ms)
  return math.floor(ms / 1000)
end

---Puts the metadata of a version into an item: `_version`, `_lastChangedAt`, and of a tombstone `_deleted` and `_ttl`, seconds
---since 1970.
---@param item table is changed
---@param version integer
---@param at_ms integer
---@param is_deleted boolean?
---@return table item
function Versions:stamp(item, version, at_ms, is_deleted)
  item._version, item._lastChangedAt = version, at_ms
  item._deleted = is_deleted and true or nil
  item._ttl = is_deleted and seconds_of(at_ms) + self.base_ttl_s or nil
  return item
end

---@private
function Versions:expect(expires_s)
  if expires_s < self.next_expiry_s then self.next_expiry_s = expires_s end
end

---@private
function Versions:journal(seq, item)
  local expires_s = seconds_of(item._lastChangedAt) + self.delta_ttl_s
  self.store:run("INSERT INTO journal (table_id, seq, at, expires, json) VALUES (?, ?, ?, ?, ?)", self.table.id, seq,
    item._lastChangedAt, expires_s, result.text(item))
  self:expect(expires_s)
end

---@private
function Versions:bury(seq, item)
  self.store:run("INSERT INTO tombstones VALUES (?, ?, ?)", seq, self.table.id, item._ttl)
  self:expect(item._ttl)
end

-- A tombstone that is to have no life is none.
local function is_kept(self, item)
  return not item._deleted or self.base_ttl_s > 0
end

---Adds an item that has its metadata; its key is new.
---@param pk string|number
---@param sk string|number|nil
---@param item table stamped
function Versions:add(pk, sk, item)
  self.store:transaction(function()
    local seq = is_kept(self, item) and self.table:insert(pk, sk, item)
    if seq and item._deleted then self:bury(seq, item) end
    self:journal(seq or self.store:next_place(), item)
  end)
end

local function replace(self, row, item)
  if not is_kept(self, item) then
    self.table:remove(row)
  else
    self.table:replace(row, item)
  end
  if row.item._deleted then self.store:run("DELETE FROM tombstones WHERE seq = ?", row.seq) end
  if item._deleted and is_kept(self, item) then self:bury(row.seq, item) end
  self:journal(row.seq, item)
end

---Writes an item's first or next version.
---@param row appsync.server.Row? what is there
---@param pk string|number
---@param sk string|number|nil
---@param item table is changed: it gets its metadata, whatever it had
---@param is_deleted boolean?
---@return table item
function Versions:write(row, pk, sk, item, is_deleted)
  self:stamp(item, row and row.item._version + 1 or 1, self:now_ms(), is_deleted)
  if row then
    self.store:transaction(function() replace(self, row, item) end)
  else
    self:add(pk, sk, item)
  end
  return item
end

local function earliest(found)
  return type(found[1]) == "number" and found[1] or math.huge
end

---Takes out what is over. Entries of the journal live at least as long as a delta query may ask for them.
function Versions:sweep()
  local now_s = seconds_of(self:now_ms())
  if now_s <= self.next_expiry_s then return end
  local store, id = self.store, self.table.id
  store:transaction(function()
    local gone = store:values("SELECT seq FROM tombstones WHERE table_id = ? AND expires < ?", id, now_s)
    for _, seq in ipairs(gone) do self.table:remove(self.table:at(seq)) end
    store:run("DELETE FROM tombstones WHERE table_id = ? AND expires < ?", id, now_s)
    store:run("DELETE FROM journal WHERE table_id = ? AND expires < ?", id, now_s)
    self.next_expiry_s = math.min(
      earliest(store:values("SELECT min(expires) FROM tombstones WHERE table_id = ?", id)),
      earliest(store:values("SELECT min(expires) FROM journal WHERE table_id = ?", id)))
  end)
end

---What was thought of the next expiry may be of a transaction that was rolled back.
function Versions:forget()
  self.next_expiry_s = 0
end

---Whether the journal can tell all that has changed since. It can't for the very millisecond in which versions began: a frozen
---clock has one for all that was done before and after.
---@param since_ms number
---@return boolean
function Versions:reaches(since_ms)
  return since_ms > self.since_ms and since_ms >= self:now_ms() - self.delta_ttl_s * 1000
end

-- An entry of the journal with its size. It never changes, so it is decoded once.
local function entry_at(self, id)
  local known = self.store.changes:at(id)
  if known then return known end
  local text = self.store:values("SELECT json FROM journal WHERE id = ?", id)[1]
  local entry = { seq = id, pk = id, sk = 0, item = shared.mark(self.store.decode(text)), bytes = #text, table_id = self.table.id }
  self.store.changes:add(entry)
  return entry
end

---The time that reads see: now, but where they are too old.
---@return number? ms nil: they are not
function Versions:read_at_ms()
  local lag_ms = self.lag_ms and self.lag_ms() or 0
  return lag_ms > 0 and self:now_ms() - lag_ms or nil
end

-- The entry of the journal for an item that stands first in an order.
local function entry_of(self, seq, condition, at_ms)
  local id = self.store:values("SELECT id FROM journal WHERE table_id = ? AND seq = ? AND " .. condition .. " LIMIT 1",
    self.table.id, seq, at_ms)[1]
  return id and entry_at(self, id).item
end

---A row as a read of that time sees it: its item, an earlier version of it, or nothing where it came later. Where the journal
---has forgotten that version it's the oldest one that is known.
---@param row appsync.server.Row
---@param at_ms number
---@return table? item
function Versions:item_at(row, at_ms)
  local item = row.item
  if item._lastChangedAt <= at_ms then return item end
  local earlier = entry_of(self, row.seq, "at <= ? ORDER BY at DESC, id DESC", at_ms)
  if earlier then return earlier end
  local next_one = entry_of(self, row.seq, "at > ? ORDER BY at, id", at_ms) or item
  return next_one._version > 1 and next_one or nil
end

---A page of the journal, in its order: by time, then as it was written. One item may be there several times.
---@param after {[1]: number, [2]: number} a time and a place: entries behind them
---@param limit integer
---@return table[] items
---@return {[1]: number, [2]: number}? position to go on from; nil: nothing follows
function Versions:changes(after, limit)
  self:sweep()
  local items, bytes = {}, 0
  local at, id, until_ms = after[1], after[2], self:read_at_ms() or math.huge
  while true do
    local want = math.min(limit - #items, CHUNK)
    local found = self.store:values("SELECT at, id FROM journal WHERE table_id = ? AND (at, id) > (?, ?) ORDER BY at, id LIMIT ?",
      self.table.id, at, id, want)
    for i = 1, #found, 2 do
      if found[i] > until_ms then return items, nil end
      at, id = found[i], found[i + 1]
      local entry = entry_at(self, id)
      items[#items + 1], bytes = entry.item, bytes + entry.bytes
      if bytes >= PAGE_BYTES then return items, { at, id } end
    end
    if #found < 2 * want then return items, nil end
    if #items >= limit then return items, { at, id } end
  end
end

---A page of the items, tombstones among them, in the order of creation.
---@param after integer a place
---@param limit integer
---@return table[] items
---@return integer? position
function Versions:scan(after, limit)
  local rows, position = self.table:page({ limit = limit, after = after > 0 and { after } or nil })
  local items = setmetatable({}, core.array_mt)
  local at_ms = self:read_at_ms()
  for _, row in ipairs(rows) do
    local item = row.item
    if at_ms then item = self:item_at(row, at_ms) end
    items[#items + 1] = item
  end
  return items, position and position[1]
end

return versions
