---@model: which operations a model has and what they are called (Amplify documentation, "@model").
local core = require "appsync.core"
local directive_arguments = require "appsync.schema.directive_arguments"
local directives = require "appsync.schema.directives"
local names = require "appsync.schema.names"

local fail, NULL = directives.fail, core.null

local model_directive = {}

-- Whether a map that is given stands for all of the defaults, or for those alone that it names.
local function is_whole(world, map)
  if world.version == 1 then return map.level == nil end
  if world.flags.shoulddeepmergedirectiveconfigdefaults then return false end
  return map.level ~= "public" or map.onCreate ~= nil or map.onUpdate ~= nil or map.onDelete ~= nil
end

-- The name that a map gives to a key: nil where the map or the key is null.
local function pick(world, map, key, default)
  if map == NULL or (map and map[key] == NULL) then return nil end
  if map and is_whole(world, map) then return map[key] end
  return map and map[key] or default
end

-- A timestamp keeps its own name unless it has another; null leaves it out.
local function default_name(map, key)
  local name = map and map[key]
  if name == NULL then return nil end
  return name or key
end

local function check_names(directive, maps)
  for argument, map in pairs(maps) do
    for key, value in pairs(map == NULL and {} or map) do
      for _, name in ipairs(value == NULL and {} or type(value) == "table" and value or { value }) do
        if name ~= NULL and not names.is_name(name) then
          return fail(directive_arguments.loc(directive, argument), "@model's '%s.%s' must be a name or null", argument, key)
        end
      end
    end
  end
  return true
end

-- One subscription may be named for several mutations; it's a field once.
local function add_event(m, name, op)
  local event = { name = name, mutation = m.ops[op], op = op, mutations = { m.ops[op] } }
  for _, other in ipairs(m.events) do
    if other.name == name then
      table.insert(other.mutations, m.ops[op])
      return
    end
  end
  table.insert(m.events, event)
end

local function read_events(world, m, map, defaults)
  m.events = {}
  m.lacks_subscriptions = map == NULL or nil
  m.level = map == NULL and "off" or (map and map.level ~= NULL and map.level) or "on"
  if m.level == "off" then return end
  for _, op in ipairs({ "create", "update", "delete" }) do
    local event = "on" .. op:sub(1, 1):upper() .. op:sub(2)
    local given = pick(world, map, event, { defaults[event] })
    if m.ops[op] and given then
      for _, name in ipairs(given) do
        if name ~= NULL then add_event(m, name, op) end
      end
    end
  end
end

---Fills a model's `ops`, `events`, `level`, `created_at` and `updated_at`.
---@param world appsync.server.Survey
---@param m appsync.server.Model
---@return true? ok, appsync.server.SchemaError? err
function model_directive.read(world, m)
  local given, err = world.reader:read(m.directive)
  if not given then return nil, err end
  local ok
  ok, err = check_names(m.directive, given)
  if not ok then return nil, err end
  local defaults = names.operations(m.name, world.version == 1 and not world.flags.improvepluralization)
  m.ops = {}
  for _, op in ipairs({ "get", "list" }) do m.ops[op] = pick(world, given.queries, op, defaults[op]) end
  for _, op in ipairs({ "create", "update", "delete" }) do m.ops[op] = pick(world, given.mutations, op, defaults[op]) end
  local stamps = given.timestamps
  m.created_at = stamps ~= NULL and default_name(stamps, "createdAt") or nil
  m.updated_at = stamps ~= NULL and default_name(stamps, "updatedAt") or nil
  m.has_timestamps = stamps ~= NULL
  read_events(world, m, given.subscriptions, defaults)
  return true
end

return model_directive
