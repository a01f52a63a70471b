---The generated mutations of versioned models: each writes another version of its item and an entry of the journal, or finds
---that its version is not the item's (AppSync Developer Guide, "Conflict detection and resolution").
local core = require "appsync.core"
local filter = require "appsync.server.data.filter"
local item_checks = require "appsync.server.data.item_checks"
local keys = require "appsync.server.data.keys"
local refuse = require "appsync.server.data.refuse"
local resolution = require "appsync.server.data.versions.resolution"
local writing = require "appsync.server.data.writing"

local versioned_writing = {}

local NULL = core.null

-- How often an item may change while its conflict is being resolved: only a resolver of one's own can do that.
local MAX_TRIES = 10

local function copy(item)
  local out = {}
  for name, value in pairs(item) do out[name] = value end
  return out
end

-- A mutation's input and its version; one without any knows of no version. A schema may declare `_ttl` to read it.
local function read_input(ctx)
  local input = copy(ctx.arguments.input)
  if input._ttl ~= nil then refuse.metadata("_ttl") end
  local version = input._version
  input._version = nil
  return input, (version == nil or version == NULL) and 0 or version
end

-- An item as an error's data: of a live one, too, clients learn that it is one.
local function visible(access, item)
  local out = writing.visible(access, item)
  if out and out._deleted == nil then out._deleted = NULL end
  return out
end

-- Whoever creates may not be one that may read what is there.
local function readable(access, ctx, item)
  local ok, hidden_by = pcall(access.guard.read, access.guard, access.m, "get", ctx)
  return ok and (not hidden_by or filter.matches(hidden_by, item)) and item or nil
end

local function create(access, world)
  local tbl = access.table
  return function(ctx)
    local item, pk, sk = writing.asked_item(access, ctx, (read_input(ctx)), world)
    local row = tbl:row(pk, sk)
    if row then refuse.condition(ctx, visible(access, readable(access, ctx, row.item)), true) end
    if not filter.matches(ctx.arguments.condition, {}) then refuse.condition(ctx, nil, true) end
    return tbl.versions:write(nil, pk, sk, item)
  end
end

local function check_condition(access, ctx, item, input)
  if not writing.holds(access, ctx, item, input) then refuse.condition(ctx, visible(access, item), true) end
end

-- Puts the next version of a row.
local function put(access, row, item, is_deleted)
  return access.table.versions:write(row, row.pk, row.sk, copy(item), is_deleted)
end

-- What a handler gave keeps the item's key and type, whatever it says itself.
local function with_key(access, item, existing)
  item = copy(item)
  for _, name in ipairs(keys.fields(access.m.key)) do item[name] = existing[name] end
  item.__typename = existing.__typename
  return item
end

-- What takes the place of a row's item.
local function check_item(access, ctx, row, item)
  item_checks.keys(ctx, access.m, item, true)
  item_checks.limits(ctx, access.table, row, item, true)
end

-- Whether what was decided for a row is of its latest version. Where deletions leave no tombstone, another item of the same key
-- may have the same version; its place is its own.
local function is_current(access, row)
  local latest = access.table:row(row.pk, row.sk)
  return latest ~= nil and latest.seq == row.seq and latest.item._version == row.item._version
end

-- A mutation of a row, by its version or by the handler. `mutation` has op, find(), allow(item), changes(item).
local function settle(access, ctx, mutation)
  local m, input = access.m, mutation.input
  for _ = 1, MAX_TRIES do
    local row = writing.find_row(access, ctx, input)
    mutation.allow(row and row.item or {})
    if not row then refuse.condition(ctx, nil, true) end
    local existing = row.item
    local changes = mutation.changes and mutation.changes(existing)
    local preview = changes and writing.changed(existing, changes)
    if existing._version == mutation.version then
      check_condition(access, ctx, existing, input)
      if preview then check_item(access, ctx, row, preview) end
      return put(access, row, preview or existing, preview == nil)
    end
    local clash = { model = m.name, op = mutation.op, existing = existing, preview = preview, changes = changes }
    local decision = resolution.decide(access, clash, ctx)
    if decision.refusal then refuse.conflict(decision.refusal, decision.message, visible(access, existing)) end
    if is_current(access, row) then
      check_condition(access, ctx, existing, input)
      local item = with_key(access, decision.item, existing)
      if not decision.is_deleted then check_item(access, ctx, row, item) end
      return put(access, row, item, decision.is_deleted)
    end
  end
  local row = writing.find_row(access, ctx, input)
  return refuse.conflict("MaxConflicts", ("The item changed %d times while its conflict was being resolved."):format(MAX_TRIES),
    visible(access, row and row.item))
end

local function update(access, world)
  local m, is_key = access.m, writing.key_fields(access.m)
  return function(ctx)
    local input, version = read_input(ctx)
    item_checks.composite(m, input, "updating")
    filter.check(ctx.arguments.condition)
    return settle(access, ctx, {
      op = "update", input = input, version = version,
      allow = function(item) access.guard:update(m, ctx, item, input) end,
      changes = function(item) return writing.changes(m, item, input, is_key, world.stamp()) end,
    })
  end
end

local function delete(access)
  return function(ctx)
    local input, version = read_input(ctx)
    filter.check(ctx.arguments.condition)
    return settle(access, ctx, {
      op = "delete", input = input, version = version,
      allow = function(item) access.guard:delete(access.m, ctx, item) end,
    })
  end
end

versioned_writing.resolvers = { create = create, update = update, delete = delete }

return versioned_writing
