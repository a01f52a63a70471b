---Options of `appsync serve`: what it tells the people who develop with it.
local core = require "appsync.core"
local native = require "appsync.server.native"
local log_record = require "appsync.server.develop.log_record"
local printable = require "appsync.printable"
local status = require "appsync.cli.status"
local trace = require "appsync.server.develop.trace"

local STDERR = 2

---@type appsync.cli.Group
local develop_options = {
  title = "Development",
  options = {
    {
      name = "log",
      value = "FORMAT",
      help = "one line on stderr for each request and WebSocket: text, json or none;\ndefault: text on a terminal, else none",
      choices = { "text", "json", "none" },
    },
    { name = "trace", help = "tell on stderr which resolvers ran, with what, for how long" },
    { name = "trace-field", value = "TYPE.FIELD", help = "trace only this field", is_list = true },
    { name = "no-watch", help = "don't reload the schema, the resolvers and the keys when they change" },
  },
}

local function write(text)
  io.stderr:write(text)
end

-- What isn't a record, as one: with --log json every line on standard error is an object.
local function teller(kind, is_json)
  if not is_json then return write end
  return function(text)
    write(log_record.json({ at = core.wall(), kind = kind, text = (text:gsub("\n$", "")) }) .. "\n")
  end
end

local function log_teller(is_json)
  local tell = teller("message", is_json)
  return function(text)
    tell((is_json and "" or "appsync serve: ") .. printable.escaped(text) .. "\n")
  end
end

---@param words table
---@param options appsync.server.Options
---@return integer? status, string? message
function develop_options.read(words, options)
  local is_terminal = native.is_terminal(STDERR)
  local no_color = os.getenv("NO_COLOR")
  local format = words.log or (is_terminal and "text" or "none")
  local is_json = format == "json"
  options.is_coloured = is_terminal and not is_json and (no_color == nil or no_color == "")
  options.say, options.log = teller("message", is_json), log_teller(is_json)
  options.is_watched = not words["no-watch"]
  for _, name in ipairs(words["trace-field"] or {}) do
    if not name:find("^[%a_][%w_]*%.[%a_][%w_]*$") then
      return status.usage, ("--trace-field expects TYPE.FIELD, as in Query.listTodos, not %q"):format(name)
    end
  end
  if words.trace or words["trace-field"] then
    options.tracer = trace.new({ write = teller("trace", is_json), only = not words.trace and words["trace-field"] or nil })
  end
  if format ~= "none" then
    local render = is_json and log_record.json or log_record.line
    options.on_record = function(record) write(render(record) .. "\n") end
  end
end

return develop_options
