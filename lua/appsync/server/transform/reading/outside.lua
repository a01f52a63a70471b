---Directives of models where there is no model: they would do nothing, so they are refused.
local definitions = require "appsync.schema.definitions"
local directives = require "appsync.schema.directives"

local fail = directives.fail

local outside = {}

---Refuses what belongs to models on everything else. @auth has places of its own.
---@param world appsync.server.Survey
---@return true? ok, appsync.server.SchemaError? err
function outside.check(world)
  for _, node in ipairs(world.document.definitions) do
    local is_model = world.models[node.name or ""] ~= nil
    for _, directive in ipairs(not is_model and node.directives or {}) do
      if definitions.OF_TYPES[directive.name] and world.reader.definitions[directive.name] then
        return fail(directive.loc, "directive @%s is only for types with @model, and '%s' has none", directive.name, node.name)
      end
    end
    for _, field in ipairs(not is_model and node.fields or {}) do
      for _, directive in ipairs(field.directives or {}) do
        if definitions.OF_FIELDS[directive.name] then
          return fail(directive.loc, "directive @%s is only for fields of types with @model, and '%s' has none", directive.name,
            node.name)
        end
      end
    end
  end
  return true
end

return outside
