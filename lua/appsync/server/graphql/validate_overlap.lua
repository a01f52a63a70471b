---Fields with one response key must be the same field (rule OverlappingFieldsCanBeMerged, section 5.3.2).
---
---The rule speaks of pairs of fields. Here all fields that make one place of an answer are collected together, and each is
---compared with the first of its key: "same name and arguments" and "same shape" are equivalences, so no pair is missed.
---A place of fields that were together before is not looked at again. What fragments can multiply even so is counted in
---collected fields, in one budget for the whole document.
local schema = require "appsync.server.graphql.schema"
local validate_values = require "appsync.server.graphql.validate_values"

local validate_overlap = {}

---@class appsync.server.OverlapEntry a field of the document; it always stands in the same type
---@field node appsync.ast.Field
---@field number integer
---@field parent appsync.server.Type?
---@field field appsync.server.Field?
---@field named appsync.server.Type? the type that its selection set is for
---@field arguments_text string?

---@class appsync.server.OverlapState of one document
---@field entries table<appsync.ast.Field, appsync.server.OverlapEntry>
---@field n_entries integer
---@field reported table<appsync.ast.Field, true>
---@field identical table places that were looked at, of fields that meet in one object
---@field shapes table the same, of fields that may exclude each other

local function entry_of(v, parent, node)
  local state = v.overlap
  local entry = state.entries[node]
  if not entry then
    local field = v:field_of(parent, node.name)
    state.n_entries = state.n_entries + 1
    entry = { node = node, number = state.n_entries, parent = parent, field = field, named = field and schema.named(field.type) }
    state.entries[node] = entry
  end
  return entry
end

local function collect(v, parent, selections, out)
  v:spend(#selections)
  for _, node in ipairs(selections) do
    if node.kind == "Field" then
      local key = node.alias or node.name
      local group = out.by_key[key]
      if not group then
        group = { key = key }
        out.by_key[key], out.groups[#out.groups + 1] = group, group
      end
      group[#group + 1] = entry_of(v, parent, node)
    elseif node.kind == "InlineFragment" then
      collect(v, node.typeCondition and v.schema.types[node.typeCondition] or parent, node.selectionSet, out)
    elseif v.fragments[node.name] and not out.visited[node.name] then
      out.visited[node.name] = true
      local fragment = v.fragments[node.name]
      collect(v, v.schema.types[fragment.typeCondition], fragment.selectionSet, out)
    end
  end
end

-- The fields that the selection sets of these fields select together, by response key.
local function collect_all(v, entries)
  local out = { by_key = {}, groups = {}, visited = {} }
  for _, entry in ipairs(entries) do collect(v, entry.named, entry.node.selectionSet, out) end
  return out.groups
end

local function arguments_text(entry)
  if not entry.arguments_text then
    local parts = {}
    for i, argument in ipairs(entry.node.arguments) do
      parts[i] = argument.name .. ":" .. validate_values.text(argument.value)
    end
    table.sort(parts)
    entry.arguments_text = table.concat(parts, ",")
  end
  return entry.arguments_text
end

-- SameResponseShape for the wrappers and leaves; selection sets are compared where they are collected.
local function same_shape(a, b)
  if a.kind == "NON_NULL" or b.kind == "NON_NULL" or a.kind == "LIST" or b.kind == "LIST" then
    return a.kind == b.kind and same_shape(a.of, b.of)
  end
  if schema.is_composite(a) and schema.is_composite(b) then return true end
  return a == b
end

local function report(v, first, other, message)
  if v.overlap.reported[other.node] then return end
  v.overlap.reported[other.node] = true
  v:add("FieldsConflict", message, first.node.loc, other.node.loc)
end

local function is_same_field(v, key, first, other)
  if first.node.name ~= other.node.name then
    report(v, first, other, ("%s: %s and %s are different fields"):format(key, first.node.name, other.node.name))
    return false
  elseif #first.node.arguments + #other.node.arguments > 0 and arguments_text(first) ~= arguments_text(other) then
    report(v, first, other, ("%s: they have differing arguments"):format(key))
    return false
  end
  return true
end

local function is_same_shape(v, key, first, other)
  if not first.field or not other.field or same_shape(first.field.type, other.field.type) then return true end
  report(v, first, other, ("%s: they return differing types %s and %s"):format(key, schema.type_text(first.field.type),
    schema.type_text(other.field.type)))
  return false
end

local function is_of_object(entry)
  return entry.parent ~= nil and entry.parent.kind == "OBJECT"
end

local function begin_list(v, general)
  local list = {}
  v:spend(#general)
  for i, entry in ipairs(general) do list[i] = entry end
  return list
end

-- Fields of different object types never meet in one object; those of an interface or union meet each of them.
local function by_object_type(v, group)
  local general, lists, by_type = {}, {}, {}
  for _, entry in ipairs(group) do
    if not is_of_object(entry) then
      v:spend(#lists)
      for _, list in ipairs(lists) do list[#list + 1] = entry end
      general[#general + 1] = entry
    else
      local list = by_type[entry.parent]
      if not list then
        list = begin_list(v, general)
        by_type[entry.parent], lists[#lists + 1] = list, list
      end
      list[#list + 1] = entry
    end
  end
  return #lists > 0 and lists or { general }
end

-- Whether these fields were a place before, whatever their order. A tree of numbers: Lua 5.1 makes one hash of many long
-- texts that are alike, so they are no keys.
local function is_seen(seen, entries)
  local numbers, place = {}, seen
  for i, entry in ipairs(entries) do numbers[i] = entry.number end
  table.sort(numbers)
  for _, number in ipairs(numbers) do
    place[number] = place[number] or {}
    place = place[number]
  end
  local was_seen = place.is_end
  place.is_end = true
  return was_seen
end

-- Those that are like the first and select something are a place of the next level.
local function compare(v, work, key, list, is_same)
  local inner = {}
  for i, entry in ipairs(list) do
    if (i == 1 or is_same(v, key, list[1], entry)) and entry.node.selectionSet then inner[#inner + 1] = entry end
  end
  if #inner > 0 and not is_seen(work.seen, inner) then work[#work + 1] = inner end
end

-- Level by level: fragments can be nested deeper than a call stack is.
local function walk(v, seen, root, step)
  local work, at = { seen = seen, root }, 1
  while work[at] do
    for _, group in ipairs(collect_all(v, work[at])) do step(v, work, group) end
    work[at], at = false, at + 1
  end
end

local function compare_fields(v, work, group)
  for _, list in ipairs(by_object_type(v, group)) do compare(v, work, group.key, list, is_same_field) end
end

local function compare_shapes(v, work, group)
  compare(v, work, group.key, group, is_same_shape)
end

---Checks one operation, fragments included. Expects a document whose fragments form no circle.
---@param v appsync.server.Validator
---@param operation appsync.ast.OperationDefinition
---@param root appsync.server.Type?
function validate_overlap.check(v, operation, root)
  v.overlap = v.overlap or { entries = {}, n_entries = 0, reported = {}, identical = {}, shapes = {} }
  local whole = { { node = operation, named = root } }
  walk(v, v.overlap.identical, whole, compare_fields)
  walk(v, v.overlap.shapes, whole, compare_shapes)
end

return validate_overlap
