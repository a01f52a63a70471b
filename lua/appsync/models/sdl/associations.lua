---@hasMany, @hasOne and @belongsTo as the associations that Amplify's generator makes of them
---(amplify-codegen, utils/process-has-many.ts, process-has-one.ts and process-belongs-to.ts).
local fault = require "appsync.models.fault"
local keys = require "appsync.models.sdl.model_keys"
local names = require "appsync.schema.names"
local types = require "appsync.models.sdl.types"

local relations = {}

-- A foreign key for each field of a key: blogPostsId.
local function foreign_names(owner, field, target)
  local list = {}
  for i, name in ipairs(target.key) do list[i] = names.camel({ owner.name, field.name, name }) end
  return list
end

local function add_foreign(m, list, target, is_nullable)
  for i, name in ipairs(list) do
    local of = target.by_name[target.key[i]]
    types.add(m, types.field(name, of and of.type or "ID", is_nullable))
  end
end

local function belonging(world, m, type_name)
  for _, field in ipairs(m.fields) do
    local given = field.type == type_name and world:find(field.directives, "belongsTo")
    if given then return field, given end
  end
  return nil
end

local function same(a, b)
  return a ~= nil and b ~= nil and table.concat(a, ",") == table.concat(b, ",")
end

local function check_references(use)
  for _, name in ipairs(use.given.references) do
    if not use.child.by_name[name] then
      fault.at(use.directive.loc, "@%s's 'references' names '%s', which '%s' doesn't have", use.directive.name, name, use.child.name)
    end
  end
  for _, field in ipairs(use.related.fields) do
    for _, kind in ipairs(field.type == use.m.name and use.kinds or {}) do
      local given = use.world:find(field.directives, kind)
      if given and same(given.references, use.given.references) then return end
    end
  end
  fault.at(use.directive.loc, "'%s.%s' needs its other side: a field of '%s' with @%s and the same 'references'", use.m.name,
    use.field.name, use.related.name, table.concat(use.kinds, " or @"))
end

-- The field there that `fields` of a list are found by: that of the index or the key, or the relation that holds it.
local function indexed_field(use)
  local related, given = use.related, use.given
  local name = keys.first_field(related, given.indexName)
  if not name and given.indexName then
    fault.at(use.directive.loc, "@hasMany names the index '%s', which '%s' doesn't have", given.indexName, related.name)
  end
  local owner = belonging(use.world, related, use.m.name)
  name = name or (owner and owner.name) or "id"
  for _, field in ipairs(related.fields) do
    local other = field.type == use.m.name and use.world:find(field.directives, "belongsTo")
    if other and other.fields and other.fields[1] == name then return field.name end
  end
  return name
end

-- An index for a list whose model neither belongs to this one nor has one that is named.
local function imply_index(use, list)
  local first
  for _, field in ipairs(use.related.fields) do
    if field.type == use.m.name then first = first or field end
  end
  if (first and keys.has(first, "belongsTo")) or use.given.indexName then return end
  keys.add_index(use.related, ("gsi-%s.%s"):format(use.m.name, use.field.name), list)
end

local function has_many(use)
  use.child, use.kinds = use.related, { "belongsTo" }
  local list
  if use.given.references then
    check_references(use)
    list = use.given.references
  elseif use.given.fields then
    list = { indexed_field(use) }
  else
    list = foreign_names(use.m, use.field, use.m)
    add_foreign(use.related, list, use.m, true)
  end
  imply_index(use, list)
  return { connectionType = "HAS_MANY", associatedWith = list }
end

local function has_one(use)
  use.child, use.kinds = use.related, { "belongsTo" }
  if use.given.references then
    check_references(use)
    return { connectionType = "HAS_ONE", associatedWith = use.given.references }
  end
  local list = use.given.fields or foreign_names(use.m, use.field, use.related)
  add_foreign(use.m, list, use.related, use.field.is_nullable)
  return { connectionType = "HAS_ONE", associatedWith = use.related.key, targetNames = list }
end

-- The first field there that this model is one of.
local function owner_of(use)
  for _, field in ipairs(use.related.fields) do
    local is_owner = (keys.has(field, "hasOne") and not field.is_list) or (keys.has(field, "hasMany") and field.is_list)
    if field.type == use.m.name and is_owner then return field end
  end
  fault.at(use.directive.loc, "'%s.%s' belongs to '%s', which has no @hasOne or @hasMany field of type '%s'", use.m.name,
    use.field.name, use.related.name, use.m.name)
end

local function belongs_to(use)
  local owner = owner_of(use)
  use.child, use.kinds = use.m, { "hasOne", "hasMany" }
  if use.given.references then check_references(use) end
  local list = use.given.fields or use.given.references
  if not list and owner.is_list then list = foreign_names(use.related, owner, use.related) end
  list = list or foreign_names(use.m, use.field, use.related)
  add_foreign(use.m, list, use.related, use.field.is_nullable)
  return { connectionType = "BELONGS_TO", targetNames = list }
end

local READERS = { hasMany = has_many, hasOne = has_one, belongsTo = belongs_to }

local function read_field(world, m, field)
  for _, directive in ipairs(field.directives) do
    local read = READERS[directive.name]
    if read then
      local related = world.models[field.type]
      if not related then
        fault.at(directive.loc, "@%s of '%s.%s' needs a model: type '%s' has no @model", directive.name, m.name, field.name, field.type)
      elseif field.is_list ~= (directive.name == "hasMany") then
        fault.at(directive.loc, "@%s of '%s.%s' %s", directive.name, m.name, field.name,
          field.is_list and "cannot be a list: use @hasMany" or "must be a list: use @hasOne")
      end
      local given = world:arguments(directive)
      if given.fields and given.references then
        fault.at(directive.loc, "@%s takes 'fields' or 'references', not both", directive.name)
      end
      field.association = read({ world = world, m = m, field = field, related = related, directive = directive, given = given })
    end
  end
end

---Associates the fields of all models.
---@param world appsync.models.SdlWorld
function relations.read(world)
  for _, m in ipairs(world.list) do
    for _, field in ipairs(m.fields) do read_field(world, m, field) end
  end
end

return relations
