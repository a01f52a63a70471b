---The options of a simulation.
local document = require "appsync.document"
local errors = require "appsync.errors"
local network = require "appsync.simulate.network"
local opts = require "appsync.opts"
local schedule = require "appsync.simulate.schedule"
local simulated_syncs = require "appsync.simulate.simulated_syncs"

local simulate_options = {}

local MODES = { "API_KEY", "AMAZON_COGNITO_USER_POOLS", "OPENID_CONNECT", "AWS_LAMBDA" }

---How often each fault comes. The first eight: of the requests. The next three: of a subscription's events. The others: of the steps.
---@class appsync.simulate.Faults
---@field refuse number? default 0.04: no connection can be made
---@field drop number? default 0.05: the request is lost on its way
---@field lose_answer number? default 0.06: it is executed, and its answer is lost, late beyond all time-outs, or a gateway's 502
---@field delay number? default 0.08: the request, or its answer, comes up to a minute later
---@field duplicate number? default 0: a proxy in between sends it a second time
---@field unavailable number? default 0.03: 503
---@field throttle number? default 0.03: 429
---@field fail_query number? default 0, with `syncs` 0.04: a query is answered with an error
---@field lose_event number? default 0, with `syncs` 0.05: it never comes
---@field late_event number? likewise: it comes up to a minute later, after others
---@field duplicate_event number? likewise: it comes once more, later
---@field kill number? default 0.06: the program is killed, and starts again
---@field restart number? default 0.03: the program closes its client, and starts again
---@field offline number? default 0.05: there is no network for up to two minutes
---@field clock_jump number? default 0.03: the device's clock is set, by up to 12 hours; with `syncs` 24
---@field expire_token number? default 0.03: in a mode with tokens, the present one isn't taken any more
---@field disconnect number? default 0, with `syncs` 0.06: WebSockets end
---@field half_open number? default 0, with `syncs` 0.03: nothing comes on WebSockets any more, and nobody is told
---@field service_restart number? likewise: the service ends its WebSockets, and isn't there for up to 10 seconds
---@field away number? default 0, with `syncs` 0.04: the program is closed, or without a network, for up to 60 times `delta_window`
---@field expire_pages number? default 0, with `syncs` 0.03: no token of a page that was given is taken any more
local FAULTS = {
  refuse = 0.04, drop = 0.05, lose_answer = 0.06, delay = 0.08, duplicate = 0, unavailable = 0.03, throttle = 0.03, kill = 0.06,
  restart = 0.03, offline = 0.05, clock_jump = 0.03, expire_token = 0.03, fail_query = 0, lose_event = 0, late_event = 0,
  duplicate_event = 0, disconnect = 0, half_open = 0, service_restart = 0, away = 0, expire_pages = 0,
}

local WITH_SYNCS = {
  fail_query = 0.04, lose_event = 0.05, late_event = 0.05, duplicate_event = 0.05, disconnect = 0.06, half_open = 0.03,
  service_restart = 0.03, away = 0.04, expire_pages = 0.03,
}

local SHARE = { "number", min = 0, max = 1 }

local function share_fields()
  local fields = {}
  for name in pairs(FAULTS) do fields[name] = SHARE end
  return fields
end

local SCHEMA = opts.schema{
  schema = { "string" },
  resolvers = { "table" },
  conflict = { "string", values = { "automerge", "optimistic", "lambda" } },
  conflict_handlers = { "table" },
  auth = { "string", values = MODES },
  client = { "table" },
  start = { "callable" },
  actions = { "table" },
  others = { "table" },
  queries = { "table" },
  syncs = { "table" },
  invariant = { "callable" },
  faults = { "table", fields = opts.schema(share_fields()) },
  schedules = { "integer", min = 1 },
  steps = { "integer", min = 1 },
  seed = { "integer", min = 1 },
  progress = { "callable" },
}

---@class appsync.simulate.Options
---@field schema string SDL, with Amplify's directives, or the path of a file with it
---@field resolvers table<string, table<string, function>>? of the service, by type and field, as for `appsync serve`
---@field conflict "automerge"|"optimistic"|"lambda"|nil all models are versioned, and conflicts are handled so
---@field conflict_handlers table<string, function>? for "lambda", by model
---@field auth "API_KEY"|"AMAZON_COGNITO_USER_POOLS"|"OPENID_CONNECT"|"AWS_LAMBDA"|nil default "API_KEY"; the others have tokens,
---which expire
---@field client appsync.ClientOptions? the program's, such as `conflict_resolver`, `updates`, `outbox`; the simulation gives it
---endpoint, auth, store and network
---@field start (fun(client: appsync.Client, random: appsync.simulate.Random, state: table))? what the program does when it starts
---@field actions table<string, fun(client: appsync.Client, random: appsync.simulate.Random, state: table)> what its user does, each
---a task. `state` is the schedule's, and outlives kills
---@field others table<string, fun(server: appsync.simulate.Service, random: appsync.simulate.Random, state: table)>? what other
---users do, at the service
---@field queries (string|{[1]: string, [2]: table?})[]? documents, with variables, that the program asks for when it starts, and
---keeps up to date by its `updates`
---@field syncs appsync.SyncOptions[]? delta syncs that the program begins when it starts, each an argument of `client:sync`
---@field invariant (fun(final: appsync.simulate.Final): boolean?, string?)? what must hold in the end; false, or a raise: it doesn't
---@field faults appsync.simulate.Faults?
---@field schedules integer? how many, default 1000
---@field steps integer? at most, of a schedule; default 16
---@field seed integer? of the first schedule; the others follow it. Default: a new one each time
---@field progress fun(done: integer, of: integer)? called now and then

local WHERE = "appsync.simulate"

local function names_of(functions, what)
  local names = {}
  for name, fn in pairs(functions or {}) do
    if type(name) ~= "string" then errors.misuse("%s: %s has the key %s; the keys are names", WHERE, what, (errors.describe(name))) end
    opts.expect_callable(fn, what .. "." .. name, WHERE)
    names[#names + 1] = name
  end
  table.sort(names)
  return names
end

-- Text, unless it is the path of a file.
local function read_schema(given)
  if given:find("[{\n]") then return given, "schema" end
  local file, message = io.open(given, "r")
  if not file then errors.misuse("%s: schema: %s", WHERE, message) end
  local text = file:read("*a")
  file:close()
  return text, given
end

local function read_queries(given)
  local queries = {}
  for i, asked in ipairs(given or {}) do
    local is_pair = type(asked) == "table" and not document.is(asked)
    local text = is_pair and asked[1] or asked
    if type(text) ~= "string" and not document.is(text) then
      errors.misuse("%s: queries[%d] must be a document, or {document, variables}", WHERE, i)
    end
    queries[i] = { document = tostring(text), variables = is_pair and asked[2] or nil }
  end
  return queries
end

local OURS = { "endpoint", "realtime_endpoint", "auth", "auths", "store", "config", "seed", "proxy", "tls", "identity" }

local function check_client(given)
  for _, name in ipairs(OURS) do
    if (given or {})[name] ~= nil then errors.misuse("%s: client.%s is the simulation's own; leave it out", WHERE, name) end
  end
  return given or {}
end

local function faults_of(given, has_syncs)
  local faults = {}
  for name, share in pairs(FAULTS) do faults[name] = (given or {})[name] or has_syncs and WITH_SYNCS[name] or share end
  for _, list in ipairs{ network.FAULTS, schedule.FAULTS } do
    local sum = 0
    for _, name in ipairs(list) do sum = sum + faults[name] end
    if sum > 1 then errors.misuse("%s: faults: %s add up to %g, above 1", WHERE, table.concat(list, ", "), sum) end
  end
  return faults
end

---@param given appsync.simulate.Options
---@return table options
function simulate_options.check(given)
  local options = opts.check(given, SCHEMA, WHERE)
  if not options.schema then errors.misuse("%s: schema is missing", WHERE) end
  options.schema_text, options.schema_name = read_schema(options.schema)
  options.action_names = names_of(options.actions, "actions")
  options.other_names = names_of(options.others, "others")
  if #options.action_names == 0 then errors.misuse("%s: actions is missing: what does the program do?", WHERE) end
  options.queries = read_queries(options.queries)
  options.client = check_client(options.client)
  options.syncs = simulated_syncs.read(options.syncs)
  options.faults = faults_of(options.faults, #options.syncs > 0)
  options.auth = options.auth or "API_KEY"
  options.schedules, options.steps = options.schedules or 1000, options.steps or 16
  return options
end

return simulate_options
