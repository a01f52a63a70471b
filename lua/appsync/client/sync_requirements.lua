---What a delta sync needs of its documents. What makes it wrong throws; what only makes it less than it looks is a warning.
local errors = require "appsync.errors"
local record_selection = require "appsync.client.record_selection"
local sync_options = require "appsync.client.sync_options"

local sync_requirements = {}

local LAST_SYNC = sync_options.LAST_SYNC
local PARTS = { "base", "delta", "subscription" }

local function check_root(part)
  local roots = part.selection.roots
  if #roots ~= 1 then
    errors.misuse("%s: the %s must select one field at its root, got %s", part.where, part.operation.kind,
      #roots == 0 and "none" or ("%d (%s)"):format(#roots, table.concat(roots, ", ")))
  end
  if next(part.selection.fields) == nil then
    errors.misuse("%s: %s selects no fields of the records", part.where, roots[1])
  end
end

local function check_last_sync(part)
  if not part.operation.declared[LAST_SYNC] then
    errors.misuse("%s: the query must declare $%s, as in query ($%s: AWSTimestamp), which client:sync sets to the time since "
      .. "which changes are wanted", part.where, LAST_SYNC, LAST_SYNC)
  end
  if not part.selection.used[LAST_SYNC] then
    errors.misuse("%s: the query declares $%s and doesn't use it; pass it on, as in %s(lastSync: $%s)", part.where, LAST_SYNC,
      part.selection.roots[1], LAST_SYNC)
  end
end

local function check_id(part, id_fields)
  for _, name in ipairs(id_fields) do
    if not part.selection.own[name] then
      errors.misuse("%s: %s must select %s, under this name: it tells the records apart; another field is given as id_field",
        part.where, part.selection.roots[1], name)
    end
  end
end

local function selects(fields, name, is_deeper)
  if fields[name] then return next(fields[name]) == nil end
  for _, inner in pairs(is_deeper and fields or {}) do
    if selects(inner, name, true) then return true end
  end
  return false
end

-- In an answer of the API's own form, the records may stand deeper.
local function brings(part, name)
  return selects(part.selection.fields, name, not part.selection.items_key and part.what ~= "subscription")
end

local function check_version_field(part, name)
  if name == nil or name == "" or brings(part, name) then return end
  errors.misuse("%s: %s doesn't select %s, which is given as version_field: all parts must select it", part.where,
    part.selection.roots[1], name)
end

-- Where functions of the application take what comes, only they know what that must be.
local function is_by_rule(part)
  return part ~= nil and part.update == nil
end

-- What records would lack that join the base query's list.
local function missing_in(settings, what)
  local base, other = settings.parts.base, settings.parts[what]
  if not settings.keeps_list or not is_by_rule(base) or not is_by_rule(other) then return {} end
  return record_selection.missing(base.selection, other.selection)
end

local function check_same_fields(settings)
  local parts, missing = settings.parts, missing_in(settings, "delta")
  if missing[1] == nil then return end
  errors.misuse("%s: %s doesn't select %s, which the base query selects: both must bring the same fields of a record",
    parts.delta.where, parts.delta.selection.roots[1], table.concat(missing, ", "))
end

---Throws for documents that can't be synced.
---@param settings appsync.client.SyncSettings
---@param id_fields string[]? that each must select
function sync_requirements.check(settings, id_fields)
  local parts = settings.parts
  for _, what in ipairs(PARTS) do
    local part = parts[what]
    if part then
      check_root(part)
      check_id(part, id_fields or {})
      check_version_field(part, settings.given.version_field)
    end
  end
  if parts.delta then check_last_sync(parts.delta) end
  check_same_fields(settings)
end

-- Records are recognised by the fields' names; what cache_updates is given has them as they are answered.
local function check_key(part, names, as_answered)
  if as_answered then return check_id(part, names) end
  for _, name in ipairs(names) do
    if not part.selection.fields[name] then
      errors.misuse("%s: %s must select %s: it tells the records apart; another field is given as id_field", part.where,
        part.selection.roots[1], name)
    end
  end
end

local function check_own_key(part, key_fields, as_answered)
  local selection = part.selection
  if key_fields then return check_key(part, key_fields, as_answered) end
  local is_deeper = selection.fields.id == nil and brings(part, "id")
  if not selection.fields._id and not is_deeper then check_key(part, { "id" }, as_answered) end
end

---Throws where a client's rules can't tell the records apart, as far as the documents show: of `data_id_from_object`, and of `keys`
---where the type isn't given, they don't.
---@param settings appsync.client.SyncSettings
---@param root appsync.client.Root
function sync_requirements.check_identity(settings, root)
  local keys, typename = root.keys or {}, settings.given.typename
  local is_unknown = typename == nil and next(keys) ~= nil
  if settings.id_fields or root.data_id_from_object or is_unknown then return end
  for _, what in ipairs(PARTS) do
    local part = settings.parts[what]
    if is_by_rule(part) then check_own_key(part, keys[typename or ""], settings.given.cache_updates ~= nil) end
  end
end

local function warn_of_deletions(warnings, parts)
  local delta = parts.delta
  if not is_by_rule(delta) or delta.selection.fields.aws_ds or delta.selection.fields._deleted then return end
  warnings[#warnings + 1] = ("%s: %s selects neither aws_ds nor _deleted, so it can't tell deletions: records that were deleted "
    .. "meanwhile stay until the next base query"):format(delta.where, delta.selection.roots[1])
end

local function warn_of_pages(warnings, part)
  if not part or part.page or not part.selection.items_key then return end
  local selection = part.selection
  if selection.selects_token and selection.given.nextToken then return end
  warnings[#warnings + 1] = ("%s: %s has pages, and the query can't ask for the next one: select nextToken beside items, and pass "
    .. "$nextToken on as nextToken; what isn't in the first page isn't synced"):format(part.where, selection.roots[1])
end

local function warn_of_events(warnings, settings)
  local parts, missing = settings.parts, missing_in(settings, "subscription")
  if missing[1] == nil then return end
  warnings[#warnings + 1] = ("%s: %s doesn't select %s, which the base query selects: a record that only an event has brought lacks "
    .. "these, and so does the base query's data"):format(parts.subscription.where, parts.subscription.selection.roots[1],
      table.concat(missing, ", "))
end

---What should be known before it begins.
---@param settings appsync.client.SyncSettings
---@return string[] warnings
function sync_requirements.warnings(settings)
  local warnings, parts = {}, settings.parts
  warn_of_deletions(warnings, parts)
  warn_of_pages(warnings, parts.base)
  warn_of_pages(warnings, parts.delta)
  warn_of_events(warnings, settings)
  return warnings
end

return sync_requirements
