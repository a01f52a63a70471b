---The inputs of a model's mutations, and of the objects inside it (Amplify documentation, "Generated operations").
local filters = require "appsync.server.transform.generating.filters"
local key_directives = require "appsync.server.transform.reading.key_directives"
local names = require "appsync.schema.names"
local sdl_nodes = require "appsync.schema.sdl_nodes"

local inputs = {}

---A type expression as an input has it: objects are replaced by their inputs.
---@param world appsync.server.Survey
---@param node appsync.ast.Type
---@return string
function inputs.type_text(world, node)
  local name, text = sdl_nodes.named(node), sdl_nodes.text(node)
  if world.objects[name] then text = text:gsub("[%a_][%w_]*", names.upper_first(name) .. "Input") end
  return text
end

local function is_writable(field)
  return field.kind == "scalar" or field.kind == "enum" or field.kind == "object"
end

local function bare(text)
  return (text:gsub("!$", ""))
end

---Returns whether a field may be one that the server writes the time to.
---@param field appsync.server.ModelField
---@return boolean
function inputs.can_hold_time(field)
  return not field.is_list and (field.named == "String" or field.named == "AWSDateTime")
end

-- What the server fills in where a create leaves it out. The second version says so of createdAt and updatedAt even where
-- the times are kept under other names, or not at all.
local function is_generated(m, field)
  local is_first = m.transformer == 1
  local is_text = field.named == "ID" or not is_first and field.named == "String"
  if field.name == "id" then return is_text and not field.is_list end
  local is_stamp = field.name == m.created_at or field.name == m.updated_at
    or not is_first and (field.name == "createdAt" or field.name == "updatedAt")
  return is_stamp and inputs.can_hold_time(field)
end

-- Fields that clients may write: declared ones, and the keys of other models that relations put here.
local function each_writable(m, visit)
  for _, field in ipairs(m.fields) do
    if (field.is_declared or field.is_foreign) and is_writable(field) then visit(field) end
  end
end

-- The version that a client knows of what it changes.
local function add_version(lines, m)
  if m.conflict then lines[#lines + 1] = "_version: Int" end
end

-- Whether inputs have an id that the type hasn't declared.
local function has_implied_id(m)
  return not m.key.is_custom and not m.field_by_name.id.is_declared
end

local function create_input(world, m)
  local lines, foreign = {}, {}
  each_writable(m, function(field)
    local text = inputs.type_text(world, field.type)
    if field.is_declared and is_generated(m, field) then text = bare(text) end
    if not (m.versioned and m.versioned.field == field.name) then
      table.insert(field.is_declared and lines or foreign, ("%s: %s"):format(field.name, text))
    end
  end)
  if has_implied_id(m) then lines[#lines + 1] = "id: ID" end
  add_version(lines, m)
  for _, line in ipairs(foreign) do lines[#lines + 1] = line end
  return lines
end

local function update_input(world, m)
  local lines, foreign = {}, {}
  each_writable(m, function(field)
    local text = bare(inputs.type_text(world, field.type))
    local is_required = key_directives.holds(m, field.name)
    table.insert(field.is_declared and lines or foreign, ("%s: %s%s"):format(field.name, text, is_required and "!" or ""))
  end)
  if has_implied_id(m) then lines[#lines + 1] = "id: ID!" end
  if m.versioned then lines[#lines + 1] = m.versioned.input .. ": Int!" end
  add_version(lines, m)
  for _, line in ipairs(foreign) do lines[#lines + 1] = line end
  return lines
end

---A model's key as arguments or fields of an input that tell which item is meant: "id: ID!".
---@param m appsync.server.Model
---@return string[] lines
function inputs.key_lines(m)
  -- An id is an ID to clients, even where the type has it as a String.
  if not m.key.is_custom then return { "id: ID!" } end
  local lines = {}
  for i, name in ipairs(key_directives.fields(m.key)) do lines[i] = ("%s: %s!"):format(name, m.field_by_name[name].named) end
  return lines
end

local function delete_input(m)
  local lines = inputs.key_lines(m)
  if m.versioned then lines[#lines + 1] = m.versioned.input .. ": Int!" end
  add_version(lines, m)
  return lines
end

---The input of an object that is no model.
---@param world appsync.server.Survey
---@param name string
---@return string sdl
function inputs.object(world, name)
  local lines = {}
  for _, node in ipairs(world.objects[name].fields) do
    if is_writable({ kind = world:kind_of(sdl_nodes.named(node.type)) }) then
      lines[#lines + 1] = ("%s: %s"):format(node.name, inputs.type_text(world, node.type))
    end
  end
  return filters.input(names.upper_first(name) .. "Input", lines)
end

---The inputs of a model's mutations, those that it has.
---@param world appsync.server.Survey
---@param m appsync.server.Model
---@return string[] sdl
function inputs.mutations(world, m)
  local parts, name = {}, names.upper_first(m.name)
  if m.ops.create then parts[#parts + 1] = filters.input(("Create%sInput"):format(name), create_input(world, m)) end
  if m.ops.update then parts[#parts + 1] = filters.input(("Update%sInput"):format(name), update_input(world, m)) end
  if m.ops.delete then parts[#parts + 1] = filters.input(("Delete%sInput"):format(name), delete_input(m)) end
  return parts
end

return inputs
