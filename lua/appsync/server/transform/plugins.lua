---The user's own directives: files that implement a directive.
---
---     -- upper.lua: `type Todo @model { name: String! @upper(locale: "tr") }`
---     return {
---       name = "upper",
---       definition = "directive @upper(locale: String) on FIELD_DEFINITION",
---       field = function(api, type_node, field_node, directive)
---         local given = api:arguments(directive)
---         api:wrap(type_node.name, field_node.name, function(ctx, next)
---           return next(ctx):upper()
---         end)
---       end,
---     }
---
---`object(api, type_node, directive)` is called for each type that has the directive, `field` for each field, before
---Amplify's directives are expanded: what they add with `api:add` may use those. `finish(api, models)` is called after
---that. An error that they throw stops the server from starting: a table `{message = …}`, as `api:fail` throws, is a
---mistake in the schema; anything else is a fault of the plug-in.
local definitions = require "appsync.schema.definitions"
local directive_arguments = require "appsync.schema.directive_arguments"
local directives = require "appsync.schema.directives"
local file = require "appsync.server.develop.file"
local plugin_api = require "appsync.server.transform.plugin_api"
local schema = require "appsync.server.graphql.schema"
local shown = require("appsync.server.graphql.thrown").text
local time_limit = require "appsync.server.time_limit"

local fail = directives.fail

---@class appsync.server.Plugin
---@field name string of the directive
---@field definition string SDL: the directive, and the enums and inputs of its arguments
---@field object (fun(api: appsync.server.PluginApi, type_node: table, directive: appsync.ast.Directive))?
---@field field (fun(api: appsync.server.PluginApi, type_node: table, field_node: table, directive: appsync.ast.Directive))?
---@field finish (fun(api: appsync.server.PluginApi, models: appsync.server.Models))?
---@field path string the file
---@field document appsync.ast.Document of `definition`

local plugins = {}

local KEYS = { name = "string", definition = "string", object = "function", field = "function", finish = "function" }
local CALLED = { OBJECT = "object", FIELD_DEFINITION = "field" }

local function check_keys(value)
  for key, given in pairs(value) do
    local wanted = KEYS[key]
    if not wanted then
      return nil, ("a directive plug-in has no '%s'; it may have name, definition, object, field, finish"):format(tostring(key))
    elseif type(given) ~= wanted then
      return nil, ("'%s' must be a %s, not a %s"):format(key, wanted, type(given))
    end
  end
  if not value.name then return nil, "'name' is missing: the directive's name" end
  if not value.definition then return nil, "'definition' is missing: the directive's SDL" end
  return true
end

-- The definition's document and where the directive may stand.
local function read_definition(value)
  local document, err = schema.parse(value.definition)
  if not document then return nil, "'definition': " .. err.message end
  local found
  for _, node in ipairs(document.definitions) do
    if node.kind == "DirectiveDefinition" then
      if found or node.name ~= value.name then
        return nil, ("'definition' must define @%s and no other directive"):format(value.name)
      end
      found = node
    elseif node.kind ~= "EnumTypeDefinition" and node.kind ~= "InputObjectTypeDefinition" then
      return nil, "'definition' may contain the directive, enums and inputs; types are added with api:add"
    end
  end
  if not found then return nil, ("'definition' doesn't define @%s"):format(value.name) end
  return document, found.locations
end

local function check_locations(value, list)
  for _, location in ipairs(list) do
    local called = CALLED[location]
    if not called then
      return nil, ("@%s is defined on %s; a plug-in's directive must be on OBJECT or FIELD_DEFINITION"):format(value.name, location)
    elseif not value[called] then
      return nil, ("@%s is defined on %s, so '%s' must be a function"):format(value.name, location, called)
    end
  end
  return true
end

local reserved

-- The names that Amplify and the service have given. Directives of Amplify's that aren't carried out here may be.
local function is_reserved(name)
  if not reserved then
    reserved = {}
    for _, sdl in ipairs({ definitions.SDL, directives.SDL }) do
      for _, node in ipairs(assert(schema.parse(sdl)).definitions) do reserved[node.name] = true end
    end
  end
  return reserved[name] == true
end

---Checks what a plug-in's file returned.
---@param value any
---@param path string the file, for messages
---@return appsync.server.Plugin? plugin, string? message
function plugins.check(value, path)
  if type(value) ~= "table" then
    return nil, ("a directive plug-in must return a table {name = …, definition = …}, not a %s"):format(type(value))
  end
  local ok, message = check_keys(value)
  if not ok then return nil, message end
  if is_reserved(value.name) then return nil, ("@%s is already implemented"):format(value.name) end
  local document, list = read_definition(value)
  if not document then return nil, list end
  ok, message = check_locations(value, list)
  if not ok then return nil, message end
  local plugin = { path = path, document = document }
  for key in pairs(KEYS) do plugin[key] = value[key] end
  return plugin
end

---Runs a plug-in's file.
---@param path string
---@return appsync.server.Plugin? plugin, {path: string, line: integer?, message: string}? fault
function plugins.load(path)
  local plugin
  local chunk, message = file.chunk(path)
  if chunk then
    local ok, value = time_limit.pcall(nil, chunk)
    if ok then plugin, message = plugins.check(value, path) else message = shown(value) end
  end
  if plugin then return plugin end
  local line, rest = message:match("^[^\n:]*:(%d+): (.*)$")
  return nil, { path = path, line = tonumber(line), message = rest or message }
end

---The definitions of plug-ins' directives, for the check of a document's directives.
---@param list appsync.server.Plugin[]
---@return appsync.ast.Document[]
function plugins.documents(list)
  local out = {}
  for i, plugin in ipairs(list) do out[i] = plugin.document end
  return out
end

---The names of plug-ins' directives.
---@param list appsync.server.Plugin[]
---@return table<string, true>
function plugins.names(list)
  local names = {}
  for _, plugin in ipairs(list) do names[plugin.name] = true end
  return names
end

---Amplify's unsupported directives, without those that a plug-in implements.
---@param list appsync.server.Plugin[]
---@return table<string, true>
function plugins.unsupported(list)
  local out = {}
  for name in pairs(definitions.UNSUPPORTED) do out[name] = true end
  for _, plugin in ipairs(list) do out[plugin.name] = nil end
  return out
end

-- Runs a plug-in's function. Its fault is told with its file, and the place of the directive in the schema where it has one.
local function call(plugin, loc, fn, ...)
  local ok, thrown = time_limit.pcall(nil, fn, ...)
  if ok then return true end
  local message = type(thrown) == "table" and rawget(thrown, "message")
  local text = shown(message or thrown)
  if not loc then return nil, { path = plugin.path, message = ("@%s: %s"):format(plugin.name, text) } end
  if not message and not text:find(plugin.path, 1, true) then text = ("%s: %s"):format(plugin.path, text) end
  return fail(loc, "@%s: %s", plugin.name, text)
end

local function each_use(plugin, document, visit)
  local nodes = {}
  for i, node in ipairs(document.definitions) do nodes[i] = node end
  return directives.each(nodes, function(node)
    local is_object = node.kind == "ObjectTypeDefinition" or node.kind == "ObjectTypeExtension"
    local ok, err = true, nil
    for _, directive in ipairs(is_object and node.directives or {}) do
      if ok and directive.name == plugin.name then ok, err = visit(plugin.object, directive, node, directive) end
    end
    for _, field in ipairs(node.fields or {}) do
      for _, directive in ipairs(field.directives or {}) do
        if ok and directive.name == plugin.name then ok, err = visit(plugin.field, directive, node, field, directive) end
      end
    end
    return ok, err
  end)
end

---@class appsync.server.PluginRun
---@field api appsync.server.PluginApi
---@field list appsync.server.Plugin[]

---Runs the plug-ins for the directives in a document.
---@param list appsync.server.Plugin[]
---@param document appsync.ast.Document
---@param check fun(document: appsync.ast.Document): true?, appsync.server.SchemaError? of the directives in what they add
---@return appsync.server.PluginRun? run, appsync.server.SchemaError? err
function plugins.run(list, document, check)
  local api = plugin_api.new(document, directive_arguments.reader(plugins.documents(list)), check)
  for _, plugin in ipairs(list) do
    local ok, err = each_use(plugin, document, function(fn, directive, ...)
      api:at("@" .. plugin.name, directive.loc)
      return call(plugin, directive.loc, fn, api, ...)
    end)
    if not ok then return nil, err end
  end
  return { api = api, list = list }
end

local function strip(list, names)
  for i = #(list or {}), 1, -1 do
    if names[list[i].name] then table.remove(list, i) end
  end
end

---Finishes what `run` began, after the models are expanded.
---@param run appsync.server.PluginRun
---@param document appsync.ast.Document
---@param models appsync.server.Models gets `resolvers` and `wraps`
---@param check fun(document: appsync.ast.Document): true?, appsync.server.SchemaError?
---@return true? ok, appsync.server.SchemaError? err
function plugins.finish(run, document, models, check)
  local names = {}
  for _, plugin in ipairs(run.list) do
    names[plugin.name] = true
    if plugin.finish then
      run.api:at("@" .. plugin.name, nil, check)
      local ok, err = call(plugin, nil, plugin.finish, run.api, models)
      if not ok then return nil, err end
    end
  end
  for _, node in ipairs(#run.list > 0 and document.definitions or {}) do
    strip(node.directives, names)
    for _, field in ipairs(node.fields or {}) do strip(field.directives, names) end
  end
  models.resolvers, models.wraps, models.targets = run.api.resolvers, run.api.wraps, run.api.targets
  return true
end

return plugins
