---`appsync serve`: the local AppSync-compatible server. Each group of options is a module of `cli/serve/`.
local args = require "appsync.cli.args"
local auth_options = require "appsync.cli.serve.auth_options"
local function_fields = require "appsync.server.functions.function_fields"
local network_options = require "appsync.cli.serve.network_options"
local printable = require "appsync.printable"
local report = require "appsync.server.develop.report"
local schema_options = require "appsync.cli.serve.schema_options"
local status = require "appsync.cli.status"

local serve = {}

local GROUPS = {}
for i, name in ipairs({ "schema", "function", "network", "auth", "data", "realtime", "fault", "develop" }) do
  GROUPS[i] = require("appsync.cli.serve." .. name .. "_options")
end

---@type appsync.cli.Command
serve.command = {
  name = "serve",
  summary = "Serves a GraphQL schema as AWS AppSync would: HTTP, subscriptions, authorization, storage.",
  usage = "appsync serve SCHEMA [options]",
  positional = { { name = "SCHEMA", help = "a file or a folder of GraphQL, with AppSync's and Amplify's directives", is_required = true } },
  groups = GROUPS,
  notes = [[
When it serves it prints one line:
  READY http://HOST:PORT/graphql ws://HOST:PORT/graphql/realtime api-key=KEY
and, with --control, control=http://127.0.0.1:PORT behind it.
Modes: API_KEY, AWS_IAM, AMAZON_COGNITO_USER_POOLS, OPENID_CONNECT, AWS_LAMBDA;
the first that is enabled is the default. Without --api-key, --iam, --jwt-key and an
authorizer it makes an API key. SIGTERM and SIGINT end it with status 0.]],
}

---The server's options for the words of the command line.
---@param words table of `args.read`
---@return appsync.server.Options? options, integer? status, string? message
function serve.options(words)
  local options = {}
  -- Files are read last: a word that can't be meant is told first. The schema's group reads the most.
  for i = #GROUPS, 1, -1 do
    local code, message = GROUPS[i].read(words, options)
    if code then return nil, code, message end
  end
  auth_options.finish(options)
  return options
end

-- What to say of an error: a fault of the schema with its place, anything else in a line.
local function describe(err, options)
  if type(err) == "table" and (err.line or err.path or err.others) then
    return report.faults(options.program.current.source:faults(err), options.is_coloured) .. schema_options.hints(err)
  end
  return ("appsync serve: %s\n"):format(printable.escaped(type(err) == "table" and err.message or err))
end

local function ready_line(server, api_key)
  local http, websocket = server:urls()
  local line = ("READY %s %s"):format(http, websocket)
  line = api_key and (line .. " api-key=" .. api_key) or line
  local control = server:control_url()
  return control and (line .. " control=" .. control) or line
end

local function print_schema(options, out)
  local text, err, models = require("appsync.server").print_schema(options)
  if not text then
    out.fail(describe(err, options))
    return status.failure
  end
  schema_options.tell_transformer(models, options)
  out.write(text)
  return status.success
end

---Runs the command.
---@param words string[]
---@param out {write: fun(text: string), fail: fun(text: string)}
---@return integer status
function serve.run(words, out)
  local parsed, message = args.read(serve.command, words)
  if not parsed then
    out.fail(("appsync serve: %s\nTry appsync serve --help.\n"):format(printable.escaped(message)))
    return status.usage
  elseif parsed.help then
    out.write(args.help(serve.command))
    return status.success
  end
  local options, code
  require("appsync.server.time_limit").guard_process() -- before resolvers are loaded
  options, code, message = serve.options(parsed)
  if not options then
    -- Faults of files come with their places, each on lines of its own.
    out.fail(message:sub(-1) == "\n" and message or ("appsync serve: %s\n"):format(printable.escaped(message)))
    return code
  end
  if parsed["print-schema"] then return print_schema(options, out) end
  require("appsync.server.native").guard_process() -- this process is the server's
  local server, err = require("appsync.server").new(options)
  if not server then
    out.fail(describe(err, options))
    return status.failure
  end
  network_options.warn(options, server, out)
  local notes = function_fields.notes(server.engine)
  if notes ~= "" then
    options.say(notes)
  end
  schema_options.tell_transformer(server.engine.models, options)
  -- What the caches hold lives long: twice the memory of the default for a third of its collections.
  collectgarbage("setpause", 400)
  server:catch_signals() -- before the line that invites them
  out.write(printable.escaped(ready_line(server, options.api_keys[1])) .. "\n")
  schema_options.tell(options, server)
  server:run()
  return status.success
end

return serve
