---The type system of a schema's text: parsed, checked, expanded, built and validated.
local definitions = require "appsync.schema.definitions"
local directives = require "appsync.schema.directives"
local introspect = require "appsync.server.graphql.introspect"
local model = require "appsync.server.transform.model"
local plugin_api = require "appsync.server.transform.plugin_api"
local plugins = require "appsync.server.transform.plugins"
local schema = require "appsync.server.graphql.schema"
local validate_schema = require "appsync.server.graphql.validate_schema"

local fail = directives.fail

local builtin

local function builtin_documents()
  builtin = builtin or { served = { assert(schema.parse(introspect.SDL)), assert(schema.parse(directives.SDL)) } }
  return builtin
end

-- The definitions of Amplify's directives, but of those that plug-ins have.
local function amplify_documents(own)
  local documents = {}
  for i, text in ipairs(definitions.all(own)) do documents[i] = assert(schema.parse(text)) end
  return documents
end

-- Whether each directive is known, in its place and with its arguments.
local function checker(sources, unsupported)
  return function(document) return directives.check(document, sources, unsupported) end
end

local function expand(document, options, first_line)
  local documents, list = builtin_documents(), options.transforms or {}
  local own = plugins.names(list)
  local sources, amplify = { documents.served[2] }, amplify_documents(own)
  for _, source in ipairs(amplify) do sources[#sources + 1] = source end
  for _, source in ipairs(plugins.documents(list)) do sources[#sources + 1] = source end
  local check = checker(sources, plugins.unsupported(list))
  local ok, err = check(document)
  if not ok then return nil, err end
  directives.join_repeated(document)
  local run, why = plugins.run(list, document, check)
  if not run then return nil, why end
  local models, problem = model.expand(document, {
    modes = options.modes, conflict = options.conflict, first_line = first_line, transformer = options.transformer,
    definitions = amplify,
  })
  if not models then return nil, problem end
  ok, err = plugins.finish(run, document, models, checker({ documents.served[2] }, definitions.UNSUPPORTED))
  if not ok then return nil, err end
  return models
end

-- What is wrong with something that was generated is told at what it was made of.
local function placed(err, models, first_line)
  if not err.line or err.line < first_line or not models.generated then return err end
  local _, moved = fail(models.generated:origin(err.line), "%s", (err.message:gsub(" %(line %d+, column %d+%)$", "")))
  if err.others then
    moved.others = {}
    for i, other in ipairs(err.others) do moved.others[i] = placed(other, models, first_line) end
  end
  return moved
end

local function build(document, options, first_line)
  local models, why = expand(document, options, first_line)
  if not models then return nil, why end
  local s, err = schema.build(document, builtin_documents().served)
  local ok = s
  if ok then
    introspect.attach(s)
    ok, err = validate_schema.check(s)
  end
  if ok then ok, err = plugin_api.check(models, s) end
  if not ok then return nil, placed(err, models, first_line) end
  return s, models
end

---@class appsync.server.Transformer which of Amplify's transformers a schema is for
---@field version 1|2? default: what its directives tell
---@field fallback 1? the version where they tell nothing; nil: the second
---@field because string? what says so, for messages
---@field flags table<string, boolean>? those that differ from the present transformer's

---@class appsync.server.LoadOptions
---@field modes {default: string?, additional: string[]?}? of authorization; without a default, rules of every mode are taken
---@field transforms appsync.server.Plugin[]? the user's own directives
---@field transformer appsync.server.Transformer?
---@field conflict appsync.server.ConflictSettings? which models are versioned; nil: none

---Loads a schema.
---@param text string SDL
---@param options appsync.server.LoadOptions?
---@return appsync.server.Schema? schema, appsync.server.Models|appsync.server.SchemaError models_or_err
return function(text, options)
  local document, err = schema.parse(text)
  if not document then return nil, err end
  local _, n_lines = text:gsub("\n", "")
  return build(document, options or {}, n_lines + 2)
end
