---@manyToMany: a model of its own joins the two, and each of them has many of it
---(amplify-codegen, visitors/appsync-visitor.ts, generateIntermediateModel).
local core = require "appsync.core"
local fault = require "appsync.models.fault"
local keys = require "appsync.models.sdl.model_keys"
local names = require "appsync.schema.names"
local types = require "appsync.models.sdl.types"

local join_models = {}

local function collect(world)
  local uses, order = {}, {}
  for _, m in ipairs(world.list) do
    for _, field in ipairs(m.fields) do
      local given, directive = world:find(field.directives, "manyToMany")
      if given then
        if not world.models[field.type] or not field.is_list then
          fault.at(directive.loc, "@manyToMany of '%s.%s' must be a list of a model", m.name, field.name)
        end
        local name = names.upper_first((given.relationName:gsub("[^%w_]", "")))
        if not uses[name] then
          uses[name] = {}
          order[#order + 1] = name
        end
        table.insert(uses[name], { m = m, field = field, directive = directive })
      end
    end
  end
  return uses, order
end

local function literal_list(list)
  local values = {}
  for i, name in ipairs(list) do values[i] = { kind = "StringValue", value = name } end
  return { kind = "ListValue", values = values }
end

local function directive_of(name, arguments)
  local list = {}
  for key, value in pairs(arguments) do list[#list + 1] = { kind = "Argument", name = key, value = value } end
  return { kind = "Directive", name = name, arguments = list }
end

-- The fields of the join model that hold the key of one side.
local function add_side(join, m)
  local base, list = names.lower_first(m.name), {}
  for i, name in ipairs(m.key) do
    list[i] = base .. (i == 1 and names.upper_first(name) or name)
    types.add(join, types.field(list[i], i == 1 and "ID" or m.by_name[name].type, true))
  end
  keys.add_index(join, "by" .. m.name, list)
  local owner = types.field(base, m.name, false)
  owner.directives = { directive_of("belongsTo", { fields = literal_list(list) }) }
  return owner
end

-- The rules of both sides; those that are the same once.
local function add_auth(world, join, pair)
  local seen = {}
  for _, use in ipairs(pair) do
    for _, directive in ipairs(use.m.directives) do
      local text = directive.name == "auth" and core.encode(world:arguments(directive))
      if text and not seen[text] then join.directives[#join.directives + 1] = directive end
      if text then seen[text] = true end
    end
  end
end

local function make(world, name, pair)
  local a, b = pair[1], pair[2]
  if #pair ~= 2 then
    fault.at(a.directive.loc, "relation '%s' must be used by exactly two @manyToMany fields, not by %d", name, #pair)
  elseif a.field.type ~= b.m.name or b.field.type ~= a.m.name then
    fault.at(b.directive.loc, "relation '%s': '%s.%s' and '%s.%s' must each be a list of the other's type", name, a.m.name,
      a.field.name, b.m.name, b.field.name)
  elseif world:type_of(name) then
    fault.at(a.directive.loc, "relation '%s' makes a model of this name, but the schema already has such a type", name)
  end
  local join = types.model(name, a.directive.loc, {})
  join.is_join = true
  types.add(join, types.field("id", "ID", false))
  local owners = { add_side(join, a.m), add_side(join, b.m) }
  for _, owner in ipairs(owners) do types.add(join, owner) end
  add_auth(world, join, pair)
  world:add_model(join)
  for _, use in ipairs(pair) do
    use.field.type = name
    use.field.directives = { directive_of("hasMany", {
      indexName = { kind = "StringValue", value = "by" .. use.m.name }, fields = literal_list(use.m.key),
    }) }
  end
end

---Adds the models that join others; the keys of all models are read.
---@param world appsync.models.SdlWorld
function join_models.read(world)
  local uses, order = collect(world)
  for _, name in ipairs(order) do make(world, name, uses[name]) end
end

return join_models
