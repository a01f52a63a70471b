---`transform.conf.json`, which stands beside the schema of an Amplify project: its `ResolverConfig` says which models are
---versioned and how their conflicts are handled (Amplify CLI documentation, "Conflict resolution").
local core = require "appsync.core"
local file = require "appsync.server.develop.file"
local members = require "appsync.server.members"
local native = require "appsync.server.native"

local transform_conf = {}

local NAME = "transform.conf.json"
local NULL = core.null

local HANDLERS = { "AUTOMERGE", "OPTIMISTIC_CONCURRENCY", "LAMBDA" }

-- Versions of the command line differ in the case of a name's first letter.
local function member(map, name)
  local first, rest = name:sub(1, 1), name:sub(2)
  for _, spelled in ipairs({ name, first:lower() .. rest, first:upper() .. rest }) do
    if map[spelled] ~= nil and map[spelled] ~= NULL then return map[spelled] end
  end
  return nil
end

-- Where it would stand: beside the schema's file, or in its folder, or beside that one.
local function places(schema_path)
  local _, kind = native.file_stamp(schema_path)
  local bare = schema_path:gsub("(.)/+$", "%1")
  local folder, name = bare:match("^(.*/)([^/]*)$")
  if kind ~= "folder" then return { (folder or "") .. NAME } end
  local inside = bare .. (bare:sub(-1) == "/" and "" or "/") .. NAME
  if (name or bare) ~= "schema" then return { inside } end
  return { inside, (folder or "") .. NAME }
end

---The file of the project that a schema is of.
---@param schema_path string a file or a folder
---@return string? path
function transform_conf.path(schema_path)
  for _, path in ipairs(places(schema_path)) do
    if native.file_stamp(path) then return path end
  end
  return nil
end

-- The Lua function that stands for a Lambda function: its name, without the environment's.
local function resolver_of(entry, place)
  local handler = member(entry, "LambdaConflictHandler")
  local name = members.is_object(handler) and (member(handler, "name") or member(handler, "lambdaArn"))
  local bare = type(name) == "string" and name:gsub("%-%${env}$", ""):match("[^:]+$")
  if not bare then return nil, place .. ': "LAMBDA" needs "LambdaConflictHandler": {"name": …}' end
  return bare
end

local function read_entry(entry, place)
  local detection, handler = member(entry, "ConflictDetection"), member(entry, "ConflictHandler")
  if detection ~= "VERSION" then return nil, place .. ': "ConflictDetection" must be "VERSION"' end
  if not members.is_among(handler, HANDLERS) then
    return nil, ('%s: "ConflictHandler" must be one of "%s"'):format(place, table.concat(HANDLERS, '", "'))
  end
  if handler ~= "LAMBDA" then return { handler = handler } end
  local resolver, message = resolver_of(entry, place)
  if not resolver then return nil, message end
  return { handler = handler, resolver = resolver }
end

-- A model's entry that isn't whole is passed over, as Amplify does.
local function is_whole(entry)
  return member(entry, "ConflictDetection") ~= nil and member(entry, "ConflictHandler") ~= nil
end

local function read_models(given, found)
  for _, name in ipairs(members.sorted(given)) do
    local entry, place = given[name], "ResolverConfig.models." .. name
    if not members.is_object(entry) then return nil, place .. " must be an object" end
    if is_whole(entry) then
      local read, message = read_entry(entry, place)
      if not read then return nil, message end
      -- Models that are gone stay in the file.
      read.is_lenient, found.models[name] = true, read
    else
      table.insert(found.passed_over, name)
    end
  end
  return true
end

local function read_config(config)
  if not members.is_object(config) then return nil, "ResolverConfig must be an object" end
  local project, models = member(config, "project"), member(config, "models")
  if project == nil and models == nil then return nil end
  local found = { models = {}, passed_over = {} }
  if project ~= nil then
    if not members.is_object(project) then return nil, "ResolverConfig.project must be an object" end
    local read, message = read_entry(project, "ResolverConfig.project")
    if not read then return nil, message end
    found.handler, found.resolver = read.handler, read.resolver
  end
  if models ~= nil then
    if not members.is_object(models) then return nil, "ResolverConfig.models must be an object" end
    local ok, message = read_models(models, found)
    if not ok then return nil, message end
  end
  return found
end

---@class appsync.server.TransformConf
---@field path string
---@field handler appsync.server.ConflictHandler? of all models
---@field resolver string?
---@field models table<string, {handler: appsync.server.ConflictHandler, resolver: string?, is_lenient: true}>
---@field passed_over string[] models whose entries aren't whole

---What the file of an Amplify project says of conflicts.
---@param schema_path string
---@return appsync.server.TransformConf? found nil: there is no such file, or it says nothing of conflicts
---@return string? message
function transform_conf.read(schema_path)
  local path = transform_conf.path(schema_path)
  if not path then return nil end
  local text, why = file.read(path, "settings")
  if not text then return nil, why end
  local given, err = core.decode(text)
  if err then return nil, ("%s: %s"):format(path, err.message) end
  if not members.is_object(given) then return nil, path .. ": the file must hold an object" end
  local config = member(given, "ResolverConfig")
  local found, message
  if config ~= nil then found, message = read_config(config) end
  if message then return nil, ("%s: %s"):format(path, message) end
  if found then found.path = path end
  return found
end

return transform_conf
