---Options of `appsync serve`: what the names of @function are bound to.
local bindings = require "appsync.server.functions.bindings"
local command_words = require "appsync.server.functions.command_words"
local status = require "appsync.cli.status"

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
  options.function_bindings.timeout_s = options.function_timeout
end

return function_options
