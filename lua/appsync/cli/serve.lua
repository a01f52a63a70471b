--- `appsync serve`: the local AppSync-compatible server.
local args = require("appsync.cli.args")

local serve = {}

---@type appsync.cli.Command
serve.command = {
  name = "serve",
  summary = "Serves a GraphQL schema as AWS AppSync would: HTTP, subscriptions, authorization, storage.",
  usage = "appsync serve SCHEMA [options]",
  positional = { { name = "SCHEMA", help = "GraphQL; AppSync's directives and @model are understood", is_required = true } },
  options = {
    { name = "host", value = "HOST", help = "address to listen on; default 127.0.0.1" },
    { name = "port", value = "PORT", help = "default 0: a free one", kind = "integer", min = 0, max = 65535 },
    { name = "api-key", value = "KEY", help = "accept this API key", is_list = true },
    { name = "iam", value = "KEY:SECRET", help = "accept signatures by this access key", is_list = true },
    { name = "jwt-key", value = "FILE", help = "accept its tokens: PEM, JWKS or a secret", is_list = true },
    { name = "auth-default", value = "MODE", help = "the default mode of fields: API_KEY, AWS_IAM, …; see below" },
    { name = "resolvers", value = "FILE.lua", help = "resolvers of custom fields, and an authorizer" },
    { name = "store", value = "FILE", help = "keep the data in this file; default: in memory" },
    {
      name = "conflict",
      value = "STRATEGY",
      help = "automerge, optimistic or lambda; not there yet",
      choices = { "automerge", "optimistic", "lambda" },
    },
    { name = "faults", value = "FILE", help = "not there yet" },
    { name = "tls", value = "CERT,KEY", help = "PEM files: serve https and wss" },
    { name = "max-subscriptions", value = "N", help = "of one connection; default 200", kind = "integer", min = 1 },
    { name = "ka", value = "SECONDS", help = "between keep-alive messages; default 60", kind = "number", min = 0.01 },
    { name = "print-schema", help = "print the complete schema and end" },
    { name = "trace", help = "log every request and message to stderr" },
  },
  notes = [[
When it serves it prints one line:
  READY http://HOST:PORT/graphql ws://HOST:PORT/graphql/realtime api-key=KEY
Modes: API_KEY, AWS_IAM, AMAZON_COGNITO_USER_POOLS, OPENID_CONNECT, AWS_LAMBDA;
the first that is enabled is the default. Without --api-key, --iam, --jwt-key and an
authorizer it makes an API key. SIGTERM and SIGINT end it with status 0.]],
}

local MODES = {
  API_KEY = "API_KEY",
  AWS_IAM = "AWS_IAM",
  AMAZON_COGNITO_USER_POOLS = "AMAZON_COGNITO_USER_POOLS",
  OPENID_CONNECT = "OPENID_CONNECT",
  AWS_LAMBDA = "AWS_LAMBDA",
  apiKey = "API_KEY",
  iam = "AWS_IAM",
  userPool = "AMAZON_COGNITO_USER_POOLS",
  oidc = "OPENID_CONNECT",
  lambda = "AWS_LAMBDA",
}

local USAGE, FAILURE = 2, 1

local function read_file(path)
  local file, message = io.open(path, "rb")
  if not file then
    return nil, message
  end
  local text
  text, message = file:read("*a")
  file:close()
  if not text then
    return nil, path .. ": " .. tostring(message)
  end
  return text
end

local readers = {}

function readers.iam(words, options)
  options.iam = {}
  for _, pair in ipairs(words.iam or {}) do
    local key, secret = pair:match("^([^:]+):(.+)$")
    if not key then
      return USAGE, "--iam expects ACCESS_KEY:SECRET"
    end
    options.iam[key] = secret
  end
end

readers["jwt-key"] = function(words, options)
  options.jwt_keys = {}
  for _, path in ipairs(words["jwt-key"] or {}) do
    local text, message = read_file(path)
    local keys
    if text then
      keys, message = require("appsync.server.auth.jwt").read_keys(text)
      message = keys and nil or path .. ": " .. tostring(message)
    end
    if not keys then
      return FAILURE, message
    end
    for _, key in ipairs(keys) do
      table.insert(options.jwt_keys, key)
    end
  end
end

readers["auth-default"] = function(words, options)
  local mode = words["auth-default"]
  if mode then
    options.auth_default = MODES[mode]
    if not options.auth_default then
      return USAGE, ("--auth-default: there is no mode %q; it is one of API_KEY, AWS_IAM, "):format(mode)
        .. "AMAZON_COGNITO_USER_POOLS, OPENID_CONNECT, AWS_LAMBDA"
    end
  end
end

function readers.resolvers(words, options)
  if not words.resolvers then
    return
  end
  local by_type, authorizer = require("appsync.server.resolvers").load(words.resolvers)
  if not by_type then
    return FAILURE, authorizer
  end
  options.resolvers, options.authorizer = by_type, authorizer
end

function readers.faults(words)
  if words.faults then
    return USAGE, "--faults comes with a later release; this one injects no faults"
  end
end

function readers.conflict(words)
  if words.conflict then
    return USAGE, "--conflict comes with a later release; this one has no versioned models"
  end
end

function readers.tls(words, options)
  if words.tls then
    local cert, key = words.tls:match("^([^,]+),([^,]+)$")
    if not cert then
      return USAGE, "--tls expects two files: CERT,KEY"
    end
    options.tls = { cert = cert, key = key }
  end
end

local function default_api_key(options)
  local has_other = next(options.iam) ~= nil or #options.jwt_keys > 0 or options.authorizer
  if #options.api_keys == 0 and not has_other then
    local letters = require("appsync.core").uuid():gsub("-", "")
    options.api_keys = { "da2-" .. letters:sub(1, 26) }
  end
end

--- The server's options for the words of the command line.
---@param words table of `args.read`
---@return appsync.server.Options? options, integer? status, string? message
function serve.options(words)
  local options = {
    schema_name = words[1],
    host = words.host,
    port = words.port,
    api_keys = words["api-key"] or {},
    store = words.store,
    max_subscriptions = words["max-subscriptions"],
    ka = words.ka,
    trace = words.trace,
  }
  for _, name in ipairs({ "faults", "conflict", "iam", "auth-default", "tls", "jwt-key", "resolvers" }) do
    local status, message = readers[name](words, options)
    if status then
      return nil, status, message
    end
  end
  local message
  options.schema_text, message = read_file(words[1])
  if not options.schema_text then
    return nil, FAILURE, message
  end
  default_api_key(options)
  return options
end

local function describe(err, schema_name)
  if type(err) ~= "table" then
    return tostring(err)
  elseif err.line then
    local text = err.message:gsub(" %(line %d+, column %d+%)$", "")
    return ("%s:%d:%d: %s"):format(schema_name, err.line, err.column or 1, text)
  end
  return err.message
end

local function ready_line(server, api_key)
  local http, websocket = server:urls()
  local line = ("READY %s %s"):format(http, websocket)
  return api_key and (line .. " api-key=" .. api_key) or line
end

--- Runs the command.
---@param words string[]
---@param out {write: fun(text: string), fail: fun(text: string)}
---@return integer status
function serve.run(words, out)
  local parsed, message = args.read(serve.command, words)
  if not parsed then
    out.fail(("appsync serve: %s\nTry appsync serve --help.\n"):format(message))
    return USAGE
  elseif parsed.help then
    out.write(args.help(serve.command))
    return 0
  end
  local options, status
  options, status, message = serve.options(parsed)
  if not options then
    out.fail(("appsync serve: %s\n"):format(message))
    return status
  end
  local server, err = require("appsync.server").new(options)
  if not server then
    out.fail(("appsync serve: %s\n"):format(describe(err, options.schema_name)))
    return FAILURE
  end
  if parsed["print-schema"] then
    out.write(server.engine:print_schema())
    server:close()
    return 0
  end
  server:catch_signals() -- before the line that invites them
  out.write(ready_line(server, options.api_keys[1]) .. "\n")
  server:run()
  return 0
end

return serve
