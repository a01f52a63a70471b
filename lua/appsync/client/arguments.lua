---Arguments of calls with a document: `(document, variables, options)` or one table.
local auth = require "appsync.client.auth"
local document = require "appsync.document"
local errors = require "appsync.errors"
local headers = require "appsync.client.headers"
local opts = require "appsync.opts"
local variables_of = require "appsync.client.variables"

local arguments = {}

local LATER = "isn't available in this version"

---@class appsync.CallOptions
---@field operation_name string? picks one of several operations
---@field timeout number? seconds for the call as a whole
---@field auth_mode string? one of the configured modes
---@field auth appsync.Auth? this call's own identity
---@field headers table|function|nil
---@field idempotent boolean? true: the mutation may be sent more than once
---@field error_policy "all"|"none"|nil
---@field on_result fun(data: any, err: appsync.Error?, info: appsync.Info?)? called with the outcome; the call then returns a
---Task at once

---@class appsync.QueryOptions: appsync.CallOptions
---@field fetch_policy appsync.FetchPolicy? default: the client's
---@field result "table"|"json"|nil "json": the data comes as JSON text, as `appsync.encode` would write it, and no tables are made
---of it. Integers are exact in it, however large. `err.data` is a table all the same

---@class appsync.MutateOptions: appsync.CallOptions
---@field fetch_policy "network-only"|"no-cache"|nil "no-cache": the answer isn't kept
---@field optimistic_response table|fun(variables: table): table|nil the expected answer, with `__typename` in each object that
---has an id; watches show it until the real answer arrives
---@field update fun(cache: appsync.Cache, result: appsync.UpdateResult)? changes what the answer itself doesn't, such as lists.
---Called for the optimistic response and again for the answer; each call is one transaction, which is dropped if it throws. It
---must not wait, and must have the same effect however often it runs: `debug = true` of the client reports a write that doesn't
---@field cache_updates string|appsync.Document|table|nil cached queries whose first list the mutation's item is added to, removed
---from or replaced in: a query, a table {query =, variables =}, a list of these, or a table of them by kind (`auto`, `add`,
---`remove`, `update`). "auto", also of a bare query, means: by the name of the mutation's field, as in `createTodo`. In a table,
---`kind` and `id_field` (default "id") may be given. Unlike `update` these are data, not functions; with both, these come first
---@field queue boolean? false: it is sent at once, and not queued when there is no network. Default: true for a client with a
---store, except under nginx and for a call with an identity of its own, which is never queued
---@field refetch (string|appsync.Document|table)[]? queries that are sent again once the mutation has brought data: documents,
---or tables {query =, variables =, …}. The call doesn't wait for them; one that fails is logged

---@class appsync.SubscribeOptions
---@field operation_name string?
---@field auth_mode string?
---@field auth appsync.Auth?
---@field headers table|function|nil
---@field buffer integer? events; default 1024
---@field buffer_bytes integer? default 4 MB
---@field overflow "pause"|"drop_oldest"|"error"|nil when the buffer is full. "pause" (default): up to 8192 events or 2 MB more
---are kept back, then the socket isn't read, which may make the service end the connection; a subscriber that doesn't catch up
---within `timeouts.stall` ends. "drop_oldest": the loss is counted, and reported by `connection:observe()`. "error": the
---subscription ends with an error
---@field update fun(cache: appsync.Cache, result: appsync.UpdateResult)? changes what an event itself doesn't, such as lists.
---Called before the event is delivered; each call is one transaction, which is dropped if it throws. It must not wait
---@field share boolean? false: a server subscription of its own
---@field error_policy "all"|"none"|nil
---@field fetch_policy "network-only"|"no-cache"|nil "no-cache": its events aren't kept
---@field catch_up appsync.CatchUp? a query that fetches what the subscription has missed; it is emitted before the events that came
---meanwhile. `buffer` and `buffer_bytes` (defaults 8192 and 8 MB) then say what may wait: more is dropped, and fetched. Neither
---`overflow` nor `share` can be chosen

---@class appsync.WatchOptions
---@field operation_name string?
---@field auth_mode string?
---@field error_policy "all"|"none"|nil
---@field fetch_policy "cache-first"|"cache-and-network"|"network-only"|"cache-only"|"no-cache"|nil default "cache-first"
---@field timeout number? seconds, of each request
---@field poll number? seconds between two requests

local BASE = opts.schema{
  operation_name = { "string", is_line = true },
  auth = { "table", is_secret = true },
  auth_mode = { "string" },
  headers = { "table", "callable", is_secret = true },
  error_policy = { "string", values = { "none", "all" } },
  fetch_policy = { "string", values = { "network-only", "no-cache" } },
}

local CALL = opts.extend(BASE, {
  timeout = { "number", above = 0 },
  on_result = { "callable" },
  idempotent = { "boolean" },
})

local SCHEMAS = {
  query = opts.extend(CALL, {
    result = { "string", values = { "table", "json" } },
    fetch_policy = { "string", values = { "cache-first", "cache-and-network", "network-only", "cache-only", "no-cache" } },
  }),
  -- What is watched belongs to the client's own identity.
  watch = opts.schema{
    operation_name = { "string", is_line = true },
    auth_mode = { "string" },
    error_policy = { "string", values = { "none", "all" } },
    fetch_policy = { "string", values = { "cache-first", "cache-and-network", "network-only", "cache-only", "no-cache" } },
    timeout = { "number", above = 0 },
    poll = { "number", above = 0 },
  },
  mutation = opts.extend(CALL, {
    optimistic_response = { "table", "callable" },
    update = { "callable" },
    on_progress = { refuse = LATER },
    cache_updates = { "string", "table" },
    queue = { "boolean" },
    refetch = { "table" },
  }),
  subscription = opts.extend(BASE, {
    buffer = { "integer", min = 1 },
    buffer_bytes = { "integer", min = 1 },
    overflow = { "string", values = { "pause", "drop_oldest", "error" } },
    share = { "boolean" },
    update = { "callable" },
    catch_up = { "table" },
  }),
}

-- Where the document stands in the one-table form.
local DOCUMENT_KEYS = {
  query = { "query" }, mutation = { "mutation" }, subscription = { "query", "subscription" }, watch = { "query" },
}

-- What may stand there beside the options, for "did you mean".
local ONE_TABLE_NAMES = {}
for kind, keys in pairs(DOCUMENT_KEYS) do
  ONE_TABLE_NAMES[kind] = { variables = true }
  for _, key in ipairs(keys) do ONE_TABLE_NAMES[kind][key] = true end
end

-- Splits the one-table form.
local function from_table(given, kind, where)
  for key in pairs(given) do
    local names = ONE_TABLE_NAMES[kind]
    local near = type(key) == "string" and not names[key] and not SCHEMAS[kind].names[key] and opts.nearest(key, names)
    if near then errors.misuse("%s: unknown option \"%s\"; did you mean \"%s\"?", where, key, near) end
  end
  local options, found = {}, nil
  for key, value in pairs(given) do options[key] = value end
  for _, key in ipairs(DOCUMENT_KEYS[kind]) do
    if options[key] ~= nil then
      found = found or options[key]
      options[key] = nil
    end
  end
  if found == nil then
    errors.misuse("%s: the table must have the document as %s", where, table.concat(DOCUMENT_KEYS[kind], " or "))
  end
  local variables = options.variables
  options.variables = nil
  return found, variables, options
end

local function check_options(given, schema, where)
  local options = opts.check(given, schema, where)
  if options.auth then options.auth = auth.check(options.auth, where .. ": auth") end
  headers.check(options.headers, where)
  if options.auth_mode then options.auth_mode = auth.mode(options.auth_mode, where) end
  return options
end

---@class appsync.client.Plan
---@field document appsync.Document
---@field operation appsync.core.Operation
---@field variables table?
---@field undeclared string[]? names of variables that aren't sent
---@field options table
---@field where string
---@field cache appsync.core.Cache? that its data goes into
---@field refetch appsync.client.Plan[]? of a mutation
---@field is_queued boolean? of a mutation: it goes through the outbox
---@field cache_rules appsync.CacheRule[]? of a mutation

---@param kind "query"|"mutation"|"subscription"|"watch"
---@param where string
---@param given string|appsync.Document|table
---@param variables table?
---@param options table?
---@return appsync.client.Plan
function arguments.plan(kind, where, given, variables, options)
  if type(given) == "table" and not document.is(given) then
    if variables ~= nil or options ~= nil then
      errors.misuse("%s: with one table, variables and options go into it", where)
    end
    given, variables, options = from_table(given, kind, where)
  end
  local schema = SCHEMAS[kind]
  options = options == nil and {} or check_options(options, schema, where)
  local parsed, operation = document.pick(given, kind == "watch" and "query" or kind, options.operation_name, where)
  local sent, undeclared = variables_of.declared(variables, operation, schema.names, where)
  return {
    document = parsed, operation = operation, options = options, where = where, variables = sent, undeclared = undeclared,
  }
end

---The same of a query that is read at once, for which nothing has to be kept.
---@param where string
---@param given string|appsync.Document|table
---@param variables table?
---@return appsync.Document document, appsync.core.Operation operation, table? variables
function arguments.question(where, given, variables)
  if type(given) == "table" and not document.is(given) then
    local plan = arguments.plan("query", where, given, variables)
    return plan.document, plan.operation, plan.variables
  end
  local parsed, operation = document.pick(given, "query", nil, where)
  if variables_of.are_sent(variables, operation) then return parsed, operation, variables end
  return parsed, operation, (variables_of.declared(variables, operation, SCHEMAS.query.names, where))
end

---What a headers function gets.
---@param plan appsync.client.Plan
---@return appsync.Operation
function arguments.operation(plan)
  return {
    kind = plan.operation.kind, name = plan.operation.name, variables = plan.variables or {},
    document = plan.document,
  }
end

return arguments
