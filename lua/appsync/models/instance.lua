---Instances: plain tables of fields. What they were made with is kept beside them, so that a change in place is noticed.
local core = require "appsync.core"
local errors = require "appsync.errors"
local fault = require "appsync.models.fault"
local form = require "appsync.models.form"
local json = require "appsync.json"
local values = require "appsync.models.values"

local instance = {}

-- By instance: fields as they were made, fields as they were read or saved, the store's mark.
local states = setmetatable({}, { __mode = "k" })

local METADATA = { _version = true, _lastChangedAt = true, _deleted = true }

local function class_of(value)
  local mt = type(value) == "table" and getmetatable(value)
  return type(mt) == "table" and rawget(mt, "class") or nil
end

---The class of an instance; nil for any other value.
---@param value any
---@return appsync.models.Class?
function instance.class_of(value)
  return states[value] and class_of(value)
end

local function keep(class, fields, base, mark)
  local kept = json.copy(fields)
  local inst = setmetatable(fields, class.meta)
  states[inst] = { made = kept, base = base or nil, mark = mark }
  if base == true then states[inst].base = kept end
  return inst
end

---An instance of a record that a store has read; its fields aren't checked again.
---@param class appsync.models.Class
---@param fields table becomes the instance
---@param mark any the store's own
---@return table instance
function instance.adopt(class, fields, mark)
  return keep(class, fields, true, mark)
end

---@return any mark of `instance.adopt`
function instance.mark(inst)
  return states[inst].mark
end

---Whether nothing was changed in place.
---@param inst table
---@return true? ok, appsync.Error? err of kind "usage", code "changed_in_place"
function instance.check(inst)
  local state, class = states[inst], class_of(inst)
  local changed
  for name, value in pairs(inst) do
    if not values.same(value, state.made[name]) then changed = changed or name end
  end
  for name in pairs(state.made) do
    if rawget(inst, name) == nil then changed = changed or name end
  end
  if changed == nil then return true end
  return nil, errors.new("usage", ("%s.%s was changed in place; change a copy: instance:copy{%s = …}"):format(class.name,
    tostring(changed), tostring(changed)), { code = "changed_in_place" })
end

---Names of the fields that differ from what was read or saved.
---@param inst table
---@return string[]? names sorted; nil: it is new
function instance.changes(inst)
  local base = states[inst].base
  if not base then return nil end
  local names = {}
  for _, name in ipairs(class_of(inst).model.names) do
    if not values.same(rawget(inst, name), base[name]) then names[#names + 1] = name end
  end
  table.sort(names)
  return names
end

---@param inst table
---@return table key its fields by name
function instance.key(inst)
  local key = {}
  for _, name in ipairs(class_of(inst).model.key) do key[name] = rawget(inst, name) end
  return key
end

-- A relation that this model holds the key of, set by an instance.
local function put_relation(class, given, name, value, path)
  local relation = class.model.relations[name]
  if relation.kind == "has_many" or relation.fields[1] == class.model.key[1] then
    fault.of(path, "is set on the other side: by the fields of %s", relation.model)
  end
  local other = value ~= core.null and instance.class_of(value)
  if value ~= core.null and not (other and other.set == class.set and other.name == relation.model) then
    fault.of(path, "must be an instance of %s, got %s", relation.model, (errors.describe(value)))
  end
  for i, field in ipairs(relation.fields) do
    local wanted = core.null
    if other then wanted = rawget(value, relation.targets[i]) end
    if given[field] ~= nil and given[field] ~= wanted then
      fault.of(path, "and \"%s\" say different things; give one of them", field)
    end
    given[field] = wanted
  end
end

-- The fields as they were given, those of relations as foreign keys.
local function plain(class, given, of_copy)
  local fields, relations, m = {}, {}, class.model
  for name, value in pairs(given) do
    if m.fields[name] or (of_copy and METADATA[name]) then
      fields[name] = value
    elseif m.relations[name] then
      relations[name] = value
    elseif METADATA[name] then
      fault.of(class.name .. "." .. name, "is read-only: the service sets it")
    else
      form.unknown(class.name, "field", name, class.known)
    end
  end
  for _, name in ipairs(form.sorted_names(relations)) do
    if of_copy then
      for _, field in ipairs(m.relations[name].fields) do fields[field] = nil end
    end
    put_relation(class, fields, name, relations[name], class.name .. "." .. name)
  end
  return fields
end

local function check_key(class, fields)
  for _, name in ipairs(class.model.key) do
    if fields[name] == "" then fault.of(class.name .. "." .. name, "is a key field and must not be empty") end
  end
end

local function check_relations(class, fields)
  for _, name in ipairs(class.model.relation_names) do
    local relation = class.model.relations[name]
    for _, field in ipairs(relation.required and relation.fields or {}) do
      if fields[field] == nil then fault.of(class.name .. "." .. name, "is required") end
    end
  end
end

local function is_managed(m)
  local id = m.key[1] == "id" and m.fields.id
  return id and (id.type == "ID" or id.type == "String")
end

local function build(class, given)
  if type(given) ~= "table" then fault.raise("%s must be given a table of fields, got %s", class.name, (errors.describe(given))) end
  local m, fields = class.model, {}
  given = plain(class, given)
  if is_managed(m) and (given.id == nil or given.id == core.null) then given.id = core.uuid() end
  for _, name in ipairs(m.names) do
    local field, path = m.fields[name], class.name .. "." .. name
    if field.read_only and given[name] ~= nil and given[name] ~= core.null then fault.of(path, "is read-only: the service sets it") end
    fields[name] = values.read(class.world, field, given[name], path)
  end
  check_key(class, fields)
  check_relations(class, fields)
  return fields
end

---A new instance. Raises a fault for what isn't accepted.
---@param class appsync.models.Class
---@param given table
---@return table instance
function instance.new(class, given)
  return keep(class, build(class, given))
end

local function draft_meta(class)
  return { __newindex = function(t, name, value)
    if not class.known[name] then
      fault.throwing("copy", form.unknown, class.name, "field", name, class.known)
    end
    rawset(t, name, value)
  end }
end

local function change(class, inst, with)
  local draft = {}
  for name, value in pairs(inst) do draft[name] = json.copy(value) end
  if type(with) == "function" then
    with(setmetatable(draft, draft_meta(class)))
    setmetatable(draft, nil)
  else
    for name, value in pairs(with) do draft[name] = value end
  end
  return plain(class, draft, true)
end

local function build_copy(class, inst, with)
  local m, fields = class.model, {}
  local draft = change(class, inst, with)
  for name in pairs(METADATA) do
    if not m.fields[name] then fields[name] = rawget(inst, name) end
  end
  for _, name in ipairs(m.names) do
    local field, path, before = m.fields[name], class.name .. "." .. name, rawget(inst, name)
    local value = draft[name]
    if value == core.null then value = nil end
    if values.same(value, before) then
      fields[name] = value
    elseif field.read_only then
      fault.of(path, "is read-only: the service sets it")
    else
      fields[name] = values.read(class.world, field, value, path)
    end
  end
  for _, name in ipairs(m.key) do
    if fields[name] ~= rawget(inst, name) then fault.of(class.name .. "." .. name, "is a key field: a copy can't change it") end
  end
  check_relations(class, fields)
  return fields
end

---A copy with changes.
---@param inst table
---@param with table|function
---@return table instance
function instance.copy(inst, with)
  local class, state = class_of(inst), states[inst]
  if type(with) ~= "table" and type(with) ~= "function" then
    errors.misuse("%s: copy takes a table of fields or a function, got %s", class.name, (errors.describe(with)))
  end
  local fields = fault.throwing("copy", build_copy, class, inst, with)
  return keep(class, fields, state.base, state.mark)
end

return instance
