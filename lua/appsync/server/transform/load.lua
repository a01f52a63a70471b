--- The type system of a schema's text: parsed, checked, expanded, built and validated.
local definitions = require("appsync.server.transform.definitions")
local directives = require("appsync.server.graphql.directives")
local introspect = require("appsync.server.graphql.introspect")
local model = require("appsync.server.transform.model")
local schema = require("appsync.server.graphql.schema")
local validate_schema = require("appsync.server.graphql.validate_schema")

local builtin

local function builtin_documents()
  builtin = builtin or {
    served = { assert(schema.parse(introspect.SDL)), assert(schema.parse(directives.SDL)) },
    amplify = assert(schema.parse(definitions.SDL)),
  }
  return builtin
end

local function build(document, options)
  local documents = builtin_documents()
  local ok, err = directives.check(document, { documents.served[2], documents.amplify }, definitions.UNSUPPORTED)
  if not ok then return nil, err end
  local models, why = model.expand(document, options)
  if not models then return nil, why end
  local s, fault = schema.build(document, documents.served)
  if not s then return nil, fault end
  introspect.attach(s)
  ok, err = validate_schema.check(s)
  if not ok then return nil, err end
  return s, models
end

---@class appsync.server.LoadOptions
---@field modes {default: string?, additional: string[]?}? of authorization; without a default, rules of every mode are taken

--- Loads a schema.
---@param text string SDL
---@param options appsync.server.LoadOptions?
---@return appsync.server.Schema? schema, appsync.server.Models|appsync.server.SchemaError models_or_err
return function(text, options)
  local document, err = schema.parse(text)
  if not document then return nil, err end
  return build(document, options or {})
end
