---What a user writes for the server to run: the schema, the resolvers, the directive plug-ins. It is read from its files
---as often as they change.
local transformer_source = require "appsync.server.transformer_source"
local conflict_source = require "appsync.server.develop.conflict_source"
local file = require "appsync.server.develop.file"
local modules = require "appsync.server.develop.modules"
local plugins = require "appsync.server.transform.plugins"
local resolvers = require "appsync.server.resolvers"
local source = require "appsync.server.develop.source"

---@class appsync.server.Program
---@field paths {schema: string, resolvers: string?, transforms: string[], seeds: string[]}
---@field transformer 1|2? in place of what the schema's project says
---@field private project string? the path of its project's file
---@field private conflict appsync.server.ConflictWords what the command line says of versioned models
---@field current appsync.server.ProgramText? what is served
---@field private modules appsync.server.Modules[] by the files that require them
local Program = {}
Program.__index = Program

local program = {}

---@class appsync.server.ProgramText
---@field source appsync.server.Source
---@field resolvers table<string, table<string, function>>?
---@field authorizer function?
---@field functions table<string, function>? of @function
---@field conflict_handlers table<string, function>?
---@field conflict appsync.server.ConflictSettings?
---@field notes string[] what a reader of the command line might not expect
---@field transforms appsync.server.Plugin[]
---@field transformer {version: 1|2?, because: string?, flags: table<string, boolean>?}
---@field seeds appsync.server.SeedText[]

---@class appsync.server.SeedText
---@field name string the file's path
---@field text string JSON

---@param paths {schema: string, resolvers: string?, transforms: string[]?, seeds: string[]?, conflict: appsync.server.ConflictWords?,
---  transformer: 1|2?} transformer: which of Amplify's; default: the one of the project that the schema stands in
---@return appsync.server.Program
function program.new(paths)
  return setmetatable({
    paths = {
      schema = paths.schema, resolvers = paths.resolvers, transforms = paths.transforms or {}, seeds = paths.seeds or {},
    },
    modules = {}, watched = { paths.schema }, conflict = paths.conflict or {}, transformer = paths.transformer,
  }, Program)
end

---@private
function Program:modules_of(path)
  if not self.modules[path] then self.modules[path] = modules.of(path) end
  return self.modules[path]
end

---@private
function Program:read_resolvers(text)
  local path = self.paths.resolvers
  local loaded, fault = self:modules_of(path):anew(function() return resolvers.load(path) end)
  if not loaded then return fault end
  text.resolvers, text.authorizer, text.functions = loaded.by_type, loaded.authorizer, loaded.functions
  text.conflict_handlers = loaded.conflict_handlers
end

---@private
function Program:read_transforms(text, faults)
  local makers = {}
  for _, path in ipairs(self.paths.transforms) do
    local plugin, fault = self:modules_of(path):anew(function() return plugins.load(path) end)
    text.transforms[#text.transforms + 1] = plugin
    if plugin and makers[plugin.name] then
      fault = { path = path, message = ("@%s is a directive of %s already"):format(plugin.name, makers[plugin.name]) }
    elseif plugin then
      makers[plugin.name] = path
    end
    if fault then
      fault.text = fault.line and source.line_of(fault.path, fault.line)
      faults[#faults + 1] = fault
    end
  end
end

---@private
function Program:read_transformer(text, faults)
  local project, fault = transformer_source.of(self.paths.schema)
  faults[#faults + 1] = fault
  text.transformer, self.project = project or {}, project and project.path or fault and fault.path
  if self.transformer then
    text.transformer = { version = self.transformer, because = "--transformer " .. self.transformer, flags = text.transformer.flags }
  end
end

---Reads everything. Who serves what was read makes it `current`.
---@return appsync.server.ProgramText? text
---@return appsync.server.SourceFault[]? faults
function Program:read()
  local faults, text = {}, { transforms = {}, seeds = {}, notes = {} }
  local read, fault = source.read(self.paths.schema)
  if read then
    self.watched, text.source = read.watched, read
    text.notes[1] = read.note
  else
    faults[1] = fault
  end
  if self.paths.resolvers then faults[#faults + 1] = self:read_resolvers(text) end
  self:read_transforms(text, faults)
  self:read_transformer(text, faults)
  local conflict, message, note = conflict_source.read(self.conflict, self.paths.schema)
  text.conflict = conflict
  if message then faults[#faults + 1] = { message = message } end
  text.notes[#text.notes + 1] = note
  for i, path in ipairs(self.paths.seeds) do
    local json, why = file.read(path, "seed")
    text.seeds[i] = { name = path, text = json }
    if not json then faults[#faults + 1] = { message = why } end
  end
  if #faults > 0 then return nil, faults end
  return text
end

---The paths whose change may change the program.
---@return string[]
function Program:files()
  local paths = {}
  for i, path in ipairs(self.watched) do paths[i] = path end
  paths[#paths + 1] = self.project
  paths[#paths + 1] = self.paths.resolvers
  for _, path in ipairs(conflict_source.files(self.conflict, self.paths.schema)) do paths[#paths + 1] = path end
  for _, path in ipairs(self.paths.transforms) do paths[#paths + 1] = path end
  for _, path in ipairs(self.paths.seeds) do paths[#paths + 1] = path end
  for _, of_file in pairs(self.modules) do
    local owned = {}
    for _, path in pairs(of_file:owned()) do owned[#owned + 1] = path end
    table.sort(owned)
    for _, path in ipairs(owned) do paths[#paths + 1] = path end
  end
  return paths
end

---What each file says, and of a schema's folder which files it holds, so that what was only touched isn't loaded anew.
---@return table<string, string> contents by path
function Program:contents()
  local found, contents, names = source.read(self.paths.schema), {}, {}
  if found then self.watched = found.watched end
  for _, path in ipairs(self:files()) do contents[path] = contents[path] or file.read(path, "seed") or "" end
  for i, read in ipairs(found and found.files or {}) do names[i] = read.path end
  if names[1] ~= self.paths.schema then contents[self.paths.schema] = table.concat(names, "\n") end
  return contents
end

return program
