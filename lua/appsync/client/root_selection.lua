---The fields that an operation selects at its root, those in fragments too.
local core = require "appsync.core"

local root_selection = {}

---@class appsync.client.RootSelection
---@field names string[] of the fields
---@field keys string[] that they are answered under; a field that is selected twice is there once

-- By operation of a document.
local known = setmetatable({}, { __mode = "k" })

-- The operation's selections, and fragments by name.
local function parts_of(document, name)
  local selections, fragments = {}, {}
  for _, definition in ipairs(core.parse(tostring(document)).definitions) do
    if definition.kind == "FragmentDefinition" then
      fragments[definition.name] = definition
    elseif (definition.name or "") == name then
      selections = definition.selectionSet
    end
  end
  return selections, fragments
end

local function collect(found, selections, fragments, seen)
  for _, selection in ipairs(selections) do
    local key = selection.alias or selection.name
    if selection.kind == "InlineFragment" then
      collect(found, selection.selectionSet, fragments, seen)
    elseif not seen[selection.kind .. key] then
      seen[selection.kind .. key] = true
      if selection.kind == "Field" then
        found.names[#found.names + 1], found.keys[#found.keys + 1] = selection.name, key
      else
        collect(found, fragments[selection.name].selectionSet, fragments, seen)
      end
    end
  end
end

---@param document appsync.Document
---@param operation appsync.core.Operation of the document
---@return appsync.client.RootSelection
function root_selection.of(document, operation)
  local found = known[operation]
  if found then return found end
  found = { names = operation.root_names, keys = operation.root_fields }
  if tostring(document):find("...", 1, true) then
    found = { names = {}, keys = {} }
    local selections, fragments = parts_of(document, operation.name)
    collect(found, selections, fragments, {})
  end
  known[operation] = found
  return found
end

return root_selection
