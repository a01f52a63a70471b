--- Which models are versioned and how their conflicts are handled, as a user says it: on the command line, and model by model
--- in a file.
local core = require("appsync.core")
local file = require("appsync.server.develop.file")
local members = require("appsync.server.members")

local conflict_source = {}

---@class appsync.server.ConflictWords
---@field strategy "automerge"|"optimistic"|"lambda"|nil of all models
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

local function sorted_names(map)
  local names = {}
  for name in pairs(map) do names[#names + 1] = name end
  table.sort(names)
  return names
end

--- Reads what a file says of each model: `{"Todo": {"conflict": "lambda", "handler": "merge_todos"}, …}`.
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
  for _, name in ipairs(sorted_names(given)) do
    local entry, message = read_model(given[name], name)
    if not entry then return nil, ("%s: %s"):format(path, message) end
    models[name] = entry
  end
  return models
end

--- The settings that the words stand for.
---@param words appsync.server.ConflictWords
---@return appsync.server.ConflictSettings? settings, string? message
function conflict_source.read(words)
  local models, message
  if words.models_path then models, message = conflict_source.models(words.models_path) end
  if message then return nil, message end
  if not words.strategy and not models then
    return nil, "--base-ttl and --delta-ttl are for versioned models: say which by --conflict or --models"
  end
  return {
    handler = HANDLERS[words.strategy], models = models, models_path = words.models_path, base_ttl_s = words.base_ttl_s,
    delta_ttl_s = words.delta_ttl_s,
  }
end

return conflict_source
