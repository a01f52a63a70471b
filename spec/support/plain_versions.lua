--- A versioned table as its documentation has it (AppSync Developer Guide, "Versioned data sources", "Conflict detection and
--- resolution", "Sync operations"): lists and loops, and nothing of the server's own code. Tests compare the server with it.
local core = require("appsync.core")

local NULL = core.null

local Plain = {}
Plain.__index = Plain

local plain = {}

--- `settings`: handler, base_ttl_s, delta_ttl_s, lambda (function of an item and what it would become: an answer; of a deletion
--- without the latter).
function plain.new(settings)
  return setmetatable({ settings = settings, now_ms = 0, items = {}, journal = {}, n_places = 0, n_changes = 0 }, Plain)
end

local function is_nothing(value) return value == nil or value == NULL end

local function kind_of(value)
  if type(value) ~= "table" then return "scalar" end
  return getmetatable(value) == core.array_mt and "list" or "map"
end

-- "Automerge": scalars of the server stay, lists are appended, maps are merged.
local function merge(kept, incoming)
  if is_nothing(incoming) then return kept end
  if is_nothing(kept) then return incoming end
  local kind = kind_of(kept)
  if kind ~= kind_of(incoming) or kind == "scalar" then return kept end
  local out = {}
  if kind == "list" then
    for _, value in ipairs(kept) do table.insert(out, value) end
    for _, value in ipairs(incoming) do table.insert(out, value) end
    return setmetatable(out, core.array_mt)
  end
  for name in pairs(kept) do out[name] = merge(kept[name], incoming[name]) end
  for name in pairs(incoming) do
    if out[name] == nil then out[name] = incoming[name] end
  end
  return out
end

local function copy_fields(fields)
  local out = {}
  for name, value in pairs(fields) do out[name] = value end
  return out
end

--- Lets what is over go.
function Plain:pass()
  local now_s = math.floor(self.now_ms / 1000)
  local function alive(list)
    local kept = {}
    for _, entry in ipairs(list) do
      if not entry.ttl or now_s <= entry.ttl then table.insert(kept, entry) end
    end
    return kept
  end
  self.items, self.journal = alive(self.items), alive(self.journal)
end

function Plain:find(id)
  for i, item in ipairs(self.items) do
    if item.id == id then return item, i end
  end
  return nil
end

local function image(item)
  return {
    id = item.id, fields = item.fields, version = item.version, at = item.at, is_deleted = item.is_deleted, place = item.place,
    ttl = item.ttl,
  }
end

-- Writes a version: to the table, then to the journal.
local function write(self, id, fields, is_deleted)
  local item, i = self:find(id)
  if not item then
    self.n_places = self.n_places + 1
    item, i = { id = id, version = 0, place = self.n_places }, #self.items + 1
    self.items[i] = item
  end
  item = image(item)
  self.items[i] = item
  local now_s = math.floor(self.now_ms / 1000)
  item.fields, item.version, item.at, item.is_deleted = fields, item.version + 1, self.now_ms, is_deleted
  item.ttl = is_deleted and now_s + self.settings.base_ttl_s or nil
  if is_deleted and self.settings.base_ttl_s == 0 then table.remove(self.items, i) end
  local entry = image(item)
  self.n_changes = self.n_changes + 1
  entry.ttl, entry.place = now_s + self.settings.delta_ttl_s, self.n_changes
  table.insert(self.journal, entry)
  return item
end

--- What a resolver of one's own does.
function Plain:put(id, fields)
  return write(self, id, fields, false)
end

--- All writes give an item, or an error's type and the item that it shows.
function Plain:create(id, fields)
  local item = self:find(id)
  if item then return nil, "ConditionalCheckFailedException", item end
  return write(self, id, copy_fields(fields), false)
end

local function updated(item, changes)
  local out = copy_fields(item.fields)
  for name, value in pairs(changes) do
    if value == NULL then out[name] = nil else out[name] = value end
  end
  return out
end

local function merged(item, changes)
  local out = copy_fields(item.fields)
  for name, value in pairs(changes) do out[name] = merge(out[name], value) end
  return out
end

-- The fields that a handler leaves and whether the item is deleted; or an error's type.
local function resolve(self, item, changes)
  local handler = self.settings.handler
  if handler == "OPTIMISTIC_CONCURRENCY" then return nil, "ConflictUnhandled" end
  if handler == "AUTOMERGE" then
    if not changes then return nil, "ConflictUnhandled" end
    return merged(item, changes), item.is_deleted
  end
  local answer = self.settings.lambda(item, changes and updated(item, changes))
  if answer == "REJECT" then return nil, "ConflictUnhandled" end
  if answer == "REMOVE" and not changes then return item.fields, true end
  if type(answer) == "table" and changes then return answer, false end
  return nil, "ConflictError"
end

local function change(self, id, version, holds, changes)
  local item = self:find(id)
  if not item then return nil, "ConditionalCheckFailedException" end
  local fields, is_deleted
  if item.version == version then
    fields, is_deleted = changes and updated(item, changes) or item.fields, changes == nil
  else
    fields, is_deleted = resolve(self, item, changes)
    if not fields then return nil, is_deleted, item end
    -- Somebody wrote while the handler thought.
    if self:find(id) ~= item then return change(self, id, version, holds, changes) end
  end
  if not holds(item) then return nil, "ConditionalCheckFailedException", item end
  return write(self, id, fields, is_deleted)
end

--- `version`: nil when the client gave none; `holds`: the condition.
function Plain:update(id, version, changes, holds) return change(self, id, version or 0, holds, changes) end
function Plain:delete(id, version, holds) return change(self, id, version or 0, holds) end

--- Where a sync begins.
function Plain:begin(last_sync)
  local oldest = self.now_ms - self.settings.delta_ttl_s * 1000
  local is_delta = last_sync ~= nil and last_sync >= oldest and last_sync > 0
  return { is_delta = is_delta, started = self.now_ms, since = is_delta and last_sync, at = last_sync, n = 0 }
end

--- The rows that a page looks at, and whether more may follow. Time never goes back, so the journal is in order. Where it may
--- have forgotten what would come next, the table follows.
function Plain:page(sync, limit)
  if sync.is_delta and sync.at < self.now_ms - self.settings.delta_ttl_s * 1000 then sync.is_delta, sync.n = false, 0 end
  local rows = {}
  for _, row in ipairs(sync.is_delta and self.journal or self.items) do
    local is_asked_for = not sync.is_delta or row.at >= sync.since
    if is_asked_for and row.place > sync.n and #rows < limit then table.insert(rows, row) end
  end
  if #rows > 0 then sync.n, sync.at = rows[#rows].place, rows[#rows].at end
  return rows, #rows == limit
end

return plain
