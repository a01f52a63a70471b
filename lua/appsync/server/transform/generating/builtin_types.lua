---Types that a schema may use without declaring them: S3Object and its input, which stand for a file in a bucket (AWS
---AppSync SDK documentation, "Complex objects").
local schema = require "appsync.server.graphql.schema"
local sdl_nodes = require "appsync.schema.sdl_nodes"

local builtin_types = {}

local TYPES = {
  { name = "S3Object", sdl = "type S3Object { bucket: String! key: String! region: String! }" },
  { name = "S3ObjectInput", sdl = "input S3ObjectInput { bucket: String! key: String! region: String! }" },
}

local function collect(list, names)
  for _, field in ipairs(list or {}) do
    if field.type then names[sdl_nodes.named(field.type)] = true end
    collect(field.arguments, names)
  end
end

---Adds those that are used and not declared to a document.
---@param document appsync.ast.Document
function builtin_types.add(document)
  local used, declared = {}, {}
  for _, node in ipairs(document.definitions) do
    if node.name then declared[node.name] = true end
    collect(node.fields, used)
  end
  for _, type_ in ipairs(TYPES) do
    if used[type_.name] and not declared[type_.name] then
      table.insert(document.definitions, assert(schema.parse(type_.sdl)).definitions[1])
    end
  end
end

return builtin_types
