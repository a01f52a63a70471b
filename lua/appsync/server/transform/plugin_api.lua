---The functions that a directive plug-in can call.
local directives = require "appsync.schema.directives"
local resolver_place = require "appsync.server.develop.resolver_place"
local schema = require "appsync.server.graphql.schema"
local sdl_nodes = require "appsync.schema.sdl_nodes"

---@class appsync.server.PluginApi
---@field resolvers table<string, table<string, function>> added ones, by type and field
---@field wraps {type: string, field: string, fn: fun(ctx: table, next: fun(ctx: table): any): any}[]
---@field private document appsync.ast.Document
---@field private reader appsync.server.DirectiveReader
---@field private check function
---@field private loc appsync.ast.Loc?
---@field private by string?
---@field private targets table[]
local Api = {}
Api.__index = Api

local plugin_api = {}

local function throw(message, ...)
  error({ message = select("#", ...) > 0 and message:format(...) or message }, 0)
end

---Refuses the schema, pointing at the directive.
---@param message string
function Api:fail(message) -- luacheck: no self
  throw("%s", tostring(message))
end

---Returns the directive's arguments: lists are Lua lists, enum values strings, input objects tables, null `core.null`.
---@param directive appsync.ast.Directive
---@return table<string, any>
function Api:arguments(directive)
  local values, err = self.reader:read(directive)
  if not values then throw("%s", (err.message:gsub(" %(line %d+, column %d+%)$", ""))) end
  return values
end

---Returns the definition of a type, or nil.
---@param name string
---@return table? type_node
function Api:type(name)
  for _, node in ipairs(self.document.definitions) do
    if node.name == name and not node.kind:find("Extension$") and node.kind ~= "DirectiveDefinition" then return node end
  end
  return nil
end

---Returns a directive of a type or a field, or nil.
---@param node table
---@param name string
---@return appsync.ast.Directive?
function Api:directive(node, name) -- luacheck: no self
  return directives.find(node.directives, name)
end

---Returns the type of a field or an argument as text: "[Todo!]!".
---@param node table
---@return string
function Api:type_text(node) -- luacheck: no self
  return sdl_nodes.text(node.type)
end

-- What the text says of lines is not the schema's: everything in it stands where the directive does.
local function move(node, loc)
  for key, value in pairs(node) do
    if key == "loc" then
      node.loc = loc
    elseif type(value) == "table" then
      move(value, loc)
    end
  end
end

---Adds definitions: types, inputs, enums, and fields with `extend type`.
---@param sdl string
function Api:add(sdl)
  if type(sdl) ~= "string" then throw("api:add expects SDL, not a %s", type(sdl)) end
  local added, err = schema.parse(sdl)
  if not added then throw("the SDL that it adds is invalid: %s", err.message) end
  move(added, self.loc)
  local ok, why = self.check(added)
  if not ok then throw("%s", (why.message:gsub(" %(line %d+, column %d+%)$", ""))) end
  for _, node in ipairs(added.definitions) do table.insert(self.document.definitions, node) end
end

local function check_place(type_name, field_name, fn, what)
  if type(type_name) ~= "string" or type(field_name) ~= "string" or type(fn) ~= "function" then
    throw("api:%s expects the name of a type, the name of a field and a function", what)
  end
end

---Resolves a field, unless the resolvers file has a resolver for it.
---@param type_name string
---@param field_name string
---@param fn fun(ctx: table): any
function Api:resolver(type_name, field_name, fn)
  check_place(type_name, field_name, fn, "resolver")
  self.resolvers[type_name] = self.resolvers[type_name] or {}
  if self.resolvers[type_name][field_name] then
    throw("'%s.%s' already has a resolver of a plug-in", type_name, field_name)
  end
  self.resolvers[type_name][field_name] = fn
  table.insert(self.targets, { type = type_name, field = field_name, loc = self.loc, by = self.by })
end

---Wraps a field's resolver: `fn(ctx, next)` runs instead, and `next(ctx)` calls the wrapped one. Later wraps are outermost.
---@param type_name string
---@param field_name string
---@param fn fun(ctx: table, next: fun(ctx: table): any): any
function Api:wrap(type_name, field_name, fn)
  check_place(type_name, field_name, fn, "wrap")
  table.insert(self.wraps, { type = type_name, field = field_name, fn = fn })
  table.insert(self.targets, { type = type_name, field = field_name, loc = self.loc, by = self.by })
end

---Sets the place that later additions get.
---@private
---@param by string who adds them: "@upper"
---@param loc appsync.ast.Loc?
---@param check function? replaces the current one
function Api:at(by, loc, check)
  self.by, self.loc, self.check = by, loc or { line = 1, column = 1 }, check or self.check
end

---@param document appsync.ast.Document
---@param reader appsync.server.DirectiveReader
---@param check fun(document: appsync.ast.Document): true?, appsync.server.SchemaError?
---@return appsync.server.PluginApi
function plugin_api.new(document, reader, check)
  return setmetatable({ document = document, reader = reader, check = check, resolvers = {}, wraps = {}, targets = {} },
    Api)
end

---Checks that each resolver and each wrap belongs to an existing field.
---@param models appsync.server.Models
---@param s appsync.server.Schema
---@return true? ok, appsync.server.SchemaError? err
function plugin_api.check(models, s)
  return directives.each(models.targets or {}, function(target)
    local type_ = s.types[target.type]
    if type_ and type_.kind == "OBJECT" and type_.fields[target.field] then return true end
    return directives.fail(target.loc, "%s resolves '%s.%s', which isn't a field of an object type", target.by, target.type,
      target.field)
  end)
end

local function property(name)
  return function(ctx)
    if type(ctx.source) ~= "table" then return nil end
    return ctx.source[name]
  end
end

local function wrapped(fn, inner)
  local function run(ctx) return fn(ctx, inner) end
  resolver_place.remember(run, fn)
  return run
end

---Merges the resolvers of the user and of plug-ins, and applies the wraps to them and to the generated ones.
---@param own table<string, table<string, function>>
---@param models appsync.server.Models
---@param generated table<string, table<string, function>>
---@return table<string, table<string, function>>
function plugin_api.merge(own, models, generated)
  if not models.wraps or (#models.wraps == 0 and next(models.resolvers) == nil) then return own end
  local merged = {}
  for _, source in ipairs({ models.resolvers, own }) do
    for type_name, fields in pairs(source) do
      merged[type_name] = merged[type_name] or {}
      for field_name, resolver in pairs(fields) do merged[type_name][field_name] = resolver end
    end
  end
  for _, wrap in ipairs(models.wraps) do
    local of_type = merged[wrap.type] or {}
    merged[wrap.type] = of_type
    local inner = of_type[wrap.field] or (generated[wrap.type] or {})[wrap.field] or property(wrap.field)
    of_type[wrap.field] = wrapped(wrap.fn, inner)
  end
  return merged
end

return plugin_api
