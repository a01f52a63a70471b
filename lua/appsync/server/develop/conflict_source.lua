---Which models are versioned and how their conflicts are handled, as a user says it: on the command line, model by model in
---a file, or in the Amplify project that the schema is of. What the command line says wins.
local core = require "appsync.core"
local file = require "appsync.server.develop.file"
local members = require "appsync.server.members"
local transform_conf = require "appsync.server.develop.transform_conf"

local conflict_source = {}

---@class appsync.server.ConflictWords
---@field strategy "automerge"|"optimistic"|"lambda"|"none"|nil of all models
---@field models_path string?
---@field base_ttl_s integer?
---@field delta_ttl_s integer?

local HANDLERS = { automerge = "AUTOMERGE", optimistic = "OPTIMISTIC_CONCURRENCY", lambda = "LAMBDA", none = "NONE" }

local MODEL = {
  conflict = { type = "string", values = { "automerge", "optimistic", "lambda", "none" }, is_required = true },
  handler = { type = "text" },
}

local function read_model(given, name)
  if not members.is_object(given) then
    return nil, ('"%s" must be an object, as {"conflict": "automerge"}'):format(name)
  end
  local read, message = members.read(given, MODEL, name)
  if not read then return nil, message end
  if read.handler and read.conflict ~= "lambda" then
    return nil, ('%s: "handler" is for "conflict": "lambda", not for "%s"'):format(name, read.conflict)
  end
  return { handler = HANDLERS[read.conflict], resolver = read.handler }
end

---Reads what a file says of each model: `{"Todo": {"conflict": "lambda", "handler": "merge_todos"}, …}`.
---@param path string
---@return table<string, {handler: string, resolver: string?}>? models, string? message
function conflict_source.models(path)
  local text, why = file.read(path, "settings")
  if not text then return nil, why end
  local given, err = core.decode(text)
  if err then return nil, ("%s: %s"):format(path, err.message) end
  if not members.is_object(given) then
    return nil, ('%s: the file must hold an object, as {"Todo": {"conflict": "automerge"}}'):format(path)
  end
  local models = {}
  for _, name in ipairs(members.sorted(given)) do
    local entry, message = read_model(given[name], name)
    if not entry then return nil, ("%s: %s"):format(path, message) end
    models[name] = entry
  end
  return models
end

-- What a project says where the words say nothing, under what they say.
local function merged(words, conf, models)
  local is_said = words.strategy ~= nil or conf == nil
  local out = {
    handler = HANDLERS[words.strategy], models = models, models_path = words.models_path, base_ttl_s = words.base_ttl_s,
    delta_ttl_s = words.delta_ttl_s,
  }
  if out.handler == "NONE" then out.handler = nil end
  if is_said then return out end
  out.handler, out.resolver, out.models = conf.handler, conf.resolver, {}
  for _, source in ipairs({ conf.models, models }) do
    for name, entry in pairs(source) do out.models[name] = entry end
  end
  return out
end

local function shown(entry)
  return entry.handler .. (entry.resolver and (" (%s)"):format(entry.resolver) or "")
end

-- What was taken from where, where a project says something.
local function note_of(words, conf, settings)
  local parts, from = {}, {}
  parts[1] = settings.handler and shown(settings)
  for _, name in ipairs(members.sorted(settings.models or {})) do parts[#parts + 1] = name .. " " .. shown(settings.models[name]) end
  if not words.strategy then from[1] = conf.path end
  if words.strategy then from[#from + 1] = "--conflict" end
  if words.models_path then from[#from + 1] = words.models_path end
  local note = ("conflict detection: %s, from %s"):format(#parts > 0 and table.concat(parts, ", ") or "none", table.concat(from, " and "))
  if words.strategy then return note .. " instead of " .. conf.path end
  if #conf.passed_over == 0 then return note end
  return ("%s; without ConflictDetection and ConflictHandler the project's stand for %s"):format(note,
    table.concat(conf.passed_over, ", "))
end

---The settings that the words stand for, and the schema's project.
---@param words appsync.server.ConflictWords
---@param schema_path string
---@return appsync.server.ConflictSettings? settings nil: no model is versioned
---@return string? message
---@return string? note what was taken from where
function conflict_source.read(words, schema_path)
  local conf, models, message
  conf, message = transform_conf.read(schema_path)
  if message and words.strategy then
    conf, message = { path = transform_conf.path(schema_path) }, nil
  elseif message then
    return nil, message .. "; --conflict STRATEGY stands in its place"
  end
  if words.models_path then models, message = conflict_source.models(words.models_path) end
  if message then return nil, message end
  if not conf and not words.strategy and not models then
    if not words.base_ttl_s and not words.delta_ttl_s then return nil end
    return nil, "--base-ttl and --delta-ttl are for versioned models: say which by --conflict or --models"
  end
  local settings = merged(words, conf, models)
  return settings, nil, conf and note_of(words, conf, settings)
end

---The files that are read.
---@param words appsync.server.ConflictWords
---@param schema_path string
---@return string[] paths
function conflict_source.files(words, schema_path)
  local paths = { transform_conf.path(schema_path) }
  paths[#paths + 1] = words.models_path
  return paths
end

return conflict_source
