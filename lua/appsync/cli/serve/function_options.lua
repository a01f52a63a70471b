--- Options of `appsync serve`: what the names of @function are bound to.
local bindings = require("appsync.server.functions.bindings")
local command_words = require("appsync.server.functions.command_words")
local printable = require("appsync.printable")
local status = require("appsync.cli.status")

---@type appsync.cli.Group
local function_options = {
  title = "Functions",
  options = {
    { name = "function", value = "NAME=COMMAND", help = "@function(name: NAME) runs this command for each event: JSON on its\n"
      .. "standard input, its answer's JSON on its standard output", is_list = true },
    { name = "function-lines", value = "NAME=COMMAND", help = "the same, but it goes on running: an event a line, an answer a line",
      is_list = true },
    { name = "function-timeout", value = "SECONDS", help = "how long a function may take; default: 30", kind = "number", min = 0.001,
      max = 900 },
  },
}

local function read(commands, option, list, by_lines)
  for _, text in ipairs(list or {}) do
    local name, command = text:match("^([^=]+)=(.+)$")
    if not name then return ("--%s expects NAME=COMMAND, not %q"):format(option, text) end
    local words, message = command_words.split(command)
    if not words then return ("--%s %s: %s"):format(option, name, message) end
    if commands[name] then return ("--%s: '%s' is bound twice"):format(option, name) end
    commands[name] = { words = words, by_lines = by_lines }
  end
end

---@param words table
---@param options appsync.server.Options
---@return integer? status, string? message
function function_options.read(words, options)
  local commands = {}
  local message = read(commands, "function", words["function"], false)
    or read(commands, "function-lines", words["function-lines"], true)
  if message then return status.usage, message end
  options.function_bindings, options.function_timeout = bindings.new(commands), words["function-timeout"]
end

local function quoted(names)
  local shown = {}
  for i, name in ipairs(names) do shown[i] = "'" .. printable.escaped(name) .. "'" end
  return table.concat(shown, ", ")
end

--- Says which names are bound to nothing, and which bindings nothing needs.
---@param options appsync.server.Options
---@param server appsync.server.Server
function function_options.warn(options, server)
  local unbound, unused = server.engine.unbound, server.engine.unused
  if #unbound > 0 then
    options.say(("note: @function: nothing is bound to %s; such fields answer with an error (--function NAME=COMMAND, or 'functions' of "
      .. "the resolvers file)\n"):format(quoted(unbound)))
  end
  if #unused > 0 then
    options.say(("note: @function: no field names %s\n"):format(quoted(unused)))
  end
end

return function_options
