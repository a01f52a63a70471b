---Parts of a schema's syntax tree: type expressions as text and back, and new fields.
local sdl_nodes = {}

---A type expression as text: "[Todo!]!".
---@param node appsync.ast.Type
---@return string
function sdl_nodes.text(node)
  if node.kind == "NonNullType" then return sdl_nodes.text(node.type) .. "!" end
  if node.kind == "ListType" then return "[" .. sdl_nodes.text(node.type) .. "]" end
  return node.name
end

---The name under all wrappers.
---@param node appsync.ast.Type
---@return string
function sdl_nodes.named(node)
  while node.type do node = node.type end
  return node.name
end

---Without the outermost "!".
---@param node appsync.ast.Type
---@return appsync.ast.Type
function sdl_nodes.nullable(node)
  return node.kind == "NonNullType" and node.type or node
end

---@param node appsync.ast.Type
---@return boolean
function sdl_nodes.is_list(node)
  return sdl_nodes.nullable(node).kind == "ListType"
end

---"[Todo!]!" as a syntax tree.
---@param text string
---@param loc appsync.ast.Loc?
---@return appsync.ast.Type
function sdl_nodes.type(text, loc)
  local inner = text:match("^(.*)!$")
  if inner then return { kind = "NonNullType", type = sdl_nodes.type(inner, loc), loc = loc } end
  inner = text:match("^%[(.*)%]$")
  if inner then return { kind = "ListType", type = sdl_nodes.type(inner, loc), loc = loc } end
  return { kind = "NamedType", name = text, loc = loc }
end

---A field of an object type.
---@param name string
---@param type_text string
---@param loc appsync.ast.Loc?
---@return table
function sdl_nodes.field(name, type_text, loc)
  return { kind = "FieldDefinition", name = name, arguments = {}, directives = {}, loc = loc, type = sdl_nodes.type(type_text, loc) }
end

---An argument of a field.
function sdl_nodes.argument(name, type_text, loc)
  return { kind = "InputValueDefinition", name = name, directives = {}, loc = loc, type = sdl_nodes.type(type_text, loc) }
end

---A directive with no arguments.
function sdl_nodes.directive(name, loc)
  return { kind = "Directive", name = name, arguments = {}, loc = loc }
end

---Directives as text, each after a space.
---@param list string[]?
---@return string
function sdl_nodes.directives_text(list)
  local parts = {}
  for i, name in ipairs(list or {}) do parts[i] = " @" .. name end
  return table.concat(parts)
end

return sdl_nodes
