---The optimistic response of a mutation, from what it was given: its item has the variables' values, then what is cached of
---it, and `appsync.null` where nobody knows.
local core = require "appsync.core"
local document = require "appsync.document"
local json = require "appsync.json"
local local_cache = require "appsync.client.local_cache"

local mutation_expected = {}

local null = json.null

local function response_key(field)
  return field.alias or field.name
end

-- The operation, and the fragments by name.
local function parts_of(parsed, operation_name)
  local found, fragments = nil, {}
  for _, definition in ipairs(core.parse(tostring(parsed)).definitions) do
    if definition.kind == "FragmentDefinition" then
      fragments[definition.name] = definition
    elseif (definition.name or "") == operation_name then
      found = definition
    end
  end
  return found, fragments
end

local function field_of(operation, key)
  for _, selection in ipairs(operation.selectionSet) do
    if selection.kind == "Field" and response_key(selection) == key then return selection end
  end
end

-- The fragments that selections include, whatever includes them.
local function note_included(selections, fragments, noted)
  for _, selection in ipairs(selections or {}) do
    local fragment = selection.kind == "FragmentSpread" and fragments[selection.name]
    if fragment and not noted[selection.name] then
      noted[selection.name] = true
      note_included(fragment.selectionSet, fragments, noted)
    elseif selection.kind ~= "FragmentSpread" then
      note_included(selection.selectionSet, fragments, noted)
    end
  end
end

-- A fragment with the same selection, by which the record is read.
local function fragment_text(selections, fragments, typename)
  local name, included, definitions = "Cached", {}, {}
  while fragments[name] do name = name .. "_" end
  definitions[1] = {
    kind = "FragmentDefinition", name = name, typeCondition = typename, directives = {}, selectionSet = selections,
  }
  note_included(selections, fragments, included)
  for included_name in pairs(included) do definitions[#definitions + 1] = fragments[included_name] end
  return core.print{ kind = "Document", definitions = definitions }
end

-- What is cached of the item, complete or not.
local function read_cached(self, item)
  local cache = self.client and local_cache.of(self.client, self.where)
  local key = cache and cache:identify(item)
  local text = key and fragment_text(self.field.selectionSet, self.fragments, item.__typename)
  if not text then return nil end
  local data, rest = cache:read_fragment(key, text, self.variables)
  if data == nil and type(rest) == "table" and rest.partial then data = rest.data end
  return type(data) == "table" and data or nil
end

local fill

-- An object of which fields are selected, or a list of them.
local function completed(self, selections, value, is_cached)
  if type(value) ~= "table" then return value end
  if getmetatable(value) == core.array_mt or value[1] ~= nil then
    local list = json.array()
    for i, item in ipairs(value) do list[i] = completed(self, selections, item, is_cached) end
    return list
  end
  -- Which record it is can't be told without its type.
  if value.__typename == nil and (value.id ~= nil or value._id ~= nil) then return null end
  local object = { __typename = value.__typename }
  fill(self, object, selections, not is_cached and value or {}, is_cached and value or {})
  return object
end

local function value_of(self, field, given, cached)
  local value, is_cached = given[field.name], false
  if value == nil then value, is_cached = cached[response_key(field)], true end
  if value == nil then return null end
  return field.selectionSet and completed(self, field.selectionSet, value, is_cached) or value
end

-- What is selected under a condition too: where that doesn't hold it is left out later.
fill = function(self, object, selections, given, cached)
  for _, selection in ipairs(selections or {}) do
    if selection.kind == "Field" then
      local key = response_key(selection)
      if selection.name ~= "__typename" and (object[key] == nil or selection.selectionSet or key ~= selection.name) then
        object[key] = value_of(self, selection, given, cached)
      elseif selection.name == "__typename" then
        object[key] = object.__typename
      end
    else
      local fragment = selection.kind == "FragmentSpread" and self.fragments[selection.name] or selection
      fill(self, object, fragment.selectionSet, given, cached)
    end
  end
end

---@class appsync.MutationExpected
---@field client appsync.Client? whose cache may know the item; nil: it keeps nothing
---@field document appsync.Document
---@field operation appsync.core.Operation of the document
---@field variables table
---@field where string
---@field fields table values of the item's fields, with its __typename

---@param given appsync.MutationExpected
---@return table optimistic_response
function mutation_expected.response(given)
  local key = document.first_field(given.operation)
  local operation, fragments = parts_of(given.document, given.operation.name)
  local self = {
    client = given.client, where = given.where, variables = given.variables, fragments = fragments,
    field = field_of(operation, key),
  }
  local item = json.copy(given.fields)
  if self.field.selectionSet then
    fill(self, item, self.field.selectionSet, given.fields, read_cached(self, given.fields) or {})
  end
  local response = { __typename = "Mutation" }
  for i, other in ipairs(given.operation.root_fields) do
    response[other] = given.operation.root_names[i] == "__typename" and "Mutation" or null
  end
  response[key] = item
  return response
end

return mutation_expected
