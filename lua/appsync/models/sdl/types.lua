---The types of an SDL source as its models need them: fields by name and in their order, what directives say with its
---defaults.
local core = require "appsync.core"
local definitions = require "appsync.schema.definitions"
local directive_arguments = require "appsync.schema.directive_arguments"
local directives = require "appsync.schema.directives"
local fault = require "appsync.models.fault"
local scalars = require "appsync.models.scalar_values"
local sdl_nodes = require "appsync.schema.sdl_nodes"

---@class appsync.models.SdlField
---@field name string
---@field type string the type's name under all wrappers
---@field is_list boolean
---@field is_nullable boolean of a list: its items
---@field is_list_nullable boolean?
---@field is_read_only boolean?
---@field directives appsync.ast.Directive[]
---@field loc appsync.ast.Loc
---@field association table? as the generators write it

---@class appsync.models.SdlModel
---@field name string
---@field fields appsync.models.SdlField[]
---@field by_name table<string, appsync.models.SdlField>
---@field directives appsync.ast.Directive[]
---@field loc appsync.ast.Loc
---@field key string[]
---@field attributes table[] as the generators write them

---@class appsync.models.SdlWorld
---@field version 1|2 of the transformer
---@field list appsync.models.SdlModel[]
---@field models table<string, appsync.models.SdlModel>
---@field enums table<string, string[]>
---@field objects table<string, appsync.models.SdlModel> the other object types
---@field reader appsync.server.DirectiveReader
local World = {}
World.__index = World

local types = {}

---A field that the source doesn't declare.
---@return appsync.models.SdlField
function types.field(name, type_name, is_nullable)
  return { name = name, type = type_name, is_list = false, is_nullable = is_nullable, directives = {} }
end

---Adds a field unless there is one of that name.
---@param m appsync.models.SdlModel
---@param field appsync.models.SdlField
function types.add(m, field)
  if m.by_name[field.name] then return end
  m.fields[#m.fields + 1] = field
  m.by_name[field.name] = field
end

local function read_field(node)
  local inner = sdl_nodes.nullable(node.type)
  local is_list = inner.kind == "ListType"
  local item = is_list and inner.type or node.type
  local list_nullable
  if is_list then list_nullable = node.type.kind ~= "NonNullType" end
  return {
    name = node.name, type = sdl_nodes.named(node.type), is_list = is_list, is_nullable = item.kind ~= "NonNullType",
    is_list_nullable = list_nullable, directives = node.directives, loc = node.loc,
  }
end

---A type without its fields yet.
---@return appsync.models.SdlModel
function types.model(name, loc, node_directives)
  return { name = name, fields = {}, by_name = {}, directives = node_directives, loc = loc, attributes = {}, key = { "id" } }
end

local function read_type(node)
  local m = types.model(node.name, node.loc, node.directives)
  for _, field in ipairs(node.fields) do
    if m.by_name[field.name] then fault.at(field.loc, "field '%s.%s' is defined twice", node.name, field.name) end
    types.add(m, read_field(field))
  end
  return m
end

-- What directives mean nothing here may be anybody's: those of plug-ins, of resolvers.
local function check_directives(document, sources)
  local _, err = directives.check(document, sources)
  for i = 0, err and #(err.others or {}) or -1 do
    local one = i == 0 and err or err.others[i]
    if not one.unknown_directive then fault.raise("%s", one.message) end
  end
end

local builtin

local function builtin_documents()
  if builtin then return builtin end
  builtin = {}
  local texts = definitions.all()
  texts[#texts + 1] = directives.SDL
  for i, text in ipairs(texts) do builtin[i] = assert(core.parse(text)) end
  return builtin
end

local function each_directive(document, visit)
  for _, node in ipairs(document.definitions) do
    for _, directive in ipairs(node.directives or {}) do visit(directive) end
    for _, field in ipairs(node.fields or {}) do
      for _, directive in ipairs(field.directives or {}) do visit(directive) end
    end
  end
end

local function find_version(document)
  local first, second
  each_directive(document, function(directive)
    if definitions.VERSION_1[directive.name] then first = first or directive end
    if definitions.VERSION_2[directive.name] then second = second or directive end
  end)
  if first and second then
    fault.at(first.loc, "@%s is of Amplify's first transformer and @%s of the second: a schema is for one of them", first.name,
      second.name)
  end
  return first and 1 or 2
end

local function root_names(document)
  local names = { Query = true, Mutation = true, Subscription = true }
  for _, node in ipairs(document.definitions) do
    for _, root in ipairs(node.operationTypes or {}) do names[root.type] = true end
  end
  return names
end

local function read_enum(node)
  local values = {}
  for i, value in ipairs(node.values) do values[i] = value.name end
  return values
end

local function extend(world, node)
  local m = world.models[node.name] or world.objects[node.name]
  if not m then return end
  for _, field in ipairs(node.fields) do types.add(m, read_field(field)) end
  for _, directive in ipairs(node.directives) do
    fault.at(directive.loc, "@%s: an extension of '%s' can't have directives here", directive.name, node.name)
  end
end

---Reads a document.
---@param document appsync.ast.Document
---@return appsync.models.SdlWorld
function types.read(document)
  check_directives(document, builtin_documents())
  local world = setmetatable({ version = find_version(document), list = {}, models = {}, enums = {}, objects = {},
    reader = directive_arguments.reader(builtin_documents()) }, World)
  local is_root, seen, extensions = root_names(document), {}, {}
  for _, node in ipairs(document.definitions) do
    if node.kind == "ObjectTypeExtension" then
      extensions[#extensions + 1] = node
    elseif node.name and not node.kind:find("Extension$") and node.kind ~= "DirectiveDefinition" then
      if seen[node.name] then fault.at(node.loc, "type '%s' is defined twice", node.name) end
      seen[node.name] = true
    end
    if node.kind == "EnumTypeDefinition" then
      world.enums[node.name] = read_enum(node)
    elseif node.kind == "ObjectTypeDefinition" and directives.find(node.directives, "model") then
      world:add_model(read_type(node))
    elseif node.kind == "ObjectTypeDefinition" and not is_root[node.name] then
      world.objects[node.name] = read_type(node)
    end
  end
  for _, node in ipairs(extensions) do extend(world, node) end
  return world
end

---@param m appsync.models.SdlModel
function World:add_model(m)
  self.list[#self.list + 1] = m
  self.models[m.name] = m
end

---The arguments of a directive, an explicit null as nothing.
---@param directive appsync.ast.Directive
---@return table
function World:arguments(directive)
  local values, err = self.reader:read(directive)
  if not values then fault.raise("%s", err.message) end
  for name, value in pairs(values) do
    if value == core.null then values[name] = nil end
  end
  return values
end

---Those of the first directive of a name; nil where there is none.
---@param list appsync.ast.Directive[]
---@param name string
---@return table? arguments, appsync.ast.Directive? directive
function World:find(list, name)
  local directive = directives.find(list, name)
  if not directive then return nil end
  return self:arguments(directive), directive
end

---A field's type as the generators write it; nil for what no field of a model holds: interfaces and unions.
---@param name string
---@return string|table|nil
function World:type_of(name)
  if scalars.is(name) then return name end
  if self.enums[name] then return { enum = name } end
  if self.models[name] then return { model = name } end
  if self.objects[name] then return { nonModel = name } end
  return nil
end

return types
