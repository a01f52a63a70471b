---What a query or a subscription of a delta sync asks of each record: of a root field that is a connection the fields of its
---`items`, else its own. Fields of fragments count like all others.
local core = require "appsync.core"
local updates = require "appsync.updates"

local record_selection = {}

---@class appsync.client.RecordSelection
---@field roots string[] the names of the root fields
---@field fields table<string, table> of a record, by name: each has its own in the same form, none for a leaf
---@field own table<string, true> those that are answered under their own name
---@field root_key string? under which the first root field is answered
---@field items_key string? and the list in it; nil: it is no connection
---@field selects_token boolean the root field's `nextToken`
---@field used table<string, true> variables
---@field given table<string, string> which variable an argument of the root field takes, by the argument's name, or that of a
---member of an input object

-- The operation, and fragments by name.
local function parts_of(document, name)
  local operation, fragments = nil, {}
  for _, definition in ipairs(core.parse(tostring(document)).definitions) do
    if definition.kind == "FragmentDefinition" then
      fragments[definition.name] = definition
    elseif (definition.name or "") == name then
      operation = definition
    end
  end
  return operation, fragments
end

-- Calls `fn` with each field of a selection set, those in fragments too.
local function each_field(selections, fragments, fn)
  for _, selection in ipairs(selections) do
    if selection.kind == "Field" then
      fn(selection)
    elseif selection.kind == "InlineFragment" then
      each_field(selection.selectionSet, fragments, fn)
    else
      each_field(fragments[selection.name].selectionSet, fragments, fn)
    end
  end
end

local function note_variables(value, used)
  if value.kind == "Variable" then used[value.name] = true end
  for _, member in next, value do
    if type(member) == "table" then note_variables(member, used) end
  end
end

local function add_fields(into, selections, fragments, used)
  each_field(selections, fragments, function(field)
    if field.arguments[1] then note_variables(field.arguments, used) end
    if field.directives[1] then note_variables(field.directives, used) end
    if field.name == "__typename" then return end
    into[field.name] = into[field.name] or {}
    if field.selectionSet then add_fields(into[field.name], field.selectionSet, fragments, used) end
  end)
end

local function note_own(own, selections, fragments)
  each_field(selections, fragments, function(field)
    if field.name ~= "__typename" and (field.alias == nil or field.alias == field.name) then own[field.name] = true end
  end)
end

local function note_given(given, name, value)
  if value.kind == "Variable" then
    given[name] = given[name] or value.name
  elseif value.kind == "ObjectValue" then
    for _, member in ipairs(value.fields) do note_given(given, member.name, member.value) end
  end
end

-- The items of a connection; nil: it is none.
local function items_of(root, fragments)
  local found
  each_field(root.selectionSet or {}, fragments, function(field)
    if field.name == "items" and field.selectionSet then found = field end
  end)
  return found
end

local function add_root(found, root, fragments)
  for _, argument in ipairs(root.arguments) do note_given(found.given, argument.name, argument.value) end
  local items, all = items_of(root, fragments), {}
  found.root_key, found.items_key = root.alias or root.name, items and (items.alias or items.name)
  add_fields(all, { root }, fragments, found.used)
  local of_root = all[root.name]
  found.selects_token, found.fields = of_root.nextToken ~= nil, items and of_root.items or of_root
  note_own(found.own, (items or root).selectionSet or {}, fragments)
end

local function find(document, operation)
  local definition, fragments = parts_of(document, operation.name)
  local found = { roots = {}, fields = {}, own = {}, used = {}, given = {}, selects_token = false }
  local first
  each_field(definition.selectionSet, fragments, function(field)
    if field.name == "__typename" then return end
    first = first or field
    found.roots[#found.roots + 1] = field.name
  end)
  if first then add_root(found, first, fragments) end
  return found
end

-- By document and name: the table for `client:sync` is checked when it is made, and again when it is used.
local known = setmetatable({}, { __mode = "k" })

---@param document appsync.Document
---@param operation appsync.core.Operation of the document
---@return appsync.client.RecordSelection of the first root field; not to be changed
function record_selection.of(document, operation)
  local of_document = known[document] or {}
  known[document] = of_document
  local found = of_document[operation.name] or find(document, operation)
  of_document[operation.name] = found
  return found
end

local function add_missing(missing, wanted, given, prefix)
  local names = {}
  for name in pairs(wanted) do names[#names + 1] = name end
  table.sort(names)
  for _, name in ipairs(names) do
    if given[name] == nil then
      missing[#missing + 1] = prefix .. name
    else
      add_missing(missing, wanted[name], given[name], prefix .. name .. ".")
    end
  end
end

---The records in data that was selected so.
---@param selection appsync.client.RecordSelection
---@param data any
---@return table[] records
function record_selection.records(selection, data)
  local value = type(data) == "table" and data[selection.root_key] or nil
  if type(value) == "table" and selection.items_key then value = value[selection.items_key] end
  if type(value) ~= "table" then return {} end
  local list, records = updates.is_list(value) and value or { value }, {}
  for _, record in ipairs(list) do
    if type(record) == "table" then records[#records + 1] = record end
  end
  return records
end

---The fields of one selection that another one lacks.
---@param wanted appsync.client.RecordSelection
---@param given appsync.client.RecordSelection
---@return string[] paths such as "author.name"
function record_selection.missing(wanted, given)
  local missing = {}
  add_missing(missing, wanted.fields, given.fields, "")
  return missing
end

return record_selection
