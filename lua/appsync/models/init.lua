---`appsync.models`: classes made of a description of models.
local description = require "appsync.models.description"
local errors = require "appsync.errors"
local fault = require "appsync.models.fault"
local form = require "appsync.models.form"
local instance = require "appsync.models.instance"
local source = require "appsync.models.model_source"

---A class makes instances: `models.Todo{ name = "buy milk" }`.
---@class appsync.models.Class
---@field name string
---@field package model appsync.models.Model
local Class = {}

---The same for data from outside: what isn't accepted is an error, not a mistake of the program.
---```lua
---local models = appsync.models "type Todo @model { name: String! }"
---print(select(2, models.Todo:try{ name = 1 }).message) --> Todo.name: must be a string (UTF-8), got number 1
---```
---@param fields table
---@return table? instance, appsync.Error? err of kind "usage", code "validation"
function Class:try(fields)
  local made, found = fault.try(instance.new, self, fields)
  if made then return made end
  return nil, errors.new("usage", found.message, { code = "validation", field = found.field })
end

local class_meta = {
  __index = Class,
  __call = function(self, fields) return fault.throwing("models", instance.new, self, fields) end,
}

local function new_class(set, world, model)
  local known = {}
  for name in pairs(model.fields) do known[name] = true end
  for name in pairs(model.relations) do known[name] = true end
  local class = setmetatable({ name = model.name, model = model, world = world, set = set, known = known,
    copy = instance.copy }, class_meta)
  local methods = {}
  if not known.copy then methods.copy = instance.copy end
  class.meta = { class = class, __index = methods, __newindex = function(t, name, value)
    if not known[name] then fault.throwing("models", form.unknown, model.name, "field", name, known) end
    rawset(t, name, value)
  end }
  return class
end

local function named(set, what)
  return setmetatable(set, { __index = function(_, name)
    if type(name) ~= "string" then return nil end
    fault.throwing("models", form.unknown, "models", what, name, set)
  end })
end

local function new_set(world)
  local set = {}
  for name, model in pairs(world.models) do set[name] = new_class(set, world, model) end
  for name, list in pairs(world.enums) do
    local enum = {}
    for _, value in ipairs(list) do enum[value] = value end
    set[name] = named(enum, "value of " .. name)
  end
  description.keep(set, world)
  return named(set, "model")
end

---Classes of models, from a `schema.js`, a model introspection, SDL or the generated `models.lua`.
---```lua
---local models = appsync.models "type Todo @model { name: String! priority: Int }"
---local todo = models.Todo{ name = "buy milk", priority = 1 }
---print(todo:copy{ priority = 2 }.priority) --> 2
---```
---@param given string|table a file's path, its text, or a table in the shape of one
---@return table<string, appsync.models.Class>? set, appsync.Error? err of a file or text that can't be read
return function(given)
  if type(given) == "table" then return new_set(fault.throwing("appsync.models", source.read, given)) end
  errors.expect(given, "source", "string", "appsync.models")
  local world, found = fault.try(source.read, given)
  if not world then return nil, errors.new("usage", found.message, { code = "models" }) end
  return new_set(world)
end
