---Log lines. They go to a client's `log` function, else warnings and errors go to stderr, each text once, with a traceback if
---there is one.
local printable = require "appsync.printable"

local log = {}

local MAX_SEEN = 1000
local seen, n_seen = {}, 0
local default_sink

local function to_stderr(level, message, traceback)
  if level ~= "warn" and level ~= "error" then return end
  if seen[message] then return end
  if n_seen >= MAX_SEEN then seen, n_seen = {}, 0 end
  seen[message], n_seen = true, n_seen + 1
  local stack = traceback and traceback:match "\n(stack traceback:.*)" -- what comes before is in the message
  io.stderr:write("appsync: ", level, ": ", message, "\n", stack and printable.escaped_lines(stack) .. "\n" or "")
end

---The function that gets what belongs to no client: failed tasks, waits that block a frame.
---@param sink function? nil: stderr
function log.set_default(sink)
  default_sink = sink
end

---@return function?
function log.default()
  return default_sink
end

---A `log` function that throws is told on stderr and does no other harm.
---@param sink function? a client's `log`
---@param level "debug"|"info"|"warn"|"error"
---@param message string made one line of printable text
---@param fields table?
function log.emit(sink, level, message, fields)
  sink, message = sink or default_sink, printable.line(printable.text(message))
  if not sink then return to_stderr(level, message, fields and fields.traceback) end
  local ok, raised = pcall(sink, level, message, fields or {})
  if not ok then to_stderr("error", printable.line("the log function raised: " .. printable.text(raised))) end
end

return log
