---Versioned models: what conflict detection adds to a model, and how its conflicts are handled (AppSync Developer Guide,
---"Conflict detection and sync"; Amplify CLI documentation, "Conflict resolution").
local core = require "appsync.core"
local directives = require "appsync.schema.directives"
local members = require "appsync.server.members"
local names = require "appsync.schema.names"

local fail, NULL = directives.fail, core.null

local conflict = {}

---@alias appsync.server.ConflictHandler "AUTOMERGE"|"OPTIMISTIC_CONCURRENCY"|"LAMBDA"

---The settings of versioned models. A model's own entry replaces the settings for all models as a whole.
---@class appsync.server.ConflictSettings
---@field handler appsync.server.ConflictHandler? of all models; nil: only those that `models` names are versioned
---@field resolver string? of LAMBDA: its name among the resolvers file's `conflict_handlers`; default "default"
---@field models table<string, appsync.server.ConflictEntry>? by the model's name
---@field models_path string? of the file that names the models, for messages
---@field base_ttl_s number? how long a deleted record is kept as a tombstone; default 30 days
---@field delta_ttl_s number? how long a change is kept for sync queries; default 30 minutes

---@class appsync.server.ConflictEntry
---@field handler appsync.server.ConflictHandler|"NONE" NONE: this model isn't versioned
---@field resolver string?
---@field is_lenient boolean? passed over where the schema has no such model

---The conflict handling of one model.
---@class appsync.server.Conflict
---@field handler appsync.server.ConflictHandler
---@field resolver string? of LAMBDA
---@field base_ttl_s number
---@field delta_ttl_s number

-- Amplify's: 43,200 and 30 minutes.
conflict.BASE_TTL_S, conflict.DELTA_TTL_S = 2592000, 1800

-- A fault of the settings has no place in the schema.
local function refuse(path, message, ...)
  return nil, { message = message:format(...), path = path }
end

local HANDLERS = { "AUTOMERGE", "OPTIMISTIC_CONCURRENCY", "LAMBDA" }

local SETTINGS = {
  handler = { type = "string", values = HANDLERS }, resolver = { type = "text" }, models = { type = "object" },
  models_path = { type = "text" }, base_ttl_s = { type = "number", min = 0 }, delta_ttl_s = { type = "number", min = 0 },
}
local ENTRY = {
  handler = { type = "string", values = { HANDLERS[1], HANDLERS[2], HANDLERS[3], "NONE" }, is_required = true },
  resolver = { type = "text" }, is_lenient = { type = "boolean" },
}

local FIELDS = { { "_version", "Int!" }, { "_deleted", "Boolean" }, { "_lastChangedAt", "AWSTimestamp!" } }

-- An entry under a wrong name would leave a model unversioned, and nobody would know why.
local function check_names(world, settings)
  return directives.each(members.sorted(settings.models or {}), function(name)
    if world.models[name] or settings.models[name].is_lenient then return true end
    return refuse(settings.models_path, "%s", members.unknown("", "model", name, world.models))
  end)
end

-- What is unknown or of another type is refused: passed over, it would leave models unversioned.
local function check_members(settings)
  local read, message = members.read(settings, SETTINGS, "conflict")
  if not read then return refuse(nil, "%s", message) end
  for _, name in ipairs(members.sorted(settings.models or {})) do
    local entry, place = settings.models[name], "conflict.models." .. name
    if not members.is_object(entry) then return refuse(nil, "%s must be an object", place) end
    read, message = members.read(entry, ENTRY, place)
    if not read then return refuse(nil, "%s", message) end
  end
  return true
end

---Returns whether the settings fit the schema's models.
---@param world appsync.server.Survey
---@return true? ok, appsync.server.SchemaError? err
function conflict.check(world)
  local settings = world.conflict
  if not settings then return true end
  local ok, err = check_members(settings)
  if not ok then return nil, err end
  return check_names(world, settings)
end

-- What the settings say of a model; nil: it's not versioned.
local function entry_of(settings, m)
  local entry = (settings.models or {})[m.name] or settings
  return entry.handler and entry.handler ~= "NONE" and entry or nil
end

-- `queries: null` takes the sync query away, too, and so does a map that stands for all queries; the first version made it
-- whatever the map said.
local function has_query(world, m)
  if world.version == 1 then return true end
  local queries = world.reader:read(m.directive).queries
  return queries == nil or queries ~= NULL and world.flags.shoulddeepmergedirectiveconfigdefaults
end

local function is_used(settings)
  local handlers = { settings.handler }
  for _, entry in pairs(settings.models or {}) do handlers[#handlers + 1] = entry.handler end
  for _, handler in ipairs(handlers) do
    if handler ~= "NONE" then return true end
  end
  return false
end

local IS_OWNING = { hasOne = true, hasMany = true }

local function owns(m, other)
  for _, relation in ipairs(m.relations) do
    if IS_OWNING[relation.kind] and relation.model == other.name then return relation end
  end
  return nil
end

-- Of two models one belongs to the other: DataStore would not know which to send first. The first version let it be.
local function check_relations(world, m)
  if world.version == 1 or not is_used(world.conflict) then return true end
  for _, relation in ipairs(m.relations) do
    local related = world.models[relation.model]
    if IS_OWNING[relation.kind] and related ~= m and not (m.is_join or related.is_join) and owns(related, m) then
      return fail(m.field_by_name[relation.field].node.loc, "with conflict detection, '%s' and '%s' cannot refer to each other "
        .. "by @hasOne or @hasMany: use @belongsTo in one of them", m.name, related.name)
    end
  end
  return true
end

---Fills a versioned model's `conflict` and the name of its sync query.
---@param world appsync.server.Survey
---@param m appsync.server.Model
---@return true? ok, appsync.server.SchemaError? err
function conflict.read(world, m)
  local settings = world.conflict
  if not settings then return true end
  local ok, err = check_relations(world, m)
  if not ok then return nil, err end
  local entry = entry_of(settings, m)
  if not entry then return true end
  m.conflict = {
    handler = entry.handler, resolver = entry.handler == "LAMBDA" and (entry.resolver or "default") or nil,
    base_ttl_s = settings.base_ttl_s or conflict.BASE_TTL_S, delta_ttl_s = settings.delta_ttl_s or conflict.DELTA_TTL_S,
  }
  if has_query(world, m) then m.ops.sync = names.operations(m.name).sync end
  return true
end

---Adds the fields of the versions, once nothing else is added to the models.
---@param world appsync.server.Survey
---@param m appsync.server.Model
---@return true? ok, appsync.server.SchemaError? err
function conflict.add_fields(world, m)
  return directives.each(m.conflict and FIELDS or {}, function(field)
    local own = m.field_by_name[field[1]]
    if own then
      return fail(own.node.loc, "'%s.%s' has the name of a field that conflict detection adds to the model", m.name, field[1])
    end
    world:add_field(m, field[1], field[2])
    return true
  end)
end

return conflict
