---Options of `appsync serve`: schema and resolvers.
local auth_options = require "appsync.cli.serve.auth_options"
local printable = require "appsync.printable"
local resolver_failures = require "appsync.server.resolver_failures"
local status = require "appsync.cli.status"

---@type appsync.cli.Group
local schema_options = {
  title = "Schema and resolvers",
  options = {
    { name = "resolvers", value = "FILE.lua", help = "resolvers of custom fields, an authorizer, conflict handlers" },
    { name = "transform", value = "FILE.lua", help = "implements a directive of your own", is_list = true },
    {
      name = "transformer",
      value = "1|2",
      help = "Amplify's transformer to follow; default: from amplify/cli.json,\nelse from the schema's directives",
      choices = { "1", "2" },
    },
    { name = "print-schema", help = "print the complete schema and exit" },
  },
}

-- Answered at once, and kept: what a trace tells needs no second telling.
local function failure_teller(options)
  return function(failure)
    local text = resolver_failures.describe(failure)
    if not (options.tracer and options.tracer:failed(text)) then
      options.say(text .. "\n")
    end
  end
end

local ORDINALS = { "first", "second" }

-- What decided.
local function reason(found, given)
  if given and given.version then
    return given.because
  elseif found.sign then
    return "the schema has " .. found.sign
  elseif given and given.fallback == found.version then
    return given.because
  end
  return "no directive is specific to one; --transformer 1 selects the first"
end

---Names the version of Amplify's transformer in use, and the reason for it.
---@param models appsync.server.Models
---@param options appsync.server.Options
function schema_options.tell_transformer(models, options)
  local found = models.transformer
  if #models > 0 and found then
    options.say(("note: models follow Amplify's %s transformer: %s\n"):format(ORDINALS[found.version],
      printable.escaped(reason(found, options.transformer))))
  end
end

local TRANSFORM = "To implement a directive of your own, use --transform FILE.lua; see docs/server.md.\n"

---Returns lines that help with a mistake in the schema.
---@param err appsync.server.SchemaError
---@return string lines "" when there are none
function schema_options.hints(err)
  local has_unknown = err.unknown_directive ~= nil
  for _, fault in ipairs(err.others or {}) do
    has_unknown = has_unknown or fault.unknown_directive ~= nil
  end
  return auth_options.hints(err) .. (has_unknown and TRANSFORM or "")
end

---Lists the parts of the program that have no effect.
---@param options appsync.server.Options
---@param server appsync.server.Server
function schema_options.tell(options, server)
  local notes = require "appsync.server.develop.amplify_project".notes(options.schema_name)
  for _, note in ipairs(server.engine:unresolved()) do
    notes[#notes + 1] = note
  end
  for _, note in ipairs(notes) do
    options.say("note: " .. printable.escaped(note) .. "\n")
  end
end

---@param words table
---@param options appsync.server.Options
---@return integer? status, string? message
function schema_options.read(words, options)
  local paths = { schema = words[1], resolvers = words.resolvers, transforms = words.transform, seeds = options.seed_paths,
    conflict = options.conflict_words, transformer = tonumber(words.transformer) }
  local program = require "appsync.server.program".new(paths)
  local text, faults = program:read()
  if not text then
    return status.failure, require "appsync.server.develop.report".faults(faults, options.is_coloured)
  end
  program.current = text
  options.schema_name, options.schema_text, options.resolvers = words[1], text.source.text, text.resolvers
  options.seeds, options.transforms, options.functions = text.seeds, text.transforms, text.functions
  options.transformer = text.transformer
  options.conflict, options.conflict_handlers = text.conflict, text.conflict_handlers
  if text.authorizer then
    -- Another one may be loaded while the server runs.
    options.authorizer = function(...) return program.current.authorizer(...) end
  end
  options.program, options.on_failure, options.hints = program, failure_teller(options), schema_options.hints
  for _, note in ipairs(text.notes) do
    options.say("note: " .. printable.escaped(note) .. "\n")
  end
end

return schema_options
