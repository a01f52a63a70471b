---Options of `appsync serve`: the faults that it plays, and by what tests change and ask them.
local file = require "appsync.server.develop.file"
local status = require "appsync.cli.status"

---@type appsync.cli.Group
local fault_options = {
  title = "Faults",
  options = {
    { name = "faults", value = "FILE", help = "play the fault rules of this JSON file; see docs/faults.md" },
    { name = "fault", value = "RULE", help = "one rule: refuse=reset,kind=mutation,times=2, or JSON", is_list = true },
    {
      name = "control", value = "PORT", help = "control endpoint on 127.0.0.1; 0: a free port", kind = "integer", min = 0,
      max = 65535,
    },
    {
      name = "clock",
      value = "TIME",
      help = "data clock: frozen at 2026-01-31T12:00:00Z, or +3600 s ahead",
    },
  },
}

local function add(options, rules)
  options.faults = options.faults or {}
  for _, rule in ipairs(rules) do
    table.insert(options.faults, rule)
  end
end

---@param words table
---@param options appsync.server.Options
---@return integer? status, string? message
function fault_options.read(words, options)
  options.control = words.control
  if words.clock then
    local message
    options.data_time, message = require("appsync.server.fault.data_clock").parse(words.clock)
    if not options.data_time then
      return status.usage, ("--clock: %s"):format(message)
    end
  end
  local fault = require "appsync.server.fault"
  for _, word in ipairs(words.fault or {}) do
    local rules, message = fault.parse_word(word)
    if not rules then return status.usage, message end
    add(options, rules)
  end
  if words.faults then
    local text, message = file.read(words.faults, "settings")
    local rules
    if text then
      rules, message = fault.parse(text, words.faults)
    end
    if not rules then return status.failure, message end
    add(options, rules)
  end
end

return fault_options
